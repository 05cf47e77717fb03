// SPDX-License-Identifier: Apache-2.0
/* Settings, line by line: "[section]", "name = value", and notes behind ; or #. */
#include <ini.h>

#include <base/base.h>

#define BLANKS "\t\r "

/* Without blanks at both ends; in place. */
static char *trim(char *text)
{
	char *end;

	text += strspn(text, BLANKS);
	end = text + strlen(text);
	while (end > text && strchr(BLANKS, end[-1]))
		*--end = 0;
	return text;
}

/* A note may stand behind a value, with a blank before it. */
static void cut_note(char *text)
{
	for (char *at = text; (at = strchr(at, ';')); at++) {
		if (at == text || strchr(BLANKS, at[-1])) {
			*at = 0;
			return;
		}
	}
}

/* One line; false where it is wrong. @section is what holds from here on. */
static bool take_line(char *line, char **section, ini_handler handler, void *user)
{
	char *end, *equals;

	line = trim(line);
	if (!*line || *line == ';' || *line == '#')
		return true;
	if (*line == '[') {
		end = strchr(line, ']');
		if (!end)
			return false;
		*end = 0;
		free(*section);
		*section = xstrdup(line + 1);
		return true;
	}
	cut_note(line);
	equals = line + strcspn(line, "=:");
	if (!*equals)
		return false;
	*equals = 0;
	return handler(user, *section, trim(line), trim(equals + 1));
}

int ini_parse_string(const char *text, ini_handler handler, void *user)
{
	static const char mark[] = "\xEF\xBB\xBF"; /* which editors here write in front */
	auto_free char *section = xstrdup("");
	int wrong = 0;

	if (!strncmp(text, mark, sizeof(mark) - 1))
		text += sizeof(mark) - 1;
	for (int number = 1; *text; number++) {
		size_t length = strcspn(text, "\n");
		auto_free char *line = xasprintf("%.*s", (int)length, text);

		if (!take_line(line, &section, handler, user) && !wrong)
			wrong = number;
		text += length + (text[length] == '\n');
	}
	return wrong;
}
