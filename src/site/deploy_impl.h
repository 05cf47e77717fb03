// SPDX-License-Identifier: Apache-2.0
/* What the files about clients and deployments share. */
#ifndef SITE_DEPLOY_IMPL_H
#define SITE_DEPLOY_IMPL_H

#include <site/db.h>
#include <site/deploy.h>
#include <stdio.h>

int collection_exists(struct site *site, const char *name, char **why) MUST_CHECK;
/* deployment_read - the row @id as clients get it; @collection (may be NULL) is to be freed. */
int deployment_read(struct site *site, const char *id, struct deployment *out, char **collection,
		    char **why) MUST_CHECK;
/* deployment_ids - of all of them, in order; the caller's array. */
json_t *deployment_ids(struct site *site, char **why);

#endif
