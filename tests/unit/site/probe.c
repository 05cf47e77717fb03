// SPDX-License-Identifier: Apache-2.0
#include "../client/private_smbd.h"

#include <jansson.h>
#include <site/probe.h>

#define MESSAGE                                                                                    \
	"SMS Site System Status Summarizer could not access storage object "                       \
	"\"\\\\FS\\share\" on site system \"\\\\FS\\share\". The operating system reported error " \
	"2147942467: The network name cannot be found."

static struct probe_options usual(const char *unc)
{
	return (struct probe_options){
		.unc = unc,
		.address = "127.0.0.1",
		.port = smbd.port,
		.user = SMBD_USER,
		.password = SMBD_PASSWORD,
	};
}

static void assert_says(struct probe_result *result, const char *words)
{
	auto_buf struct buf text = { 0 };

	probe_text(result, &text);
	buf_u8(&text, 0);
	if (!strstr((char *)text.data, words))
		fail_msg("\"%s\" is not in:\n%s", words, (char *)text.data);
}

static void a_server_without_admin_share_gets_the_message_of_2010(void **state)
{
	struct probe_options options = usual("\\\\FS\\share");
	struct probe_result result;
	struct buf text = { 0 };
	json_t *json, *failure;

	NEEDS_SMBD();
	assert_int_equal(probe_run(&options, &result), PROBE_CRITICAL);
	assert_string_equal(result.message, MESSAGE);
	assert_int_equal(result.status, STATUS_BAD_NETWORK_NAME);
	assert_string_equal(result.steps[result.failed].path, "\\\\FS\\ADMIN$");
	assert_true(result.has_space);
	assert_says(&result, MESSAGE);
	assert_says(&result, "tree connect");
	assert_says(&result, "\\\\FS\\ADMIN$");
	assert_says(&result, "STATUS_BAD_NETWORK_NAME (0xC00000CC)");
	assert_says(&result, "0x80070043");
	assert_says(&result, "visibility=server");

	probe_json(&result, &text);
	json = json_loadb((char *)text.data, text.len, 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "message")), MESSAGE);
	assert_int_equal(json_integer_value(json_object_get(json, "exit_code")), 2);
	failure = json_object_get(json, "failure");
	assert_int_equal(json_integer_value(json_object_get(failure, "win32")), 67);
	assert_int_equal(json_integer_value(json_object_get(failure, "hresult_decimal")),
			 2147942467);
	json_decref(json);
	buf_free(&text);
	probe_result_free(&result);
}

static void a_share_that_is_well_is_ok_with_its_free_space(void **state)
{
	struct probe_options options = usual("//FS/share");
	struct probe_result result;

	NEEDS_SMBD();
	options.skip_admin = true;
	assert_int_equal(probe_run(&options, &result), PROBE_OK);
	assert_null(result.message);
	assert_true(result.free_bytes > 0 && result.free_bytes < result.total_bytes);
	assert_says(&result, "OK: \\\\FS\\share, ");
	assert_says(&result, " free of ");
	probe_result_free(&result);

	options.warn_free = UINT64_MAX;
	assert_int_equal(probe_run(&options, &result), PROBE_WARNING);
	assert_says(&result, "below its warning threshold");
	probe_result_free(&result);

	options.critical_free = UINT64_MAX;
	assert_int_equal(probe_run(&options, &result), PROBE_CRITICAL);
	probe_result_free(&result);
}

static void each_failure_names_its_step(void **state)
{
	struct probe_options options = usual("\\\\FS\\nothing");
	struct probe_result result;

	NEEDS_SMBD();
	assert_int_equal(probe_run(&options, &result), PROBE_CRITICAL);
	assert_string_equal(result.steps[result.failed].name, "tree connect");
	assert_string_equal(result.steps[result.failed].path, "\\\\FS\\nothing");
	assert_int_equal(result.win32, 67);
	probe_result_free(&result);

	options.unc = "\\\\FS\\share\\missing";
	assert_int_equal(probe_run(&options, &result), PROBE_CRITICAL);
	assert_string_equal(result.steps[result.failed].name, "open");
	assert_string_equal(result.steps[result.failed].path, "\\\\FS\\share\\missing");
	assert_int_equal(result.win32, 2);
	probe_result_free(&result);

	options.password = "wrong";
	assert_int_equal(probe_run(&options, &result), PROBE_CRITICAL);
	assert_string_equal(result.steps[result.failed].name, "session setup");
	assert_int_equal(result.win32, 1326);
	assert_false(result.transient);
	probe_result_free(&result);
}

static void no_listener_is_error_53_and_tried_again(void **state)
{
	struct probe_options options = usual("\\\\FS\\share");
	struct probe_result result;

	options.port = 1;
	options.patience_ms = 300;
	assert_int_equal(probe_run(&options, &result), PROBE_CRITICAL);
	assert_int_equal(result.status, STATUS_CONNECTION_REFUSED);
	assert_int_equal(result.hresult, 2147942453);
	assert_true(result.transient);
	assert_true(result.attempts > 1);
	assert_says(&result, "The network path was not found.");
	probe_result_free(&result);
}

static void what_is_no_path_of_a_share_is_unknown(void **state)
{
	static const char *const paths[] = {
		"nonsense", "", "\\\\FS", "\\\\FS\\", "\\FS\\x", NULL
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct probe_options options = usual(paths[i]);
		struct probe_result result;

		assert_int_equal(probe_run(&options, &result), PROBE_UNKNOWN);
		assert_says(&result, "is not the path of a share");
		probe_result_free(&result);
	}
}

static void a_wrong_password_says_where_the_right_one_is_set(void **state)
{
	struct probe_options options = usual("\\\\FS\\share");
	struct probe_result result;

	options.password = "wrong";
	assert_int_equal(probe_run(&options, &result), PROBE_CRITICAL);
	assert_says(&result, "(berth user password FS " SMBD_USER "), or give its right one.");
	probe_result_free(&result);
	options.account = "publisher";
	assert_int_equal(probe_run(&options, &result), PROBE_CRITICAL);
	assert_says(&result, "(berth site add-account publisher --user " SMBD_USER ").");
	probe_result_free(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_without_admin_share_gets_the_message_of_2010),
		cmocka_unit_test(a_share_that_is_well_is_ok_with_its_free_space),
		cmocka_unit_test(each_failure_names_its_step),
		cmocka_unit_test(a_wrong_password_says_where_the_right_one_is_set),
		cmocka_unit_test(no_listener_is_error_53_and_tried_again),
		cmocka_unit_test(what_is_no_path_of_a_share_is_unknown),
	};

	return cmocka_run_group_tests(tests, start_smbd, stop_smbd);
}
