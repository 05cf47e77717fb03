// SPDX-License-Identifier: Apache-2.0
/* Being told when Pacemaker's fencer begins to fence, or has ended; for one thread. */
#ifndef CLUSTER_FENCER_H
#define CLUSTER_FENCER_H

#include <base/base.h>

struct fencer {
	struct stonith *connection; /* NULL: none */
	int fd;			    /* readable when something has changed; -1 */
};
/* fencer_connect - where there is no connection; false where none is to be had. It waits for
 * the fencer's answer; pacemakerd ends a fencer that gives none. */
bool fencer_connect(struct fencer *f);
/* fencer_take_in - the descriptor was readable. Where the fencer has ended, the connection has,
 * too.
 */
void fencer_take_in(struct fencer *f);
void fencer_disconnect(struct fencer *f);

#endif
