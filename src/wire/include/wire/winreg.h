// SPDX-License-Identifier: Apache-2.0
/*
 * The remote registry (MS-RRP): the calls that open, list, read and write keys and values, as
 * structs and stubs, for the server (rpc/) and for callers (client/, site/). What travels is one
 * set of parameters in an order that each call has in a table, so one struct serves all requests,
 * and one all replies.
 */
#ifndef WIRE_WINREG_H
#define WIRE_WINREG_H

#include <wire/dcerpc.h>
#include <wire/ndr.h>

extern const struct dcerpc_syntax
	WINREG_INTERFACE; /* 338cd001-2244-31f1-aaaa-900038001003, version 1.0 */

enum winreg_opnum {
	WINREG_OPEN_LOCAL_MACHINE = 2,
	WINREG_CLOSE_KEY = 5,
	WINREG_CREATE_KEY = 6,
	WINREG_DELETE_KEY = 7,
	WINREG_DELETE_VALUE = 8,
	WINREG_ENUM_KEY = 9,
	WINREG_ENUM_VALUE = 10,
	WINREG_FLUSH_KEY = 11,
	WINREG_OPEN_KEY = 15,
	WINREG_QUERY_INFO_KEY = 16,
	WINREG_QUERY_VALUE = 17,
	WINREG_SET_VALUE = 22,
	WINREG_GET_VERSION = 26,
	WINREG_OPNUM_COUNT = 27,
};

#define WINREG_HANDLE_LENGTH   NDR_HANDLE_LENGTH
#define WINREG_DATA_MAX	       65536u

/* Rights of a key (MS-RRP 2.2.3). */
#define KEY_QUERY_VALUE	       0x00000001u
#define KEY_SET_VALUE	       0x00000002u
#define KEY_CREATE_SUB_KEY     0x00000004u
#define KEY_ENUMERATE_SUB_KEYS 0x00000008u
#define KEY_ALL_ACCESS	       0x000f003fu

enum winreg_type { REG_NONE, REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD };
#define REG_TYPE_MAX 11u /* REG_QWORD */

enum winreg_disposition { REG_CREATED_NEW_KEY = 1, REG_OPENED_EXISTING_KEY = 2 };

/* What the calls return besides WERR_* of srvsvc.h (MS-ERREF 2.2). */
#define WERR_FILE_NOT_FOUND	 2u
#define WERR_INVALID_HANDLE	 6u
#define WERR_NO_MORE_ITEMS	 259u
#define WERR_NO_SYSTEM_RESOURCES 1450u
#define WERR_KEY_DELETED	 1018u
#define WERR_KEY_HAS_CHILDREN	 1020u

struct winreg_request {
	uint8_t handle[WINREG_HANDLE_LENGTH];
	const char *name; /* of a key or value; NULL reads as "" */
	uint32_t index;
	uint32_t options, access;
	uint32_t type;
	const uint8_t *data; /* SetValue */
	uint32_t data_length;
	uint32_t name_room, class_room;	   /* bytes that the caller has for what is listed */
	bool has_class, has_time;	   /* EnumKey: it wants these */
	bool has_disposition;		   /* CreateKey */
	bool has_type, has_data, has_size; /* QueryValue, EnumValue: it wants these */
	bool has_length;
	uint32_t size; /* bytes that it has for the data */
};
/* winreg_request_decode - RPC_FAULT_NONE or the fault; texts live in the reader's memory. */
uint32_t winreg_request_decode(struct ndr_reader *r, uint16_t opnum, struct winreg_request *out);
void winreg_request_encode(struct ndr_writer *w, uint16_t opnum,
			   const struct winreg_request *request);

struct winreg_key_info {
	uint32_t subkeys, longest_subkey, values, longest_name, longest_data; /* bytes */
	uint64_t changed;						      /* NT time */
};
struct winreg_reply {
	uint8_t handle[WINREG_HANDLE_LENGTH];
	uint32_t disposition, version, type;
	const char *name;
	const uint8_t *data;
	uint32_t data_length, size; /* size: what the data needs, where there was no room */
	uint64_t changed;
	struct winreg_key_info info;
	uint32_t status;
};
void winreg_reply_encode(struct ndr_writer *w, uint16_t opnum, const struct winreg_request *request,
			 const struct winreg_reply *reply);
uint32_t winreg_reply_decode(struct ndr_reader *r, uint16_t opnum, struct winreg_reply *out);

#endif
