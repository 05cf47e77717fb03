// SPDX-License-Identifier: Apache-2.0
/*
 * SMB2 messages: bytes <-> structs (MS-SMB2 2.2). For each command there are four functions, so
 * that server, client, fuzzers and the packet dump share them:
 *
 *   smb2_X_request_decode(c, &r)    server reads      smb2_X_request_encode(b, &r)    client writes
 *   smb2_X_response_encode(b, &r)   server writes     smb2_X_response_decode(c, &r)   client reads
 *
 * A decoder gets a cursor whose base is the first byte of the message's SMB2 header (offsets in
 * messages count from there) and whose next read is the body; it checks StructureSize and every
 * offset and length, and fills @r only; what is variable in length comes back as a cursor into the
 * message. It returns STATUS_INVALID_PARAMETER for anything that does not parse. An encoder appends
 * the body to @b, where the header began at b->len - SMB2_HEADER_SIZE at the time of the call (so
 * the buffer's start may hold a transport header and earlier messages of a compound).
 */
#ifndef WIRE_SMB2_H
#define WIRE_SMB2_H

#include <base/buf.h>
#include <base/cursor.h>
#include <base/guid.h>
#include <base/nttime.h>
#include <wire/ntstatus.h>

#define SMB2_HEADER_SIZE    64
#define SMB2_TRANSFORM_SIZE 52
#define SMB2_PROTOCOL_ID    0x424d53feu /* FE 'S' 'M' 'B' read little-endian */
#define SMB2_TRANSFORM_ID   0x424d53fdu
#define SMB2_COMPRESSION_ID 0x424d53fcu
#define SMB1_PROTOCOL_ID    0x424d53ffu

enum smb2_command {
	SMB2_NEGOTIATE = 0,
	SMB2_SESSION_SETUP = 1,
	SMB2_LOGOFF = 2,
	SMB2_TREE_CONNECT = 3,
	SMB2_TREE_DISCONNECT = 4,
	SMB2_CREATE = 5,
	SMB2_CLOSE = 6,
	SMB2_FLUSH = 7,
	SMB2_READ = 8,
	SMB2_WRITE = 9,
	SMB2_LOCK = 10,
	SMB2_IOCTL = 11,
	SMB2_CANCEL = 12,
	SMB2_ECHO = 13,
	SMB2_QUERY_DIRECTORY = 14,
	SMB2_CHANGE_NOTIFY = 15,
	SMB2_QUERY_INFO = 16,
	SMB2_SET_INFO = 17,
	SMB2_OPLOCK_BREAK = 18,
	SMB2_COMMAND_COUNT = 19,
};
const char *smb2_command_name(uint16_t command); /* "CREATE" */

/* Header flags. */
#define SMB2_FLAGS_SERVER_TO_REDIR    0x00000001u
#define SMB2_FLAGS_ASYNC_COMMAND      0x00000002u
#define SMB2_FLAGS_RELATED_OPERATIONS 0x00000004u
#define SMB2_FLAGS_SIGNED	      0x00000008u
#define SMB2_FLAGS_PRIORITY_MASK      0x00000070u
#define SMB2_FLAGS_DFS_OPERATIONS     0x10000000u
#define SMB2_FLAGS_REPLAY_OPERATION   0x20000000u

struct smb2_header {
	uint16_t credit_charge;
	uint32_t status;	   /* responses; in requests ChannelSequence is its low half */
	uint16_t channel_sequence; /* requests of 3.x */
	uint16_t command;
	uint16_t credits; /* asked for, or granted */
	uint32_t flags;
	uint32_t next_command;
	uint64_t message_id;
	uint64_t async_id; /* with SMB2_FLAGS_ASYNC_COMMAND */
	uint32_t tree_id;  /* without it */
	uint64_t session_id;
	uint8_t signature[16];
};
/* Offsets of fields that are patched after encoding. */
#define SMB2_HEADER_STATUS_AT	 8
#define SMB2_HEADER_CREDITS_AT	 14
#define SMB2_HEADER_FLAGS_AT	 16
#define SMB2_HEADER_NEXT_AT	 20
#define SMB2_HEADER_SIGNATURE_AT 48

ntstatus smb2_header_decode(struct cursor *c,
			    struct smb2_header *h) MUST_CHECK; /* from ProtocolId on */
void smb2_header_encode(struct buf *b, const struct smb2_header *h);

/* TRANSFORM_HEADER (2.2.41). */
struct smb2_transform {
	uint8_t signature[16];
	uint8_t nonce[16];
	uint32_t original_size;
	uint16_t flags; /* 1: encrypted */
	uint64_t session_id;
};
#define SMB2_TRANSFORM_NONCE_AT                                                                    \
	20 /* the authenticated part runs from here to the end of the header */
ntstatus smb2_transform_decode(struct cursor *c, struct smb2_transform *t) MUST_CHECK;
void smb2_transform_encode(struct buf *b, const struct smb2_transform *t);

struct smb2_file_id {
	uint64_t persistent;
	uint64_t volatile_id;
};
#define SMB2_FILE_ID_RELATED                                                                       \
	UINT64_MAX /* both halves: the file of the previous request in the compound */

/* ERROR response (2.2.2). */
struct smb2_error {
	uint8_t context_count; /* 3.1.1 */
	struct cursor data;
};
void smb2_error_encode(struct buf *b, const void *data, size_t length, uint8_t context_count);
ntstatus smb2_error_decode(struct cursor *c, struct smb2_error *e) MUST_CHECK;

/* NEGOTIATE (2.2.3, 2.2.4). */
#define SMB2_DIALECT_202		    0x0202
#define SMB2_DIALECT_210		    0x0210
#define SMB2_DIALECT_300		    0x0300
#define SMB2_DIALECT_302		    0x0302
#define SMB2_DIALECT_311		    0x0311
#define SMB2_DIALECT_2FF		    0x02ff
#define SMB2_NEGOTIATE_SIGNING_ENABLED	    1
#define SMB2_NEGOTIATE_SIGNING_REQUIRED	    2
#define SMB2_GLOBAL_CAP_DFS		    0x01u
#define SMB2_GLOBAL_CAP_LEASING		    0x02u
#define SMB2_GLOBAL_CAP_LARGE_MTU	    0x04u
#define SMB2_GLOBAL_CAP_MULTI_CHANNEL	    0x08u
#define SMB2_GLOBAL_CAP_PERSISTENT_HANDLES  0x10u
#define SMB2_GLOBAL_CAP_DIRECTORY_LEASING   0x20u
#define SMB2_GLOBAL_CAP_ENCRYPTION	    0x40u

#define SMB2_PREAUTH_INTEGRITY_CAPABILITIES 1
#define SMB2_ENCRYPTION_CAPABILITIES	    2
#define SMB2_COMPRESSION_CAPABILITIES	    3
#define SMB2_NETNAME_NEGOTIATE_CONTEXT_ID   5
#define SMB2_TRANSPORT_CAPABILITIES	    6
#define SMB2_RDMA_TRANSFORM_CAPABILITIES    7
#define SMB2_SIGNING_CAPABILITIES	    8
#define SMB2_HASH_SHA512		    1

#define SMB2_COMPRESSION_NONE		    0
#define SMB2_COMPRESSION_LZNT1		    1
#define SMB2_COMPRESSION_LZ77		    2
#define SMB2_COMPRESSION_LZ77_HUFFMAN	    3
#define SMB2_COMPRESSION_PATTERN_V1	    4
#define SMB2_COMPRESSION_FLAG_CHAINED	    1u

#define SMB2_MAX_DIALECTS		    64
#define SMB2_MAX_ALGORITHMS		    16
#define SMB2_MAX_NEG_CONTEXTS		    32

struct smb2_negotiate_contexts {
	bool has_preauth;
	uint16_t preauth_count; /* requests: number offered; responses: 1 */
	uint16_t preauth_hash[SMB2_MAX_ALGORITHMS];
	uint16_t salt_length;
	uint8_t salt[64]; /* the first 64 bytes; its content is only hashed */
	bool has_encryption;
	uint16_t cipher_count;
	uint16_t cipher[SMB2_MAX_ALGORITHMS];
	bool has_signing;
	uint16_t signing_count;
	uint16_t signing[SMB2_MAX_ALGORITHMS];
	bool has_compression;
	uint16_t compression_count;
	uint32_t compression_flags;
	uint16_t compression[SMB2_MAX_ALGORITHMS];
	struct cursor netname; /* UTF-16; empty where not sent */
};

/*
 * Compressed messages (2.2.42, 3.1.4.4, 3.1.5.2, 3.1.5.3). What both sides agreed on: the
 * algorithms, as bits 1 << SMB2_COMPRESSION_*, the one that this side compresses with, and whether
 * a message may be a chain of payloads.
 */
struct smb2_compression {
	uint32_t algorithms; /* 0: nothing is compressed */
	uint16_t preferred;  /* SMB2_COMPRESSION_NONE: patterns at most */
	bool chained;
};
#define SMB2_COMPRESSION_PAYLOADS_MAX 64 /* of one chain */
/* smb2_compression_known - the bits of those that can be spoken here. */
uint32_t smb2_compression_known(void);
/*
 * smb2_compression_agree - what is left of an offer: its algorithms that are known, the first of
 * those that compress any data being preferred.
 */
struct smb2_compression smb2_compression_agree(const struct smb2_negotiate_contexts *offer);
/*
 * smb2_decompress - append the message in @c, which begins at its ProtocolId, to @out. At most
 * @most bytes: whatever it claims, no more memory is taken. STATUS_BAD_COMPRESSION_BUFFER for what
 * was not agreed on, is larger, or does not decompress to exactly what it says.
 */
ntstatus smb2_decompress(struct cursor *c, const struct smb2_compression *agreed, size_t most,
			 struct buf *out) MUST_CHECK;
/*
 * smb2_compress - append @message, compressed but for its first @plain bytes, to @out. False, and
 * nothing appended, where that would not make it smaller.
 */
bool smb2_compress(const struct smb2_compression *agreed, const uint8_t *message, size_t length,
		   size_t plain, struct buf *out) MUST_CHECK;

struct smb2_negotiate_request {
	uint16_t dialect_count;
	uint16_t dialects[SMB2_MAX_DIALECTS];
	uint16_t security_mode;
	uint32_t capabilities;
	struct guid client_guid;
	struct smb2_negotiate_contexts contexts; /* only where 3.1.1 is among the dialects */
};
struct smb2_negotiate_response {
	uint16_t security_mode;
	uint16_t dialect;
	struct guid server_guid;
	uint32_t capabilities;
	uint32_t max_transact_size;
	uint32_t max_read_size;
	uint32_t max_write_size;
	nttime system_time;
	nttime server_start_time;
	struct cursor security_buffer;
	struct smb2_negotiate_contexts contexts; /* dialect 3.1.1 */
};
/* A duplicate context, or none for pre-authentication with 3.1.1: STATUS_INVALID_PARAMETER. */
ntstatus smb2_negotiate_request_decode(struct cursor *c,
				       struct smb2_negotiate_request *r) MUST_CHECK;
void smb2_negotiate_request_encode(struct buf *b, const struct smb2_negotiate_request *r);
ntstatus smb2_negotiate_response_decode(struct cursor *c,
					struct smb2_negotiate_response *r) MUST_CHECK;
void smb2_negotiate_response_encode(struct buf *b, const struct smb2_negotiate_response *r);

/*
 * The multi-protocol negotiate (MS-CIFS 2.2.4.52.1): an SMB1 NEGOTIATE that lists "SMB 2.002" or
 * "SMB 2.???".
 * @dialect becomes SMB2_DIALECT_2FF, SMB2_DIALECT_202, or 0 where neither is listed. @c begins at
 * the SMB1 header.
 */
ntstatus smb1_negotiate_decode(struct cursor *c, uint16_t *dialect) MUST_CHECK;

/* SESSION_SETUP (2.2.5, 2.2.6). */
#define SMB2_SESSION_FLAG_BINDING      0x01
#define SMB2_SESSION_FLAG_IS_GUEST     0x0001
#define SMB2_SESSION_FLAG_IS_NULL      0x0002
#define SMB2_SESSION_FLAG_ENCRYPT_DATA 0x0004
struct smb2_session_setup_request {
	uint8_t flags;
	uint8_t security_mode;
	uint32_t capabilities;
	uint64_t previous_session_id;
	struct cursor security_buffer;
};
struct smb2_session_setup_response {
	uint16_t session_flags;
	struct cursor security_buffer;
};
ntstatus smb2_session_setup_request_decode(struct cursor *c,
					   struct smb2_session_setup_request *r) MUST_CHECK;
void smb2_session_setup_request_encode(struct buf *b, const struct smb2_session_setup_request *r);
ntstatus smb2_session_setup_response_decode(struct cursor *c,
					    struct smb2_session_setup_response *r) MUST_CHECK;
void smb2_session_setup_response_encode(struct buf *b, const struct smb2_session_setup_response *r);

/* Requests and responses that hold nothing: LOGOFF, TREE_DISCONNECT, CANCEL, ECHO, FLUSH and LOCK
 * responses. */
ntstatus smb2_empty_decode(struct cursor *c) MUST_CHECK;
void smb2_empty_encode(struct buf *b);

/* TREE_CONNECT (2.2.9, 2.2.10). */
#define SMB2_TREE_CONNECT_FLAG_CLUSTER_RECONNECT   0x0001
#define SMB2_TREE_CONNECT_FLAG_REDIRECT_TO_OWNER   0x0002
#define SMB2_TREE_CONNECT_FLAG_EXTENSION_PRESENT   0x0004
#define SMB2_SHARE_TYPE_DISK			   1
#define SMB2_SHARE_TYPE_PIPE			   2
#define SMB2_SHARE_TYPE_PRINT			   3
#define SMB2_SHAREFLAG_MANUAL_CACHING		   0x00000000u
#define SMB2_SHAREFLAG_AUTO_CACHING		   0x00000010u
#define SMB2_SHAREFLAG_VDO_CACHING		   0x00000020u
#define SMB2_SHAREFLAG_NO_CACHING		   0x00000030u
#define SMB2_SHAREFLAG_DFS			   0x00000001u
#define SMB2_SHAREFLAG_RESTRICT_EXCLUSIVE_OPENS	   0x00000100u
#define SMB2_SHAREFLAG_FORCE_SHARED_DELETE	   0x00000200u
#define SMB2_SHAREFLAG_ALLOW_NAMESPACE_CACHING	   0x00000400u
#define SMB2_SHAREFLAG_ACCESS_BASED_DIRECTORY_ENUM 0x00000800u
#define SMB2_SHAREFLAG_ENCRYPT_DATA		   0x00008000u
#define SMB2_SHAREFLAG_COMPRESS_DATA		   0x00100000u
#define SMB2_SHARE_CAP_CONTINUOUS_AVAILABILITY	   0x00000010u
#define SMB2_SHARE_CAP_SCALEOUT			   0x00000020u
#define SMB2_SHARE_CAP_CLUSTER			   0x00000040u
#define SMB2_SHARE_CAP_ASYMMETRIC		   0x00000080u
struct smb2_tree_connect_request {
	uint16_t flags;
	struct cursor path; /* UTF-16, \\server\share */
};
struct smb2_tree_connect_response {
	uint8_t share_type;
	uint32_t share_flags;
	uint32_t capabilities;
	uint32_t maximal_access;
};
ntstatus smb2_tree_connect_request_decode(struct cursor *c,
					  struct smb2_tree_connect_request *r) MUST_CHECK;
void smb2_tree_connect_request_encode(struct buf *b, const struct smb2_tree_connect_request *r);
ntstatus smb2_tree_connect_response_decode(struct cursor *c,
					   struct smb2_tree_connect_response *r) MUST_CHECK;
void smb2_tree_connect_response_encode(struct buf *b, const struct smb2_tree_connect_response *r);

/* CREATE (2.2.13, 2.2.14). */
#define SMB2_OPLOCK_LEVEL_NONE		     0x00
#define SMB2_OPLOCK_LEVEL_II		     0x01
#define SMB2_OPLOCK_LEVEL_EXCLUSIVE	     0x08
#define SMB2_OPLOCK_LEVEL_BATCH		     0x09
#define SMB2_OPLOCK_LEVEL_LEASE		     0xff

#define FILE_SHARE_READ			     1u
#define FILE_SHARE_WRITE		     2u
#define FILE_SHARE_DELETE		     4u

#define FILE_SUPERSEDE			     0u
#define FILE_OPEN			     1u
#define FILE_CREATE			     2u
#define FILE_OPEN_IF			     3u
#define FILE_OVERWRITE			     4u
#define FILE_OVERWRITE_IF		     5u

#define FILE_SUPERSEDED			     0u
#define FILE_OPENED			     1u
#define FILE_CREATED			     2u
#define FILE_OVERWRITTEN		     3u

#define FILE_DIRECTORY_FILE		     0x00000001u
#define FILE_WRITE_THROUGH		     0x00000002u
#define FILE_SEQUENTIAL_ONLY		     0x00000004u
#define FILE_NO_INTERMEDIATE_BUFFERING	     0x00000008u
#define FILE_SYNCHRONOUS_IO_ALERT	     0x00000010u
#define FILE_SYNCHRONOUS_IO_NONALERT	     0x00000020u
#define FILE_NON_DIRECTORY_FILE		     0x00000040u
#define FILE_COMPLETE_IF_OPLOCKED	     0x00000100u
#define FILE_NO_EA_KNOWLEDGE		     0x00000200u
#define FILE_RANDOM_ACCESS		     0x00000800u
#define FILE_DELETE_ON_CLOSE		     0x00001000u
#define FILE_OPEN_BY_FILE_ID		     0x00002000u
#define FILE_OPEN_FOR_BACKUP_INTENT	     0x00004000u
#define FILE_NO_COMPRESSION		     0x00008000u
#define FILE_OPEN_REMOTE_INSTANCE	     0x00000400u
#define FILE_OPEN_REQUIRING_OPLOCK	     0x00010000u
#define FILE_DISALLOW_EXCLUSIVE		     0x00020000u
#define FILE_RESERVE_OPFILTER		     0x00100000u
#define FILE_OPEN_REPARSE_POINT		     0x00200000u
#define FILE_OPEN_NO_RECALL		     0x00400000u
#define FILE_OPEN_FOR_FREE_SPACE_QUERY	     0x00800000u

#define SMB2_LEASE_NONE			     0u
#define SMB2_LEASE_READ			     1u
#define SMB2_LEASE_HANDLE		     2u
#define SMB2_LEASE_WRITE		     4u
#define SMB2_LEASE_FLAG_BREAK_IN_PROGRESS    0x02u
#define SMB2_LEASE_FLAG_PARENT_LEASE_KEY_SET 0x04u

struct smb2_lease {
	bool present;
	uint8_t version; /* 1 or 2 */
	uint8_t key[16];
	uint32_t state;
	uint32_t flags;
	uint8_t parent_key[16]; /* version 2 */
	uint16_t epoch;		/* version 2 */
};
#define SMB2_DHANDLE_FLAG_PERSISTENT 0x02u
struct smb2_durable {
	bool request_v1, reconnect_v1, request_v2, reconnect_v2;
	struct smb2_file_id file_id; /* reconnects */
	struct guid create_guid;     /* version 2 */
	uint32_t timeout_ms;	     /* version 2, request */
	uint32_t flags;		     /* version 2 */
};
/* The create contexts of a request, decoded; those that are unknown are skipped. */
struct smb2_create_contexts {
	bool has_ea;
	struct cursor ea; /* ExtA: FILE_FULL_EA_INFORMATION list */
	bool has_sd;
	struct cursor sd;	     /* SecD */
	struct smb2_durable durable; /* DHnQ DHnC DH2Q DH2C */
	bool has_allocation_size;
	uint64_t allocation_size;  /* AlSi */
	bool wants_maximal_access; /* MxAc */
	nttime maximal_access_timestamp;
	bool has_timewarp;
	nttime timewarp;	 /* TWrp */
	bool wants_disk_id;	 /* QFid */
	struct smb2_lease lease; /* RqLs */
	bool has_app_instance;
	struct guid app_instance_id;
	bool has_app_instance_version;
	uint64_t app_instance_version_high, app_instance_version_low;
};
struct smb2_create_request {
	uint8_t oplock_level;
	uint32_t impersonation_level;
	uint32_t desired_access;
	uint32_t file_attributes;
	uint32_t share_access;
	uint32_t create_disposition;
	uint32_t create_options;
	struct cursor name; /* UTF-16 */
	struct smb2_create_contexts contexts;
};
/* The times and sizes that CREATE and CLOSE answer with. */
struct smb2_file_facts {
	nttime creation_time, last_access_time, last_write_time, change_time;
	uint64_t allocation_size, end_of_file;
	uint32_t file_attributes;
};
struct smb2_create_response {
	uint8_t oplock_level;
	uint8_t flags;
	uint32_t create_action;
	struct smb2_file_facts facts;
	struct smb2_file_id file_id;
	/* Contexts of the answer. */
	bool has_maximal_access;
	ntstatus maximal_access_status;
	uint32_t maximal_access;
	bool has_disk_id;
	uint64_t disk_file_id, disk_volume_id;
	struct smb2_lease lease;
	bool durable_v1;
	bool durable_v2;
	uint32_t durable_timeout_ms, durable_flags;
};
ntstatus smb2_create_request_decode(struct cursor *c, struct smb2_create_request *r) MUST_CHECK;
void smb2_create_request_encode(struct buf *b, const struct smb2_create_request *r);
ntstatus smb2_create_response_decode(struct cursor *c, struct smb2_create_response *r) MUST_CHECK;
void smb2_create_response_encode(struct buf *b, const struct smb2_create_response *r);

/* CLOSE (2.2.15, 2.2.16). */
#define SMB2_CLOSE_FLAG_POSTQUERY_ATTRIB 1
struct smb2_close_request {
	uint16_t flags;
	struct smb2_file_id file_id;
};
struct smb2_close_response {
	uint16_t flags;
	struct smb2_file_facts facts; /* zeros without the flag */
};
ntstatus smb2_close_request_decode(struct cursor *c, struct smb2_close_request *r) MUST_CHECK;
void smb2_close_request_encode(struct buf *b, const struct smb2_close_request *r);
ntstatus smb2_close_response_decode(struct cursor *c, struct smb2_close_response *r) MUST_CHECK;
void smb2_close_response_encode(struct buf *b, const struct smb2_close_response *r);

/* FLUSH (2.2.17); its response is empty. */
struct smb2_flush_request {
	struct smb2_file_id file_id;
};
ntstatus smb2_flush_request_decode(struct cursor *c, struct smb2_flush_request *r) MUST_CHECK;
void smb2_flush_request_encode(struct buf *b, const struct smb2_flush_request *r);

/* READ (2.2.19, 2.2.20). */
#define SMB2_READFLAG_READ_UNBUFFERED	 0x01
#define SMB2_READFLAG_REQUEST_COMPRESSED 0x02
struct smb2_read_request {
	uint8_t padding; /* where the client would like the data; a hint */
	uint8_t flags;
	uint32_t length;
	uint64_t offset;
	struct smb2_file_id file_id;
	uint32_t minimum_count;
	uint32_t channel;
	uint32_t remaining_bytes;
};
struct smb2_read_response {
	struct cursor data;
	uint32_t data_remaining;
};
#define SMB2_READ_RESPONSE_HEAD 16 /* bytes of body in front of the data */
ntstatus smb2_read_request_decode(struct cursor *c, struct smb2_read_request *r) MUST_CHECK;
void smb2_read_request_encode(struct buf *b, const struct smb2_read_request *r);
ntstatus smb2_read_response_decode(struct cursor *c, struct smb2_read_response *r) MUST_CHECK;
/* The fixed part only: the caller has room behind it and reads the file straight into that. */
void smb2_read_response_encode_head(struct buf *b, uint32_t length, uint32_t data_remaining);

/* WRITE (2.2.21, 2.2.22). */
#define SMB2_WRITEFLAG_WRITE_THROUGH	0x00000001u
#define SMB2_WRITEFLAG_WRITE_UNBUFFERED 0x00000002u
struct smb2_write_request {
	uint64_t offset;
	struct smb2_file_id file_id;
	uint32_t channel;
	uint32_t remaining_bytes;
	uint32_t flags;
	struct cursor data;
};
struct smb2_write_response {
	uint32_t count;
	uint32_t remaining;
};
ntstatus smb2_write_request_decode(struct cursor *c, struct smb2_write_request *r) MUST_CHECK;
void smb2_write_request_encode(struct buf *b, const struct smb2_write_request *r);
ntstatus smb2_write_response_decode(struct cursor *c, struct smb2_write_response *r) MUST_CHECK;
void smb2_write_response_encode(struct buf *b, const struct smb2_write_response *r);

/* LOCK (2.2.26); its response is empty. */
#define SMB2_LOCKFLAG_SHARED_LOCK      0x01u
#define SMB2_LOCKFLAG_EXCLUSIVE_LOCK   0x02u
#define SMB2_LOCKFLAG_UNLOCK	       0x04u
#define SMB2_LOCKFLAG_FAIL_IMMEDIATELY 0x10u
#define SMB2_MAX_LOCKS		       64
struct smb2_lock_element {
	uint64_t offset;
	uint64_t length;
	uint32_t flags;
};
struct smb2_lock_request {
	uint16_t count;
	uint32_t lock_sequence; /* number in the low 4 bits, index in the rest */
	struct smb2_file_id file_id;
	struct smb2_lock_element locks[SMB2_MAX_LOCKS];
};
ntstatus smb2_lock_request_decode(struct cursor *c, struct smb2_lock_request *r) MUST_CHECK;
void smb2_lock_request_encode(struct buf *b, const struct smb2_lock_request *r);

/* IOCTL (2.2.31, 2.2.32). */
#define SMB2_IOCTL_IS_FSCTL		   1u
#define FSCTL_DFS_GET_REFERRALS		   0x00060194u
#define FSCTL_DFS_GET_REFERRALS_EX	   0x000601B0u
#define FSCTL_PIPE_PEEK			   0x0011400Cu
#define FSCTL_PIPE_WAIT			   0x00110018u
#define FSCTL_PIPE_TRANSCEIVE		   0x0011C017u
#define FSCTL_SRV_COPYCHUNK		   0x001440F2u
#define FSCTL_SRV_COPYCHUNK_WRITE	   0x001480F2u
#define FSCTL_SRV_ENUMERATE_SNAPSHOTS	   0x00144064u
#define FSCTL_SRV_REQUEST_RESUME_KEY	   0x00140078u
#define FSCTL_SRV_READ_HASH		   0x001441bbu
#define FSCTL_LMR_REQUEST_RESILIENCY	   0x001401D4u
#define FSCTL_QUERY_NETWORK_INTERFACE_INFO 0x001401FCu
#define FSCTL_SET_REPARSE_POINT		   0x000900A4u
#define FSCTL_GET_REPARSE_POINT		   0x000900A8u
#define FSCTL_DELETE_REPARSE_POINT	   0x000900ACu
#define FSCTL_FILE_LEVEL_TRIM		   0x00098208u
#define FSCTL_VALIDATE_NEGOTIATE_INFO	   0x00140204u
#define FSCTL_SET_SPARSE		   0x000900C4u
#define FSCTL_SET_ZERO_DATA		   0x000980C8u
#define FSCTL_QUERY_ALLOCATED_RANGES	   0x000940CFu
#define FSCTL_GET_COMPRESSION		   0x0009003Cu
#define FSCTL_SET_COMPRESSION		   0x0009C040u
#define FSCTL_CREATE_OR_GET_OBJECT_ID	   0x000900C0u
#define FSCTL_GET_OBJECT_ID		   0x0009009Cu
#define FSCTL_DUPLICATE_EXTENTS_TO_FILE	   0x00098344u
#define FSCTL_GET_INTEGRITY_INFORMATION	   0x0009027Cu
#define FSCTL_QUERY_FILE_REGIONS	   0x00090284u
#define FSCTL_OFFLOAD_READ		   0x00094264u
#define FSCTL_OFFLOAD_WRITE		   0x00098268u
struct smb2_ioctl_request {
	uint32_t code;
	struct smb2_file_id file_id;
	uint32_t max_input_response;
	uint32_t max_output_response;
	uint32_t flags;
	struct cursor input;
};
struct smb2_ioctl_response {
	uint32_t code;
	struct smb2_file_id file_id;
	uint32_t flags;
	struct cursor input;
	struct cursor output;
};
ntstatus smb2_ioctl_request_decode(struct cursor *c, struct smb2_ioctl_request *r) MUST_CHECK;
void smb2_ioctl_request_encode(struct buf *b, const struct smb2_ioctl_request *r);
ntstatus smb2_ioctl_response_decode(struct cursor *c, struct smb2_ioctl_response *r) MUST_CHECK;
void smb2_ioctl_response_encode(struct buf *b, const struct smb2_ioctl_response *r);

/* QUERY_DIRECTORY (2.2.33, 2.2.34). */
#define SMB2_RESTART_SCANS	 0x01
#define SMB2_RETURN_SINGLE_ENTRY 0x02
#define SMB2_INDEX_SPECIFIED	 0x04
#define SMB2_REOPEN		 0x10
struct smb2_query_directory_request {
	uint8_t info_class;
	uint8_t flags;
	uint32_t file_index;
	struct smb2_file_id file_id;
	struct cursor pattern; /* UTF-16 */
	uint32_t output_length;
};
ntstatus smb2_query_directory_request_decode(struct cursor *c,
					     struct smb2_query_directory_request *r) MUST_CHECK;
void smb2_query_directory_request_encode(struct buf *b,
					 const struct smb2_query_directory_request *r);

/* CHANGE_NOTIFY (2.2.35, 2.2.36). */
#define SMB2_WATCH_TREE 1
struct smb2_change_notify_request {
	uint16_t flags;
	uint32_t output_length;
	struct smb2_file_id file_id;
	uint32_t completion_filter;
};
ntstatus smb2_change_notify_request_decode(struct cursor *c,
					   struct smb2_change_notify_request *r) MUST_CHECK;
void smb2_change_notify_request_encode(struct buf *b, const struct smb2_change_notify_request *r);

/* QUERY_INFO (2.2.37, 2.2.38). */
#define SMB2_0_INFO_FILE       1
#define SMB2_0_INFO_FILESYSTEM 2
#define SMB2_0_INFO_SECURITY   3
#define SMB2_0_INFO_QUOTA      4
struct smb2_query_info_request {
	uint8_t info_type;
	uint8_t info_class;
	uint32_t output_length;
	uint32_t additional_information;
	uint32_t flags;
	struct smb2_file_id file_id;
	struct cursor input;
};
ntstatus smb2_query_info_request_decode(struct cursor *c,
					struct smb2_query_info_request *r) MUST_CHECK;
void smb2_query_info_request_encode(struct buf *b, const struct smb2_query_info_request *r);

/*
 * The response of QUERY_DIRECTORY, CHANGE_NOTIFY and QUERY_INFO: one output buffer, directly
 * behind. begin appends the fixed part and remembers nothing: what the caller appends after it is
 * the output; end patches the length. @at is what begin returned.
 */
size_t smb2_output_response_begin(struct buf *b);
void smb2_output_response_end(struct buf *b, size_t at);
ntstatus smb2_output_response_decode(struct cursor *c, struct cursor *output) MUST_CHECK;

/* SET_INFO (2.2.39, 2.2.40); its response is two bytes. */
struct smb2_set_info_request {
	uint8_t info_type;
	uint8_t info_class;
	uint32_t additional_information;
	struct smb2_file_id file_id;
	struct cursor input;
};
ntstatus smb2_set_info_request_decode(struct cursor *c, struct smb2_set_info_request *r) MUST_CHECK;
void smb2_set_info_request_encode(struct buf *b, const struct smb2_set_info_request *r);
void smb2_set_info_response_encode(struct buf *b);
ntstatus smb2_set_info_response_decode(struct cursor *c) MUST_CHECK;

/* OPLOCK_BREAK: notification, acknowledgement, response, for oplocks (24 bytes) and leases (2.2.23
 * to 2.2.25). */
struct smb2_oplock_break {
	bool is_lease;
	/* oplock */
	uint8_t oplock_level;
	struct smb2_file_id file_id;
	/* lease */
	uint8_t lease_key[16];
	uint32_t lease_flags;		   /* notification: 1 = acknowledgement required */
	uint32_t lease_state;		   /* acknowledgement and response */
	uint32_t current_state, new_state; /* notification */
	uint16_t new_epoch;
};
#define SMB2_NOTIFY_BREAK_LEASE_FLAG_ACK_REQUIRED 1u
ntstatus smb2_oplock_break_ack_decode(struct cursor *c, struct smb2_oplock_break *r)
	MUST_CHECK; /* also the response */
void smb2_oplock_break_ack_encode(struct buf *b,
				  const struct smb2_oplock_break *r); /* also the response */
ntstatus smb2_oplock_break_notification_decode(struct cursor *c,
					       struct smb2_oplock_break *r) MUST_CHECK;
void smb2_oplock_break_notification_encode(struct buf *b, const struct smb2_oplock_break *r);

/* Payloads of FSCTLs (2.2.31.x, 2.2.32.x). */
/* One row of FSCTL_QUERY_NETWORK_INTERFACE_INFO (2.2.32.5). */
#define SMB2_INTERFACE_RSS_CAPABLE  0x00000001u
#define SMB2_INTERFACE_INFO_SIZE    152
#define SMB2_MAX_NETWORK_INTERFACES 256
struct smb2_network_interface {
	uint32_t index, capability;
	uint64_t link_speed; /* bits a second */
	bool is_ipv6;
	uint8_t address[16]; /* 4 of them for IPv4 */
};
/* smb2_network_interface_encode - append a row; *last is where the one before begins in @b
 * (SIZE_MAX: there is none), and is moved on. */
void smb2_network_interface_encode(struct buf *b, const struct smb2_network_interface *row,
				   size_t *last);
/* smb2_network_interface_next - take one row; false at the end, or where @c is bad. */
bool smb2_network_interface_next(struct cursor *c, struct smb2_network_interface *row) MUST_CHECK;

struct smb2_validate_negotiate {
	uint32_t capabilities;
	struct guid guid;
	uint16_t security_mode;
	uint16_t dialect_count; /* request */
	uint16_t dialects[SMB2_MAX_DIALECTS];
	uint16_t dialect; /* response */
};
ntstatus smb2_validate_negotiate_request_decode(struct cursor c,
						struct smb2_validate_negotiate *v) MUST_CHECK;
void smb2_validate_negotiate_request_encode(struct buf *b, const struct smb2_validate_negotiate *v);
ntstatus smb2_validate_negotiate_response_decode(struct cursor c,
						 struct smb2_validate_negotiate *v) MUST_CHECK;
void smb2_validate_negotiate_response_encode(struct buf *b,
					     const struct smb2_validate_negotiate *v);

#define SMB2_COPYCHUNK_MAX_CHUNKS 256
struct smb2_copychunk {
	uint64_t source_offset, target_offset;
	uint32_t length;
};
struct smb2_copychunk_request {
	uint8_t source_key[24];
	uint32_t count;
	struct smb2_copychunk chunks[SMB2_COPYCHUNK_MAX_CHUNKS];
};
ntstatus smb2_copychunk_request_decode(struct cursor c,
				       struct smb2_copychunk_request *r) MUST_CHECK;
void smb2_copychunk_request_encode(struct buf *b, const struct smb2_copychunk_request *r);

#endif
