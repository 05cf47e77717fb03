// SPDX-License-Identifier: Apache-2.0
/*
 * Pacemaker's fencer tells those who have asked for it when its history changes: when a fencing
 * begins, and when it has ended. Its own library is asked for that, and loaded when it is first
 * needed, so that a node without a cluster needs none of it. What has changed is not taken from
 * there but from stonith_admin (crm_fencing): here it only becomes known that something has.
 *
 * All of it belongs to one thread.
 */
#include "fencer.h"

#include <dlfcn.h>

#define LIBRARY		"libstonithd.so.26"
#define HISTORY_CHANGED "st_notify_history"
#define NAME		"berthd"

/* As crm/stonith-ng.h declares them for this version of the library; only what is called here has
 * its types. */
struct stonith;
typedef void notify(struct stonith *connection, void *event);
struct operations {
	int (*free)(struct stonith *connection);
	int (*connect)(struct stonith *connection, const char *name, int *fd);
	int (*disconnect)(struct stonith *connection);
	void (*others[13])(void);
	int (*register_notification)(struct stonith *connection, const char *event,
				     notify *callback);
};
struct stonith {
	int state, calls, unused;
	void *own;
	struct operations *do_;
};

static struct {
	void *library;
	struct stonith *(*make)(void);
	void (*end)(struct stonith *connection);
	bool (*dispatch)(struct stonith *connection);
} lib;

static bool take(const char *name, void *slot)
{
	void *symbol = lib.library ? dlsym(lib.library, name) : NULL;

	memcpy(slot, &symbol, sizeof(symbol));
	return symbol != NULL;
}

static bool load(void)
{
	if (!lib.library)
		lib.library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	return take("stonith_api_new", &lib.make) && take("stonith_api_delete", &lib.end) &&
	       take("stonith_dispatch", &lib.dispatch);
}

/* The descriptor has become readable, which is all that is to be known. */
static void changed(struct stonith *connection, void *event)
{
}

bool fencer_connect(struct fencer *f)
{
	if (!load())
		return false;
	f->connection = lib.make();
	if (!f->connection)
		return false;
	if (!f->connection->do_->connect(f->connection, NAME, &f->fd) && f->fd >= 0 &&
	    !f->connection->do_->register_notification(f->connection, HISTORY_CHANGED, changed))
		return true;
	fencer_disconnect(f);
	return false;
}

void fencer_take_in(struct fencer *f)
{
	if (!lib.dispatch(f->connection))
		fencer_disconnect(f);
}

void fencer_disconnect(struct fencer *f)
{
	if (f->connection)
		lib.end(f->connection);
	f->connection = NULL;
	f->fd = -1;
}
