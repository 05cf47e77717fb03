// SPDX-License-Identifier: Apache-2.0
/*
 * IOCTL (MS-SMB2 3.3.5.15): one table of control codes; what is not in it is refused. What the
 * client told this server in NEGOTIATE is compared here once more, signed
 * (VALIDATE_NEGOTIATE_INFO).
 */
#include <base/utf16.h>
#include <wire/hash_range.h>
#include <wire/reparse.h>
#include <wire/snapshot.h>

#include "request.h"

#define TRIM_CLUSTER   4096u
#define RANGES_AT_ONCE 4096 /* allocated ranges in one answer */

static ntstatus validate_negotiate(struct smb_request *rq, const struct smb2_ioctl_request *r,
				   struct buf *out)
{
	const struct connection *conn = rq->conn;
	struct smb2_validate_negotiate v, answer;

	rq->drop = true; /* whatever does not match ends the connection: 3.3.5.15.12 */
	if (conn->dialect == SMB2_DIALECT_311 || r->max_output_response < 24 ||
	    smb2_validate_negotiate_request_decode(r->input, &v) ||
	    !guid_equal(&v.guid, &conn->client_guid) ||
	    v.capabilities != conn->client_capabilities ||
	    v.security_mode != conn->client_security_mode ||
	    negotiate_dialect(v.dialects, v.dialect_count) != conn->dialect)
		return STATUS_ACCESS_DENIED;
	rq->drop = false;
	answer = (struct smb2_validate_negotiate){
		.capabilities = conn->capabilities,
		.guid = conn->server->guid,
		.security_mode = conn->security_mode,
		.dialect = conn->dialect,
	};
	smb2_validate_negotiate_response_encode(out, &answer);
	return STATUS_SUCCESS;
}

static ntstatus pipe_wait(struct smb_request *rq, const struct smb2_ioctl_request *r,
			  struct buf *out)
{
	auto_free char *name = NULL;
	struct cursor c = r->input;
	uint32_t length;

	cur_skip(&c, 8); /* Timeout: an endpoint is there at once or never */
	length = cur_u32le(&c);
	cur_skip(&c, 2);
	name = utf16_to_string(cur_take(&c, length));
	if (c.bad || !name)
		return STATUS_INVALID_PARAMETER;
	return pipe_endpoint_find(name) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

static ntstatus pipe_transceive(struct smb_request *rq, const struct smb2_ioctl_request *r,
				struct buf *out)
{
	ntstatus status = STATUS_SUCCESS;

	if (!rq->resumed)
		status = pipe_write(rq->pipe, r->input);
	if (!status)
		status = pipe_read(rq->pipe, r->max_output_response, out);
	if (status == STATUS_PIPE_EMPTY)
		return request_wait_pipe(rq);
	return status;
}

static ntstatus pipe_peek(struct smb_request *rq, const struct smb2_ioctl_request *r,
			  struct buf *out)
{
	buf_u32le(out, 3); /* FILE_PIPE_CONNECTED_STATE, MS-FSCC 2.3.46 */
	buf_u32le(out, (uint32_t)pipe_available(rq->pipe));
	buf_u32le(out, 0);
	buf_u32le(out, 0);
	return r->max_output_response < 16 ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

static ntstatus set_sparse(struct smb_request *rq, const struct smb2_ioctl_request *r,
			   struct buf *out)
{
	const struct open_facts *open = open_facts(rq->open);
	struct cursor c = r->input;

	if (!(open->granted_access & (FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_ATTRIBUTES)))
		return STATUS_ACCESS_DENIED; /* one of them will do: MS-FSA 2.1.5.10.36 */
	if (open->is_directory)
		return STATUS_INVALID_PARAMETER;
	return open_set_sparse(rq->open, !cur_left(&c) || cur_u8(&c));
}

/* MS-FSA 2.1.5.10.39: what is asked for behind the end is not there, and nothing is done for it. */
static ntstatus set_zero_data(struct smb_request *rq, const struct smb2_ioctl_request *r,
			      struct buf *out)
{
	struct volume_node *node = open_facts(rq->open)->node;
	struct cursor c = r->input;
	uint64_t begin = cur_u64le(&c), end = cur_u64le(&c);
	struct volume_attributes now;
	ntstatus status;

	if (c.bad || end < begin || end > INT64_MAX || open_facts(rq->open)->is_directory)
		return STATUS_INVALID_PARAMETER;
	status = volume_attributes(node, &now);
	end = min_u64(end, now.end_of_file);
	if (status || begin >= end)
		return status;
	status = open_check_write(rq->open, begin, end - begin);
	if (!status)
		status = volume_zero(node, begin, end - begin);
	if (!status)
		open_wrote(rq->open, begin, (uint32_t)min_u64(end - begin, UINT32_MAX));
	return status;
}

static ntstatus query_ranges(struct smb_request *rq, const struct smb2_ioctl_request *r,
			     struct buf *out)
{
	struct volume_node *node = open_facts(rq->open)->node;
	struct cursor c = r->input;
	uint64_t at = cur_u64le(&c), length = cur_u64le(&c), end = at + length;
	size_t most = min_u64(r->max_output_response / 16, RANGES_AT_ONCE);
	ntstatus status;

	if (c.bad || at > INT64_MAX || length > INT64_MAX || open_facts(rq->open)->is_directory)
		return STATUS_INVALID_PARAMETER;
	while (at < end) {
		uint64_t size;

		status = volume_next_range(node, &at, &size);
		if (status == STATUS_NO_MORE_ENTRIES || (!status && at >= end))
			break;
		if (status)
			return status;
		if (!most--)
			return out->len ? STATUS_BUFFER_OVERFLOW : STATUS_BUFFER_TOO_SMALL;
		size = min_u64(size, end - at);
		buf_u64le(out, at);
		buf_u64le(out, size);
		at += size;
	}
	return STATUS_SUCCESS;
}

/*
 * Ranges whose bytes the client needs no more (MS-FSA 2.1.5.10.10): whole clusters of them read as
 * zeros from now on, and a sparse file gives their space back.
 */
static ntstatus file_level_trim(struct smb_request *rq, const struct smb2_ioctl_request *r,
				struct buf *out)
{
	struct cursor c = r->input;
	uint32_t key = cur_u32le(&c), count = cur_u32le(&c);
	ntstatus status = STATUS_SUCCESS;

	if (c.bad || key || !count || cur_left(&c) / 16 < count ||
	    open_facts(rq->open)->is_directory)
		return STATUS_INVALID_PARAMETER;
	for (uint32_t i = 0; i < count && !status; i++) {
		uint64_t begin = cur_u64le(&c), length = cur_u64le(&c), end;

		if (begin > INT64_MAX || length > INT64_MAX - begin)
			return STATUS_INVALID_PARAMETER;
		end = (begin + length) & ~(uint64_t)(TRIM_CLUSTER - 1);
		begin = align_up(begin, TRIM_CLUSTER);
		if (begin >= end)
			continue;
		status = open_check_write(rq->open, begin,
					  (uint32_t)min_u64(end - begin, UINT32_MAX));
		if (!status)
			status = volume_zero(open_facts(rq->open)->node, begin, end - begin);
	}
	if (!status && r->max_output_response >= 4)
		buf_u32le(out, count);
	return status;
}

/* The newest first, as Windows lists them. */
static ntstatus enumerate_snapshots(struct smb_request *rq, const struct smb2_ioctl_request *r,
				    struct buf *out)
{
	nttime times[VOLUME_SNAPSHOTS_MAX];
	struct volume_snapshot *snapshots;
	ntstatus status;
	size_t count;

	if (r->max_output_response < 16)
		return STATUS_INVALID_PARAMETER; /* MS-SMB2 3.3.5.15.1 */
	status = volume_snapshots(rq->tree->share->server->volume, &snapshots, &count);
	if (status)
		return status;
	for (size_t i = 0; i < count; i++)
		times[i] = snapshots[i].time;
	volume_snapshots_free(snapshots, count);
	snapshot_array_encode(out, times, count, r->max_output_response);
	return STATUS_SUCCESS;
}

static ntstatus get_compression(struct smb_request *rq, const struct smb2_ioctl_request *r,
				struct buf *out)
{
	bool is_compressed;
	ntstatus status;

	if (r->max_output_response < 2)
		return STATUS_INVALID_PARAMETER;
	status = open_is_compressed(rq->open, &is_compressed);
	buf_u16le(out, is_compressed ? COMPRESSION_FORMAT_LZNT1 : COMPRESSION_FORMAT_NONE);
	return status;
}

static ntstatus set_compression(struct smb_request *rq, const struct smb2_ioctl_request *r,
				struct buf *out)
{
	struct cursor c = r->input;
	uint16_t format = cur_u16le(&c);

	if (c.bad || format > COMPRESSION_FORMAT_LZNT1)
		return STATUS_INVALID_PARAMETER;
	/* How, is the file system's affair (MS-FSCC 2.3.67). */
	return open_set_compressed(rq->open, format != COMPRESSION_FORMAT_NONE);
}

/* MS-FSCC 2.1.3.1: made of what never changes, so that it needs no place of its own. */
static ntstatus get_object_id(struct smb_request *rq, const struct smb2_ioctl_request *r,
			      struct buf *out)
{
	const struct guid *volume = &rq->tree->share->server->guid;
	struct file_facts facts;
	ntstatus status = open_query_attributes(rq->open, &facts);

	if (status)
		return status;
	if (r->max_output_response < 64)
		return STATUS_INVALID_PARAMETER;
	for (int i = 0; i < 2; i++) { /* ObjectId and BirthVolumeId; BirthObjectId and DomainId */
		buf_u64le(out, facts.file_id);
		buf_zero(out, 8);
		if (!i)
			buf_bytes(out, volume->bytes, sizeof(volume->bytes));
		else
			buf_zero(out, 16);
	}
	return STATUS_SUCCESS;
}

static ntstatus get_reparse_point(struct smb_request *rq, const struct smb2_ioctl_request *r,
				  struct buf *out)
{
	auto_buf struct buf data = { .limit = REPARSE_MAX_BYTES };
	ntstatus status = open_get_reparse(rq->open, &data);

	if (status)
		return status;
	if (r->max_output_response < 8)
		return STATUS_BUFFER_TOO_SMALL;
	buf_bytes(out, data.data, min_u64(data.len, r->max_output_response));
	return data.len > r->max_output_response ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

static ntstatus set_reparse_point(struct smb_request *rq, const struct smb2_ioctl_request *r,
				  struct buf *out)
{
	return open_set_reparse(rq->open, r->input);
}

static ntstatus delete_reparse_point(struct smb_request *rq, const struct smb2_ioctl_request *r,
				     struct buf *out)
{
	return open_delete_reparse(rq->open, r->input);
}

static ntstatus request_resiliency(struct smb_request *rq, const struct smb2_ioctl_request *r,
				   struct buf *out)
{
	struct cursor c = r->input;
	uint32_t timeout_ms = cur_u32le(&c);

	cur_skip(&c, 4);
	if (rq->conn->dialect < SMB2_DIALECT_210)
		return STATUS_INVALID_DEVICE_REQUEST;
	return c.bad ? STATUS_INVALID_PARAMETER : open_make_resilient(rq->open, timeout_ms);
}

static ntstatus no_referrals(struct smb_request *rq, const struct smb2_ioctl_request *r,
			     struct buf *out)
{
	return STATUS_NOT_FOUND; /* DFS is not offered */
}

enum target { ON_NOTHING, ON_FILE, ON_PIPE };

struct fsctl {
	uint32_t code;
	ntstatus (*run)(struct smb_request *rq, const struct smb2_ioctl_request *r,
			struct buf *out);
	enum target target;
	uint32_t access; /* all of it is needed */
};

/* clang-format off */
static const struct fsctl fsctls[] = {
	{ FSCTL_VALIDATE_NEGOTIATE_INFO,      validate_negotiate, ON_NOTHING },
	{ FSCTL_DFS_GET_REFERRALS,            no_referrals,       ON_NOTHING },
	{ FSCTL_DFS_GET_REFERRALS_EX,         no_referrals,       ON_NOTHING },
	{ FSCTL_QUERY_NETWORK_INTERFACE_INFO, fsctl_network_interfaces, ON_NOTHING },
	{ FSCTL_LMR_REQUEST_RESILIENCY,       request_resiliency, ON_FILE },
	{ FSCTL_PIPE_WAIT,                    pipe_wait,          ON_NOTHING },
	{ FSCTL_PIPE_TRANSCEIVE,              pipe_transceive,    ON_PIPE },
	{ FSCTL_PIPE_PEEK,                    pipe_peek,          ON_PIPE },
	{ FSCTL_SRV_REQUEST_RESUME_KEY,       fsctl_resume_key,   ON_FILE },
	{ FSCTL_SRV_COPYCHUNK,                fsctl_copychunk,    ON_FILE, FILE_READ_DATA | FILE_WRITE_DATA },
	{ FSCTL_SRV_COPYCHUNK_WRITE,          fsctl_copychunk,    ON_FILE, FILE_WRITE_DATA },
	{ FSCTL_SRV_ENUMERATE_SNAPSHOTS,      enumerate_snapshots, ON_FILE },
	{ FSCTL_DUPLICATE_EXTENTS_TO_FILE,    fsctl_duplicate_extents, ON_FILE, FILE_WRITE_DATA },
	{ FSCTL_OFFLOAD_READ,                 fsctl_offload_read, ON_FILE, FILE_READ_DATA },
	{ FSCTL_OFFLOAD_WRITE,                fsctl_offload_write, ON_FILE, FILE_WRITE_DATA },
	{ FSCTL_BERTH_HASH_RANGE,             fsctl_hash_range,   ON_FILE, FILE_READ_DATA },
	{ FSCTL_FILE_LEVEL_TRIM,              file_level_trim,    ON_FILE, FILE_WRITE_DATA },
	{ FSCTL_SET_SPARSE,                   set_sparse,         ON_FILE },
	{ FSCTL_SET_ZERO_DATA,                set_zero_data,      ON_FILE, FILE_WRITE_DATA },
	{ FSCTL_QUERY_ALLOCATED_RANGES,       query_ranges,       ON_FILE, FILE_READ_DATA },
	{ FSCTL_GET_COMPRESSION,              get_compression,    ON_FILE },
	{ FSCTL_SET_COMPRESSION,              set_compression,    ON_FILE, FILE_WRITE_DATA },
	{ FSCTL_CREATE_OR_GET_OBJECT_ID,      get_object_id,      ON_FILE },
	{ FSCTL_GET_OBJECT_ID,                get_object_id,      ON_FILE },
	{ FSCTL_GET_REPARSE_POINT,            get_reparse_point,  ON_FILE },
	{ FSCTL_SET_REPARSE_POINT,            set_reparse_point,  ON_FILE },
	{ FSCTL_DELETE_REPARSE_POINT,         delete_reparse_point, ON_FILE },
};
/* clang-format on */

static const struct fsctl *fsctl_find(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_LEN(fsctls); i++)
		if (fsctls[i].code == code)
			return &fsctls[i];
	return NULL;
}

static bool names_no_file(const struct smb2_file_id *id)
{
	return id->persistent == UINT64_MAX && id->volatile_id == UINT64_MAX;
}

/* Find what the control is for, and check that the handle may. */
static ntstatus find_target(struct smb_request *rq, const struct fsctl *fsctl,
			    const struct smb2_ioctl_request *r)
{
	ntstatus status;

	/* What is for no file must name none (MS-SMB2 3.3.5.15). */
	if (fsctl && fsctl->target == ON_NOTHING)
		return names_no_file(&r->file_id) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
	status = request_open(rq, &r->file_id);
	if (status)
		return status;
	if (!fsctl)
		return STATUS_INVALID_DEVICE_REQUEST;
	if ((fsctl->target == ON_PIPE) != (rq->pipe != NULL))
		return STATUS_INVALID_DEVICE_REQUEST;
	if (rq->pipe)
		return STATUS_SUCCESS;
	if ((open_facts(rq->open)->granted_access & fsctl->access) != fsctl->access)
		return STATUS_ACCESS_DENIED;
	return request_sequence(rq);
}

static ntstatus decode(struct smb_request *rq, struct smb2_ioctl_request *r)
{
	struct cursor message = rq->message;
	ntstatus status = smb2_ioctl_request_decode(&message, r);

	if (status)
		return status;
	if (!(r->flags & SMB2_IOCTL_IS_FSCTL))
		return STATUS_NOT_SUPPORTED;
	if (r->max_output_response > rq->conn->max_transact ||
	    cur_left(&r->input) > rq->conn->max_transact)
		return STATUS_INVALID_PARAMETER;
	return request_charge(rq, max_u64(cur_left(&r->input), (uint64_t)r->max_output_response +
								       r->max_input_response));
}

ntstatus cmd_ioctl(struct smb_request *rq)
{
	auto_buf struct buf out = { 0 };
	const struct fsctl *fsctl;
	struct smb2_ioctl_request r;
	struct smb2_ioctl_response answer;
	ntstatus status;

	status = decode(rq, &r);
	if (status)
		return status;
	out.limit = (size_t)r.max_output_response + 64;
	fsctl = fsctl_find(r.code);
	status = find_target(rq, fsctl, &r);
	if (!status)
		status = fsctl->run(rq, &r, &out);
	if (status == STATUS_PENDING || (nt_failed(status) && !rq->keep_body))
		return status;
	if (out.failed)
		return STATUS_INSUFFICIENT_RESOURCES;
	answer = (struct smb2_ioctl_response){
		.code = r.code,
		.file_id = r.file_id,
		.output = cur_of(out.data, out.len),
	};
	smb2_ioctl_response_encode(&rq->reply, &answer);
	return status;
}
