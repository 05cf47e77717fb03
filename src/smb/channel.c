// SPDX-License-Identifier: Apache-2.0
/*
 * Channels: what a session has on one connection (MS-SMB2 3.3.1.14). See session.h for who owns
 * what. A channel is made, entered, used and left on the loop of its connection; other threads only
 * see, under session->lock, which of them there are, so as to send a task to their loop.
 */
#include "session.h"

#include "request.h"
#include "session_impl.h"

static struct channel **connection_bucket(struct connection *conn, uint64_t session_id)
{
	return &conn->channels[session_id % CONNECTION_BUCKETS];
}

struct channel *channel_find(struct connection *conn, uint64_t session_id)
{
	struct channel *channel = *connection_bucket(conn, session_id);

	while (channel && channel->session->id != session_id)
		channel = channel->next_in_connection;
	return channel;
}

struct channel *channel_get(struct channel *channel)
{
	channel->refs++;
	return channel;
}

void attempt_free(struct attempt *attempt)
{
	if (!attempt)
		return;
	login_free(attempt->login);
	secret_wipe(attempt->preauth, sizeof(attempt->preauth));
	free(attempt);
}

void channel_put(struct channel *channel)
{
	if (!channel || --channel->refs)
		return;
	BUG_ON(channel->conn);
	attempt_free(channel->attempt);
	signer_free(channel->signer);
	sealer_free(channel->sealer);
	sealer_free(channel->opener);
	session_put(channel->session);
	free(channel);
}

struct channel *channel_new(struct session *session)
{
	struct channel *channel = xalloc(1, sizeof(*channel));

	channel->refs = 1;
	channel->session = session_get(session);
	return channel;
}

/* At the end, so that the first is the one that has been there for longest. */
static bool enter_session(struct channel *channel)
{
	struct session *session = channel->session;
	struct channel **at = &session->channels;
	bool room;

	pthread_mutex_lock(&session->lock);
	room = session->state != SESSION_ENDED &&
	       session->channel_count < smb.config.max_channels_per_session;
	if (room) {
		while (*at)
			at = &(*at)->next_in_session;
		*at = channel;
		channel->number = ++session->last_channel;
		session->channel_count++;
	}
	pthread_mutex_unlock(&session->lock);
	return room;
}

bool channel_enter(struct channel *channel, struct connection *conn)
{
	struct channel **bucket = connection_bucket(conn, channel->session->id);

	channel->conn = connection_get(conn);
	if (!enter_session(channel)) {
		channel->conn = NULL;
		connection_put(conn);
		return false;
	}
	channel_get(channel);
	channel->next_in_connection = *bucket;
	*bucket = channel;
	conn->channel_count++;
	return true;
}

/* True: no other is left. */
static bool leave_session(struct channel *channel)
{
	struct session *session = channel->session;
	struct channel **at = &session->channels;
	bool was_last;

	pthread_mutex_lock(&session->lock);
	while (*at != channel)
		at = &(*at)->next_in_session;
	*at = channel->next_in_session;
	was_last = !--session->channel_count;
	channel->state = CHANNEL_GONE;
	pthread_mutex_unlock(&session->lock);
	return was_last;
}

bool channel_leave(struct channel *channel)
{
	struct connection *conn = channel->conn;
	struct channel **at = connection_bucket(conn, channel->session->id);
	bool was_valid = channel->state == CHANNEL_VALID;
	bool was_last = leave_session(channel);

	while (*at != channel)
		at = &(*at)->next_in_connection;
	*at = channel->next_in_connection;
	conn->channel_count--;
	conn->valid_channels -= was_valid;
	if (was_valid)
		session_channel_leave(&channel->session->entry, channel->number);
	if (was_valid && !conn->valid_channels)
		connection_bare(conn);
	attempt_free(channel->attempt);
	channel->attempt = NULL;
	channel->conn = NULL;
	connection_put(conn);
	channel_put(channel);
	return was_last;
}

void channel_become_valid(struct channel *channel)
{
	pthread_mutex_lock(&channel->session->lock);
	channel->state = CHANNEL_VALID;
	pthread_mutex_unlock(&channel->session->lock);
	channel->is_binding = false;
	session_channel_enter(&channel->session->entry, channel->number, channel->conn->client);
	channel->conn->valid_channels++;
	connection_authenticated(channel->conn);
}

struct channel *channel_next_here(struct session *session, const struct smb_loop *here,
				  uint64_t last)
{
	struct channel *channel;

	/* The list is in the order of the numbers. Those of this loop stay while it is here. */
	pthread_mutex_lock(&session->lock);
	channel = session->channels;
	while (channel && (channel->number <= last || channel->conn->home != here))
		channel = channel->next_in_session;
	pthread_mutex_unlock(&session->lock);
	return channel;
}

bool channel_next_valid(struct session *session, uint64_t *number, struct smb_loop **on)
{
	struct channel *channel;

	pthread_mutex_lock(&session->lock);
	channel = session->channels;
	while (channel && (channel->number <= *number || channel->state != CHANNEL_VALID))
		channel = channel->next_in_session;
	if (channel) {
		*number = channel->number;
		*on = channel->conn->home;
	}
	pthread_mutex_unlock(&session->lock);
	return channel;
}

struct channel *channel_here(struct session *session, const struct smb_loop *here, uint64_t number)
{
	struct channel *channel = channel_next_here(session, here, number - 1);

	return channel && channel->number == number ? channel : NULL;
}
