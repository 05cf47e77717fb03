// SPDX-License-Identifier: Apache-2.0
/*
 * NEGOTIATE (MS-SMB2 3.3.5.3, 3.3.5.4): the highest dialect that both speak, what this server backs
 * of the capabilities, and for 3.1.1 the algorithms. The SMB1 multi-protocol negotiate only leads
 * here.
 */
#include <auth/login.h>
#include <base/log.h>

#include "request.h"

static const uint16_t dialects[] = { SMB2_DIALECT_202, SMB2_DIALECT_210, SMB2_DIALECT_300,
				     SMB2_DIALECT_302, SMB2_DIALECT_311 };

#define SMALL_BYTES 65536u /* what may be read and written at once without LARGE_MTU */

uint16_t negotiate_dialect(const uint16_t *offered, size_t count)
{
	for (size_t i = ARRAY_LEN(dialects); i-- > 0;) {
		if (dialects[i] < smb.config.min_dialect || dialects[i] > smb.config.max_dialect)
			continue;
		for (size_t k = 0; k < count; k++)
			if (offered[k] == dialects[i])
				return dialects[i];
	}
	return 0;
}

/* What a server of 3.x backs, for a client that says that it does, too. */
#define MUTUAL_CAPABILITIES (SMB2_GLOBAL_CAP_MULTI_CHANNEL | SMB2_GLOBAL_CAP_DIRECTORY_LEASING)

uint32_t negotiate_capabilities(uint16_t dialect, enum cipher cipher, uint32_t of_client)
{
	uint32_t capabilities = 0;

	if (dialect >= SMB2_DIALECT_210)
		capabilities |= SMB2_GLOBAL_CAP_LARGE_MTU | SMB2_GLOBAL_CAP_LEASING;
	if (dialect >= SMB2_DIALECT_300)
		capabilities |= of_client & MUTUAL_CAPABILITIES;
	/* With 3.1.1 the encryption context says it (MS-SMB2 3.3.5.4). */
	if (dialect >= SMB2_DIALECT_300 && dialect < SMB2_DIALECT_311 && cipher != CIPHER_NONE)
		capabilities |= SMB2_GLOBAL_CAP_ENCRYPTION;
	return capabilities;
}

static bool has_cipher(enum cipher wanted)
{
	for (size_t i = 0; i < smb.config.cipher_count; i++)
		if (smb.config.ciphers[i] == wanted)
			return true;
	return false;
}

/* Our first that the client offers too. */
static enum cipher choose_cipher(const struct smb2_negotiate_contexts *c)
{
	for (size_t i = 0; i < smb.config.cipher_count; i++)
		for (size_t k = 0; k < c->cipher_count; k++)
			if (c->cipher[k] == smb.config.ciphers[i])
				return smb.config.ciphers[i];
	return CIPHER_NONE;
}

static bool choose_signing(const struct smb2_negotiate_contexts *c, enum sign_algorithm *out)
{
	for (size_t i = 0; i < smb.config.signing_count; i++) {
		if (smb.config.signing[i] == SIGN_AES_GMAC && !smb.config.gmac)
			continue;
		for (size_t k = 0; k < c->signing_count; k++) {
			if (c->signing[k] == smb.config.signing[i]) {
				*out = smb.config.signing[i];
				return true;
			}
		}
	}
	return false;
}

/* What both know of compression; where that is nothing, the answer says so (MS-SMB2 3.3.5.4). */
static void choose_compression(struct connection *conn, const struct smb2_negotiate_contexts *in,
			       struct smb2_negotiate_contexts *out)
{
	if (!in->has_compression || !smb.config.compression)
		return;
	conn->compression = smb2_compression_agree(in);
	out->has_compression = true;
	if (conn->compression.chained)
		out->compression_flags = SMB2_COMPRESSION_FLAG_CHAINED;
	for (size_t i = 0; i < in->compression_count; i++)
		if (in->compression[i] < 32 &&
		    conn->compression.algorithms & 1u << in->compression[i])
			out->compression[out->compression_count++] = in->compression[i];
	if (!out->compression_count)
		out->compression[out->compression_count++] = SMB2_COMPRESSION_NONE;
}

/* The contexts of 3.1.1: chosen algorithms into @conn, the answer into @out. */
static ntstatus choose_contexts(struct connection *conn, const struct smb2_negotiate_contexts *in,
				struct smb2_negotiate_contexts *out)
{
	bool has_sha512 = false;

	if (!in->has_preauth)
		return STATUS_INVALID_PARAMETER;
	for (size_t i = 0; i < in->preauth_count; i++)
		has_sha512 |= in->preauth_hash[i] == SMB2_HASH_SHA512;
	if (!has_sha512)
		return STATUS_SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP;
	out->has_preauth = true;
	out->preauth_count = 1;
	out->preauth_hash[0] = SMB2_HASH_SHA512;
	out->salt_length = 32;
	random_bytes(out->salt, out->salt_length);
	if (in->has_encryption) {
		conn->cipher = choose_cipher(in);
		out->has_encryption = true;
		out->cipher_count = 1;
		out->cipher[0] = (uint16_t)conn->cipher;
	}
	choose_compression(conn, in, out);
	conn->signing = SIGN_AES_CMAC;
	if (in->has_signing && choose_signing(in, &conn->signing)) {
		out->has_signing = true;
		out->signing_count = 1;
		out->signing[0] = (uint16_t)conn->signing;
	}
	return STATUS_SUCCESS;
}

static void choose_sizes(struct connection *conn)
{
	bool large = conn->capabilities & SMB2_GLOBAL_CAP_LARGE_MTU;

	conn->max_transact = large ? smb.config.max_transact_bytes : SMALL_BYTES;
	conn->max_read = large ? smb.config.max_read_bytes : SMALL_BYTES;
	conn->max_write = large ? smb.config.max_write_bytes : SMALL_BYTES;
}

/* The answer, from what @conn now says. */
static void answer(struct connection *conn, const struct smb2_negotiate_contexts *contexts,
		   struct buf *out)
{
	auto_buf struct buf offer = { 0 };
	struct smb2_negotiate_response r = {
		.dialect = conn->dialect,
		.server_guid = conn->server->guid,
		.capabilities = conn->capabilities,
		.max_transact_size = conn->max_transact,
		.max_read_size = conn->max_read,
		.max_write_size = conn->max_write,
		.system_time = nttime_now(),
		.contexts = *contexts,
	};

	conn->security_mode = SMB2_NEGOTIATE_SIGNING_ENABLED;
	if (smb.config.signing_required || conn->server->signing_required)
		conn->security_mode |= SMB2_NEGOTIATE_SIGNING_REQUIRED;
	r.security_mode = conn->security_mode;
	login_offer(&offer);
	r.security_buffer = cur_of(offer.data, offer.len);
	smb2_negotiate_response_encode(out, &r);
}

ntstatus cmd_negotiate(struct smb_request *rq)
{
	struct connection *conn = rq->conn;
	struct smb2_negotiate_contexts contexts = { 0 };
	struct smb2_negotiate_request r;
	ntstatus status;

	if (conn->dialect && conn->dialect != SMB2_DIALECT_2FF) {
		rq->drop = true; /* a second NEGOTIATE: MS-SMB2 3.3.5.4 */
		return STATUS_INVALID_PARAMETER;
	}
	status = smb2_negotiate_request_decode(&rq->message, &r);
	if (status)
		return status;
	if (!r.dialect_count)
		return STATUS_INVALID_PARAMETER;
	conn->dialect = negotiate_dialect(r.dialects, r.dialect_count);
	if (!conn->dialect)
		return STATUS_NOT_SUPPORTED;
	conn->cipher = CIPHER_NONE;
	conn->signing = conn->dialect >= SMB2_DIALECT_300 ? SIGN_AES_CMAC : SIGN_HMAC_SHA256;
	if (conn->dialect == SMB2_DIALECT_311)
		status = choose_contexts(conn, &r.contexts, &contexts);
	else if (conn->dialect >= SMB2_DIALECT_300 && has_cipher(CIPHER_AES_128_CCM) &&
		 r.capabilities & SMB2_GLOBAL_CAP_ENCRYPTION)
		conn->cipher = CIPHER_AES_128_CCM;
	if (status) {
		conn->dialect = 0;
		return status;
	}
	conn->client_guid = r.client_guid;
	conn->client_capabilities = r.capabilities;
	conn->client_security_mode = r.security_mode;
	conn->capabilities = negotiate_capabilities(conn->dialect, conn->cipher, r.capabilities);
	choose_sizes(conn);
	if (conn->dialect == SMB2_DIALECT_311) {
		if (!sha512_extend(conn->preauth, rq->message.base,
				   (size_t)(rq->message.end - rq->message.base)))
			return STATUS_INSUFFICIENT_RESOURCES;
		rq->hash = conn->preauth;
	}
	answer(conn, &contexts, &rq->reply);
	connection_negotiated(conn);
	return STATUS_SUCCESS;
}

const char *negotiate_smb1(struct connection *conn, const struct frame *frame)
{
	static const struct smb2_negotiate_contexts none;
	struct cursor c = cur_of(frame->data, frame->length);
	auto_buf struct buf b = { 0 };
	struct smb2_header h = {
		.command = SMB2_NEGOTIATE,
		.flags = SMB2_FLAGS_SERVER_TO_REDIR,
		.credits = 1,
	};
	uint16_t dialect;

	if (conn->dialect)
		return "SMB1 after NEGOTIATE";
	if (!smb.config.smb1_negotiate || smb1_negotiate_decode(&c, &dialect))
		return "SMB1";
	if (dialect == SMB2_DIALECT_2FF && smb.config.max_dialect < SMB2_DIALECT_210)
		dialect = SMB2_DIALECT_202;
	if (!dialect || (dialect == SMB2_DIALECT_202 && smb.config.min_dialect > dialect))
		return "SMB1 client that speaks no SMB2 dialect of ours";
	if (!sequence_take(&conn->sequence, 0, 1) || !sequence_grant(&conn->sequence, 1))
		return "SMB1 twice";
	conn->dialect = dialect;
	conn->signing = SIGN_HMAC_SHA256;
	/* 0x02FF only leads to a second negotiate, whose sizes and capabilities hold. */
	conn->capabilities = dialect == SMB2_DIALECT_2FF ? SMB2_GLOBAL_CAP_LARGE_MTU : 0;
	choose_sizes(conn);
	(void)buf_grow(&b, STREAM_HEADER);
	smb2_header_encode(&b, &h);
	answer(conn, &none, &b);
	conn->capabilities = 0;
	if (b.failed)
		return "out of memory";
	connection_send(conn, &b);
	if (dialect != SMB2_DIALECT_2FF)
		connection_negotiated(conn);
	return NULL;
}
