// SPDX-License-Identifier: Apache-2.0
/* Distribution points: which, in which order, and how quickly they answer. */
#include "agent.h"

#include "platform.h"

#include <base/log.h>
#include <strings.h>

static int64_t answer_of(const struct memory *m, const char *title)
{
	const json_t *ms = json_object_get(m->answers, title);

	return json_is_integer(ms) ? json_integer_value(ms) : -1;
}

static bool is_same(const char *title, const char *own)
{
	size_t length = strlen(title);

	/* The configuration's end without a slash. */
	while (length && title[length - 1] == '/')
		length--;
	return strlen(own) == length && !strncasecmp(title, own, length);
}

void places_apply(struct agent *a)
{
	for (size_t i = 0; i < a->config->point_count; i++) {
		const struct policy_point *own = &a->config->points[i];

		for (size_t k = 0; k < a->policy.point_count && a->config->says_reports[i]; k++) {
			struct policy_point *its = &a->policy.points[k];

			if (is_same(its->title, own->title))
				its->takes_reports = own->takes_reports;
		}
	}
}

/* Those of the policy, best first; behind them those of the configuration that it does not have. */
const struct policy_point **places_choose(struct agent *a, size_t *count)
{
	char texts[PLATFORM_ADDRESSES_MAX][PLATFORM_ADDRESS_SIZE];
	const char *addresses[PLATFORM_ADDRESSES_MAX];
	size_t total = a->policy.point_count, address_count = platform_addresses(texts);
	auto_free int64_t *answers = xalloc(total + 1, sizeof(*answers));
	auto_free size_t *order = xalloc(total + 1, sizeof(*order));
	const struct policy_point **chosen =
		xalloc(total + a->config->point_count, sizeof(const struct policy_point *));

	for (size_t i = 0; i < address_count; i++)
		addresses[i] = texts[i];
	for (size_t i = 0; i < total; i++)
		answers[i] = answer_of(&a->memory, a->policy.points[i].title);
	*count = points_order(&a->policy, addresses, address_count, answers, order);
	for (size_t i = 0; i < *count; i++)
		chosen[i] = &a->policy.points[order[i]];
	for (size_t i = 0; i < a->config->point_count; i++) {
		const struct policy_point *own = &a->config->points[i];
		bool is_known = false;

		for (size_t k = 0; k < *count; k++)
			is_known |= is_same(chosen[k]->title, own->title);
		if (!is_known)
			chosen[(*count)++] = own;
	}
	return chosen;
}

void places_note(struct agent *a, const struct policy_point *point, int64_t took_ms)
{
	json_object_set_new(a->memory.answers, point->title, json_integer(took_ms));
}

struct place *places_open_to_write(struct agent *a, const struct policy_point *point,
				   struct content_failure *why)
{
	const struct platform_account account = { a->config->pull_user, a->config->pull_domain,
						  a->config->pull_password_file };

	if (account.user && point->server)
		return platform_open_smb(point, &account, why);
	content_fail(why, CONTENT_UNWRITABLE, STATUS_ACCESS_DENIED, point->title, "%s",
		     account.user ? "only a share can be filled"
				  : "this client has no account to fill points with (pull_user)");
	return NULL;
}

/* "Access is denied" alone says nothing about who it was that was denied. */
static void say_nobody(const struct agent *a, const struct policy_point *point,
		       struct content_failure *why)
{
	auto_free char *text = NULL;

	if (point->url || point->directory || a->config->user || platform_refuses("user") ||
	    (why->status != STATUS_ACCESS_DENIED && why->status != STATUS_LOGON_FAILURE))
		return;
	text = xstrdup(why->text);
	content_fail(why, why->problem, why->status, point->title, "%s (as nobody: no user is set)",
		     text);
}

struct place *places_open(struct agent *a, const struct policy_point *point,
			  struct content_failure *why)
{
	const struct place_http_options web = { .url = point->url, .ca_file = a->config->ca_file };
	const struct platform_account reader = { a->config->user, a->config->domain,
						 a->config->password_file };
	uint64_t began = monotonic_ms();
	struct place *place = point->url	 ? place_open_http(&web, why)
			      : point->directory ? place_open_directory(point->directory, why)
						 : platform_open_smb(point, &reader, why);
	auto_buf struct buf bytes = { 0 };
	int64_t took;

	/* Opening an HTTP place asks nothing yet; a small read is the answer that is measured. */
	if (place && point->url) {
		ntstatus status = place_read(place, LAYOUT_SITE, LAYOUT_SITE_BYTES, &bytes);

		if (status) {
			content_fail_status(why, status, false, point->title, "read from it");
			if (*place_reason(place))
				content_fail(why, content_problem_of(status, false), status,
					     point->title, "read from it: %s", place_reason(place));
			places_close(a, place);
			place = NULL;
		}
	}
	/* One that does not answer counts as slow next time, not as dead. */
	took = place ? (int64_t)(monotonic_ms() - began) : PLACES_DEAD_MS;
	places_note(a, point, took);
	if (!place)
		say_nobody(a, point, why);
	if (!place)
		log_warn("distribution point does not answer title=%s why=%s",
			 LOG_TEXT(point->title), LOG_TEXT(why->text));
	return place;
}

void places_close(struct agent *a, struct place *place)
{
	struct place_counts counts;

	if (!place)
		return;
	counts = place_counts(place);
	a->bytes_got += counts.bytes_got;
	a->requests += counts.requests;
	place_drain(place);
	place_close(place);
}
