// SPDX-License-Identifier: Apache-2.0
/* The policy: what a client finds of it, and that nothing in it can be exchanged. */
#include <policy/policy.h>

#include <crypto/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* A store of nodes: in memory, by hash. */
#define NODES 4096
static struct {
	uint8_t hash[SHA256_LENGTH];
	struct buf bytes;
} nodes[NODES];
static size_t node_count, reads;

static bool store(void *owner, const void *data, size_t length, uint8_t hash[SHA256_LENGTH],
		  struct content_failure *why)
{
	assert_true(node_count < NODES && hash_sha256(data, length, hash));
	memcpy(nodes[node_count].hash, hash, SHA256_LENGTH);
	buf_bytes(&nodes[node_count++].bytes, data, length);
	return true;
}

static bool fetch(void *owner, const uint8_t hash[SHA256_LENGTH], size_t limit, struct buf *out,
		  struct content_failure *why)
{
	reads++;
	for (size_t i = 0; i < node_count; i++) {
		if (memcmp(nodes[i].hash, hash, SHA256_LENGTH) != 0)
			continue;
		buf_bytes(out, nodes[i].bytes.data, nodes[i].bytes.len);
		return true;
	}
	return content_fail(why, CONTENT_MISSING, STATUS_OBJECT_NAME_NOT_FOUND, NULL, "no node");
}

static int forget(void **state)
{
	for (size_t i = 0; i < node_count; i++)
		buf_free(&nodes[i].bytes);
	node_count = reads = 0;
	return 0;
}

#define CLIENTS 3000
static struct policy_client clients[CLIENTS];

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct policy_client *)a)->id, ((const struct policy_client *)b)->id);
}

static int make_clients(void **state)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		uint8_t hash[SHA256_LENGTH];

		assert_true(hash_sha256(&i, sizeof(i), hash));
		content_hex(clients[i].id, hash, SHA256_LENGTH);
		clients[i].deployments = json_pack("[s]", i % 2 ? "D1" : "D2");
		clients[i].windows = json_pack("[s]", "daily 01:00-02:00");
	}
	qsort(clients, CLIENTS, sizeof(*clients), by_id);
	return 0;
}

static int free_clients(void **state)
{
	for (size_t i = 0; i < CLIENTS; i++)
		policy_client_free(&clients[i]);
	return 0;
}

static void every_client_finds_itself_in_few_small_nodes(void **state)
{
	uint8_t root[SHA256_LENGTH];

	assert_true(policy_tree_write(clients, CLIENTS, store, NULL, root, NULL));
	for (size_t i = 0; i < CLIENTS; i += 7) {
		struct policy_client found auto_policy_client = { 0 };

		reads = 0;
		assert_true(policy_tree_find(root, clients[i].id, fetch, NULL, &found, NULL));
		assert_string_equal(found.id, clients[i].id);
		assert_true(json_equal(found.deployments, clients[i].deployments));
		assert_true(reads <= 4);
	}
}

static void a_stranger_finds_nothing(void **state)
{
	struct policy_client found auto_policy_client = { 0 };
	uint8_t root[SHA256_LENGTH];
	char id[CLIENT_ID_LENGTH + 1];

	memset(id, 'a', CLIENT_ID_LENGTH);
	id[CLIENT_ID_LENGTH] = 0;
	assert_true(policy_tree_write(clients, CLIENTS, store, NULL, root, NULL));
	assert_true(policy_tree_find(root, id, fetch, NULL, &found, NULL));
	assert_string_equal(found.id, "");
}

static void a_node_that_was_exchanged_is_found_out(void **state)
{
	struct policy_client found auto_policy_client = { 0 };
	struct content_failure why = { 0 };
	uint8_t root[SHA256_LENGTH];
	char *at;

	assert_true(policy_tree_write(clients, 10, store, NULL, root, NULL));
	at = memmem(nodes[0].bytes.data, nodes[0].bytes.len, "D1", 2);
	assert_non_null(at);
	at[1] = '2';
	assert_false(policy_tree_find(root, clients[0].id, fetch, NULL, &found, &why));
	assert_int_equal(why.problem, CONTENT_DAMAGED);
}

static void boundaries_are_ranges_of_addresses(void **state)
{
	assert_true(boundary_has("10.1.0.0/16", "10.1.255.1"));
	assert_false(boundary_has("10.1.0.0/16", "10.2.0.1"));
	assert_true(boundary_has("10.1.4.0/22", "10.1.7.9"));
	assert_false(boundary_has("10.1.4.0/22", "10.1.8.1"));
	assert_true(boundary_has("fd00::/8", "fd12::1"));
	assert_false(boundary_has("fd00::/8", "10.1.1.1"));
	assert_true(boundary_has("0.0.0.0/0", "1.2.3.4"));
	assert_true(boundary_has("10.0.0.1", "10.0.0.1"));
	assert_true(boundary_has("10.1.0.5-10.1.1.9", "10.1.0.5"));
	assert_true(boundary_has("10.1.0.5-10.1.1.9", "10.1.1.9"));
	assert_true(boundary_has("10.1.0.5-10.1.1.9", "10.1.0.200"));
	assert_false(boundary_has("10.1.0.5-10.1.1.9", "10.1.0.4"));
	assert_false(boundary_has("10.1.0.5-10.1.1.9", "10.1.1.10"));
	assert_true(boundary_has("fd00::1-fd00::ff", "fd00::7f"));
	assert_false(boundary_has("10.0.0.1", "10.0.0.2"));
	assert_false(boundary_check("10.1.0.9-10.1.0.5"));
	assert_false(boundary_check("10.1.0.9-fd00::1"));
	assert_false(boundary_check("10.1.0.9-"));
	assert_false(boundary_check("10.1.0.9-10.1.0.10/8"));
	assert_false(boundary_check("10.0.0.0/33"));
	assert_false(boundary_check("10.0.0.0/"));
	assert_false(boundary_check("10.0.0"));
	assert_false(boundary_check("x/8"));
}

static void near_points_come_first_and_protected_ones_only_there(void **state)
{
	static char near_range[] = "10.1.0.0/16", *ranges[] = { near_range };
	struct policy_point points[] = {
		{ .priority = 1 },
		{ .priority = 9, .boundaries = ranges, .boundary_count = 1 },
		{ .priority = 2, .boundaries = ranges, .boundary_count = 1, .is_protected = true },
		{ .priority = 1 },
	};
	const struct policy policy = { .points = points, .point_count = 4 };
	const char *inside[] = { "10.1.2.3" }, *outside[] = { "192.0.2.1" };
	const int64_t answers[] = { 90, 5, 5, 10 };
	size_t order[4];

	assert_int_equal(points_order(&policy, inside, 1, answers, order), 4);
	assert_int_equal(order[0], 2);
	assert_int_equal(order[1], 1);
	assert_int_equal(order[2], 3);
	assert_int_equal(points_order(&policy, outside, 1, answers, order), 3);
	assert_int_equal(order[0], 3);
	assert_int_equal(order[1], 0);
	assert_int_equal(order[2], 1);
}

static void a_policy_survives_its_document(void **state)
{
	static char site[] = "P01", title[] = "\\\\FS\\x", server[] = "FS", share[] = "x",
		    path[] = "";
	struct policy_point point = { .title = title,
				      .server = server,
				      .share = share,
				      .path = path,
				      .port = 10445,
				      .takes_reports = true };
	json_t *map auto_json = json_pack("{s:s}", "D1",
					  "0000000000000000000000000000000000000000000000"
					  "000000000000000000");
	const struct policy policy = { .site = site,
				       .generation = 4,
				       .interval_s = 3600,
				       .has_clients = true,
				       .deployments = map,
				       .points = &point,
				       .point_count = 1 };
	json_t *json auto_json = policy_to_json(&policy), *odd auto_json = NULL;
	struct policy back auto_policy = { 0 }, worse auto_policy = { 0 };
	uint8_t hash[SHA256_LENGTH];

	assert_true(policy_from_json(json, &back, NULL));
	assert_int_equal(back.generation, 4);
	assert_string_equal(back.points[0].title, title);
	assert_int_equal(back.points[0].port, 10445);
	assert_true(policy_deployment(&back, "D1", hash));
	assert_false(policy_deployment(&back, "D2", hash));
	odd = json_deep_copy(json);
	json_object_set_new(json_array_get(json_object_get(odd, "points"), 0), "url",
			    json_string("file:///etc"));
	assert_false(policy_from_json(odd, &worse, NULL));
}

#define TREE_TEST(test) cmocka_unit_test_setup_teardown(test, NULL, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(every_client_finds_itself_in_few_small_nodes),
		TREE_TEST(a_stranger_finds_nothing),
		TREE_TEST(a_node_that_was_exchanged_is_found_out),
		cmocka_unit_test(boundaries_are_ranges_of_addresses),
		cmocka_unit_test(near_points_come_first_and_protected_ones_only_there),
		cmocka_unit_test(a_policy_survives_its_document),
	};

	return cmocka_run_group_tests(tests, make_clients, free_clients);
}
