// SPDX-License-Identifier: Apache-2.0
/*
 * Requests of the control socket about what a file server holds, against one in a home of its own.
 * Requests about file servers as a whole, which make directories where the request says, are left
 * out.
 */
#include <node.h>

#include <ftw.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static char top[64];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static void clean_up(void)
{
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void begin(void)
{
	static struct serving own;
	char *why = NULL, home[80];

	log_set_level(LOG_LEVEL_ERROR);
	snprintf(top, sizeof(top), "/tmp/berth-fuzz-XXXXXX");
	BUG_ON(!mkdtemp(top));
	atexit(clean_up);
	snprintf(home, sizeof(home), "%s/.berth", top);
	BUG_ON(store_create(home, "FS"));
	BUG_ON(server_load(top, true, &own.server, &why));
	server_publish(own.server);
	node.own = &own;
	node.config.name = xstrdup("FS");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	json_t *root = json_loadb((const char *)data, length, 0, NULL), *answer;
	const char *what = json_string_value(json_object_get(root, "do"));
	bool skip = what && (!strncmp(what, "server.", 7) || !strcmp(what, "status"));

	if (!node.own)
		begin();
	json_decref(root);
	if (skip)
		return 0;
	answer = request_answer((const char *)data, length);
	BUG_ON(!answer || !json_is_boolean(json_object_get(answer, "ok")));
	json_decref(answer);
	return 0;
}
