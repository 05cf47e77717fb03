// SPDX-License-Identifier: Apache-2.0
/* Many opens at once: those of a session, a tree, a share, a server are closed, all are listed. */
#include "opens.h"

static void close_chosen(uint32_t shard, const struct open_choice *choice, bool keep_durable)
{
	struct open **opens;
	size_t count = open_table_collect(shard, choice, &opens);

	for (size_t i = 0; i < count; i++) {
		bool is_kept = keep_durable &&
			       (open_state(opens[i]) == OPEN_PARKED || durable_park(opens[i]));

		/* STATUS_FILE_CLOSED: a close that came at the same time did it. */
		if (!is_kept)
			(void)!open_close(opens[i], NULL);
		open_put(opens[i]);
	}
	free(opens);
}

void open_close_tree(uint64_t session_id, uint32_t tree_id)
{
	struct open_choice choice = {
		.session_id = session_id, .tree_id = tree_id, .by_session = true, .by_tree = true
	};

	close_chosen(open_table_shard(session_id), &choice, false);
}

void open_close_session(uint64_t session_id, bool keep_durable)
{
	struct open_choice choice = { .session_id = session_id, .by_session = true };

	close_chosen(open_table_shard(session_id), &choice, keep_durable);
}

void open_close_server(struct server *server)
{
	struct open_choice choice = { .server = server };

	for (uint32_t i = 0; i < OPEN_SHARDS; i++)
		close_chosen(i, &choice, false);
	descriptors_changed(); /* another node may change them before the volume comes back */
}

void open_close_share(struct share *share)
{
	struct open_choice choice = { .share = share };

	for (uint32_t i = 0; i < OPEN_SHARDS; i++)
		close_chosen(i, &choice, false);
}

bool open_force_close(uint64_t id)
{
	struct open cleanup(open_put_ptr) *open = open_table_find(id);

	return open && open_close(open, NULL) == STATUS_SUCCESS;
}

static const char *const durable_names[] = {
	[DURABLE_NOT] = "no",
	[DURABLE_V1] = "v1",
	[DURABLE_V2] = "v2",
	[DURABLE_RESILIENT] = "resilient",
};

static void list_one(struct open *open, struct open_listing_row *row)
{
	char auto_free *path = open_path(open);

	for (char *at = path; *at; at++)
		if (*at == '/')
			*at = '\\';
	*row = (struct open_listing_row){
		.id = open->facts.id.volatile_id,
		.session_id = open->facts.session_id,
		.path = xasprintf("\\%s%s%s", open->share->name, *path ? "\\" : "", path),
		.user = token_full_name(open->token),
		.granted_access = open->facts.granted_access,
	};
	pthread_mutex_lock(&open->file->lock);
	caching_facts(open, &row->oplock_level, &row->lease_state);
	row->locks = locks_of(open);
	row->durable = durable_names[open->durable.kind];
	row->timeout_ms = open->durable.timeout_ms;
	row->is_disconnected = open_state(open) == OPEN_PARKED;
	if (row->is_disconnected)
		row->disconnected_ms = monotonic_ms() - open->durable.parked_ms;
	pthread_mutex_unlock(&open->file->lock);
}

size_t open_list(struct server *server, struct open_listing_row **out)
{
	struct open_choice choice = { .server = server };
	struct open_listing_row *rows = NULL;
	size_t count = 0;

	for (uint32_t i = 0; i < OPEN_SHARDS; i++) {
		struct open **opens;
		size_t more = open_table_collect(i, &choice, &opens);
		struct open_listing_row *grown = xalloc(count + more + 1, sizeof(*grown));

		if (count)
			memcpy(grown, rows, count * sizeof(*rows));
		free(rows);
		rows = grown;
		for (size_t k = 0; k < more; k++) {
			if (open_state(opens[k]) == OPEN_LIVE ||
			    open_state(opens[k]) == OPEN_PARKED)
				list_one(opens[k], &rows[count++]);
			open_put(opens[k]);
		}
		free(opens);
	}
	*out = rows;
	return count;
}
