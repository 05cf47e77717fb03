// SPDX-License-Identifier: Apache-2.0
/*
 * The Server Service remote protocol (MS-SRVS): the calls that manage shares, sessions, connections
 * and open files of a server, as structs and stubs, for the server (rpc/) and for callers (site/,
 * migrate/).
 *
 * A request decoder fills its struct and returns RPC_FAULT_NONE or the status of the fault that the
 * client gets. Strings live in the reader's memory. A row with a level is written and read by one
 * table (ndr.h).
 */
#ifndef WIRE_SRVSVC_H
#define WIRE_SRVSVC_H

#include <wire/dcerpc.h>
#include <wire/ndr.h>

extern const struct dcerpc_syntax
	SRVSVC_INTERFACE; /* 4b324fc8-1670-01d3-1278-5a47bf6ee188, version 3.0 */

enum srvsvc_opnum {
	SRVSVC_CONNECTION_ENUM = 8,
	SRVSVC_FILE_ENUM = 9,
	SRVSVC_FILE_GET_INFO = 10,
	SRVSVC_FILE_CLOSE = 11,
	SRVSVC_SESSION_ENUM = 12,
	SRVSVC_SESSION_DEL = 13,
	SRVSVC_SHARE_ADD = 14,
	SRVSVC_SHARE_ENUM = 15,
	SRVSVC_SHARE_GET_INFO = 16,
	SRVSVC_SHARE_SET_INFO = 17,
	SRVSVC_SHARE_DEL = 18,
	SRVSVC_SHARE_CHECK = 20,
	SRVSVC_SERVER_GET_INFO = 21,
	SRVSVC_SERVER_DISK_ENUM = 23,
	SRVSVC_REMOTE_TOD = 28,
	SRVSVC_PATH_TYPE = 30,
	SRVSVC_NAME_VALIDATE = 33,
	SRVSVC_SHARE_ENUM_STICKY = 36,
	SRVSVC_SHARE_DEL_EX = 57,
	SRVSVC_OPNUM_COUNT = 58,
};

/* What the calls return (MS-ERREF 2.2; the NERR_ ones MS-SRVS 2.2.2). */
#define WERR_SUCCESS		   0u
#define WERR_ACCESS_DENIED	   5u
#define WERR_NOT_ENOUGH_MEMORY	   8u
#define WERR_NOT_SUPPORTED	   50u
#define WERR_INVALID_PARAMETER	   87u
#define WERR_INVALID_NAME	   123u
#define WERR_INVALID_LEVEL	   124u
#define WERR_MORE_DATA		   234u
#define NERR_UNKNOWN_DEV_DIR	   2116u
#define NERR_REDIRECTED_PATH	   2117u
#define NERR_DUPLICATE_SHARE	   2118u
#define NERR_BUF_TOO_SMALL	   2123u
#define NERR_NET_NAME_NOT_FOUND	   2310u
#define NERR_DEVICE_NOT_SHARED	   2311u
#define NERR_CLIENT_NAME_NOT_FOUND 2312u
#define NERR_FILE_ID_NOT_FOUND	   2314u
#define NERR_USER_NOT_FOUND	   2221u

#define MAX_PREFERRED_LENGTH	   UINT32_MAX

/* The two ends of every listing call. */
struct srvsvc_enum_request {
	const char *server_name;
	const char *qualifier; /* NetrConnectionEnum: share or client; NetrFileEnum: path;
				  NetrSessionEnum: client */
	const char *user_name; /* NetrFileEnum, NetrSessionEnum */
	struct ndr_list list;  /* what is asked for: the level; its rows mean nothing */
	uint32_t preferred_maximum;
	bool has_resume;
	uint32_t resume;
};
struct srvsvc_enum_reply {
	struct ndr_list list;
	uint32_t total;
	bool has_resume;
	uint32_t resume;
	uint32_t status;
};

/* A share: every level is a part of it (MS-SRVS 2.2.4.22 to 2.2.4.31). */
struct srvsvc_share {
	const char *name, *remark, *path, *password;
	const char *server_name; /* 503: the scope; "*" for names that have none of their own */
	uint32_t type, permissions, max_uses, current_uses;
	uint32_t flags; /* 501, 1005: caching and SHI1005_FLAGS_* */
	const uint8_t *sd;
	uint32_t sd_length;
};
#define SHI1005_CSC_MASK		    0x0030u
#define SHI1005_ACCESS_BASED_DIRECTORY_ENUM 0x0800u
#define SHI1005_ENABLE_CA		    0x4000u
#define SHI1005_ENCRYPT_DATA		    0x8000u

struct srvsvc_connection { /* 2.2.4.1, 2.2.4.2 */
	uint32_t id, type, num_opens, num_users, time_s;
	const char *user_name, *net_name;
};
struct srvsvc_file { /* 2.2.4.6, 2.2.4.7 */
	uint32_t id, permissions, num_locks;
	const char *path_name, *user_name;
};
struct srvsvc_session { /* 2.2.4.11 to 2.2.4.15 */
	const char *client, *user_name, *client_type, *transport;
	uint32_t num_opens, time_s, idle_s, user_flags;
};
#define SESS_GUEST	  1u
#define SESS_NOENCRYPTION 2u

struct srvsvc_server { /* 2.2.4.40 to 2.2.4.42 */
	uint32_t platform_id;
	const char *name;
	uint32_t version_major, version_minor, type;
	const char *comment;
	uint32_t users, disconnect_minutes, hidden, announce_s, announce_delta_ms, licenses;
	const char *user_path;
};
#define PLATFORM_ID_NT	      500u
#define SV_TYPE_WORKSTATION   0x00000001u
#define SV_TYPE_SERVER	      0x00000002u
#define SV_TYPE_NT	      0x00001000u
#define SV_TYPE_SERVER_NT     0x00008000u
#define SV_TYPE_CLUSTER_NT    0x01000000u
#define SV_TYPE_CLUSTER_VS_NT 0x04000000u

extern const struct ndr_levels SRVSVC_SHARES,
	SRVSVC_SHARE_LIST; /* what one share, and a list of them, can be asked in */
extern const struct ndr_levels SRVSVC_CONNECTIONS, SRVSVC_FILES, SRVSVC_SESSIONS, SRVSVC_SERVERS;

/* srvsvc_enum_* - NetrShareEnum and Sticky, NetrConnectionEnum, NetrFileEnum, NetrSessionEnum, by
 * opnum. */
uint32_t srvsvc_enum_request_decode(struct ndr_reader *r, uint16_t opnum,
				    struct srvsvc_enum_request *out) MUST_CHECK;
void srvsvc_enum_request_encode(struct ndr_writer *w, uint16_t opnum,
				const struct srvsvc_enum_request *request);
void srvsvc_enum_reply_encode(struct ndr_writer *w, uint16_t opnum,
			      const struct srvsvc_enum_reply *reply);
uint32_t srvsvc_enum_reply_decode(struct ndr_reader *r, uint16_t opnum,
				  struct srvsvc_enum_reply *out) MUST_CHECK;
/* srvsvc_enum_levels - the table of the rows that a listing call gives; NULL for other calls. */
const struct ndr_levels *srvsvc_enum_levels(uint16_t opnum);

/* NetrShareGetInfo, NetrFileGetInfo, NetrServerGetInfo, and NetrWkstaGetInfo of wkssvc.h: one row
 * at a level. */
struct srvsvc_info_request {
	const char *server_name;
	const char *name; /* NetrShareGetInfo */
	uint32_t id;	  /* NetrFileGetInfo */
	uint32_t level;
};
uint32_t srvsvc_info_request_decode(struct ndr_reader *r, uint16_t opnum,
				    struct srvsvc_info_request *out) MUST_CHECK;
void srvsvc_info_request_encode(struct ndr_writer *w, uint16_t opnum,
				const struct srvsvc_info_request *request);
/* info_reply_encode - @row may be NULL where @status is an error. */
void info_reply_encode(struct ndr_writer *w, const struct ndr_levels *levels, uint32_t level,
		       const void *row, uint32_t status);
/* info_reply_decode - @row is filled where *present; @level is what was asked for. */
uint32_t info_reply_decode(struct ndr_reader *r, const struct ndr_levels *levels, uint32_t level,
			   void *row, bool *present, uint32_t *status) MUST_CHECK;

/* NetrShareAdd, NetrShareSetInfo (name), NetrShareDelEx: a share at a level, from the client. */
struct srvsvc_share_request {
	const char *server_name;
	const char *name; /* NetrShareSetInfo */
	uint32_t level;
	bool has_share;
	struct srvsvc_share share;
	bool has_parameter_error; /* not in NetrShareDelEx */
	uint32_t parameter_error;
};
uint32_t srvsvc_share_request_decode(struct ndr_reader *r, uint16_t opnum,
				     struct srvsvc_share_request *out) MUST_CHECK;
void srvsvc_share_request_encode(struct ndr_writer *w, uint16_t opnum,
				 const struct srvsvc_share_request *request);
/* srvsvc_share_reply_encode - @parameter_error NULL where the client sent none. */
void srvsvc_share_reply_encode(struct ndr_writer *w, uint16_t opnum,
			       const uint32_t *parameter_error, uint32_t status);
uint32_t srvsvc_share_reply_decode(struct ndr_reader *r, uint16_t opnum,
				   uint32_t *status) MUST_CHECK;

/* The calls that take a few names and numbers; each uses the members that its row of the table
 * names. */
struct srvsvc_plain_request {
	const char *server_name;
	const char
		*name; /* NetrShareDel, NetrShareCheck (device), NetprPathType, NetprNameValidate */
	const char *client;    /* NetrSessionDel */
	const char *user_name; /* NetrSessionDel */
	uint32_t id;	       /* NetrFileClose */
	uint32_t type;	       /* NetprNameValidate */
	uint32_t flags;	       /* NetprPathType, NetprNameValidate; NetrShareDel: reserved */
};
uint32_t srvsvc_plain_request_decode(struct ndr_reader *r, uint16_t opnum,
				     struct srvsvc_plain_request *out) MUST_CHECK;
void srvsvc_plain_request_encode(struct ndr_writer *w, uint16_t opnum,
				 const struct srvsvc_plain_request *request);
/* A reply of no more than the status (NetrShareDel ...), or of one number before it
 * (NetrShareCheck, NetprPathType). */
void srvsvc_status_encode(struct ndr_writer *w, uint32_t status);
void srvsvc_value_encode(struct ndr_writer *w, uint32_t value, uint32_t status);
uint32_t srvsvc_status_decode(struct ndr_reader *r, uint32_t *status) MUST_CHECK;

/* NetrServerDiskEnum (3.1.4.19). */
struct srvsvc_disk_request {
	const char *server_name;
	uint32_t level, preferred_maximum;
	bool has_resume;
	uint32_t resume;
};
uint32_t srvsvc_disk_request_decode(struct ndr_reader *r,
				    struct srvsvc_disk_request *out) MUST_CHECK;
/* srvsvc_disk_reply_encode - @letters: "CS" for the drives C: and S:. */
void srvsvc_disk_reply_encode(struct ndr_writer *w, const struct srvsvc_disk_request *request,
			      const char *letters, uint32_t status);

/* NetrRemoteTOD (2.2.4.105). */
struct srvsvc_time_of_day {
	uint32_t elapsed_s, uptime_ms, hours, minutes, seconds, hundredths;
	int32_t timezone_minutes; /* west of UTC; -1 where it is not known */
	uint32_t tick_interval, day, month, year, weekday;
};
void srvsvc_time_reply_encode(struct ndr_writer *w, const struct srvsvc_time_of_day *time,
			      uint32_t status);

#endif
