// SPDX-License-Identifier: Apache-2.0
/*
 * The client for simple callers: each call turns a loop of its own until the answer is there. Not
 * for use on a loop that does anything else. One thread at a time.
 */
#ifndef CLIENT_CLIENT_SYNC_H
#define CLIENT_CLIENT_SYNC_H

#include <client/client.h>

struct client_sync;

/*
 * sync_connect - resolve @host, connect, negotiate, set up the session. NULL and *@failure (with
 * the step) where that fails. @port 0: 445.
 */
struct client_sync *sync_connect(const char *host, uint16_t port,
				 const struct client_options *options,
				 struct client_failure *failure);
/* sync_disconnect - close the connection and free everything; NULL is good. */
void sync_disconnect(struct client_sync *sync);
struct client *sync_client(struct client_sync *sync);
/* sync_address - the numeric address that was connected to. */
const char *sync_address(const struct client_sync *sync);

/* One answer, copied: response.c is ready for smb2_X_response_decode. Free with sync_answer_free.
 */
struct sync_answer {
	ntstatus status;
	bool answered;
	struct smb2_header header;
	struct cursor body;
	struct buf bytes;
};
void sync_answer_free(struct sync_answer *answer);
/*
 * sync_call - send @body (encoded by @encode, a smb2_X_request_encode) as @command and wait; the
 * status of the answer, which is left in @answer.
 */
ntstatus sync_call(struct client_sync *sync, const struct client_tree *tree, uint16_t command,
		   void (*encode)(struct buf *b, const void *body), const void *body,
		   size_t payload, struct sync_answer *answer);

/* sync_tree_connect - @share as "\\server\share"; *@step (may be NULL) tells where it failed. */
ntstatus sync_tree_connect(struct client_sync *sync, const char *path, struct client_tree *tree,
			   enum client_step *step);
ntstatus sync_tree_disconnect(struct client_sync *sync, const struct client_tree *tree);
ntstatus sync_logoff(struct client_sync *sync);
ntstatus sync_echo(struct client_sync *sync);

/* sync_create - open or create @name (UTF-8, '\\' or '/'); @create->name is set from it. */
ntstatus sync_create(struct client_sync *sync, const struct client_tree *tree, const char *name,
		     struct smb2_create_request *create, struct smb2_create_response *response);
/* sync_open - the usual case of it: @access, @disposition, @options, shared with everyone. */
ntstatus sync_open(struct client_sync *sync, const struct client_tree *tree, const char *name,
		   uint32_t access, uint32_t disposition, uint32_t options,
		   struct smb2_file_id *id);
ntstatus sync_close(struct client_sync *sync, const struct client_tree *tree,
		    struct smb2_file_id id);
ntstatus sync_read(struct client_sync *sync, const struct client_tree *tree, struct smb2_file_id id,
		   uint64_t offset, void *data, size_t length, size_t *got);
ntstatus sync_write(struct client_sync *sync, const struct client_tree *tree,
		    struct smb2_file_id id, uint64_t offset, const void *data, size_t length);
ntstatus sync_flush(struct client_sync *sync, const struct client_tree *tree,
		    struct smb2_file_id id);
/* The next three append what the server sent to @out. */
ntstatus sync_query_info(struct client_sync *sync, const struct client_tree *tree,
			 struct smb2_file_id id, uint8_t info_type, uint8_t info_class,
			 uint32_t additional, uint32_t room, struct buf *out);
ntstatus sync_query_directory(struct client_sync *sync, const struct client_tree *tree,
			      struct smb2_file_id id, uint8_t info_class, uint8_t flags,
			      const char *pattern, uint32_t room, struct buf *out);
/* sync_ioctl - an FSCTL, FSCTL_PIPE_TRANSCEIVE among them. */
ntstatus sync_ioctl(struct client_sync *sync, const struct client_tree *tree,
		    struct smb2_file_id id, uint32_t code, struct cursor input, uint32_t room,
		    struct buf *out);
ntstatus sync_set_info(struct client_sync *sync, const struct client_tree *tree,
		       struct smb2_file_id id, uint8_t info_type, uint8_t info_class,
		       uint32_t additional, struct cursor input);
/* sync_delete - mark for deletion; it goes with its last handle. */
ntstatus sync_delete(struct client_sync *sync, const struct client_tree *tree,
		     struct smb2_file_id id);

#endif
