// SPDX-License-Identifier: Apache-2.0
/* The settings as the agent for Windows reads them; the file is portable, so it is fuzzed here. */
#include "../../../src/agent/ini_windows.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Names and values are parts of one line, without blanks around. */
static int look(void *user, const char *section, const char *name, const char *value)
{
	BUG_ON(strchr(section, '\n') || strchr(name, '\n') || strchr(value, '\n'));
	BUG_ON(strpbrk(name, "=:") != NULL);
	BUG_ON(*name && strchr(BLANKS, *name));
	BUG_ON(*value && (strchr(BLANKS, *value) || strchr(BLANKS, value[strlen(value) - 1])));
	++*(int *)user;
	return value[0] != '!';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xalloc(size + 1, 1);
	int settings = 0, wrong;

	if (size)
		memcpy(text, data, size);
	wrong = ini_parse_string(text, look, &settings);
	BUG_ON(wrong < 0 || (size_t)wrong > size + 1);
	return 0;
}
