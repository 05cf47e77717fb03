// SPDX-License-Identifier: Apache-2.0
#include <base/utf16.h>

#include "upcase.h"

#define RAW_BYTE_FIRST 0xf780u /* bytes 0x80..0xff that are not UTF-8 */
#define RAW_BYTE_LAST  0xf7ffu

/* next_code - the code point at *text (unpaired surrogates included), moved past; a byte that
 * begins no valid sequence is given as U+F700 + byte. 0 at the end. */
static uint32_t next_code(const char **text)
{
	const uint8_t *p = (const uint8_t *)*text;
	uint32_t code = p[0];
	size_t more = 0;
	uint32_t least = 0;

	if (code < 0x80) {
		*text += code != 0;
		return code;
	}
	if (code >= 0xc2 && code < 0xe0) {
		more = 1, least = 0x80, code &= 0x1f;
	} else if (code >= 0xe0 && code < 0xf0) {
		more = 2, least = 0x800, code &= 0x0f;
	} else if (code >= 0xf0 && code < 0xf5) {
		more = 3, least = 0x10000, code &= 0x07;
	}
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			more = 0;
		else
			code = code << 6 | (p[i] & 0x3f);
	}
	if (!more || code < least || code > 0x10ffff) {
		*text += 1;
		return 0xf700u + p[0];
	}
	*text += more + 1;
	return code;
}

/* code_to_utf8 - the bytes of @code (at most four, and never more than three below U+10000). */
static size_t code_to_utf8(uint8_t *bytes, uint32_t code)
{
	size_t n;

	if (code < 0x80) {
		bytes[0] = (uint8_t)code, n = 1;
	} else if (code < 0x800) {
		bytes[0] = (uint8_t)(0xc0 | code >> 6);
		bytes[1] = (uint8_t)(0x80 | (code & 0x3f)), n = 2;
	} else if (code < 0x10000) {
		bytes[0] = (uint8_t)(0xe0 | code >> 12);
		bytes[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		bytes[2] = (uint8_t)(0x80 | (code & 0x3f)), n = 3;
	} else {
		bytes[0] = (uint8_t)(0xf0 | code >> 18);
		bytes[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
		bytes[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		bytes[3] = (uint8_t)(0x80 | (code & 0x3f)), n = 4;
	}
	return n;
}

static bool is_high(uint32_t unit)
{
	return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(uint32_t unit)
{
	return unit >= 0xdc00 && unit < 0xe000;
}

/*
 * decode_into - the units between @at and @end as UTF-8 at *@to, moved on; false for a NUL unit.
 * With *@raw, units of the private range become the bytes they stand for; *@raw says afterwards
 * whether there were any.
 */
static bool decode_into(uint8_t **to, const uint8_t *at, const uint8_t *end, bool *raw)
{
	bool wants_raw = *raw;
	uint8_t *out = *to;

	*raw = false;
	while (at < end) {
		uint32_t unit = at[0] | (uint32_t)at[1] << 8;

		at += 2;
		if (unit - 1 < 0x7f) {
			*out++ = (uint8_t)unit;
			continue;
		}
		if (!unit)
			return false;
		if (is_high(unit) && at < end) {
			uint32_t low = at[0] | (uint32_t)at[1] << 8;

			if (is_low(low)) {
				at += 2;
				unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
			}
		}
		if (wants_raw && unit >= RAW_BYTE_FIRST && unit <= RAW_BYTE_LAST) {
			*out++ = (uint8_t)(unit - 0xf700u);
			*raw = true;
		} else {
			out += code_to_utf8(out, unit);
		}
	}
	*to = out;
	return true;
}

/* comes_back - does the text between @from and @to encode to exactly the @length bytes at @units?
 */
static bool comes_back(const uint8_t *from, const uint8_t *to, const uint8_t *units, size_t length)
{
	auto_buf struct buf text = { 0 };
	auto_buf struct buf again = { 0 };

	buf_bytes(&text, from, (size_t)(to - from));
	buf_u8(&text, 0);
	if (text.failed)
		return false;
	utf16_encode(&again, (const char *)text.data);
	return again.len == length && !memcmp(again.data, units, length);
}

bool utf16_decode(struct cursor *c, struct buf *out)
{
	size_t length = cur_left(c);
	const uint8_t *units;
	bool raw = true;
	uint8_t *start;
	size_t most = length / 2 * 3; /* no unit becomes more than three bytes */
	uint8_t *to;

	if (c->bad || length % 2)
		return false;
	if (!length)
		return !out->failed;
	if (out->limit && most > out->limit - out->len) {
		auto_buf struct buf whole = { 0 }; /* it may still fit: the exact bytes decide */

		if (!utf16_decode(c, &whole))
			return false;
		buf_bytes(out, whole.data, whole.len);
		return !out->failed;
	}
	start = to = buf_room(out, most);
	if (!to)
		return false;
	units = cur_bytes(c, length);
	if (!decode_into(&to, units, units + length, &raw))
		return false;
	if (raw && !comes_back(start, to, units, length)) {
		/* A client's own use of the private range, whose bytes would read as another name.
		 */
		to = start;
		raw = false;
		if (!decode_into(&to, units, units + length, &raw))
			return false;
	}
	out->len = (size_t)(to - out->data);
	return true;
}

char *utf16_to_string(struct cursor c)
{
	struct buf out = { 0 };

	if (!utf16_decode(&c, &out)) {
		buf_free(&out);
		return NULL;
	}
	buf_u8(&out, 0);
	if (out.failed)
		buf_free(&out);
	return (char *)out.data;
}

/* put_unit - store one unit at @to. */
static uint8_t *put_unit(uint8_t *to, uint32_t unit)
{
	to[0] = (uint8_t)unit;
	to[1] = (uint8_t)(unit >> 8);
	return to + 2;
}

/* eight_ascii - are the eight bytes at @p all below 0x80? */
static bool eight_ascii(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return !(v & 0x8080808080808080u);
}

/* encode_into - @text, of @length bytes, as UTF-16LE at @to, which has room for 2 * @length. */
static size_t encode_into(uint8_t *to, const char *text, size_t length)
{
	const char *end = text + length;
	uint8_t *start = to;

	while (text < end) {
		uint32_t code;

		if (end - text >= 8 && eight_ascii(text)) {
			for (int i = 0; i < 8; i++) {
				to[2 * i] = (uint8_t)text[i];
				to[2 * i + 1] = 0;
			}
			to += 16;
			text += 8;
			continue;
		}
		code = next_code(&text);
		if (code >= 0x10000) {
			to = put_unit(to, 0xd800 + ((code - 0x10000) >> 10));
			code = 0xdc00 + ((code - 0x10000) & 0x3ff);
		}
		to = put_unit(to, code);
	}
	return (size_t)(to - start);
}

void utf16_encode(struct buf *out, const char *text)
{
	size_t length = strlen(text);
	size_t most = 2 * length; /* a byte of UTF-8 never makes more than one unit */
	uint8_t *to;

	if (!length)
		return;
	if (out->limit && most > out->limit - out->len) {
		auto_buf struct buf whole = { 0 }; /* it may still fit: the exact bytes decide */

		utf16_encode(&whole, text);
		out->failed |= whole.failed;
		buf_bytes(out, whole.data, whole.len);
		return;
	}
	to = buf_room(out, most);
	if (to)
		out->len += encode_into(to, text, length);
}

size_t utf16_length(const char *text)
{
	size_t bytes = 0;

	for (;;) {
		uint32_t code;

		while ((uint8_t)(*text - 1) < 0x7f) {
			bytes += 2;
			text++;
		}
		code = next_code(&text);
		if (!code)
			return bytes;
		bytes += code >= 0x10000 ? 4 : 2;
	}
}

uint16_t utf16_upcase(uint16_t unit)
{
	if (unit < 0x80)
		return unit >= 'a' && unit <= 'z' ? (uint16_t)(unit - 32) : unit;
	return (uint16_t)(unit + upcase_delta[upcase_page[unit >> 8]][unit & 0xff]);
}

static uint32_t fold(uint32_t code)
{
	return code < 0x10000 ? utf16_upcase((uint16_t)code) : code;
}

static uint8_t ascii_upper(uint8_t c)
{
	return (uint8_t)(c - ((uint8_t)(c - 'a') < 26 ? 32 : 0));
}

void name_fold(struct buf *out, const char *name)
{
	size_t most =
		3 * strlen(name) + 1; /* no byte becomes more than the widest form of a unit */
	uint8_t *start;
	uint8_t *to;

	if (out->limit && most > out->limit - out->len) {
		auto_buf struct buf whole = { 0 }; /* it may still fit: the exact bytes decide */

		name_fold(&whole, name);
		out->failed |= whole.failed;
		buf_bytes(out, whole.data, whole.len);
		return;
	}
	start = to = buf_room(out, most);
	if (!to)
		return;
	for (;;) {
		uint32_t code;

		while ((uint8_t)(*name - 1) < 0x7f)
			*to++ = ascii_upper((uint8_t)*name++);
		code = next_code(&name);
		if (!code)
			break;
		to += code_to_utf8(to, fold(code)); /* a raw byte by its unit, which stands alone */
	}
	out->len += (size_t)(to - start);
}

int name_compare(const char *a, const char *b)
{
	for (;;) {
		uint32_t x;
		uint32_t y;

		if ((uint8_t)(*a - 1) < 0x7f && (uint8_t)(*b - 1) < 0x7f) {
			x = ascii_upper((uint8_t)*a++);
			y = ascii_upper((uint8_t)*b++);
		} else {
			x = fold(next_code(&a));
			y = fold(next_code(&b));
		}
		if (x != y)
			return x < y ? -1 : 1;
		if (!x)
			return 0;
	}
}

static bool is_last_dot(const char *at)
{
	return *at == '.' && !strchr(at + 1, '.');
}

/*
 * Match with one remembered star, so that a hostile pattern costs at most |pattern| * |name|.
 * DOS_STAR (<) is a star that stops once it has taken the last dot, DOS_QM (>) a question mark that
 * also matches nothing before a dot or at the end, DOS_DOT (") a dot or the end.
 */
bool name_match(const char *pattern, const char *name)
{
	const char *star = NULL;
	const char *resume = NULL;

	for (;;) {
		const char *p = pattern;
		const char *n = name;
		uint32_t want = next_code(&p);
		uint32_t have = next_code(&n);

		if (want == '*' && !*p)
			return true;
		if (want == '*' || want == '<') {
			star = pattern;
			resume = name;
			pattern = p;
			continue;
		}
		if (!want && !have)
			return true;
		if (want == '"' && !have) {
			pattern = p;
			continue;
		}
		if (want == '>' && (!have || have == '.')) {
			pattern = p;
			continue;
		}
		if (have && (want == '?' || want == '>' || (want == '"' && have == '.') ||
			     (want && fold(want) == fold(have)))) {
			pattern = p;
			name = n;
			continue;
		}
		/* Give the star one more character, where there is one that it may take. */
		if (!star || !*resume)
			return false;
		name = resume;
		(void)next_code(&name);
		pattern = star + 1;
		if (*star == '<' && is_last_dot(resume))
			star = NULL; /* it has matched the final dot, and takes nothing more */
		resume = name;
	}
}
