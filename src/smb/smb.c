// SPDX-License-Identifier: Apache-2.0
/*
 * Starting, listening, ending: what a node calls (smb/smb.h). Each function posts to the loops what
 * is theirs to do. Listeners are in a list under listeners.lock, which is held for no call
 * outwards.
 */
#include <base/log.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <unistd.h>

#include "request.h"

#define BACKLOG 1024

void smb_config_defaults(struct smb_config *config)
{
	*config = (struct smb_config){
		.max_connections = 16384,
		.max_unauthenticated = 1024,
		.max_unauthenticated_per_client = 384,
		.max_connections_per_client = 2048,
		.max_sessions_per_connection = 1024,
		.max_channels_per_session = 32,
		.max_trees_per_session = 4096,
		.max_pipes_per_session = 256,
		.max_credits = 8192,
		.max_outstanding = 1024,
		.max_compound = 128,
		.max_transact_bytes = 8u << 20,
		.max_read_bytes = 8u << 20,
		.max_write_bytes = 8u << 20,
		.max_unsent_bytes = 2u << 20,
		.max_queued_bytes = 32u << 20,
		.negotiate_timeout_ms = 15000,
		.authenticate_timeout_ms = 45000,
		.idle_timeout_ms = 60000,
		.partial_timeout_ms = 60000,
		.min_dialect = SMB2_DIALECT_202,
		.max_dialect = SMB2_DIALECT_311,
		.smb1_negotiate = true,
		.login_delay_ms = 2000,
		.gmac = true,
		.compression = true,
		.ciphers = { CIPHER_AES_128_GCM, CIPHER_AES_128_CCM, CIPHER_AES_256_GCM,
			     CIPHER_AES_256_CCM },
		.cipher_count = 4,
		.signing = { SIGN_AES_GMAC, SIGN_AES_CMAC, SIGN_HMAC_SHA256 },
		.signing_count = 3,
	};
}

static bool config_is_good(const struct smb_config *c)
{
	return c->max_credits >= 64 && c->max_credits <= SEQUENCE_MAX &&
	       !(c->max_credits & (c->max_credits - 1)) && c->max_read_bytes >= 65536 &&
	       c->max_write_bytes >= 65536 && c->max_transact_bytes >= 65536 &&
	       c->max_read_bytes <= 8u << 20 && c->max_write_bytes <= 8u << 20 &&
	       c->max_transact_bytes <= 8u << 20 && c->cipher_count <= SMB_MAX_ALGORITHMS &&
	       c->signing_count <= SMB_MAX_ALGORITHMS && c->min_dialect <= c->max_dialect;
}

static const struct open_events events_of_opens = {
	.oplock_break = break_oplock,
	.lease_break = break_lease,
	.holder_wanted = returning_ask,
};

int smb_start(struct loop *const *loops, size_t count, const struct smb_config *config)
{
	if (!count || count > SMB_MAX_LOOPS || smb.loop_count || !config_is_good(config))
		return -EINVAL;
	smb.config = *config;
	for (size_t i = 0; i < count; i++) {
		smb.loops[i].loop = loops[i];
		smb.loops[i].index = (unsigned)i;
	}
	smb.loop_count = count;
	open_set_events(&events_of_opens);
	return 0;
}

void smb_statistics(struct smb_statistics *out)
{
	const uint64_t *from = (const uint64_t *)&smb.statistics;
	uint64_t *to = (uint64_t *)out;

	_Static_assert(sizeof(*out) % sizeof(uint64_t) == 0, "counters only");
	for (size_t i = 0; i < sizeof(*out) / sizeof(uint64_t); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* Listening: one socket, accepted on the first loop, handed to the one that has the fewest. */

struct smb_listener {
	struct io_listener io; /* on the first loop */
	struct loop_task begin, end;
	struct smb_listener *next;
	uint64_t id;
	int fd;
};

static struct {
	pthread_mutex_t lock;
	struct smb_listener *first;
	uint64_t last_id;
} listeners = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct hand_over {
	struct loop_task task;
	struct smb_loop *to;
	uint64_t listener;
	int fd;
};

static void handed_over(struct loop_task *task)
{
	struct hand_over *hand_over = container_of(task, struct hand_over, task);

	connection_open(hand_over->to, hand_over->fd, hand_over->listener);
	free(hand_over);
}

static struct smb_loop *lightest_loop(void)
{
	struct smb_loop *best = &smb.loops[0];

	for (size_t i = 1; i < smb.loop_count; i++)
		if (__atomic_load_n(&smb.loops[i].load, __ATOMIC_RELAXED) <
		    __atomic_load_n(&best->load, __ATOMIC_RELAXED))
			best = &smb.loops[i];
	return best;
}

static void accepted(struct io_listener *io, int fd)
{
	struct smb_listener *listener = container_of(io, struct smb_listener, io);
	struct smb_loop *to = lightest_loop();
	struct hand_over *hand_over;

	__atomic_add_fetch(&to->load, 1, __ATOMIC_RELAXED);
	if (to == &smb.loops[0]) {
		connection_open(to, fd, listener->id);
		return;
	}
	hand_over = xalloc(1, sizeof(*hand_over));
	hand_over->task.run = handed_over;
	hand_over->to = to;
	hand_over->listener = listener->id;
	hand_over->fd = fd;
	loop_post(to->loop, &hand_over->task);
}

void smb_accept(struct loop *loop, int fd)
{
	struct smb_loop *home = &smb.loops[0];

	while (home < &smb.loops[smb.loop_count] && home->loop != loop)
		home++;
	BUG_ON(home == &smb.loops[smb.loop_count]);
	__atomic_add_fetch(&home->load, 1, __ATOMIC_RELAXED);
	connection_open(home, fd, 0);
}

static void begin_listening(struct loop_task *task)
{
	struct smb_listener *listener = container_of(task, struct smb_listener, begin);
	int error = io_listen(smb.loops[0].loop, &listener->io, listener->fd);

	if (error)
		log_error("listen failed error=\"%s\"", strerror(-error));
}

static void end_listening(struct loop_task *task)
{
	struct smb_listener *listener = container_of(task, struct smb_listener, end);

	if (listener->io.active)
		io_listen_stop(&listener->io);
	free(listener);
}

static int bind_socket(const struct sockaddr *address, socklen_t length)
{
	auto_close int fd =
		socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->sa_family == AF_INET)
		(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	if (address->sa_family == AF_INET6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof(one));
	}
	if (bind(fd, address, length) || listen(fd, BACKLOG))
		return -errno;
	return steal_fd(&fd);
}

int smb_listen(const struct sockaddr *address, socklen_t length, struct smb_listener **out)
{
	int fd = smb.loop_count ? bind_socket(address, length) : -EINVAL;
	struct smb_listener *listener;

	if (fd < 0)
		return fd;
	listener = xalloc(1, sizeof(*listener));
	listener->fd = fd;
	listener->io.accepted = accepted;
	listener->begin.run = begin_listening;
	listener->end.run = end_listening;
	pthread_mutex_lock(&listeners.lock);
	listener->id = ++listeners.last_id;
	listener->next = listeners.first;
	listeners.first = listener;
	pthread_mutex_unlock(&listeners.lock);
	*out = listener;
	loop_post(smb.loops[0].loop, &listener->begin);
	return 0;
}

int smb_listener_address(const struct smb_listener *listener, struct sockaddr_storage *out)
{
	socklen_t length = sizeof(*out);

	return getsockname(listener->fd, (void *)out, &length) ? -errno : 0;
}

/* An order to all loops: each carries it out on its own connections. */
struct order {
	void (*carry_out)(struct smb_loop *on, const struct order *order);
	uint64_t listener; /* 0: all */
	struct server *server;
	void (*done)(void *arg);
	void *arg;
	size_t left; /* loops that have not; atomic */
	struct order_part {
		struct loop_task task;
		struct order *order;
		struct smb_loop *on;
	} parts[];
};

static void part_came(struct loop_task *task)
{
	struct order_part *part = container_of(task, struct order_part, task);
	struct order *order = part->order;

	order->carry_out(part->on, order);
	if (__atomic_sub_fetch(&order->left, 1, __ATOMIC_ACQ_REL))
		return;
	if (order->done)
		order->done(order->arg);
	if (order->server)
		server_put(order->server);
	free(order);
}

static struct order *order_new(void (*carry_out)(struct smb_loop *, const struct order *))
{
	struct order *order =
		xalloc(1, sizeof(*order) + smb.loop_count * sizeof(struct order_part));

	order->carry_out = carry_out;
	order->left = smb.loop_count;
	return order;
}

static void order_post(struct order *order)
{
	for (size_t i = 0; i < smb.loop_count; i++) {
		order->parts[i].task.run = part_came;
		order->parts[i].order = order;
		order->parts[i].on = &smb.loops[i];
	}
	for (size_t i = smb.loop_count; i-- > 0;) /* @order may be gone after the last post */
		loop_post(smb.loops[i].loop, &order->parts[i].task);
}

static void drop_accepted(struct smb_loop *on, const struct order *order)
{
	for (struct connection *c = on->connections; c; c = c->next)
		if (!order->listener || c->listener == order->listener)
			connection_drop(c, "its address is no longer served");
}

void smb_unlisten(struct smb_listener *listener, bool drop_connections)
{
	struct smb_listener **at = &listeners.first;
	struct order *order;

	pthread_mutex_lock(&listeners.lock);
	while (*at != listener)
		at = &(*at)->next;
	*at = listener->next;
	pthread_mutex_unlock(&listeners.lock);
	/* From here on the kernel takes no connection, and the address is free to be listened on.
	 */
	(void)shutdown(listener->fd, SHUT_RDWR);
	if (drop_connections) {
		order = order_new(drop_accepted);
		order->listener = listener->id;
		order_post(order);
	}
	loop_post(smb.loops[0].loop, &listener->end);
}

void smb_stop(void)
{
	while (listeners.first)
		smb_unlisten(listeners.first, false);
	if (smb.loop_count)
		order_post(order_new(drop_accepted));
}

/* A session of @server on this connection, or NULL. */
static struct session *session_of(struct connection *conn, const struct server *server)
{
	for (size_t i = 0; i < CONNECTION_BUCKETS; i++)
		for (struct channel *c = conn->channels[i]; c; c = c->next_in_connection)
			if (c->session->server == server)
				return c->session;
	return NULL;
}

/* Drop what its sessions have of a server that is not their own (a tree under another name). */
static void drop_trees(struct connection *conn, const struct server *server)
{
	for (size_t i = 0; i < CONNECTION_BUCKETS; i++)
		for (struct channel *c = conn->channels[i]; c; c = c->next_in_connection)
			tree_end_all(c->session, server);
}

static void drop_server(struct smb_loop *on, const struct order *order)
{
	for (struct connection *c = on->connections; c; c = c->next) {
		struct session *session;

		while ((session = session_of(c, order->server)))
			session_end(session, true);
		drop_trees(c, order->server);
		if (c->server == order->server)
			connection_drop(c, "its file server leaves this node");
	}
}

void smb_drop_server(struct server *server, void (*done)(void *arg), void *arg)
{
	struct order *order = order_new(drop_server);

	order->server = server_get(server);
	order->done = done;
	order->arg = arg;
	order_post(order);
}
