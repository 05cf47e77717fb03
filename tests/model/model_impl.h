// SPDX-License-Identifier: Apache-2.0
/* What the files of the model share. */
#ifndef MODEL_MODEL_IMPL_H
#define MODEL_MODEL_IMPL_H

#include "model.h"

#include <wire/dtyp.h>

/* Where a path leads: the directory of its last component, that component, and what is there. */
struct target {
	struct node *directory, *node;
	char name[MODEL_NAME], stream[MODEL_NAME];
};
ntstatus walk(struct model *model, const char *path, struct target *to);
void node_attach(struct node *directory, struct node *node, const char *name);
void node_detach(struct node *node);
/* is_inside - is @node somewhere beneath @directory? */
bool is_inside(const struct node *node, const struct node *directory);
/* is_open - is @stream of @node (NULL: any)? */
bool is_open(const struct model *model, const struct node *node, const struct stream *stream);
bool sharing_conflicts(const struct model *model, const struct node *node,
		       const struct stream *stream, uint32_t access, uint32_t share);
struct stream *stream_find(struct node *node, const char *name);
void node_path(const struct node *node, char *out, size_t room);
struct stream *stream_add(const struct model *model, struct node *node, const char *name);

/* ---- the steps, but for those on data ---- */
ntstatus create_apply(struct model *model, const struct op *op, struct outcome *out);
ntstatus close_apply(struct model *model, const struct op *op);
ntstatus leave_apply(struct model *model, const struct op *op);
ntstatus lose_apply(struct model *model, const struct op *op);
ntstatus return_apply(struct model *model, const struct op *op, struct outcome *out);
/* open_end - as its close does. */
void open_end(struct model *model, struct model_open *open);
ntstatus disposition_apply(struct model *model, struct model_open *open, const struct op *op);
ntstatus rename_apply(struct model *model, struct model_open *open, const struct op *op);
ntstatus attributes_apply(struct model *model, struct model_open *open, const struct op *op);
ntstatus query_apply(const struct model_open *open, struct outcome *out);
ntstatus list_apply(const struct model_open *open, struct outcome *out);
ntstatus streams_apply(const struct model_open *open, struct outcome *out);
/* node_answer - attributes and size as @stream of @node shows them. */
void node_answer(const struct node *node, const struct stream *stream, struct outcome *out);

/* ---- caching (cache.c) ---- */

enum cause { BY_OPEN, BY_SHARING, BY_OVERWRITE, BY_WRITE, BY_HANDLE };
/* Who causes a break: its own caching is not in the way. */
struct party {
	const struct model_open *open;
	bool is_client;
	unsigned client, key, parent_key;
	uint32_t access; /* BY_OPEN */
};
struct party party_of_open(const struct model_open *open);
struct party party_of_create(const struct op *op);
/* cache_break - ask for what is in the way of @cause to be given up. True: it must be waited for.
 */
bool cache_break(struct model *model, struct stream *stream, const struct party *by,
		 enum cause cause);
/* cache_fits - may @op have its lease on @stream (NULL: one that is to be made)? */
bool cache_fits(const struct model *model, const struct op *op, const struct stream *stream);
void cache_grant(struct model *model, struct model_open *open, const struct op *op,
		 struct outcome *out);
/* cache_release - @open has ended. */
void cache_release(struct model *model, struct model_open *open, const struct node *node,
		   struct stream *stream);
void cache_directory_changed(struct model *model, struct node *directory, const struct party *by);
/* cache_changed - something of the file of @open is another: its directory looks different. */
void cache_changed(struct model *model, const struct model_open *open);
ntstatus cache_acknowledge(struct model *model, const struct op *op, struct outcome *out);

/* ---- times (times.c) ---- */
void time_moves(const struct model *model, struct model_time *time);
void times_of_new(const struct model *model, struct node *node);
void times_of_directory(const struct model *model, struct node *directory);
/* times_accessed, times_written, times_closed - @open read or asked for what is in it, wrote, ends.
 */
void times_accessed(struct model_open *open);
void times_written(const struct model *model, struct model_open *open);
/* times_modified - the same to its times, but nothing was written. */
void times_modified(const struct model *model, struct model_open *open);
void times_closed(struct model_open *open);
ntstatus times_apply(struct model *model, struct model_open *open, const struct op *op);

/* ---- waiting locks (data.c) ---- */
void locks_release(struct model *model, struct model_open *open);

/* data_apply - the steps that read, write, size and lock. */
ntstatus data_apply(struct model *model, struct model_open *open, const struct op *op,
		    struct outcome *out);

#endif
