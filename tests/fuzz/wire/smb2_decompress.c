// SPDX-License-Identifier: Apache-2.0
/* Compressed messages, with everything agreed on; what comes out must survive being compressed. */
#include <wire/smb2.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST (128u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(data, size);
	struct smb2_compression agreed = {
		.algorithms = smb2_compression_known(),
		.preferred = (uint16_t)(1 + size % 3),
		.chained = true,
	};
	struct buf out auto_buf = { 0 }, packed auto_buf = { 0 }, again auto_buf = { 0 };

	if (smb2_decompress(&c, &agreed, MOST, &out))
		return 0;
	BUG_ON(out.len > MOST);
	if (!smb2_compress(&agreed, out.data, out.len, (size_t)min_u64(out.len, 80), &packed))
		return 0;
	c = cur_of(packed.data, packed.len);
	BUG_ON(smb2_decompress(&c, &agreed, out.len, &again));
	BUG_ON(again.len != out.len || memcmp(again.data, out.data, out.len) != 0);
	return 0;
}
