// SPDX-License-Identifier: Apache-2.0
/* What the files of an SMB place share. */
#ifndef CONTENT_PLACE_SMB_H
#define CONTENT_PLACE_SMB_H

#include "place_impl.h"

#include <client/client_sync.h>
#include <content/place_share.h>

#define PART_WITHOUT_MTU 65536u /* one credit: the most below dialect 2.1 */

/*
 * How a file gets the name of another. Readers choose how they open a document, so one could keep
 * it from ever being replaced; with POSIX semantics nobody can (MS-FSCC 2.4.43), where the server
 * has them.
 */
enum place_smb_renames { RENAMES_UNTRIED, RENAMES_POSIX, RENAMES_PLAIN };

struct place_smb {
	struct place place;
	struct client_sync *sync; /* NULL: not connected */
	struct client_tree tree;
	struct client_failure failure;
	struct client_options session; /* points at what follows */
	char *host, *server, *share, *below;
	char *user, *domain, *password;
	uint8_t nt_hash[16];
	uint16_t port;
	bool makes_below, locked;
	uint32_t part; /* most bytes of one read or write */
	enum place_smb_renames renames;
	bool hashes_nothing; /* the server has refused FSCTL_BERTH_HASH_RANGE */
	struct smb2_file_id lock;
};

/* place_smb_path - @name as this server wants it, from the root of the share; the caller frees. */
char *place_smb_path(const struct place_smb *smb, const char *name);
/* place_smb_rename_encode - to @path, over what is there: FileRenameInformationEx (@posix), or
 * FileRenameInformation. */
void place_smb_rename_encode(struct buf *out, const char *path, bool posix);

/* place_smb_begin - a request sets out; place_finish ends it. */
void place_smb_begin(struct place *place, struct place_request *rq);

/* place_smb_rename - give the open file @id the name @path, over what is there; waits. */
ntstatus place_smb_rename(struct place_smb *smb, struct smb2_file_id id, const char *path);

/* place_smb_compose - place_compose; waits. */
ntstatus place_smb_compose(struct place *place, const char *name, const struct place_part *parts,
			   size_t count, const uint8_t *expected) MUST_CHECK;
/* place_smb_read - a range of a file, in parts of at most @most bytes; waits. */
ntstatus place_smb_read(struct place_smb *smb, const char *name, uint64_t offset, void *data,
			size_t length, size_t most, size_t *got) MUST_CHECK;
enum place_smb_write {
	SMB_WRITE_IN_PLACE,
	SMB_WRITE_NEW,	  /* where nothing has that name */
	SMB_WRITE_STAGED, /* beside, then renamed over it */
};
/* place_smb_write - a whole file in parts; @durable: the server is asked to have it on its disk
 * before it is renamed. */
ntstatus place_smb_write(struct place_smb *smb, const char *name, const void *data, size_t length,
			 enum place_smb_write how, bool durable) MUST_CHECK;

/* place_smb_set_access - as place_set_access; waits. */
ntstatus place_smb_set_access(struct place_smb *smb, const char *name,
			      enum place_access access) MUST_CHECK;

#endif
