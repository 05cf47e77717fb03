// SPDX-License-Identifier: Apache-2.0
/*
 * What a client adds to a CREATE. The name of a context selects a row of the table below, which
 * says how long the data may be and how it is read. A context that a request names twice, or whose
 * data has a wrong length, is refused; unknown ones are skipped.
 */
#include "smb2_context_chain.h"
#include "smb2_create_context.h"

#define NAME_APP_INSTANCE	  "\x45\xbc\xa6\x6a\xef\xa7\xf7\x4a\x90\x08\xfa\x46\x2e\x14\x4d\x74"
#define NAME_APP_INSTANCE_VERSION "\xb9\x82\xd0\xb7\x3b\x56\x07\x4f\xa0\x7b\x52\x4a\x81\x16\xa0\x10"
static void ea_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	x->has_ea = true;
	x->ea = cur_take(c, cur_left(c));
}

static bool ea_present(const struct smb2_create_contexts *x)
{
	return x->has_ea;
}

static void ea_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	buf_rest(b, x->ea);
}

static void sd_decode_context(struct cursor *c, struct smb2_create_contexts *x)
{
	x->has_sd = true;
	x->sd = cur_take(c, cur_left(c));
}

static bool sd_present(const struct smb2_create_contexts *x)
{
	return x->has_sd;
}

static void sd_encode_context(struct buf *b, const struct smb2_create_contexts *x)
{
	buf_rest(b, x->sd);
}

static void dhnq_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	cur_skip(c, 16);
	x->durable.request_v1 = true;
}

static bool dhnq_present(const struct smb2_create_contexts *x)
{
	return x->durable.request_v1;
}

static void dhnq_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	buf_zero(b, 16);
}

static void dhnc_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	x->durable.reconnect_v1 = true;
	x->durable.file_id = cur_file_id(c);
}

static bool dhnc_present(const struct smb2_create_contexts *x)
{
	return x->durable.reconnect_v1;
}

static void dhnc_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	buf_file_id(b, &x->durable.file_id);
}

static void dh2q_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	x->durable.request_v2 = true;
	x->durable.timeout_ms = cur_u32le(c);
	x->durable.flags = cur_u32le(c);
	cur_skip(c, 8);
	x->durable.create_guid = cur_guid(c);
}

static bool dh2q_present(const struct smb2_create_contexts *x)
{
	return x->durable.request_v2;
}

static void dh2q_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	buf_u32le(b, x->durable.timeout_ms);
	buf_u32le(b, x->durable.flags);
	buf_u64le(b, 0);
	buf_guid(b, &x->durable.create_guid);
}

static void dh2c_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	x->durable.reconnect_v2 = true;
	x->durable.file_id = cur_file_id(c);
	x->durable.create_guid = cur_guid(c);
	x->durable.flags = cur_u32le(c);
}

static bool dh2c_present(const struct smb2_create_contexts *x)
{
	return x->durable.reconnect_v2;
}

static void dh2c_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	buf_file_id(b, &x->durable.file_id);
	buf_guid(b, &x->durable.create_guid);
	buf_u32le(b, x->durable.flags);
}

static void alsi_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	x->has_allocation_size = true;
	x->allocation_size = cur_u64le(c);
}

static bool alsi_present(const struct smb2_create_contexts *x)
{
	return x->has_allocation_size;
}

static void alsi_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	buf_u64le(b, x->allocation_size);
}

static void mxac_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	x->wants_maximal_access = true;
	if (cur_left(c))
		x->maximal_access_timestamp = cur_time(c);
}

static bool mxac_present(const struct smb2_create_contexts *x)
{
	return x->wants_maximal_access;
}

static void mxac_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	if (x->maximal_access_timestamp.ticks)
		buf_time(b, x->maximal_access_timestamp);
}

static void twrp_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	x->has_timewarp = true;
	x->timewarp = cur_time(c);
}

static bool twrp_present(const struct smb2_create_contexts *x)
{
	return x->has_timewarp;
}

static void twrp_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	buf_time(b, x->timewarp);
}

static void qfid_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	x->wants_disk_id = true;
}

static bool qfid_present(const struct smb2_create_contexts *x)
{
	return x->wants_disk_id;
}

static void qfid_encode(struct buf *b, const struct smb2_create_contexts *x)
{
}

static void rqls_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	context_lease_decode(c, &x->lease);
}

static bool rqls_present(const struct smb2_create_contexts *x)
{
	return x->lease.present;
}

static void rqls_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	context_lease_encode(b, &x->lease);
}

static void app_instance_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	x->has_app_instance = true;
	c->bad |= cur_u16le(c) != 20;
	cur_skip(c, 2);
	x->app_instance_id = cur_guid(c);
}

static bool app_instance_present(const struct smb2_create_contexts *x)
{
	return x->has_app_instance;
}

static void app_instance_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	buf_u16le(b, 20);
	buf_u16le(b, 0);
	buf_guid(b, &x->app_instance_id);
}

static void app_version_decode(struct cursor *c, struct smb2_create_contexts *x)
{
	x->has_app_instance_version = true;
	c->bad |= cur_u16le(c) != 24;
	cur_skip(c, 6);
	x->app_instance_version_high = cur_u64le(c);
	x->app_instance_version_low = cur_u64le(c);
}

static bool app_version_present(const struct smb2_create_contexts *x)
{
	return x->has_app_instance_version;
}

static void app_version_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	buf_u16le(b, 24);
	buf_zero(b, 6);
	buf_u64le(b, x->app_instance_version_high);
	buf_u64le(b, x->app_instance_version_low);
}

/* The lengths that are right: one, another, or any with at least one byte. */
#define ANY_LENGTH UINT32_MAX

static const struct request_kind {
	const char *name;
	uint8_t name_length;
	uint32_t length, or_length;
	void (*decode)(struct cursor *c, struct smb2_create_contexts *x);
	bool (*is_present)(const struct smb2_create_contexts *x);
	void (*encode)(struct buf *b, const struct smb2_create_contexts *x);
} request_kinds[] = {
	{ "ExtA", 4, ANY_LENGTH, 0, ea_decode, ea_present, ea_encode },
	{ "SecD", 4, ANY_LENGTH, 0, sd_decode_context, sd_present, sd_encode_context },
	{ "DHnQ", 4, 16, 16, dhnq_decode, dhnq_present, dhnq_encode },
	{ "DHnC", 4, 16, 16, dhnc_decode, dhnc_present, dhnc_encode },
	{ "DH2Q", 4, 32, 32, dh2q_decode, dh2q_present, dh2q_encode },
	{ "DH2C", 4, 36, 36, dh2c_decode, dh2c_present, dh2c_encode },
	{ "AlSi", 4, 8, 8, alsi_decode, alsi_present, alsi_encode },
	{ "MxAc", 4, 0, 8, mxac_decode, mxac_present, mxac_encode },
	{ "TWrp", 4, 8, 8, twrp_decode, twrp_present, twrp_encode },
	{ "QFid", 4, 0, 0, qfid_decode, qfid_present, qfid_encode },
	{ "RqLs", 4, 32, 52, rqls_decode, rqls_present, rqls_encode },
	{ NAME_APP_INSTANCE, 16, 20, 20, app_instance_decode, app_instance_present,
	  app_instance_encode },
	{ NAME_APP_INSTANCE_VERSION, 16, 24, 24, app_version_decode, app_version_present,
	  app_version_encode },
};

static ntstatus request_link(struct context_link *link, struct smb2_create_contexts *x)
{
	size_t length = cur_left(&link->data);

	for (size_t i = 0; i < ARRAY_LEN(request_kinds); i++) {
		const struct request_kind *k = &request_kinds[i];

		if (!context_is(link, k->name, k->name_length))
			continue;
		if (k->is_present(x))
			return STATUS_INVALID_PARAMETER;
		if (k->length != ANY_LENGTH && length != k->length && length != k->or_length)
			return STATUS_INVALID_PARAMETER;
		k->decode(&link->data, x);
		return decoded(&link->data);
	}
	return STATUS_SUCCESS;
}

ntstatus create_contexts_decode(struct cursor list, struct smb2_create_contexts *x)
{
	for (size_t links = 0; cur_left(&list); links++) {
		struct context_link link;
		ntstatus status;

		if (links == CREATE_MAX_CONTEXTS || !context_next(&list, &link))
			return STATUS_INVALID_PARAMETER;
		status = request_link(&link, x);
		if (status)
			return status;
	}
	return STATUS_SUCCESS;
}

bool create_contexts_present(const struct smb2_create_contexts *x)
{
	for (size_t i = 0; i < ARRAY_LEN(request_kinds); i++)
		if (request_kinds[i].is_present(x))
			return true;
	return false;
}

void create_contexts_encode(struct buf *b, const struct smb2_create_contexts *x)
{
	size_t previous = SIZE_MAX;

	for (size_t i = 0; i < ARRAY_LEN(request_kinds); i++) {
		const struct request_kind *k = &request_kinds[i];
		size_t at;

		if (!k->is_present(x))
			continue;
		at = context_begin(b, k->name, k->name_length, &previous);
		k->encode(b, x);
		context_end(b, at, k->name_length);
	}
}
