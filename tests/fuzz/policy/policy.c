// SPDX-License-Identifier: Apache-2.0
/* policy.json, and a node of its tree. */
#include <policy/policy.h>

#include <crypto/crypto.h>

struct bytes {
	const uint8_t *data;
	size_t size;
};

static bool fetch(void *owner, const uint8_t hash[SHA256_LENGTH], size_t limit, struct buf *out,
		  struct content_failure *why)
{
	const struct bytes *b = owner;

	buf_bytes(out, b->data, b->size);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct policy_client client auto_policy_client = { 0 };
	struct policy policy auto_policy = { 0 }, back auto_policy = { 0 };
	json_t *json auto_json = document_parse_json(data, size, NULL);
	json_t *again auto_json = NULL;
	struct bytes node = { data, size };
	uint8_t root[SHA256_LENGTH];

	if (hash_sha256(data, size, root))
		(void)!policy_tree_find(root, id, fetch, &node, &client, NULL);
	if (!json || !policy_from_json(json, &policy, NULL))
		return 0;
	again = policy_to_json(&policy);
	BUG_ON(!again || !policy_from_json(again, &back, NULL));
	return 0;
}
