// SPDX-License-Identifier: Apache-2.0
/* The commands about packages, distribution points, collections, deployments and clients. */
#ifndef CLI_DEPLOY_H
#define CLI_DEPLOY_H

#include "site_cli.h"

int run_package_create(struct call *call);
int run_package_update(struct call *call);
int run_package_export(struct call *call);
int run_package_list(struct call *call);
int run_package_program(struct call *call);
int run_package_programs(struct call *call);
int run_site_publish(struct call *call);
int run_site_client_root(struct call *call);
int run_collection_add(struct call *call);
int run_collection_remove(struct call *call);
int run_collection_list(struct call *call);
int run_collection_show(struct call *call);
int run_collection_include(struct call *call);
int run_collection_exclude(struct call *call);
int run_collection_window(struct call *call);
int run_deployment_create(struct call *call);
int run_deployment_remove(struct call *call);
int run_deployment_rerun(struct call *call);
int run_deployment_list(struct call *call);
int run_deployment_status(struct call *call);
int run_client_list(struct call *call);
int run_client_show(struct call *call);
int run_client_approve(struct call *call);
int run_client_remove(struct call *call);
int run_client_token(struct call *call);
int run_client_collect(struct call *call);

/* deploy_package.c and deploy_client.c share these */
const char *local_of(struct call *call, const char *name);
/* take_integer - false and said so where the option is there and is no number in the range. */
bool take_integer(struct call *call, const char *name, int64_t low, int64_t high, int64_t *out);
/* done - say what was done, unless --json. */
int done(struct call *call, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
