// SPDX-License-Identifier: Apache-2.0
/*
 * Content: fetched piece by piece into the cache from all points that have it, and put together
 * into files for a program to find. Whatever comes is compared with its hash when it comes, and
 * again when it is put together: what lay in the cache may have rotted there.
 */
#include "agent.h"

#include <base/log.h>
#include <content/transfer.h>
#include <crypto/crypto.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct place *open_cache(struct agent *a, struct content_failure *why)
{
	auto_free char *path = xasprintf("%s/cache", a->config->state);
	struct place *cache = place_open_directory(path, why);

	if (cache && layout_prepare(cache, trust_root_id(a->trust), why))
		return cache;
	place_close(cache);
	return NULL;
}

bool content_is_cached(struct agent *a, const struct deployment *d)
{
	struct place *cache auto_place = open_cache(a, NULL);
	struct manifest m auto_manifest = { 0 };

	/* A manifest is written only after all its pieces were. */
	return cache && layout_read_manifest(cache, d->manifest, &m, NULL);
}

struct usage {
	uint64_t bytes;
	struct place *cache;
};

static bool add_size(void *owner, const char *name, uint64_t size, bool is_directory)
{
	((struct usage *)owner)->bytes += is_directory ? 0 : size;
	return true;
}

static bool add_pieces_of(void *owner, const char *name, uint64_t size, bool is_directory)
{
	auto_free char *path = xasprintf("pieces/%s", name);
	struct usage *u = owner;

	if (is_directory)
		(void)!place_list(u->cache, path, add_size, u);
	return true;
}

static uint64_t cache_bytes(struct place *cache)
{
	struct usage usage = { .cache = cache };

	(void)!place_list(cache, "pieces", add_pieces_of, &usage);
	return usage.bytes;
}

/* Which content is still to be run. */
static bool is_needed(const struct agent *a, const uint8_t manifest[SHA256_LENGTH])
{
	for (size_t i = 0; i < a->memory.item_count; i++) {
		const struct item *item = &a->memory.items[i];

		if (!memcmp(item->manifest, manifest, SHA256_LENGTH) && item->is_wanted &&
		    !item->history.finished)
			return true;
	}
	return false;
}

/* Throw out what no deployment still waits for; pieces go when nothing refers to them. */
static bool make_room(struct agent *a, struct place *cache, struct content_failure *why)
{
	enum { HELD_MAX = 4096 };
	uint8_t(*held)[SHA256_LENGTH] = xalloc(HELD_MAX, sizeof(*held));
	struct collect_result result;
	size_t count = 0;
	bool good = content_held(cache, cache, held, HELD_MAX, &count, why);

	for (size_t i = 0; good && i < count; i++) {
		if (!is_needed(a, held[i]))
			good = content_withdraw(cache, held[i], why);
	}
	free(held);
	return good && content_collect(cache, &result, why);
}

static bool has_room(struct agent *a, struct place *cache, const struct deployment *d,
		     struct content_failure *why)
{
	uint64_t limit = (uint64_t)a->config->cache_bytes, wanted = (uint64_t)d->bytes;

	if (wanted <= limit && cache_bytes(cache) <= limit - wanted)
		return true;
	if (!make_room(a, cache, why))
		return false;
	if (wanted <= limit && cache_bytes(cache) <= limit - wanted)
		return true;
	return content_fail(why, CONTENT_FULL, STATUS_DISK_FULL, d->package,
			    "its %lld bytes do not fit into the cache of %lld", (long long)d->bytes,
			    (long long)a->config->cache_bytes);
}

/* All points that answer, best first, at most TRANSFER_SOURCES_MAX; how many. */
static size_t open_sources(struct agent *a, struct place *sources[TRANSFER_SOURCES_MAX],
			   struct content_failure *why)
{
	size_t count, opened = 0;
	auto_free const struct policy_point **points = places_choose(a, &count);

	for (size_t i = 0; i < count && opened < TRANSFER_SOURCES_MAX; i++) {
		sources[opened] = places_open(a, points[i], why);
		opened += sources[opened] != NULL;
	}
	return opened;
}

bool content_fetch(struct agent *a, const struct deployment *d, struct content_failure *why)
{
	struct place *cache auto_place = open_cache(a, why);
	struct place *sources[TRANSFER_SOURCES_MAX];
	struct transfer_options options = {
		.from = sources,
		.to = cache,
		.mode = TRANSFER_MISSING,
		.trust_writes = true,
		.patience_ms = (uint64_t)a->config->patience_s * 1000,
	};
	struct transfer_result result = { 0 };
	bool good;

	if (!cache || !has_room(a, cache, d, why))
		return false;
	options.from_count = (unsigned)open_sources(a, sources, why);
	if (!options.from_count)
		return false;
	good = content_transfer(d->manifest, &options, &result, why);
	for (unsigned i = 0; i < options.from_count; i++)
		places_close(a, sources[i]);
	if (good)
		log_info("content fetched deployment=%s bytes=%llu sent=%llu reconnects=%u", d->id,
			 (unsigned long long)result.bytes, (unsigned long long)result.bytes_sent,
			 result.reconnects);
	return good;
}

/* The directories of @path below @root; the names are safe (content/name.h). */
static bool make_parents(int root, const char *path)
{
	auto_free char *part = xstrdup(path);

	for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdirat(root, part, 0755) && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return true;
}

static bool write_piece(struct place *cache, const struct piece *piece, int fd,
			struct sha256 *whole, struct content_failure *why)
{
	auto_buf struct buf bytes = { 0 };
	char name[LAYOUT_NAME_MAX];
	uint8_t found[SHA256_LENGTH];
	ntstatus status;

	layout_piece(name, piece->hash);
	status = place_read(cache, name, PIECE_BYTES_MAX, &bytes);
	if (status)
		return content_fail_status(why, status, false, name, "read a piece from the cache");
	if (bytes.len != piece->length || !hash_sha256(bytes.data, bytes.len, found) ||
	    memcmp(found, piece->hash, SHA256_LENGTH) != 0) {
		/* It goes, so that the next fetch brings it again. */
		(void)!place_remove(cache, name);
		return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, name,
				    "a piece in the cache is not what its hash says");
	}
	if (write(fd, bytes.data, bytes.len) != (ssize_t)bytes.len)
		return content_fail_errno(why, errno ? errno : ENOSPC, name, "write a file");
	return sha256_update(whole, bytes.data, bytes.len) ||
	       content_fail(why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, name, "cannot hash");
}

static bool write_file(struct place *cache, const struct manifest *m,
		       const struct manifest_file *file, int root, struct content_failure *why)
{
	const char *path = manifest_path(m, file);
	mode_t mode = file->flags & MANIFEST_EXECUTABLE ? 0755 : 0644;
	struct sha256 *whole auto_sha256 = sha256_new();
	uint8_t found[SHA256_LENGTH];
	auto_close int fd = -1;

	if (file->flags & MANIFEST_DIRECTORY)
		return (make_parents(root, path) &&
			(!mkdirat(root, path, 0755) || errno == EEXIST)) ||
		       content_fail_errno(why, errno, path, "make a directory");
	if (make_parents(root, path))
		fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0 || !whole)
		return content_fail_errno(why, errno, path, "make a file");
	for (uint32_t i = 0; i < file->piece_count; i++) {
		if (!write_piece(cache, &m->pieces[file->first_piece + i], fd, whole, why))
			return false;
	}
	if (!sha256_final(whole, found) || memcmp(found, file->hash, SHA256_LENGTH) != 0)
		return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, path,
				    "a file is not what its hash says");
	return true;
}

bool content_assemble(struct agent *a, const struct deployment *d, const char *directory,
		      struct content_failure *why)
{
	struct place *cache auto_place = open_cache(a, why);
	struct manifest m auto_manifest = { 0 };
	auto_close int root = -1;

	if (!cache || !layout_read_manifest(cache, d->manifest, &m, why) ||
	    !remove_tree(directory, why))
		return false;
	if (mkdir(directory, 0755) ||
	    (root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return content_fail_errno(why, errno, directory, "make the working directory");
	for (uint32_t i = 0; i < m.file_count; i++) {
		struct content_failure first = { 0 };

		if (write_file(cache, &m, &m.files[i], root, &first))
			continue;
		if (why)
			*why = first;
		/* Without its manifest the content counts as not there, and is fetched again. */
		if (first.problem == CONTENT_DAMAGED || first.problem == CONTENT_MISSING)
			(void)!content_withdraw(cache, d->manifest, NULL);
		return false;
	}
	return true;
}
