// SPDX-License-Identifier: Apache-2.0
/* What the files of the installation share. */
#ifndef SITE_INSTALL_IMPL_H
#define SITE_INSTALL_IMPL_H

#include "probe_impl.h"

#include <client/client_sync.h>
#include <site/install.h>

struct install {
	const struct install_options *options;
	struct install_result *result;
	char *server, *share, *below; /* of "\\server\share\below" */
	char *share_path;	      /* "\\server\share" */
	struct client_sync *sync;
};

/* install_note - a step is done: report it; false, and the reason kept, where it failed. @win32:
 * what an RPC call answered, 0 where it was good. */
bool install_note(struct install *i, enum probe_place place, const char *name, const char *path,
		  ntstatus status, uint32_t win32, const char *note);
ntstatus install_directory(struct install *i, const struct client_tree *tree,
			   const char *name) MUST_CHECK;

/* install_rpc.c: the share through srvsvc, the settings through winreg. */
bool install_share(struct install *i);
bool install_registry(struct install *i);
bool uninstall_registry(struct install *i);

#endif
