// SPDX-License-Identifier: Apache-2.0
/*
 * A process on Windows gets one line, which it takes apart itself: blanks part words, quotes hold
 * blanks together, and a backslash is only special in front of a quote, where two stand for one.
 */
#include "runner_impl.h"

#include <base/buf.h>

static void add_word(struct buf *out, const char *word)
{
	size_t backslashes = 0;

	if (*word && !strpbrk(word, " \t\n\v\"")) {
		buf_text(out, word);
		return;
	}
	buf_u8(out, '"');
	for (; *word; word++) {
		if (*word == '\\') {
			backslashes++;
			continue;
		}
		/* In front of a quote each is written twice, and the quote gets one of its own. */
		for (size_t i = 0; i < (*word == '"' ? 2 * backslashes + 1 : backslashes); i++)
			buf_u8(out, '\\');
		backslashes = 0;
		buf_u8(out, (uint8_t)*word);
	}
	for (size_t i = 0; i < 2 * backslashes; i++)
		buf_u8(out, '\\');
	buf_u8(out, '"');
}

char *command_line(char *const *words)
{
	struct buf out = { 0 };

	for (size_t i = 0; words[i]; i++) {
		if (i)
			buf_u8(&out, ' ');
		add_word(&out, words[i]);
	}
	buf_u8(&out, 0);
	BUG_ON(out.failed);
	return (char *)out.data;
}
