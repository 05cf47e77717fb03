// SPDX-License-Identifier: Apache-2.0
/* Signed documents as anyone may have left them on a distribution point. */
#include <content/document.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document document auto_document = { 0 };
	struct document again auto_document = { 0 };
	auto_buf struct buf bytes = { 0 };
	struct content_failure why = { 0 };
	struct content_key key;

	if (!document_parse(&document, data, size, &why)) {
		BUG_ON(!why.problem);
		return 0;
	}
	/* Its own canonical form parses to the same thing, and nobody has signed it. */
	BUG_ON(!document_canonical(document.envelope, &bytes, &why));
	BUG_ON(!document_parse(&again, bytes.data, bytes.len, &why));
	BUG_ON(document.canonical.len != again.canonical.len ||
	       memcmp(document.canonical.data, again.canonical.data, again.canonical.len) != 0);
	BUG_ON(!content_key_public(&key, (const uint8_t *)"0123456789abcdef0123456789abcdef",
				   &why));
	BUG_ON(document_verify(&document, &key, 1, 1, &why));
	return 0;
}
