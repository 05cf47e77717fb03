// SPDX-License-Identifier: Apache-2.0
/*
 * content_measure OLD NEW - what a second version of a folder costs to send, by how files are cut:
 * bytes in pieces that the first version does not have, and how many pieces there are in all. What
 * docs/decisions/0030-pieces-cut-by-content.md says is measured with this.
 */
#include <content/chunk.h>
#include <content/piece_set.h>
#include <crypto/crypto.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (1u << 30)

struct way {
	const char *name;
	enum { WHOLE, FIXED, CONTENT, INGESTED } cut;
	struct chunk_sizes sizes;
};
#define KIB(n) ((uint32_t)(n) << 10)
static const struct way ways[] = {
	{ "whole files", WHOLE, { 0, 0, 0 } },
	{ "fixed 64 KiB", FIXED, { 0, KIB(64), 0 } },
	{ "content 8 KiB", CONTENT, { KIB(2), KIB(8), KIB(32) } },
	{ "content 16 KiB", CONTENT, { KIB(4), KIB(16), KIB(64) } },
	{ "content 32 KiB", CONTENT, { KIB(8), KIB(32), KIB(128) } },
	{ "content 64 KiB", CONTENT, { KIB(16), KIB(64), KIB(256) } },
	{ "content 128 KiB", CONTENT, { KIB(32), KIB(128), KIB(512) } },
	{ "content 256 KiB", CONTENT, { KIB(64), KIB(256), KIB(1024) } },
	{ "as ingested", INGESTED, { 0, 0, 0 } },
};

static const struct way *way;
static struct piece_set *set;
static uint64_t bytes;

static void add(const uint8_t *data, size_t length)
{
	struct piece piece = { .length = (uint32_t)length };

	if (!hash_sha256(data, length, piece.hash) || !piece_set_add_one(set, &piece))
		abort();
}

static size_t next(const uint8_t *data, size_t length, size_t whole)
{
	const struct chunk_sizes *sizes =
		way->cut == INGESTED ? chunk_sizes_of(whole) : &way->sizes;

	if (way->cut == WHOLE)
		return length;
	if (way->cut == FIXED)
		return length < way->sizes.wanted ? length : way->sizes.wanted;
	return chunk_length(sizes, data, length);
}

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	size_t length = (size_t)st->st_size;
	uint8_t *data auto_free = NULL;
	FILE *file;

	if (kind != FTW_F || !S_ISREG(st->st_mode) || !length || length > FILE_BYTES_MAX)
		return 0;
	data = malloc(length);
	file = fopen(path, "r");
	if (!data || !file || fread(data, 1, length, file) != length)
		abort();
	fclose(file);
	bytes += length;
	for (size_t at = 0; at < length;) {
		size_t piece = next(data + at, length - at, length);

		add(data + at, piece);
		at += piece;
	}
	return 0;
}

static void take(const char *folder, struct piece_set *into)
{
	set = into;
	bytes = 0;
	if (nftw(folder, visit, 16, FTW_PHYS) != 0)
		abort();
	piece_set_sort(into);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("content_measure OLD NEW\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct piece_set first auto_piece_set = { 0 }, second auto_piece_set = { 0 };
		uint64_t fresh = 0;

		way = &ways[i];
		take(argv[1], &first);
		take(argv[2], &second);
		for (size_t p = 0; p < second.count; p++)
			if (!piece_set_find(&first, second.pieces[p].hash))
				fresh += second.pieces[p].length;
		printf("%-16s %8zu pieces %9.1f MiB, %9.1f MiB new (%.1f %%)\n", way->name,
		       second.count, (double)bytes / 1048576, (double)fresh / 1048576,
		       100.0 * (double)fresh / (double)bytes);
	}
	return 0;
}
