// SPDX-License-Identifier: Apache-2.0
/* What the files of the site's status share. */
#ifndef SITE_STATUS_IMPL_H
#define SITE_STATUS_IMPL_H

#include <site/site.h>
#include <site/watch.h>

/*
 * status_put_work - what the site was asked for and has not come about, into @status: "work" has
 * the counts, "troubles" a sentence for each that is not zero and the command that shows more.
 * Returns how bad that is for the site: what may pass by itself with the next try is not yet.
 */
enum health status_put_work(struct site *site, json_t *status);

#endif
