// SPDX-License-Identifier: Apache-2.0
/*
 * Paths in 8.3 names, on shares that offer them: what is not there as written may be a short name
 * of something that is. For a while a name that is deleted is remembered with its short one, so
 * that a program that knows only that, and saves by deleting and writing anew, keeps the long one
 * (MS-FSA 2.1.1.1, the tunnel cache).
 *
 * tunnel_lock is a leaf and guards the names that are remembered.
 */
#include <base/utf16.h>

#include "opens.h"

#define TUNNEL_MS    15000u
#define TUNNEL_NAMES 64u

static struct tunnel {
	struct volume_key directory;
	char short_name[VOLUME_SHORT_NAME];
	char *name;
	uint64_t until_ms;
} tunnels[TUNNEL_NAMES];
static unsigned next_tunnel;
static pthread_mutex_t tunnel_lock = PTHREAD_MUTEX_INITIALIZER;

void short_name_remember(const struct volume_key *directory, const char *name)
{
	struct tunnel tunnel = { .directory = *directory, .until_ms = monotonic_ms() + TUNNEL_MS };

	if (volume_name_is_short(name))
		return;
	volume_short_name(name, tunnel.short_name);
	tunnel.name = xstrdup(name);
	pthread_mutex_lock(&tunnel_lock);
	free(tunnels[next_tunnel].name);
	tunnels[next_tunnel] = tunnel;
	next_tunnel = (next_tunnel + 1) % TUNNEL_NAMES;
	pthread_mutex_unlock(&tunnel_lock);
}

/* The long name that @short_name had in @directory a moment ago, a new string; or NULL. */
static char *remembered(const struct volume_key *directory, const char *short_name)
{
	uint64_t now = monotonic_ms();
	char *name = NULL;

	pthread_mutex_lock(&tunnel_lock);
	for (size_t i = 0; i < TUNNEL_NAMES && !name; i++) {
		const struct tunnel *t = &tunnels[i];

		if (t->name && now < t->until_ms && volume_key_equal(&t->directory, directory) &&
		    !name_compare(t->short_name, short_name))
			name = xstrdup(t->name);
	}
	pthread_mutex_unlock(&tunnel_lock);
	return name;
}

/* What the last component of @path stands for: a new string, or NULL where it is there as written.
 */
static char *long_name(struct volume_node *root, const char *path, bool creates)
{
	cleanup(volume_lookup_end) struct volume_lookup lookup = { 0 };
	const char *asked = path_name(path);
	char *name = NULL;

	if (!strchr(asked, '~') || volume_lookup(root, path, &lookup) != STATUS_SUCCESS ||
	    lookup.exists || !lookup.parent)
		return NULL;
	if (volume_long_name(lookup.parent, asked, &name) == STATUS_SUCCESS)
		return name;
	return creates ? remembered(&lookup.parent->key, asked) : NULL;
}

char *short_path_resolve(struct volume_node *root, const char *path, bool creates)
{
	char auto_free *copy = xstrdup(path);
	char *rest = copy, *component, *walked = xstrdup("");
	bool changed = false;

	while ((component = strsep(&rest, "/"))) {
		char auto_free *above = walked;
		char auto_free *as_asked = path_join(above, component);
		char auto_free *name = long_name(root, as_asked, creates && !rest);

		walked = path_join(above, name ? name : component);
		changed |= name != NULL;
	}
	if (changed)
		return walked;
	free(walked);
	return NULL;
}
