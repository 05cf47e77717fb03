// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a session, and the table of all of them by id.
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

static void table_enter(struct session *session)
{
	struct session **bucket = table_bucket(session->id);

	pthread_mutex_lock(&table.lock);
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

void attempt_free(struct attempt *attempt)
{
	if (!attempt)
		return;
	login_free(attempt->login);
	secret_wipe(attempt->preauth, sizeof(attempt->preauth));
	free(attempt);
}

void session_put(struct session *session)
{
	if (!session || __atomic_sub_fetch(&session->refs, 1, __ATOMIC_ACQ_REL))
		return;
	BUG_ON(session->conn || session->trees || session->pipes);
	signer_free(session->signer);
	sealer_free(session->sealer);
	sealer_free(session->opener);
	secret_wipe(session->seal_key, sizeof(session->seal_key));
	secret_wipe(session->open_key, sizeof(session->open_key));
	token_put(session->token);
	server_put(session->server);
	free(session->entry.user);
	free(session);
}

void session_put_ptr(struct session **session)
{
	session_put(*session);
}

/* By connection. */

static struct session **connection_bucket(struct connection *conn, uint64_t id)
{
	return &conn->sessions[id % CONNECTION_BUCKETS];
}

struct session *session_find(struct connection *conn, uint64_t id)
{
	struct session *session = *connection_bucket(conn, id);

	while (session && session->id != id)
		session = session->next_in_connection;
	return session;
}

struct session *session_new(struct connection *conn)
{
	struct session *session = xalloc(1, sizeof(*session));
	struct session **bucket;

	session->refs = 1;
	session->home = conn->home;
	session->conn = connection_get(conn);
	session->server = server_get(conn->server);
	session->next_tree_id = 1;
	session->next_pipe_id = 1;
	/* Drawn, not counted: an id must not come again on the node that takes over. */
	while (!session->id || session->id == UINT64_MAX)
		session->id = random_u64();
	bucket = connection_bucket(conn, session->id);
	session->next_in_connection = *bucket;
	*bucket = session;
	conn->session_count++;
	table_enter(session);
	return session;
}

static void leave_connection(struct session *session)
{
	struct connection *conn = session->conn;
	struct session **at = connection_bucket(conn, session->id);

	while (*at != session)
		at = &(*at)->next_in_connection;
	*at = session->next_in_connection;
	conn->session_count--;
	if (session->is_entered)
		conn->valid_sessions--;
	if (!conn->valid_sessions && session->is_entered)
		connection_bare(conn);
	session->conn = NULL;
	connection_put(conn);
}

void session_end(struct session *session, bool connection_lost)
{
	if (session->state == SESSION_ENDED)
		return;
	session->state = SESSION_ENDED;
	table_leave(session);
	attempt_free(session->attempt);
	session->attempt = NULL;
	open_close_session(session->id, connection_lost);
	pipe_close_tree(session, UINT32_MAX);
	while (session->trees)
		tree_end(session, session->trees);
	request_cancel_session(session->conn, session, UINT32_MAX);
	if (session->is_entered) {
		session_leave(&session->entry);
		COUNT(sessions, -1);
		log_info("session ended client=%s user=%s server=%s session=%016llx lost=%d",
			 session->entry.client, LOG_TEXT(session->entry.user),
			 session->server->name, (unsigned long long)session->id, connection_lost);
	}
	leave_connection(session);
	session_put(session);
}

void session_end_all(struct connection *conn)
{
	for (size_t i = 0; i < CONNECTION_BUCKETS; i++)
		while (conn->sessions[i])
			session_end(conn->sessions[i], true);
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
	session_end_elsewhere(container_of(entry, struct session, entry));
}

/* It is authenticated: let people see it. */
void session_become_valid(struct session *session)
{
	const struct token *token = session->token;
	struct connection *conn = session->conn;

	session->state = SESSION_VALID;
	session->is_entered = true;
	conn->valid_sessions++;
	session->entry = (struct session_entry){
		.id = session->id,
		.server = session->server,
		.user = xasprintf("%s\\%s", token->domain_name, token->user_name),
		.client = conn->client,
		.dialect = conn->dialect,
		.is_signed = session->signing_required && session->signer,
		.is_encrypted = session->encrypt,
		.is_guest = session->is_guest || session->is_anonymous,
		.since_ms = monotonic_ms(),
		.last_used_ms = monotonic_ms(),
		.disconnect = disconnect,
	};
	session_enter(&session->entry);
	COUNT(sessions, 1);
	COUNT(sessions_made, 1);
	connection_authenticated(conn);
}
