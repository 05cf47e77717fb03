// SPDX-License-Identifier: Apache-2.0
/* MS-DSSP 3.2.5.1: DsRolerGetPrimaryDomainInformation. */
#include <base/guid.h>
#include <wire/dssetup.h>

const struct dcerpc_syntax DSSETUP_INTERFACE = { { 0x6a, 0x28, 0x19, 0x39, 0x0c, 0xb1, 0xd0, 0x11,
						   0x9b, 0xa8, 0x00, 0xc0, 0x4f, 0xd9, 0x2e, 0xf5 },
						 0 };

uint32_t dssetup_request_decode(struct ndr_reader *r, uint16_t *level)
{
	*level = ndr_get_u16(r);
	return ndr_fault(r);
}

void dssetup_request_encode(struct ndr_writer *w, uint16_t level)
{
	ndr_put_u16(w, level);
}

void dssetup_reply_encode(struct ndr_writer *w, const struct dssetup_basic *basic, uint32_t status)
{
	static const struct guid none;

	ndr_put_pointer(w, basic);
	if (basic) {
		const char *const names[] = { basic->flat_name, basic->dns_name,
					      basic->forest_name };

		ndr_put_u16(w, DSSETUP_LEVEL_BASIC);
		buf_align(w->out, w->start, 4);
		ndr_put_u16(w, basic->role);
		ndr_put_u32(w, basic->flags);
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			ndr_put_pointer(w, names[i]);
		buf_bytes(w->out, none.bytes, sizeof(none.bytes));
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			if (names[i])
				ndr_put_string(w, names[i]);
		}
	}
	ndr_put_u32(w, status);
}

static void get_basic(struct ndr_reader *r, struct dssetup_basic *basic)
{
	const char **const names[] = { &basic->flat_name, &basic->dns_name, &basic->forest_name };
	bool present[ARRAY_LEN(names)];

	if (ndr_get_u16(r) != DSSETUP_LEVEL_BASIC)
		ndr_refuse(r, RPC_FAULT_INVALID_TAG);
	cur_align(&r->c, 4);
	basic->role = ndr_get_u16(r);
	basic->flags = ndr_get_u32(r);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		present[i] = ndr_get_pointer(r);
	cur_skip(&r->c, sizeof(struct guid));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (present[i])
			*names[i] = ndr_get_string(r);
	}
}

uint32_t dssetup_reply_decode(struct ndr_reader *r, struct dssetup_basic *basic, bool *present,
			      uint32_t *status)
{
	*basic = (struct dssetup_basic){ 0 };
	*present = ndr_get_pointer(r);
	if (*present)
		get_basic(r, basic);
	*status = ndr_get_u32(r);
	return ndr_fault(r);
}
