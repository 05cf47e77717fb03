// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a session, and the table of all of them by id. Who owns what of it: session.h.
 *
 * table.lock guards the chains of the table and nothing else; no call outwards is made under it.
 * A session is in the table from its first SESSION_SETUP until it ends.
 */
#include "session.h"

#include <base/log.h>
#include <pthread.h>

#include "request.h"
#include "session_impl.h"

#define TABLE_BUCKETS 4096

static struct {
	pthread_mutex_t lock;
	struct session *buckets[TABLE_BUCKETS];
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct session **table_bucket(uint64_t id)
{
	return &table.buckets[id % TABLE_BUCKETS];
}

/*
 * Under an id that no session of this node has. It is drawn, not counted: it must not come again on
 * the node that takes over. 32 bits, as some clients keep no more of it.
 */
static void table_enter(struct session *session)
{
	struct session **bucket, *other;

	pthread_mutex_lock(&table.lock);
	do {
		session->id = (uint32_t)random_u64();
		bucket = table_bucket(session->id);
		for (other = *bucket; other && other->id != session->id;
		     other = other->next_in_table)
			;
	} while (!session->id || session->id == UINT32_MAX || other);
	session->next_in_table = *bucket;
	*bucket = session;
	pthread_mutex_unlock(&table.lock);
}

static void table_leave(struct session *session)
{
	struct session **at = table_bucket(session->id);

	pthread_mutex_lock(&table.lock);
	while (*at && *at != session)
		at = &(*at)->next_in_table;
	if (*at)
		*at = session->next_in_table;
	pthread_mutex_unlock(&table.lock);
}

struct session *session_find_anywhere(uint64_t id)
{
	struct session *session;

	pthread_mutex_lock(&table.lock);
	session = *table_bucket(id);
	while (session && session->id != id)
		session = session->next_in_table;
	if (session)
		session_get(session);
	pthread_mutex_unlock(&table.lock);
	return session;
}

struct session *session_get(struct session *session)
{
	__atomic_add_fetch(&session->refs, 1, __ATOMIC_RELAXED);
	return session;
}

enum session_state session_state(const struct session *session)
{
	return __atomic_load_n(&session->state, __ATOMIC_ACQUIRE);
}

static void set_state(struct session *session, enum session_state state)
{
	__atomic_store_n(&session->state, state, __ATOMIC_RELEASE);
}

void session_put(struct session *session)
{
	if (!session || __atomic_sub_fetch(&session->refs, 1, __ATOMIC_ACQ_REL))
		return;
	BUG_ON(session->channels || session->trees || session->pipes);
	secret_wipe(session->signing_key, sizeof(session->signing_key));
	secret_wipe(session->seal_key, sizeof(session->seal_key));
	secret_wipe(session->open_key, sizeof(session->open_key));
	identity_put(session->identity);
	server_put(session->server);
	free(session->entry.client);
	pthread_mutex_destroy(&session->lock);
	pthread_mutex_destroy(&session->access_lock);
	free(session);
}

void session_put_ptr(struct session **session)
{
	session_put(*session);
}

struct channel *session_new(struct connection *conn)
{
	struct session *session = xalloc(1, sizeof(*session));
	struct channel *channel;

	session->refs = 1;
	pthread_mutex_init(&session->lock, NULL);
	pthread_mutex_init(&session->access_lock, NULL);
	session->home = conn->home;
	session->server = server_get(conn->server);
	session->dialect = conn->dialect;
	session->cipher = conn->cipher;
	session->signing = conn->signing;
	session->client_guid = conn->client_guid;
	session->next_tree_id = 1;
	session->next_pipe_id = 1;
	table_enter(session);
	channel = channel_new(session);
	BUG_ON(!channel_enter(channel, conn)); /* the first: there is room */
	channel_put(channel);		       /* its connection has it */
	return channel;
}

/* The loop that this thread turns, or NULL. */
static struct smb_loop *loop_here(void)
{
	const struct loop *loop = loop_current();

	for (size_t i = 0; loop && i < smb.loop_count; i++)
		if (smb.loops[i].loop == loop)
			return &smb.loops[i];
	return NULL;
}

/* This loop's part of session_cancel; where the session has ended, its channels here leave, too. */
static void sweep(struct session *session, const struct smb_loop *here, uint32_t tree_id)
{
	struct channel *channel;
	uint64_t last = 0;

	while ((channel = channel_next_here(session, here, last))) {
		last = channel->number;
		channel_get(channel);
		request_cancel_session(channel->conn, session, tree_id);
		if (session_state(session) == SESSION_ENDED && channel->state != CHANNEL_GONE)
			(void)channel_leave(channel);
		channel_put(channel);
	}
}

struct sweep_task {
	struct loop_task task;
	struct session *session;
	struct smb_loop *on;
	uint32_t tree_id;
};

static void sweep_posted(struct loop_task *task)
{
	struct sweep_task *order = container_of(task, struct sweep_task, task);

	sweep(order->session, order->on, order->tree_id);
	session_put(order->session);
	free(order);
}

static void sweep_elsewhere(struct session *session, struct smb_loop *on, uint32_t tree_id)
{
	struct sweep_task *order = xalloc(1, sizeof(*order));

	order->task.run = sweep_posted;
	order->session = session_get(session);
	order->on = on;
	order->tree_id = tree_id;
	loop_post(on->loop, &order->task);
}

void session_cancel(struct session *session, uint32_t tree_id)
{
	const struct smb_loop *here = loop_here();
	uint64_t loops = 0; /* a bit each */

	_Static_assert(SMB_MAX_LOOPS <= 64, "a bit for each loop");
	pthread_mutex_lock(&session->lock);
	for (struct channel *c = session->channels; c; c = c->next_in_session)
		loops |= 1ull << c->conn->home->index;
	pthread_mutex_unlock(&session->lock);
	for (size_t i = 0; i < smb.loop_count; i++) {
		if (!(loops >> i & 1))
			continue;
		if (&smb.loops[i] == here)
			sweep(session, here, tree_id);
		else
			sweep_elsewhere(session, &smb.loops[i], tree_id);
	}
}

static bool begin_end(struct session *session)
{
	bool is_first;

	pthread_mutex_lock(&session->lock);
	is_first = session->state != SESSION_ENDED;
	set_state(session, SESSION_ENDED);
	pthread_mutex_unlock(&session->lock);
	return is_first;
}

bool session_keep_lost(struct session *session)
{
	bool keep;

	pthread_mutex_lock(&session->lock);
	keep = session->state == SESSION_VALID && session->channel_count > 1 &&
	       session->lost_creates < SMB_MAX_LOST_CREATES;
	session->lost_creates += keep;
	pthread_mutex_unlock(&session->lock);
	return keep;
}

void session_end_lost(struct session *session)
{
	pthread_mutex_lock(&session->lock);
	BUG_ON(!session->lost_creates);
	session->lost_creates--;
	pthread_mutex_unlock(&session->lock);
}

bool session_is_evicted(const struct session *session)
{
	return __atomic_load_n(&session->is_evicted, __ATOMIC_RELAXED);
}

void session_renew(struct session *session)
{
	uint64_t lifetime_ms = smb.config.session_lifetime_ms;

	__atomic_store_n(&session->expires_ms, lifetime_ms ? monotonic_ms() + lifetime_ms : 0,
			 __ATOMIC_RELAXED);
}

bool session_is_expired(const struct session *session)
{
	uint64_t expires_ms = __atomic_load_n(&session->expires_ms, __ATOMIC_RELAXED);

	return expires_ms && monotonic_ms() >= expires_ms;
}

bool session_was_encrypted(const struct session *session)
{
	return __atomic_load_n(&session->was_encrypted, __ATOMIC_RELAXED);
}

struct token *session_token(const struct session *session)
{
	return identity_token(session->identity);
}

char *session_user(const struct session *session)
{
	return session->identity ? token_full_name(session_token(session)) : xstrdup("-");
}

static void log_ended(const struct session *session, bool connection_lost)
{
	auto_free char *user = session_user(session);

	log_info("session ended client=%s user=%s server=%s session=%016llx lost=%d",
		 session->entry.client, LOG_TEXT(user), session->server->name,
		 (unsigned long long)session->id, connection_lost);
}

void session_end(struct session *session, bool connection_lost)
{
	const struct smb_loop *here = loop_here();

	if (!begin_end(session)) {
		if (here)
			sweep(session, here, UINT32_MAX);
		return;
	}
	table_leave(session);
	open_close_session(session->id, !session_is_evicted(session));
	pipe_close_tree(session, UINT32_MAX);
	tree_end_all(session, NULL);
	if (session->is_entered) {
		session_leave(&session->entry);
		COUNT(sessions, -1);
		log_ended(session, connection_lost);
	}
	session_cancel(session, UINT32_MAX);
	session_put(session);
}

void session_end_all(struct connection *conn)
{
	for (size_t i = 0; i < CONNECTION_BUCKETS; i++) {
		while (conn->channels[i]) {
			cleanup(session_put_ptr) struct session *session =
				session_get(conn->channels[i]->session);

			if (channel_leave(conn->channels[i]))
				session_end(session, true);
		}
	}
}

/* Ending from another thread: a task that takes a reference along. */

struct end_task {
	struct loop_task task;
	struct session *session;
};

static void end_posted(struct loop_task *task)
{
	struct end_task *end = container_of(task, struct end_task, task);

	session_end(end->session, false);
	session_put(end->session);
	free(end);
}

void session_end_elsewhere(struct session *session)
{
	struct end_task *end = xalloc(1, sizeof(*end));

	end->task.run = end_posted;
	end->session = session_get(session);
	loop_post(session->home->loop, &end->task);
}

static void disconnect(struct session_entry *entry)
{
	struct session *session = container_of(entry, struct session, entry);

	__atomic_store_n(&session->is_evicted, true, __ATOMIC_RELAXED);
	session_end_elsewhere(session);
}

void session_become_valid(struct session *session, struct channel *channel)
{
	struct connection *conn = channel->conn;

	session->entry = (struct session_entry){
		.id = session->id,
		.server = session->server,
		.identity = session->identity,
		.client = xstrdup(conn->client),
		.dialect = conn->dialect,
		.is_signed = session->signing_required && session->has_keys,
		.is_encrypted = session->encrypt,
		.since_ms = monotonic_ms(),
		.last_used_ms = monotonic_ms(),
		.disconnect = disconnect,
	};
	session->is_entered = true;
	session_enter(&session->entry);
	COUNT(sessions, 1);
	COUNT(sessions_made, 1);
	pthread_mutex_lock(&session->lock);
	set_state(session, SESSION_VALID); /* what others read of it is complete */
	pthread_mutex_unlock(&session->lock);
	channel_become_valid(channel);
}
