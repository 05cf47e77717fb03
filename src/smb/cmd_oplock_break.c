// SPDX-License-Identifier: Apache-2.0
/*
 * Breaks: notifications to clients (MS-SMB2 3.3.4.6, 3.3.4.7), and their acknowledgements
 * (3.3.5.22).
 *
 * A break is decided on any thread. It finds the session of the open by id, takes a reference, and
 * is sent by the loop of one of that session's channels, the oldest that is still there when the
 * break comes to it; where the session has gone, its opens are being closed, which ends the break.
 */
#include "request.h"

struct notice {
	struct loop_task task;
	struct session *session;
	struct smb_loop *on;
	uint64_t channel; /* its number */
	struct smb2_oplock_break message;
};

static void send_notice(struct channel *channel, const struct smb2_oplock_break *message)
{
	struct smb2_header h = {
		.command = SMB2_OPLOCK_BREAK,
		.flags = SMB2_FLAGS_SERVER_TO_REDIR,
		.message_id = UINT64_MAX,
	};
	bool encrypt = channel->session->encrypt || channel->was_encrypted;
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

static void notice_came(struct loop_task *task);

/* On to the loop of the first channel above the one that it was last tried on. */
static void post_notice(struct notice *notice)
{
	struct session *session = notice->session;
	struct channel *channel;

	pthread_mutex_lock(&session->lock);
	channel = session->channels;
	while (channel && (channel->number <= notice->channel || channel->state != CHANNEL_VALID))
		channel = channel->next_in_session;
	if (channel) {
		notice->channel = channel->number;
		notice->on = channel->conn->home;
	}
	pthread_mutex_unlock(&session->lock);
	if (channel) {
		loop_post(notice->on->loop, &notice->task);
		return;
	}
	session_put(session);
	free(notice);
}

static void notice_came(struct loop_task *task)
{
	struct notice *notice = container_of(task, struct notice, task);
	struct channel *channel =
		channel_next_here(notice->session, notice->on, notice->channel - 1);

	if (!channel || channel->number != notice->channel || channel->conn->is_dropped) {
		post_notice(notice);
		return;
	}
	if (session_state(notice->session) == SESSION_VALID)
		send_notice(channel, &notice->message);
	session_put(notice->session);
	free(notice);
}

static void post(struct open *open, const struct smb2_oplock_break *message)
{
	struct session *session = session_find_anywhere(open_facts(open)->session_id);
	struct notice *notice;

	if (!session)
		return;
	notice = xalloc(1, sizeof(*notice));
	notice->task.run = notice_came;
	notice->session = session;
	notice->message = *message;
	post_notice(notice);
}

static void oplock_break(struct open *open, uint8_t level)
{
	struct smb2_oplock_break message = {
		.oplock_level = level,
		.file_id = open_facts(open)->id,
	};

	COUNT(oplock_breaks, 1);
	post(open, &message);
}

static void lease_break(struct open *open, const uint8_t key[16], uint32_t current_state,
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

const struct open_events break_events = {
	.oplock_break = oplock_break,
	.lease_break = lease_break,
};

ntstatus cmd_oplock_break(struct smb_request *rq)
{
	struct smb2_oplock_break r;
	ntstatus status;

	status = smb2_oplock_break_ack_decode(&rq->message, &r);
	if (status)
		return status;
	if (r.is_lease) {
		status = open_lease_ack(&rq->conn->client_guid, r.lease_key, r.lease_state,
					&r.lease_state);
	} else {
		status = request_file(rq, &r.file_id);
		if (!status)
			status = open_oplock_ack(rq->open, r.oplock_level, &r.oplock_level);
	}
	if (!status)
		smb2_oplock_break_ack_encode(&rq->reply, &r);
	return status;
}
