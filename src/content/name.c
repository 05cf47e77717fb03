// SPDX-License-Identifier: Apache-2.0
/* Which names a package may hold. */
#include <content/name.h>

#include <base/utf16.h>
#include <strings.h>

/* utf8_next - one well-formed scalar value (RFC 3629), or -1. */
static int32_t utf8_next(const uint8_t **at, const uint8_t *end)
{
	static const struct {
		uint8_t mask, lead;
		int more;
		int32_t least;
	} forms[] = { { 0x80, 0x00, 0, 0 },
		      { 0xE0, 0xC0, 1, 0x80 },
		      { 0xF0, 0xE0, 2, 0x800 },
		      { 0xF8, 0xF0, 3, 0x10000 } };
	const uint8_t *p = *at;

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		int32_t value = *p & ~forms[i].mask;

		if ((*p & forms[i].mask) != forms[i].lead)
			continue;
		if (end - p <= forms[i].more)
			return -1;
		for (int n = 1; n <= forms[i].more; n++) {
			if ((p[n] & 0xC0) != 0x80)
				return -1;
			value = value << 6 | (p[n] & 0x3F);
		}
		if (value < forms[i].least || value > 0x10FFFF ||
		    (value >= 0xD800 && value <= 0xDFFF))
			return -1;
		*at = p + forms[i].more + 1;
		return value;
	}
	return -1;
}

/* CON, NUL and so on are devices in every directory, whatever stands behind the first dot. */
static bool is_device(const char *part, size_t length)
{
	static const char *const whole[] = { "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$" };
	static const char *const digits[] = { "\xC2\xB9", "\xC2\xB2", "\xC2\xB3" };
	const char *dot = memchr(part, '.', length);
	size_t stem = dot ? (size_t)(dot - part) : length;

	while (stem && part[stem - 1] == ' ')
		stem--;
	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		if (stem == strlen(whole[i]) && !strncasecmp(part, whole[i], stem))
			return true;
	if (stem < 4 || (strncasecmp(part, "COM", 3) != 0 && strncasecmp(part, "LPT", 3) != 0))
		return false;
	if (stem == 4 && part[3] >= '0' && part[3] <= '9')
		return true;
	for (size_t i = 0; i < ARRAY_LEN(digits); i++)
		if (stem == 5 && !memcmp(part + 3, digits[i], 2))
			return true;
	return false;
}

static const char *check_part(const char *part, size_t length)
{
	const uint8_t *at = (const uint8_t *)part, *end = at + length;
	size_t units = 0;

	if (!length)
		return "has an empty part, or is absolute";
	if ((length == 1 && part[0] == '.') || (length == 2 && !memcmp(part, "..", 2)))
		return "has a part that is . or ..";
	if (length > CONTENT_PART_MAX)
		return "has a part that is too long";
	while (at < end) {
		int32_t c = utf8_next(&at, end);

		if (c < 0)
			return "is not UTF-8";
		if (c < 0x20 || c == 0x7F || (c < 0x80 && strchr("<>:\"|?*\\", c)))
			return "has a character that some systems do not allow";
		units += c > 0xFFFF ? 2 : 1;
	}
	if (units > CONTENT_PART_MAX)
		return "has a part that is too long";
	if (part[length - 1] == '.' || part[length - 1] == ' ')
		return "has a part that ends in a dot or a space";
	if (is_device(part, length))
		return "has a part that is the name of a device";
	return NULL;
}

const char *content_name_check(const char *path, size_t length)
{
	unsigned depth = 0;

	if (!length)
		return "is empty";
	if (length > CONTENT_PATH_MAX)
		return "is too long";
	while (true) {
		const char *slash = memchr(path, '/', length);
		size_t part = slash ? (size_t)(slash - path) : length;
		const char *wrong = check_part(path, part);

		if (wrong)
			return wrong;
		if (++depth > CONTENT_DEPTH_MAX)
			return "is too deep";
		if (!slash)
			return NULL;
		path += part + 1;
		length -= part + 1;
	}
}

/* As strcmp, with '/' before every other byte: what a directory holds follows right behind it. */
static int order(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	if (*a == *b)
		return 0;
	if (!*a || !*b)
		return *a ? 1 : -1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (uint8_t)*a < (uint8_t)*b ? -1 : 1;
}

static int by_folded(const void *a, const void *b)
{
	return order(((const struct content_name *)a)->folded,
		     ((const struct content_name *)b)->folded);
}

static size_t parts_of(const char *path)
{
	size_t parts = 1;

	for (; *path; path++)
		parts += *path == '/';
	return parts;
}

/* Neighbours in the folded order, which are the only ones that can be at odds. */
static bool pair_clashes(const struct content_name *a, const struct content_name *b)
{
	const char *fa = a->folded, *fb = b->folded, *ra = a->path, *rb = b->path;
	size_t parts = parts_of(fa);

	for (size_t i = 0; i < parts; i++) {
		size_t na = strcspn(fa, "/"), nb = strcspn(fb, "/");
		size_t la = strcspn(ra, "/"), lb = strcspn(rb, "/");

		if (na != nb || memcmp(fa, fb, na) != 0)
			return false;
		if (la != lb || memcmp(ra, rb, la) != 0)
			return true; /* the same but for case */
		if (!fa[na])	     /* all of a has been seen: is b the same, or inside of it? */
			return !fb[nb] || !a->is_directory;
		if (!fb[nb])
			return true;
		fa += na + 1, fb += nb + 1, ra += la + 1, rb += lb + 1;
	}
	return false;
}

bool content_names_clash(struct content_name *names, size_t count, const char **a, const char **b)
{
	bool clash = false;

	for (size_t i = 0; i < count; i++) {
		struct buf folded = { 0 };

		name_fold(&folded, names[i].path);
		buf_u8(&folded, 0);
		BUG_ON(folded.failed);
		names[i].folded = (char *)folded.data;
	}
	sort_items(names, count, sizeof(*names), by_folded);
	for (size_t i = 0; i + 1 < count && !clash; i++) {
		clash = pair_clashes(&names[i], &names[i + 1]);
		*a = names[i].path;
		*b = names[i + 1].path;
	}
	for (size_t i = 0; i < count; i++) {
		free(names[i].folded);
		names[i].folded = NULL;
	}
	return clash;
}
