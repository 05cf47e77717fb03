// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../src/smb/session.h"

static const struct {
	const char *path, *server, *share; /* NULL: not a path */
} rows[] = {
	{ "\\\\FS\\files", "FS", "files" },
	{ "\\\\fs.example.org\\ADMIN$", "fs.example.org", "ADMIN$" },
	{ "\\\\10.0.0.7\\S$", "10.0.0.7", "S$" },
	{ "\\\\fe80::1\\IPC$", "fe80::1", "IPC$" },
	{ "\\\\FS\\a share", "FS", "a share" },
	{ "\\FS\\files", NULL, NULL },
	{ "\\\\\\files", NULL, NULL },
	{ "\\\\FS", NULL, NULL },
	{ "\\\\FS\\", NULL, NULL },
	{ "\\\\FS\\files\\deeper", NULL, NULL },
	{ "//FS/files", NULL, NULL },
	{ "\\\\FS\\a/b", NULL, NULL },
	{ "FS\\files", NULL, NULL },
	{ "\\\\", NULL, NULL },
	{ "", NULL, NULL },
};

static void a_path_is_two_parts_or_none(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *server, *share;
		bool good = unc_parse(rows[i].path, &server, &share);

		assert_int_equal(good, rows[i].server != NULL);
		if (good) {
			assert_string_equal(server, rows[i].server);
			assert_string_equal(share, rows[i].share);
		} else {
			assert_null(server);
			assert_null(share);
		}
		free(server);
		free(share);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_is_two_parts_or_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
