// SPDX-License-Identifier: Apache-2.0
/* What the three compressors share: finding what was there before, and copying it. */
#ifndef WIRE_XCA_MATCH_H
#define WIRE_XCA_MATCH_H

#include <wire/xca.h>

#define MATCH_LEAST	3u
#define MATCH_HASH_BITS 13
#define MATCH_NONE	UINT32_MAX

/*
 * The last place of each hash of three bytes. One candidate is looked at: these formats are for
 * speed. Zero-initialised by match_begin; lives on the caller's stack (32 KiB).
 */
struct matcher {
	const uint8_t *data;
	size_t length;
	uint32_t window; /* how far back a match may be */
	uint32_t heads[1u << MATCH_HASH_BITS];
};
struct match {
	uint32_t distance; /* 0: none */
	uint32_t length;
};

void match_begin(struct matcher *m, const uint8_t *data, size_t length, uint32_t window);
/* match_common - how many bytes at @a and @b are the same, at most @most. */
uint32_t match_common(const uint8_t *a, const uint8_t *b, size_t most);

static inline uint32_t match_hash(const uint8_t *p)
{
	uint32_t three = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;

	return three * 2654435761u >> (32 - MATCH_HASH_BITS);
}

/* match_find - the match at @at, not behind @end and not before @from; @at is remembered. Inline,
 * because it is called for every byte. */
static inline struct match match_find(struct matcher *m, size_t from, size_t at, size_t end)
{
	struct match none = { 0 }, found = { 0 };
	uint32_t *head, before;

	if (end - at < MATCH_LEAST)
		return none;
	head = &m->heads[match_hash(m->data + at)];
	before = *head;
	*head = (uint32_t)at;
	if (before == MATCH_NONE || before < from || at - before > m->window ||
	    memcmp(m->data + before, m->data + at, MATCH_LEAST) != 0)
		return none;
	found.distance = (uint32_t)(at - before);
	found.length = match_common(m->data + before, m->data + at, end - at);
	return found;
}

/* match_skip - remember the places of a match that is taken, but for its first. */
void match_skip(struct matcher *m, size_t at, size_t length);

/* What is decompressed, and how far it has come. */
struct unpacked {
	uint8_t *data;
	size_t at, length;
};
/* unpacked_copy - repeat @length bytes from @distance back; false where either does not fit. */
bool unpacked_copy(struct unpacked *u, size_t distance, size_t length) MUST_CHECK;

#endif
