// SPDX-License-Identifier: Apache-2.0
/*
 * Tree connects (MS-SMB2 3.3.5.7, 3.3.5.8): the name that was dialled picks the file server, the
 * file server's scope the share; each refusal says in the log who asked for what and got which
 * status.
 */
#include <base/log.h>
#include <base/utf16.h>

#include "request.h"

#define UNC_MAX_BYTES 4096 /* of UTF-16 */

struct tree *tree_find(struct session *session, uint32_t id)
{
	struct tree *tree;

	pthread_mutex_lock(&session->lock);
	tree = session->trees;
	while (tree && tree->id != id)
		tree = tree->next;
	if (tree)
		__atomic_add_fetch(&tree->refs, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&session->lock);
	return tree;
}

void tree_put(struct tree *tree)
{
	if (__atomic_sub_fetch(&tree->refs, 1, __ATOMIC_ACQ_REL))
		return;
	share_disconnect(tree->share);
	share_put(tree->share);
	server_put(tree->server);
	free(tree->dialled);
	free(tree);
	COUNT(trees, -1);
}

bool tree_is_gone(const struct tree *tree)
{
	return __atomic_load_n(&tree->is_gone, __ATOMIC_ACQUIRE);
}

bool session_has_tree(struct session *session, const struct tree *tree)
{
	bool has;

	pthread_mutex_lock(&session->lock); /* orders it behind what ended them */
	has = session->state == SESSION_VALID && !tree_is_gone(tree);
	pthread_mutex_unlock(&session->lock);
	return has;
}

/* Out of its session's list: the list's reference is the caller's now. False: it was out already.
 */
static bool take_out(struct session *session, struct tree *tree)
{
	struct tree **at = &session->trees;
	bool found;

	pthread_mutex_lock(&session->lock);
	while (*at && *at != tree)
		at = &(*at)->next;
	found = *at;
	if (found) {
		*at = tree->next;
		session->tree_count--;
		__atomic_store_n(&tree->is_gone, true, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&session->lock);
	return found;
}

void tree_end(struct session *session, struct tree *tree)
{
	if (!take_out(session, tree))
		return;
	open_close_tree(session->id, tree->id);
	pipe_close_tree(session, tree->id);
	session_cancel(session, tree->id);
	tree_put(tree);
}

/* What the share leaves whom the session acts as now: nothing, where that one is not let in. Of two
 * that ask at once, over two channels, the one that writes last has also asked last who it is. */
static void check_access(struct session *session, struct tree *tree)
{
	pthread_mutex_lock(&session->access_lock);
	atomic_store(&tree->maximal_access,
		     share_access(tree->share, tree->server, session_token(session)));
	pthread_mutex_unlock(&session->access_lock);
}

void tree_check_all(struct session *session)
{
	struct tree **trees;
	size_t count = 0;

	pthread_mutex_lock(&session->lock);
	trees = xalloc(session->tree_count, sizeof(*trees)); /* max_trees_per_session */
	for (struct tree *tree = session->trees; tree; tree = tree->next) {
		__atomic_add_fetch(&tree->refs, 1, __ATOMIC_RELAXED);
		trees[count++] = tree;
	}
	pthread_mutex_unlock(&session->lock);
	for (size_t i = 0; i < count; i++) {
		check_access(session, trees[i]);
		tree_put(trees[i]);
	}
	free(trees);
}

void tree_end_all(struct session *session, const struct server *server)
{
	struct tree *tree;

	do {
		pthread_mutex_lock(&session->lock);
		tree = session->trees;
		while (tree && server && tree->server != server && tree->share->server != server)
			tree = tree->next;
		if (tree)
			__atomic_add_fetch(&tree->refs, 1, __ATOMIC_RELAXED);
		pthread_mutex_unlock(&session->lock);
		if (tree) {
			tree_end(session, tree);
			tree_put(tree);
		}
	} while (tree);
}

/* Everything that is known of one TREE_CONNECT while it is decided. */
struct dial {
	char *path, *name, *share_name;
	struct server *server;
	struct share *share;
	const struct token *who; /* asks */
	uint32_t maximal_access;
	const char *why; /* for the log */
};

static void dial_end(struct dial *dial)
{
	free(dial->path);
	free(dial->name);
	free(dial->share_name);
	if (dial->server)
		server_put(dial->server);
	if (dial->share)
		share_put(dial->share);
}

static ntstatus dial_share(const struct smb_request *rq, struct cursor path, struct dial *dial)
{
	if (cur_left(&path) > UNC_MAX_BYTES)
		return STATUS_BAD_NETWORK_NAME;
	dial->path = utf16_to_string(path);
	if (!dial->path || !unc_parse(dial->path, &dial->name, &dial->share_name)) {
		dial->why = "not a \\\\server\\share path";
		return STATUS_BAD_NETWORK_NAME;
	}
	dial->server = scope_server(dial->name, (const void *)&rq->conn->local);
	if (!dial->server || !dial->server->online) {
		dial->why = "no file server of this name or address is online here";
		return STATUS_BAD_NETWORK_NAME;
	}
	return scope_share(dial->server, dial->share_name, &dial->share, &dial->why);
}

/* May this session have it, and does it come as it must? */
static ntstatus dial_allowed(const struct smb_request *rq, struct dial *dial, bool *encrypt)
{
	const struct session *session = rq->session;

	/* The session may be of another server (of its node): what this one asks for holds too. */
	*encrypt = dial->server->encryption_required || dial->share->server->encryption_required ||
		   (!dial->share->is_ipc && dial->share->flags & STORE_SHARE_ENCRYPT);
	if (*encrypt && !channel_can_seal(rq->channel)) {
		dial->why = "encryption is required and this client cannot";
		return STATUS_ACCESS_DENIED;
	}
	dial->why = NULL;
	dial->who = session_token(session);
	return share_connect(dial->share, dial->server, dial->who, &dial->maximal_access);
}

static ntstatus enter(struct session *session, struct tree *tree, struct dial *dial)
{
	ntstatus status = STATUS_SUCCESS;

	pthread_mutex_lock(&session->lock);
	if (session->state != SESSION_VALID) {
		status = STATUS_USER_SESSION_DELETED; /* over another channel, meanwhile */
		dial->why = "its session has ended";
	} else if (session->tree_count >= smb.config.max_trees_per_session) {
		status = STATUS_INSUFFICIENT_RESOURCES;
		dial->why = "max_trees_per_session";
	} else {
		tree->id = session->next_tree_id++;
		tree->refs++;
		tree->next = session->trees;
		session->trees = tree;
		session->tree_count++;
	}
	pthread_mutex_unlock(&session->lock);
	return status;
}

/* The tree, of which a reference is the caller's; it takes what @dial has found. */
static ntstatus tree_new(struct session *session, struct dial *dial, bool encrypt,
			 struct tree **out)
{
	struct tree *tree = xalloc(1, sizeof(*tree));
	ntstatus status;

	tree->refs = 1;
	tree->server = server_get(dial->server);
	tree->share = dial->share;
	tree->dialled = dial->name;
	dial->share = NULL;
	dial->name = NULL;
	atomic_init(&tree->maximal_access, dial->maximal_access);
	tree->encrypt = encrypt;
	tree->sign = session->has_keys &&
		     (tree->server->signing_required || tree->share->server->signing_required);
	COUNT(trees, 1);
	status = enter(session, tree, dial);
	if (status) {
		tree_put(tree);
		return status;
	}
	if (session_token(session) != dial->who) /* it became another meanwhile */
		check_access(session, tree);
	*out = tree;
	return STATUS_SUCCESS;
}

static void log_refusal(const struct smb_request *rq, const struct dial *dial, ntstatus status)
{
	auto_free char *user = session_user(rq->session);

	COUNT(trees_refused, 1);
	log_warn("tree-connect refused client=%s user=%s path=%s scope=%s status=%s why=\"%s\"",
		 rq->conn->client, LOG_TEXT(user), LOG_TEXT(dial->path ? dial->path : ""),
		 dial->server ? dial->server->name : "-", ntstatus_name(status),
		 dial->why ? dial->why : "not allowed");
}

static void answer(const struct tree *tree, bool compresses, struct buf *out)
{
	const struct share *share = tree->share;
	struct smb2_tree_connect_response r = {
		.share_type = share->is_ipc ? SMB2_SHARE_TYPE_PIPE : SMB2_SHARE_TYPE_DISK,
		.share_flags = share->is_ipc ? SMB2_SHAREFLAG_NO_CACHING : share->caching,
		.maximal_access = atomic_load(&tree->maximal_access),
	};

	if (share->flags & STORE_SHARE_ACCESS_BASED_ENUMERATION)
		r.share_flags |= SMB2_SHAREFLAG_ACCESS_BASED_DIRECTORY_ENUM;
	if (tree->encrypt)
		r.share_flags |= SMB2_SHAREFLAG_ENCRYPT_DATA;
	if (share->flags & STORE_SHARE_COMPRESS && compresses)
		r.share_flags |= SMB2_SHAREFLAG_COMPRESS_DATA;
	smb2_tree_connect_response_encode(out, &r);
}

ntstatus cmd_tree_connect(struct smb_request *rq)
{
	cleanup(dial_end) struct dial dial = { 0 };
	struct smb2_tree_connect_request r;
	struct tree *tree;
	bool encrypt;
	ntstatus status;

	/* MS-SMB2 3.3.5.7: with 3.1.1 this is where a downgrade would show. */
	if (rq->conn->dialect == SMB2_DIALECT_311 && rq->session->has_keys && !rq->is_signed &&
	    !rq->is_encrypted) {
		rq->drop = true;
		return STATUS_ACCESS_DENIED;
	}
	status = smb2_tree_connect_request_decode(&rq->message, &r);
	if (status)
		return status;
	status = dial_share(rq, r.path, &dial);
	if (!status)
		status = dial_allowed(rq, &dial, &encrypt);
	if (!status)
		status = tree_new(rq->session, &dial, encrypt, &tree);
	if (status) {
		log_refusal(rq, &dial, status);
		return status;
	}
	rq->header.tree_id = tree->id;
	answer(tree, rq->conn->compression.algorithms, &rq->reply);
	tree_put(tree);
	return STATUS_SUCCESS;
}

ntstatus cmd_tree_disconnect(struct smb_request *rq)
{
	ntstatus status = smb2_empty_decode(&rq->message);

	if (status)
		return status;
	tree_end(rq->session, rq->tree);
	smb2_empty_encode(&rq->reply);
	return STATUS_SUCCESS;
}
