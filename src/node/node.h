// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of berthd share: one node, its own file server, the clustered ones that are online
 * here.
 *
 * Locks: node->lock guards the list of what is served; it is held for no call that can wait.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "config.h"

#include <cluster/address.h>
#include <cluster/cluster.h>
#include <fileserver/manage.h>
#include <jansson.h>
#include <pthread.h>

#define LISTEN_PATIENCE_MS                                                                         \
	3000 /* how long an address may still be held by an owner that just died */

/* A file server that is online here, with what it listens on. */
struct serving {
	struct serving *next;
	struct server *server;
	char *volume;
	struct address addresses[SERVER_MAX_ADDRESSES];
	bool added[SERVER_MAX_ADDRESSES];
	size_t address_count;
	struct smb_listener *listeners[SERVER_MAX_ADDRESSES];
};

struct node {
	struct config config;
	pthread_mutex_t lock;
	struct serving *serving;
	struct serving *own; /* the node's own file server */
	int own_lock;
	struct loop **loops;
	pthread_t *loop_threads;
	size_t loop_count;
	struct cluster *cluster;
	struct control *control;
};
extern struct node node;

/* serving.c: the calls of the engine, and the node's own file server. */
extern const struct cluster_events serving_events;
int serving_start_own(char **why) MUST_CHECK;
void serving_stop_own(void);
/* serving_server - the file server called @name that is online here, the node's own included;
 * counted, or NULL. */
struct server *serving_server(const char *name);

/* facts.c: what is told of servers. */
/* facts_of - visibility, names, addresses, port, shares: what a listing shows of a server that is
 * online here. */
json_t *facts_of(struct server *server);
/* facts_publish - write them, and what of the settings the engine needs, into the server's record.
 */
void facts_publish(struct server *server);
/* facts_of_store - the same from a store that is not online, for a record that is made. */
int facts_of_store(struct store *store, struct server_record *record, char **why) MUST_CHECK;
/* facts_status - this node and everything it knows of servers. */
json_t *facts_status(void);

/* control.c: the control socket. */
int control_start(const char *path, struct control **out, char **why) MUST_CHECK;
void control_stop(struct control *control);

/* requests.c: one request of the control socket; the answer is a new object. */
json_t *request_answer(const char *text, size_t length);

/* privileges.c: become @user and keep only what is needed. */
int privileges_drop(const char *user, char **why) MUST_CHECK;

#endif
