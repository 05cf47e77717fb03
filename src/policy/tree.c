// SPDX-License-Identifier: Apache-2.0
/* The tree of clients: a trie over the hex digits of their ids, in nodes named by their hash. */
#include <policy/policy.h>

#include <crypto/crypto.h>

static bool bad(struct content_failure *why, const char *what)
{
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL, "%s", what);
}

void policy_client_free(struct policy_client *client)
{
	json_decref(client->deployments);
	json_decref(client->windows);
	*client = (struct policy_client){ 0 };
}

bool client_id_is_safe(const char *id)
{
	return strlen(id) == CLIENT_ID_LENGTH && strspn(id, "0123456789abcdef") == CLIENT_ID_LENGTH;
}

struct writer {
	policy_store_fn *store;
	void *owner;
	struct content_failure *why;
};

static bool write_node(struct writer *w, const char *kind, json_t *content,
		       uint8_t hash[SHA256_LENGTH])
{
	json_t *node auto_json = json_pack("{s:o}", kind, content);
	auto_buf struct buf bytes = { .limit = POLICY_NODE_BYTES_MAX };

	if (!node || !document_canonical(node, &bytes, w->why))
		return false;
	return w->store(w->owner, bytes.data, bytes.len, hash, w->why);
}

static bool write_leaf(struct writer *w, const struct policy_client *clients, size_t count,
		       uint8_t hash[SHA256_LENGTH])
{
	json_t *all = json_object();

	for (size_t i = 0; i < count; i++)
		json_object_set_new(all, clients[i].id,
				    json_pack("{s:O, s:O}", "deployments", clients[i].deployments,
					      "windows", clients[i].windows));
	return write_node(w, "clients", all, hash);
}

/* The clients share the first @depth digits. */
static bool write_below(struct writer *w, const struct policy_client *clients, size_t count,
			unsigned depth, uint8_t hash[SHA256_LENGTH])
{
	json_t *branch;

	if (count <= POLICY_LEAF_CLIENTS || depth == CLIENT_ID_LENGTH)
		return write_leaf(w, clients, count, hash);
	branch = json_object();
	for (size_t begin = 0, end; begin < count; begin = end) {
		char digit[2] = { clients[begin].id[depth], 0 }, hex[SHA256_HEX_SIZE];
		uint8_t below[SHA256_LENGTH];

		for (end = begin + 1; end < count && clients[end].id[depth] == digit[0]; end++)
			;
		if (!write_below(w, clients + begin, end - begin, depth + 1, below)) {
			json_decref(branch);
			return false;
		}
		content_hex(hex, below, SHA256_LENGTH);
		json_object_set_new(branch, digit, json_string(hex));
	}
	return write_node(w, "branch", branch, hash);
}

bool policy_tree_write(const struct policy_client *clients, size_t count, policy_store_fn *store,
		       void *owner, uint8_t root[SHA256_LENGTH], struct content_failure *why)
{
	struct writer w = { store, owner, why };

	return write_below(&w, clients, count, 0, root);
}

static bool are_texts(const json_t *list, size_t most)
{
	if (!json_is_array(list) || json_array_size(list) > most)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!json_is_string(json_array_get(list, i)))
			return false;
	}
	return true;
}

static bool take_client(const json_t *entry, const char *id, struct policy_client *out,
			struct content_failure *why)
{
	const json_t *deployments = json_object_get(entry, "deployments"),
		     *windows = json_object_get(entry, "windows");

	if (!are_texts(deployments, POLICY_CLIENT_DEPLOYMENTS) || !are_texts(windows, WINDOWS_MAX))
		return bad(why, "what a leaf says of a client is not of the form it must have");
	memcpy(out->id, id, CLIENT_ID_LENGTH + 1);
	/* Counted references: the node itself goes away. */
	out->deployments = json_incref((json_t *)(uintptr_t)deployments);
	out->windows = json_incref((json_t *)(uintptr_t)windows);
	return true;
}

static json_t *read_node(const uint8_t hash[SHA256_LENGTH], policy_fetch_fn *fetch, void *owner,
			 struct content_failure *why)
{
	auto_buf struct buf bytes = { 0 };
	uint8_t found[SHA256_LENGTH];

	if (!fetch(owner, hash, POLICY_NODE_BYTES_MAX, &bytes, why))
		return NULL;
	/* Whoever fetches compares as well; it costs nothing to rely on nobody. */
	if (!hash_sha256(bytes.data, bytes.len, found) || memcmp(found, hash, SHA256_LENGTH) != 0) {
		bad(why, "a node of the policy is not what its hash says");
		return NULL;
	}
	return document_parse_json(bytes.data, bytes.len, why);
}

bool policy_tree_find(const uint8_t root[SHA256_LENGTH], const char *id, policy_fetch_fn *fetch,
		      void *owner, struct policy_client *out, struct content_failure *why)
{
	uint8_t hash[SHA256_LENGTH];

	*out = (struct policy_client){ 0 };
	if (!client_id_is_safe(id))
		return bad(why, "this is not the id of a client");
	memcpy(hash, root, SHA256_LENGTH);
	for (unsigned depth = 0; depth <= CLIENT_ID_LENGTH; depth++) {
		json_t *node auto_json = read_node(hash, fetch, owner, why);
		const json_t *clients = json_object_get(node, "clients"),
			     *branch = json_object_get(node, "branch"), *next;
		char digit[2] = { id[depth], 0 };

		if (!node)
			return false;
		if (json_is_object(clients)) {
			const json_t *entry = json_object_get(clients, id);

			return !entry || take_client(entry, id, out, why);
		}
		if (!json_is_object(branch) || depth == CLIENT_ID_LENGTH)
			return bad(why, "a node of the policy is neither a branch nor a leaf");
		next = json_object_get(branch, digit);
		if (!next)
			return true;
		if (!json_is_string(next) ||
		    !content_unhex(hash, SHA256_LENGTH, json_string_value(next)))
			return bad(why, "a branch of the policy names no hash");
	}
	return bad(why, "the policy is too deep");
}
