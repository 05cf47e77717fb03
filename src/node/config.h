// SPDX-License-Identifier: Apache-2.0
/*
 * The configuration file of a node: one table (config.c) has every key with its default, its range
 * and its help. A key or a value that the table does not know is an error that names file and line.
 */
#ifndef NODE_CONFIG_H
#define NODE_CONFIG_H

#include <base/log.h>
#include <cluster/cluster.h>
#include <io/loop.h>
#include <smb/smb.h>
#include <stdio.h>

struct config {
	char *name, *volume, *cluster_dir, *address, *control, *user, *interfaces;
	uint32_t port, loops;
	enum cluster_engine engine;
	enum io_backend io;
	enum log_level log;
	struct smb_config smb;
};

void config_defaults(struct config *config);
void config_free(struct config *config);
/* config_read - from @path; false and a sentence in *why (to be freed), with file and line. */
bool config_read(const char *path, struct config *config, char **why) MUST_CHECK;
/* config_parse - from @text, called @name in sentences. */
bool config_parse(const char *name, const char *text, struct config *config, char **why) MUST_CHECK;
/* config_print - every key with its help and its default, as a file that can be edited. */
void config_print(FILE *out);

#endif
