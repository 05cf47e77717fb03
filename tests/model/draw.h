// SPDX-License-Identifier: Apache-2.0
#ifndef MODEL_DRAW_H
#define MODEL_DRAW_H

#include "model.h"

/* draw_seed - the same seed draws the same steps, as long as the model goes the same way. */
void draw_seed(uint64_t seed);
/* draw_op - a step that makes sense as far as @model goes. */
void draw_op(const struct model *model, struct op *op);

#endif
