// SPDX-License-Identifier: Apache-2.0
/* Manifests: built, put into their one encoding, decoded. */
#include <content/manifest.h>

#include <content/name.h>
#include <crypto/crypto.h>
#include <stdio.h>

static const uint8_t magic[8] = "BERTHMF1";

#define FILE_BYTES_MIN (2 + 1 + 1 + 8 + SHA256_LENGTH + 4) /* with a path of one byte */
#define PIECE_BYTES    (SHA256_LENGTH + 4)
#define NAME_BYTES_MAX UINT32_MAX

void manifest_free(struct manifest *m)
{
	free(m->files);
	free(m->pieces);
	buf_free(&m->names);
	*m = (struct manifest){ 0 };
}

static bool too_large(struct content_failure *why, const char *path)
{
	return content_fail(why, CONTENT_TOO_LARGE, STATUS_FILE_SYSTEM_LIMITATION, path,
			    "a package has at most %u files and %u pieces", MANIFEST_FILES_MAX,
			    MANIFEST_PIECES_MAX);
}

/* grown - room for one more of @size in *@list; false: no memory. */
static bool grown(void **list, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t more = *room ? *room * 2 : 64;
	void *larger;

	if (count < *room)
		return true;
	larger = reallocarray(*list, more, size);
	if (!larger)
		return false;
	*list = larger;
	*room = more;
	return true;
}

static bool no_memory(struct content_failure *why)
{
	return content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL, "out of memory");
}

static bool add_file(struct manifest *m, const char *path, size_t length,
		     const struct manifest_file *file, struct content_failure *why)
{
	struct manifest_file copy = *file;
	const char *wrong = content_name_check(path, length);
	void *files = m->files;

	if (wrong)
		return content_fail(why, CONTENT_BAD_NAME, STATUS_OBJECT_NAME_INVALID, NULL,
				    "a name of %zu bytes %s", length, wrong);
	if (m->file_count >= MANIFEST_FILES_MAX || m->names.len + length + 1 > NAME_BYTES_MAX ||
	    m->bytes + file->size < m->bytes)
		return too_large(why, NULL);
	if (!grown(&files, m->file_count, &m->file_room, sizeof(*m->files)))
		return no_memory(why);
	m->files = files;
	copy.path = (uint32_t)m->names.len;
	copy.first_piece = m->piece_count;
	copy.piece_count = 0;
	buf_bytes(&m->names, path, length);
	buf_u8(&m->names, 0);
	if (m->names.failed)
		return no_memory(why);
	m->files[m->file_count++] = copy;
	m->bytes += file->size;
	return true;
}

bool manifest_add(struct manifest *m, const char *path, uint8_t flags, uint64_t size,
		  const uint8_t hash[SHA256_LENGTH], struct content_failure *why)
{
	struct manifest_file file = { .flags = flags, .size = size };
	bool added;

	memcpy(file.hash, hash, SHA256_LENGTH);
	added = add_file(m, path, strlen(path), &file, why);
	if (!added && why)
		snprintf(why->path, sizeof(why->path), "%s", path);
	return added;
}

bool manifest_add_piece(struct manifest *m, const uint8_t hash[SHA256_LENGTH], uint32_t length,
			struct content_failure *why)
{
	void *pieces = m->pieces;

	BUG_ON(!m->file_count || !length || length > PIECE_BYTES_MAX);
	if (m->piece_count >= MANIFEST_PIECES_MAX)
		return too_large(why, NULL);
	if (!grown(&pieces, m->piece_count, &m->piece_room, sizeof(*m->pieces)))
		return no_memory(why);
	m->pieces = pieces;
	memcpy(m->pieces[m->piece_count].hash, hash, SHA256_LENGTH);
	m->pieces[m->piece_count++].length = length;
	m->files[m->file_count - 1].piece_count++;
	return true;
}

static int by_path(const void *a, const void *b, void *arg)
{
	return strcmp(manifest_path(arg, a), manifest_path(arg, b));
}

static bool names_are_apart(const struct manifest *m, struct content_failure *why)
{
	struct content_name *names auto_free = calloc(m->file_count + 1, sizeof(*names));
	const char *a = NULL, *b = NULL;

	if (!names)
		return no_memory(why);
	for (uint32_t i = 0; i < m->file_count; i++) {
		names[i].path = manifest_path(m, &m->files[i]);
		names[i].is_directory = m->files[i].flags & MANIFEST_DIRECTORY;
	}
	if (!content_names_clash(names, m->file_count, &a, &b))
		return true;
	return content_fail(why, CONTENT_BAD_NAME, STATUS_OBJECT_NAME_COLLISION, a,
			    "cannot lie beside \"%.160s\" where case does not count", b);
}

bool manifest_finish(struct manifest *m, struct content_failure *why)
{
	struct piece *pieces = NULL;
	uint32_t at = 0;

	if (m->file_count)
		qsort_r(m->files, m->file_count, sizeof(*m->files), by_path, m);
	if (m->piece_count) {
		pieces = calloc(m->piece_count, sizeof(*pieces));
		if (!pieces)
			return no_memory(why);
	}
	for (uint32_t i = 0; i < m->file_count; i++) {
		struct manifest_file *file = &m->files[i];

		if (file->piece_count)
			memcpy(&pieces[at], &m->pieces[file->first_piece],
			       file->piece_count * sizeof(*pieces));
		file->first_piece = at;
		at += file->piece_count;
	}
	free(m->pieces);
	m->pieces = pieces;
	m->piece_room = m->piece_count;
	return names_are_apart(m, why);
}

/* A file of one piece is that piece; its hash is not written twice. */
static uint32_t written_pieces(const struct manifest_file *file)
{
	return file->piece_count > 1 ? file->piece_count : 0;
}

bool manifest_encode(const struct manifest *m, struct buf *out, struct content_failure *why)
{
	uint32_t written = 0;
	size_t begin = out->len;

	for (uint32_t i = 0; i < m->file_count; i++)
		written += written_pieces(&m->files[i]);
	buf_bytes(out, magic, sizeof(magic));
	buf_u32le(out, m->file_count);
	buf_u32le(out, written);
	for (uint32_t i = 0; i < m->file_count; i++) {
		const struct manifest_file *file = &m->files[i];
		const char *path = manifest_path(m, file);
		size_t length = strlen(path);

		buf_u16le(out, (uint16_t)length);
		buf_bytes(out, path, length);
		buf_u8(out, file->flags);
		buf_u64le(out, file->size);
		buf_bytes(out, file->hash, SHA256_LENGTH);
		buf_u32le(out, written_pieces(file));
		for (uint32_t p = 0; p < written_pieces(file); p++) {
			buf_bytes(out, m->pieces[file->first_piece + p].hash, SHA256_LENGTH);
			buf_u32le(out, m->pieces[file->first_piece + p].length);
		}
	}
	if (out->failed)
		return no_memory(why);
	return out->len - begin <= MANIFEST_BYTES_MAX ? true : too_large(why, NULL);
}

static bool malformed(struct content_failure *why, const char *text)
{
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL,
			    "not a manifest: %s", text);
}

static bool decode_pieces(struct cursor *c, struct manifest *m, uint32_t count,
			  struct content_failure *why)
{
	struct manifest_file *file = &m->files[m->file_count - 1];
	uint64_t left = file->size;

	if (!count && left) { /* one piece, the file itself */
		if (left > PIECE_BYTES_MAX)
			return malformed(why, "a large file without pieces");
		return manifest_add_piece(m, file->hash, (uint32_t)left, why);
	}
	if (count == 1 || count > cur_left(c) / PIECE_BYTES)
		return malformed(why, "a wrong number of pieces");
	while (count--) {
		const uint8_t *hash = cur_bytes(c, SHA256_LENGTH);
		uint32_t length = cur_u32le(c);

		if (!hash || !length || length > PIECE_BYTES_MAX || length > left)
			return malformed(why, "a piece of a wrong length");
		left -= length;
		if (!manifest_add_piece(m, hash, length, why))
			return false;
	}
	return left ? malformed(why, "pieces that are less than their file") : true;
}

/* Nothing is left to the writer's taste: a directory has no size, no hash and no other flag. */
static bool flags_are_good(const struct manifest_file *file)
{
	static const uint8_t nothing[SHA256_LENGTH];

	if (file->flags & ~(MANIFEST_EXECUTABLE | MANIFEST_DIRECTORY))
		return false;
	if (file->flags & MANIFEST_DIRECTORY)
		return file->flags == MANIFEST_DIRECTORY && !file->size &&
		       !memcmp(file->hash, nothing, sizeof(nothing));
	return true;
}

static bool decode_file(struct cursor *c, struct manifest *m, struct content_failure *why)
{
	struct manifest_file file = { 0 };
	uint16_t length = cur_u16le(c);
	const uint8_t *path = cur_bytes(c, length);

	file.flags = cur_u8(c);
	file.size = cur_u64le(c);
	cur_copy(c, file.hash, SHA256_LENGTH);
	file.piece_count = cur_u32le(c);
	if (c->bad || memchr(path, 0, length))
		return malformed(why, "it ends early, or a name holds a zero");
	if (!flags_are_good(&file))
		return malformed(why, "flags that are not known");
	if (!add_file(m, (const char *)path, length, &file, why))
		return false;
	if (m->file_count > 1 &&
	    by_path(&m->files[m->file_count - 2], &m->files[m->file_count - 1], m) >= 0)
		return malformed(why, "files that are not in order");
	return decode_pieces(c, m, file.piece_count, why);
}

bool manifest_decode(struct cursor *c, struct manifest *m, struct content_failure *why)
{
	const uint8_t *begin = cur_bytes(c, sizeof(magic));
	uint32_t files = cur_u32le(c), pieces = cur_u32le(c), written = 0;

	*m = (struct manifest){ 0 };
	if (c->bad || memcmp(begin, magic, sizeof(magic)) != 0)
		return malformed(why, "it does not begin as one");
	if (files > cur_left(c) / FILE_BYTES_MIN || pieces > cur_left(c) / PIECE_BYTES)
		return malformed(why, "more files or pieces than bytes");
	while (files--)
		if (!decode_file(c, m, why))
			return false;
	for (uint32_t i = 0; i < m->file_count; i++)
		written += written_pieces(&m->files[i]);
	if (cur_left(c) || written != pieces)
		return malformed(why, "bytes behind its end, or a wrong count of pieces");
	return names_are_apart(m, why);
}

bool manifest_hash(const struct manifest *m, uint8_t hash[SHA256_LENGTH],
		   struct content_failure *why)
{
	auto_buf struct buf bytes = { 0 };

	if (!manifest_encode(m, &bytes, why))
		return false;
	return hash_sha256(bytes.data, bytes.len, hash) ? true : no_memory(why);
}
