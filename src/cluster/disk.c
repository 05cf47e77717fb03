// SPDX-License-Identifier: Apache-2.0
#include <cluster/disk.h>

#include <base/log.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mount.h>

#define SEQUENCE_CLEAN 0xff4d4d50u /* EXT4_MMP_SEQ_CLEAN */

/* What stands behind the last line that begins with @label; false where no line does. */
static bool value_of(const char *text, const char *label, char *out, size_t size)
{
	size_t length = strlen(label);
	bool found = false;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		size_t end;

		line += *line == '\n';
		line += strspn(line, " \t");
		if (strncmp(line, label, length) != 0)
			continue;
		line += length;
		line += strspn(line, " \t");
		end = strcspn(line, "\n");
		if (end >= size)
			return false;
		memcpy(out, line, end);
		out[end] = '\0';
		found = true;
	}
	return found;
}

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += length) {
		if ((at == list || at[-1] == ' ') && strchr(" ", at[length]))
			return true;
	}
	return false;
}

bool disk_guard_parse(const char *text, struct disk_guard *out)
{
	char features[1024], sequence[32], *end;

	memset(out, 0, sizeof(*out));
	if (!value_of(text, "Filesystem features:", features, sizeof(features)))
		return false;
	if (!has_word(features, "mmp"))
		return true;
	out->is_on = true;
	out->is_in_use = true; /* what cannot be read is taken for the worse */
	if (value_of(text, "mmp_sequence:", sequence, sizeof(sequence)))
		out->is_in_use = strtoul(sequence, &end, 16) != SEQUENCE_CLEAN || *end;
	if (!value_of(text, "mmp_node_name:", out->node, sizeof(out->node)))
		out->node[0] = '\0';
	return true;
}

int disk_guard_read(const char *device, struct disk_guard *out, char **why)
{
	auto_free char *text = NULL;
	int error = CRM(&text, why, "dumpe2fs", "-h", "--", device);

	if (error)
		return error;
	if (disk_guard_parse(text, out))
		return 0;
	*why = xasprintf("%s holds no ext file system that dumpe2fs can read", device);
	return -EUCLEAN;
}

/* ---- switching it on */

int disk_guard_switch_on(const char *volume, char **why)
{
	struct crm_mount mount = { 0 };
	struct disk_guard guard;
	auto_free char *again = NULL, *options = NULL;
	int error = crm_mount_of(volume, &mount, why), back;

	if (error || strcmp(mount.type, "ext4") != 0)
		return error;
	error = disk_guard_read(mount.device, &guard, why);
	if (error || guard.is_on)
		return error;
	if (umount2(volume, UMOUNT_NOFOLLOW) < 0) {
		error = -errno;
		*why = xasprintf("%s must be unmounted for a moment, to switch on ext4's "
				 "multi-mount protection: %s; end what uses it (fuser -vm %s)",
				 volume, strerror(-error), volume);
		return error;
	}
	options = xasprintf("%s,nosuid,nodev", mount.options);
	error = CRM(NULL, why, "tune2fs", "-O", "mmp", mount.device);
	back = CRM(NULL, &again, "mount", "-t", mount.type, "-o", options, "--", mount.device,
		   volume);
	if (back && !error)
		*why = xasprintf("%s cannot be mounted again: %s", volume, again ? again : "");
	return error ? error : back;
}

/* ---- before a mount */

static const struct crm_server *server_on(const struct crm_view *view, const char *volume)
{
	for (size_t i = 0; i < view->server_count; i++) {
		if (!strcmp(view->servers[i].record.volume, volume))
			return &view->servers[i];
	}
	return NULL;
}

enum disk_state disk_vouch(const struct disk_guard *guard, const struct crm_view *view,
			   const char *volume, const char *self, char **said)
{
	const struct crm_server *server = server_on(view, volume);
	const json_t *last = server ? json_object_get(server->record.facts, "failover") : NULL;
	const char *owner = json_string_value(json_object_get(last, "to"));
	const struct crm_node *by_name = crm_node(view, guard->node);

	if (!guard->is_on || !guard->is_in_use)
		return DISK_READY;
	if (by_name && by_name->is_online && strcasecmp(guard->node, self) != 0) {
		*said = xasprintf("%s, which is a member of this cluster, has the disk of %s "
				  "mounted, or had it: the kernel watches it before it mounts it",
				  by_name->name, volume);
		return DISK_WATCHED;
	}
	if (!owner) {
		*said = xasprintf("the cluster does not know who had %s last: the kernel watches "
				  "its disk before it mounts it",
				  volume);
		return DISK_WATCHED;
	}
	if (strcasecmp(owner, self) != 0 && !crm_node_is_gone(view, owner)) {
		*said = xasprintf("%s had %s last, and is not known to have ended: the kernel "
				  "watches its disk before it mounts it",
				  owner, volume);
		return DISK_WATCHED;
	}
	*said = xasprintf("%s had %s last, and has ended: its disk is mounted at once", owner,
			  volume);
	return DISK_CLEARED;
}

int disk_ready(const char *device, const char *volume, enum disk_state *state, char **said)
{
	cleanup(crm_view_free) struct crm_view view = { 0 };
	struct crm_mount mount = { 0 };
	struct disk_guard guard;
	auto_free char *ignored = NULL, *self = NULL;
	int error;

	*state = DISK_READY;
	if (!crm_mount_of(volume, &mount, &ignored))
		return 0; /* it is there already: the mark is this machine's own, and alive */
	if (disk_guard_read(device, &guard, &ignored) || !guard.is_on || !guard.is_in_use)
		return 0; /* another file system; or no file system, which the mount will find */
	*state = DISK_WATCHED;
	error = CRM(&self, said, "crm_node", "--name");
	if (!error)
		error = crm_look(&view, said);
	if (error)
		return error;
	self[strcspn(self, "\n")] = '\0';
	*state = disk_vouch(&guard, &view, volume, self, said);
	if (*state != DISK_CLEARED)
		return 0;
	free(*said);
	*said = NULL;
	return CRM(NULL, said, "tune2fs", "-f", "-E", "clear_mmp", device);
}
