// SPDX-License-Identifier: Apache-2.0
/* MS-RRP 3.1.5: requests and replies, by a table of parameters. */
#include <base/utf16.h>
#include <wire/winreg.h>

const struct dcerpc_syntax WINREG_INTERFACE = { { 0x01, 0xd0, 0x8c, 0x33, 0x44, 0x22, 0xf1, 0x31,
						  0xaa, 0xaa, 0x90, 0x00, 0x38, 0x00, 0x10, 0x03 },
						1 };

enum parameter {
	P_END,
	/* of requests */
	P_SERVER, /* [unique] WCHAR*: ignored */
	P_HANDLE,
	P_NAME,	    /* RRP_UNICODE_STRING */
	P_CLASS,    /* RRP_UNICODE_STRING: ignored */
	P_SECURITY, /* [unique] RPC_SECURITY_ATTRIBUTES: ignored */
	P_INDEX,
	P_OPTIONS,
	P_ACCESS,
	P_TYPE,
	P_DATA, /* conformant bytes, and their count */
	P_WANTS_DISPOSITION,
	P_NAME_ROOM,  /* RRP_UNICODE_STRING: how much room there is */
	P_CLASS_ROOM, /* [unique] the same */
	P_WANTS_TIME,
	P_WANTS_TYPE,
	P_WANTS_DATA,
	P_WANTS_SIZE,
	P_WANTS_LENGTH,
	/* of replies */
	R_HANDLE,
	R_DISPOSITION,
	R_NAME,
	R_CLASS,      /* [unique] RRP_UNICODE_STRING: empty */
	R_EMPTY_NAME, /* RRP_UNICODE_STRING: empty */
	R_TIME,
	R_TYPE,
	R_DATA,
	R_SIZE,
	R_LENGTH,
	R_INFO,
	R_VERSION,
};

#define PARAMETERS 9
struct call {
	uint16_t opnum;
	uint8_t request[PARAMETERS];
	uint8_t reply[PARAMETERS];
};

static const struct call calls[] = {
	{ WINREG_OPEN_LOCAL_MACHINE, { P_SERVER, P_ACCESS }, { R_HANDLE } },
	{ WINREG_CLOSE_KEY, { P_HANDLE }, { R_HANDLE } },
	{ WINREG_CREATE_KEY,
	  { P_HANDLE, P_NAME, P_CLASS, P_OPTIONS, P_ACCESS, P_SECURITY, P_WANTS_DISPOSITION },
	  { R_HANDLE, R_DISPOSITION } },
	{ WINREG_DELETE_KEY, { P_HANDLE, P_NAME }, { P_END } },
	{ WINREG_DELETE_VALUE, { P_HANDLE, P_NAME }, { P_END } },
	{ WINREG_ENUM_KEY,
	  { P_HANDLE, P_INDEX, P_NAME_ROOM, P_CLASS_ROOM, P_WANTS_TIME },
	  { R_NAME, R_CLASS, R_TIME } },
	{ WINREG_ENUM_VALUE,
	  { P_HANDLE, P_INDEX, P_NAME_ROOM, P_WANTS_TYPE, P_WANTS_DATA, P_WANTS_SIZE,
	    P_WANTS_LENGTH },
	  { R_NAME, R_TYPE, R_DATA, R_SIZE, R_LENGTH } },
	{ WINREG_FLUSH_KEY, { P_HANDLE }, { P_END } },
	{ WINREG_OPEN_KEY, { P_HANDLE, P_NAME, P_OPTIONS, P_ACCESS }, { R_HANDLE } },
	{ WINREG_QUERY_INFO_KEY, { P_HANDLE, P_CLASS }, { R_EMPTY_NAME, R_INFO } },
	{ WINREG_QUERY_VALUE,
	  { P_HANDLE, P_NAME, P_WANTS_TYPE, P_WANTS_DATA, P_WANTS_SIZE, P_WANTS_LENGTH },
	  { R_TYPE, R_DATA, R_SIZE, R_LENGTH } },
	{ WINREG_SET_VALUE, { P_HANDLE, P_NAME, P_TYPE, P_DATA }, { P_END } },
	{ WINREG_GET_VERSION, { P_HANDLE }, { R_VERSION } },
};

static const struct call *find(uint16_t opnum)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		if (calls[i].opnum == opnum)
			return &calls[i];
	}
	return NULL;
}

/* RRP_UNICODE_STRING (MS-RRP 2.2.4): its counts are bytes and include the terminator, where the
 * sender has one. *room: its MaximumLength. */
static const char *get_string(struct ndr_reader *r, uint32_t *room)
{
	struct ndr_unicode s = ndr_get_unicode(r);

	*room = s.maximum;
	return ndr_get_unicode_text(r, &s);
}

/* @text with its terminator; NULL: an empty string with no buffer. */
static void put_string(struct ndr_writer *w, const char *text, uint32_t room)
{
	uint32_t bytes = text ? (uint32_t)utf16_length(text) + 2 : 0;

	if (room < bytes)
		room = bytes;
	ndr_put_u16(w, (uint16_t)bytes);
	ndr_put_u16(w, (uint16_t)room);
	ndr_put_pointer(w, text != NULL);
	if (!text)
		return;
	ndr_put_u32(w, room / 2);
	ndr_put_u32(w, 0);
	ndr_put_u32(w, bytes / 2);
	utf16_encode(w->out, text);
	buf_u16le(w->out, 0);
}

/* A string that only says how much room there is. */
static void put_room(struct ndr_writer *w, uint32_t room)
{
	ndr_put_u16(w, 0);
	ndr_put_u16(w, (uint16_t)room);
	ndr_put_pointer(w, true);
	ndr_put_u32(w, room / 2);
	ndr_put_u32(w, 0);
	ndr_put_u32(w, 0);
}

/* [unique, size_is, length_is] bytes; *length: how many came. */
static const uint8_t *get_varying(struct ndr_reader *r, bool *present, uint32_t *length)
{
	uint32_t capacity, offset;

	*length = 0;
	*present = ndr_get_pointer(r);
	if (!*present)
		return NULL;
	capacity = ndr_get_u32(r);
	offset = ndr_get_u32(r);
	*length = ndr_get_count(r, 1);
	if (offset || *length > capacity || *length > WINREG_DATA_MAX)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	return cur_bytes(&r->c, *length);
}

static void put_varying(struct ndr_writer *w, const uint8_t *data, uint32_t length, uint32_t room)
{
	ndr_put_pointer(w, true);
	ndr_put_u32(w, room > length ? room : length);
	ndr_put_u32(w, 0);
	ndr_put_u32(w, length);
	buf_bytes(w->out, data, length);
}

/* RPC_SECURITY_ATTRIBUTES (2.2.7): who owns a key is not kept. */
static void skip_security(struct ndr_reader *r)
{
	uint32_t length;
	bool present;

	if (!ndr_get_pointer(r))
		return;
	(void)ndr_get_u32(r);
	present = ndr_get_pointer(r);
	(void)ndr_get_u32(r);
	(void)ndr_get_u32(r);
	(void)ndr_get_u8(r);
	if (!present)
		return;
	(void)ndr_get_u32(r);
	(void)ndr_get_u32(r);
	length = ndr_get_count(r, 1);
	cur_skip(&r->c, length);
}

static void get_data(struct ndr_reader *r, struct winreg_request *out)
{
	out->data_length = ndr_get_count(r, 1);
	if (out->data_length > WINREG_DATA_MAX)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
	out->data = cur_bytes(&r->c, out->data_length);
	if (ndr_get_u32(r) != out->data_length)
		ndr_refuse(r, RPC_FAULT_BAD_STUB_DATA);
}

static void get_time(struct ndr_reader *r, bool *present, uint64_t *time)
{
	*present = ndr_get_pointer(r);
	*time = 0;
	if (*present) {
		*time = ndr_get_u32(r);
		*time |= (uint64_t)ndr_get_u32(r) << 32;
	}
}

static void get_parameter(struct ndr_reader *r, enum parameter p, struct winreg_request *out)
{
	uint32_t ignored;
	uint64_t time;

	switch (p) {
	case P_SERVER:
		if (ndr_get_pointer(r))
			(void)ndr_get_u16(r);
		break;
	case P_HANDLE:
		ndr_get_handle(r, out->handle);
		break;
	case P_NAME:
		out->name = get_string(r, &ignored);
		break;
	case P_CLASS:
		(void)get_string(r, &ignored);
		break;
	case P_SECURITY:
		skip_security(r);
		break;
	case P_INDEX:
		out->index = ndr_get_u32(r);
		break;
	case P_OPTIONS:
		out->options = ndr_get_u32(r);
		break;
	case P_ACCESS:
		out->access = ndr_get_u32(r);
		break;
	case P_TYPE:
		out->type = ndr_get_u32(r);
		break;
	case P_DATA:
		get_data(r, out);
		break;
	case P_WANTS_DISPOSITION:
		out->has_disposition = ndr_get_unique_u32(r, &ignored);
		break;
	case P_NAME_ROOM:
		(void)get_string(r, &out->name_room);
		break;
	case P_CLASS_ROOM:
		out->has_class = ndr_get_pointer(r);
		if (out->has_class)
			(void)get_string(r, &out->class_room);
		break;
	case P_WANTS_TIME:
		get_time(r, &out->has_time, &time);
		break;
	case P_WANTS_TYPE:
		out->has_type = ndr_get_unique_u32(r, &ignored);
		break;
	case P_WANTS_DATA:
		(void)get_varying(r, &out->has_data, &ignored);
		break;
	case P_WANTS_SIZE:
		out->has_size = ndr_get_unique_u32(r, &out->size);
		break;
	case P_WANTS_LENGTH:
		out->has_length = ndr_get_unique_u32(r, &ignored);
		break;
	default:
		break;
	}
}

uint32_t winreg_request_decode(struct ndr_reader *r, uint16_t opnum, struct winreg_request *out)
{
	const struct call *call = find(opnum);

	*out = (struct winreg_request){ .name = "" };
	if (!call)
		return RPC_FAULT_OP_RANGE;
	for (size_t i = 0; i < PARAMETERS && call->request[i]; i++)
		get_parameter(r, (enum parameter)call->request[i], out);
	return ndr_fault(r);
}

static void put_data(struct ndr_writer *w, const struct winreg_request *q)
{
	ndr_put_bytes(w, q->data, q->data_length);
	ndr_put_u32(w, q->data_length);
}

static void put_time(struct ndr_writer *w, bool present, uint64_t time)
{
	ndr_put_pointer(w, present);
	if (present) {
		ndr_put_u32(w, (uint32_t)time);
		ndr_put_u32(w, (uint32_t)(time >> 32));
	}
}

static void put_wish(struct ndr_writer *w, bool present, uint32_t value)
{
	ndr_put_unique_u32(w, present ? &value : NULL);
}

static void put_parameter(struct ndr_writer *w, enum parameter p, const struct winreg_request *q)
{
	switch (p) {
	case P_SERVER:
	case P_SECURITY:
		ndr_put_pointer(w, false);
		break;
	case P_HANDLE:
		ndr_put_handle(w, q->handle);
		break;
	case P_NAME:
		put_string(w, q->name ? q->name : "", 0);
		break;
	case P_CLASS:
		put_string(w, NULL, 0);
		break;
	case P_INDEX:
		ndr_put_u32(w, q->index);
		break;
	case P_OPTIONS:
		ndr_put_u32(w, q->options);
		break;
	case P_ACCESS:
		ndr_put_u32(w, q->access);
		break;
	case P_TYPE:
		ndr_put_u32(w, q->type);
		break;
	case P_DATA:
		put_data(w, q);
		break;
	case P_WANTS_DISPOSITION:
		put_wish(w, q->has_disposition, 0);
		break;
	case P_NAME_ROOM:
		put_room(w, q->name_room);
		break;
	case P_CLASS_ROOM:
		ndr_put_pointer(w, q->has_class);
		if (q->has_class)
			put_room(w, q->class_room);
		break;
	case P_WANTS_TIME:
		put_time(w, q->has_time, 0);
		break;
	case P_WANTS_TYPE:
		put_wish(w, q->has_type, 0);
		break;
	case P_WANTS_DATA:
		if (q->has_data)
			put_varying(w, NULL, 0, q->size);
		else
			ndr_put_pointer(w, false);
		break;
	case P_WANTS_SIZE:
		put_wish(w, q->has_size, q->size);
		break;
	case P_WANTS_LENGTH:
		put_wish(w, q->has_length, 0);
		break;
	default:
		break;
	}
}

void winreg_request_encode(struct ndr_writer *w, uint16_t opnum,
			   const struct winreg_request *request)
{
	const struct call *call = find(opnum);

	BUG_ON(!call);
	for (size_t i = 0; i < PARAMETERS && call->request[i]; i++)
		put_parameter(w, (enum parameter)call->request[i], request);
}

/* QueryInfoKey: sizes of names are in bytes without a terminator (3.1.5.16). */
static void put_info(struct ndr_writer *w, const struct winreg_key_info *info)
{
	ndr_put_u32(w, info->subkeys);
	ndr_put_u32(w, info->longest_subkey);
	ndr_put_u32(w, 0); /* the longest class */
	ndr_put_u32(w, info->values);
	ndr_put_u32(w, info->longest_name);
	ndr_put_u32(w, info->longest_data);
	ndr_put_u32(w, 0); /* the security descriptor */
	ndr_put_u32(w, (uint32_t)info->changed);
	ndr_put_u32(w, (uint32_t)(info->changed >> 32));
}

static void get_info(struct ndr_reader *r, struct winreg_key_info *info)
{
	info->subkeys = ndr_get_u32(r);
	info->longest_subkey = ndr_get_u32(r);
	(void)ndr_get_u32(r);
	info->values = ndr_get_u32(r);
	info->longest_name = ndr_get_u32(r);
	info->longest_data = ndr_get_u32(r);
	(void)ndr_get_u32(r);
	info->changed = ndr_get_u32(r);
	info->changed |= (uint64_t)ndr_get_u32(r) << 32;
}

static void put_result(struct ndr_writer *w, enum parameter p, const struct winreg_request *q,
		       const struct winreg_reply *a)
{
	switch (p) {
	case R_HANDLE:
		ndr_put_handle(w, a->handle);
		break;
	case R_DISPOSITION:
		put_wish(w, q->has_disposition, a->disposition);
		break;
	case R_NAME:
		put_string(w, a->name, 0);
		break;
	case R_CLASS:
		ndr_put_pointer(w, q->has_class);
		if (q->has_class)
			put_string(w, NULL, 0);
		break;
	case R_EMPTY_NAME:
		put_string(w, NULL, 0);
		break;
	case R_TIME:
		put_time(w, q->has_time, a->changed);
		break;
	case R_TYPE:
		put_wish(w, q->has_type, a->type);
		break;
	case R_DATA:
		if (q->has_data)
			put_varying(w, a->data, a->data ? a->data_length : 0, 0);
		else
			ndr_put_pointer(w, false);
		break;
	case R_SIZE:
		put_wish(w, q->has_size, a->size);
		break;
	case R_LENGTH:
		put_wish(w, q->has_length, a->data ? a->data_length : 0);
		break;
	case R_INFO:
		put_info(w, &a->info);
		break;
	case R_VERSION:
		ndr_put_u32(w, a->version);
		break;
	default:
		break;
	}
}

void winreg_reply_encode(struct ndr_writer *w, uint16_t opnum, const struct winreg_request *request,
			 const struct winreg_reply *reply)
{
	const struct call *call = find(opnum);

	BUG_ON(!call);
	for (size_t i = 0; i < PARAMETERS && call->reply[i]; i++)
		put_result(w, (enum parameter)call->reply[i], request, reply);
	ndr_put_u32(w, reply->status);
}

static void get_result(struct ndr_reader *r, enum parameter p, struct winreg_reply *out)
{
	uint32_t ignored;
	bool present;

	switch (p) {
	case R_HANDLE:
		ndr_get_handle(r, out->handle);
		break;
	case R_DISPOSITION:
		(void)ndr_get_unique_u32(r, &out->disposition);
		break;
	case R_NAME:
		out->name = get_string(r, &ignored);
		break;
	case R_CLASS:
		if (ndr_get_pointer(r))
			(void)get_string(r, &ignored);
		break;
	case R_EMPTY_NAME:
		(void)get_string(r, &ignored);
		break;
	case R_TIME:
		get_time(r, &present, &out->changed);
		break;
	case R_TYPE:
		(void)ndr_get_unique_u32(r, &out->type);
		break;
	case R_DATA:
		out->data = get_varying(r, &present, &out->data_length);
		break;
	case R_SIZE:
		(void)ndr_get_unique_u32(r, &out->size);
		break;
	case R_LENGTH:
		(void)ndr_get_unique_u32(r, &ignored);
		break;
	case R_INFO:
		get_info(r, &out->info);
		break;
	case R_VERSION:
		out->version = ndr_get_u32(r);
		break;
	default:
		break;
	}
}

uint32_t winreg_reply_decode(struct ndr_reader *r, uint16_t opnum, struct winreg_reply *out)
{
	const struct call *call = find(opnum);

	*out = (struct winreg_reply){ .name = "" };
	BUG_ON(!call);
	for (size_t i = 0; i < PARAMETERS && call->reply[i]; i++)
		get_result(r, (enum parameter)call->reply[i], out);
	out->status = ndr_get_u32(r);
	return ndr_fault(r);
}
