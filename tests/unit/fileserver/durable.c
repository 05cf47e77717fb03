// SPDX-License-Identifier: Apache-2.0
/* Opens that outlive their connection: who is kept, who gets it back, what ends it. */
#include "opens_fixture.h"

#include <wire/ntstatus.h>

#define FIRST  11 /* sessions of the same client */
#define SECOND 12

static struct open_limits limits;

static int begin(void **state)
{
	limits = open_limits;
	return fixture_begin(state);
}

static int end(void **state)
{
	open_limits = limits;
	return fixture_end(state);
}

static struct smb2_create_contexts durable_v2(uint8_t guid, uint32_t timeout_ms)
{
	struct smb2_create_contexts contexts = {
		.durable = { .request_v2 = true, .timeout_ms = timeout_ms },
	};

	contexts.durable.create_guid.bytes[0] = guid;
	return contexts;
}

static struct smb2_create_contexts with_lease(struct smb2_create_contexts contexts, uint8_t key,
					      uint32_t state)
{
	contexts.lease = (struct smb2_lease){ .present = true, .version = 2, .state = state };
	contexts.lease.key[0] = key;
	return contexts;
}

/* A durable open of "f" in session FIRST, by its lease. */
static struct smb2_file_id keep_leased(uint32_t state, uint32_t timeout_ms, uint32_t options)
{
	struct smb2_create_contexts contexts = with_lease(durable_v2(1, timeout_ms), 1, state);
	struct open_result result;
	struct open *open =
		OPEN(.path = "f", .disposition = FILE_OPEN_IF, .session = FIRST,
		     .access = FILE_MODIFY_ACCESS, .dialect = SMB2_DIALECT_311, .options = options,
		     .oplock = SMB2_OPLOCK_LEVEL_LEASE, .contexts = &contexts, .result = &result);
	struct smb2_file_id id = open_facts(open)->id;

	assert_true(result.durable_v2);
	open_close_session(FIRST, true);
	open_put(open);
	return id;
}

/* Likewise by a batch oplock. */
static struct smb2_file_id keep_batch(uint32_t timeout_ms)
{
	struct smb2_create_contexts contexts = durable_v2(1, timeout_ms);
	struct open_result result;
	struct open *open =
		OPEN(.path = "f", .disposition = FILE_OPEN_IF, .session = FIRST,
		     .access = FILE_MODIFY_ACCESS, .dialect = SMB2_DIALECT_311,
		     .oplock = SMB2_OPLOCK_LEVEL_BATCH, .contexts = &contexts, .result = &result);
	struct smb2_file_id id = open_facts(open)->id;

	assert_true(result.durable_v2);
	assert_false(result.durable_v1);
	open_close_session(FIRST, true);
	open_put(open);
	return id;
}

static struct smb2_create_contexts reconnect_v2(struct smb2_file_id id, uint8_t guid)
{
	struct smb2_create_contexts contexts = { .durable = { .reconnect_v2 = true,
							      .file_id = id } };

	contexts.durable.create_guid.bytes[0] = guid;
	return contexts;
}

static ntstatus come_back(struct smb2_file_id id, struct open **out)
{
	struct smb2_create_contexts contexts = reconnect_v2(id, 1);

	return ask_open(&(struct ask){ .path = "",
				       .session = SECOND,
				       .dialect = SMB2_DIALECT_311,
				       .contexts = &contexts },
			out);
}

static ntstatus come_back_leased(struct smb2_file_id id, struct open **out)
{
	struct smb2_create_contexts contexts = with_lease(reconnect_v2(id, 1), 1, 0);

	return ask_open(&(struct ask){ .path = "f",
				       .session = SECOND,
				       .dialect = SMB2_DIALECT_311,
				       .oplock = SMB2_OPLOCK_LEVEL_LEASE,
				       .contexts = &contexts },
			out);
}

static size_t count_opens(bool disconnected)
{
	struct open_listing_row *rows;
	size_t count = open_list(&F.server, &rows), found = 0;

	for (size_t i = 0; i < count; i++) {
		found += rows[i].is_disconnected == disconnected;
		free(rows[i].path);
		free(rows[i].user);
	}
	free(rows);
	return found;
}

static void who_comes_back_finds_the_handle_as_it_was(void **state)
{
	struct smb2_lock_request lock = {
		.count = 1,
		.locks = { { 5, 7, SMB2_LOCKFLAG_EXCLUSIVE_LOCK | SMB2_LOCKFLAG_FAIL_IMMEDIATELY } }
	};
	struct smb2_lock_request unlock = { .count = 1,
					    .locks = { { 5, 7, SMB2_LOCKFLAG_UNLOCK } } };
	struct smb2_create_contexts contexts = durable_v2(1, 0);
	struct open_result result;
	struct open *open = OPEN(.path = "f", .disposition = FILE_CREATE, .session = FIRST,
				 .access = FILE_MODIFY_ACCESS, .dialect = SMB2_DIALECT_300,
				 .options = FILE_WRITE_THROUGH, .oplock = SMB2_OPLOCK_LEVEL_BATCH,
				 .contexts = &contexts, .result = &result);
	struct open *again;
	struct smb2_file_id id = open_facts(open)->id;

	(void)state;
	assert_int_equal(result.durable_timeout_ms, 60000);
	assert_status(open_lock_ranges(open, &lock, NULL), STATUS_SUCCESS);
	open_set_position(open, 4711);
	open_close_session(FIRST, true);
	assert_int_equal(count_opens(true), 1);
	assert_null(open_find(&id, FIRST, 1));
	assert_status(come_back(id, &again), STATUS_SUCCESS);
	assert_int_equal(count_opens(true), 0);
	assert_int_equal(open_facts(again)->id.persistent, id.persistent);
	assert_int_not_equal(open_facts(again)->id.volatile_id, id.volatile_id);
	assert_int_equal(open_facts(again)->granted_access, open_facts(open)->granted_access);
	assert_int_equal(open_position(again), 4711);
	assert_int_equal(open_mode(again), FILE_WRITE_THROUGH);
	/* What it was before is as good as closed. */
	assert_status(open_lock_ranges(open, &lock, NULL), STATUS_FILE_CLOSED);
	assert_status(open_close(open, NULL), STATUS_FILE_CLOSED);
	assert_status(open_lock_ranges(again, &unlock, NULL), STATUS_SUCCESS);
	open_put(open);
	done(again);
	assert_status(come_back(id, &again), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void nobody_else_gets_it(void **state)
{
	struct smb2_file_id id = keep_leased(7, 0, 0);
	struct smb2_create_contexts contexts;
	struct open *open;

	(void)state;
#define COME(name, ...)                                                                            \
	ask_open(&(struct ask){ .path = (name),                                                    \
				.session = SECOND,                                                 \
				.dialect = SMB2_DIALECT_311,                                       \
				.contexts = &contexts,                                             \
				__VA_ARGS__ },                                                     \
		 &open)
	contexts = with_lease(reconnect_v2(id, 1), 1, 7);
	assert_status(COME("f", .token = F.bob), STATUS_ACCESS_DENIED);
	assert_status(COME("f", .client = 1), STATUS_OBJECT_NAME_NOT_FOUND);
	assert_status(COME("g"), STATUS_INVALID_PARAMETER);
	contexts = with_lease(reconnect_v2(id, 1), 2, 7);
	assert_status(COME("f"), STATUS_OBJECT_NAME_NOT_FOUND);
	contexts = with_lease(reconnect_v2(id, 2), 1, 7);
	assert_status(COME("f"), STATUS_OBJECT_NAME_NOT_FOUND);
	contexts = reconnect_v2(id, 1);
	assert_status(COME("f"), STATUS_OBJECT_NAME_NOT_FOUND);
	id.persistent++;
	contexts = with_lease(reconnect_v2(id, 1), 1, 7);
	assert_status(COME("f"), STATUS_OBJECT_NAME_NOT_FOUND);
	id.persistent--;
	contexts.durable.request_v2 = true;
	assert_status(COME("f"), STATUS_INVALID_PARAMETER);
#undef COME
	assert_int_equal(count_opens(true), 1);
	assert_status(come_back_leased(id, &open), STATUS_SUCCESS);
	assert_status(come_back_leased(id, &(struct open *){ NULL }), STATUS_OBJECT_NAME_NOT_FOUND);
	done(open);
}

static void what_holds_no_handle_is_not_kept(void **state)
{
	struct smb2_create_contexts contexts = durable_v2(1, 0);
	struct open_result result;
	struct open *open = OPEN(.path = "f", .disposition = FILE_CREATE, .session = FIRST,
				 .dialect = SMB2_DIALECT_311, .oplock = SMB2_OPLOCK_LEVEL_EXCLUSIVE,
				 .contexts = &contexts, .result = &result);

	(void)state;
	assert_false(result.durable_v2);
	open_close_session(FIRST, true);
	assert_int_equal(count_opens(true), 0);
	open_put(open);
}

static void a_tree_disconnect_and_an_eviction_close_it(void **state)
{
	struct smb2_create_contexts contexts = durable_v2(1, 0);

	(void)state;
	for (int evict = 0; evict < 2; evict++) {
		struct open *open = OPEN(.path = "f", .disposition = FILE_OPEN_IF, .session = FIRST,
					 .dialect = SMB2_DIALECT_311,
					 .oplock = SMB2_OPLOCK_LEVEL_BATCH, .contexts = &contexts);

		if (evict)
			open_close_session(FIRST, false);
		else
			open_close_tree(FIRST, 1);
		assert_status(open_close(open, NULL), STATUS_FILE_CLOSED);
		open_put(open);
	}
}

static void a_tree_disconnect_leaves_what_is_kept_already(void **state)
{
	struct smb2_file_id id = keep_batch(0);
	struct open *open;

	(void)state;
	open_close_tree(FIRST, 1);
	assert_status(come_back(id, &open), STATUS_SUCCESS);
	done(open);
}

static void an_open_that_would_break_it_closes_it(void **state)
{
	struct smb2_file_id id = keep_batch(0);
	struct open *open;

	(void)state;
	/* Its file is there for the next at once: nobody is asked, nobody waited for. */
	assert_status(TRY(.path = "f", .client = 1, .no_share = true), STATUS_SUCCESS);
	assert_status(come_back(id, &open), STATUS_OBJECT_NAME_NOT_FOUND);
	id = keep_leased(7, 0, 0);
	assert_status(TRY(.path = "f", .client = 1), STATUS_SUCCESS);
	assert_status(come_back_leased(id, &open), STATUS_OBJECT_NAME_NOT_FOUND);
}

static void an_open_that_breaks_nothing_leaves_it(void **state)
{
	struct smb2_file_id id = keep_leased(3, 0, 0);
	struct open *open;

	(void)state;
	assert_status(TRY(.path = "f", .client = 1), STATUS_SUCCESS);
	assert_status(
		TRY(.path = "f", .client = 1, .access = FILE_READ_ATTRIBUTES, .no_share = true),
		STATUS_SUCCESS);
	assert_status(come_back_leased(id, &open), STATUS_SUCCESS);
	done(open);
}

static void a_write_and_a_rename_close_it(void **state)
{
	struct smb2_file_id id = keep_leased(3, 0, 0);
	struct open *open, *writer = OPEN(.path = "f", .client = 1, .access = FILE_MODIFY_ACCESS);

	(void)state;
	assert_int_equal(count_opens(true), 1);
	assert_status(open_check_write(writer, 0, 1), STATUS_SUCCESS);
	assert_status(come_back_leased(id, &open), STATUS_OBJECT_NAME_NOT_FOUND);
	done(writer);
	id = keep_leased(3, 0, 0);
	writer = OPEN(.path = "f", .client = 1, .access = DELETE_ACCESS);
	if (open_rename(writer, "g", false, 0, NULL) != STATUS_SUCCESS)
		assert_status(open_rename(writer, "g", false, 0, NULL), STATUS_SUCCESS);
	assert_status(come_back_leased(id, &open), STATUS_OBJECT_NAME_NOT_FOUND);
	done(writer);
}

static void delete_on_close_waits_for_the_client_and_comes_with_the_end(void **state)
{
	struct smb2_file_id id = keep_leased(7, 0, FILE_DELETE_ON_CLOSE);
	struct open_result result;
	struct open *open;

	(void)state;
	assert_status(come_back_leased(id, &open), STATUS_SUCCESS);
	done(open);
	assert_status(TRY(.path = "f"), STATUS_OBJECT_NAME_NOT_FOUND);
	(void)keep_leased(7, 0, FILE_DELETE_ON_CLOSE);
	/* Who is in its way ends it: the file goes, and is made anew. */
	done(OPEN(.path = "f", .client = 1, .disposition = FILE_OPEN_IF, .result = &result));
	assert_int_equal(result.action, FILE_CREATED);
}

static void its_time_runs_out(void **state)
{
	struct smb2_file_id id;
	struct open *open;

	(void)state;
	for (int i = 0; i < 40; i++) { /* each with another time */
		struct smb2_create_contexts contexts =
			durable_v2((uint8_t)(i + 1), (uint32_t)(i * 7919 % 40 + 1));
		char name[16];

		snprintf(name, sizeof(name), "t%d", i);
		open_put(OPEN(.path = name, .disposition = FILE_CREATE, .session = FIRST,
			      .dialect = SMB2_DIALECT_311, .oplock = SMB2_OPLOCK_LEVEL_BATCH,
			      .contexts = &contexts));
	}
	id = keep_batch(600000);
	for (int i = 0; i < 1000 && count_opens(true) > 1; i++)
		usleep(10000);
	assert_int_equal(count_opens(true), 1);
	assert_status(come_back(id, &open), STATUS_SUCCESS);
	done(open);
}

static void a_time_is_given_within_its_limits(void **state)
{
	struct smb2_create_contexts contexts = durable_v2(1, UINT32_MAX);
	struct open_result result;
	struct open *open =
		OPEN(.path = "f", .disposition = FILE_CREATE, .dialect = SMB2_DIALECT_311,
		     .oplock = SMB2_OPLOCK_LEVEL_BATCH, .contexts = &contexts, .result = &result);

	(void)state;
	assert_int_equal(result.durable_timeout_ms, 300000);
	assert_status(open_make_resilient(open, 300001), STATUS_INVALID_PARAMETER);
	assert_status(open_make_resilient(open, 300000), STATUS_SUCCESS);
	done(open);
	assert_status(TRY(.path = "f", .dialect = SMB2_DIALECT_311, .contexts = &contexts),
		      STATUS_SUCCESS);
}

static void what_is_resilient_stands_in_the_way(void **state)
{
	struct smb2_create_contexts contexts = { .durable = { .reconnect_v1 = true } };
	struct open *open = OPEN(.path = "f", .disposition = FILE_CREATE, .session = FIRST,
				 .access = FILE_MODIFY_ACCESS, .share = FILE_SHARE_READ,
				 .oplock = SMB2_OPLOCK_LEVEL_BATCH);
	struct noted noted = NOTED;

	(void)state;
	contexts.durable.file_id = open_facts(open)->id;
	assert_status(open_make_resilient(open, 60000), STATUS_SUCCESS);
	open_close_session(FIRST, true);
	assert_status(TRY(.path = "f", .client = 1, .access = FILE_MODIFY_ACCESS,
			  .waiter = &noted.waiter),
		      STATUS_SHARING_VIOLATION);
	/* What it cached is gone; nobody had to be waited for. */
	assert_status(TRY(.path = "f", .client = 1, .waiter = &noted.waiter), STATUS_SUCCESS);
	assert_int_equal(noted.count, 0);
	open_put(open);
	open = OPEN(.path = "", .session = SECOND, .contexts = &contexts);
	done(open);
}

static void who_waits_for_an_answer_goes_on_when_the_client_is_gone(void **state)
{
	struct open *open = OPEN(.path = "f", .disposition = FILE_CREATE, .session = FIRST,
				 .access = FILE_MODIFY_ACCESS, .oplock = SMB2_OPLOCK_LEVEL_BATCH);
	struct noted noted = NOTED;

	(void)state;
	assert_status(open_make_resilient(open, 60000), STATUS_SUCCESS);
	assert_status(TRY(.path = "f", .client = 1, .waiter = &noted.waiter), STATUS_PENDING);
	open_close_session(FIRST, true);
	assert_int_equal(noted.count, 1);
	assert_status(TRY(.path = "f", .client = 1), STATUS_SUCCESS);
	assert_int_equal(count_opens(true), 1);
	open_put(open);
}

static void a_durable_open_that_is_being_broken_is_not_kept(void **state)
{
	struct smb2_create_contexts contexts = durable_v2(1, 0);
	struct open *open = OPEN(.path = "f", .disposition = FILE_CREATE, .session = FIRST,
				 .access = FILE_MODIFY_ACCESS, .dialect = SMB2_DIALECT_311,
				 .oplock = SMB2_OPLOCK_LEVEL_BATCH, .contexts = &contexts);
	struct noted noted = NOTED;

	(void)state;
	assert_status(TRY(.path = "f", .client = 1, .waiter = &noted.waiter), STATUS_PENDING);
	open_close_session(FIRST, true);
	assert_int_equal(noted.count, 1);
	assert_int_equal(count_opens(true), 0);
	open_put(open);
}

static void an_administrator_and_the_server_end_it(void **state)
{
	struct smb2_file_id id = keep_batch(0);
	struct open *open;

	(void)state;
	assert_true(open_force_close(id.volatile_id));
	assert_status(come_back(id, &open), STATUS_OBJECT_NAME_NOT_FOUND);
	id = keep_batch(0);
	open_close_share(&F.share);
	assert_status(come_back(id, &open), STATUS_OBJECT_NAME_NOT_FOUND);
	id = keep_batch(0);
	open_close_server(&F.server);
	assert_status(come_back(id, &open), STATUS_OBJECT_NAME_NOT_FOUND);
	F.server.online = false; /* what ends while it leaves is not kept */
	id = keep_batch(0);
	assert_int_equal(count_opens(true), 0);
}

static size_t keep_many(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct smb2_create_contexts contexts = durable_v2((uint8_t)(i + 1), 0);
		char name[16];

		snprintf(name, sizeof(name), "m%zu", i);
		open_put(OPEN(.path = name, .disposition = FILE_OPEN_IF, .session = FIRST,
			      .dialect = SMB2_DIALECT_311, .oplock = SMB2_OPLOCK_LEVEL_BATCH,
			      .contexts = &contexts));
	}
	open_close_session(FIRST, true);
	count = count_opens(true);
	open_close_server(&F.server);
	return count;
}

static void no_more_are_kept_than_the_limits_say(void **state)
{
	(void)state;
	assert_int_equal(keep_many(8), 8);
	open_limits.max_disconnected_opens = 3;
	assert_int_equal(keep_many(8), 3);
	open_limits = limits;
	open_limits.max_disconnected_opens_per_client = 2;
	assert_int_equal(keep_many(8), 2);
	open_limits = limits;
	open_limits.max_disconnected_opens_per_user = 1;
	assert_int_equal(keep_many(8), 1);
	open_limits = limits;
	assert_int_equal(keep_many(8), 8); /* what was counted has been given back */
}

static void a_share_that_lets_less_gives_it_to_nobody(void **state)
{
	struct smb2_file_id id = keep_batch(0);
	struct smb2_create_contexts contexts = reconnect_v2(id, 1);
	struct open_request request = {
		.share = &F.share,
		.token = F.alice,
		.path = "",
		.session_id = SECOND,
		.tree_id = 1,
		.client_guid = F.client[0],
		.share_maximal_access = FILE_GENERIC_READ,
		.contexts = &contexts,
		.dialect = SMB2_DIALECT_311,
	};
	struct open_result result;
	struct open *open;

	(void)state;
	assert_status(open_create(&request, NULL, &open, &result), STATUS_ACCESS_DENIED);
	request.share_maximal_access = FILE_ALL_ACCESS;
	assert_status(open_create(&request, NULL, &open, &result), STATUS_SUCCESS);
	done(open);
}

static void without_its_guid_a_handle_of_version_2_goes_to_its_own_client_alone(void **state)
{
	struct smb2_file_id id = keep_batch(0);
	struct smb2_create_contexts contexts = { .durable = { .reconnect_v1 = true,
							      .file_id = id } };
	const uint16_t dialects[] = { SMB2_DIALECT_210, SMB2_DIALECT_300, SMB2_DIALECT_311 };
	struct open *open;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(dialects); i++)
		assert_status(TRY(.path = "", .session = SECOND, .dialect = dialects[i],
				  .client = 1, .contexts = &contexts),
			      STATUS_OBJECT_NAME_NOT_FOUND);
	open = OPEN(.path = "", .session = SECOND, .dialect = SMB2_DIALECT_300,
		    .contexts = &contexts);
	done(open);
}

/* A durable open of @path by a lease, asked for back as each of @names. */
static void comes_back_as(const char *path, const struct smb2_create_contexts *then,
			  const char *const *names, size_t count, ntstatus expected)
{
	struct smb2_create_contexts contexts = with_lease(durable_v2(1, 60000), 1, 3);
	struct open_result result;
	struct smb2_file_id id;
	struct open *open;

	if (then) {
		contexts.has_timewarp = true;
		contexts.timewarp = then->timewarp;
	}
	open = OPEN(.path = path, .session = FIRST, .dialect = SMB2_DIALECT_311,
		    .disposition = then ? FILE_OPEN : FILE_OPEN_IF,
		    .oplock = SMB2_OPLOCK_LEVEL_LEASE, .contexts = &contexts, .result = &result);
	id = open_facts(open)->id;
	assert_true(result.durable_v2);
	for (size_t i = 0; i < count; i++) {
		struct smb2_create_contexts back = with_lease(reconnect_v2(id, 1), 1, 0);
		struct open *again = NULL;
		ntstatus status;

		open_close_session(i % 2 ? SECOND : FIRST, true);
		open_put(open);
		open = NULL;
		status = ask_open(&(struct ask){ .path = names[i],
						 .session = i % 2 ? FIRST : SECOND,
						 .dialect = SMB2_DIALECT_311,
						 .oplock = SMB2_OPLOCK_LEVEL_LEASE,
						 .contexts = &back },
				  &again);
		if (status != expected)
			fail_msg("%s: %s", names[i], ntstatus_name(status));
		if (again)
			open = again;
	}
	open_close_session(FIRST, false);
	open_close_session(SECOND, false);
	if (open)
		open_put(open);
}
#define COMES_BACK_AS(path, then, expected, ...)                                                   \
	comes_back_as(path, then, (const char *const[]){ __VA_ARGS__ },                            \
		      ARRAY_LEN(((const char *const[]){ __VA_ARGS__ })), expected)

static void it_is_asked_for_by_any_of_its_names(void **state)
{
	char short_name[VOLUME_SHORT_NAME];

	(void)state;
	volume_short_name("a rather long name.text", short_name);
	COMES_BACK_AS("f", NULL, STATUS_SUCCESS, "f", "F", "f::$DATA", "./f");
	COMES_BACK_AS("f", NULL, STATUS_INVALID_PARAMETER, "g");
	COMES_BACK_AS("g:s", NULL, STATUS_SUCCESS, "g:s", "G:S:$DATA");
	COMES_BACK_AS("g:s", NULL, STATUS_INVALID_PARAMETER, "g");
	COMES_BACK_AS("a rather long name.text", NULL, STATUS_INVALID_PARAMETER, short_name);
	F.share.flags |= STORE_SHARE_SHORT_NAMES;
	COMES_BACK_AS("a rather long name.text", NULL, STATUS_SUCCESS, short_name,
		      "A Rather Long Name.Text");
	COMES_BACK_AS("a rather long name.text", NULL, STATUS_INVALID_PARAMETER, "F~1");
}

static void a_previous_version_is_asked_for_with_or_without_its_time(void **state)
{
	static const char *const made[] = { ".berth/snapshots", ".berth/snapshots/2026-01-01",
					    ".berth/snapshots/2026-01-01/f" };
	struct smb2_create_contexts then = { .timewarp = nttime_from_timespec(
						     (struct timespec){ .tv_sec = 1767225600 }) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		char auto_free *path = xasprintf("%s/%s", F.directory, made[i]);

		if (i < 2)
			assert_int_equal(mkdir(path, 0700), 0);
		else
			assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
	}
	make_file("f");
	COMES_BACK_AS("f", &then, STATUS_SUCCESS, "f", "@GMT-2026.01.01-00.00.00/f");
	COMES_BACK_AS("f", &then, STATUS_INVALID_PARAMETER, "@GMT-2026.01.01-00.00.01/f");
	COMES_BACK_AS("f", NULL, STATUS_INVALID_PARAMETER, "@GMT-2026.01.01-00.00.00/f");
}

/* One who is nobody of its own: a guest, or the null session. */
static struct token *nobody(bool is_guest)
{
	const struct sid groups[] = { SID_USERS };
	struct token_info info = {
		.user = F.alice->user, /* the same, whoever it is */
		.primary_group = F.alice->primary_group,
		.is_guest = is_guest,
		.is_anonymous = !is_guest,
		.groups = groups,
		.group_count = 1,
	};

	return token_new(&info);
}

static void guests_are_kept_nothing_and_come_back_for_nothing(void **state)
{
	struct smb2_create_contexts contexts = durable_v2(1, 0);
	struct smb2_file_id id;
	struct open *open;

	(void)state;
	make_file("f");
	for (int guest = 0; guest < 2; guest++) {
		struct token auto_token *token = nobody(guest);
		struct open_result result;

		open = OPEN(.path = "f", .token = token, .session = FIRST,
			    .dialect = SMB2_DIALECT_311, .oplock = SMB2_OPLOCK_LEVEL_BATCH,
			    .access = FILE_READ_ATTRIBUTES | SYNCHRONIZE, .contexts = &contexts,
			    .result = &result);
		assert_false(result.durable_v2);
		assert_status(open_make_resilient(open, 0), STATUS_ACCESS_DENIED);
		open_close_session(FIRST, true);
		assert_int_equal(count_opens(true), 0);
		open_put(open);
		id = keep_batch(0);
		contexts = reconnect_v2(id, 1);
		assert_status(TRY(.path = "", .token = token, .session = SECOND,
				  .dialect = SMB2_DIALECT_311, .contexts = &contexts),
			      STATUS_ACCESS_DENIED);
		assert_status(come_back(id, &open), STATUS_SUCCESS);
		done(open);
		contexts = durable_v2(1, 0);
	}
}

static ntstatus lock_again(struct open *open, uint32_t sequence)
{
	struct smb2_lock_request lock = {
		.count = 1,
		.lock_sequence = sequence,
		.locks = { { 0, 1, SMB2_LOCKFLAG_EXCLUSIVE_LOCK | SMB2_LOCKFLAG_FAIL_IMMEDIATELY } }
	};

	return open_lock_ranges(open, &lock, NULL);
}

static void a_lock_that_is_sent_again_is_taken_once(void **state)
{
	struct open *open = OPEN(.path = "f", .disposition = FILE_CREATE, .session = FIRST,
				 .access = FILE_MODIFY_ACCESS);

	(void)state;
	assert_status(lock_again(open, 1 << 4 | 3), STATUS_SUCCESS);
	assert_status(lock_again(open, 1 << 4 | 3), STATUS_LOCK_NOT_GRANTED);
	assert_status(open_make_resilient(open, 0), STATUS_SUCCESS);
	done(open);
	open = OPEN(.path = "f", .session = FIRST, .access = FILE_MODIFY_ACCESS);
	assert_status(open_make_resilient(open, 0), STATUS_SUCCESS);
	assert_status(lock_again(open, 1 << 4 | 3), STATUS_SUCCESS);
	assert_status(lock_again(open, 1 << 4 | 3), STATUS_SUCCESS);
	assert_status(lock_again(open, 1 << 4 | 4), STATUS_LOCK_NOT_GRANTED);
	assert_status(lock_again(open, 2 << 4 | 3), STATUS_LOCK_NOT_GRANTED);
	assert_status(lock_again(open, 65 << 4 | 3), STATUS_LOCK_NOT_GRANTED);
	done(open);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_comes_back_finds_the_handle_as_it_was),
		TEST(nobody_else_gets_it),
		TEST(what_holds_no_handle_is_not_kept),
		TEST(a_tree_disconnect_and_an_eviction_close_it),
		TEST(a_tree_disconnect_leaves_what_is_kept_already),
		TEST(an_open_that_would_break_it_closes_it),
		TEST(an_open_that_breaks_nothing_leaves_it),
		TEST(a_write_and_a_rename_close_it),
		TEST(delete_on_close_waits_for_the_client_and_comes_with_the_end),
		TEST(its_time_runs_out),
		TEST(a_time_is_given_within_its_limits),
		TEST(what_is_resilient_stands_in_the_way),
		TEST(who_waits_for_an_answer_goes_on_when_the_client_is_gone),
		TEST(a_durable_open_that_is_being_broken_is_not_kept),
		TEST(an_administrator_and_the_server_end_it),
		TEST(no_more_are_kept_than_the_limits_say),
		TEST(a_share_that_lets_less_gives_it_to_nobody),
		TEST(without_its_guid_a_handle_of_version_2_goes_to_its_own_client_alone),
		TEST(it_is_asked_for_by_any_of_its_names),
		TEST(a_previous_version_is_asked_for_with_or_without_its_time),
		TEST(guests_are_kept_nothing_and_come_back_for_nothing),
		TEST(a_lock_that_is_sent_again_is_taken_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
