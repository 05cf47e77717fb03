// SPDX-License-Identifier: Apache-2.0
/* Names of a package: what passes stays inside of its directory. */
#include <content/name.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[2 * CONTENT_PATH_MAX];
	struct content_name names[2] = { 0 };
	const char *a, *b;
	size_t half;

	if (!size || size >= sizeof(text) || content_name_check((const char *)data, size))
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	BUG_ON(strlen(text) != size || text[0] == '/' || strstr(text, "//") || strchr(text, '\\'));
	for (char *part = text; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
		BUG_ON(!strncmp(part, "../", 3) || !strcmp(part, "..") || !strncmp(part, "./", 2));
	names[0].path = text;
	names[1].path = text;
	BUG_ON(!content_names_clash(names, 2, &a, &b));
	half = size / 2;
	if (text[half] != '/' || half + 1 >= size)
		return 0;
	text[half] = 0;
	names[0].path = text;
	names[1].path = text + half + 1;
	(void)content_names_clash(names, 2, &a, &b);
	return 0;
}
