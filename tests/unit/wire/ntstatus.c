// SPDX-License-Identifier: Apache-2.0
/* The table of status codes says what the specifications and the project's error table say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <wire/ntstatus.h>

#include <errno.h>

static const struct {
	ntstatus status;
	uint32_t win32;
	uint32_t hresult;
} probe_rows[] = {
	{ STATUS_BAD_NETWORK_NAME, 67, 2147942467u },
	{ STATUS_BAD_NETWORK_PATH, 53, 2147942453u },
	{ STATUS_ACCESS_DENIED, 5, 2147942405u },
	{ STATUS_NETWORK_ACCESS_DENIED, 65, 2147942465u },
	{ STATUS_LOGON_FAILURE, 1326, 2147943726u },
	{ STATUS_WRONG_PASSWORD, 86, 2147942486u },
	{ STATUS_NO_SUCH_USER, 1317, 2147943717u },
	{ STATUS_ACCOUNT_RESTRICTION, 1327, 2147943727u },
	{ STATUS_INVALID_LOGON_HOURS, 1328, 2147943728u },
	{ STATUS_INVALID_WORKSTATION, 1329, 2147943729u },
	{ STATUS_PASSWORD_EXPIRED, 1330, 2147943730u },
	{ STATUS_ACCOUNT_DISABLED, 1331, 2147943731u },
	{ STATUS_LOGON_TYPE_NOT_GRANTED, 1385, 2147943785u },
	{ STATUS_NO_TRUST_SAM_ACCOUNT, 1787, 2147944187u },
	{ STATUS_TRUSTED_RELATIONSHIP_FAILURE, 1789, 2147944189u },
	{ STATUS_NO_LOGON_SERVERS, 1311, 2147943711u },
	{ STATUS_ACCOUNT_LOCKED_OUT, 1909, 2147944309u },
	{ STATUS_PASSWORD_MUST_CHANGE, 1907, 2147944307u },
	{ STATUS_TIME_DIFFERENCE_AT_DC, 1398, 2147943798u },
	{ STATUS_IO_TIMEOUT, 121, 2147942521u },
	{ STATUS_NETWORK_NAME_DELETED, 64, 2147942464u },
	{ STATUS_CONNECTION_RESET, 64, 2147942464u },
	{ STATUS_CONNECTION_DISCONNECTED, 64, 2147942464u },
	{ STATUS_UNEXPECTED_NETWORK_ERROR, 59, 2147942459u },
	{ STATUS_USER_SESSION_DELETED, 59, 2147942459u },
	{ STATUS_INVALID_NETWORK_RESPONSE, 58, 2147942458u },
	{ STATUS_NETWORK_BUSY, 54, 2147942454u },
	{ STATUS_DEVICE_DOES_NOT_EXIST, 55, 2147942455u },
	{ STATUS_DUPLICATE_NAME, 52, 2147942452u },
	{ STATUS_REMOTE_NOT_LISTENING, 51, 2147942451u },
	{ STATUS_BAD_DEVICE_TYPE, 66, 2147942466u },
	{ STATUS_TOO_MANY_SESSIONS, 69, 2147942469u },
	{ STATUS_REQUEST_NOT_ACCEPTED, 71, 2147942471u },
	{ STATUS_CONNECTION_REFUSED, 1225, 2147943625u },
	{ STATUS_NETWORK_UNREACHABLE, 1231, 2147943631u },
	{ STATUS_HOST_UNREACHABLE, 1232, 2147943632u },
	{ STATUS_PATH_NOT_COVERED, 1232, 2147943632u },
	{ STATUS_OBJECT_NAME_NOT_FOUND, 2, 2147942402u },
	{ STATUS_OBJECT_PATH_NOT_FOUND, 3, 2147942403u },
	{ STATUS_SHARING_VIOLATION, 32, 2147942432u },
	{ STATUS_DISK_FULL, 112, 2147942512u },
	{ STATUS_QUOTA_EXCEEDED, 1816, 2147944216u },
	{ STATUS_MEDIA_WRITE_PROTECTED, 19, 2147942419u },
	{ STATUS_DEVICE_NOT_READY, 21, 2147942421u },
	{ STATUS_VOLUME_DISMOUNTED, 21, 2147942421u },
	{ STATUS_DEVICE_BUSY, 170, 2147942570u },
	{ STATUS_INSUFF_SERVER_RESOURCES, 1130, 2147943530u },
	{ STATUS_RETRY, 1237, 2147943637u },
};

static void every_row_of_the_probe_table_has_its_win32_and_hresult(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(probe_rows); i++) {
		uint32_t win32 = ntstatus_win32(probe_rows[i].status);

		assert_int_equal(win32, probe_rows[i].win32);
		assert_int_equal(win32_hresult(win32), probe_rows[i].hresult);
	}
}

static void every_text_is_a_sentence_of_its_own(void **state)
{
	const char *none = ntstatus_text(0xC0DEC0DEu);

	for (size_t i = 0; i < ARRAY_LEN(probe_rows); i++) {
		const char *text = ntstatus_text(probe_rows[i].status);

		assert_int_equal(text[strlen(text) - 1], '.');
		assert_string_not_equal(text, none);
	}
	assert_string_equal(ntstatus_text(STATUS_BAD_NETWORK_NAME),
			    "The network name cannot be found.");
	assert_string_not_equal(ntstatus_text(STATUS_SERVER_UNAVAILABLE), none);
}

static void a_status_without_a_row_is_told_by_its_number(void **state)
{
	assert_string_equal(ntstatus_name(STATUS_BAD_NETWORK_NAME), "STATUS_BAD_NETWORK_NAME");
	assert_string_equal(ntstatus_name(0xC0DEC0DEu), "0xC0DEC0DE");
	assert_int_equal(ntstatus_win32(0xC0DEC0DEu), 317);
}

static void what_a_failover_looks_like_is_transient_and_what_a_setting_causes_is_not(void **state)
{
	static const ntstatus yes[] = {
		STATUS_NETWORK_NAME_DELETED,	 STATUS_CONNECTION_REFUSED,
		STATUS_NETWORK_UNREACHABLE,	 STATUS_IO_TIMEOUT,
		STATUS_UNEXPECTED_NETWORK_ERROR, STATUS_RETRY,
		STATUS_SERVER_UNAVAILABLE,	 STATUS_FILE_NOT_AVAILABLE
	};
	static const ntstatus no[] = { STATUS_SUCCESS,		STATUS_BAD_NETWORK_NAME,
				       STATUS_BAD_NETWORK_PATH, STATUS_ACCESS_DENIED,
				       STATUS_LOGON_FAILURE,	STATUS_PATH_NOT_COVERED,
				       STATUS_DUPLICATE_NAME,	0xC0DEC0DEu };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(ntstatus_is_transient(yes[i]));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(ntstatus_is_transient(no[i]));
}

static void errno_maps_with_either_sign_and_an_unknown_one_is_a_failure(void **state)
{
	assert_int_equal(ntstatus_of_errno(0), STATUS_SUCCESS);
	assert_int_equal(ntstatus_of_errno(ENOENT), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(ntstatus_of_errno(-ENOENT), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(ntstatus_of_errno(-ENOSPC), STATUS_DISK_FULL);
	assert_int_equal(ntstatus_of_errno(-EDQUOT), STATUS_DISK_FULL);
	assert_true(nt_failed(ntstatus_of_errno(-99999)));
	assert_false(nt_failed(STATUS_BUFFER_OVERFLOW));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_probe_table_has_its_win32_and_hresult),
		cmocka_unit_test(every_text_is_a_sentence_of_its_own),
		cmocka_unit_test(a_status_without_a_row_is_told_by_its_number),
		cmocka_unit_test(
			what_a_failover_looks_like_is_transient_and_what_a_setting_causes_is_not),
		cmocka_unit_test(errno_maps_with_either_sign_and_an_unknown_one_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
