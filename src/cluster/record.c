// SPDX-License-Identifier: Apache-2.0
/* Records as files that are replaced whole (temporary file, fsync, rename, fsync). */
#include <cluster/cluster.h>

#include <base/buf.h>
#include <base/log.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void release_json(json_t **root)
{
	json_decref(*root);
}
#define auto_json cleanup(release_json)

static int sync_parent(const char *path)
{
	auto_free char *parent = xstrdup(path);
	auto_close int fd = -1;
	char *slash = strrchr(parent, '/');

	if (!slash)
		return -EINVAL;
	*slash = '\0';
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Takes over the reference to @root. */
static int write_whole(const char *path, json_t *root)
{
	auto_json json_t *held = root;
	auto_free char *text = json_dumps(held, JSON_INDENT(2) | JSON_SORT_KEYS);
	auto_free char *temporary = xasprintf("%s.%d.new", path, (int)gettid());
	auto_close int fd =
		open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error;

	if (!text)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	error = write_all(fd, text, strlen(text));
	if (!error && (write_all(fd, "\n", 1) || fsync(fd) < 0))
		error = -EIO;
	if (!error && rename(temporary, path) < 0)
		error = -errno;
	if (error) {
		unlink(temporary);
		return error;
	}
	return sync_parent(path);
}

static int read_whole(const char *path, struct buf *out)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	out->limit = RECORD_MAX_BYTES;
	for (;;) {
		uint8_t *room = buf_room(out, 4096);
		ssize_t n;

		if (!room)
			return -EUCLEAN;
		n = read(fd, room, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		out->len += (size_t)n;
	}
}

static int not_understood(const char *path, const char *why)
{
	log_error("record unreadable path=%s why=%s", path, LOG_TEXT(why));
	return -EUCLEAN;
}

static char *server_path(const char *cluster_dir, const char *name)
{
	return xasprintf("%s/servers/%s.json", cluster_dir, name);
}

int server_record_read(const char *cluster_dir, const char *name, struct server_record *out)
{
	auto_free char *path = NULL;
	auto_buf struct buf text = { 0 };
	const char *why = "";
	int error;

	memset(out, 0, sizeof(*out));
	if (!cluster_name_ok(name))
		return -EINVAL;
	path = server_path(cluster_dir, name);
	error = read_whole(path, &text);
	if (error)
		return error;
	if (!server_record_parse((const char *)text.data, text.len, out, &why)) {
		server_record_free(out);
		return not_understood(path, why);
	}
	return 0;
}

static json_t *policy_json(const struct cluster_policy *p)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:b, s:i, s:i}", "restart_threshold",
			 (int)p->restart_threshold, "restart_period_s", (int)p->restart_period_s,
			 "retry_period_s", (int)p->retry_period_s, "pending_timeout_s",
			 (int)p->pending_timeout_s, "failback", (int)p->failback, "failback_from",
			 p->failback_from, "failback_to", p->failback_to);
}

int server_record_write(const char *cluster_dir, const struct server_record *r)
{
	auto_free char *path = server_path(cluster_dir, r->name);
	json_t *preferred = json_array();
	json_t *root;

	for (size_t i = 0; i < r->preferred_count; i++)
		json_array_append_new(preferred, json_string(r->preferred[i]));
	root = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:o, s:o, s:O}", "name", r->name,
			 "volume", r->volume, "want", r->want_online ? "online" : "offline",
			 "generation", (json_int_t)r->generation, "target", r->target,
			 "target_until_ms", (json_int_t)r->target_until_ms, "yielded_epoch",
			 (json_int_t)r->yielded_epoch, "preferred", preferred, "policy",
			 policy_json(&r->policy), "facts", r->facts);
	return root ? write_whole(path, root) : -EINVAL;
}

int server_record_remove(const char *cluster_dir, const char *name)
{
	auto_free char *path = server_path(cluster_dir, name);

	return unlink(path) < 0 ? -errno : sync_parent(path);
}

int server_record_change(const char *cluster_dir, const char *name,
			 int (*change)(struct server_record *record, void *arg), void *arg)
{
	auto_free char *lock_path = xasprintf("%s/servers.lock", cluster_dir);
	auto_close int lock = lock_open(lock_path);
	cleanup(server_record_free) struct server_record record = { 0 };
	int error;

	if (lock < 0)
		return lock;
	do
		error = lock_wait(lock);
	while (error == -EINTR);
	if (!error)
		error = server_record_read(cluster_dir, name, &record);
	if (!error)
		error = change(&record, arg);
	if (error)
		return error == 1 ? 0 : error;
	return server_record_write(cluster_dir, &record);
}

/* The names of the records in one folder of the cluster directory, in order. */
static int record_names(const char *folder, size_t most, char ***out, size_t *count)
{
	struct dirent **entries = NULL;
	int found = scandir(folder, &entries, NULL, alphasort);

	*out = NULL;
	*count = 0;
	if (found < 0)
		return -errno;
	*out = xalloc((size_t)found, sizeof(char *));
	for (int i = 0; i < found; i++) {
		char *name = entries[i]->d_name;
		size_t length = strlen(name);

		if (length > 5 && !strcmp(name + length - 5, ".json") && *count < most) {
			name[length - 5] = '\0';
			if (cluster_name_ok(name))
				(*out)[(*count)++] = xstrdup(name);
		}
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int server_record_names(const char *cluster_dir, char ***out, size_t *count)
{
	auto_free char *folder = xasprintf("%s/servers", cluster_dir);

	return record_names(folder, CLUSTER_MAX_SERVERS, out, count);
}

int node_record_write(const char *cluster_dir, const struct node_record *r)
{
	auto_free char *path = xasprintf("%s/nodes/%s.json", cluster_dir, r->name);
	json_t *root =
		json_pack("{s:s, s:s, s:s, s:i, s:i}", "name", r->name, "control", r->control,
			  "address", r->address, "port", (int)r->port, "pid", r->pid);

	return root ? write_whole(path, root) : -EINVAL;
}

bool cluster_node_is_alive(const char *cluster_dir, const char *name)
{
	auto_free char *path = xasprintf("%s/nodes/%s.lock", cluster_dir, name);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && lock_is_held(fd);
}

int cluster_nodes(const char *cluster_dir, struct node_record **out, size_t *count)
{
	auto_free char *folder = xasprintf("%s/nodes", cluster_dir);
	char **names;
	size_t named;
	bool denied = false;
	int error = record_names(folder, CLUSTER_MAX_NODES, &names, &named);

	*out = NULL;
	*count = 0;
	if (error)
		return error;
	*out = xalloc(named, sizeof(**out));
	for (size_t i = 0; i < named; i++) {
		auto_free char *path = xasprintf("%s/%s.json", folder, names[i]);
		auto_buf struct buf text = { 0 };
		struct node_record *node = &(*out)[*count];
		const char *why = "";

		error = read_whole(path, &text);
		if (!error) {
			if (node_record_parse((const char *)text.data, text.len, node, &why)) {
				node->is_alive = cluster_node_is_alive(cluster_dir, node->name);
				(*count)++;
			} else {
				(void)not_understood(path, why);
			}
		}
		free(names[i]);
		denied |= error == -EACCES;
	}
	free(names);
	return denied && !*count ? -EACCES : 0;
}

int owner_record_read(const char *home, struct owner_record *out)
{
	auto_free char *path = xasprintf("%s/owner.json", home);
	auto_buf struct buf text = { 0 };
	const char *why = "";
	int error = read_whole(path, &text);

	if (error)
		return error;
	if (!owner_record_parse((const char *)text.data, text.len, out, &why))
		return not_understood(path, why);
	return 0;
}

int owner_record_write(const char *home, const struct owner_record *r)
{
	auto_free char *path = xasprintf("%s/owner.json", home);
	json_t *root = json_pack("{s:s, s:s, s:i, s:I, s:s, s:i, s:I}", "node", r->node, "boot_id",
				 r->boot_id, "pid", r->pid, "epoch", (json_int_t)r->epoch, "state",
				 r->state, "deaths", (int)r->deaths, "leaving_ms",
				 (json_int_t)r->leaving_ms);

	return root ? write_whole(path, root) : -EINVAL;
}

int home_look(const char *home)
{
	struct stat at;

	if (lstat(home, &at) < 0)
		return -errno;
	return S_ISDIR(at.st_mode) ? 0 : -ENOTDIR;
}

static int make_directory(const char *path)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int cluster_directories(const char *cluster_dir)
{
	auto_free char *servers = xasprintf("%s/servers", cluster_dir);
	auto_free char *nodes = xasprintf("%s/nodes", cluster_dir);
	int error = make_directory(cluster_dir);

	if (!error)
		error = make_directory(servers);
	return error ? error : make_directory(nodes);
}
