// SPDX-License-Identifier: Apache-2.0
/*
 * A place on an SMB server. Requests travel many at a time on one connection (place_smb_flight.c);
 * everything else goes through the blocking calls of the client, on the same loop.
 */
#include "place_smb.h"

#include <base/utf16.h>
#include <stdio.h>
#include <wire/dtyp.h>
#include <wire/fscc.h>

#define SMB_DEPTH    64
#define PENDING_MS   90000 /* a lease that someone sits on is broken within 35 s */
#define LIST_ROOM    (64u << 10)
#define FS_SIZE_ROOM 256u

static struct place_smb *of(struct place *place)
{
	return container_of(place, struct place_smb, place);
}

char *place_smb_path(const struct place_smb *smb, const char *name)
{
	char *path;

	if (!*name || !strcmp(name, "."))
		path = xstrdup(smb->below);
	else
		path = xasprintf("%s%s%s", smb->below, *smb->below ? "\\" : "", name);
	for (char *at = path; *at; at++)
		if (*at == '/')
			*at = '\\';
	return path;
}

static ntstatus open_path(struct place_smb *smb, const char *path, uint32_t access,
			  uint32_t disposition, uint32_t options, struct smb2_file_id *id)
{
	if (!smb->sync)
		return STATUS_CONNECTION_DISCONNECTED;
	return sync_open(smb->sync, &smb->tree, path, access | SYNCHRONIZE, disposition, options,
			 id);
}

static void smb_turn(struct place *place, int timeout_ms)
{
	struct place_smb *smb = of(place);

	/* A connection that is gone has ended all that was in flight. */
	if (smb->sync && sync_client(smb->sync))
		loop_run_once(client_loop(sync_client(smb->sync)), timeout_ms);
}

static ntstatus smb_write(struct place *place, const char *name, const void *data, size_t length)
{
	if (!of(place)->sync)
		return STATUS_CONNECTION_DISCONNECTED;
	return place_smb_write(of(place), name, data, length, SMB_WRITE_STAGED, true);
}

struct listing {
	place_list_fn *each;
	void *owner;
	bool ended;
};

static ntstatus take_entries(struct cursor list, struct listing *l)
{
	struct directory_entry entry;
	size_t count = 0;

	while (!l->ended && fscc_directory_next(FileDirectoryInformation, &list, &entry)) {
		auto_free char *name = utf16_to_string(entry.name);

		count++;
		if (!name || !strcmp(name, ".") || !strcmp(name, "..") ||
		    name[strcspn(name, "/\\")])
			continue;
		l->ended = !l->each(l->owner, name, entry.facts.end_of_file,
				    entry.facts.attributes & FILE_ATTRIBUTE_DIRECTORY);
	}
	/* Success with nothing in it has no end. */
	return list.bad || !count ? STATUS_INVALID_NETWORK_RESPONSE : STATUS_SUCCESS;
}

static ntstatus smb_list(struct place *place, const char *name, place_list_fn *each, void *owner)
{
	struct place_smb *smb = of(place);
	auto_free char *path = place_smb_path(smb, name);
	struct listing l = { each, owner, false };
	struct smb2_file_id id;
	ntstatus status = open_path(smb, path, FILE_READ_DATA | FILE_READ_ATTRIBUTES, FILE_OPEN,
				    FILE_DIRECTORY_FILE, &id);

	if (status)
		return status;
	while (!status && !l.ended) {
		auto_buf struct buf out = { 0 };

		/* Names that nobody can ask for are passed over, however many there are. */
		status = place_is_late(place) ? STATUS_IO_TIMEOUT
					      : sync_query_directory(smb->sync, &smb->tree, id,
								     FileDirectoryInformation, 0,
								     "*", LIST_ROOM, &out);
		if (!status)
			status = take_entries(cur_of(out.data, out.len), &l);
	}
	(void)!sync_close(smb->sync, &smb->tree, id);
	return status == STATUS_NO_MORE_FILES || status == STATUS_NO_SUCH_FILE ? STATUS_SUCCESS
									       : status;
}

/* Does it say that what was written is not there, or cannot be asked for? */
static bool is_loss(ntstatus status)
{
	enum content_problem problem = content_problem_of(status, true);

	return problem == CONTENT_UNREACHABLE || problem == CONTENT_FULL ||
	       status == STATUS_INSUFFICIENT_RESOURCES || status == STATUS_IO_DEVICE_ERROR ||
	       status == STATUS_MEDIA_WRITE_PROTECTED;
}

static ntstatus flush_directory(struct place_smb *smb, const char *path)
{
	struct smb2_file_id id;
	ntstatus status = open_path(smb, path, FILE_WRITE_DATA | FILE_READ_ATTRIBUTES, FILE_OPEN,
				    FILE_DIRECTORY_FILE, &id);

	if (status)
		return status;
	status = sync_flush(smb->sync, &smb->tree, id);
	(void)!sync_close(smb->sync, &smb->tree, id);
	return status;
}

/*
 * MS-FSA 2.1.5.7: who flushes the root of a volume has all of it on the disk. Windows and Berth
 * take the root of a share for that, and Berth every directory. So the root is asked for first, and
 * the directory of the place where its account may not, or someone sits on it. A server that
 * refuses both cannot be asked for more: to flush each piece would cost more than to send it.
 */
static ntstatus smb_sync(struct place *place)
{
	struct place_smb *smb = of(place);
	ntstatus status = flush_directory(smb, "");

	if (status && !is_loss(status))
		status = flush_directory(smb, *smb->below ? smb->below : "staging");
	return is_loss(status) ? status : STATUS_SUCCESS;
}

static ntstatus make_path(struct place_smb *smb, const char *path)
{
	struct smb2_file_id id;
	ntstatus status =
		open_path(smb, path, FILE_READ_ATTRIBUTES, FILE_OPEN_IF, FILE_DIRECTORY_FILE, &id);

	return status ? status : sync_close(smb->sync, &smb->tree, id);
}

static ntstatus smb_make_directory(struct place *place, const char *name)
{
	auto_free char *path = place_smb_path(of(place), name);

	return make_path(of(place), path);
}

/* To remove what is there, which its maker may have closed: where it is, nothing but the one right
 * is asked for, which the directory lends, or who may restore has anyway. */
static ntstatus open_closed(struct place_smb *smb, const char *path, uint32_t access,
			    uint32_t options, struct smb2_file_id *id)
{
	ntstatus status = open_path(smb, path, access, FILE_OPEN, options, id);

	return status == STATUS_ACCESS_DENIED
		       ? sync_open(smb->sync, &smb->tree, path, access, FILE_OPEN,
				   options | FILE_OPEN_FOR_BACKUP_INTENT, id)
		       : status;
}

static ntstatus remove_path(struct place_smb *smb, const char *path)
{
	struct smb2_file_id id;
	ntstatus closed, status = open_closed(smb, path, DELETE_ACCESS, 0, &id);

	if (status)
		return status;
	status = sync_delete(smb->sync, &smb->tree, id);
	closed = sync_close(smb->sync, &smb->tree, id);
	return status ? status : closed;
}

/* FileBasicInformation (MS-FSCC 2.4.7) with nothing but attributes. */
static ntstatus make_writable(struct place_smb *smb, const char *path)
{
	auto_buf struct buf input = { 0 };
	struct smb2_file_id id;
	ntstatus status =
		open_closed(smb, path, FILE_WRITE_ATTRIBUTES, FILE_NON_DIRECTORY_FILE, &id);

	if (status)
		return status;
	buf_zero(&input, 32);
	buf_u32le(&input, FILE_ATTRIBUTE_NORMAL);
	buf_u32le(&input, 0);
	status = sync_set_info(smb->sync, &smb->tree, id, SMB2_0_INFO_FILE, FileBasicInformation, 0,
			       cur_of(input.data, input.len));
	(void)!sync_close(smb->sync, &smb->tree, id);
	return status;
}

/* Whoever made the file may have made it read-only. */
static ntstatus smb_remove(struct place *place, const char *name)
{
	struct place_smb *smb = of(place);
	auto_free char *path = place_smb_path(smb, name);
	ntstatus status = remove_path(smb, path);

	if (status == STATUS_CANNOT_DELETE && !make_writable(smb, path))
		status = remove_path(smb, path);
	return status;
}

static ntstatus smb_set_access(struct place *place, const char *name, enum place_access access)
{
	return place_smb_set_access(of(place), name, access);
}

/* A file that is open with no sharing: the server lets nobody else in, and forgets it with us. */
static ntstatus smb_lock(struct place *place, const char *name)
{
	struct place_smb *smb = of(place);
	auto_free char *path = place_smb_path(smb, name);
	struct smb2_create_request create = {
		.impersonation_level = 2,
		.desired_access = FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE,
		.file_attributes = FILE_ATTRIBUTE_NORMAL,
		.create_disposition = FILE_OPEN_IF,
		.create_options = FILE_NON_DIRECTORY_FILE,
	};
	struct smb2_create_response response = { 0 };
	ntstatus status = STATUS_CONNECTION_DISCONNECTED;

	if (smb->locked && smb->sync && sync_client(smb->sync))
		return STATUS_SUCCESS;
	if (smb->sync)
		status = sync_create(smb->sync, &smb->tree, path, &create, &response);
	if (status)
		return status;
	if (response.create_action == FILE_CREATED)
		(void)!place_smb_set_access(smb, name, PLACE_PRIVATE);
	smb->lock = response.file_id;
	smb->locked = true;
	return STATUS_SUCCESS;
}

static void smb_unlock(struct place *place)
{
	struct place_smb *smb = of(place);

	if (smb->locked && smb->sync && sync_client(smb->sync))
		(void)!sync_close(smb->sync, &smb->tree, smb->lock);
	smb->locked = false;
}

static ntstatus smb_free_bytes(struct place *place, uint64_t *free_bytes)
{
	struct place_smb *smb = of(place);
	auto_buf struct buf out = { 0 };
	struct fs_facts facts = { 0 };
	struct smb2_file_id id;
	uint64_t unit;
	ntstatus status = open_path(smb, smb->below, FILE_READ_ATTRIBUTES, FILE_OPEN,
				    FILE_DIRECTORY_FILE, &id);

	if (status)
		return status;
	status = sync_query_info(smb->sync, &smb->tree, id, SMB2_0_INFO_FILESYSTEM,
				 FileFsFullSizeInformation, 0, FS_SIZE_ROOM, &out);
	(void)!sync_close(smb->sync, &smb->tree, id);
	if (status)
		return status;
	if (fscc_fs_full_size_decode(cur_of(out.data, out.len), &facts))
		return STATUS_INVALID_NETWORK_RESPONSE;
	unit = (uint64_t)facts.sectors_per_unit * facts.bytes_per_sector;
	if (unit && facts.caller_free_units > UINT64_MAX / unit)
		return STATUS_INVALID_NETWORK_RESPONSE;
	*free_bytes = facts.caller_free_units * unit;
	return STATUS_SUCCESS;
}

static void smb_count(const struct place *place, struct place_counts *counts)
{
	const struct place_smb *smb = container_of(place, const struct place_smb, place);
	const struct client_facts *facts;

	if (!smb->sync || !sync_client(smb->sync))
		return;
	facts = client_facts(sync_client(smb->sync));
	counts->wire_in += facts->bytes_in;
	counts->wire_out += facts->bytes_out;
}

static void hang_up(struct place_smb *smb)
{
	smb_count(&smb->place, &smb->place.counts);
	sync_disconnect(smb->sync);
	smb->sync = NULL;
	smb->locked = false;
}

/* The directory below the share, part by part. */
static ntstatus make_below(struct place_smb *smb)
{
	ntstatus status = STATUS_SUCCESS;

	for (char *at = smb->below; *at && !status; at++) {
		at += strcspn(at, "\\");
		if (*at) {
			*at = 0;
			status = make_path(smb, smb->below);
			*at = '\\';
		} else {
			return make_path(smb, smb->below);
		}
	}
	return status;
}

static ntstatus smb_reopen(struct place *place)
{
	struct place_smb *smb = of(place);
	auto_free char *share = xasprintf("\\\\%s\\%s", smb->server, smb->share);
	const struct client_facts *facts;
	ntstatus status;

	hang_up(smb);
	smb->failure = (struct client_failure){ 0 };
	smb->sync = sync_connect(smb->host, smb->port, &smb->session, &smb->failure);
	if (!smb->sync)
		return smb->failure.status ? smb->failure.status : STATUS_UNSUCCESSFUL;
	status = sync_tree_connect(smb->sync, share, &smb->tree, &smb->failure.step);
	if (!status && smb->tree.type != SMB2_SHARE_TYPE_DISK)
		status = STATUS_BAD_DEVICE_TYPE;
	if (status) {
		hang_up(smb);
		return status;
	}
	facts = client_facts(sync_client(smb->sync));
	smb->part = facts->max_read < facts->max_write ? facts->max_read : facts->max_write;
	if (!(facts->capabilities & SMB2_GLOBAL_CAP_LARGE_MTU) && smb->part > PART_WITHOUT_MTU)
		smb->part = PART_WITHOUT_MTU;
	status = smb->part ? STATUS_SUCCESS : STATUS_INVALID_NETWORK_RESPONSE;
	if (!status && smb->makes_below)
		status = make_below(smb);
	if (status)
		hang_up(smb);
	return status;
}

static void smb_close(struct place *place)
{
	struct place_smb *smb = of(place);

	hang_up(smb);
	free(smb->host);
	free(smb->server);
	free(smb->share);
	free(smb->below);
	free(smb->user);
	free(smb->domain);
	if (smb->password) {
		secret_wipe(smb->password, strlen(smb->password));
		free(smb->password);
	}
	secret_wipe(smb->nt_hash, sizeof(smb->nt_hash));
	free(smb);
}

static const struct place_ops operations = {
	.begin = place_smb_begin,
	.turn = smb_turn,
	.write = smb_write,
	.compose = place_smb_compose,
	.list = smb_list,
	.make_directory = smb_make_directory,
	.remove = smb_remove,
	.set_access = smb_set_access,
	.lock = smb_lock,
	.unlock = smb_unlock,
	.free_bytes = smb_free_bytes,
	.sync = smb_sync,
	.reopen = smb_reopen,
	.count = smb_count,
	.close = smb_close,
};

static char *copy_of(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void copy_session(struct place_smb *smb, const struct client_options *session)
{
	smb->session = *session;
	smb->session.compression = true; /* of what is written, where the server knows it */
	smb->session.compression_spares = true;
	if (!smb->session.pending_timeout_ms)
		smb->session.pending_timeout_ms = PENDING_MS;
	smb->session.server = smb->server;
	smb->session.user = smb->user = copy_of(session->user);
	smb->session.domain = smb->domain = copy_of(session->domain);
	smb->session.password = smb->password = copy_of(session->password);
	if (session->nt_hash) {
		memcpy(smb->nt_hash, session->nt_hash, sizeof(smb->nt_hash));
		smb->session.nt_hash = smb->nt_hash;
	}
}

struct place *place_open_smb(const struct place_smb_options *options, struct content_failure *why)
{
	struct place_smb *smb = xalloc(1, sizeof(*smb));
	const char *below = options->path ? options->path : "";
	ntstatus status;

	smb->place.ops = &operations;
	smb->place.depth = SMB_DEPTH;
	smb->host = xstrdup(options->host ? options->host : options->server);
	smb->port = options->port;
	smb->server = xstrdup(options->server);
	smb->share = xstrdup(options->share);
	below += strspn(below, "\\/");
	smb->below = xstrdup(below);
	for (char *at = smb->below; *at; at++)
		if (*at == '/')
			*at = '\\';
	for (size_t n = strlen(smb->below); n && smb->below[n - 1] == '\\'; n--)
		smb->below[n - 1] = 0;
	smb->makes_below = *smb->below;
	smb->place.title = xasprintf("\\\\%s\\%s%s%s", smb->server, smb->share,
				     *smb->below ? "\\" : "", smb->below);
	copy_session(smb, &options->session);
	status = smb_reopen(&smb->place);
	if (!status)
		return &smb->place;
	content_fail(why, content_problem_of(status, true), status, smb->place.title, "%s: %s",
		     client_step_name(smb->failure.step), ntstatus_text(status));
	place_close(&smb->place);
	return NULL;
}
