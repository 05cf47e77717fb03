// SPDX-License-Identifier: Apache-2.0
/*
 * Publishing: the policy is built into the library as files named by their hash, named in signed
 * documents, and brought to each distribution point (publish_point.c), so that no client ever sees
 * half.
 */
#include "deploy_impl.h"
#include "publish_impl.h"

#include <base/log.h>
#include <content/transfer.h>
#include <crypto/crypto.h>
#include <errno.h>
#include <policy/paper.h>
#include <site/groups.h>
#include <site/object.h>
#include <site/pull.h>
#include <strings.h>

#define FORGOTTEN_MAX 1024 /* nodes, in one publication */

/* Nodes and deployments of one generation. */
struct build {
	struct site *site;
	struct site_library *library;
	uint8_t (*hashes)[SHA256_LENGTH];
	size_t count, room;
	json_t *entries; /* client -> {"deployments": [], "windows": []} */
};

static void build_free(struct build *b)
{
	free(b->hashes);
	json_decref(b->entries);
}

/* policy_store_fn: what is there already is not written again. */
static bool store(void *owner, const void *data, size_t length, uint8_t hash[SHA256_LENGTH],
		  struct content_failure *why)
{
	struct build *b = owner;
	auto_buf struct buf there = { 0 };

	if (!hash_sha256(data, length, hash))
		return content_fail(why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, NULL, "no hash");
	if (b->count == b->room) {
		b->room = b->room ? b->room * 2 : 256;
		b->hashes = reallocarray(b->hashes, b->room, SHA256_LENGTH);
		BUG_ON(!b->hashes);
	}
	memcpy(b->hashes[b->count++], hash, SHA256_LENGTH);
	return layout_read_target(b->library->place, hash, length, &there, NULL) ||
	       layout_write_target(b->library->place, hash, data, length, why);
}

static bool store_json(struct build *b, const json_t *value, uint8_t hash[SHA256_LENGTH],
		       size_t *length, struct content_failure *why)
{
	auto_buf struct buf bytes = { 0 };

	if (!document_canonical(value, &bytes, why))
		return false;
	*length = bytes.len;
	return store(b, bytes.data, bytes.len, hash, why);
}

static json_t *entry_of(struct build *b, const char *client)
{
	json_t *entry = json_object_get(b->entries, client);

	if (entry)
		return entry;
	entry = json_pack("{s:[], s:[]}", "deployments", "windows");
	json_object_set_new(b->entries, client, entry);
	return entry;
}

static void append_to_all(struct build *b, const json_t *clients, const char *list,
			  const char *text, size_t most)
{
	for (size_t i = 0; i < json_array_size(clients); i++) {
		json_t *to = json_object_get(
			entry_of(b, json_string_value(json_array_get(clients, i))), list);

		if (json_array_size(to) < most)
			json_array_append_new(to, json_string(text));
	}
}

/* Every approved client is in the tree, so that it knows that it is known. */
static int add_clients(struct build *b, char **why)
{
	struct query q =
		query_begin(b->site, "SELECT id FROM clients WHERE state = 'approved' ORDER BY id");

	while (query_row(&q))
		(void)entry_of(b, query_text_at(&q, 0));
	return query_end(&q, why);
}

static int add_windows(struct build *b, char **why)
{
	struct query q = query_begin(b->site, "SELECT collection, window FROM collection_windows");

	while (query_row(&q)) {
		json_t *clients auto_json = collection_clients(b->site, query_text_at(&q, 0), NULL);

		append_to_all(b, clients, "windows", query_text_at(&q, 1), WINDOWS_MAX);
	}
	return query_end(&q, why);
}

static int add_deployments(struct build *b, json_t *map, char **why)
{
	json_t *ids auto_json = deployment_ids(b->site, why);
	int error = ids ? 0 : -EIO;

	for (size_t i = 0; !error && i < json_array_size(ids); i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		struct deployment d auto_deployment = { 0 };
		struct content_failure failure = { 0 };
		auto_free char *collection = NULL;
		json_t *json auto_json = NULL, *clients auto_json = NULL;
		uint8_t hash[SHA256_LENGTH];
		char hex[SHA256_HEX_SIZE];
		size_t length;

		error = deployment_read(b->site, id, &d, &collection, why);
		json = error ? NULL : deployment_to_json(&d);
		clients = error ? NULL : collection_clients(b->site, collection, why);
		if (error || !clients)
			return error ? error : -EIO;
		if (!json || !store_json(b, json, hash, &length, &failure))
			return library_fail(why, &failure);
		content_hex(hex, hash, SHA256_LENGTH);
		json_object_set_new(map, id, json_string(hex));
		append_to_all(b, clients, "deployments", id, POLICY_CLIENT_DEPLOYMENTS);
	}
	return error;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct policy_client *)a)->id, ((const struct policy_client *)b)->id);
}

static int write_tree(struct build *b, struct policy *policy, char **why)
{
	size_t count = json_object_size(b->entries), i = 0;
	auto_free struct policy_client *clients = xalloc(count + 1, sizeof(*clients));
	struct content_failure failure = { 0 };
	const char *id;
	json_t *entry;

	json_object_foreach(b->entries, id, entry)
	{
		snprintf(clients[i].id, sizeof(clients[i].id), "%s", id);
		clients[i].deployments = json_object_get(entry, "deployments");
		clients[i++].windows = json_object_get(entry, "windows");
	}
	sort_items(clients, count, sizeof(*clients), by_id);
	policy->has_clients = count > 0;
	if (!count || policy_tree_write(clients, count, store, b, policy->clients, &failure))
		return 0;
	return library_fail(why, &failure);
}

static char **split_boundaries(const char *list, size_t *count)
{
	char **out = xalloc(POLICY_BOUNDARIES_MAX + 1, sizeof(*out));
	auto_free char *copy = xstrdup(list ? list : "");
	char *saved = NULL;

	for (char *one = strtok_r(copy, ",", &saved); one && *count < POLICY_BOUNDARIES_MAX;
	     one = strtok_r(NULL, ",", &saved))
		out[(*count)++] = xstrdup(one);
	return out;
}

static char *part_of(const char *path, unsigned index)
{
	const char *at = path + 2;

	for (; index; index--)
		at += strcspn(at, "\\/") + 1;
	return strndup(at, strcspn(at, "\\/"));
}

/* A point over SMB, and, where it has a web address too, a second one over that. */
static void add_point(struct policy *policy, const struct point *p)
{
	struct policy_point *out = &policy->points[policy->point_count++];
	const char *below = strchr(p->path + 2, '\\');

	below = below ? strchr(below + 1, '\\') : NULL;
	*out = (struct policy_point){
		.title = xstrdup(p->path),
		.server = part_of(p->path, 0),
		.share = part_of(p->path, 1),
		.path = xstrdup(below ? below + 1 : ""),
		.host = p->address ? xstrdup(p->address) : NULL,
		.port = (uint16_t)p->port,
		.priority = p->priority,
		.is_protected = p->is_protected,
		.takes_reports = true,
	};
	out->boundaries = split_boundaries(p->boundaries, &out->boundary_count);
	if (!p->web || policy->point_count == POLICY_POINTS_MAX)
		return;
	out = &policy->points[policy->point_count++];
	*out = (struct policy_point){ .title = xstrdup(p->web),
				      .url = xstrdup(p->web),
				      .path = xstrdup(""),
				      .priority = p->priority,
				      .is_protected = p->is_protected,
				      .takes_reports = p->web_drop };
	out->boundaries = split_boundaries(p->boundaries, &out->boundary_count);
}

int64_t policy_generation(struct site *site)
{
	struct query q = query_begin(site, "SELECT generation FROM policy_state");
	int64_t number = query_row(&q) ? query_number_at(&q, 0) : 0;

	(void)query_end(&q, NULL);
	return number;
}

/* Is it what was published last, but for its number and time? */
static bool is_the_same(struct build *b, const json_t *body)
{
	struct target target;
	auto_buf struct buf bytes = { 0 };
	json_t *old auto_json = NULL, *now auto_json = json_copy((json_t *)(uintptr_t)body);

	if (!repository_find(b->library->repository, POLICY_TARGET, &target) ||
	    !layout_read_target(b->library->place, target.hash, POLICY_BYTES_MAX, &bytes, NULL))
		return false;
	old = document_parse_json(bytes.data, bytes.len, NULL);
	for (size_t i = 0; i < 2; i++) {
		const char *name = i ? "issued_s" : "generation";

		json_object_del(old, name);
		json_object_del(now, name);
	}
	return old && json_equal(old, now);
}

static int keep_nodes(struct build *b, int64_t generation, char **why)
{
	int error = site_begin(b->site, why);

	for (size_t i = 0; !error && i < b->count; i++) {
		struct query q = query_begin(
			b->site, "INSERT INTO policy_nodes(hash, generation) VALUES(?1, "
				 "?2) ON CONFLICT(hash) DO UPDATE SET generation = ?2");

		query_blob(&q, b->hashes[i], SHA256_LENGTH);
		query_number(&q, generation);
		error = query_run(&q, why);
	}
	if (!error) {
		struct query q = query_begin(b->site, "UPDATE policy_state SET generation = ?1");

		query_number(&q, generation);
		error = query_run(&q, why);
	}
	if (!error)
		return site_commit(b->site, why);
	site_rollback(b->site);
	return error;
}

/* Name it in the signed documents. */
static int name_policy(struct build *b, const json_t *body, int64_t generation, char **why)
{
	json_t *everywhere auto_json = json_pack("{s:b}", "everywhere", 1);
	struct target target = { .name = POLICY_TARGET, .custom = everywhere };
	struct content_failure failure = { 0 };
	size_t length;
	int error;

	if (!store_json(b, body, target.hash, &length, &failure))
		return library_fail(why, &failure);
	target.length = length;
	/* The number is used up before anyone can see it. */
	error = keep_nodes(b, generation, why);
	if (error)
		return error;
	if (repository_set(b->library->repository, &target, &failure) &&
	    repository_commit(b->library->repository, now_s(), &failure))
		return 0;
	return library_fail(why, &failure);
}

/* Orders to those that fill points: each a file, and named in the policy. */
static int add_pulls(struct build *b, json_t *map, char **why)
{
	struct content_failure failure = { 0 };
	json_t *orders auto_json = NULL, *order;
	const char *client;
	int error = pull_orders(b->site, &orders, why);

	json_object_foreach(orders, client, order)
	{
		uint8_t hash[SHA256_LENGTH];
		char hex[SHA256_HEX_SIZE];
		size_t length;

		if (error)
			break;
		if (!store_json(b, order, hash, &length, &failure))
			return library_fail(why, &failure);
		content_hex(hex, hash, SHA256_LENGTH);
		json_object_set_new(map, client, json_string(hex));
	}
	return error;
}

static int build_policy(struct build *b, bool force, char **why)
{
	auto_free char *code = xstrdup(site_code(b->site));
	struct policy policy auto_policy = { .site = xstrdup(code), .issued_s = now_s() };
	json_t *body auto_json = NULL;
	struct point *points;
	size_t count;
	int error = point_load(b->site, &points, &count, why);

	if (error)
		return error;
	policy.points = xalloc(POLICY_POINTS_MAX, sizeof(*policy.points));
	for (size_t i = 0; i < count; i++) {
		if (!error)
			error = point_join_boundaries(b->site, &points[i], why);
		if (policy.point_count < POLICY_POINTS_MAX && !points[i].is_maintained)
			add_point(&policy, &points[i]);
		point_free(&points[i]);
	}
	free(points);
	if (error)
		return error;
	policy.interval_s = site_setting_number(b->site, "client_interval_s");
	policy.deployments = json_object();
	policy.pulls = json_object();
	policy.generation = policy_generation(b->site) + 1;
	b->entries = json_object();
	error = add_clients(b, why);
	if (!error)
		error = add_deployments(b, policy.deployments, why);
	if (!error)
		error = add_windows(b, why);
	if (!error)
		error = add_pulls(b, policy.pulls, why);
	if (!error)
		error = write_tree(b, &policy, why);
	body = error ? NULL : policy_to_json(&policy);
	if (error || !body)
		return error ? error : -ENOMEM;
	if (!force && is_the_same(b, body))
		return 0;
	log_info("policy built generation=%lld clients=%zu deployments=%zu",
		 (long long)policy.generation, json_object_size(b->entries),
		 json_object_size(policy.deployments));
	return name_policy(b, body, policy.generation, why);
}

/* A point that is being written to gets the documents at the end of that. */
static int bring_to(struct site *site, const struct point *point, const char *owner, char **why)
{
	struct content_failure failure = { 0 };
	struct place *to = NULL;
	auto_free char *reason = NULL;
	int error = point_open(site, point, &to, &reason);

	if (!error)
		place_set_deadline(to, POINT_MS);
	if (!error && !layout_prepare(to, owner, &failure))
		error = library_fail(&reason, &failure);
	if (!error)
		error = point_publish(site, point, to, &reason);
	if (to)
		place_unlock(to);
	place_close(to);
	if (error && error != -EBUSY)
		point_note(site, point->path, 0, reason);
	if (error != -EBUSY)
		object_doubt(site, point->path, !error);
	return error ? site_fail(why, error, "%s: %s", point->path, reason ? reason : "") : 0;
}

/* Nodes that no generation needs which any point still has: from the library, then from the
 * database, so that one that is interrupted is looked at again. */
static int forget_nodes(struct site *site, struct site_library *library, char **why)
{
	struct query q = query_begin(site, "SELECT hash FROM policy_nodes WHERE generation <="
					   " (SELECT min(coalesce(generation, 0)) FROM points) - ?1"
					   " LIMIT ?2");
	uint8_t hashes[FORGOTTEN_MAX][SHA256_LENGTH];
	struct content_failure failure = { 0 };
	size_t count = 0;
	int error;

	query_number(&q, GENERATIONS_KEPT);
	query_number(&q, FORGOTTEN_MAX);
	while (query_row(&q))
		count += query_blob_at(&q, 0, hashes[count], SHA256_LENGTH) == SHA256_LENGTH;
	error = query_end(&q, why);
	for (size_t i = 0; i < count && !error; i++) {
		if (!content_withdraw(library->place, hashes[i], &failure))
			return library_fail(why, &failure);
		q = query_begin(site, "DELETE FROM policy_nodes WHERE hash = ?1");
		query_blob(&q, hashes[i], SHA256_LENGTH);
		error = query_run(&q, why);
	}
	return error;
}

/* Build what has changed, renew what is getting old, forget what nobody needs; with the library
 * locked, so before any point is asked. Whose site it is goes to @owner. */
static int prepare(struct site *site, bool force, char owner[SHA256_HEX_SIZE], char **why)
{
	struct site_library library auto_library = { 0 };
	struct build b cleanup(build_free) = { .site = site, .library = &library };
	struct content_failure failure = { 0 };
	bool renewed = false;
	int error = library_open(site, &library, why);

	if (!error)
		error = build_policy(&b, force, why);
	if (error)
		return error;
	memcpy(owner, library.owner, SHA256_HEX_SIZE);
	if (!repository_renew(library.repository, now_s(), false, &renewed, &failure))
		return library_fail(why, &failure);
	return forget_nodes(site, &library, why);
}

int policy_publish(struct site *site, bool force, char **why)
{
	char owner[SHA256_HEX_SIZE];
	struct point *points;
	size_t count;
	auto_free char *reason = NULL;
	int error = prepare(site, force, owner, &reason), first = 0;

	if (error) {
		/* One that is busy is built by somebody else. */
		if (error != -EBUSY)
			points_note(site, reason ? reason : "the policy could not be built");
		return site_fail(why, error, "%s", reason ? reason : "");
	}
	error = point_load(site, &points, &count, why);
	if (error)
		return error;
	for (size_t i = 0; i < count; i++) {
		error = points[i].is_maintained
				? 0
				: bring_to(site, &points[i], owner, first ? NULL : why);
		if (error && !first)
			first = error;
		point_free(&points[i]);
	}
	free(points);
	return first;
}

int policy_publish_at(struct site *site, const json_t *paths, char **why)
{
	char owner[SHA256_HEX_SIZE];
	int error = prepare(site, false, owner, why), first = -ENOENT;

	if (error)
		return error;
	for (size_t i = 0; i < json_array_size(paths); i++) {
		struct point point cleanup(point_free) = { 0 };
		const json_t *path = json_object_get(json_array_get(paths, i), "source");
		auto_free char *reason = NULL;

		error = point_find(site, json_string_value(path), &point, &reason);
		if (!error)
			error = point.is_maintained ? site_fail(&reason, -EBUSY,
								"%s is in maintenance", point.path)
						    : bring_to(site, &point, owner, &reason);
		if (!error)
			first = 0;
		else if (first == -ENOENT)
			first = site_fail(why, error, "%s", reason ? reason : "");
	}
	return first;
}
