// SPDX-License-Identifier: Apache-2.0
/* The configuration file: what is taken, and what is refused with file, line and reason. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD "[node]\naddress = 127.0.0.11\nname = n1\nvolume = /v\n"

static void a_short_file_has_the_defaults(void **state)
{
	struct config config;
	char *why = NULL;

	config_defaults(&config);
	assert_true(config_parse("f", HEAD, &config, &why));
	assert_string_equal(config.name, "n1");
	assert_string_equal(config.cluster_dir, "/var/lib/berth/cluster");
	assert_string_equal(config.control, "/var/lib/berth/cluster/n1.sock");
	assert_int_equal(config.port, 445);
	assert_int_equal(config.io, IO_AUTO);
	assert_int_equal(config.log, LOG_LEVEL_INFO);
	assert_int_equal(config.smb.max_credits, 8192);
	assert_int_equal(config.smb.max_dialect, 0x0311);
	config_free(&config);
}

static void every_kind_of_value_is_taken(void **state)
{
	struct config config;
	char *why = NULL;

	config_defaults(&config);
	assert_true(config_parse("f",
				 "[node]\nname = n1\nvolume = /v\naddress = 10.0.0.1,fd00::1 ; "
				 "two\nio = epoll\nlog=debug\n"
				 "control=/run/x\n[smb]\nmax_dialect = 3.0\n"
				 "signing_required = yes\nidle_timeout_ms = 0\n"
				 "interfaces = lo=10000+rss, eth1=25000\n",
				 &config, &why));
	assert_string_equal(config.address, "10.0.0.1,fd00::1");
	assert_int_equal(config.io, IO_POOL);
	assert_int_equal(config.log, LOG_LEVEL_DEBUG);
	assert_int_equal(config.smb.max_dialect, 0x0300);
	assert_true(config.smb.signing_required);
	assert_int_equal(config.smb.idle_timeout_ms, 0);
	assert_int_equal(config.smb.interface_count, 2);
	assert_int_equal(config.smb.interfaces[0].speed_mbit, 10000);
	assert_true(config.smb.interfaces[0].has_rss);
	assert_string_equal(config.smb.interfaces[1].name, "eth1");
	assert_false(config.smb.interfaces[1].has_rss);
	config_free(&config);
}

static void what_is_wrong_is_named_with_file_and_line(void **state)
{
	static const struct {
		const char *text, *where, *what;
	} rows[] = {
		{ HEAD "colour = red\n", "f:5:", "colour" },
		{ HEAD "port = 0\n", "f:5:", "1 to 65535" },
		{ HEAD "[smb]\ninterfaces = lo\n", "f:6:", "NAME=MBIT" },
		{ HEAD "[smb]\ninterfaces = lo=fast\n", "f:6:", "lo=fast" },
		{ HEAD "[smb]\ninterfaces = lo=100+rdma\n", "f:6:", "lo=100+rdma" },
		{ HEAD "port = 99999\n", "f:5:", "99999" },
		{ HEAD "port = -1\n", "f:5:", "-1" },
		{ HEAD "port = 12x\n", "f:5:", "12x" },
		{ HEAD "io = fast\n", "f:5:", "auto|io_uring|epoll" },
		{ HEAD "control = relative\n", "f:5:", "absolute" },
		{ "[node]\naddress = here\n", "f:2:", "here" },
		{ HEAD "name = n2\n", "f:5:", "twice" },
		{ HEAD "\n\nnonsense\n", "f:7:", "key = value" },
		{ HEAD "[smb]\nmax_credits = 1000\n", "f:", "power of two" },
		{ HEAD "[smb]\nmin_dialect = 3.1.1\nmax_dialect = 2.1\n", "f:", "newer" },
		{ HEAD "[smb]\nsigning_required = maybe\n", "f:6:", "no|yes" },
		{ "[node]\nname = a/b\n", "f:2:", "a/b" },
		{ "[node]\nname = n1\n", "f:", "volume" },
		{ "name = n1\n", "f:1:", "section" },
		{ "", "f:", "name" },
		{ HEAD "[other]\nx = 1\n", "f:6:", "[other]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config config;
		char *why = NULL;

		config_defaults(&config);
		assert_false(config_parse("f", rows[i].text, &config, &why));
		assert_non_null(why);
		if (strncmp(why, rows[i].where, strlen(rows[i].where)) != 0 ||
		    !strstr(why, rows[i].what))
			fail_msg("\"%s\" does not say %s %s", why, rows[i].where, rows[i].what);
		free(why);
		config_free(&config);
	}
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct config config;
	char *why = NULL;

	config_defaults(&config);
	assert_false(config_read("/no/such/file", &config, &why));
	assert_non_null(strstr(why, "/no/such/file"));
	free(why);
	config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_file_has_the_defaults),
		cmocka_unit_test(every_kind_of_value_is_taken),
		cmocka_unit_test(what_is_wrong_is_named_with_file_and_line),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
