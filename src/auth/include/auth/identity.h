// SPDX-License-Identifier: Apache-2.0
/*
 * Whom a session acts as. That can become another while the session lives, by authenticating anew
 * (MS-SMB2 3.3.5.5.2): what is asked from then on is checked against the new token, on handles that
 * are open as well as for new ones; what a handle was granted when it was opened, it keeps.
 *
 * The session and each of its opens hold a reference. The token of now is read without a lock, by
 * any thread. One that it was before is kept until the identity goes, so that who still reads it
 * needs no reference; how many those may be has a limit.
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include <auth/token.h>

#define IDENTITY_MAX_TOKENS 16u /* different ones over the life of a session */

struct identity;

/* identity_new - with one reference; takes a reference to @token. */
struct identity *identity_new(struct token *token);
struct identity *identity_get(struct identity *identity);
void identity_put(struct identity *identity); /* NULL is allowed */

/* identity_token - who it is now; lives as long as the identity. */
struct token *identity_token(const struct identity *identity);
/*
 * identity_may_become - is @token of the account that it began as, or of nobody? No other may take
 * over a session whose keys somebody else knows: a login that is relayed into it would be signed.
 */
bool identity_may_become(const struct identity *identity, const struct token *token) MUST_CHECK;
/*
 * identity_become - from now on it is @token, unless that says the same as the one of now. Any
 * thread. False: it has been too many by now, and stays what it is.
 */
bool identity_become(struct identity *identity, struct token *token) MUST_CHECK;

#endif
