// SPDX-License-Identifier: Apache-2.0
/*
 * MS-SRVS: what the levels consist of. Each row names the members of a structure in the order of
 * the wire.
 */
#include <wire/srvsvc.h>

const struct dcerpc_syntax SRVSVC_INTERFACE = { { 0xc8, 0x4f, 0x32, 0x4b, 0x70, 0x16, 0xd3, 0x01,
						  0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e, 0xe1, 0x88 },
						3 };

#define TABLE(t) .count = ARRAY_LEN(t), .levels = (t)
#define NUMBER(s, m)                                                                               \
	{                                                                                          \
		.kind = NDR_U32, .offset = offsetof(struct s, m)                                   \
	}
#define TEXT(s, m)                                                                                 \
	{                                                                                          \
		.kind = NDR_STRING, .offset = offsetof(struct s, m)                                \
	}
#define COUNTED(s, m, n)                                                                           \
	{                                                                                          \
		.kind = NDR_BYTES, .offset = offsetof(struct s, m),                                \
		.length_offset = offsetof(struct s, n)                                             \
	}

#define NAME	    TEXT(srvsvc_share, name)
#define TYPE	    NUMBER(srvsvc_share, type)
#define REMARK	    TEXT(srvsvc_share, remark)
#define PERMISSIONS NUMBER(srvsvc_share, permissions)
#define MAX_USES    NUMBER(srvsvc_share, max_uses)
#define USES	    NUMBER(srvsvc_share, current_uses)
#define PATH	    TEXT(srvsvc_share, path)
#define PASSWORD    TEXT(srvsvc_share, password)
#define SERVER	    TEXT(srvsvc_share, server_name)
#define FLAGS	    NUMBER(srvsvc_share, flags)
#define DESCRIPTOR  COUNTED(srvsvc_share, sd, sd_length)

/* The first six are what lists come in as well (SHARE_ENUM_UNION, 2.2.3.5). */
static const struct ndr_level share_levels[] = {
	{ 0, 1, { NAME } },
	{ 1, 3, { NAME, TYPE, REMARK } },
	{ 2, 8, { NAME, TYPE, REMARK, PERMISSIONS, MAX_USES, USES, PATH, PASSWORD } },
	{ 501, 4, { NAME, TYPE, REMARK, FLAGS } },
	{ 502, 9, { NAME, TYPE, REMARK, PERMISSIONS, MAX_USES, USES, PATH, PASSWORD, DESCRIPTOR } },
	{ 503,
	  10,
	  { NAME, TYPE, REMARK, PERMISSIONS, MAX_USES, USES, PATH, PASSWORD, SERVER, DESCRIPTOR } },
	{ 1004, 1, { REMARK } },
	{ 1005, 1, { FLAGS } },
	{ 1006, 1, { MAX_USES } },
	{ 1501, 1, { DESCRIPTOR } },
};
const struct ndr_levels SRVSVC_SHARES = {
	.row_size = sizeof(struct srvsvc_share),
	.has_default = true,
	TABLE(share_levels),
};
const struct ndr_levels SRVSVC_SHARE_LIST = {
	.row_size = sizeof(struct srvsvc_share),
	.count = 6,
	.levels = share_levels,
};

static const struct ndr_level connection_levels[] = {
	{ 0, 1, { NUMBER(srvsvc_connection, id) } },
	{ 1,
	  7,
	  { NUMBER(srvsvc_connection, id), NUMBER(srvsvc_connection, type),
	    NUMBER(srvsvc_connection, num_opens), NUMBER(srvsvc_connection, num_users),
	    NUMBER(srvsvc_connection, time_s), TEXT(srvsvc_connection, user_name),
	    TEXT(srvsvc_connection, net_name) } },
};
const struct ndr_levels SRVSVC_CONNECTIONS = {
	.row_size = sizeof(struct srvsvc_connection),
	TABLE(connection_levels),
};

static const struct ndr_level file_levels[] = {
	{ 2, 1, { NUMBER(srvsvc_file, id) } },
	{ 3,
	  5,
	  { NUMBER(srvsvc_file, id), NUMBER(srvsvc_file, permissions),
	    NUMBER(srvsvc_file, num_locks), TEXT(srvsvc_file, path_name),
	    TEXT(srvsvc_file, user_name) } },
};
const struct ndr_levels SRVSVC_FILES = { .row_size = sizeof(struct srvsvc_file),
					 TABLE(file_levels) };

#define CLIENT	  TEXT(srvsvc_session, client)
#define USER	  TEXT(srvsvc_session, user_name)
#define OPENS	  NUMBER(srvsvc_session, num_opens)
#define TIME	  NUMBER(srvsvc_session, time_s)
#define IDLE	  NUMBER(srvsvc_session, idle_s)
#define USERFLAGS NUMBER(srvsvc_session, user_flags)
#define CLTYPE	  TEXT(srvsvc_session, client_type)
#define TRANSPORT TEXT(srvsvc_session, transport)

static const struct ndr_level session_levels[] = {
	{ 0, 1, { CLIENT } },
	{ 1, 6, { CLIENT, USER, OPENS, TIME, IDLE, USERFLAGS } },
	{ 2, 7, { CLIENT, USER, OPENS, TIME, IDLE, USERFLAGS, CLTYPE } },
	{ 10, 4, { CLIENT, USER, TIME, IDLE } },
	{ 502, 8, { CLIENT, USER, OPENS, TIME, IDLE, USERFLAGS, CLTYPE, TRANSPORT } },
};
const struct ndr_levels SRVSVC_SESSIONS = { .row_size = sizeof(struct srvsvc_session),
					    TABLE(session_levels) };

#define PLATFORM NUMBER(srvsvc_server, platform_id)
#define SVNAME	 TEXT(srvsvc_server, name)
#define MAJOR	 NUMBER(srvsvc_server, version_major)
#define MINOR	 NUMBER(srvsvc_server, version_minor)
#define SVTYPE	 NUMBER(srvsvc_server, type)
#define COMMENT	 TEXT(srvsvc_server, comment)

static const struct ndr_level server_levels[] = {
	{ 100, 2, { PLATFORM, SVNAME } },
	{ 101, 6, { PLATFORM, SVNAME, MAJOR, MINOR, SVTYPE, COMMENT } },
	{ 102,
	  13,
	  { PLATFORM, SVNAME, MAJOR, MINOR, SVTYPE, COMMENT, NUMBER(srvsvc_server, users),
	    NUMBER(srvsvc_server, disconnect_minutes), NUMBER(srvsvc_server, hidden),
	    NUMBER(srvsvc_server, announce_s), NUMBER(srvsvc_server, announce_delta_ms),
	    NUMBER(srvsvc_server, licenses), TEXT(srvsvc_server, user_path) } },
};
const struct ndr_levels SRVSVC_SERVERS = {
	.row_size = sizeof(struct srvsvc_server),
	.has_default = true,
	TABLE(server_levels),
};
