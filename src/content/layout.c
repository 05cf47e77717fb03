// SPDX-License-Identifier: Apache-2.0
/* The layout of a place: names, directories, whose it is, whole targets. */
#include <content/layout.h>

#include <content/document.h>
#include <crypto/crypto.h>
#include <stdio.h>

static const char *const directories[] = { "staging", "metadata", "targets", "pieces" };

void layout_piece(char name[LAYOUT_NAME_MAX], const uint8_t hash[SHA256_LENGTH])
{
	char hex[SHA256_HEX_SIZE];

	content_hex(hex, hash, SHA256_LENGTH);
	snprintf(name, LAYOUT_NAME_MAX, "pieces/%.2s/%s", hex, hex);
}

void layout_target(char name[LAYOUT_NAME_MAX], const uint8_t hash[SHA256_LENGTH])
{
	char hex[SHA256_HEX_SIZE];

	content_hex(hex, hash, SHA256_LENGTH);
	snprintf(name, LAYOUT_NAME_MAX, "targets/%s", hex);
}

/* where - the path of @name at @place as people write it. */
static const char *where(const struct place *place, const char *name, char text[512])
{
	snprintf(text, 512, "%s/%s", place_title(place), name);
	return text;
}

static bool failed(struct content_failure *why, struct place *place, const char *name,
		   ntstatus status, bool writing, const char *tried)
{
	char path[512];

	return content_fail_status(why, status, writing, where(place, name, path), tried);
}

static bool claim(struct place *place, const char *owner, struct content_failure *why)
{
	json_t *site auto_json = json_pack("{s:s}", "root", owner);
	auto_buf struct buf bytes = { 0 };
	ntstatus status;

	if (!site || !document_canonical(site, &bytes, why))
		return false;
	status = place_write(place, LAYOUT_SITE, bytes.data, bytes.len);
	return status ? failed(why, place, LAYOUT_SITE, status, true, "claim the place") : true;
}

bool layout_check_owner(struct place *place, const char *owner, bool *is_claimed,
			struct content_failure *why)
{
	json_t *site auto_json = NULL;
	auto_buf struct buf bytes = { 0 };
	const char *root;
	ntstatus status = place_read(place, LAYOUT_SITE, LAYOUT_SITE_BYTES, &bytes);

	*is_claimed = status != STATUS_OBJECT_NAME_NOT_FOUND;
	if (!*is_claimed)
		return true;
	if (status)
		return failed(why, place, LAYOUT_SITE, status, false, "see whose place this is");
	site = document_parse_json(bytes.data, bytes.len, NULL);
	root = json_string_value(json_object_get(site, "root"));
	if (root && !strcmp(root, owner))
		return true;
	return content_fail(why, CONTENT_FOREIGN, STATUS_ACCESS_DENIED, place_title(place),
			    "it belongs to another site, whose root key is %.64s",
			    root ? root : "not to be read");
}

static bool become_owner(struct place *place, const char *owner, struct content_failure *why)
{
	bool is_claimed;

	return layout_check_owner(place, owner, &is_claimed, why) &&
	       (is_claimed || claim(place, owner, why));
}

static bool make_directories(struct place *place, struct content_failure *why)
{
	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		ntstatus status = place_make_directory(place, directories[i]);

		if (status)
			return failed(why, place, directories[i], status, true, "make a directory");
	}
	return true;
}

struct counted {
	uint32_t count;
};

static bool count_one(void *owner, const char *name, uint64_t size, bool is_directory)
{
	((struct counted *)owner)->count += is_directory;
	return true;
}

/* The 256 directories of pieces, once. */
static bool make_piece_directories(struct place *place, struct content_failure *why)
{
	struct counted found = { 0 };
	ntstatus status = place_list(place, "pieces", count_one, &found);

	for (unsigned i = 0; !status && found.count < 256 && i < 256; i++) {
		char name[LAYOUT_NAME_MAX];

		snprintf(name, sizeof(name), "pieces/%02x", i);
		status = place_make_directory(place, name);
	}
	return status ? failed(why, place, "pieces", status, true, "make the directories of pieces")
		      : true;
}

bool layout_prepare(struct place *place, const char *owner, struct content_failure *why)
{
	ntstatus status = place_lock(place, LAYOUT_LOCK);

	if (status)
		return failed(why, place, LAYOUT_LOCK, status, true, "lock the place");
	return make_directories(place, why) && become_owner(place, owner, why) &&
	       make_piece_directories(place, why);
}

bool layout_read_target(struct place *place, const uint8_t hash[SHA256_LENGTH], size_t limit,
			struct buf *out, struct content_failure *why)
{
	uint8_t found[SHA256_LENGTH];
	char name[LAYOUT_NAME_MAX], path[512];
	size_t begin = out->len;
	ntstatus status;

	layout_target(name, hash);
	status = place_read(place, name, limit, out);
	if (status == STATUS_FILE_TOO_LARGE)
		return content_fail(why, CONTENT_TOO_LARGE, status, where(place, name, path),
				    "it is larger than the %zu bytes it may have", limit);
	if (status)
		return failed(why, place, name, status, false, "read a target");
	if (hash_sha256(out->data + begin, out->len - begin, found) &&
	    !memcmp(found, hash, SHA256_LENGTH))
		return true;
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR,
			    where(place, name, path), "its bytes are not what its hash says");
}

bool layout_write_target(struct place *place, const uint8_t hash[SHA256_LENGTH], const void *data,
			 size_t length, struct content_failure *why)
{
	auto_buf struct buf back = { 0 };
	char name[LAYOUT_NAME_MAX];
	ntstatus status;

	layout_target(name, hash);
	status = place_write(place, name, data, length);
	if (status)
		return failed(why, place, name, status, true, "write a target");
	return layout_read_target(place, hash, length, &back, why);
}

bool layout_read_manifest(struct place *place, const uint8_t hash[SHA256_LENGTH],
			  struct manifest *m, struct content_failure *why)
{
	auto_buf struct buf bytes = { 0 };
	struct cursor c;

	*m = (struct manifest){ 0 };
	if (!layout_read_target(place, hash, MANIFEST_BYTES_MAX, &bytes, why))
		return false;
	c = cur_of(bytes.data, bytes.len);
	return manifest_decode(&c, m, why);
}
