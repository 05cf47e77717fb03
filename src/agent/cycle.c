// SPDX-License-Identifier: Apache-2.0
/* One poll: policy, deployments in their order, papers. */
#include <agent/cycle.h>

#include "agent.h"

#include "platform.h"

#include <base/files.h>
#include <base/log.h>
#include <errno.h>
#include <stdio.h>

#define DEFAULT_INTERVAL_S 3600
#define REPORT_EVERY_S	   86400
#define ENROL_EVERY_S	   86400

struct agent_lock {
	struct agent agent;
	int fd;
};

static bool make_directories(const char *state, struct content_failure *why)
{
	static const char *const names[] = { "", "/policy", "/cache", "/requests" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *path = xasprintf("%s%s", state, names[i]);
		int error = path_make_private(path);

		if (error)
			return content_fail_errno(why, error, path, "make a private directory");
	}
	return true;
}

static bool take_lock(const char *state, int *fd, struct content_failure *why)
{
	auto_free char *path = xasprintf("%s/lock", state);
	int error = path_lock(path, fd);

	if (error == -EWOULDBLOCK)
		return content_fail(why, CONTENT_BUSY, STATUS_SHARING_VIOLATION, path,
				    "another agent works in this directory");
	return !error || content_fail_errno(why, error, path, "take the lock");
}

static bool take_key(struct agent *a, struct content_failure *why)
{
	auto_free char *path = xasprintf("%s/key.pem", a->config->state);

	if (content_key_load(&a->key, path, why))
		return true;
	/* Only where there is none: one that cannot be read is not replaced by another. */
	return why->problem == CONTENT_MISSING && content_key_make(&a->key, why) &&
	       content_key_save(&a->key, path, why);
}

static bool take_trust(struct agent *a, struct content_failure *why)
{
	auto_free char *directory = xasprintf("%s/trust", a->config->state);
	auto_buf struct buf root = { 0 };

	if (!file_read_guarded(a->config->root, ROOT_BYTES_MAX, &root, why))
		return false;
	a->trust = trust_open(directory, root.data, root.len, why);
	return a->trust != NULL;
}

static void take_boot(struct agent *a)
{
	char now[PLATFORM_BOOT_SIZE];

	platform_boot(now);
	if (!strcmp(a->memory.boot, now))
		return;
	for (size_t i = 0; a->memory.boot[0] && i < a->memory.item_count; i++) {
		struct item *item = &a->memory.items[i];

		if (item->history.state == DELIVERY_REBOOT_PENDING)
			memory_move(&a->memory, item, DELIVERY_SUCCEEDED, CLIENT_SUCCEEDED,
				    "the machine was restarted", agent_now(a));
	}
	snprintf(a->memory.boot, sizeof(a->memory.boot), "%s", now);
}

struct agent *agent_open(const struct agent_config *config, struct content_failure *why)
{
	struct agent_lock *l = xalloc(1, sizeof(*l));
	struct agent *a = &l->agent;

	*why = (struct content_failure){ 0 };
	l->fd = -1;
	a->config = config;
	if (make_directories(config->state, why) && take_lock(config->state, &l->fd, why) &&
	    memory_load(&a->memory, config->state, why) && take_key(a, why) && take_trust(a, why)) {
		take_boot(a);
		return a;
	}
	agent_close(a);
	return NULL;
}

void agent_close(struct agent *a)
{
	struct agent_lock *l = container_of(a, struct agent_lock, agent);

	if (!a)
		return;
	trust_close(a->trust);
	policy_free(&a->policy);
	policy_client_free(&a->assignment);
	json_decref(a->facts);
	json_decref(a->used);
	content_key_wipe(&a->key);
	memory_free(&a->memory);
	pull_forget_gates(a);
	close_fd_ptr(&l->fd);
	free(l);
}

const char *agent_id(const struct agent *a)
{
	return a->key.id;
}

/* The file of a request goes when that is saved. */
static bool take_request(void *owner, const char *name)
{
	struct agent *a = owner;
	auto_free char *path = xasprintf("%s/requests/%s", a->config->state, name);
	struct item *item =
		deployment_id_is_safe(name) ? memory_item(&a->memory, name, false) : NULL;

	if (!item || !item->is_wanted)
		return true;
	item->history.requested = true;
	if (memory_save(&a->memory, NULL))
		path_remove(path);
	return true;
}

/* What users asked for since the last time. */
static void take_requests(struct agent *a)
{
	auto_free char *path = xasprintf("%s/requests", a->config->state);

	(void)!path_list(path, take_request, a);
}

static int by_order(const void *x, const void *y)
{
	const struct deployment *a = x, *b = y;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return strcmp(a->id, b->id);
}

/* The deployments of this client; how many could be read. */
static size_t read_deployments(struct agent *a, struct deployment *out)
{
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(a->assignment.deployments); i++) {
		const char *id = json_string_value(json_array_get(a->assignment.deployments, i));
		struct content_failure why = { 0 };
		struct item *item;

		if (!deployment_id_is_safe(id))
			continue;
		/* It stays wanted where it cannot be read now. */
		item = memory_item(&a->memory, id, true);
		item->is_wanted = true;
		if (refresh_deployment(a, id, &out[count], &why)) {
			memcpy(item->manifest, out[count].manifest, SHA256_LENGTH);
			count++;
			continue;
		}
		deployment_free(&out[count]);
		log_warn("deployment not read id=%s why=%s", LOG_TEXT(id), LOG_TEXT(why.text));
	}
	sort_items(out, count, sizeof(*out), by_order);
	return count;
}

/* What the policy no longer has; what is over stays as it is, for the rerun rule. */
static void cancel_unwanted(struct agent *a)
{
	for (size_t i = 0; i < a->memory.item_count; i++) {
		struct item *item = &a->memory.items[i];

		if (!item->is_wanted && !item->history.finished)
			memory_move(&a->memory, item, DELIVERY_CANCELLED, CLIENT_CANCELLED,
				    "the policy no longer has it", agent_now(a));
	}
}

static int64_t work(struct agent *a)
{
	struct deployment *list = xalloc(POLICY_CLIENT_DEPLOYMENTS + 1, sizeof(*list));
	size_t count;
	int64_t again = 0;

	for (size_t i = 0; i < a->memory.item_count; i++)
		a->memory.items[i].is_wanted = false;
	if (a->place)
		place_set_deadline(a->place, PLACES_POINT_MS);
	count = read_deployments(a, list);
	cancel_unwanted(a);
	/* Requests are known by their items, which a new deployment gets here for the first time,
	 * with the version that it is about. */
	for (size_t i = 0; i < count; i++) {
		struct history *h = &memory_item(&a->memory, list[i].id, true)->history;
		const struct circumstances c = { .now_s = agent_now(a), .facts = a->facts };

		(void)decide(&list[i], h, &c);
	}
	take_requests(a);
	for (size_t i = 0; i < count; i++) {
		again = earlier(again, work_on(a, &list[i]));
		deployment_free(&list[i]);
	}
	free(list);
	return again;
}

/* One that was done in what is the future now was done by a clock that was ahead. */
static bool is_due(int64_t last_s, int64_t every_s, int64_t now_s)
{
	return last_s > now_s || now_s - last_s >= every_s;
}

static void post(struct agent *a)
{
	struct content_failure why = { 0 };
	int64_t now = agent_now(a);
	bool is_known = a->assignment.id[0];

	if (!is_known && is_due(a->memory.enrolled_s, ENROL_EVERY_S, now) &&
	    !post_enrolment(a, &why))
		log_warn("enrolment not dropped why=%s", LOG_TEXT(why.text));
	if (is_known && (a->memory.has_news || is_due(a->memory.reported_s, REPORT_EVERY_S, now)) &&
	    !post_report(a, &why))
		log_warn("report not dropped why=%s; it is tried again", LOG_TEXT(why.text));
}

bool agent_cycle(struct agent *a, struct cycle_result *result, struct content_failure *why)
{
	*result = (struct cycle_result){ 0 };
	a->bytes_got = a->requests = 0;
	json_decref(a->facts);
	a->facts = facts_gather();
	json_decref(a->used);
	a->used = json_object();
	work_resume(a);
	result->refreshed = refresh(a, why);
	/* An old policy that was good is worked on; an expired one is not. */
	if (a->policy.site && trust_is_current(a->trust, agent_now(a), NULL)) {
		int64_t soon = work(a);

		post(a); /* what is to be moved may take an hour, and has news of its own */
		result->again_s = earlier(soon, pull_all(a));
		post(a);
		if (result->refreshed)
			refresh_tidy(a);
	}
	memory_forget(&a->memory);
	places_close(a, a->place);
	a->place = NULL;
	result->is_known = a->assignment.id[0];
	snprintf(result->site, sizeof(result->site), "%s", a->policy.site ? a->policy.site : "");
	result->interval_s = a->config->interval_s  ? a->config->interval_s
			     : a->policy.interval_s ? a->policy.interval_s
						    : DEFAULT_INTERVAL_S;
	result->bytes_got = a->bytes_got;
	result->requests = a->requests;
	return memory_save(&a->memory, result->refreshed ? why : NULL) && result->refreshed;
}

bool agent_request(const struct agent_config *config, const char *id, struct content_failure *why)
{
	auto_free char *path = xasprintf("%s/requests/%s", config->state, id);
	auto_close int fd = -1;

	if (!deployment_id_is_safe(id))
		return content_fail(why, CONTENT_BAD_NAME, STATUS_OBJECT_NAME_INVALID, id,
				    "this is not the id of a deployment");
	fd = path_open(path, FILE_OVER, FILE_PRIVATE);
	return fd >= 0 || content_fail_errno(why, fd, path, "ask for it");
}

/* What the program of this version ended with; null: it has not run to an end. */
static json_t *exit_of(const struct item *item)
{
	bool was_good = item->message == CLIENT_SUCCEEDED || item->message == CLIENT_REBOOT_NEEDED;

	/* 0 is no failure: a signal ended it. */
	return was_good || (item->message == CLIENT_FAILED && item->exit_code)
		       ? json_integer(item->exit_code)
		       : json_null();
}

json_t *agent_status(const struct agent_config *config, struct content_failure *why)
{
	struct memory m cleanup(memory_free) = { 0 };
	json_t *list;

	if (!memory_load(&m, config->state, why))
		return NULL;
	list = json_array();
	for (size_t i = 0; i < m.item_count; i++) {
		const struct item *item = &m.items[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:I, s:s, s:o, s:I, s:s}", "deployment",
					item->id, "state", delivery_name(item->history.state),
					"message", (json_int_t)item->message, "reason",
					item->reason, "exit", exit_of(item), "since_s",
					(json_int_t)item->since_s, "output", item->output));
	}
	return list;
}
