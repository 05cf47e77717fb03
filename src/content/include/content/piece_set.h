// SPDX-License-Identifier: Apache-2.0
/* A set of pieces, each once; sorted, so that it costs no more than the pieces themselves. */
#ifndef CONTENT_PIECE_SET_H
#define CONTENT_PIECE_SET_H

#include <content/manifest.h>

struct piece_set {
	struct piece *pieces;
	size_t count, room;
	bool sorted;
};
void piece_set_free(struct piece_set *set);
#define auto_piece_set cleanup(piece_set_free)
/* piece_set_add - all pieces of @m; false: no memory. */
bool piece_set_add(struct piece_set *set, const struct manifest *m) MUST_CHECK;
bool piece_set_add_one(struct piece_set *set, const struct piece *piece) MUST_CHECK;
/* piece_set_find - the piece with this hash; NULL: it is not in. */
const struct piece *piece_set_find(struct piece_set *set, const uint8_t hash[SHA256_LENGTH]);
/* piece_set_sort - into the order of the hashes, each once; before pieces is walked. */
void piece_set_sort(struct piece_set *set);

#endif
