// SPDX-License-Identifier: Apache-2.0
/* berth share: what a person wants to read of shares beside what the node answers. */
#include "cli.h"

/* The options that are on, as the command has them: "read-only,hidden". */
static json_t *options_of(json_t *share)
{
	json_t *list = json_array(), *value;
	const char *key;

	json_object_foreach(share, key, value)
	{
		auto_free char *name = xstrdup(key);

		if (!json_is_true(value) || !strcmp(key, "special"))
			continue;
		for (char *c = name; *c; c++)
			*c = *c == '_' ? '-' : *c;
		json_array_append_new(list, json_string(name));
	}
	return list;
}

int run_share_list(struct call *call)
{
	json_t *answer = NULL, *rows, *row;
	int code = ask_owner(call, call_text(call, "server"), &answer);
	size_t i;

	rows = json_object_get(answer, "result");
	if (code == EXIT_DONE && call->json)
		print_json(rows);
	if (code == EXIT_DONE && !call->json) {
		json_array_foreach(rows, i, row)
			json_object_set_new(row, "options", options_of(row));
		print_table(rows, call->command->columns);
	}
	json_decref(answer);
	return code;
}

/* A path is one on the volume, also where it looks like one of the machine: --path /etc. */
int run_share_add(struct call *call)
{
	const char *server = call_text(call, "server"), *share = call_text(call, "share"),
		   *path = call_text(call, "path");
	json_t *answer = NULL;
	int code = ask_owner(call, server, &answer);
	size_t length;

	json_decref(answer);
	if (code != EXIT_DONE || call->json)
		return code;
	path = path ? path : share;
	path += strspn(path, "/");
	for (length = strlen(path); length && path[length - 1] == '/';)
		length--;
	if (length)
		printf("\\\\%s\\%s is the directory \"%.*s\" of the volume of %s\n", server, share,
		       (int)length, path, server);
	else
		printf("\\\\%s\\%s is the whole volume of %s\n", server, share, server);
	return EXIT_DONE;
}
