// SPDX-License-Identifier: Apache-2.0
/*
 * How far a deployment has come on one client: the states, which may follow which, and the numbers
 * of the messages that a client writes about them. Numbers and names are those that administrators
 * of such sites know.
 */
#ifndef POLICY_DELIVERY_H
#define POLICY_DELIVERY_H

#include <base/base.h>

enum delivery {
	DELIVERY_NONE = 0,
	DELIVERY_ACCEPTED = 1,
	DELIVERY_REJECTED = 2, /* its run condition does not hold here */
	DELIVERY_EXPIRED = 3,
	DELIVERY_NO_RERUN = 4, /* it has run before, and its rule says not again */
	DELIVERY_DOWNLOADING = 5,
	DELIVERY_DOWNLOADED = 6,
	DELIVERY_CANCELLED = 7, /* the policy no longer has it */
	DELIVERY_WAITING = 8,	/* for a window, the deadline, a user */
	DELIVERY_RUNNING = 9,
	DELIVERY_RETRYING = 10,
	DELIVERY_FAILED = 11,
	DELIVERY_REBOOT_PENDING = 12,
	DELIVERY_SUCCEEDED = 13,
	DELIVERY_COUNT,
};
const char *delivery_name(enum delivery state); /* "reboot-pending" */
/* delivery_of - by name; false where there is none. */
bool delivery_of(const char *name, enum delivery *out);
/* delivery_may - may @to follow @from? A state may always follow itself. */
bool delivery_may(enum delivery from, enum delivery to);
/* delivery_is_final - nothing happens any more until the policy changes. */
bool delivery_is_final(enum delivery state);

/* Messages of a client. */
enum delivery_message {
	CLIENT_CONTENT_CORRUPT = 10001,
	CLIENT_RECEIVED = 10002,
	CLIENT_REJECTED = 10003,
	CLIENT_NOT_STARTED = 10004,
	CLIENT_STARTED = 10005,
	CLIENT_FAILED = 10006,
	CLIENT_SUCCEEDED = 10009,
	CLIENT_EXPIRED = 10019,
	CLIENT_WAITING_FOR_CONTENT = 10035,
	CLIENT_ABOUT_TO_RUN = 10040,
	CLIENT_HASH_BAD = 10051,
	CLIENT_NO_CACHE_SPACE = 10053,
	CLIENT_WAITING_FOR_WINDOW = 10070,
	CLIENT_CANCELLED = 60100, /* this and the next are Berth's own */
	CLIENT_NO_RERUN,
	CLIENT_TIMED_OUT,
	CLIENT_RETRYING,
	CLIENT_REBOOT_NEEDED,
	CLIENT_INTERRUPTED,
};
/* delivery_message_text - one sentence; NULL where there is no such message. */
const char *delivery_message_text(int64_t id);

#endif
