// SPDX-License-Identifier: Apache-2.0
/* What a server adds to its answer to a CREATE: a table as that of the requests. */
#include "smb2_context_chain.h"
#include "smb2_create_context.h"

static void mxac_answer_decode(struct cursor *c, struct smb2_create_response *r)
{
	r->has_maximal_access = true;
	r->maximal_access_status = cur_u32le(c);
	r->maximal_access = cur_u32le(c);
}

static bool mxac_answered(const struct smb2_create_response *r)
{
	return r->has_maximal_access;
}

static void mxac_answer_encode(struct buf *b, const struct smb2_create_response *r)
{
	buf_u32le(b, r->maximal_access_status);
	buf_u32le(b, r->maximal_access);
}

static void qfid_answer_decode(struct cursor *c, struct smb2_create_response *r)
{
	r->has_disk_id = true;
	r->disk_file_id = cur_u64le(c);
	r->disk_volume_id = cur_u64le(c);
	cur_skip(c, 16);
}

static bool qfid_answered(const struct smb2_create_response *r)
{
	return r->has_disk_id;
}

static void qfid_answer_encode(struct buf *b, const struct smb2_create_response *r)
{
	buf_u64le(b, r->disk_file_id);
	buf_u64le(b, r->disk_volume_id);
	buf_zero(b, 16);
}

static void rqls_answer_decode(struct cursor *c, struct smb2_create_response *r)
{
	context_lease_decode(c, &r->lease);
}

static bool rqls_answered(const struct smb2_create_response *r)
{
	return r->lease.present;
}

static void rqls_answer_encode(struct buf *b, const struct smb2_create_response *r)
{
	context_lease_encode(b, &r->lease);
}

static void dhnq_answer_decode(struct cursor *c, struct smb2_create_response *r)
{
	cur_skip(c, 8);
	r->durable_v1 = true;
}

static bool dhnq_answered(const struct smb2_create_response *r)
{
	return r->durable_v1;
}

static void dhnq_answer_encode(struct buf *b, const struct smb2_create_response *r)
{
	buf_zero(b, 8);
}

static void dh2q_answer_decode(struct cursor *c, struct smb2_create_response *r)
{
	r->durable_v2 = true;
	r->durable_timeout_ms = cur_u32le(c);
	r->durable_flags = cur_u32le(c);
}

static bool dh2q_answered(const struct smb2_create_response *r)
{
	return r->durable_v2;
}

static void dh2q_answer_encode(struct buf *b, const struct smb2_create_response *r)
{
	buf_u32le(b, r->durable_timeout_ms);
	buf_u32le(b, r->durable_flags);
}

static const struct answer_kind {
	const char *name;
	uint32_t length, or_length;
	void (*decode)(struct cursor *c, struct smb2_create_response *r);
	bool (*is_present)(const struct smb2_create_response *r);
	void (*encode)(struct buf *b, const struct smb2_create_response *r);
} answer_kinds[] = {
	{ "MxAc", 8, 8, mxac_answer_decode, mxac_answered, mxac_answer_encode },
	{ "QFid", 32, 32, qfid_answer_decode, qfid_answered, qfid_answer_encode },
	{ "RqLs", 32, 52, rqls_answer_decode, rqls_answered, rqls_answer_encode },
	{ "DHnQ", 8, 8, dhnq_answer_decode, dhnq_answered, dhnq_answer_encode },
	{ "DH2Q", 8, 8, dh2q_answer_decode, dh2q_answered, dh2q_answer_encode },
};

static ntstatus answer_link(struct context_link *link, struct smb2_create_response *r)
{
	size_t length = cur_left(&link->data);

	for (size_t i = 0; i < ARRAY_LEN(answer_kinds); i++) {
		const struct answer_kind *k = &answer_kinds[i];

		if (!context_is(link, k->name, 4))
			continue;
		if (k->is_present(r) || (length != k->length && length != k->or_length))
			return STATUS_INVALID_PARAMETER;
		k->decode(&link->data, r);
		return decoded(&link->data);
	}
	return STATUS_SUCCESS;
}

ntstatus create_answers_decode(struct cursor list, struct smb2_create_response *r)
{
	for (size_t links = 0; cur_left(&list); links++) {
		struct context_link link;
		ntstatus status;

		if (links == CREATE_MAX_CONTEXTS || !context_next(&list, &link))
			return STATUS_INVALID_PARAMETER;
		status = answer_link(&link, r);
		if (status)
			return status;
	}
	return STATUS_SUCCESS;
}

void create_answers_encode(struct buf *b, const struct smb2_create_response *r)
{
	size_t previous = SIZE_MAX;

	for (size_t i = 0; i < ARRAY_LEN(answer_kinds); i++) {
		const struct answer_kind *k = &answer_kinds[i];
		size_t at;

		if (!k->is_present(r))
			continue;
		at = context_begin(b, k->name, 4, &previous);
		k->encode(b, r);
		context_end(b, at, 4);
	}
}
