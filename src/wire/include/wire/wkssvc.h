// SPDX-License-Identifier: Apache-2.0
/*
 * The Workstation Service remote protocol (MS-WKST), as far as a server is asked it: who it is.
 * Replies are info_reply_encode and info_reply_decode of srvsvc.h.
 */
#ifndef WIRE_WKSSVC_H
#define WIRE_WKSSVC_H

#include <wire/srvsvc.h>

extern const struct dcerpc_syntax
	WKSSVC_INTERFACE; /* 6bffd098-a112-3610-9833-46c3f87e345a, version 1.0 */

enum wkssvc_opnum {
	WKSSVC_GET_INFO = 0,
	WKSSVC_OPNUM_COUNT = 31,
};

struct wkssvc_info { /* 2.2.5.1 to 2.2.5.3 */
	uint32_t platform_id;
	const char *computer_name;
	const char *group; /* workgroup or domain */
	uint32_t version_major, version_minor;
	const char *root;
	uint32_t logged_on_users;
};
extern const struct ndr_levels WKSSVC_INFOS; /* 100, 101, 102 */

uint32_t wkssvc_info_request_decode(struct ndr_reader *r,
				    struct srvsvc_info_request *out) MUST_CHECK;
void wkssvc_info_request_encode(struct ndr_writer *w, const struct srvsvc_info_request *request);

#endif
