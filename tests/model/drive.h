// SPDX-License-Identifier: Apache-2.0
/* The same steps, done to a server by clients of ours: one connection each, all on one loop. */
#ifndef MODEL_DRIVE_H
#define MODEL_DRIVE_H

#include "model.h"

struct drive_options {
	const char *address, *server, *share, *other_share, *user, *password;
	uint16_t port;
};

struct drive;

/* drive_new - connect all clients; NULL, said on stderr, where that fails. @options stay in use. */
struct drive *drive_new(const struct drive_options *options);
void drive_free(struct drive *drive);
/*
 * drive_apply - do @op and wait for what comes of it, and that is as much as @expected says (NULL:
 * only for the answer). False: the connection failed (said).
 */
bool drive_apply(struct drive *drive, const struct op *op, const struct outcome *expected,
		 struct outcome *out);
/* drive_empty - delete all that is in the share. */
bool drive_empty(struct drive *drive);

#endif
