// SPDX-License-Identifier: Apache-2.0
/*
 * The policy: refreshed from the first distribution point that has one, then read down to what
 * concerns this client. What was read is kept by hash, so that a policy that did not change costs
 * one small file.
 */
#include "agent.h"

#include <base/files.h>
#include <base/log.h>
#include <crypto/crypto.h>
#include <stdio.h>
#include <time.h>

int64_t agent_now(const struct agent *a)
{
	int64_t clock = (int64_t)time(NULL);

	return clock > a->memory.seen_s ? clock : a->memory.seen_s;
}

static char *kept_path(const struct agent *a, const uint8_t hash[SHA256_LENGTH])
{
	char hex[SHA256_HEX_SIZE];

	content_hex(hex, hash, SHA256_LENGTH);
	return xasprintf("%s/policy/%s", a->config->state, hex);
}

static bool read_kept(const struct agent *a, const uint8_t hash[SHA256_LENGTH], size_t limit,
		      struct buf *out)
{
	auto_free char *path = kept_path(a, hash);
	uint8_t found[SHA256_LENGTH];

	if (file_read(path, limit, out, NULL) && hash_sha256(out->data, out->len, found) &&
	    !memcmp(found, hash, SHA256_LENGTH))
		return true;
	out->len = 0;
	return false;
}

/* policy_fetch_fn: from what is kept, else from the place of this cycle. */
static bool fetch(void *owner, const uint8_t hash[SHA256_LENGTH], size_t limit, struct buf *out,
		  struct content_failure *why)
{
	struct agent *a = owner;
	auto_free char *path = kept_path(a, hash);

	json_object_set_new(a->used, strrchr(path, '/') + 1, json_true());
	if (read_kept(a, hash, limit, out))
		return true;
	if (!a->place)
		return content_fail(why, CONTENT_UNREACHABLE, STATUS_NETWORK_UNREACHABLE, path,
				    "no distribution point answers");
	return layout_read_target(a->place, hash, limit, out, why) &&
	       file_replace(path, out->data, out->len, why);
}

bool refresh_node(struct agent *a, const uint8_t hash[SHA256_LENGTH], size_t limit, struct buf *out,
		  struct content_failure *why)
{
	return fetch(a, hash, limit, out, why);
}

static bool drop_unused(void *owner, const char *name)
{
	const struct agent *a = owner;
	auto_free char *path = xasprintf("%s/policy/%s", a->config->state, name);

	if (name[0] != '.' && !json_object_get(a->used, name))
		path_remove(path);
	return true;
}

void refresh_tidy(struct agent *a)
{
	auto_free char *path = xasprintf("%s/policy", a->config->state);

	(void)!path_list(path, drop_unused, a);
}

static bool parse_policy(struct agent *a, const struct buf *bytes, struct policy *out,
			 struct content_failure *why)
{
	json_t *body auto_json = document_parse_json(bytes->data, bytes->len, why);

	return body && policy_from_json(body, out, why);
}

static bool take_policy(struct agent *a, struct content_failure *why)
{
	struct policy_client assignment auto_policy_client = { 0 };
	struct policy policy auto_policy = { 0 };
	auto_buf struct buf bytes = { 0 };
	struct target target;

	if (!trust_find(a->trust, POLICY_TARGET, &target, why))
		return false;
	if (target.length > POLICY_BYTES_MAX)
		return content_fail(why, CONTENT_TOO_LARGE, STATUS_FILE_TOO_LARGE, POLICY_TARGET,
				    "the policy is larger than it may be");
	if (!fetch(a, target.hash, POLICY_BYTES_MAX, &bytes, why) ||
	    !parse_policy(a, &bytes, &policy, why) ||
	    (policy.has_clients &&
	     !policy_tree_find(policy.clients, a->key.id, fetch, a, &assignment, why)))
		return false;
	policy_free(&a->policy);
	policy_client_free(&a->assignment);
	a->policy = policy;
	places_apply(a);
	a->assignment = assignment;
	policy = (struct policy){ 0 };
	assignment = (struct policy_client){ 0 };
	if (a->policy.issued_s > a->memory.seen_s)
		a->memory.seen_s = a->policy.issued_s;
	return true;
}

/* Ask each point in turn until one has what is newest and good. */
bool refresh(struct agent *a, struct content_failure *why)
{
	size_t count;
	auto_free const struct policy_point **points = NULL;
	bool good = false;

	/* What was trusted before says which points there are, if this is the first cycle. */
	if (!a->policy.site && trust_version(a->trust, ROLE_TARGETS))
		(void)!take_policy(a, why);
	points = places_choose(a, &count);
	for (size_t i = 0; i < count && !good; i++) {
		a->place = places_open(a, points[i], why);
		if (!a->place)
			continue;
		snprintf(a->place_title, sizeof(a->place_title), "%s", points[i]->title);
		place_set_deadline(a->place, PLACES_POINT_MS);
		good = trust_refresh(a->trust, a->place, agent_now(a), why) && take_policy(a, why);
		if (good)
			break;
		log_warn("policy refused point=%s problem=%s why=%s", LOG_TEXT(a->place_title),
			 content_problem_name(why->problem), LOG_TEXT(why->text));
		if (place_is_late(a->place))
			places_note(a, points[i], PLACES_DEAD_MS);
		places_close(a, a->place);
		a->place = NULL;
	}
	return good;
}

bool refresh_deployment(struct agent *a, const char *id, struct deployment *out,
			struct content_failure *why)
{
	auto_buf struct buf bytes = { 0 };
	json_t *body auto_json = NULL;
	uint8_t hash[SHA256_LENGTH];

	*out = (struct deployment){ 0 };
	if (!policy_deployment(&a->policy, id, hash))
		return content_fail(why, CONTENT_INCONSISTENT, STATUS_OBJECT_NAME_NOT_FOUND, id,
				    "the policy names a deployment that it does not have");
	if (!fetch(a, hash, DEPLOYMENT_BYTES_MAX, &bytes, why))
		return false;
	body = document_parse_json(bytes.data, bytes.len, why);
	if (!body || !deployment_from_json(body, out, why))
		return false;
	return !strcmp(out->id, id) ||
	       content_fail(why, CONTENT_INCONSISTENT, STATUS_FILE_CORRUPT_ERROR, id,
			    "another deployment lies where this one should");
}
