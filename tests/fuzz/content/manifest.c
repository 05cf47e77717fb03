// SPDX-License-Identifier: Apache-2.0
/* Manifests as anyone may have left them on a distribution point; a good one has one encoding. */
#include <content/manifest.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manifest m auto_manifest = { 0 };
	struct cursor c = cur_of(data, size);
	struct content_failure why = { 0 };
	auto_buf struct buf again = { 0 };

	if (!manifest_decode(&c, &m, &why)) {
		BUG_ON(!why.problem);
		return 0;
	}
	BUG_ON(!manifest_encode(&m, &again, &why));
	BUG_ON(again.len != size || memcmp(again.data, data, size) != 0);
	return 0;
}
