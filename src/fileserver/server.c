// SPDX-License-Identifier: Apache-2.0
/*
 * A file server from its home: settings, shares, administrative shares. What a reload changes is
 * guarded by the server's own lock (the table of shares) and by the registry's (names and
 * addresses).
 */
#include "scopes.h"

#include <base/log.h>
#include <base/utf16.h>

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static _Atomic uint64_t next_id = 1;

/* A name is split from @list at its commas and added where it is not there yet. */
static void add_names(char **names, size_t *count, const char *list)
{
	auto_free char *copy = list ? xstrdup(list) : NULL;
	char *rest = copy, *word;

	while (rest && (word = strsep(&rest, ", ")) != NULL) {
		bool known = !word[0];

		for (size_t i = 0; i < *count && !known; i++)
			known = !name_compare(names[i], word);
		if (!known && *count < SERVER_MAX_NAMES)
			names[(*count)++] = xstrdup(word);
	}
}

static void read_names(struct server *server)
{
	auto_free char *fqdn = store_setting(server->store, "fqdn");
	auto_free char *aliases = store_setting(server->store, "aliases");
	char *names[SERVER_MAX_NAMES];
	size_t count = 0;

	add_names(names, &count, server->name);
	add_names(names, &count, fqdn);
	add_names(names, &count, aliases);
	server_set_names(server, names, count);
	for (size_t i = 0; i < count; i++)
		free(names[i]);
}

static bool setting_is(struct server *server, const char *key, const char *value)
{
	auto_free char *stored = store_setting(server->store, key);

	return stored && !strcmp(stored, value);
}

/* A setting that is "no" or a list of shares; NULL for "no". */
static char *share_list(struct server *server, const char *key)
{
	char *value = store_setting(server->store, key);

	if (value && strcmp(value, "no") != 0 && value[0])
		return value;
	free(value);
	return NULL;
}

static void replace_text(char **slot, char *fresh)
{
	free(*slot);
	*slot = fresh;
}

static int read_settings(struct server *server, char **why)
{
	struct server_private *own = server->private_part;
	auto_free char *visibility = store_setting(server->store, "visibility");
	auto_free char *letter = store_setting(server->store, "drive_letter");
	enum visibility shows = VISIBILITY_SERVER;
	char drive;

	if (!visibility || !visibility_parse(visibility, &shows)) {
		*why = xasprintf("the setting visibility of %s cannot be read: %s", server->name,
				 visibility ? visibility : store_problem());
		return -EUCLEAN;
	}
	server->visibility = server->is_node ? VISIBILITY_SERVER : shows;
	drive = server->is_node ? DRIVE_OF_NODE : DRIVE_OF_SERVER;
	if (letter && letter[0] >= 'A' && letter[0] <= 'Z' && !letter[1] &&
	    !(server->is_node && letter[0] == DRIVE_OF_SERVER))
		drive = letter[0];
	server->drive_letter = drive;
	server->signing_required = setting_is(server, "signing", "required");
	server->encryption_required = setting_is(server, "encryption", "required");
	server->encryption_desired = setting_is(server, "encryption", "desired");
	pthread_mutex_lock(&own->lock);
	replace_text(&own->comment, store_setting(server->store, "comment"));
	replace_text(&own->guest_shares, share_list(server, "guest"));
	replace_text(&own->anonymous_shares, share_list(server, "anonymous"));
	server->guest_allowed = own->guest_shares != NULL;
	server->anonymous_allowed = own->anonymous_shares != NULL;
	pthread_mutex_unlock(&own->lock);
	read_names(server);
	return 0;
}

#define SPECIAL_SHARES 3 /* IPC$, ADMIN$ and the drive share stand first */

/* A table of shares that is being put together. */
struct table {
	struct share **shares;
	size_t count;
	size_t next; /* where the name looked for is likely to be: both tables have the store's
			order */
};

static struct share *table_find(struct table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++) {
		size_t at = (table->next + i) % table->count;

		if (!name_compare(table->shares[at]->name, name)) {
			table->next = at + 1;
			return table->shares[at];
		}
	}
	return NULL;
}

static void table_add(struct table *table, struct share *share)
{
	table->shares = reallocarray(table->shares, table->count + 1, sizeof(struct share *));
	BUG_ON(!table->shares);
	table->shares[table->count++] = share;
}

/* The share as it was where it is still the same, else a new one. */
static void carry_special(struct table *fresh, struct table *old, struct server *server,
			  const char *name, const char *path, const char *remark, bool is_admin)
{
	struct share *kept = table_find(old, name);

	if (kept && !strcmp(kept->path, path) && kept->is_admin == is_admin) {
		__atomic_add_fetch(&kept->refs, 1, __ATOMIC_RELAXED);
		table_add(fresh, kept);
	} else {
		table_add(fresh, share_new_special(server, name, path, remark, is_admin));
	}
}

static void carry(struct table *fresh, struct table *old, struct server *server,
		  const struct store_share *from)
{
	struct share *kept = table_find(old, from->name);

	for (size_t i = 0; i < SPECIAL_SHARES; i++) {
		if (!name_compare(fresh->shares[i]->name, from->name))
			return; /* an administrative share has the name */
	}
	if (kept && !strcmp(kept->path, from->path) && !strcmp(kept->name, from->name) &&
	    !kept->is_admin && !kept->is_ipc) {
		__atomic_add_fetch(&kept->refs, 1, __ATOMIC_RELAXED);
		share_update(kept, from);
		table_add(fresh, kept);
	} else {
		table_add(fresh, share_new(server, from));
	}
}

static int read_shares(struct server *server, char **why)
{
	struct server_private *own = server->private_part;
	struct table fresh = { 0 }, old;
	struct store_share *stored;
	char drive[3] = { server->drive_letter, '$', 0 };
	size_t count;
	int error = store_shares(server->store, &stored, &count);

	if (error) {
		*why = xasprintf("the shares of %s cannot be read: %s", server->name,
				 store_problem());
		return error;
	}
	pthread_mutex_lock(&own->lock);
	old = (struct table){ own->shares, own->share_count };
	carry_special(&fresh, &old, server, IPC_SHARE, "", "Remote IPC", false);
	carry_special(&fresh, &old, server, ADMIN_SHARE, ADMIN_DIRECTORY, "Remote Admin", true);
	carry_special(&fresh, &old, server, drive, "", "Default share", true);
	for (size_t i = 0; i < count; i++) {
		carry(&fresh, &old, server, &stored[i]);
		store_share_free(&stored[i]);
	}
	own->shares = fresh.shares;
	own->share_count = fresh.count;
	fresh.next = 0;
	for (size_t i = 0; i < old.count; i++) {
		if (table_find(&fresh, old.shares[i]->name) != old.shares[i])
			old.shares[i]->removed = true;
		share_drop(old.shares[i]);
	}
	for (size_t i = 0; i < fresh.count; i++) {
		if (!fresh.shares[i]->is_ipc)
			(void)share_root(fresh.shares[i]);
	}
	pthread_mutex_unlock(&own->lock);
	free(old.shares);
	free(stored);
	return 0;
}

int server_reload(struct server *server, char **why)
{
	struct server_private *own = server->private_part;
	int error;

	/* One at a time, so that what is read last is what stays. */
	pthread_mutex_lock(&own->reload);
	error = read_settings(server, why);
	if (!error)
		error = read_shares(server, why);
	pthread_mutex_unlock(&own->reload);
	return error;
}

static int read_identity(struct server *server, char **why)
{
	int error = 0;

	server->name = store_server_name(server->store);
	if (!server->name)
		error = -EUCLEAN;
	if (!error)
		error = store_server_guid(server->store, &server->guid);
	if (!error)
		error = store_domain_sid(server->store, &server->domain_sid);
	if (error)
		*why = xasprintf("cannot read who the file server is: %s", store_problem());
	return error;
}

int server_load(const char *volume_path, bool is_node, struct server **out, char **why)
{
	auto_free char *home = xasprintf("%s/" VOLUME_HOME, volume_path);
	auto_free char *admin = xasprintf("%s/" ADMIN_DIRECTORY, volume_path);
	cleanup(server_put_ptr) struct server *server = xalloc(1, sizeof(*server));
	ntstatus status;
	int error;

	*out = NULL;
	*why = NULL;
	server->refs = 1;
	server->is_node = is_node;
	server->id = atomic_fetch_add(&next_id, 1);
	server->private_part = xalloc(1, sizeof(*server->private_part));
	pthread_mutex_init(&server->private_part->lock, NULL);
	pthread_mutex_init(&server->private_part->reload, NULL);
	error = store_open(home, &server->store);
	if (error) {
		*why = xstrdup(store_problem());
		return error;
	}
	if (mkdir(admin, 0700) < 0 && errno != EEXIST) {
		error = -errno;
		*why = xasprintf("cannot make the directory %s: %s", admin, strerror(errno));
		return error;
	}
	status = volume_open(volume_path, &server->volume);
	if (status != STATUS_SUCCESS) {
		*why = xasprintf("the volume %s cannot be opened: %s", volume_path,
				 ntstatus_text(status));
		return -ENODEV;
	}
	error = read_identity(server, why);
	if (!error)
		error = server_reload(server, why);
	if (error)
		return error;
	*out = server;
	server = NULL;
	return 0;
}

struct server *server_get(struct server *server)
{
	__atomic_add_fetch(&server->refs, 1, __ATOMIC_RELAXED);
	return server;
}

static void server_free(struct server *server)
{
	struct server_private *own = server->private_part;

	for (size_t i = 0; i < own->share_count; i++)
		share_drop(own->shares[i]);
	free(own->shares);
	if (server->volume)
		volume_close(server->volume);
	store_close(server->store);
	for (size_t i = 0; i < server->name_count; i++)
		free(server->names[i]);
	free(own->comment);
	free(own->guest_shares);
	free(own->anonymous_shares);
	pthread_mutex_destroy(&own->lock);
	pthread_mutex_destroy(&own->reload);
	free(own);
	free(server->name);
	free(server);
}

void server_put(struct server *server)
{
	if (server && __atomic_sub_fetch(&server->refs, 1, __ATOMIC_ACQ_REL) == 0)
		server_free(server);
}

void server_put_ptr(struct server **server)
{
	server_put(*server);
}
