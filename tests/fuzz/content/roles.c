// SPDX-License-Identifier: Apache-2.0
/* The bodies of signed documents, as if whoever sent them held the keys. */
#include <content/roles.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *body auto_json = document_parse_json(data, size, NULL);
	struct content_failure why = { 0 };
	struct role_meta meta;
	struct root root;

	if (!body)
		return 0;
	if (root_decode(body, &root, &why)) {
		json_t *again auto_json = root_encode(&root);
		struct root back;

		BUG_ON(!root_decode(again, &back, &why));
		BUG_ON(back.head.version != root.head.version);
	}
	if (role_meta_decode(body, ROLE_SNAPSHOT, &meta, &why))
		BUG_ON(meta.length > METADATA_BYTES_MAX);
	(void)!role_meta_decode(body, ROLE_TARGETS, &meta, &why);
	(void)!targets_decode(body, &why);
	return 0;
}
