// SPDX-License-Identifier: Apache-2.0
/* What the failures of WinHTTP are here. For Windows only: tests/windows/meson.build. */
#include "place_http_windows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define INVALID_CA WINHTTP_CALLBACK_STATUS_FLAG_INVALID_CA
#define OTHER_NAME WINHTTP_CALLBACK_STATUS_FLAG_CERT_CN_INVALID
#define OTHER_DATE WINHTTP_CALLBACK_STATUS_FLAG_CERT_DATE_INVALID
#define CHANNEL	   WINHTTP_CALLBACK_STATUS_FLAG_SECURITY_CHANNEL_ERROR
#define SECURE	   ERROR_WINHTTP_SECURE_FAILURE

static void every_failure_has_its_status_and_its_words(void **state)
{
	static const struct {
		DWORD error, faults;
		ntstatus status;
		const char *words;
	} rows[] = {
		{ SECURE, INVALID_CA, STATUS_INVALID_SIGNATURE,
		  "its certificate comes from an authority that this machine does not trust" },
		{ SECURE, OTHER_NAME, STATUS_INVALID_SIGNATURE,
		  "its certificate is for another name" },
		{ SECURE, OTHER_DATE, STATUS_INVALID_SIGNATURE,
		  "its certificate has expired or is not valid yet" },
		{ SECURE, OTHER_NAME | OTHER_DATE, STATUS_INVALID_SIGNATURE,
		  "its certificate is for another name, has expired or is not valid yet" },
		{ SECURE, OTHER_NAME | CHANNEL, STATUS_INVALID_SIGNATURE,
		  "its certificate is for another name" },
		{ SECURE, WINHTTP_CALLBACK_STATUS_FLAG_CERT_REVOKED, STATUS_INVALID_SIGNATURE,
		  "its certificate is revoked" },
		{ SECURE, 0, STATUS_INVALID_SIGNATURE,
		  "its certificate is not trusted here (WinHTTP error 12175)" },
		{ SECURE, 0x100, STATUS_INVALID_SIGNATURE,
		  "its certificate is not trusted here (WinHTTP error 12175)" },
		{ ERROR_WINHTTP_SECURE_INVALID_CA, 0, STATUS_INVALID_SIGNATURE,
		  "its certificate comes from an authority that this machine does not trust" },
		{ ERROR_WINHTTP_SECURE_CERT_CN_INVALID, 0, STATUS_INVALID_SIGNATURE,
		  "its certificate is for another name" },
		{ ERROR_WINHTTP_SECURE_CERT_DATE_INVALID, INVALID_CA, STATUS_INVALID_SIGNATURE,
		  "its certificate comes from an authority that this machine does not trust, has "
		  "expired or is not valid yet" },
		{ ERROR_WINHTTP_SECURE_CERT_WRONG_USAGE, 0, STATUS_INVALID_SIGNATURE,
		  "its certificate is not one of a server" },
		{ ERROR_WINHTTP_SECURE_FAILURE_PROXY, 0, STATUS_INVALID_SIGNATURE,
		  "the proxy's certificate is not trusted here (WinHTTP error 12188)" },
		{ SECURE, CHANNEL, STATUS_UNEXPECTED_NETWORK_ERROR,
		  "its certificate is not accepted, or it speaks no TLS from 1.2 on (WinHTTP "
		  "error 12157)" },
		{ ERROR_WINHTTP_SECURE_CHANNEL_ERROR, 0, STATUS_UNEXPECTED_NETWORK_ERROR,
		  "its certificate is not accepted, or it speaks no TLS from 1.2 on (WinHTTP "
		  "error 12157)" },
		{ ERROR_WINHTTP_CLIENT_AUTH_CERT_NEEDED, 0, STATUS_UNEXPECTED_NETWORK_ERROR,
		  "it asks for a certificate of the client, which has none (WinHTTP error "
		  "12044)" },
		{ ERROR_WINHTTP_CANNOT_CONNECT, 0, STATUS_CONNECTION_REFUSED,
		  "WinHTTP error 12029" },
		{ ERROR_WINHTTP_TIMEOUT, 0, STATUS_IO_TIMEOUT, "WinHTTP error 12002" },
		{ 12345, 0, STATUS_UNEXPECTED_NETWORK_ERROR, "WinHTTP error 12345" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char reason[256];

		winhttp_reason(reason, sizeof(reason), rows[i].error, rows[i].faults);
		if (winhttp_status(rows[i].error, rows[i].faults) != rows[i].status ||
		    strcmp(reason, rows[i].words) != 0)
			fail_msg("%lu %lx: %s", rows[i].error, rows[i].faults, reason);
	}
}

static void words_stay_within_their_room(void **state)
{
	char reason[64];

	for (size_t size = 1; size < sizeof(reason); size++) {
		memset(reason, '#', sizeof(reason));
		winhttp_reason(reason, size, SECURE, 0x7F);
		assert_int_equal(strnlen(reason, size), size - 1);
		assert_int_equal(reason[size], '#');
	}
}

static void a_certificate_s_faults_are_noted_and_nothing_else_is(void **state)
{
	DWORD noted = 0, told = OTHER_NAME;
	DWORD_PTR to = (DWORD_PTR)&noted;

	winhttp_note_faults(NULL, to, WINHTTP_CALLBACK_STATUS_SENDING_REQUEST, &told, sizeof(told));
	winhttp_note_faults(NULL, to, WINHTTP_CALLBACK_STATUS_SECURE_FAILURE, NULL, 0);
	winhttp_note_faults(NULL, to, WINHTTP_CALLBACK_STATUS_SECURE_FAILURE, &told, 1);
	winhttp_note_faults(NULL, 0, WINHTTP_CALLBACK_STATUS_SECURE_FAILURE, &told, sizeof(told));
	assert_int_equal(noted, 0);
	winhttp_note_faults(NULL, to, WINHTTP_CALLBACK_STATUS_SECURE_FAILURE, &told, sizeof(told));
	told = OTHER_DATE;
	winhttp_note_faults(NULL, to, WINHTTP_CALLBACK_STATUS_SECURE_FAILURE, &told, sizeof(told));
	assert_int_equal(noted, OTHER_NAME | OTHER_DATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_failure_has_its_status_and_its_words),
		cmocka_unit_test(words_stay_within_their_room),
		cmocka_unit_test(a_certificate_s_faults_are_noted_and_nothing_else_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
