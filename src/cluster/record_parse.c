// SPDX-License-Identifier: Apache-2.0
/* Records of the cluster directory and of a home, from the texts of their files: all of it is
 * checked. */
#include <cluster/cluster.h>

#include <base/log.h>

#include <stdio.h>

struct cluster_policy cluster_policy_default(void)
{
	return (struct cluster_policy){
		.restart_threshold = 3,
		.restart_period_s = 900,
		.retry_period_s = 3600,
		.pending_timeout_s = 180,
		.failback_from = -1,
		.failback_to = -1,
	};
}

bool cluster_name_ok(const char *name)
{
	size_t length = strlen(name);

	if (!length || length >= CLUSTER_MAX_NAME || name[0] == '.' || name[0] == '-')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
	       length;
}

static json_t *parse_object(const char *text, size_t length, const char **why)
{
	static _Thread_local char said[JSON_ERROR_TEXT_LENGTH + 64];
	json_error_t error;
	json_t *root;

	if (length > RECORD_MAX_BYTES) {
		*why = "it is too long";
		return NULL;
	}
	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		snprintf(said, sizeof(said), "line %d: %s", error.line, error.text);
		*why = said;
		return NULL;
	}
	if (!json_is_object(root)) {
		json_decref(root);
		*why = "it is not an object";
		return NULL;
	}
	return root;
}

static void release_json(json_t **root)
{
	json_decref(*root);
}
#define auto_json cleanup(release_json)

/* The text at @key into @out; false where it is missing or does not fit. */
static bool take_text(const json_t *root, const char *key, char *out, size_t size)
{
	const json_t *value = json_object_get(root, key);
	const char *text = json_string_value(value);

	if (!text || json_string_length(value) != strlen(text) || strlen(text) >= size)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

static bool take_number(const json_t *root, const char *key, int64_t low, int64_t high,
			int64_t *out)
{
	const json_t *value = json_object_get(root, key);

	if (!json_is_integer(value) || json_integer_value(value) < low ||
	    json_integer_value(value) > high)
		return false;
	*out = json_integer_value(value);
	return true;
}

/* The same where it may be missing: @fallback then. */
static bool take_number_or(const json_t *root, const char *key, int64_t low, int64_t high,
			   int64_t fallback, int64_t *out)
{
	*out = fallback;
	return !json_object_get(root, key) || take_number(root, key, low, high, out);
}

static bool parse_preferred(const json_t *root, struct server_record *out)
{
	const json_t *list = json_object_get(root, "preferred"), *item;
	size_t i;

	if (!list)
		return true;
	if (!json_is_array(list) || json_array_size(list) > CLUSTER_MAX_PREFERRED)
		return false;
	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(item);

		if (!name || !cluster_name_ok(name))
			return false;
		snprintf(out->preferred[out->preferred_count++], CLUSTER_MAX_NAME, "%s", name);
	}
	return true;
}

static bool parse_policy(const json_t *policy, struct cluster_policy *out)
{
	const struct cluster_policy normal = cluster_policy_default();
	int64_t threshold, period, retry, pending, from, to;

	*out = normal;
	if (!policy)
		return true;
	if (!json_is_object(policy) ||
	    !take_number_or(policy, "restart_threshold", 0, 1000, normal.restart_threshold,
			    &threshold) ||
	    !take_number_or(policy, "restart_period_s", 1, 86400, normal.restart_period_s,
			    &period) ||
	    !take_number_or(policy, "retry_period_s", 0, 604800, normal.retry_period_s, &retry) ||
	    !take_number_or(policy, "pending_timeout_s", 1, 3600, normal.pending_timeout_s,
			    &pending) ||
	    !take_number_or(policy, "failback_from", -1, 23, -1, &from) ||
	    !take_number_or(policy, "failback_to", -1, 23, -1, &to))
		return false;
	out->restart_threshold = (uint32_t)threshold;
	out->restart_period_s = (uint32_t)period;
	out->retry_period_s = (uint32_t)retry;
	out->pending_timeout_s = (uint32_t)pending;
	out->failback = json_is_true(json_object_get(policy, "failback"));
	out->failback_from = (int)from;
	out->failback_to = (int)to;
	return true;
}

bool server_record_parse(const char *text, size_t length, struct server_record *out,
			 const char **why)
{
	auto_json json_t *root = parse_object(text, length, why);
	const json_t *want, *facts;
	int64_t generation, yielded;

	memset(out, 0, sizeof(*out));
	if (!root)
		return false;
	if (!take_text(root, "name", out->name, sizeof(out->name)) || !cluster_name_ok(out->name)) {
		*why = "its name is missing or not a name";
		return false;
	}
	if (!take_text(root, "volume", out->volume, sizeof(out->volume)) || out->volume[0] != '/') {
		*why = "its volume is missing or not an absolute path";
		return false;
	}
	want = json_object_get(root, "want");
	if (!json_is_string(want) || (strcmp(json_string_value(want), "online") != 0 &&
				      strcmp(json_string_value(want), "offline") != 0)) {
		*why = "want is neither online nor offline";
		return false;
	}
	out->want_online = !strcmp(json_string_value(want), "online");
	if (!take_number(root, "generation", 0, INT64_MAX, &generation) ||
	    !take_number_or(root, "target_until_ms", 0, INT64_MAX, 0, &out->target_until_ms) ||
	    !take_number_or(root, "yielded_epoch", 0, INT64_MAX, 0, &yielded)) {
		*why = "a number is missing or out of its range";
		return false;
	}
	out->generation = (uint64_t)generation;
	out->yielded_epoch = (uint64_t)yielded;
	if (json_object_get(root, "target") &&
	    (!take_text(root, "target", out->target, sizeof(out->target)) ||
	     (out->target[0] && !cluster_name_ok(out->target)))) {
		*why = "its target is not the name of a node";
		return false;
	}
	if (!parse_preferred(root, out) ||
	    !parse_policy(json_object_get(root, "policy"), &out->policy)) {
		*why = "its preferred owners or its policy cannot be understood";
		return false;
	}
	facts = json_object_get(root, "facts");
	out->facts = json_is_object(facts) ? json_deep_copy(facts) : json_object();
	return true;
}

void server_record_free(struct server_record *record)
{
	json_decref(record->facts);
	record->facts = NULL;
}

bool node_record_parse(const char *text, size_t length, struct node_record *out, const char **why)
{
	auto_json json_t *root = parse_object(text, length, why);
	int64_t pid, port;

	memset(out, 0, sizeof(*out));
	if (!root)
		return false;
	if (!take_text(root, "name", out->name, sizeof(out->name)) || !cluster_name_ok(out->name) ||
	    !take_text(root, "control", out->control, sizeof(out->control)) ||
	    !take_text(root, "address", out->address, sizeof(out->address)) ||
	    !take_number(root, "port", 0, 65535, &port) ||
	    !take_number(root, "pid", 1, INT32_MAX, &pid)) {
		*why = "a field is missing or cannot be understood";
		return false;
	}
	out->pid = (int)pid;
	out->port = (uint16_t)port;
	return true;
}

bool owner_record_parse(const char *text, size_t length, struct owner_record *out, const char **why)
{
	auto_json json_t *root = parse_object(text, length, why);
	int64_t pid, epoch, deaths, leaving;

	memset(out, 0, sizeof(*out));
	if (!root)
		return false;
	if (!take_text(root, "node", out->node, sizeof(out->node)) || !cluster_name_ok(out->node) ||
	    !take_text(root, "boot_id", out->boot_id, sizeof(out->boot_id)) ||
	    !take_text(root, "state", out->state, sizeof(out->state)) ||
	    !take_number(root, "pid", 1, INT32_MAX, &pid) ||
	    !take_number(root, "epoch", 0, INT64_MAX - 1, &epoch) ||
	    !take_number_or(root, "deaths", 0, 1000000, 0, &deaths) ||
	    !take_number_or(root, "leaving_ms", 0, INT64_MAX, 0, &leaving)) {
		*why = "a field is missing or cannot be understood";
		return false;
	}
	out->pid = (int)pid;
	out->epoch = (uint64_t)epoch;
	out->deaths = (uint32_t)deaths;
	out->leaving_ms = leaving;
	return true;
}
