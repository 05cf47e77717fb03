// SPDX-License-Identifier: Apache-2.0
/* What the files of the model share. */
#ifndef MODEL_MODEL_IMPL_H
#define MODEL_MODEL_IMPL_H

#include "model.h"

#include <wire/dtyp.h>

bool sharing_conflicts(const struct model *model, const struct node *node,
		       const struct stream *stream, uint32_t access, uint32_t share);
struct stream *stream_find(struct node *node, const char *name);
void node_path(const struct node *node, char *out, size_t room);
/* data_apply - the steps that read, write, size and lock. */
ntstatus data_apply(struct model *model, struct model_open *open, const struct op *op,
		    struct outcome *out);

#endif
