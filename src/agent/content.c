// SPDX-License-Identifier: Apache-2.0
/*
 * Content: fetched piece by piece into the cache from all points that have it, and put together
 * into files for a program to find. Whatever comes is compared with its hash when it comes, and
 * again when it is put together: what lay in the cache may have rotted there.
 */
#include "agent.h"

#include <base/log.h>
#include <content/assemble.h>
#include <crypto/crypto.h>

/* After so long the others get their turn; what has come by then need not come again. */
#define FETCH_TURN_MS (3600u * 1000)

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

/* Throw out what no deployment still waits for, and more where that is not enough. */
static bool make_room(struct agent *a, struct place *cache, uint64_t limit,
		      struct content_failure *why)
{
	auto_free void *memory = xalloc(a->memory.item_count + 1, SHA256_LENGTH);
	uint8_t(*wanted)[SHA256_LENGTH] = memory;
	struct collect_result result;
	size_t count = 0, kept;

	for (size_t i = 0; i < a->memory.item_count; i++) {
		const struct item *item = &a->memory.items[i];

		if (item->is_wanted && !item->history.finished)
			memcpy(wanted[count++], item->manifest, SHA256_LENGTH);
	}
	return content_trim(cache, wanted, count, limit, &kept, &result, why);
}

static bool has_room(struct agent *a, struct place *cache, const struct deployment *d,
		     struct content_failure *why)
{
	uint64_t limit = (uint64_t)a->config->cache_bytes, wanted = (uint64_t)d->bytes;

	if (wanted <= limit && cache_bytes(cache) <= limit - wanted)
		return true;
	if (wanted <= limit && !make_room(a, cache, limit - wanted, why))
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
		if (sources[opened])
			place_set_deadline(sources[opened++], FETCH_TURN_MS);
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
	if (!good && result.is_nowhere)
		content_fail(why, CONTENT_MISSING, STATUS_NOT_FOUND, d->package,
			     "the package is on no distribution point that answers (%u asked)",
			     options.from_count);
	for (unsigned i = 0; i < options.from_count; i++)
		places_close(a, sources[i]);
	if (good)
		log_info("content fetched deployment=%s bytes=%llu sent=%llu reconnects=%u", d->id,
			 (unsigned long long)result.bytes, (unsigned long long)result.bytes_sent,
			 result.reconnects);
	return good;
}

/* Whatever of it is not what its hash says goes, so that the next fetch brings it again. */
static void drop_rotten(struct place *cache, const struct deployment *d)
{
	struct manifest m auto_manifest = { 0 };

	if (layout_read_manifest(cache, d->manifest, &m, NULL)) {
		for (uint32_t i = 0; i < m.piece_count; i++) {
			auto_buf struct buf bytes = { 0 };
			char name[LAYOUT_NAME_MAX];
			uint8_t found[SHA256_LENGTH];

			layout_piece(name, m.pieces[i].hash);
			if (!place_read(cache, name, PIECE_BYTES_MAX, &bytes) &&
			    hash_sha256(bytes.data, bytes.len, found) &&
			    !memcmp(found, m.pieces[i].hash, SHA256_LENGTH))
				continue;
			(void)!place_remove(cache, name);
		}
	}
	(void)!content_withdraw(cache, d->manifest, NULL);
	log_warn("cache was rotten deployment=%s", d->id);
}

bool content_to_files(struct agent *a, const struct deployment *d, const char *directory,
		      struct content_failure *why)
{
	struct place *cache auto_place = open_cache(a, why);
	struct content_failure here = { 0 };

	if (!cache)
		return false;
	if (content_assemble(cache, d->manifest, directory, &here))
		return true;
	/* Without its manifest the content counts as not there, and what rotted is fetched again.
	 */
	if (here.problem == CONTENT_DAMAGED || here.problem == CONTENT_MISSING)
		drop_rotten(cache, d);
	if (why)
		*why = here;
	return false;
}
