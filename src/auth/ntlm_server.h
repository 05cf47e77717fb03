// SPDX-License-Identifier: Apache-2.0
/* NTLM inside a login: two messages taken, one answered. Owned and driven by login.c. */
#ifndef AUTH_NTLM_SERVER_H
#define AUTH_NTLM_SERVER_H

#include <auth/login.h>

struct ntlm_server {
	const struct login_config *config;

	/* As sent, because the MIC covers them and the client must have proven what we said. */
	struct buf negotiate, challenge, target_info;
	uint8_t server_challenge[8];
	uint32_t offered; /* flags of the challenge */
	nttime sent;

	char user[TOKEN_MAX_NAME], domain[TOKEN_MAX_NAME], workstation[TOKEN_MAX_NAME];
	const char *reason;

	/* After success. */
	struct token *token;
	bool has_key; /* key is what the client has too */
	uint8_t key[LOGIN_KEY_LENGTH];
	uint32_t agreed; /* flags of both */
};

void ntlm_server_init(struct ntlm_server *n, const struct login_config *config);
void ntlm_server_free(struct ntlm_server *n);

/* ntlm_server_challenge - take NEGOTIATE, append CHALLENGE. */
ntstatus ntlm_server_challenge(struct ntlm_server *n, struct cursor in, struct buf *out) MUST_CHECK;
/* ntlm_server_authenticate - take AUTHENTICATE: statuses as login_step. */
ntstatus ntlm_server_authenticate(struct ntlm_server *n, struct cursor in) MUST_CHECK;

#endif
