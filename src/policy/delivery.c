// SPDX-License-Identifier: Apache-2.0
/* The states of a deployment on a client, their moves, and the messages. */
#include <policy/delivery.h>

#define TO(state) (1u << DELIVERY_##state)
/* What may come about at any time, because the policy changed or time passed. */
#define ANY_TIME  (TO(ACCEPTED) | TO(REJECTED) | TO(EXPIRED) | TO(NO_RERUN) | TO(CANCELLED))
#define UNDER_WAY (TO(DOWNLOADING) | TO(DOWNLOADED) | TO(WAITING) | TO(RETRYING) | TO(FAILED))

static const struct row {
	const char *name;
	bool is_final;
	uint32_t may; /* which states may follow */
} rows[DELIVERY_COUNT] = {
	[DELIVERY_NONE] = { "none", false, ANY_TIME | TO(WAITING) | TO(DOWNLOADING) },
	[DELIVERY_ACCEPTED] = { "accepted", false, ANY_TIME | UNDER_WAY | TO(RUNNING) },
	[DELIVERY_REJECTED] = { "rejected", true, ANY_TIME | TO(WAITING) | TO(DOWNLOADING) },
	[DELIVERY_EXPIRED] = { "expired", true, ANY_TIME | TO(WAITING) | TO(DOWNLOADING) },
	[DELIVERY_NO_RERUN] = { "will-not-rerun", true, ANY_TIME | TO(WAITING) | TO(DOWNLOADING) },
	[DELIVERY_DOWNLOADING] = { "downloading", false, ANY_TIME | UNDER_WAY },
	[DELIVERY_DOWNLOADED] = { "downloaded", false, ANY_TIME | UNDER_WAY | TO(RUNNING) },
	[DELIVERY_CANCELLED] = { "cancelled", true, ANY_TIME | TO(WAITING) | TO(DOWNLOADING) },
	[DELIVERY_WAITING] = { "waiting", false, ANY_TIME | UNDER_WAY | TO(RUNNING) },
	/* A program that runs is not taken back: it ends, or is ended. */
	[DELIVERY_RUNNING] = { "running", false,
			       TO(RETRYING) | TO(FAILED) | TO(REBOOT_PENDING) | TO(SUCCEEDED) },
	[DELIVERY_RETRYING] = { "retrying", false, ANY_TIME | UNDER_WAY | TO(RUNNING) },
	[DELIVERY_FAILED] = { "failed", true, ANY_TIME | TO(WAITING) | TO(DOWNLOADING) },
	[DELIVERY_REBOOT_PENDING] = { "reboot-pending", false,
				      ANY_TIME | TO(SUCCEEDED) | TO(WAITING) | TO(DOWNLOADING) },
	[DELIVERY_SUCCEEDED] = { "succeeded", true, ANY_TIME | TO(WAITING) | TO(DOWNLOADING) },
};

const char *delivery_name(enum delivery state)
{
	return (unsigned)state < DELIVERY_COUNT ? rows[state].name : "unknown";
}

bool delivery_of(const char *name, enum delivery *out)
{
	for (unsigned i = 0; i < DELIVERY_COUNT; i++) {
		if (!strcmp(rows[i].name, name)) {
			*out = i;
			return true;
		}
	}
	return false;
}

bool delivery_may(enum delivery from, enum delivery to)
{
	return from == to || rows[from].may >> to & 1;
}

bool delivery_is_final(enum delivery state)
{
	return rows[state].is_final;
}

static const struct {
	int64_t id;
	const char *text;
} messages[] = {
	{ CLIENT_CONTENT_CORRUPT, "The content lies damaged on every distribution point." },
	{ CLIENT_RECEIVED, "The deployment was received." },
	{ CLIENT_REJECTED, "The run condition does not hold on this client." },
	{ CLIENT_NOT_STARTED, "The program could not be started." },
	{ CLIENT_STARTED, "The program was started." },
	{ CLIENT_FAILED, "The program ended with a failure." },
	{ CLIENT_SUCCEEDED, "The program ended with success." },
	{ CLIENT_EXPIRED, "The deployment has expired." },
	{ CLIENT_WAITING_FOR_CONTENT, "The content is being fetched." },
	{ CLIENT_ABOUT_TO_RUN, "The content is here and verified; the program is next." },
	{ CLIENT_HASH_BAD, "The content that came is not what was published." },
	{ CLIENT_NO_CACHE_SPACE, "The content does not fit into the cache." },
	{ CLIENT_WAITING_FOR_WINDOW, "A maintenance window, the deadline or a user is awaited." },
	{ CLIENT_CANCELLED, "The deployment was withdrawn." },
	{ CLIENT_NO_RERUN, "The program has run before, and its rule says not again." },
	{ CLIENT_TIMED_OUT, "The program ran longer than its limit and was ended." },
	{ CLIENT_RETRYING, "It is tried again later." },
	{ CLIENT_REBOOT_NEEDED, "The program succeeded; a restart completes it." },
	{ CLIENT_INTERRUPTED, "The client was stopped while the program ran." },
};

const char *delivery_message_text(int64_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		if (messages[i].id == id)
			return messages[i].text;
	}
	return NULL;
}
