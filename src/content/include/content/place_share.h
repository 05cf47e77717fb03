// SPDX-License-Identifier: Apache-2.0
/* A place on an SMB share, reached through the client of this project (content/place.h). */
#ifndef CONTENT_PLACE_SHARE_H
#define CONTENT_PLACE_SHARE_H

#include <client/client.h>
#include <content/place.h>

struct place_smb_options {
	const char *host;   /* to connect to; NULL: @server */
	uint16_t port;	    /* 0: 445 */
	const char *server; /* the name in the path */
	const char *share;
	const char *path; /* below the share; NULL or "": its root. It is made where missing */
	struct client_options session; /* account, signing, encryption, time-outs; what is
					  "pending" may take 90 s where it says nothing else */
};
/* place_open_smb - connects. Strings are copied. */
struct place *place_open_smb(const struct place_smb_options *options, struct content_failure *why);

#endif
