// SPDX-License-Identifier: Apache-2.0
/* Requests about file servers as a whole: placing them, and what the resource agent asks. */
#include "requests_server.h"

#include <errno.h>
#include <strings.h>

int server_lock_home(const char *home)
{
	auto_free char *path = xasprintf("%s/owner.lock", home);
	auto_close int fd = lock_open(path);
	int error = fd < 0 ? fd : lock_try(fd);

	return error ? error : steal_fd(&fd);
}

/* What the engine answered: @why is looked at after the call that fills it, so it comes as a
 * pointer. */
static bool fulfil(struct request *r, int error, char **why)
{
	if (!error)
		return true;
	return request_fail_why(r, error == -ENOENT ? "unknown" : "cluster", *why);
}

/* The node's own file server is where its node is. */
static bool refuse_own(struct request *r, const char *name, const char *what)
{
	if (strcasecmp(name, node.config.name) != 0)
		return true;
	return request_fail(r, "bad-request", "%s is a node; its own file server cannot be %s",
			    name, what);
}

bool do_server_delete(struct request *r)
{
	const char *name;
	char *why = NULL;

	if (!request_need(r, "server", &name) || !refuse_own(r, name, "deleted"))
		return false;
	return fulfil(r, cluster_remove(node.cluster, name, &why), &why);
}

bool do_server_online(struct request *r)
{
	const char *name;
	char *why = NULL;

	if (!request_need(r, "server", &name) || !refuse_own(r, name, "brought online"))
		return false;
	return fulfil(r, cluster_want(node.cluster, name, true, &why), &why);
}

bool do_server_offline(struct request *r)
{
	const char *name;
	char *why = NULL;

	if (!request_need(r, "server", &name) || !refuse_own(r, name, "taken offline"))
		return false;
	return fulfil(r, cluster_want(node.cluster, name, false, &why), &why);
}

bool do_server_move(struct request *r)
{
	const char *name, *target = request_text(r, "node");
	char *why = NULL;

	if (!request_need(r, "server", &name) || !refuse_own(r, name, "moved"))
		return false;
	return fulfil(r, cluster_move(node.cluster, name, target ? target : "", &why), &why);
}

/* ---- what the resource agent asks of this node */

bool do_server_start(struct request *r)
{
	const char *name, *volume;
	char *why = NULL;
	int error;

	if (!request_need(r, "server", &name) || !request_need(r, "volume", &volume))
		return false;
	error = cluster_local_start(node.cluster, name, volume, &why);
	if (!error)
		return true;
	return request_fail_why(r, error == -EBUSY ? "busy" : "failed", why);
}

bool do_server_stop(struct request *r)
{
	const char *name, *volume = request_text(r, "volume");
	char *why = NULL;

	if (!request_need(r, "server", &name))
		return false;
	return !cluster_local_stop(node.cluster, name, volume ? volume : "", &why) ||
	       request_fail_why(r, "failed", why);
}

bool do_server_check(struct request *r)
{
	const char *name;
	char *why = NULL;
	int error;

	if (!request_need(r, "server", &name))
		return false;
	error = cluster_local_check(node.cluster, name, &why);
	if (!error)
		return true;
	return request_fail_why(r, error == -ENOENT ? "not-here" : "failed", why);
}
