// SPDX-License-Identifier: Apache-2.0
/*
 * The file server's registry: a tree of keys with typed values, for the tools that keep settings of
 * a server there. A key is stored by its whole path in folded form and knows its parent.
 */
#include "internal.h"

#include <base/nttime.h>

#include <errno.h>

void store_registry_value_free(struct store_registry_value *value)
{
	free(value->name);
	free(value->data);
	*value = (struct store_registry_value){ 0 };
}

static int64_t now_ticks(void)
{
	return (int64_t)nttime_now().ticks;
}

/* The first number of a statement with up to two texts; -ENOENT where there is no row. */
static int ask_number(struct store *store, enum statement which, const char *path, int64_t *out)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	run_begin(&run, store, which);
	if (path)
		run_folded(&run, path);
	got = run_step(&run);
	if (got == 1)
		*out = run_column_number(&run, 0);
	return got == 1 ? 0 : got ? got : store_fail(-ENOENT, "there is no such key");
}

int store_registry_find(struct store *store, const char *path, int64_t *changed)
{
	return ask_number(store, SQL_KEY_FIND, path, changed);
}

static char *parent_of(const char *path)
{
	const char *last = strrchr(path, '\\');

	return last ? strndup(path, (size_t)(last - path)) : xstrdup("");
}

static const char *name_of(const char *path)
{
	const char *last = strrchr(path, '\\');

	return last ? last + 1 : path;
}

int store_registry_create(struct store *store, const char *path)
{
	cleanup(run_end) struct run run = { 0 };
	auto_free char *parent = parent_of(path);
	int64_t count = 0;
	int error = ask_number(store, SQL_KEY_COUNT, NULL, &count);

	if (!error && count >= STORE_REGISTRY_KEYS_MAX)
		error = store_fail(-ENOSPC, "the registry has %d keys already",
				   STORE_REGISTRY_KEYS_MAX);
	if (error)
		return error;
	run_begin(&run, store, SQL_KEY_ADD);
	run_folded(&run, path);
	run_folded(&run, parent);
	run_text(&run, name_of(path));
	run_number(&run, now_ticks());
	return run_done(&run, true);
}

int store_registry_remove(struct store *store, const char *path)
{
	cleanup(run_end) struct run run = { 0 };

	run_begin(&run, store, SQL_KEY_REMOVE);
	run_folded(&run, path);
	return run_done(&run, true);
}

int store_registry_child(struct store *store, const char *path, uint32_t index, char **name,
			 int64_t *changed)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	*name = NULL;
	run_begin(&run, store, SQL_KEY_CHILD);
	run_folded(&run, path);
	run_number(&run, index);
	got = run_step(&run);
	if (got == 1) {
		*name = run_column_text(&run, 0);
		*changed = run_column_number(&run, 1);
	}
	return got == 1 ? 0 : got ? got : -ENOENT;
}

int store_registry_info(struct store *store, const char *path, struct store_registry_info *out)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	run_begin(&run, store, SQL_KEY_INFO);
	run_folded(&run, path);
	got = run_step(&run);
	if (got == 1)
		*out = (struct store_registry_info){
			.subkeys = (uint32_t)run_column_number(&run, 0),
			.longest_subkey = (uint32_t)run_column_number(&run, 1),
			.values = (uint32_t)run_column_number(&run, 2),
			.longest_name = (uint32_t)run_column_number(&run, 3),
			.longest_data = (uint32_t)run_column_number(&run, 4),
		};
	return got == 1 ? 0 : got ? got : -ENOENT;
}

int store_registry_set(struct store *store, const char *path,
		       const struct store_registry_value *value)
{
	cleanup(run_end) struct run run = { 0 };
	int64_t count = 0;
	int error = ask_number(store, SQL_VALUE_COUNT, NULL, &count);

	if (!error && count >= STORE_REGISTRY_VALUES_MAX)
		error = store_fail(-ENOSPC, "the registry has %d values already",
				   STORE_REGISTRY_VALUES_MAX);
	if (error)
		return error;
	run_begin(&run, store, SQL_BEGIN);
	run_transaction(&run);
	run_next(&run, SQL_VALUE_SET);
	run_folded(&run, path);
	run_folded(&run, value->name);
	run_text(&run, value->name);
	run_number(&run, value->type);
	run_blob(&run, value->length ? (const void *)value->data : "", value->length);
	run_done(&run, true);
	run_next(&run, SQL_KEY_TOUCH);
	run_folded(&run, path);
	run_number(&run, now_ticks());
	run_done(&run, true);
	return run_commit(&run);
}

static int take_value(struct run *run, struct store_registry_value *out)
{
	int got = run_step(run);
	const void *data;

	*out = (struct store_registry_value){ 0 };
	if (got != 1)
		return got ? got : -ENOENT;
	out->name = run_column_text(run, 0);
	out->type = (uint32_t)run_column_number(run, 1);
	out->length = (size_t)sqlite3_column_bytes(run->statement, 2);
	data = sqlite3_column_blob(run->statement, 2);
	out->data = xalloc(out->length + 1, 1);
	if (out->length)
		memcpy(out->data, data, out->length);
	return 0;
}

int store_registry_get(struct store *store, const char *path, const char *name,
		       struct store_registry_value *out)
{
	cleanup(run_end) struct run run = { 0 };

	run_begin(&run, store, SQL_VALUE_GET);
	run_folded(&run, path);
	run_folded(&run, name);
	return take_value(&run, out);
}

int store_registry_value_at(struct store *store, const char *path, uint32_t index,
			    struct store_registry_value *out)
{
	cleanup(run_end) struct run run = { 0 };

	run_begin(&run, store, SQL_VALUE_AT);
	run_folded(&run, path);
	run_number(&run, index);
	return take_value(&run, out);
}

int store_registry_unset(struct store *store, const char *path, const char *name)
{
	cleanup(run_end) struct run run = { 0 };

	run_begin(&run, store, SQL_VALUE_REMOVE);
	run_folded(&run, path);
	run_folded(&run, name);
	return run_done(&run, true);
}
