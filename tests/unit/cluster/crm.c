// SPDX-License-Identifier: Apache-2.0
/* What is made of Pacemaker's own words. */
#include <cluster/crm.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char cib[] =
	"<cib have-quorum=\"1\"><configuration><crm_config/><nodes/><resources><clone id="
	"\"berthd\"><primitive id=\"b\" class=\"ocf\" provider=\"berth\" type=\"node\"/></clone><"
	"group id=\"FS\"><meta_attributes id=\"m\"><nvpair id=\"m1\" name=\"target-role\" value"
	"=\"Stopped\"/><nvpair id=\"m2\" name=\"migration-threshold\" value=\"5\"/></meta_attri"
	"butes><primitive id=\"FS-disk\" class=\"ocf\" provider=\"heartbeat\" type=\"Filesyste"
	"m\"/><primitive id=\"FS-server\" class=\"ocf\" provider=\"berth\" type=\"fileserver\"><"
	"instance_attributes id=\"a\"><nvpair id=\"a1\" name=\"name\" value=\"FS\"/><nvpair id="
	"\"a2\" name=\"volume\" value=\"/srv/fs\"/></instance_attributes><meta_attributes id="
	"\"f\"><nvpair id=\"f1\" name=\"berth-facts\" value=\"{&quot;shares&quot;:[&quot;data&"
	"quot;]}\"/></meta_attributes></primitive></group></resources><constraints><rsc_"
	"location id=\"l1\" rsc=\"FS\" node=\"n2\" score=\"40\"/><rsc_location id=\"l2\" rsc=\"FS\""
	" node=\"n1\" score=\"INFINITY\"/><rsc_location id=\"cli-prefer-FS\" rsc=\"FS\" node=\"n"
	"3\" score=\"INFINITY\"/></constraints></configuration></cib>";
static const char mon[] =
	"<pacemaker-result><summary><current_dc with_quorum=\"true\"/><cluster_options st"
	"onith-enabled=\"true\" maintenance-mode=\"false\" no-quorum-policy=\"stop\"/></summa"
	"ry><nodes><node name=\"n1\" online=\"true\" pending=\"false\" unclean=\"false\" standb"
	"y=\"false\" maintenance=\"false\" type=\"member\"/><node name=\"n2\" online=\"false\" un"
	"clean=\"true\" type=\"member\"/></nodes><resources><group id=\"FS\"><resource id=\"FS"
	"-disk\" role=\"Started\"><node name=\"n1\"/></resource><resource id=\"FS-server\" rol"
	"e=\"Stopped\"/></group></resources><node_history><node name=\"n1\"><resource_histo"
	"ry id=\"FS-server\" migration-threshold=\"3\" fail-count=\"1000000\"/></node></node_"
	"history><failures><failure op_key=\"FS-server_start_0\" node=\"n1\" exitstatus=\"er"
	"ror\" exitreason=\"it is so\" task=\"start\" last-rc-change=\"2026-01-01\"/></failure"
	"s></pacemaker-result>";

static char *with(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	return xasprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void look(const char *mon_text, const char *cib_text, struct crm_view *view)
{
	char *why = NULL;

	assert_int_equal(crm_parse(mon_text, cib_text, view, &why), 0);
	assert_int_equal(view->server_count, 1);
}

static void a_stopped_group_is_offline_when_every_part_is_down(void **state)
{
	auto_free char *down =
		with(mon, "role=\"Started\"><node name=\"n1\"/></resource>", "role=\"Stopped\"/>");
	struct crm_view view;

	look(mon, cib, &view);
	assert_int_equal(view.servers[0].state, CLUSTER_OFFLINE_PENDING);
	assert_false(view.servers[0].record.want_online);
	crm_view_free(&view);
	look(down, cib, &view);
	assert_int_equal(view.servers[0].state, CLUSTER_OFFLINE);
	crm_view_free(&view);
}

static void one_that_failed_on_every_node_is_failed_with_the_reason(void **state)
{
	auto_free char *wanted = with(cib, "\"Stopped\"", "\"Started\"");
	struct crm_view view;

	look(mon, wanted, &view);
	assert_int_equal(view.servers[0].state, CLUSTER_FAILED);
	assert_non_null(strstr(view.servers[0].reason, "it is so"));
	assert_non_null(strstr(view.servers[0].reason, "n1"));
	crm_view_free(&view);
}

static void preferences_are_in_order_and_a_move_is_not_one(void **state)
{
	struct crm_view view;

	look(mon, cib, &view);
	assert_int_equal(view.servers[0].record.preferred_count, 2);
	assert_string_equal(view.servers[0].record.preferred[0], "n1");
	assert_string_equal(view.servers[0].record.preferred[1], "n2");
	assert_string_equal(view.servers[0].record.target, "n3");
	assert_int_equal(view.servers[0].record.policy.restart_threshold, 4);
	crm_view_free(&view);
}

static void nodes_quorum_and_fencing_are_told(void **state)
{
	struct crm_view view;

	look(mon, cib, &view);
	assert_true(view.has_quorum);
	assert_true(view.has_fencing);
	assert_true(view.has_node_clone);
	assert_string_equal(view.node_clone, "berthd");
	assert_int_equal(view.node_count, 2);
	assert_true(view.nodes[0].is_online);
	assert_true(view.nodes[1].is_unclean);
	assert_null(crm_node(&view, "n9"));
	crm_view_free(&view);
}

static void what_is_no_configuration_is_refused_with_a_sentence(void **state)
{
	struct crm_view view;
	char *why = NULL;

	assert_int_not_equal(crm_parse(mon, "not xml", &view, &why), 0);
	assert_non_null(why);
	free(why);
	crm_view_free(&view);
}

static void a_group_that_is_written_is_read_back(void **state)
{
	const struct crm_mount mount = { .device = "/dev/mapper/a&b", .type = "ext4" };
	struct server_record record = { .name = "FS2",
					.volume = "/srv/two",
					.policy = cluster_policy_default() };
	auto_free char *xml = NULL, *whole = NULL;
	struct crm_view view, again;

	look(mon, cib, &view);
	record.facts = json_pack("{s:[s]}", "networks", "10.0.0.5/24");
	memcpy(record.preferred[0], "n2", 3);
	record.preferred_count = 1;
	record.policy.restart_threshold = 0; /* the first failure has it moved */
	xml = crm_group_xml(&record, &mount, &view);
	whole = xasprintf("<cib>%s</cib>", xml);
	look(mon, whole, &again);
	assert_string_equal(again.servers[0].record.name, "FS2");
	assert_string_equal(again.servers[0].record.volume, "/srv/two");
	assert_string_equal(again.servers[0].record.preferred[0], "n2");
	assert_int_equal(json_array_size(again.servers[0].parts), 3);
	assert_int_equal(again.servers[0].record.policy.restart_threshold, 0);
	assert_non_null(strstr(xml, "name=\"migration-threshold\" value=\"1\""));
	assert_non_null(strstr(xml, "/dev/mapper/a&amp;b"));
	server_record_free(&record);
	crm_view_free(&again);
	crm_view_free(&view);
}

static void a_window_of_failback_is_written_as_hours(void **state)
{
	static const struct {
		int from, to;
		const char *first, *second; /* hours that are written; NULL: none */
	} rows[] = {
		{ -1, -1, NULL, NULL },
		{ 9, 17, "hours=\"9-16\"", NULL },
		{ 0, 6, "hours=\"0-5\"", NULL },
		{ 20, 0, "hours=\"20-23\"", NULL },
		{ 22, 4, "hours=\"22-23\"", "hours=\"0-3\"" },
		{ 8, 8, "hours=\"8-23\"", "hours=\"0-7\"" }, /* all day */
	};
	const struct crm_mount mount = { .device = "/dev/sdb", .type = "ext4" };
	struct crm_view view;

	look(mon, cib, &view);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server_record record = { .name = "FS2",
						.volume = "/srv/two",
						.policy = cluster_policy_default() };
		auto_free char *xml = NULL;

		record.facts = json_object();
		record.policy.failback = true;
		record.policy.failback_from = rows[i].from;
		record.policy.failback_to = rows[i].to;
		xml = crm_group_xml(&record, &mount, &view);
		if (rows[i].first)
			assert_non_null(strstr(xml, rows[i].first));
		else
			assert_null(strstr(xml, "date_spec"));
		if (rows[i].second)
			assert_non_null(strstr(xml, rows[i].second));
		else
			assert_null(strstr(xml, "boolean-op"));
		server_record_free(&record);
	}
	crm_view_free(&view);
}

static void times_of_fencings_are_read_with_their_zone(void **state)
{
	assert_int_equal(crm_time_ms("2026-11-27 10:15:20Z"), 1795774520000);
	assert_int_equal(crm_time_ms("2026-11-27 05:15:20 -05:00"), 1795774520000);
	assert_int_equal(crm_time_ms("2026-11-27 11:15:20 +01:00"), 1795774520000);
	assert_int_equal(crm_time_ms("2026-11-27 10:15:20"), 0); /* of which zone? */
	assert_int_equal(crm_time_ms("2026-11-27 10:15:20Z and more"), 0);
	assert_int_equal(crm_time_ms("never"), 0);
	assert_int_equal(crm_time_ms(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stopped_group_is_offline_when_every_part_is_down),
		cmocka_unit_test(one_that_failed_on_every_node_is_failed_with_the_reason),
		cmocka_unit_test(preferences_are_in_order_and_a_move_is_not_one),
		cmocka_unit_test(nodes_quorum_and_fencing_are_told),
		cmocka_unit_test(what_is_no_configuration_is_refused_with_a_sentence),
		cmocka_unit_test(a_group_that_is_written_is_read_back),
		cmocka_unit_test(a_window_of_failback_is_written_as_hours),
		cmocka_unit_test(times_of_fencings_are_read_with_their_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
