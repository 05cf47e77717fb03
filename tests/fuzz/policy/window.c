// SPDX-License-Identifier: Apache-2.0
/* Maintenance windows as text: what is read comes back the same. */
#include <policy/window.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), again[WINDOW_TEXT];
	struct window w, back;

	if (window_parse(text, &w)) {
		window_text(&w, again);
		BUG_ON(!window_parse(again, &back) || w.start != back.start ||
		       w.minutes != back.minutes || w.days != back.days || w.utc != back.utc);
		BUG_ON(windows_left(&w, 1, 1795737600) > 86400 * 8);
	}
	free(text);
	return 0;
}
