// SPDX-License-Identifier: Apache-2.0
/*
 * Names that a share hides: what has one shows FILE_ATTRIBUTE_HIDDEN, whatever is stored with it
 * (MS-FSCC 2.6). Files that a Unix program would not list (".profile") look to a Windows user as
 * they do to it. Nothing is withheld: who asks for hidden files sees them.
 *
 * The patterns of a share are an object that never changes. A reload puts a new one in its place;
 * the old one lives as long as the share, because readers take no lock.
 */
#include "scopes.h"

#include <base/utf16.h>
#include <wire/fscc.h>

struct hide_names {
	struct hide_names *older;
	char *text; /* as it was set */
	size_t count;
	const char *patterns[HIDE_PATTERNS_MAX];
	char room[HIDE_TEXT_MAX + 1]; /* of the patterns */
};

/* MS-FSCC 2.1.5: what no name has, and the wildcards that only a file system's caller uses. */
static bool pattern_ok(const char *pattern)
{
	if (!*pattern || utf16_length(pattern) > 255u * 2)
		return false;
	for (const char *at = pattern; *at; at++)
		if ((unsigned char)*at < 0x20 || strchr("\\:<>\"|", *at))
			return false;
	return true;
}

/* Cuts @names->room at each '/'. Slashes at either end, as the peer writes its lists, are no
 * patterns. */
static bool parse(struct hide_names *names, const char *text)
{
	char *rest = names->room, *pattern;

	if (strlen(text) > HIDE_TEXT_MAX)
		return false;
	memcpy(names->room, text, strlen(text) + 1);
	while ((pattern = strsep(&rest, "/")) != NULL) {
		if (!*pattern && (pattern == names->room || !rest))
			continue;
		if (!pattern_ok(pattern) || names->count == HIDE_PATTERNS_MAX)
			return false;
		names->patterns[names->count++] = pattern;
	}
	return true;
}

bool hide_names_valid(const char *text)
{
	struct hide_names names = { 0 };

	return parse(&names, text);
}

void hide_names_set(struct share *share, const char *text)
{
	struct hide_names *now = share->hide_names, *made;

	text = text ? text : "";
	if (!strcmp(now ? now->text : "", text))
		return;
	made = xalloc(1, sizeof(*made));
	if (!parse(made, text)) /* the store holds what was checked, or was edited by hand */
		made->count = 0;
	made->text = xstrdup(text);
	made->older = now;
	share->hide_names = made;
}

const char *hide_names_text(const struct share *share)
{
	const struct hide_names *names = share->hide_names;

	return names ? names->text : "";
}

void hide_names_free(struct share *share)
{
	struct hide_names *names = share->hide_names;

	while (names) {
		struct hide_names *older = names->older;

		free(names->text);
		free(names);
		names = older;
	}
}

uint32_t share_shown_attributes(const struct share *share, const char *path, uint32_t attributes)
{
	const struct hide_names *names = share->hide_names;
	const char *slash = names && names->count ? strrchr(path, '/') : NULL;
	const char *name = slash ? slash + 1 : path;

	if (!names || !names->count || !*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return attributes;
	for (size_t i = 0; i < names->count; i++)
		if (name_match(names->patterns[i], name))
			return (attributes & ~FILE_ATTRIBUTE_NORMAL) | FILE_ATTRIBUTE_HIDDEN;
	return attributes;
}
