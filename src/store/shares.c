// SPDX-License-Identifier: Apache-2.0
/* Shares in the database. */
#include "internal.h"

#include <errno.h>

void store_share_free(struct store_share *share)
{
	free(share->name);
	free(share->path);
	free(share->remark);
	free(share->sd);
	free(share->hide_names);
	*share = (struct store_share){ 0 };
}

static int write_share(struct store *store, const struct store_share *share, enum statement which)
{
	cleanup(run_end) struct run run = { 0 };
	int error = store_name_ok("share", share->name);

	if (error)
		return error;
	run_begin(&run, store, which);
	run_folded(&run, share->name);
	run_text(&run, share->name);
	run_text(&run, share->path);
	run_text(&run, share->remark);
	run_number(&run, share->flags);
	run_number(&run, share->max_uses);
	run_number(&run, share->caching);
	run_blob(&run, share->sd, share->sd_length);
	run_text(&run, share->hide_names ? share->hide_names : "");
	error = run_done(&run, true);
	if (error == -EEXIST)
		return store_fail(error, "there is a share \"%s\" already", share->name);
	if (error == -ENOENT)
		return store_fail(error, "there is no share \"%s\"", share->name);
	return error;
}

int store_share_add(struct store *store, const struct store_share *share)
{
	return write_share(store, share, SQL_SHARE_ADD);
}

int store_share_update(struct store *store, const struct store_share *share)
{
	return write_share(store, share, SQL_SHARE_UPDATE);
}

int store_share_remove(struct store *store, const char *name)
{
	cleanup(run_end) struct run run = { 0 };
	int error;

	run_begin(&run, store, SQL_SHARE_REMOVE);
	run_folded(&run, name);
	error = run_done(&run, true);
	return error == -ENOENT ? store_fail(error, "there is no share \"%s\"", name) : error;
}

int store_shares(struct store *store, struct store_share **out, size_t *count)
{
	cleanup(run_end) struct run run = { 0 };
	int got;

	*out = NULL;
	*count = 0;
	run_begin(&run, store, SQL_SHARES);
	while ((got = run_step(&run)) == 1) {
		struct store_share *grown = realloc(*out, (*count + 1) * sizeof(**out));
		struct store_share *share;
		int length = sqlite3_column_bytes(run.statement, 6);

		BUG_ON(!grown);
		*out = grown;
		share = &grown[(*count)++];
		*share = (struct store_share){
			.name = run_column_text(&run, 0),
			.path = run_column_text(&run, 1),
			.remark = run_column_text(&run, 2),
			.flags = (uint32_t)run_column_number(&run, 3),
			.max_uses = (uint32_t)run_column_number(&run, 4),
			.caching = (uint32_t)run_column_number(&run, 5),
			.hide_names = run_column_text(&run, 7),
		};
		if (length > 0) {
			share->sd = xalloc((size_t)length, 1);
			memcpy(share->sd, sqlite3_column_blob(run.statement, 6), (size_t)length);
			share->sd_length = (size_t)length;
		}
	}
	if (!got)
		return 0;
	for (size_t i = 0; i < *count; i++)
		store_share_free(&(*out)[i]);
	free(*out);
	*out = NULL;
	*count = 0;
	return got;
}
