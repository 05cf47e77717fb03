// SPDX-License-Identifier: Apache-2.0
/* The interfaces of this machine, and which addresses are in their networks. */
#include <io/interfaces.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in *v4 = (void *)&address;
	struct sockaddr_in6 *v6 = (void *)&address;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		v4->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
		v6->sin6_family = AF_INET6;
	return address;
}

static void an_interface_reaches_its_network_and_no_other(void **state)
{
	static const struct {
		const char *own;
		unsigned bits;
		const char *other;
		bool reaches;
	} rows[] = {
		{ "127.0.0.1", 8, "127.0.0.50", true },
		{ "127.0.0.1", 8, "128.0.0.1", false },
		{ "10.0.0.1", 24, "10.0.0.255", true },
		{ "10.0.0.1", 24, "10.0.1.1", false },
		{ "10.0.0.1", 23, "10.0.1.1", true },
		{ "10.0.0.1", 32, "10.0.0.1", true },
		{ "10.0.0.1", 32, "10.0.0.2", false },
		{ "10.0.0.1", 0, "192.0.2.1", true },
		{ "10.0.0.1", 33, "10.0.0.1", false },
		{ "fd00::1", 64, "fd00::ffff", true },
		{ "fd00::1", 65, "fd00::8000:0:0:1", false },
		{ "fd00::1", 64, "10.0.0.1", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct interface interface = { .address = address_of(rows[i].own),
					       .prefix_bits = rows[i].bits };
		struct sockaddr_storage other = address_of(rows[i].other);

		assert_int_equal(interface_reaches(&interface, (const void *)&other),
				 rows[i].reaches);
	}
}

static void loopback_is_among_the_interfaces_and_known_as_such(void **state)
{
	struct interface all[64];
	size_t count = interfaces_list(all, ARRAY_LEN(all));
	bool found = false;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(all[i].name, "lo") != 0)
			continue;
		found = true;
		assert_true(all[i].is_loopback);
		assert_int_equal(all[i].speed_mbit, 0);
	}
	if (!found)
		skip(); /* a namespace whose loopback is down */
	assert_int_equal(interfaces_list(all, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interface_reaches_its_network_and_no_other),
		cmocka_unit_test(loopback_is_among_the_interfaces_and_known_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
