// SPDX-License-Identifier: Apache-2.0
/* Every NTLMSSP decoder over the same bytes; what decodes must encode and decode to the same. */
#include <wire/ntlm.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(struct cursor a, struct cursor b)
{
	return cur_left(&a) == cur_left(&b) && (!cur_left(&a) || !memcmp(a.at, b.at, cur_left(&a)));
}

static void authenticate(struct cursor c)
{
	struct ntlm_authenticate m, again;
	struct ntlm_v2_response response;
	struct buf b auto_buf = { 0 };

	if (ntlm_authenticate_decode(c, &m) != STATUS_SUCCESS)
		return;
	if (ntlm_v2_response_decode(m.nt_response, &response) == STATUS_SUCCESS)
		(void)ntlm_av_flags(response.av_pairs);
	ntlm_authenticate_encode(&b, &m);
	BUG_ON(b.failed);
	BUG_ON(ntlm_authenticate_decode(cur_of(b.data, b.len), &again) != STATUS_SUCCESS);
	BUG_ON(again.flags != m.flags || !same(again.user, m.user) ||
	       !same(again.nt_response, m.nt_response) || !same(again.session_key, m.session_key));
}

static void challenge(struct cursor c)
{
	struct ntlm_challenge m, again;
	struct buf b auto_buf = { 0 };

	if (ntlm_challenge_decode(c, &m) != STATUS_SUCCESS)
		return;
	(void)ntlm_av_flags(m.target_info);
	ntlm_challenge_encode(&b, &m);
	BUG_ON(b.failed);
	BUG_ON(ntlm_challenge_decode(cur_of(b.data, b.len), &again) != STATUS_SUCCESS);
	BUG_ON(again.flags != m.flags || !same(again.target_info, m.target_info) ||
	       !same(again.target_name, m.target_name));
}

static void negotiate(struct cursor c)
{
	struct ntlm_negotiate m, again;
	struct buf b auto_buf = { 0 };

	if (ntlm_negotiate_decode(c, &m) != STATUS_SUCCESS)
		return;
	ntlm_negotiate_encode(&b, &m);
	BUG_ON(b.failed);
	BUG_ON(ntlm_negotiate_decode(cur_of(b.data, b.len), &again) != STATUS_SUCCESS);
	BUG_ON(again.flags != m.flags || !same(again.domain, m.domain));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ntlm_v2_response response;
	struct cursor c = cur_of(data, size);

	negotiate(c);
	challenge(c);
	authenticate(c);
	if (ntlm_v2_response_decode(c, &response) == STATUS_SUCCESS)
		BUG_ON(!ntlm_av_valid(response.av_pairs));
	return 0;
}
