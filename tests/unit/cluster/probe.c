// SPDX-License-Identifier: Apache-2.0
/* Which ARP packets say that an address is in use. */
#include <cluster/address.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t wanted[4] = { 10, 0, 0, 50 }, own[6] = { 2, 0, 0, 0, 0, 1 };

/* Ethernet, IPv4, request, from 02:..:09 without an address, for 10.0.0.50: a probe. */
static const uint8_t probe[28] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0,  0, 0, 9,
				   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 50 };

static bool claims(const uint8_t *packet, size_t length)
{
	struct cursor c = cur_of(packet, length);
	uint8_t from[6];

	return arp_claims(&c, wanted, own, from);
}

static void an_answer_for_the_address_claims_it(void **state)
{
	uint8_t packet[28];

	memcpy(packet, probe, sizeof(packet));
	packet[7] = 2; /* a reply */
	memcpy(packet + 14, wanted, 4);
	assert_true(claims(packet, sizeof(packet)));
	packet[17] = 51; /* of another address */
	assert_false(claims(packet, sizeof(packet)));
}

static void another_that_probes_for_it_claims_it(void **state)
{
	assert_true(claims(probe, sizeof(probe)));
}

static void a_question_of_another_claims_nothing(void **state)
{
	uint8_t packet[28];

	memcpy(packet, probe, sizeof(packet));
	packet[14] = 10;
	packet[17] = 7; /* 10.0.0.7 asks who has it */
	assert_false(claims(packet, sizeof(packet)));
}

static void what_comes_from_here_or_is_cut_off_claims_nothing(void **state)
{
	uint8_t packet[28];

	memcpy(packet, probe, sizeof(packet));
	memcpy(packet + 8, own, 6);
	assert_false(claims(packet, sizeof(packet)));
	for (size_t length = 0; length < sizeof(probe); length++)
		assert_false(claims(probe, length));
	memcpy(packet, probe, sizeof(packet));
	packet[4] = 8;
	assert_false(claims(packet, sizeof(packet)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_for_the_address_claims_it),
		cmocka_unit_test(another_that_probes_for_it_claims_it),
		cmocka_unit_test(a_question_of_another_claims_nothing),
		cmocka_unit_test(what_comes_from_here_or_is_cut_off_claims_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
