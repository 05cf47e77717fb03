// SPDX-License-Identifier: Apache-2.0
/* MS-WKST: NetrWkstaGetInfo (3.2.4.1). */
#include <wire/wkssvc.h>

const struct dcerpc_syntax WKSSVC_INTERFACE = { { 0x98, 0xd0, 0xff, 0x6b, 0x12, 0xa1, 0x10, 0x36,
						  0x98, 0x33, 0x46, 0xc3, 0xf8, 0x7e, 0x34, 0x5a },
						1 };

#define NUMBER(m)                                                                                  \
	{                                                                                          \
		.kind = NDR_U32, .offset = offsetof(struct wkssvc_info, m)                         \
	}
#define TEXT(m)                                                                                    \
	{                                                                                          \
		.kind = NDR_STRING, .offset = offsetof(struct wkssvc_info, m)                      \
	}
#define COMMON                                                                                     \
	NUMBER(platform_id), TEXT(computer_name), TEXT(group), NUMBER(version_major),              \
		NUMBER(version_minor)

static const struct ndr_level levels[] = {
	{ 100, 5, { COMMON } },
	{ 101, 6, { COMMON, TEXT(root) } },
	{ 102, 7, { COMMON, TEXT(root), NUMBER(logged_on_users) } },
};
const struct ndr_levels WKSSVC_INFOS = {
	.row_size = sizeof(struct wkssvc_info),
	.count = ARRAY_LEN(levels),
	.has_default = true,
	.levels = levels,
};

uint32_t wkssvc_info_request_decode(struct ndr_reader *r, struct srvsvc_info_request *out)
{
	*out = (struct srvsvc_info_request){ .server_name = ndr_get_unique_string(r) };
	out->level = ndr_get_u32(r);
	return ndr_fault(r);
}

void wkssvc_info_request_encode(struct ndr_writer *w, const struct srvsvc_info_request *request)
{
	ndr_put_unique_string(w, request->server_name);
	ndr_put_u32(w, request->level);
}
