// SPDX-License-Identifier: Apache-2.0
/*
 * MS-SRVS: requests and replies, both ways. What is plain parameters is a row of a table.
 */
#include <wire/srvsvc.h>

enum parameter_kind {
	P_END,
	P_UNIQUE, /* [in, string, unique] WCHAR* */
	P_STRING, /* [in, string] WCHAR* */
	P_U32,	  /* [in] DWORD */
};

struct parameter {
	uint8_t kind;
	uint8_t offset;
};

struct call {
	uint16_t opnum;
	struct parameter parameters[5];
};

static const struct parameter *parameters_of(const struct call *calls, size_t count, uint16_t opnum)
{
	for (size_t i = 0; i < count; i++) {
		if (calls[i].opnum == opnum)
			return calls[i].parameters;
	}
	return NULL;
}

static uint32_t get_parameters(struct ndr_reader *r, const struct parameter *p, void *out)
{
	if (!p)
		return RPC_FAULT_OP_RANGE;
	for (; p->kind != P_END; p++) {
		char *to = (char *)out + p->offset;

		if (p->kind == P_U32) {
			uint32_t v = ndr_get_u32(r);

			memcpy(to, &v, sizeof(v));
		} else {
			const char *text =
				p->kind == P_UNIQUE ? ndr_get_unique_string(r) : ndr_get_string(r);

			memcpy(to, &text, sizeof(text));
		}
	}
	return ndr_fault(r);
}

static void put_parameters(struct ndr_writer *w, const struct parameter *p, const void *in)
{
	BUG_ON(!p);
	for (; p->kind != P_END; p++) {
		const char *from = (const char *)in + p->offset;

		if (p->kind == P_U32) {
			uint32_t v;

			memcpy(&v, from, sizeof(v));
			ndr_put_u32(w, v);
		} else {
			const char *text;

			memcpy(&text, from, sizeof(text));
			if (p->kind == P_UNIQUE)
				ndr_put_unique_string(w, text);
			else
				ndr_put_string(w, text);
		}
	}
}

/* Listing calls: the names before the list (3.1.4.1, 3.1.4.2, 3.1.4.5, 3.1.4.8, 3.1.4.9). */
#define ENUM(k, m)                                                                                 \
	{                                                                                          \
		P_##k, offsetof(struct srvsvc_enum_request, m)                                     \
	}
static const struct {
	uint16_t opnum;
	const struct ndr_levels *levels;
	struct parameter parameters[4];
} enums[] = {
	{ SRVSVC_SHARE_ENUM, &SRVSVC_SHARE_LIST, { ENUM(UNIQUE, server_name) } },
	{ SRVSVC_SHARE_ENUM_STICKY, &SRVSVC_SHARE_LIST, { ENUM(UNIQUE, server_name) } },
	{ SRVSVC_CONNECTION_ENUM,
	  &SRVSVC_CONNECTIONS,
	  { ENUM(UNIQUE, server_name), ENUM(UNIQUE, qualifier) } },
	{ SRVSVC_FILE_ENUM,
	  &SRVSVC_FILES,
	  { ENUM(UNIQUE, server_name), ENUM(UNIQUE, qualifier), ENUM(UNIQUE, user_name) } },
	{ SRVSVC_SESSION_ENUM,
	  &SRVSVC_SESSIONS,
	  { ENUM(UNIQUE, server_name), ENUM(UNIQUE, qualifier), ENUM(UNIQUE, user_name) } },
};

const struct ndr_levels *srvsvc_enum_levels(uint16_t opnum)
{
	for (size_t i = 0; i < ARRAY_LEN(enums); i++) {
		if (enums[i].opnum == opnum)
			return enums[i].levels;
	}
	return NULL;
}

static const struct parameter *enum_parameters(uint16_t opnum)
{
	for (size_t i = 0; i < ARRAY_LEN(enums); i++) {
		if (enums[i].opnum == opnum)
			return enums[i].parameters;
	}
	return NULL;
}

uint32_t srvsvc_enum_request_decode(struct ndr_reader *r, uint16_t opnum,
				    struct srvsvc_enum_request *out)
{
	uint32_t fault;

	*out = (struct srvsvc_enum_request){ 0 };
	fault = get_parameters(r, enum_parameters(opnum), out);
	if (fault)
		return fault;
	ndr_get_list(r, srvsvc_enum_levels(opnum), &out->list);
	out->preferred_maximum = ndr_get_u32(r);
	out->has_resume = ndr_get_unique_u32(r, &out->resume);
	return ndr_fault(r);
}

void srvsvc_enum_request_encode(struct ndr_writer *w, uint16_t opnum,
				const struct srvsvc_enum_request *request)
{
	put_parameters(w, enum_parameters(opnum), request);
	ndr_put_list(w, srvsvc_enum_levels(opnum), &request->list);
	ndr_put_u32(w, request->preferred_maximum);
	ndr_put_unique_u32(w, request->has_resume ? &request->resume : NULL);
}

void srvsvc_enum_reply_encode(struct ndr_writer *w, uint16_t opnum,
			      const struct srvsvc_enum_reply *reply)
{
	ndr_put_list(w, srvsvc_enum_levels(opnum), &reply->list);
	ndr_put_u32(w, reply->total);
	ndr_put_unique_u32(w, reply->has_resume ? &reply->resume : NULL);
	ndr_put_u32(w, reply->status);
}

uint32_t srvsvc_enum_reply_decode(struct ndr_reader *r, uint16_t opnum,
				  struct srvsvc_enum_reply *out)
{
	const struct ndr_levels *levels = srvsvc_enum_levels(opnum);

	*out = (struct srvsvc_enum_reply){ 0 };
	if (!levels)
		return RPC_FAULT_OP_RANGE;
	ndr_get_list(r, levels, &out->list);
	out->total = ndr_get_u32(r);
	out->has_resume = ndr_get_unique_u32(r, &out->resume);
	out->status = ndr_get_u32(r);
	return ndr_fault(r);
}

/* One row at a level (3.1.4.10, 3.1.4.3, 3.1.4.17). */
#define INFO(k, m)                                                                                 \
	{                                                                                          \
		P_##k, offsetof(struct srvsvc_info_request, m)                                     \
	}
static const struct call infos[] = {
	{ SRVSVC_SHARE_GET_INFO,
	  { INFO(UNIQUE, server_name), INFO(STRING, name), INFO(U32, level) } },
	{ SRVSVC_FILE_GET_INFO, { INFO(UNIQUE, server_name), INFO(U32, id), INFO(U32, level) } },
	{ SRVSVC_SERVER_GET_INFO, { INFO(UNIQUE, server_name), INFO(U32, level) } },
};

uint32_t srvsvc_info_request_decode(struct ndr_reader *r, uint16_t opnum,
				    struct srvsvc_info_request *out)
{
	*out = (struct srvsvc_info_request){ 0 };
	return get_parameters(r, parameters_of(infos, ARRAY_LEN(infos), opnum), out);
}

void srvsvc_info_request_encode(struct ndr_writer *w, uint16_t opnum,
				const struct srvsvc_info_request *request)
{
	put_parameters(w, parameters_of(infos, ARRAY_LEN(infos), opnum), request);
}

void info_reply_encode(struct ndr_writer *w, const struct ndr_levels *levels, uint32_t level,
		       const void *row, uint32_t status)
{
	ndr_put_choice(w, levels, level, row);
	ndr_put_u32(w, status);
}

uint32_t info_reply_decode(struct ndr_reader *r, const struct ndr_levels *levels, uint32_t level,
			   void *row, bool *present, uint32_t *status)
{
	memset(row, 0, levels->row_size);
	ndr_get_choice(r, levels, level, row, present);
	*status = ndr_get_u32(r);
	return ndr_fault(r);
}

/* A share from the client (3.1.4.7, 3.1.4.11, NetrShareDelEx). */
#define SHARE(k, m)                                                                                \
	{                                                                                          \
		P_##k, offsetof(struct srvsvc_share_request, m)                                    \
	}
static const struct call shares[] = {
	{ SRVSVC_SHARE_ADD, { SHARE(UNIQUE, server_name), SHARE(U32, level) } },
	{ SRVSVC_SHARE_SET_INFO,
	  { SHARE(UNIQUE, server_name), SHARE(STRING, name), SHARE(U32, level) } },
	{ SRVSVC_SHARE_DEL_EX, { SHARE(UNIQUE, server_name), SHARE(U32, level) } },
};

uint32_t srvsvc_share_request_decode(struct ndr_reader *r, uint16_t opnum,
				     struct srvsvc_share_request *out)
{
	uint32_t fault;

	*out = (struct srvsvc_share_request){ 0 };
	fault = get_parameters(r, parameters_of(shares, ARRAY_LEN(shares), opnum), out);
	if (fault)
		return fault;
	ndr_get_choice(r, &SRVSVC_SHARES, out->level, &out->share, &out->has_share);
	if (opnum != SRVSVC_SHARE_DEL_EX)
		out->has_parameter_error = ndr_get_unique_u32(r, &out->parameter_error);
	return ndr_fault(r);
}

void srvsvc_share_request_encode(struct ndr_writer *w, uint16_t opnum,
				 const struct srvsvc_share_request *request)
{
	put_parameters(w, parameters_of(shares, ARRAY_LEN(shares), opnum), request);
	ndr_put_choice(w, &SRVSVC_SHARES, request->level,
		       request->has_share ? &request->share : NULL);
	if (opnum != SRVSVC_SHARE_DEL_EX)
		ndr_put_unique_u32(w,
				   request->has_parameter_error ? &request->parameter_error : NULL);
}

void srvsvc_share_reply_encode(struct ndr_writer *w, uint16_t opnum,
			       const uint32_t *parameter_error, uint32_t status)
{
	if (opnum != SRVSVC_SHARE_DEL_EX)
		ndr_put_unique_u32(w, parameter_error);
	ndr_put_u32(w, status);
}

uint32_t srvsvc_share_reply_decode(struct ndr_reader *r, uint16_t opnum, uint32_t *status)
{
	uint32_t parameter_error;

	if (opnum != SRVSVC_SHARE_DEL_EX)
		(void)ndr_get_unique_u32(r, &parameter_error);
	*status = ndr_get_u32(r);
	return ndr_fault(r);
}

/* Names and numbers only (3.1.4.4, 3.1.4.6, 3.1.4.12, 3.1.4.16, 3.1.4.21, 3.1.4.29, 3.1.4.32). */
#define PLAIN(k, m)                                                                                \
	{                                                                                          \
		P_##k, offsetof(struct srvsvc_plain_request, m)                                    \
	}
static const struct call plains[] = {
	{ SRVSVC_FILE_CLOSE, { PLAIN(UNIQUE, server_name), PLAIN(U32, id) } },
	{ SRVSVC_SESSION_DEL,
	  { PLAIN(UNIQUE, server_name), PLAIN(UNIQUE, client), PLAIN(UNIQUE, user_name) } },
	{ SRVSVC_SHARE_DEL,
	  { PLAIN(UNIQUE, server_name), PLAIN(STRING, name), PLAIN(U32, flags) } },
	{ SRVSVC_SHARE_CHECK, { PLAIN(UNIQUE, server_name), PLAIN(STRING, name) } },
	{ SRVSVC_REMOTE_TOD, { PLAIN(UNIQUE, server_name) } },
	{ SRVSVC_PATH_TYPE,
	  { PLAIN(UNIQUE, server_name), PLAIN(STRING, name), PLAIN(U32, flags) } },
	{ SRVSVC_NAME_VALIDATE,
	  { PLAIN(UNIQUE, server_name), PLAIN(STRING, name), PLAIN(U32, type),
	    PLAIN(U32, flags) } },
};

uint32_t srvsvc_plain_request_decode(struct ndr_reader *r, uint16_t opnum,
				     struct srvsvc_plain_request *out)
{
	*out = (struct srvsvc_plain_request){ 0 };
	return get_parameters(r, parameters_of(plains, ARRAY_LEN(plains), opnum), out);
}

void srvsvc_plain_request_encode(struct ndr_writer *w, uint16_t opnum,
				 const struct srvsvc_plain_request *request)
{
	put_parameters(w, parameters_of(plains, ARRAY_LEN(plains), opnum), request);
}

void srvsvc_status_encode(struct ndr_writer *w, uint32_t status)
{
	ndr_put_u32(w, status);
}

void srvsvc_value_encode(struct ndr_writer *w, uint32_t value, uint32_t status)
{
	ndr_put_u32(w, value);
	ndr_put_u32(w, status);
}

uint32_t srvsvc_status_decode(struct ndr_reader *r, uint32_t *status)
{
	*status = ndr_get_u32(r);
	return ndr_fault(r);
}

/* DISK_INFO is a fixed array of three characters with [string], so each entry is a varying string
 * (2.2.4.91). */
#define DISK_CHARACTERS 3u

static void get_disk(struct ndr_reader *r)
{
	uint32_t offset = ndr_get_u32(r);
	uint32_t actual = ndr_get_u32(r);

	if (offset || actual > DISK_CHARACTERS)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	else
		cur_skip(&r->c, actual * 2u);
}

uint32_t srvsvc_disk_request_decode(struct ndr_reader *r, struct srvsvc_disk_request *out)
{
	*out = (struct srvsvc_disk_request){ .server_name = ndr_get_unique_string(r) };
	out->level = ndr_get_u32(r);
	(void)ndr_get_u32(r); /* EntriesRead; the container means nothing in a request */
	if (ndr_get_pointer(r)) {
		uint32_t maximum = ndr_get_u32(r);
		uint32_t offset = ndr_get_u32(r);
		uint32_t actual = ndr_get_count(r, 8);

		if (offset || actual > maximum)
			ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
		for (uint32_t i = 0; i < actual && !r->c.bad; i++)
			get_disk(r);
	}
	out->preferred_maximum = ndr_get_u32(r);
	out->has_resume = ndr_get_unique_u32(r, &out->resume);
	return ndr_fault(r);
}

void srvsvc_disk_reply_encode(struct ndr_writer *w, const struct srvsvc_disk_request *request,
			      const char *letters, uint32_t status)
{
	uint32_t count = (uint32_t)strlen(letters);

	ndr_put_u32(w, count);
	ndr_put_pointer(w, count);
	if (count) {
		ndr_put_u32(w, count);
		ndr_put_u32(w, 0);
		ndr_put_u32(w, count);
	}
	for (uint32_t i = 0; i < count; i++) {
		ndr_put_u32(w, 0);
		ndr_put_u32(w, DISK_CHARACTERS);
		ndr_put_u16(w, (uint8_t)letters[i]);
		ndr_put_u16(w, ':');
		ndr_put_u16(w, 0);
	}
	ndr_put_u32(w, count);
	ndr_put_unique_u32(w, request->has_resume ? &request->resume : NULL);
	ndr_put_u32(w, status);
}

void srvsvc_time_reply_encode(struct ndr_writer *w, const struct srvsvc_time_of_day *time,
			      uint32_t status)
{
	const uint32_t members[] = {
		time->elapsed_s,
		time->uptime_ms,
		time->hours,
		time->minutes,
		time->seconds,
		time->hundredths,
		(uint32_t)time->timezone_minutes,
		time->tick_interval,
		time->day,
		time->month,
		time->year,
		time->weekday,
	};

	ndr_put_pointer(w, status == WERR_SUCCESS);
	for (size_t i = 0; i < ARRAY_LEN(members) && status == WERR_SUCCESS; i++)
		ndr_put_u32(w, members[i]);
	ndr_put_u32(w, status);
}
