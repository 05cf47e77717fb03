// SPDX-License-Identifier: Apache-2.0
/*
 * The policy of a site: static files that say which client gets which deployment, and from where.
 *
 *   policy.json   a target of the site's signed metadata (content/), small: who, where, the hash
 *                 of the root of the tree of clients, and the hash of each deployment
 *   nodes         of the tree of clients, named by their hash: a branch by the next hex digit of
 *                 the client's id, or a leaf with what its clients get
 *   deployments   named by their hash (policy/deployment.h)
 *   orders        to clients that fill distribution points, by hash (policy/pull.h)
 *
 * Only policy.json is signed, and it names everything below it by hash, so nothing can be
 * exchanged. A client reads the branch it is on: of a million clients, four small files.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <content/document.h>
#include <policy/window.h>

#define POLICY_TARGET		  "policy.json"
#define POLICY_BYTES_MAX	  (4u << 20)
#define POLICY_NODE_BYTES_MAX	  (1u << 20)
#define POLICY_LEAF_CLIENTS	  64
#define POLICY_CLIENT_DEPLOYMENTS 256
#define POLICY_POINTS_MAX	  4096
#define POLICY_BOUNDARIES_MAX	  64
#define CLIENT_ID_LENGTH	  64 /* hex digits: the id of the client's key */

/* A distribution point, as clients are told of it. */
struct policy_point {
	char *title;	 /* "\\FS\distro_test", or the URL: what it is called in reports */
	char *url;	 /* "http://" or "https://", or NULL: SMB with the four that follow */
	char *directory; /* of this machine; only in a client's own configuration, never in a policy
			  */
	char *server, *share, *path; /* path: below the share, or "" */
	char *host;		     /* where to connect; NULL: the name */
	uint16_t port;		     /* 0: the usual one */
	int64_t priority;	     /* lower ones first among equals */
	bool is_protected;	     /* for clients inside its boundaries only */
	bool takes_reports;	     /* has a drop (policy/paper.h) */
	char **boundaries;	     /* "10.1.0.0/16", "fd00::/8" */
	size_t boundary_count;
};

struct policy {
	char *site; /* its code */
	int64_t generation;
	int64_t issued_s;   /* when; a client's clock is at least this */
	int64_t interval_s; /* between two polls of a client */
	bool has_clients;
	uint8_t clients[SHA256_LENGTH]; /* the root of the tree */
	json_t *deployments;		/* id -> hash */
	json_t *pulls; /* client -> hash of its order (policy/pull.h); NULL: none */
	struct policy_point *points;
	size_t point_count;
};
void policy_free(struct policy *policy);
#define auto_policy cleanup(policy_free)
json_t *policy_to_json(const struct policy *policy); /* the caller's reference */
/* policy_from_json - strict; @out is to be freed whatever comes back. */
bool policy_from_json(const json_t *body, struct policy *out,
		      struct content_failure *why) MUST_CHECK;
/* policy_deployment - the hash of the deployment @id; false: there is none. */
bool policy_deployment(const struct policy *policy, const char *id, uint8_t hash[SHA256_LENGTH]);
/* policy_pull - the hash of the order to @client; false: there is none. */
bool policy_pull(const struct policy *policy, const char *client, uint8_t hash[SHA256_LENGTH]);

/* boundary_check - is it a range of addresses: "10.1.0.0/16", "10.1.0.5-10.1.0.99", one? */
bool boundary_check(const char *boundary);
/* boundary_has - does it contain @address (numeric)? */
bool boundary_has(const char *boundary, const char *address);
/*
 * points_order - the points a client with these addresses may use, best first: those that have
 * it inside a boundary, then those without protection; by priority; by @answer_ms (one a point,
 * negative: never tried, which counts as quick). Returns how many; @order has point_count places.
 */
size_t points_order(const struct policy *policy, const char *const *addresses, size_t address_count,
		    const int64_t *answer_ms, size_t *order);

/* What a leaf says of one client. */
struct policy_client {
	char id[CLIENT_ID_LENGTH + 1];
	json_t *deployments; /* ids */
	json_t *windows;     /* texts (policy/window.h) */
};
void policy_client_free(struct policy_client *client);
#define auto_policy_client cleanup(policy_client_free)
bool client_id_is_safe(const char *id);

/* Where nodes go to and come from. */
typedef bool policy_store_fn(void *owner, const void *data, size_t length,
			     uint8_t hash[SHA256_LENGTH], struct content_failure *why);
typedef bool policy_fetch_fn(void *owner, const uint8_t hash[SHA256_LENGTH], size_t limit,
			     struct buf *out, struct content_failure *why);

/* policy_tree_write - all @clients, in the order of their ids; the root's hash in @root. */
bool policy_tree_write(const struct policy_client *clients, size_t count, policy_store_fn *store,
		       void *owner, uint8_t root[SHA256_LENGTH],
		       struct content_failure *why) MUST_CHECK;
/* policy_tree_find - @out is to be freed; its id is empty where the tree does not have it. */
bool policy_tree_find(const uint8_t root[SHA256_LENGTH], const char *id, policy_fetch_fn *fetch,
		      void *owner, struct policy_client *out,
		      struct content_failure *why) MUST_CHECK;

#endif
