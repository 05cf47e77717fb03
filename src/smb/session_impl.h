// SPDX-License-Identifier: Apache-2.0
/* Between session.c (life) and cmd_session_setup.c (how it begins). */
#ifndef SMB_SESSION_IMPL_H
#define SMB_SESSION_IMPL_H

#include "session.h"

/* session_new - a session in progress, entered in its connection and the table; their reference. */
struct session *session_new(struct connection *conn);
/* session_become_valid - it is authenticated: counted, shown to people. */
void session_become_valid(struct session *session);
/* session_end_elsewhere - have it ended on its own loop; any thread that has a reference. */
void session_end_elsewhere(struct session *session);
void attempt_free(struct attempt *attempt);

#endif
