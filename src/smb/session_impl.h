// SPDX-License-Identifier: Apache-2.0
/* Between session.c (life) and cmd_session_setup.c (how it begins). */
#ifndef SMB_SESSION_IMPL_H
#define SMB_SESSION_IMPL_H

#include "session.h"

/* session_new - a session in progress and its first channel, which is returned (not counted): both
 * are entered. */
struct channel *session_new(struct connection *conn);
/* session_become_valid - it is authenticated over @channel: counted, shown to people. */
void session_become_valid(struct session *session, struct channel *channel);
/* session_end_elsewhere - have it ended on its own loop; any thread that has a reference. */
void session_end_elsewhere(struct session *session);
void attempt_free(struct attempt *attempt);

#endif
