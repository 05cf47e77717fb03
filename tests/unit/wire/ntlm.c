// SPDX-License-Identifier: Apache-2.0
/* The messages of the example in MS-NLMP 4.2.4, and what may not be taken for a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/utf16.h>
#include <wire/ntlm.h>

/* CHALLENGE_MESSAGE, MS-NLMP 4.2.4.3. */
static const uint8_t challenge_bytes[] = {
	0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0x00, 0x02, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x0c,
	0x00, 0x38, 0x00, 0x00, 0x00, 0x33, 0x82, 0x8a, 0xe2, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab,
	0xcd, 0xef, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x24, 0x00, 0x24, 0x00, 0x44,
	0x00, 0x00, 0x00, 0x06, 0x00, 0x70, 0x17, 0x00, 0x00, 0x00, 0x0f, 0x53, 0x00, 0x65, 0x00,
	0x72, 0x00, 0x76, 0x00, 0x65, 0x00, 0x72, 0x00, 0x02, 0x00, 0x0c, 0x00, 0x44, 0x00, 0x6f,
	0x00, 0x6d, 0x00, 0x61, 0x00, 0x69, 0x00, 0x6e, 0x00, 0x01, 0x00, 0x0c, 0x00, 0x53, 0x00,
	0x65, 0x00, 0x72, 0x00, 0x76, 0x00, 0x65, 0x00, 0x72, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static void the_challenge_of_the_example_decodes_and_encodes_again(void **state)
{
	struct ntlm_challenge m;
	struct buf again auto_buf = { 0 };
	struct cursor value;
	char *text auto_free = NULL;

	assert_int_equal(
		ntlm_challenge_decode(cur_of(challenge_bytes, sizeof(challenge_bytes)), &m),
		STATUS_SUCCESS);
	assert_int_equal(m.flags, 0xe28a8233);
	assert_int_equal(m.version.major, 6);
	assert_int_equal(m.version.build, 6000);
	assert_true(ntlm_av_valid(m.target_info));
	assert_true(ntlm_av_find(m.target_info, NTLM_AV_NB_COMPUTER, &value));
	text = utf16_to_string(value);
	assert_string_equal(text, "Server");
	assert_false(ntlm_av_find(m.target_info, NTLM_AV_TIMESTAMP, &value));
	ntlm_challenge_encode(&again, &m);
	assert_int_equal(again.len, sizeof(challenge_bytes));
	assert_memory_equal(again.data, challenge_bytes, again.len);
}

static struct cursor text16(struct buf *b, const char *text)
{
	size_t start = b->len;

	assert_non_null(buf_room(b, 256));
	utf16_encode(b, text);
	return cur_of(b->data + start, b->len - start);
}

static struct ntlm_authenticate sample(struct buf *store)
{
	static const uint8_t response[60] = { 7 }, key[16] = { 8 };
	struct ntlm_authenticate m = {
		.flags = NTLM_NEGOTIATE_UNICODE | NTLM_NEGOTIATE_KEY_EXCH | NTLM_NEGOTIATE_VERSION,
		.lm_response = cur_of(response, 24),
		.nt_response = cur_of(response, sizeof(response)),
		.session_key = cur_of(key, sizeof(key)),
		.version = { 10, 0, 20348 },
		.mic = { 1, 2, 3 },
	};

	assert_non_null(buf_room(store, 1024));
	m.domain = text16(store, "FS");
	m.user = text16(store, "alice");
	m.workstation = text16(store, "CLIENT");
	return m;
}

static void assert_same(struct cursor a, struct cursor b)
{
	assert_int_equal(cur_left(&a), cur_left(&b));
	assert_memory_equal(a.at, b.at, cur_left(&a));
}

static void an_authenticate_message_comes_back_as_it_was_put(void **state)
{
	struct buf store auto_buf = { 0 }, b auto_buf = { 0 };
	struct ntlm_authenticate m = sample(&store), back;

	ntlm_authenticate_encode(&b, &m);
	assert_int_equal(ntlm_authenticate_decode(cur_of(b.data, b.len), &back), STATUS_SUCCESS);
	assert_int_equal(back.flags, m.flags);
	assert_same(back.lm_response, m.lm_response);
	assert_same(back.nt_response, m.nt_response);
	assert_same(back.domain, m.domain);
	assert_same(back.user, m.user);
	assert_same(back.workstation, m.workstation);
	assert_same(back.session_key, m.session_key);
	assert_int_equal(back.version.build, 20348);
	assert_true(back.has_mic);
	assert_memory_equal(back.mic, m.mic, 16);
	assert_memory_equal(b.data + NTLM_MIC_OFFSET, m.mic, 16);
}

static void a_message_cut_anywhere_is_refused_or_has_no_field_outside(void **state)
{
	struct buf store auto_buf = { 0 }, b auto_buf = { 0 };
	struct ntlm_authenticate m = sample(&store), back;

	ntlm_authenticate_encode(&b, &m);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(ntlm_authenticate_decode(cur_of(b.data, n), &back),
				 STATUS_INVALID_PARAMETER);
	for (size_t n = 0; n < sizeof(challenge_bytes); n++) {
		struct ntlm_challenge c;

		assert_int_equal(ntlm_challenge_decode(cur_of(challenge_bytes, n), &c),
				 STATUS_INVALID_PARAMETER);
	}
}

static void a_message_of_another_type_is_refused(void **state)
{
	struct ntlm_negotiate n = { .flags = NTLM_NEGOTIATE_UNICODE };
	struct ntlm_authenticate a;
	struct buf b auto_buf = { 0 };

	ntlm_negotiate_encode(&b, &n);
	assert_true(ntlm_is_message(cur_of(b.data, b.len), NTLM_NEGOTIATE));
	assert_int_equal(ntlm_authenticate_decode(cur_of(b.data, b.len), &a),
			 STATUS_INVALID_PARAMETER);
	assert_int_equal(ntlm_negotiate_decode(cur_of(b.data, b.len), &n), STATUS_SUCCESS);
	b.data[0] = 'X';
	assert_int_equal(ntlm_negotiate_decode(cur_of(b.data, b.len), &n),
			 STATUS_INVALID_PARAMETER);
}

static void a_mic_is_not_read_out_of_the_payload_of_an_old_client(void **state)
{
	struct buf b auto_buf = { 0 };
	struct ntlm_authenticate back;
	static const uint8_t name[40] = { 'a' };

	buf_bytes(&b, "NTLMSSP", 8);
	buf_u32le(&b, NTLM_AUTHENTICATE);
	for (int i = 0; i < 6; i++) {
		buf_u16le(&b, i == 3 ? sizeof(name) : 0);
		buf_u16le(&b, 0);
		buf_u32le(&b, 64);
	}
	buf_u32le(&b, NTLM_NEGOTIATE_UNICODE);
	buf_bytes(&b, name, sizeof(name));
	assert_int_equal(ntlm_authenticate_decode(cur_of(b.data, b.len), &back), STATUS_SUCCESS);
	assert_false(back.has_mic);
	assert_int_equal(cur_left(&back.user), sizeof(name));
}

static void av_pairs_come_back_and_end_where_they_say(void **state)
{
	struct buf b auto_buf = { 0 };
	struct cursor c, value;
	struct ntlm_av av;

	ntlm_av_put_text(&b, NTLM_AV_NB_DOMAIN, "FS");
	ntlm_av_put_u32(&b, NTLM_AV_FLAGS, NTLM_AV_FLAG_MIC_PRESENT);
	ntlm_av_put_time(&b, nttime_of(12345));
	assert_false(ntlm_av_valid(cur_of(b.data, b.len)));
	ntlm_av_end(&b);
	c = cur_of(b.data, b.len);
	assert_true(ntlm_av_valid(c));
	assert_int_equal(ntlm_av_flags(c), NTLM_AV_FLAG_MIC_PRESENT);
	assert_true(ntlm_av_find(c, NTLM_AV_TIMESTAMP, &value));
	assert_int_equal(cur_u64le(&value), 12345);
	for (int i = 0; i < 3; i++)
		assert_true(ntlm_av_next(&c, &av));
	assert_false(ntlm_av_next(&c, &av));
	assert_false(c.bad);
	assert_false(ntlm_av_valid(cur_of(b.data, b.len - 1)));
}

static void av_pairs_have_a_limit(void **state)
{
	struct buf b auto_buf = { 0 };

	for (int i = 0; i < NTLM_MAX_AV_PAIRS + 1; i++)
		ntlm_av_put_u32(&b, NTLM_AV_FLAGS, 0);
	ntlm_av_end(&b);
	assert_false(ntlm_av_valid(cur_of(b.data, b.len)));
}

static void an_ntlmv1_response_is_not_an_ntlmv2_response(void **state)
{
	static const uint8_t v1[24] = { 0x67, 0xc4, 0x30, 0x11 }, client[8] = { 0xaa };
	struct ntlm_v2_response r;
	struct buf b auto_buf = { 0 }, pairs auto_buf = { 0 };

	assert_int_equal(ntlm_v2_response_decode(cur_of(v1, sizeof(v1)), &r),
			 STATUS_INVALID_PARAMETER);
	assert_int_equal(ntlm_v2_response_decode(cur_of(v1, 0), &r), STATUS_INVALID_PARAMETER);
	ntlm_av_end(&pairs);
	buf_zero(&b, 16);
	ntlm_v2_blob_encode(&b, nttime_of(77), client, cur_of(pairs.data, pairs.len));
	assert_int_equal(ntlm_v2_response_decode(cur_of(b.data, b.len), &r), STATUS_SUCCESS);
	assert_int_equal(r.timestamp.ticks, 77);
	assert_int_equal(cur_left(&r.blob), b.len - 16);
	assert_memory_equal(r.client_challenge, client, 8);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_challenge_of_the_example_decodes_and_encodes_again),
		cmocka_unit_test(an_authenticate_message_comes_back_as_it_was_put),
		cmocka_unit_test(a_message_cut_anywhere_is_refused_or_has_no_field_outside),
		cmocka_unit_test(a_message_of_another_type_is_refused),
		cmocka_unit_test(a_mic_is_not_read_out_of_the_payload_of_an_old_client),
		cmocka_unit_test(av_pairs_come_back_and_end_where_they_say),
		cmocka_unit_test(av_pairs_have_a_limit),
		cmocka_unit_test(an_ntlmv1_response_is_not_an_ntlmv2_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
