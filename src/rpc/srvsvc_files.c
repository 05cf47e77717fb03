// SPDX-License-Identifier: Apache-2.0
/*
 * Open files over srvsvc (MS-SRVS 3.1.4.1 to 3.1.4.4), and the connections that have them open.
 *
 * A file's id on the wire has 32 bits; ours has 64, so the low half is said, and a close that would
 * fit two files is refused. A connection is a share that a session has files open on; a tree
 * connect without an open file is not listed, because the node keeps no list of them across its
 * loops.
 */
#include <base/utf16.h>
#include <wire/srvsvc.h>

#include "interface.h"

/* The open files of the scope, and its shares, freed at the end of the scope. */
struct files {
	struct open_listing_row *rows;
	size_t count;
	struct manage_share *shares;
	size_t share_count;
	const struct manage_share *last; /* the share that was found last: rows come in runs */
	struct session_row *sessions;
	size_t session_count;
};

static void files_free(struct files *f)
{
	for (size_t i = 0; i < f->count; i++) {
		free(f->rows[i].path);
		free(f->rows[i].user);
	}
	free(f->rows);
	manage_shares_free(f->shares, f->share_count);
	session_rows_free(f->sessions, f->session_count);
}
#define auto_files cleanup(files_free)

static uint32_t files_of(struct rpc_call *call, struct files *out)
{
	struct server *server = call->peer->server;
	const struct token *who = call->peer->token;
	ntstatus status = manage_files(server, who, &out->rows, &out->count);

	if (status == STATUS_SUCCESS)
		status = manage_shares(server, who, false, &out->shares, &out->share_count);
	return status == STATUS_SUCCESS ? WERR_SUCCESS : ntstatus_win32(status);
}

/* split - "\share\a\b": the length of the share's name, and where the rest begins. */
static const char *split(const char *path, const char **rest, size_t *length)
{
	const char *name = path + strspn(path, "\\/");

	*length = strcspn(name, "\\/");
	*rest = name + *length;
	*rest += strspn(*rest, "\\/");
	return name;
}

static bool is_named(const struct manage_share *share, const char *name, size_t length)
{
	return strlen(share->name) == length && !strncasecmp(share->name, name, length);
}

static const struct manage_share *share_of(struct files *files, const char *path)
{
	const char *rest;
	size_t length;
	const char *name = split(path, &rest, &length);

	if (files->last && is_named(files->last, name, length))
		return files->last;
	for (size_t i = 0; i < files->share_count; i++) {
		if (is_named(&files->shares[i], name, length))
			return files->last = &files->shares[i];
	}
	return NULL;
}

/* local_path - "\share\a/b" as its administrator has it: "S:\packages\a\b", terminated, in @out. */
static const char *local_path(struct buf *out, struct files *files, const char *path)
{
	const struct manage_share *share = share_of(files, path);
	const char *root = share && share->path ? share->path : "";
	const char *rest;
	size_t length;

	split(path, &rest, &length);
	out->len = 0;
	if (!*root) {
		buf_text(out, path); /* a pipe: \IPC$\name */
	} else {
		buf_text(out, root);
		if (*rest && root[strlen(root) - 1] != '\\')
			buf_u8(out, '\\');
		buf_text(out, rest);
	}
	for (size_t i = 0; i < out->len; i++) {
		if (out->data[i] == '/')
			out->data[i] = '\\';
	}
	buf_u8(out, 0);
	return out->failed ? "" : (const char *)out->data;
}

static const char *account_of(const char *user)
{
	const char *slash = user ? strrchr(user, '\\') : NULL;

	return slash ? slash + 1 : user;
}

#define PERM_FILE_READ	 1u
#define PERM_FILE_WRITE	 2u
#define PERM_FILE_CREATE 4u

static uint32_t permissions_of(uint32_t access)
{
	uint32_t out = 0;

	if (access & (FILE_READ_DATA | FILE_EXECUTE))
		out |= PERM_FILE_READ;
	if (access & (FILE_WRITE_DATA | FILE_APPEND_DATA))
		out |= PERM_FILE_WRITE | PERM_FILE_CREATE;
	return out;
}

static struct srvsvc_file file_row(struct rpc_call *call, struct files *files,
				   const struct open_listing_row *from)
{
	auto_buf struct buf path = { 0 };

	return (struct srvsvc_file){
		.id = (uint32_t)from->id,
		.permissions = permissions_of(from->granted_access),
		.num_locks = from->locks,
		.path_name = call_text(call, "%s", local_path(&path, files, from->path)),
		.user_name = account_of(from->user),
	};
}

struct file_list {
	struct files *files;
	const struct open_listing_row **rows;
};

static void fill_file(struct rpc_call *call, const void *source, size_t index, void *row)
{
	const struct file_list *list = source;
	struct srvsvc_file file = file_row(call, list->files, list->rows[index]);

	memcpy(row, &file, sizeof(file));
}

/* is_beneath - does @path, in the words of an administrator, begin with @base? */
static bool is_beneath(struct files *files, const char *path, const char *base)
{
	auto_buf struct buf local = { 0 };

	if (!base || !*base)
		return true;
	return !strncasecmp(local_path(&local, files, path), base, strlen(base));
}

uint32_t srvsvc_file_enum(struct rpc_call *call)
{
	struct srvsvc_enum_request request;
	auto_files struct files files = { 0 };
	auto_free const struct open_listing_row **rows = NULL;
	struct file_list source = { .files = &files };
	struct list list = { .fill = fill_file, .source = &source };
	uint32_t fault = srvsvc_enum_request_decode(call->in, call->opnum, &request);
	uint32_t status;

	if (fault)
		return fault;
	status = call->refused ? call->refused : files_of(call, &files);
	rows = calloc(files.count + 1, sizeof(*rows));
	if (!rows)
		return RPC_FAULT_OUT_OF_MEMORY;
	for (size_t i = 0; i < files.count; i++) {
		const struct open_listing_row *row = &files.rows[i];

		if (request.user_name && *request.user_name &&
		    name_compare(text_or_empty(account_of(row->user)), request.user_name))
			continue;
		if (is_beneath(&files, row->path, request.qualifier))
			rows[list.count++] = row;
	}
	source.rows = rows;
	return list_answer(call, &request, &list, status);
}

static const struct open_listing_row *file_by_id(struct files *files, uint32_t id)
{
	const struct open_listing_row *found = NULL;

	for (size_t i = 0; i < files->count; i++) {
		if ((uint32_t)files->rows[i].id != id)
			continue;
		if (found)
			return NULL; /* two that cannot be told apart */
		found = &files->rows[i];
	}
	return found;
}

uint32_t srvsvc_file_get_info(struct rpc_call *call)
{
	struct srvsvc_info_request request;
	auto_files struct files files = { 0 };
	const struct open_listing_row *found = NULL;
	struct srvsvc_file row = { 0 };
	uint32_t fault = srvsvc_info_request_decode(call->in, call->opnum, &request);

	if (fault)
		return fault;
	if (!ndr_level_find(&SRVSVC_FILES, request.level))
		return RPC_FAULT_INVALID_TAG; /* FILE_INFO has no arm for others */
	call->status = call->refused ? call->refused : files_of(call, &files);
	if (!call->status) {
		found = file_by_id(&files, request.id);
		if (!found)
			call->status = NERR_FILE_ID_NOT_FOUND;
	}
	if (found)
		row = file_row(call, &files, found);
	info_reply_encode(call->out, &SRVSVC_FILES, request.level, found ? &row : NULL,
			  call->status);
	return RPC_FAULT_NONE;
}

uint32_t srvsvc_file_close(struct rpc_call *call)
{
	struct srvsvc_plain_request request;
	auto_files struct files files = { 0 };
	const struct open_listing_row *found = NULL;
	uint32_t fault = srvsvc_plain_request_decode(call->in, call->opnum, &request);

	if (fault)
		return fault;
	call->object = call_text(call, "%u", request.id);
	call->status = call->refused ? call->refused : files_of(call, &files);
	if (!call->status) {
		found = file_by_id(&files, request.id);
		call->status = NERR_FILE_ID_NOT_FOUND;
	}
	if (found) {
		call->object = call_text(call, "%s", found->path);
		call->status = ntstatus_win32(manage_file_close(
			call->peer->server, call->peer->token, found->id, &call->error));
	}
	srvsvc_status_encode(call->out, call->status);
	return RPC_FAULT_NONE;
}

/* A share that a session has open, while files are gathered into connections. */
struct connection_entry {
	uint64_t session_id;
	const struct manage_share *share;
	const char *user;
	uint32_t opens;
};

static int by_session_and_share(const void *a, const void *b)
{
	const struct connection_entry *x = a, *y = b;

	if (x->session_id != y->session_id)
		return x->session_id < y->session_id ? -1 : 1;
	return strcmp(x->share->name, y->share->name);
}

static size_t gather(struct connection_entry *entries, size_t count)
{
	size_t kept = 0;

	sort_items(entries, count, sizeof(*entries), by_session_and_share);
	for (size_t i = 0; i < count; i++) {
		if (kept && !by_session_and_share(&entries[kept - 1], &entries[i]))
			entries[kept - 1].opens++;
		else
			entries[kept++] = entries[i];
	}
	return kept;
}

static const struct session_row *session_by_id(struct files *files, uint64_t id)
{
	for (size_t i = 0; i < files->session_count; i++) {
		if (files->sessions[i].id == id)
			return &files->sessions[i];
	}
	return NULL;
}

struct connection_list {
	struct files *files;
	const struct connection_entry *entries;
	bool by_client; /* the qualifier was a computer: shares are named, else computers */
};

static void fill_connection(struct rpc_call *call, const void *source, size_t index, void *row)
{
	const struct connection_list *list = source;
	const struct connection_entry *entry = &list->entries[index];
	const struct session_row *session = session_by_id(list->files, entry->session_id);
	struct srvsvc_connection connection = {
		.id = (uint32_t)(index + 1),
		.type = entry->share->type & 0xff,
		.num_opens = entry->opens,
		.num_users = 1,
		.time_s = session ? (uint32_t)(session->age_ms / 1000) : 0,
		.user_name = account_of(entry->user),
		.net_name = list->by_client ? entry->share->name
			    : session	    ? session->client
					    : "",
	};

	memcpy(row, &connection, sizeof(connection));
}

uint32_t srvsvc_connection_enum(struct rpc_call *call)
{
	struct srvsvc_enum_request request;
	auto_files struct files files = { 0 };
	auto_free struct connection_entry *entries = NULL;
	struct connection_list source = { .files = &files };
	struct list list = { .fill = fill_connection, .source = &source };
	uint32_t fault = srvsvc_enum_request_decode(call->in, call->opnum, &request);
	const char *wanted = request.qualifier;
	uint32_t status = call->refused;

	if (fault)
		return fault;
	if (!status && (!wanted || !*wanted))
		status = WERR_INVALID_PARAMETER;
	if (!status)
		status = files_of(call, &files);
	if (!status)
		status = ntstatus_win32(manage_sessions(call->peer->server, call->peer->token,
							&files.sessions, &files.session_count));
	source.by_client = wanted && wanted[0] == '\\' && wanted[1] == '\\';
	entries = calloc(files.count + 1, sizeof(*entries));
	if (!entries)
		return RPC_FAULT_OUT_OF_MEMORY;
	for (size_t i = 0; i < files.count && !status; i++) {
		const struct open_listing_row *file = &files.rows[i];
		const struct manage_share *share = share_of(&files, file->path);
		const struct session_row *session;

		if (!share)
			continue;
		session = source.by_client ? session_by_id(&files, file->session_id) : NULL;
		if (source.by_client ? session && !name_compare(session->client, wanted + 2)
				     : !name_compare(share->name, wanted))
			entries[list.count++] =
				(struct connection_entry){ file->session_id, share, file->user, 1 };
	}
	list.count = gather(entries, list.count);
	source.entries = entries;
	return list_answer(call, &request, &list, status);
}
