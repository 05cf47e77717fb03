// SPDX-License-Identifier: Apache-2.0
/* Multi-mount protection: what dumpe2fs says of it, and who is vouched for before a mount. */
#include <cluster/disk.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char dump[] = "Filesystem volume name:   <none>\n"
			   "Filesystem features:      has_journal extent mmp flex_bg\n"
			   "MMP block number:         4385\n"
			   "MMP_block:\n"
			   "    mmp_magic: 0x4d4d50\n"
			   "    mmp_sequence: 0x000007\n"
			   "    mmp_node_name: n1\n";

static char *with(const char *from, const char *to)
{
	const char *at = strstr(dump, from);

	assert_non_null(at);
	return xasprintf("%.*s%s%s", (int)(at - dump), dump, to, at + strlen(from));
}

static void a_disk_that_was_not_unmounted_is_in_use(void **state)
{
	auto_free char *clean = with("0x000007", "0xff4d4d50");
	auto_free char *garbled = with("0x000007", "0xff4d4d50 or so");
	struct disk_guard guard;

	assert_true(disk_guard_parse(dump, &guard));
	assert_true(guard.is_on);
	assert_true(guard.is_in_use);
	assert_string_equal(guard.node, "n1");
	assert_true(disk_guard_parse(clean, &guard));
	assert_true(guard.is_on);
	assert_false(guard.is_in_use);
	assert_true(disk_guard_parse(garbled, &guard));
	assert_true(guard.is_in_use);
}

static void a_disk_without_protection_has_none(void **state)
{
	auto_free char *without = with(" mmp ", " mmpx ");
	auto_free char *longer =
		with("mmp_node_name: n1", "mmp_node_name: 0123456789012345678901234567890123456789"
					  "0123456789012345678901234567890123456789");
	struct disk_guard guard;

	assert_true(disk_guard_parse(without, &guard));
	assert_false(guard.is_on);
	assert_true(disk_guard_parse(longer, &guard));
	assert_string_equal(guard.node, "");
	assert_false(disk_guard_parse("dumpe2fs: Bad magic number in super-block\n", &guard));
}

static void set_node(struct crm_node *node, const char *name, bool online, bool unclean)
{
	snprintf(node->name, sizeof(node->name), "%s", name);
	node->is_online = online;
	node->is_unclean = unclean;
}

/* n1 had the disk last; n2 is about to mount it. */
static const struct {
	const char *what;
	bool online, unclean, quorum;
	const char *owner, *mounted_by;
	enum disk_state expected;
} cases[] = {
	{ "the owner was fenced", false, false, true, "n1", "n1", DISK_CLEARED },
	{ "its kernel has another name", false, false, true, "n1", "vm", DISK_CLEARED },
	{ "the owner was this node", true, false, true, "n2", "n2", DISK_CLEARED },
	{ "the owner lives", true, false, true, "n1", "n1", DISK_WATCHED },
	{ "the owner lives, and its kernel has another name", true, false, true, "n1", "vm",
	  DISK_WATCHED },
	{ "the owner may live", false, true, true, "n1", "n1", DISK_WATCHED },
	{ "there is no quorum", false, false, false, "n1", "n1", DISK_WATCHED },
	{ "nobody knows the owner", false, false, true, NULL, "n1", DISK_WATCHED },
	{ "no node has that name", false, false, true, "gone", "n1", DISK_WATCHED },
	{ "a member mounted it by hand", true, false, true, "n2", "n1", DISK_WATCHED },
};

static void only_an_owner_that_is_known_to_have_ended_is_vouched_for(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct crm_server server = { .record.volume = "/srv/fs" };
		struct crm_view view = { .servers = &server,
					 .server_count = 1,
					 .node_count = 2,
					 .has_quorum = cases[i].quorum };
		struct disk_guard guard = { .is_on = true, .is_in_use = true };
		char *said = NULL;

		set_node(&view.nodes[0], "n1", cases[i].online, cases[i].unclean);
		set_node(&view.nodes[1], "n2", true, false);
		snprintf(guard.node, sizeof(guard.node), "%s", cases[i].mounted_by);
		server.record.facts =
			cases[i].owner ? json_pack("{s:{s:s}}", "failover", "to", cases[i].owner)
				       : json_object();
		if (disk_vouch(&guard, &view, "/srv/fs", "n2", &said) != cases[i].expected)
			fail_msg("%s: %s", cases[i].what, said);
		assert_non_null(said);
		free(said);
		json_decref(server.record.facts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_that_was_not_unmounted_is_in_use),
		cmocka_unit_test(a_disk_without_protection_has_none),
		cmocka_unit_test(only_an_owner_that_is_known_to_have_ended_is_vouched_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
