// SPDX-License-Identifier: Apache-2.0
/*
 * Has this side of the cluster a quorum? Corosync's own library is asked. It is loaded when it is
 * first needed, so that a node without a cluster needs none of it.
 */
#include <cluster/crm.h>

#include <base/log.h>

#include <dlfcn.h>
#include <pthread.h>

#define LIBRARY "libquorum.so.5"
#define CS_OK	1

static struct {
	pthread_mutex_t lock;
	void *library;
	int (*initialize)(uint64_t *handle, void *callbacks, uint32_t *type);
	int (*getquorate)(uint64_t handle, int *quorate);
	int (*finalize)(uint64_t handle);
	bool connected;
	uint64_t handle;
} q = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* With the lock. The library stays loaded. */
static void *symbol(const char *name)
{
	if (!q.library)
		q.library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	return q.library ? dlsym(q.library, name) : NULL;
}

void *quorum_symbol(const char *name)
{
	void *found;

	pthread_mutex_lock(&q.lock);
	found = symbol(name);
	pthread_mutex_unlock(&q.lock);
	return found;
}

static bool load(void)
{
	void *a = symbol("quorum_initialize"), *b = symbol("quorum_getquorate");
	void *c = symbol("quorum_finalize");

	if (!a || !b || !c)
		return false;
	memcpy(&q.initialize, &a, sizeof(a));
	memcpy(&q.getquorate, &b, sizeof(b));
	memcpy(&q.finalize, &c, sizeof(c));
	return true;
}

static bool ask(const char **why)
{
	uint32_t type;
	int quorate = 0;

	if (!load()) {
		*why = LIBRARY " cannot be loaded: install libquorum5";
		return false;
	}
	for (int attempt = 0; attempt < 2; attempt++) {
		if (!q.connected)
			q.connected = q.initialize(&q.handle, NULL, &type) == CS_OK;
		if (q.connected && q.getquorate(q.handle, &quorate) == CS_OK) {
			*why = "this side of the cluster has lost its quorum";
			return quorate;
		}
		if (q.connected)
			q.finalize(q.handle);
		q.connected = false;
	}
	*why = "Corosync does not answer: this node is in no cluster";
	return false;
}

bool quorum_holds(const char **why)
{
	bool holds;

	pthread_mutex_lock(&q.lock);
	holds = ask(why);
	pthread_mutex_unlock(&q.lock);
	return holds;
}
