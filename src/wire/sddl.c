// SPDX-License-Identifier: Apache-2.0
/*
 * The text form of descriptors that Windows tools print and take (MS-DTYP 2.5.1): owner, group,
 * DACL and SACL. Conditions, object GUIDs and names that need a domain are refused.
 */
#include <wire/sddl.h>

#include <errno.h>

struct word {
	char name[4];
	uint32_t value;
};

static const struct word ace_types[] = {
	{ "A", ACE_ACCESS_ALLOWED },
	{ "D", ACE_ACCESS_DENIED },
	{ "AU", ACE_SYSTEM_AUDIT },
};

static const struct word ace_flags[] = {
	{ "OI", ACE_OBJECT_INHERIT }, { "CI", ACE_CONTAINER_INHERIT }, { "NP", ACE_NO_PROPAGATE },
	{ "IO", ACE_INHERIT_ONLY },   { "ID", ACE_INHERITED },	       { "SA", ACE_AUDIT_SUCCESS },
	{ "FA", ACE_AUDIT_FAILURE },
};

static const struct word ace_rights[] = {
	{ "GA", GENERIC_ALL },
	{ "GR", GENERIC_READ },
	{ "GW", GENERIC_WRITE },
	{ "GX", GENERIC_EXECUTE },
	{ "FA", FILE_ALL_ACCESS },
	{ "FR", FILE_GENERIC_READ },
	{ "FW", FILE_GENERIC_WRITE },
	{ "FX", FILE_GENERIC_EXECUTE },
	{ "RC", READ_CONTROL },
	{ "SD", DELETE_ACCESS },
	{ "WD", WRITE_DAC },
	{ "WO", WRITE_OWNER },
	{ "CC", FILE_READ_DATA },
	{ "DC", FILE_WRITE_DATA },
	{ "LC", FILE_APPEND_DATA },
	{ "SW", FILE_READ_EA },
	{ "RP", FILE_WRITE_EA },
	{ "WP", FILE_EXECUTE },
	{ "DT", FILE_DELETE_CHILD },
	{ "LO", FILE_READ_ATTRIBUTES },
	{ "CR", FILE_WRITE_ATTRIBUTES },
};

static const struct word dacl_flags[] = {
	{ "P", SD_DACL_PROTECTED },
	{ "AR", SD_DACL_AUTO_INHERIT_REQ },
	{ "AI", SD_DACL_AUTO_INHERITED },
};

static const struct word sacl_flags[] = {
	{ "P", SD_SACL_PROTECTED },
	{ "AR", SD_SACL_AUTO_INHERIT_REQ },
	{ "AI", SD_SACL_AUTO_INHERITED },
};

/* word_at - the word that @text begins with; NULL where there is none. */
static const struct word *word_at(const char *text, const struct word *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strncmp(text, words[i].name, strlen(words[i].name)))
			return &words[i];
	return NULL;
}

/* words - a run of words, up to @end, as the bits they stand for together. */
static bool words_until(const char **text, char end, const struct word *words, size_t count,
			uint32_t *out)
{
	*out = 0;
	while (**text && **text != end) {
		const struct word *w = word_at(*text, words, count);

		if (!w)
			return false;
		*out |= w->value;
		*text += strlen(w->name);
	}
	return true;
}

static bool expect(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static bool parse_sid(const char **text, struct sid *out)
{
	static const char in_sid[] = "0123456789-xXabcdefABCDEF";
	char copy[SID_TEXT_SIZE] = { 0 };
	size_t n = 2;

	if (!(*text)[0] || !(*text)[1])
		return false;
	if ((*text)[1] == '-')
		n += strspn(*text + 2, in_sid);
	if (n >= sizeof(copy))
		return false;
	/* A numeric SID may run into the letter of the next part: "S-1-5-18D:". */
	if (n > 2 && (*text)[n] == ':')
		n--;
	memcpy(copy, *text, n);
	*text += n;
	return sid_parse(copy, out);
}

static bool parse_rights(const char **text, uint32_t *out)
{
	unsigned long value;
	char *end;

	if (**text < '0' || **text > '9')
		return words_until(text, ';', ace_rights, ARRAY_LEN(ace_rights), out);
	errno = 0;
	value = strtoul(*text, &end, 0);
	if (errno || value > UINT32_MAX)
		return false;
	*text = end;
	*out = (uint32_t)value;
	return true;
}

/* (type;flags;rights;;;sid) */
static bool parse_ace(const char **text, struct ace *out)
{
	const struct word *type = NULL;
	uint32_t flags;

	*out = (struct ace){ 0 };
	if (!expect(text, '('))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(ace_types); i++) {
		size_t n = strlen(ace_types[i].name);

		if (!strncmp(*text, ace_types[i].name, n) && (*text)[n] == ';')
			type = &ace_types[i];
	}
	if (!type)
		return false;
	*text += strlen(type->name) + 1;
	out->type = (uint8_t)type->value;
	if (!words_until(text, ';', ace_flags, ARRAY_LEN(ace_flags), &flags) || !expect(text, ';'))
		return false;
	out->flags = (uint8_t)flags;
	return parse_rights(text, &out->mask) && expect(text, ';') && expect(text, ';') &&
	       expect(text, ';') && parse_sid(text, &out->sid) && expect(text, ')');
}

struct draft {
	struct security_descriptor sd;
	struct acl dacl, sacl;
};

static void draft_free(struct draft *d)
{
	free(d->dacl.aces);
	free(d->sacl.aces);
}

#define NULL_DACL "NO_ACCESS_CONTROL"

static bool is_null_dacl(const char *text)
{
	return !strncmp(text, NULL_DACL, strlen(NULL_DACL));
}

static bool parse_flags(const char **text, const struct word *flags, size_t count,
			uint16_t *control)
{
	while (**text && **text != '(' && (*text)[1] != ':' && !is_null_dacl(*text)) {
		const struct word *w = word_at(*text, flags, count);

		if (!w)
			return false;
		*control |= (uint16_t)w->value;
		*text += strlen(w->name);
	}
	return true;
}

static bool parse_aces(const char **text, struct acl *acl)
{
	size_t entries = 0;

	for (const char *p = *text; *p; p++)
		entries += *p == '(';
	if (acl->aces || entries > ACL_MAX_ACES)
		return false;
	acl->aces = calloc(entries + 1, sizeof(struct ace));
	if (!acl->aces)
		return false;
	acl->revision = 2;
	while (**text == '(')
		if (!parse_ace(text, &acl->aces[acl->count++]))
			return false;
	return true;
}

static bool parse_part(const char **text, struct draft *d)
{
	struct security_descriptor *sd = &d->sd;
	char part = **text;

	if (!part || (*text)[1] != ':')
		return false;
	*text += 2;
	switch (part) {
	case 'O':
		sd->has_owner = parse_sid(text, &sd->owner);
		return sd->has_owner;
	case 'G':
		sd->has_group = parse_sid(text, &sd->group);
		return sd->has_group;
	case 'D':
		sd->control |= SD_DACL_PRESENT;
		if (!parse_flags(text, dacl_flags, ARRAY_LEN(dacl_flags), &sd->control))
			return false;
		if (is_null_dacl(*text)) {
			*text += strlen(NULL_DACL);
			return true;
		}
		sd->dacl = &d->dacl;
		return parse_aces(text, &d->dacl);
	case 'S':
		sd->control |= SD_SACL_PRESENT;
		sd->sacl = &d->sacl;
		return parse_flags(text, sacl_flags, ARRAY_LEN(sacl_flags), &sd->control) &&
		       parse_aces(text, &d->sacl);
	default:
		return false;
	}
}

ntstatus sd_parse_sddl(const char *text, struct security_descriptor **out)
{
	struct draft d cleanup(draft_free) = { 0 };

	*out = NULL;
	while (*text)
		if (!parse_part(&text, &d))
			return STATUS_INVALID_SECURITY_DESCR;
	return sd_build(d.sd.control, d.sd.has_owner ? &d.sd.owner : NULL,
			d.sd.has_group ? &d.sd.group : NULL, d.sd.dacl, d.sd.sacl, out);
}

static const struct word *word_of(uint32_t value, const struct word *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (words[i].value == value)
			return &words[i];
	return NULL;
}

static void put_words(struct buf *out, uint32_t bits, const struct word *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bits & words[i].value)
			buf_text(out, words[i].name);
}

static void put_sid(struct buf *out, const char *before, const struct sid *sid)
{
	char text[SID_TEXT_SIZE];

	buf_printf(out, "%s%s", before, sid_format(sid, text));
}

/* A mask that is one word is shown as that, any other as its number, which tools take as well. */
static bool put_ace(struct buf *out, const struct ace *ace)
{
	const struct word *type = word_of(ace->type, ace_types, ARRAY_LEN(ace_types));
	const struct word *rights = word_of(ace->mask, ace_rights, ARRAY_LEN(ace_rights));

	if (!type)
		return false;
	buf_printf(out, "(%s;", type->name);
	put_words(out, ace->flags, ace_flags, ARRAY_LEN(ace_flags));
	if (rights)
		buf_printf(out, ";%s;;", rights->name);
	else
		buf_printf(out, ";0x%x;;", ace->mask);
	put_sid(out, ";", &ace->sid);
	buf_u8(out, ')');
	return true;
}

bool sd_format_sddl(struct buf *out, const struct security_descriptor *sd)
{
	if (sd->has_owner)
		put_sid(out, "O:", &sd->owner);
	if (sd->has_group)
		put_sid(out, "G:", &sd->group);
	if (!(sd->control & SD_DACL_PRESENT))
		return !out->failed;
	buf_text(out, "D:");
	put_words(out, sd->control, dacl_flags, ARRAY_LEN(dacl_flags));
	if (!sd->dacl)
		buf_text(out, NULL_DACL);
	for (size_t i = 0; sd->dacl && i < sd->dacl->count; i++)
		if (!put_ace(out, &sd->dacl->aces[i]))
			return false;
	return !out->failed;
}
