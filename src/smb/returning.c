// SPDX-License-Identifier: Apache-2.0
/*
 * Is the client of an open still there? Asked when it wants the open over another connection, whose
 * loop was quicker than that of the earlier one (fileserver/returning.c).
 *
 * A question goes from channel to channel of the session that has the open, each on its own loop.
 * One whose socket is not at its end says that the open stays. Where all are, nothing is done:
 * their loops come to read that end, behind what the client has sent before, and close what it had.
 */
#include <poll.h>

#include "request.h"

struct question {
	struct loop_task task;
	struct open *open;	 /* counted */
	struct session *session; /* counted */
	struct smb_loop *on;
	uint64_t channel; /* its number */
};

static void question_free(struct question *question)
{
	open_put(question->open);
	session_put(question->session);
	free(question);
}

/* The client has closed it, or it is broken: there may be something left to read all the same. */
static bool is_at_end(const struct connection *conn)
{
	struct pollfd end = { .events = POLLRDHUP };

	if (conn->is_dropped || !conn->stream)
		return true;
	end.fd = stream_fd(conn->stream);
	return poll(&end, 1, 0) > 0;
}

static void ask_next(struct question *question);

static void asked(struct loop_task *task)
{
	struct question *question = container_of(task, struct question, task);
	struct channel *channel = channel_here(question->session, question->on, question->channel);

	if (channel && !is_at_end(channel->conn)) {
		open_stays(question->open);
		question_free(question);
		return;
	}
	ask_next(question);
}

/* On to the first channel above the one that was asked last. */
static void ask_next(struct question *question)
{
	if (!channel_next_valid(question->session, &question->channel, &question->on)) {
		question_free(question);
		return;
	}
	question->task.run = asked;
	loop_post(question->on->loop, &question->task);
}

void returning_ask(struct open *open)
{
	struct session *session = session_find_anywhere(open_facts(open)->session_id);
	struct question *question;

	if (!session) /* it has ended, and what it had open is being parked or closed */
		return;
	question = xalloc(1, sizeof(*question));
	question->open = open_get(open);
	question->session = session;
	ask_next(question);
}
