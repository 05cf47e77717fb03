// SPDX-License-Identifier: Apache-2.0
/* Keys: made, kept in files that only their owner reads, written into documents. */
#include <content/key.h>

#include <base/files.h>
#include <content/document.h>
#include <crypto/crypto.h>

#define KEY_FILE_LIMIT 4096

void content_hex(char *to, const uint8_t *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		to[2 * i] = digits[bytes[i] >> 4];
		to[2 * i + 1] = digits[bytes[i] & 15];
	}
	to[2 * length] = 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool content_unhex(uint8_t *bytes, size_t length, const char *hex)
{
	if (strlen(hex) != 2 * length)
		return false;
	for (size_t i = 0; i < length; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

json_t *content_key_to_json(const struct content_key *key)
{
	char hex[2 * ED25519_KEY_LENGTH + 1];

	content_hex(hex, key->public_key, ED25519_KEY_LENGTH);
	return json_pack("{s:s, s:s, s:{s:s}}", "keytype", "ed25519", "scheme", "ed25519", "keyval",
			 "public", hex);
}

static bool set_id(struct content_key *key, struct content_failure *why)
{
	json_t *object auto_json = content_key_to_json(key);
	auto_buf struct buf bytes = { 0 };
	uint8_t hash[SHA256_LENGTH];

	if (!object || !document_canonical(object, &bytes, why) ||
	    !hash_sha256(bytes.data, bytes.len, hash))
		return content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL,
				    "the id of a key cannot be computed");
	content_hex(key->id, hash, sizeof(hash));
	return true;
}

static bool complete(struct content_key *key, struct content_failure *why)
{
	key->has_seed = true;
	if (!ed25519_public(key->seed, key->public_key))
		return content_fail(why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, NULL,
				    "the public half of a key cannot be computed");
	return set_id(key, why);
}

bool content_key_make(struct content_key *key, struct content_failure *why)
{
	*key = (struct content_key){ 0 };
	random_bytes(key->seed, sizeof(key->seed));
	return complete(key, why);
}

bool content_key_public(struct content_key *key, const uint8_t public_key[ED25519_KEY_LENGTH],
			struct content_failure *why)
{
	*key = (struct content_key){ 0 };
	memcpy(key->public_key, public_key, ED25519_KEY_LENGTH);
	return set_id(key, why);
}

void content_key_wipe(struct content_key *key)
{
	secret_wipe(key, sizeof(*key));
}

static void wipe_buf(struct buf *b)
{
	if (b->data)
		secret_wipe(b->data, b->cap);
	buf_free(b);
}

bool content_key_save(const struct content_key *key, const char *path, struct content_failure *why)
{
	struct buf text cleanup(wipe_buf) = { 0 };
	auto_close int fd = -1;
	int error;

	/* All of the room at once, so that no copy of the seed is left behind by a buffer that
	 * grew. */
	if (!key->has_seed || !buf_room(&text, KEY_FILE_LIMIT) ||
	    !ed25519_pem_write(key->seed, &text))
		return content_fail(why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, path,
				    "the key cannot be written as PEM");
	fd = path_open(path, FILE_NEW, FILE_PRIVATE);
	if (fd < 0)
		return content_fail_errno(why, fd, path, "make the file of a key");
	error = file_write(fd, text.data, text.len);
	error = error ? error : file_sync(fd);
	if (!error)
		return true;
	close_fd_ptr(&fd);
	path_remove(path);
	return content_fail_errno(why, error, path, "write a key");
}

bool content_key_load(struct content_key *key, const char *path, struct content_failure *why)
{
	auto_close int fd = path_open(path, FILE_READ, FILE_PRIVATE);
	uint8_t text[KEY_FILE_LIMIT];
	size_t length;
	int error;
	bool good;

	*key = (struct content_key){ 0 };
	if (fd < 0)
		return content_fail_errno(why, fd, path, "open a key");
	if (!file_is_private(fd))
		return content_fail(
			why, CONTENT_UNREADABLE, STATUS_ACCESS_DENIED, path,
			"a key must be a file that only its owner may read (mode 0600)");
	error = file_read_at(fd, text, sizeof(text), 0, &length);
	if (error)
		return content_fail_errno(why, error, path, "read a key");
	good = ed25519_pem_read(text, length, key->seed);
	secret_wipe(text, sizeof(text));
	if (!good)
		return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, path,
				    "this is not an Ed25519 private key in PEM");
	return complete(key, why);
}

bool content_key_from_json(struct content_key *key, const json_t *object,
			   struct content_failure *why)
{
	const char *type = json_string_value(json_object_get(object, "keytype"));
	const char *scheme = json_string_value(json_object_get(object, "scheme"));
	const json_t *value = json_object_get(object, "keyval");
	const char *hex = json_string_value(json_object_get(value, "public"));

	*key = (struct content_key){ 0 };
	if (!type || strcmp(type, "ed25519") != 0 || !scheme || strcmp(scheme, "ed25519") != 0 ||
	    json_object_size(object) != 3 || json_object_size(value) != 1 || !hex ||
	    !content_unhex(key->public_key, ED25519_KEY_LENGTH, hex))
		return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL,
				    "not the public half of an Ed25519 key");
	return set_id(key, why);
}

bool content_key_sign(const struct content_key *key, const void *data, size_t length,
		      uint8_t signature[ED25519_SIGNATURE_LENGTH])
{
	return key->has_seed && ed25519_sign(key->seed, data, length, signature);
}

bool content_key_verify(const struct content_key *key, const void *data, size_t length,
			const uint8_t signature[ED25519_SIGNATURE_LENGTH])
{
	return ed25519_verify(key->public_key, data, length, signature);
}
