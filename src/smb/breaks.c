// SPDX-License-Identifier: Apache-2.0
/*
 * Break notifications to clients (MS-SMB2 3.3.4.6, 3.3.4.7).
 *
 * A break is decided on any thread. It finds the session of the open by id, takes a reference, and
 * is sent by the loop of one of that session's channels, the oldest first. Where the client's
 * system takes nothing for BREAK_PATIENCE_MS, the connection is still there but leads nowhere: it
 * is dropped, and the break is sent once more over the next channel, as it is wherever its
 * connection closes. Where the session has no other, its client gets BREAK_PATIENCE_ALONE_MS, and
 * is then as good as gone: what it has open is closed or kept as when its connection is lost,
 * and who waits for the break need not wait for it any longer. Where the session has gone, its
 * opens are being closed, which ends the break.
 *
 * A notice that was sent belongs to its connection (conn->breaks) until it is known what became of
 * it; before that, to the task that carries it from loop to loop.
 */
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "request.h"

#define BREAK_LOOK_MS		500
#define BREAK_PATIENCE_MS	2000  /* a lost segment has been sent again twice by then */
#define BREAK_PATIENCE_ALONE_MS 20000 /* and six times by then */

struct notice {
	struct loop_task task;
	struct notice *next; /* in conn->breaks, the oldest first */
	struct session *session;
	struct smb_loop *on;
	uint64_t channel;	 /* its number */
	uint64_t end;		 /* conn->sent_bytes behind it */
	uint64_t taken;		 /* of these, when the client last took some */
	uint64_t since_ms;	 /* and when that was */
	struct barrier *barrier; /* until it has been sent */
	struct smb2_oplock_break message;
};

static void notice_free(struct notice *notice)
{
	barrier_leave(notice->barrier);
	session_put(notice->session);
	free(notice);
}

static void notice_came(struct loop_task *task);

/* On to the loop of the first channel above the one that it was last tried on. */
static void pass_on(struct notice *notice)
{
	if (!channel_next_valid(notice->session, &notice->channel, &notice->on)) {
		notice_free(notice);
		return;
	}
	notice->task.run = notice_came;
	/* Where it is sent from this very loop, it goes ahead of what is answered next. */
	if (loop_current() == notice->on->loop)
		notice_came(&notice->task);
	else
		loop_post(notice->on->loop, &notice->task);
}

static bool has_one_channel(struct session *session)
{
	bool one;

	pthread_mutex_lock(&session->lock);
	one = session->channel_count < 2;
	pthread_mutex_unlock(&session->lock);
	return one;
}

/* So many of conn->sent_bytes has the client's system taken. */
static uint64_t taken_bytes(const struct connection *conn)
{
	int in_kernel = 0;

	if (ioctl(stream_fd(conn->stream), SIOCOUTQ, &in_kernel) < 0)
		return 0;
	return conn->sent_bytes - stream_queued_bytes(conn->stream) - (uint64_t)in_kernel;
}

static void look_again(struct loop_timer *timer);

static void await(struct connection *conn)
{
	if (conn->breaks)
		loop_timer_start(conn->home->loop, &conn->break_timer, BREAK_LOOK_MS, look_again);
}

/* Has the client taken nothing for too long while this notice lies there? */
static bool is_stuck(struct notice *notice, uint64_t taken, uint64_t now)
{
	uint64_t patience =
		has_one_channel(notice->session) ? BREAK_PATIENCE_ALONE_MS : BREAK_PATIENCE_MS;

	if (notice->taken != taken) {
		notice->taken = taken;
		notice->since_ms = now;
	}
	return now - notice->since_ms >= patience;
}

static struct notice *take_first(struct connection *conn)
{
	struct notice *notice = conn->breaks;

	conn->breaks = notice->next;
	if (!conn->breaks)
		conn->last_break = NULL;
	notice->next = NULL;
	return notice;
}

static void look_again(struct loop_timer *timer)
{
	struct connection *conn = container_of(timer, struct connection, break_timer);
	uint64_t taken = taken_bytes(conn), now = monotonic_ms();

	while (conn->breaks && conn->breaks->end <= taken)
		notice_free(take_first(conn));
	for (struct notice *notice = conn->breaks; notice; notice = notice->next)
		if (is_stuck(notice, taken, now)) {
			connection_drop(conn,
					"it takes nothing"); /* breaks_closed passes them on */
			return;
		}
	await(conn);
}

void breaks_closed(struct connection *conn)
{
	loop_timer_stop(conn->home->loop, &conn->break_timer);
	while (conn->breaks)
		pass_on(take_first(conn));
}

static void send_notice(struct channel *channel, const struct smb2_oplock_break *message)
{
	struct smb2_header h = {
		.command = SMB2_OPLOCK_BREAK,
		.flags = SMB2_FLAGS_SERVER_TO_REDIR,
		.message_id = UINT64_MAX,
	};
	bool encrypt = channel->session->encrypt || session_was_encrypted(channel->session);
	auto_buf struct buf b = { 0 };

	(void)buf_grow(&b, STREAM_HEADER + (encrypt ? SMB2_TRANSFORM_SIZE : 0));
	smb2_header_encode(&b, &h);
	smb2_oplock_break_notification_encode(&b, message);
	if (b.failed || (encrypt && !seal_reply(channel, &b))) {
		connection_drop(channel->conn, "out of memory for a break");
		return;
	}
	connection_send(channel->conn, &b);
}

/* Keep it with the connection it went over, to look at once more. */
static void keep(struct notice *notice, struct connection *conn)
{
	notice->end = conn->sent_bytes;
	notice->taken = taken_bytes(conn);
	notice->since_ms = monotonic_ms();
	if (conn->last_break)
		conn->last_break->next = notice;
	else
		conn->breaks = notice;
	conn->last_break = notice;
	if (conn->breaks == notice)
		await(conn);
}

struct sent_notice {
	struct loop_task task;
	struct barrier *barrier;
};

static void sent_turn_over(struct loop_task *task)
{
	struct sent_notice *sent = container_of(task, struct sent_notice, task);

	barrier_leave(sent->barrier);
	free(sent);
}

/* The loop gives it to the network at the end of this turn: in the next the barrier may fall. */
static void leave_barrier(struct notice *notice)
{
	struct sent_notice *sent;

	if (!notice->barrier)
		return;
	sent = xalloc(1, sizeof(*sent));
	sent->task.run = sent_turn_over;
	sent->barrier = notice->barrier;
	notice->barrier = NULL;
	loop_post(notice->on->loop, &sent->task);
}

static void notice_came(struct loop_task *task)
{
	struct notice *notice = container_of(task, struct notice, task);
	struct channel *channel = channel_here(notice->session, notice->on, notice->channel);

	if (session_state(notice->session) != SESSION_VALID) {
		notice_free(notice);
		return;
	}
	if (!channel || channel->conn->is_dropped || !channel->conn->stream) {
		pass_on(notice);
		return;
	}
	send_notice(channel, &notice->message);
	leave_barrier(notice);
	keep(notice, channel->conn);
}

static void post(struct open *open, const struct smb2_oplock_break *message)
{
	struct session *session = session_find_anywhere(open_facts(open)->session_id);
	struct notice *notice;

	if (!session)
		return;
	notice = xalloc(1, sizeof(*notice));
	notice->session = session;
	notice->message = *message;
	notice->barrier = barrier_join();
	pass_on(notice);
}

void break_oplock(struct open *open, uint8_t level)
{
	struct smb2_oplock_break message = {
		.oplock_level = level,
		.file_id = open_facts(open)->id,
	};

	COUNT(oplock_breaks, 1);
	post(open, &message);
}

void break_lease(struct open *open, const uint8_t key[16], uint32_t current_state,
		 uint32_t new_state, uint16_t new_epoch, bool ack_required)
{
	struct smb2_oplock_break message = {
		.is_lease = true,
		.lease_flags = ack_required ? SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED : 0,
		.current_state = current_state,
		.new_state = new_state,
		.new_epoch = new_epoch,
	};

	memcpy(message.lease_key, key, sizeof(message.lease_key));
	COUNT(lease_breaks, 1);
	post(open, &message);
}
