// SPDX-License-Identifier: Apache-2.0
/*
 * Names of eight and three characters for clients that know no others (MS-FSCC 2.1.5.2.1). A name
 * that is one already has itself. Any other has one made from it alone, so that nothing is stored:
 * its first letter, six digits of a hash, "~", then the first three letters of its extension. Two
 * names of a directory may so have the same, about once in two thousand million pairs; it then
 * leads to neither.
 */
#include <base/utf16.h>

#include "private.h"

#define DIGITS	    36u
#define HASH_DIGITS 6

bool volume_name_is_short(const char *name)
{
	const char *dot = strchr(name, '.');
	size_t length = strlen(name);
	size_t base = dot ? (size_t)(dot - name) : length;

	if (!base || base > 8 || (dot && (length - base < 2 || length - base > 4)))
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"*+,/:;<=>?[\\]|", c) ||
		    (c == '.' && i != base))
			return false;
	}
	return true;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

static bool is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '-';
}

/* stable_hash - of the name without case, the same on every day and node (FNV-1a). */
static uint64_t stable_hash(const char *name)
{
	auto_buf struct buf folded = { 0 };
	uint64_t hash = 0xcbf29ce484222325u;

	name_fold(&folded, name);
	for (size_t i = 0; i < folded.len; i++)
		hash = (hash ^ folded.data[i]) * 0x100000001b3u;
	return hash ^ hash >> 33;
}

/* made_name - "X123456~.EXT": never what volume_name_is_short would call a name with itself. */
static void made_name(const char *name, char out[VOLUME_SHORT_NAME])
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *extension = strrchr(name, '.');
	uint64_t hash = stable_hash(name);
	size_t n = 0, first = 0;

	while (name[first] && !is_plain(name[first]))
		first++;
	out[n++] = name[first] ? upper(name[first]) : '_';
	for (int i = 0; i < HASH_DIGITS; i++, hash /= DIGITS)
		out[n++] = digits[hash % DIGITS];
	out[n++] = '~';
	if (extension && extension != name && extension[1]) {
		size_t dot = n;

		out[n++] = '.';
		for (extension++; *extension && n < dot + 4; extension++)
			if (is_plain(*extension))
				out[n++] = upper(*extension);
		if (n == dot + 1)
			n = dot;
	}
	out[n] = 0;
}

void volume_short_name(const char *name, char out[VOLUME_SHORT_NAME])
{
	size_t i = 0;

	if (!volume_name_is_short(name)) {
		made_name(name, out);
		return;
	}
	for (; name[i]; i++)
		out[i] = upper(name[i]);
	out[i] = 0;
}

/* Could made_name have made it? */
static bool may_be_made(const char *name)
{
	return strlen(name) >= 2 + HASH_DIGITS && name[1 + HASH_DIGITS] == '~' &&
	       volume_name_is_short(name);
}

ntstatus volume_long_name(struct volume_node *directory, const char *short_name, char **out)
{
	struct volume_listing *listing;
	struct volume_entry entry;
	char made[VOLUME_SHORT_NAME];
	auto_free char *found = NULL;
	ntstatus status;
	bool twice = false;

	*out = NULL;
	if (!may_be_made(short_name))
		return STATUS_OBJECT_NAME_NOT_FOUND;
	status = volume_list(directory, &listing);
	if (status)
		return status;
	while (!(status = volume_list_next(listing, NULL, &entry)) || status == STATUS_RETRY) {
		if (status == STATUS_RETRY)
			continue;
		if (volume_name_is_short(entry.name) || !strcmp(entry.name, ".") ||
		    !strcmp(entry.name, ".."))
			continue;
		made_name(entry.name, made);
		if (name_compare(made, short_name) != 0)
			continue;
		twice = found != NULL;
		free(found);
		found = xstrdup(entry.name);
		if (twice)
			break;
	}
	volume_list_free(listing);
	if (!found || twice)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	*out = found;
	found = NULL;
	return STATUS_SUCCESS;
}
