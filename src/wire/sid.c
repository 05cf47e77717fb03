// SPDX-License-Identifier: Apache-2.0
/* Security identifiers (MS-DTYP 2.4.2): their bytes, their text, and those everyone knows. */
#include <wire/dtyp.h>

#include <errno.h>
#include <stdio.h>

#define SID_REVISION 1

#define NT_AUTHORITY                                                                               \
	{                                                                                          \
		0, 0, 0, 0, 0, 5                                                                   \
	}
#define BUILTIN(rid)                                                                               \
	{                                                                                          \
		2, NT_AUTHORITY,                                                                   \
		{                                                                                  \
			32, rid                                                                    \
		}                                                                                  \
	}
#define NT_SID(rid)                                                                                \
	{                                                                                          \
		1, NT_AUTHORITY,                                                                   \
		{                                                                                  \
			rid                                                                        \
		}                                                                                  \
	}

const struct sid SID_EVERYONE = { 1, { 0, 0, 0, 0, 0, 1 }, { 0 } };
const struct sid SID_CREATOR_OWNER = { 1, { 0, 0, 0, 0, 0, 3 }, { 0 } };
const struct sid SID_CREATOR_GROUP = { 1, { 0, 0, 0, 0, 0, 3 }, { 1 } };
const struct sid SID_OWNER_RIGHTS = { 1, { 0, 0, 0, 0, 0, 3 }, { 4 } };
const struct sid SID_NETWORK = NT_SID(2);
const struct sid SID_ANONYMOUS = NT_SID(7);
const struct sid SID_AUTHENTICATED = NT_SID(11);
const struct sid SID_SYSTEM = NT_SID(18);
const struct sid SID_BUILTIN = NT_SID(32);
const struct sid SID_ADMINISTRATORS = BUILTIN(544);
const struct sid SID_USERS = BUILTIN(545);
const struct sid SID_GUESTS = BUILTIN(546);
const struct sid SID_BACKUP_OPERATORS = BUILTIN(551);

/* The two-letter names of MS-DTYP 2.5.1.1 that need no domain to be complete. */
static const struct {
	char name[3];
	struct sid sid;
} names[] = {
	{ "WD", { 1, { 0, 0, 0, 0, 0, 1 }, { 0 } } },
	{ "CO", { 1, { 0, 0, 0, 0, 0, 3 }, { 0 } } },
	{ "CG", { 1, { 0, 0, 0, 0, 0, 3 }, { 1 } } },
	{ "OW", { 1, { 0, 0, 0, 0, 0, 3 }, { 4 } } },
	{ "NU", NT_SID(2) },
	{ "IU", NT_SID(4) },
	{ "SU", NT_SID(6) },
	{ "AN", NT_SID(7) },
	{ "ED", NT_SID(9) },
	{ "PS", NT_SID(10) },
	{ "AU", NT_SID(11) },
	{ "RC", NT_SID(12) },
	{ "SY", NT_SID(18) },
	{ "LS", NT_SID(19) },
	{ "NS", NT_SID(20) },
	{ "BA", BUILTIN(544) },
	{ "BU", BUILTIN(545) },
	{ "BG", BUILTIN(546) },
	{ "PU", BUILTIN(547) },
	{ "AO", BUILTIN(548) },
	{ "SO", BUILTIN(549) },
	{ "PO", BUILTIN(550) },
	{ "BO", BUILTIN(551) },
	{ "RE", BUILTIN(552) },
	{ "RU", BUILTIN(554) },
	{ "RD", BUILTIN(555) },
};

bool sid_decode(struct cursor *c, struct sid *out)
{
	*out = (struct sid){ 0 };
	if (cur_u8(c) != SID_REVISION)
		c->bad = true;
	out->sub_count = cur_u8(c);
	if (out->sub_count > SID_MAX_SUBS)
		c->bad = true;
	cur_copy(c, out->authority, sizeof(out->authority));
	for (unsigned i = 0; !c->bad && i < out->sub_count; i++)
		out->sub[i] = cur_u32le(c);
	if (c->bad)
		*out = (struct sid){ 0 };
	return !c->bad;
}

void sid_encode(struct buf *b, const struct sid *sid)
{
	buf_u8(b, SID_REVISION);
	buf_u8(b, sid->sub_count);
	buf_bytes(b, sid->authority, sizeof(sid->authority));
	for (unsigned i = 0; i < sid->sub_count; i++)
		buf_u32le(b, sid->sub[i]);
}

size_t sid_size(const struct sid *sid)
{
	return 8 + 4 * (size_t)sid->sub_count;
}

bool sid_equal(const struct sid *a, const struct sid *b)
{
	return a->sub_count == b->sub_count &&
	       !memcmp(a->authority, b->authority, sizeof(a->authority)) &&
	       !memcmp(a->sub, b->sub, a->sub_count * sizeof(a->sub[0]));
}

/* number - the next number of a SID's text, up to @most; moves *text behind it. */
static bool number(const char **text, uint64_t most, uint64_t *out)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*out = strtoull(*text, &end, (*text)[0] == '0' && ((*text)[1] | 0x20) == 'x' ? 16 : 10);
	if (errno || end == *text || *out > most)
		return false;
	*text = end;
	return true;
}

bool sid_parse(const char *text, struct sid *out)
{
	struct sid sid = { 0 };
	uint64_t value;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!strcmp(text, names[i].name)) {
			*out = names[i].sid;
			return true;
		}
	}
	if ((text[0] | 0x20) != 's' || text[1] != '-' || text[2] != '1' || text[3] != '-')
		return false;
	text += 4;
	if (!number(&text, 0xffffffffffff, &value))
		return false;
	for (unsigned i = 0; i < sizeof(sid.authority); i++)
		sid.authority[i] = (uint8_t)(value >> (8 * (5 - i)));
	while (*text == '-') {
		text++;
		if (sid.sub_count == SID_MAX_SUBS || !number(&text, UINT32_MAX, &value))
			return false;
		sid.sub[sid.sub_count++] = (uint32_t)value;
	}
	if (*text)
		return false;
	*out = sid;
	return true;
}

const char *sid_format(const struct sid *sid, char text[SID_TEXT_SIZE])
{
	uint64_t authority = 0;
	size_t n;

	for (unsigned i = 0; i < sizeof(sid->authority); i++)
		authority = authority << 8 | sid->authority[i];
	n = (size_t)snprintf(text, SID_TEXT_SIZE,
			     authority > UINT32_MAX ? "S-1-0x%012llx" : "S-1-%llu",
			     (unsigned long long)authority);
	for (unsigned i = 0; i < sid->sub_count; i++)
		n += (size_t)snprintf(text + n, SID_TEXT_SIZE - n, "-%u", sid->sub[i]);
	return text;
}

struct sid sid_child(const struct sid *domain, uint32_t rid)
{
	struct sid sid = *domain;

	BUG_ON(sid.sub_count >= SID_MAX_SUBS);
	sid.sub[sid.sub_count++] = rid;
	return sid;
}
