// SPDX-License-Identifier: Apache-2.0
/* QUERY_INFO (MS-SMB2 3.3.5.20): of a file, of the file system, of security; one table says which.
 */
#include <wire/fscc.h>

#include "request.h"

/* MS-FSCC 2.5.1: what this file system does. */
#define FILE_CASE_PRESERVED_NAMES	  0x00000002u
#define FILE_UNICODE_ON_DISK		  0x00000004u
#define FILE_PERSISTENT_ACLS		  0x00000008u
#define FILE_FILE_COMPRESSION		  0x00000010u
#define FILE_SUPPORTS_SPARSE		  0x00000040u
#define FILE_SUPPORTS_REPARSE_POINTS	  0x00000080u
#define FILE_NAMED_STREAMS		  0x00040000u
#define FILE_READ_ONLY_VOLUME		  0x00080000u

#define FILE_SUPPORTS_EXTENDED_ATTRIBUTES 0x00800000u
#define FILE_SUPPORTS_BLOCK_REFCOUNTING	  0x08000000u

/* MS-SMB2 2.2.37: flags of a query of extended attributes. */
#define SL_RESTART_SCAN			  0x01u
#define SL_RETURN_SINGLE_ENTRY		  0x02u
#define SL_INDEX_SPECIFIED		  0x04u

#define MAX_NAME_UNITS			  255

static ntstatus query_streams(struct smb_request *rq, const struct smb2_query_info_request *r)
{
	const struct open_facts *open = open_facts(rq->open);
	struct volume_stream *streams = NULL;
	struct stream_facts *facts;
	uint64_t size, allocation_size;
	size_t count = 0, n = 0;
	bool has_data;
	ntstatus status;

	status = open_query_data(rq->open, &has_data, &size, &allocation_size);
	if (!status && !(rq->tree->share->flags & STORE_SHARE_NO_STREAMS))
		status = volume_stream_list(open->node, &streams, &count);
	if (status)
		return status;
	facts = xalloc(count + 1, sizeof(*facts));
	if (has_data)
		facts[n++] = (struct stream_facts){ "", size, allocation_size };
	for (size_t i = 0; i < count; i++)
		facts[n++] = (struct stream_facts){ streams[i].name, streams[i].size,
						    streams[i].allocation_size };
	status = fscc_stream_list(facts, n, r->output_length, &rq->reply);
	for (size_t i = 0; i < count; i++)
		free(streams[i].name);
	free(streams);
	free(facts);
	return status;
}

/* short_name_of - the 8.3 name of what @path leads to; false where it has none. */
static bool short_name_of(const struct smb_request *rq, const char *path,
			  char out[VOLUME_SHORT_NAME])
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (!volume_name_is_short(name) &&
	    (!*name || !(rq->tree->share->flags & STORE_SHARE_SHORT_NAMES)))
		return false;
	volume_short_name(name, out);
	return true;
}

static ntstatus query_eas(struct smb_request *rq, const struct smb2_query_info_request *r)
{
	struct ea_query query = {
		.names = r->input,
		.restart = r->flags & SL_RESTART_SCAN,
		.single = r->flags & SL_RETURN_SINGLE_ENTRY,
		.from_index = r->flags & SL_INDEX_SPECIFIED,
		.index = r->additional_information,
		.room = r->output_length,
	};

	return open_query_eas(rq->open, &query, &rq->reply);
}

static ntstatus query_file(struct smb_request *rq, const struct smb2_query_info_request *r)
{
	const struct open_facts *open = open_facts(rq->open);
	uint32_t needs = fscc_file_query_access(r->info_class);
	auto_free char *path = NULL;
	char short_name[VOLUME_SHORT_NAME];
	struct file_query query = {
		.granted_access = open->granted_access,
		.mode = open_mode(rq->open),
		.position = open_position(rq->open),
	};
	ntstatus status;

	if ((open->granted_access & needs) != needs)
		return STATUS_ACCESS_DENIED;
	if (r->info_class == FileNormalizedNameInformation && rq->conn->dialect < SMB2_DIALECT_311)
		return STATUS_NOT_SUPPORTED; /* MS-SMB2 3.3.5.20.1 */
	if (r->info_class == FileStreamInformation)
		return query_streams(rq, r);
	if (r->info_class == FileFullEaInformation)
		return query_eas(rq, r);
	status = open_query_attributes(rq->open, &query.facts);
	if (status)
		return status;
	query.facts.volume_serial = volume_serial(rq->tree->share->server->volume);
	path = open_path(rq->open);
	query.name = path ? path : "";
	query.short_name = short_name_of(rq, query.name, short_name) ? short_name : NULL;
	return fscc_file_query(r->info_class, &query, r->output_length, &rq->reply);
}

static ntstatus query_file_system(struct smb_request *rq, const struct smb2_query_info_request *r)
{
	const struct share *share = rq->tree->share;
	struct volume *volume = share->server->volume;
	struct volume_space space;
	struct fs_facts facts = {
		.serial = volume_serial(volume),
		.label = share->server->name,
		.file_system = "NTFS",
		.attributes = FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK |
			      FILE_PERSISTENT_ACLS | FILE_SUPPORTS_SPARSE |
			      FILE_SUPPORTS_REPARSE_POINTS | FILE_NAMED_STREAMS |
			      FILE_SUPPORTS_EXTENDED_ATTRIBUTES,
		.max_name = MAX_NAME_UNITS,
		.bytes_per_sector = 512,
		.object_id = share->server->guid,
	};
	const struct open_facts *open = open_facts(rq->open);
	ntstatus status = volume_space_at(open->is_directory ? open->node : share->root, &space);

	if (status)
		return status;
	if (share->flags & STORE_SHARE_NO_STREAMS)
		facts.attributes &= ~FILE_NAMED_STREAMS;
	facts.read_only = volume_is_read_only(volume);
	facts.trims = !facts.read_only;
	if (volume_clones(volume))
		facts.attributes |= FILE_SUPPORTS_BLOCK_REFCOUNTING;
	if (volume_compresses(volume))
		facts.attributes |= FILE_FILE_COMPRESSION;
	if (facts.read_only)
		facts.attributes |= FILE_READ_ONLY_VOLUME;
	facts.sectors_per_unit = space.block_bytes >= 512 ? space.block_bytes / 512 : 1;
	facts.total_units = space.total_bytes / (facts.sectors_per_unit * 512u);
	facts.free_units = space.free_bytes / (facts.sectors_per_unit * 512u);
	facts.caller_free_units = space.caller_free_bytes / (facts.sectors_per_unit * 512u);
	return fscc_fs_query(r->info_class, &facts, r->output_length, &rq->reply);
}

static ntstatus query_security(struct smb_request *rq, const struct smb2_query_info_request *r)
{
	const struct open_facts *open = open_facts(rq->open);
	uint32_t which = r->additional_information;
	uint32_t needs = 0;
	auto_buf struct buf sd = { .limit = SD_MAX_BYTES };
	ntstatus status;

	if (which &
	    (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION))
		needs |= READ_CONTROL;
	if (which & SACL_SECURITY_INFORMATION)
		needs |= ACCESS_SYSTEM_SECURITY;
	if ((open->granted_access & needs) != needs)
		return STATUS_ACCESS_DENIED;
	status = open_query_security(rq->open, which, &sd);
	if (status)
		return status;
	if (sd.failed)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (sd.len > r->output_length) {
		/* The error says how much room it takes (MS-SMB2 3.3.5.20.3). */
		uint8_t needed[4] = { (uint8_t)sd.len, (uint8_t)(sd.len >> 8),
				      (uint8_t)(sd.len >> 16), 0 };

		rq->reply.len = rq->head_at + SMB2_HEADER_SIZE;
		smb2_error_encode(&rq->reply, needed, sizeof(needed), 0);
		rq->keep_body = true;
		return STATUS_BUFFER_TOO_SMALL;
	}
	buf_bytes(&rq->reply, sd.data, sd.len);
	return STATUS_SUCCESS;
}

static ntstatus query_quota(struct smb_request *rq, const struct smb2_query_info_request *r)
{
	return STATUS_NOT_SUPPORTED;
}

static const struct {
	ntstatus (*query)(struct smb_request *rq, const struct smb2_query_info_request *r);
} kinds[] = {
	[SMB2_0_INFO_FILE] = { query_file },
	[SMB2_0_INFO_FILESYSTEM] = { query_file_system },
	[SMB2_0_INFO_SECURITY] = { query_security },
	[SMB2_0_INFO_QUOTA] = { query_quota },
};

/* A pipe answers what clients ask of one: that it is there, and its names. */
static ntstatus query_pipe(struct smb_request *rq, const struct smb2_query_info_request *r)
{
	struct file_query query = {
		.facts = { .attributes = FILE_ATTRIBUTE_NORMAL,
			   .links = 1,
			   .allocation_size = 4096 },
		.granted_access = FILE_GENERIC_READ | FILE_GENERIC_WRITE,
		.name = rq->pipe->endpoint->name,
	};

	if (r->info_type != SMB2_0_INFO_FILE)
		return STATUS_INVALID_DEVICE_REQUEST;
	return fscc_file_query(r->info_class, &query, r->output_length, &rq->reply);
}

ntstatus cmd_query_info(struct smb_request *rq)
{
	struct smb2_query_info_request r;
	ntstatus status;
	size_t at;

	status = smb2_query_info_request_decode(&rq->message, &r);
	if (!status)
		status = request_charge(rq, max_u64(r.output_length, cur_left(&r.input)));
	if (!status)
		status = request_open(rq, &r.file_id);
	if (status)
		return status;
	if (r.output_length > rq->conn->max_transact || r.info_type >= ARRAY_LEN(kinds) ||
	    !kinds[r.info_type].query)
		return STATUS_INVALID_PARAMETER;
	at = smb2_output_response_begin(&rq->reply);
	status = rq->pipe ? query_pipe(rq, &r) : kinds[r.info_type].query(rq, &r);
	if (!nt_failed(status))
		smb2_output_response_end(&rq->reply, at);
	return status;
}
