// SPDX-License-Identifier: Apache-2.0
/*
 * Bringing a file server online on this node and taking it offline again: store and volume,
 * addresses, listeners, registry. These calls run on threads of the engine (and of main for the
 * node's own server) and may wait; what they do to connections is done by the loops.
 */
#include "node.h"

#include <fileserver/open.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <semaphore.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_FILE                                                                                  \
	VOLUME_HOME "/addresses" /* the addresses that an owner has added, one on a line */

struct node node = { .lock = PTHREAD_MUTEX_INITIALIZER, .own_lock = -1 };

/* ---- addresses */

static bool was_added(const char *volume, const char *text)
{
	auto_free char *path = xasprintf("%s/" MARK_FILE, volume);
	FILE *file = fopen(path, "re");
	char line[80];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		found = !strcmp(line, text);
	}
	if (file)
		fclose(file);
	return found;
}

/* Written before anything relies on it, so that the next owner knows whose the addresses are. */
static void note_added(const struct serving *s)
{
	auto_free char *path = xasprintf("%s/" MARK_FILE, s->volume);
	FILE *file;
	char text[64];
	bool any = false;

	for (size_t i = 0; i < s->address_count; i++)
		any |= s->added[i];
	if (!any) {
		unlink(path);
		return;
	}
	file = fopen(path, "we");
	for (size_t i = 0; file && i < s->address_count; i++) {
		if (s->added[i])
			fprintf(file, "%s\n", address_format(&s->addresses[i], text));
	}
	if (!file || fclose(file))
		log_error("cannot note the added addresses path=%s error=%s", path,
			  strerror(errno));
}

static int add_addresses(struct serving *s, char **why)
{
	for (size_t i = 0; i < s->address_count; i++) {
		char text[64];
		int error = address_add(&s->addresses[i], &s->added[i], why);

		if (error)
			return error;
		/* A dead owner could not take its addresses away: they are ours to remove now. */
		if (!s->added[i] && was_added(s->volume, address_format(&s->addresses[i], text)))
			s->added[i] = true;
	}
	note_added(s);
	return 0;
}

static void remove_addresses(struct serving *s)
{
	for (size_t i = 0; i < s->address_count; i++) {
		if (s->added[i])
			address_remove(&s->addresses[i]);
		s->added[i] = false;
	}
	note_added(s);
}

/* ---- listening */

static int listen_one(struct serving *s, size_t i, char **why)
{
	uint64_t until = monotonic_ms() + LISTEN_PATIENCE_MS;
	const struct sockaddr *socket = (const struct sockaddr *)&s->addresses[i].socket;
	struct sockaddr_in in;
	char text[64];
	int error;

	for (;;) {
		error = smb_listen(socket, s->addresses[i].length, &s->listeners[i]);
		if (error != -EADDRINUSE || monotonic_ms() >= until)
			break;
		sleep_ms(10);
	}
	if (!error)
		return 0;
	memcpy(&in, socket, sizeof(in)); /* the port lies at one place in both families */
	*why = xasprintf("the address %s port %u cannot be listened on: %s%s",
			 address_format(&s->addresses[i], text), ntohs(in.sin_port),
			 error == -EADDRINUSE ? "address already in use (ss -ltnp shows by whom)"
					      : strerror(-error),
			 error == -EACCES ? " (ports below 1024 need CAP_NET_BIND_SERVICE)" : "");
	return error;
}

static int listen_all(struct serving *s, char **why)
{
	for (size_t i = 0; i < s->address_count; i++) {
		int error = listen_one(s, i, why);

		if (error)
			return error;
	}
	return 0;
}

static void unlisten_all(struct serving *s)
{
	for (size_t i = 0; i < s->address_count; i++) {
		if (s->listeners[i])
			smb_unlisten(s->listeners[i], true);
		s->listeners[i] = NULL;
	}
}

/* ---- the end of serving */

static void dropped(void *arg)
{
	sem_post(arg);
}

/* Ends every connection and open of @server, and waits until it is used by nobody but the caller.
 */
static void drain(struct server *server)
{
	uint64_t began = monotonic_ms(), said = 0;
	sem_t done;

	sem_init(&done, 0, 0);
	smb_drop_server(server, dropped, &done);
	while (sem_wait(&done) < 0)
		;
	sem_destroy(&done);
	open_close_server(server);
	while (__atomic_load_n(&server->refs, __ATOMIC_ACQUIRE) > 1) {
		uint64_t waited = monotonic_ms() - began;

		if (waited - said >= 10000) {
			log_warn("server still in use name=%s references=%u waited_ms=%llu",
				 server->name, __atomic_load_n(&server->refs, __ATOMIC_RELAXED),
				 (unsigned long long)waited);
			said = waited;
		}
		sleep_ms(2);
	}
}

static void serving_free(struct serving *s)
{
	server_put(s->server);
	free(s->volume);
	free(s);
}

static void enlist(struct serving *s)
{
	pthread_mutex_lock(&node.lock);
	s->next = node.serving;
	node.serving = s;
	pthread_mutex_unlock(&node.lock);
}

static struct serving *delist(const char *name)
{
	struct serving **slot, *found = NULL;

	pthread_mutex_lock(&node.lock);
	for (slot = &node.serving; *slot && !found;) {
		if (!strcasecmp((*slot)->server->name, name)) {
			found = *slot;
			*slot = found->next;
		} else {
			slot = &(*slot)->next;
		}
	}
	pthread_mutex_unlock(&node.lock);
	return found;
}

/* From the registry, the network, the clients. The order matters: nothing new may come while the
 * old ends. */
static void withdraw(struct serving *s)
{
	unlisten_all(s);
	server_withdraw(s->server);
	drain(s->server);
	remove_addresses(s);
}

static int publish(struct serving *s, char **why)
{
	struct sockaddr_storage sockets[SERVER_MAX_ADDRESSES];
	int error = add_addresses(s, why);

	if (error) {
		remove_addresses(s);
		return error;
	}
	for (size_t i = 0; i < s->address_count; i++)
		sockets[i] = s->addresses[i].socket;
	server_set_addresses(s->server, sockets, s->address_count);
	server_publish(s->server);
	error = listen_all(s, why);
	if (error)
		withdraw(s);
	return error;
}

/* ---- the calls of the engine */

static int read_addresses(struct serving *s, char **why)
{
	auto_free char *list = store_setting(s->server->store, "addresses");
	auto_free char *port = store_setting(s->server->store, "port");
	int count = address_parse_list(list ? list : "",
				       (uint16_t)(port ? strtoul(port, NULL, 10) : 445),
				       s->addresses, SERVER_MAX_ADDRESSES);

	if (count < 1) {
		*why = xasprintf(
			"%s has no address that can be understood (\"%s\"); berth server set "
			"%s addresses=10.0.0.50/24",
			s->server->name, list ? list : "", s->server->name);
		return -EADDRNOTAVAIL;
	}
	s->address_count = (size_t)count;
	return 0;
}

static int bring_online(void *arg, const struct server_record *record, uint64_t epoch, char **why)
{
	struct serving *s = xalloc(1, sizeof(*s));
	int error;

	s->volume = xstrdup(record->volume);
	error = server_load(record->volume, false, &s->server, why);
	if (!error && strcasecmp(s->server->name, record->name) != 0) {
		*why = xasprintf("the volume %s holds the file server %s, not %s", record->volume,
				 s->server->name, record->name);
		error = -EINVAL;
	}
	if (!error)
		error = read_addresses(s, why);
	if (!error) {
		s->server->guard_arg = cluster_guard(node.cluster, record->name);
		s->server->guard = s->server->guard_arg ? cluster_guard_holds : NULL;
		error = publish(s, why);
	}
	if (error) {
		serving_free(s);
		return error;
	}
	enlist(s);
	facts_publish(s->server);
	return 0;
}

static void take_offline(void *arg, const char *name)
{
	struct serving *s = delist(name);

	if (!s)
		return;
	withdraw(s);
	serving_free(s);
}

/* Is the home still there, and does its database answer? */
static int check(void *arg, const char *name, char **why)
{
	cleanup(server_put_ptr) struct server *server = serving_server(name);
	auto_free char *volume = NULL, *home = NULL;
	struct guid guid;
	int error;

	if (!server)
		return 0;
	pthread_mutex_lock(&node.lock);
	for (struct serving *s = node.serving; s && !volume; s = s->next) {
		if (s->server == server)
			volume = xstrdup(s->volume);
	}
	pthread_mutex_unlock(&node.lock);
	home = xasprintf("%s/" VOLUME_HOME, volume ? volume : "");
	if (access(home, R_OK | X_OK) < 0) {
		error = -errno;
		*why = xasprintf("the volume has gone: %s: %s", home, strerror(-error));
		return error;
	}
	error = store_server_guid(server->store, &guid);
	if (error)
		*why = xasprintf("the database does not answer: %s", store_problem());
	return error;
}

const struct cluster_events serving_events = {
	.bring_online = bring_online,
	.take_offline = take_offline,
	.check = check,
};

struct server *serving_server(const char *name)
{
	struct server *found = NULL;

	pthread_mutex_lock(&node.lock);
	if (node.own && !strcasecmp(node.own->server->name, name))
		found = server_get(node.own->server);
	for (struct serving *s = node.serving; s && !found; s = s->next) {
		if (!strcasecmp(s->server->name, name))
			found = server_get(s->server);
	}
	pthread_mutex_unlock(&node.lock);
	return found;
}

/* ---- the node's own file server */

static int lock_own(const char *home, char **why)
{
	auto_free char *path = xasprintf("%s/owner.lock", home);
	int error;

	node.own_lock = lock_open(path);
	error = node.own_lock < 0 ? node.own_lock : lock_try_for(node.own_lock, LOCK_PATIENCE_MS);
	if (error == -EAGAIN)
		*why = xasprintf("another process serves the volume %s", node.config.volume);
	else if (error)
		*why = xasprintf("cannot lock %s: %s", path, strerror(-error));
	return error;
}

static int make_own(const char *home, char **why)
{
	auto_free char *database = xasprintf("%s/server.db", home);
	int error;

	if ((mkdir(node.config.volume, 0755) < 0 && errno != EEXIST) ||
	    (mkdir(home, 0700) < 0 && errno != EEXIST)) {
		error = -errno;
		*why = xasprintf("cannot make %s: %s%s%s", home, strerror(-error),
				 error == -EACCES ? "; the volume must be writable by " : "",
				 error != -EACCES   ? ""
				 : node.config.user ? node.config.user
						    : "the user that berthd runs as");
		return error;
	}
	error = lock_own(home, why);
	if (error || !access(database, F_OK))
		return error;
	error = store_create(home, node.config.name);
	if (error)
		*why = xasprintf("cannot make the node's own file server: %s", store_problem());
	return error;
}

int serving_start_own(char **why)
{
	auto_free char *home = xasprintf("%s/" VOLUME_HOME, node.config.volume);
	struct serving *s;
	int count, error = make_own(home, why);

	if (error)
		return error;
	s = xalloc(1, sizeof(*s));
	s->volume = xstrdup(node.config.volume);
	count = address_parse_list(node.config.address, (uint16_t)node.config.port, s->addresses,
				   SERVER_MAX_ADDRESSES);
	s->address_count = count < 0 ? 0 : (size_t)count;
	error = server_load(node.config.volume, true, &s->server, why);
	if (!error && strcasecmp(s->server->name, node.config.name) != 0) {
		*why = xasprintf("the volume %s belongs to the node %s, not to %s",
				 node.config.volume, s->server->name, node.config.name);
		error = -EINVAL;
	}
	if (!error)
		error = publish(s, why);
	if (error) {
		serving_free(s);
		return error;
	}
	pthread_mutex_lock(&node.lock);
	node.own = s;
	pthread_mutex_unlock(&node.lock);
	return 0;
}

void serving_stop_own(void)
{
	struct serving *s;

	pthread_mutex_lock(&node.lock);
	s = node.own;
	node.own = NULL;
	pthread_mutex_unlock(&node.lock);
	if (s) {
		withdraw(s);
		serving_free(s);
	}
	close_fd_ptr(&node.own_lock);
}
