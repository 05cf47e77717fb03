// SPDX-License-Identifier: Apache-2.0
/*
 * Descriptors: what decodes must encode and decode to the same bytes, be inherited and applied
 * without harm, and mean the same where it is written as text and read again. The bytes are tried
 * as SDDL too.
 */
#include <wire/sddl.h>

#define ALL_PARTS 0xfu

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct security_descriptor *sd)
{
	struct security_descriptor *again;
	struct buf a auto_buf = { 0 }, b auto_buf = { 0 };

	sd_encode(&a, sd, ALL_PARTS);
	if (a.failed)
		return;
	BUG_ON(a.len <= SD_MAX_BYTES && sd_decode(cur_of(a.data, a.len), &again) != STATUS_SUCCESS);
	if (a.len > SD_MAX_BYTES)
		return;
	sd_encode(&b, again, ALL_PARTS);
	free(again);
	BUG_ON(a.len != b.len || memcmp(a.data, b.data, a.len));
}

static void as_text(const struct security_descriptor *sd)
{
	struct security_descriptor *again;
	struct buf a auto_buf = { 0 }, b auto_buf = { 0 };

	if (!sd_format_sddl(&a, sd))
		return;
	buf_u8(&a, 0);
	if (a.failed)
		return;
	BUG_ON(sd_parse_sddl((const char *)a.data, &again) != STATUS_SUCCESS);
	BUG_ON(!sd_format_sddl(&b, again));
	free(again);
	BUG_ON(a.len != b.len + 1 || (b.len && memcmp(a.data, b.data, b.len)));
}

static void family(const struct security_descriptor *sd)
{
	for (int i = 0; i < 4; i++) {
		struct security_descriptor *child;

		if (sd_inherit(sd, i & 2 ? sd : NULL, &SID_USERS, &SID_USERS, i & 1, &child) !=
		    STATUS_SUCCESS)
			continue;
		round_trip(child);
		free(child);
		if (sd_apply(sd, sd, ALL_PARTS, &child) != STATUS_SUCCESS)
			continue;
		round_trip(child);
		free(child);
	}
}

static void one(struct security_descriptor *sd)
{
	round_trip(sd);
	as_text(sd);
	family(sd);
	free(sd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct security_descriptor *sd;
	char text[SID_TEXT_SIZE];
	struct cursor c = cur_of(data, size);
	struct sid sid, back;
	char *sddl auto_free = xalloc(size + 1, 1);

	if (sd_decode(c, &sd) == STATUS_SUCCESS)
		one(sd);
	if (sid_decode(&c, &sid))
		BUG_ON(!sid_parse(sid_format(&sid, text), &back) || !sid_equal(&sid, &back));
	if (size)
		memcpy(sddl, data, size);
	if (sd_parse_sddl(sddl, &sd) == STATUS_SUCCESS)
		one(sd);
	return 0;
}
