// SPDX-License-Identifier: Apache-2.0
/*
 * Taking a folder into a library. Each directory is read once and each file once, through one
 * buffer; when all have been read, every one of them is looked at again, so that a folder that
 * somebody was still writing to is not taken for a version of a package.
 */
#include <content/ingest.h>

#include <content/name.h>
#include <crypto/crypto.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES (2u << 20)

/* What a file looked like when it was read. */
struct seen {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified, changed;
};

struct ingest {
	const char *source;
	int root;
	struct place *library;
	const struct ingest_options *options;
	const struct chunk_sizes *sizes; /* of the file that is read */
	struct ingest_result *result;
	struct content_failure *why;
	struct manifest manifest;
	struct seen *seen; /* of each file of the manifest, in the order they were added */
	size_t seen_room;
	struct sha256 *hash;
	uint8_t *buffer, *back; /* what is read of the source, and of the library */
};

static bool bad_file(struct ingest *in, const char *path, const char *text)
{
	return content_fail(in->why, CONTENT_BAD_FILE, STATUS_FILE_NOT_AVAILABLE, path, "%s", text);
}

static struct seen seen_of(const struct stat *st)
{
	return (struct seen){ st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim };
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_file(const struct seen *a, const struct seen *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       same_time(a->modified, b->modified) && same_time(a->changed, b->changed);
}

static bool remember(struct ingest *in, const struct stat *st)
{
	uint32_t index = in->manifest.file_count - 1;

	if (index >= in->seen_room) {
		size_t room = in->seen_room ? in->seen_room * 2 : 256;
		struct seen *larger = reallocarray(in->seen, room, sizeof(*larger));

		if (!larger)
			return content_fail(in->why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL,
					    "out of memory");
		in->seen = larger;
		in->seen_room = room;
	}
	in->seen[index] = seen_of(st);
	return true;
}

static bool report(struct ingest *in, const char *path)
{
	const struct ingest_progress progress = { in->manifest.file_count, in->result->bytes,
						  path };

	if (!in->options->progress || in->options->progress(in->options->owner, &progress))
		return true;
	return content_fail(in->why, CONTENT_CANCELLED, STATUS_CANCELLED, path, "stopped");
}

enum held { HELD_NOT, HELD_GOOD, HELD_DAMAGED };

/* What the library has of a piece: as far as its size tells, or every byte of it. */
static enum held library_has(struct ingest *in, const char *name, const uint8_t *data,
			     size_t length)
{
	size_t first = in->options->verify ? 0 : length - 1;
	struct place_request rq = { .verb = PLACE_GET,
				    .name = name,
				    .offset = first,
				    .data = in->back,
				    .length = length + 1 - first };

	place_begin(in->library, &rq);
	while (!rq.done)
		place_turn(in->library, -1);
	if (content_problem_of(rq.status, false) == CONTENT_MISSING)
		return HELD_NOT;
	if (rq.status || rq.got != length - first)
		return HELD_DAMAGED;
	return memcmp(in->back, data + first, length - first) ? HELD_DAMAGED : HELD_GOOD;
}

static bool keep_piece(struct ingest *in, const char *path, uint8_t *data, size_t length)
{
	struct piece piece = { .length = (uint32_t)length };
	struct place_request rq = { .verb = PLACE_PUT, .data = data, .length = length };
	char name[LAYOUT_NAME_MAX];
	enum held held;

	if (!hash_sha256(data, length, piece.hash))
		return content_fail(in->why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, path,
				    "a hash cannot be computed");
	if (!manifest_add_piece(&in->manifest, piece.hash, piece.length, in->why))
		return false;
	layout_piece(name, piece.hash);
	held = library_has(in, name, data, length);
	if (held == HELD_GOOD)
		return true;
	rq.name = name;
	rq.replace = held == HELD_DAMAGED;
	place_begin(in->library, &rq);
	while (!rq.done)
		place_turn(in->library, -1);
	if (rq.status)
		return content_fail_status(in->why, rq.status, true, place_title(in->library),
					   "write a piece into the library");
	if (held == HELD_DAMAGED) {
		in->result->mended_pieces++;
		return true;
	}
	in->result->new_pieces++;
	in->result->new_bytes += length;
	return true;
}

/* The bytes of one open file, cut and kept; *@total is how many there were. */
static bool read_pieces(struct ingest *in, int fd, const char *path, uint64_t *total)
{
	size_t have = 0;
	bool end = false;

	while (!end || have) {
		size_t used = 0;

		while (!end && have < READ_BYTES) {
			ssize_t n = read(fd, in->buffer + have, READ_BYTES - have);

			if (n < 0)
				return content_fail_errno(in->why, errno, path, "read");
			end = !n;
			have += (size_t)n;
		}
		while (have - used >= in->sizes->most || (end && have > used)) {
			size_t length = chunk_length(in->sizes, in->buffer + used, have - used);

			if (!sha256_update(in->hash, in->buffer + used, length))
				return content_fail(in->why, CONTENT_INTERNAL,
						    STATUS_INTERNAL_ERROR, path,
						    "a hash cannot be computed");
			if (!keep_piece(in, path, in->buffer + used, length))
				return false;
			used += length;
		}
		*total += used;
		in->result->bytes += used;
		have -= used;
		memmove(in->buffer, in->buffer + used, have);
		if (!report(in, path))
			return false;
	}
	return true;
}

static bool take_file(struct ingest *in, int parent, const char *name, const char *path)
{
	static const uint8_t unknown[SHA256_LENGTH];
	auto_close int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat before, after;
	struct manifest_file *file;
	struct seen a, b;
	uint64_t total = 0;

	if (fd < 0)
		return errno == ENOENT ? bad_file(in, path, "it vanished while the folder was read")
				       : content_fail_errno(in->why, errno, path, "open");
	if (fstat(fd, &before) < 0)
		return content_fail_errno(in->why, errno, path, "look at");
	if (!S_ISREG(before.st_mode))
		return bad_file(in, path, "it is neither a file nor a directory");
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	in->sizes =
		in->options->sizes ? in->options->sizes : chunk_sizes_of((uint64_t)before.st_size);
	if (!manifest_add(&in->manifest, path, before.st_mode & 0111 ? MANIFEST_EXECUTABLE : 0,
			  (uint64_t)before.st_size, unknown, in->why) ||
	    !remember(in, &before) || !read_pieces(in, fd, path, &total))
		return false;
	file = &in->manifest.files[in->manifest.file_count - 1];
	if (!sha256_final(in->hash, file->hash) || fstat(fd, &after) < 0)
		return content_fail_errno(in->why, errno, path, "look at");
	a = seen_of(&before);
	b = seen_of(&after);
	if (total != (uint64_t)before.st_size || !same_file(&a, &b))
		return bad_file(in, path, "it changed while it was read");
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **list;
	size_t count, room;
};

static void names_free(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool read_names(struct ingest *in, int fd, const char *path, struct names *names)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir cleanup(close_dir) = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir) {
		close_fd_ptr(&copy);
		return content_fail_errno(in->why, errno, path, "read the directory");
	}
	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (names->count == MANIFEST_FILES_MAX)
			return content_fail(
				in->why, CONTENT_TOO_LARGE, STATUS_FILE_SYSTEM_LIMITATION, path,
				"a directory with more than %u files", MANIFEST_FILES_MAX);
		if (names->count == names->room) {
			size_t room = names->room ? names->room * 2 : 64;

			names->list = reallocarray(names->list, room, sizeof(*names->list));
			BUG_ON(!names->list);
			names->room = room;
		}
		names->list[names->count++] = xstrdup(entry->d_name);
	}
	if (errno)
		return content_fail_errno(in->why, errno, path, "read the directory");
	if (names->count)
		sort_items(names->list, names->count, sizeof(*names->list), by_name);
	return true;
}

static bool take_directory(struct ingest *in, int fd, const char *path, unsigned depth);

static bool take_entry(struct ingest *in, int parent, const char *name, const char *path,
		       unsigned depth)
{
	auto_close int fd = -1;
	struct stat st;

	if (content_name_check(path, strlen(path)))
		return content_fail(in->why, CONTENT_BAD_NAME, STATUS_OBJECT_NAME_INVALID, path,
				    "the name %s", content_name_check(path, strlen(path)));
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? bad_file(in, path, "it vanished while the folder was read")
				       : content_fail_errno(in->why, errno, path, "look at");
	if (S_ISLNK(st.st_mode))
		return bad_file(in, path, "it is a symbolic link, and a package has none");
	if (!S_ISDIR(st.st_mode))
		return take_file(in, parent, name, path);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return content_fail_errno(in->why, errno, path, "open the directory");
	return take_directory(in, fd, path, depth + 1);
}

static bool take_directory(struct ingest *in, int fd, const char *path, unsigned depth)
{
	static const uint8_t nothing[SHA256_LENGTH];
	struct names names cleanup(names_free) = { 0 };
	struct stat st;

	if (depth > CONTENT_DEPTH_MAX)
		return bad_file(in, path, "directories that are nested too deeply");
	if (fstat(fd, &st) < 0)
		return content_fail_errno(in->why, errno, path, "look at");
	if (!read_names(in, fd, *path ? path : in->source, &names))
		return false;
	if (!names.count && *path)
		return manifest_add(&in->manifest, path, MANIFEST_DIRECTORY, 0, nothing, in->why) &&
		       remember(in, &st);
	for (size_t i = 0; i < names.count; i++) {
		auto_free char *below = xasprintf("%s%s%s", path, *path ? "/" : "", names.list[i]);

		if (!take_entry(in, fd, names.list[i], below, depth))
			return false;
	}
	return true;
}

/* Is all as it was when it was read? */
static bool look_again(struct ingest *in)
{
	for (uint32_t i = 0; i < in->manifest.file_count; i++) {
		const char *path = manifest_path(&in->manifest, &in->manifest.files[i]);
		struct stat st;
		struct seen now;

		if (fstatat(in->root, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return bad_file(in, path, "it vanished before the folder was read");
		now = seen_of(&st);
		if (!same_file(&now, &in->seen[i]))
			return bad_file(in, path, "it changed before the folder was read");
	}
	return true;
}

static bool write_manifest(struct ingest *in)
{
	struct ingest_result *result = in->result;
	auto_buf struct buf bytes = { 0 };
	ntstatus status;

	if (!manifest_finish(&in->manifest, in->why) ||
	    !manifest_encode(&in->manifest, &bytes, in->why))
		return false;
	if (!hash_sha256(bytes.data, bytes.len, result->hash))
		return content_fail(in->why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, NULL,
				    "a hash cannot be computed");
	result->files = in->manifest.file_count;
	result->pieces = in->manifest.piece_count;
	result->bytes = in->manifest.bytes;
	result->manifest_bytes = bytes.len;
	/* The pieces first: a manifest promises them. */
	status = place_sync(in->library);
	if (status)
		return content_fail_status(in->why, status, true, place_title(in->library),
					   "bring the library to the disk");
	return layout_write_target(in->library, result->hash, bytes.data, bytes.len, in->why);
}

static void ingest_free(struct ingest *in)
{
	close_fd_ptr(&in->root);
	manifest_free(&in->manifest);
	sha256_free(in->hash);
	free(in->seen);
	free(in->buffer);
	free(in->back);
}

bool content_ingest(const char *source, struct place *library, const struct ingest_options *options,
		    struct ingest_result *result, struct content_failure *why)
{
	static const struct ingest_options none;
	struct ingest in cleanup(ingest_free) = {
		.source = source,
		.root = open(source, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.library = library,
		.options = options ? options : &none,
		.result = result,
		.why = why,
		.hash = sha256_new(),
		.buffer = malloc(READ_BYTES),
		.back = malloc(READ_BYTES + 1),
	};

	*result = (struct ingest_result){ 0 };
	if (in.root < 0)
		return content_fail_errno(why, errno, source, "open the folder");
	if (!in.hash || !in.buffer || !in.back)
		return content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL, "out of memory");
	return take_directory(&in, in.root, "", 0) && look_again(&in) && write_manifest(&in);
}
