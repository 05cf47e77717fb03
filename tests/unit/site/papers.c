// SPDX-License-Identifier: Apache-2.0
/* Papers in a drop: those that count are taken, whatever lies beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "scratch.h"

#include "places.h"

#include "place_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <policy/paper.h>
#include <site/db.h>
#include <site/deploy.h>
#include <site/message.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define POINT "\\\\FS\\distro_test"

static struct place *place;
static struct content_key mine, other;
static json_t *facts;

static int set_up(void **state)
{
	auto_free char *at = NULL, *drop = NULL;

	scratch_site_make("papers");
	at = scratch_below("point");
	drop = scratch_below("point/" DROP);
	assert_int_equal(mkdir(at, 0755) | mkdir(drop, 0755), 0);
	place = place_open_directory(at, NULL);
	assert_non_null(place);
	facts = json_pack("{s:s}", "os.id", "debian");
	return content_key_make(&mine, NULL) && content_key_make(&other, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
	json_decref(facts);
	place_close(place);
	return scratch_site_remove(state);
}

static void drop(const char *name, const void *data, size_t length)
{
	auto_free char *path = xasprintf("%s/point/" DROP "/%s", dir, name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(data, 1, length, out), length);
	assert_int_equal(fclose(out), 0);
}

static bool is_there(const char *name)
{
	auto_free char *path = xasprintf("%s/point/" DROP "/%s", dir, name);

	return !access(path, F_OK);
}

static void drop_enrolment(const char *name, const struct content_key *key, const char *client,
			   const json_t *of_it, const char *token)
{
	auto_buf struct buf bytes = { 0 };

	assert_true(enrolment_write(key, client, of_it, token, 5, &bytes, NULL));
	drop(name, bytes.data, bytes.len);
}

/* deployments: how often the report names the same one */
static void drop_report(const char *name, const struct content_key *key, int number,
			const json_t *of_it, int deployments)
{
	const struct content_key *keys[] = { key };
	json_t *list = json_array(), *body auto_json = NULL;
	auto_buf struct buf bytes = { 0 };

	for (int i = 0; i < deployments; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:i, s:i, s:s, s:i, s:s, s:i, s:i, s:s}",
						"id", "P0100001", "version", 1, "revision", 0,
						"state", "succeeded", "message", 10009, "reason",
						"", "exit", 0, "since_s", 6, "output", ""));
	body = json_pack("{s:s, s:s, s:i, s:i, s:O, s:o, s:[]}", "_type", "report", "client",
			 key->id, "number", number, "time_s", 7, "facts", of_it, "deployments",
			 list, "events");
	assert_true(document_sign(body, keys, 1, &bytes, NULL));
	drop(name, bytes.data, bytes.len);
}

static struct ingest_counts round_at(struct place *at, int expected)
{
	struct ingest_counts counts = { 0 };
	auto_free char *why = NULL;
	int error = papers_ingest_from(site, at, POINT, &counts, &why);

	if (error != expected)
		fail_msg("the round ended with %d: %s", error, why ? why : "");
	return counts;
}

static struct ingest_counts round_once(int expected)
{
	return round_at(place, expected);
}

static int64_t ask(const char *sql)
{
	struct query q = query_begin(site, sql);
	int64_t number = query_row(&q) ? query_number_at(&q, 0) : -1;

	assert_int_equal(query_end(&q, NULL), 0);
	return number;
}

static void tell(const char *sql)
{
	struct query q = query_begin(site, sql);

	assert_int_equal(query_run(&q, NULL), 0);
}

static void enrol(const struct content_key *key, const char *name)
{
	auto_free char *why = NULL;

	drop_enrolment("enrolment-1.json", key, name, facts, NULL);
	assert_int_equal(round_once(0).enrolments, 1);
	assert_int_equal(client_approve(site, key->id, &why), 0);
}

static json_t *long_facts(size_t bytes)
{
	json_t *out = json_object();

	for (size_t i = 0; i * 4000 < bytes; i++) {
		auto_free char *name = xasprintf("fact.%zu", i), *text = xalloc(1, 4001);

		memset(text, 'x', 4000);
		json_object_set_new(out, name, json_string(text));
	}
	return out;
}

static void what_cannot_be_taken_keeps_nothing_else_from_it(void **state)
{
	json_t *large auto_json = long_facts(100000);
	struct ingest_counts counts;

	enrol(&mine, "pc1");
	drop_report("report-a1.json", &mine, 1, large, 0);
	drop_report("report-a2.json", &mine, 2, facts, 2);
	drop_report("report-a3.json", &other, 3, facts, 1);
	drop("report-a4.json", "{}", 2);
	drop_report("report-b.json", &mine, 9, facts, 1);
	counts = round_once(0);
	assert_int_equal(counts.reports, 1);
	assert_int_equal(counts.refused, 3);
	assert_int_equal(ask("SELECT report_number FROM clients"), 9);
	assert_false(is_there("report-a1.json") || is_there("report-a2.json") ||
		     is_there("report-a3.json") || is_there("report-b.json"));
	/* What does not parse may be half of something. */
	assert_int_equal(counts.unfinished, 1);
	assert_true(is_there("report-a4.json"));
	assert_int_equal(ask("SELECT count(*) FROM messages WHERE message = 60030"), 1);
}

static void what_cannot_be_read_is_passed_over(void **state)
{
	auto_free char *at = scratch_below("point/" DROP "/report-a.json");
	auto_free char *pipe = scratch_below("point/" DROP "/report-a0.json");
	auto_free char *large = xalloc(1, PAPER_BYTES_MAX + 1);

	enrol(&mine, "pc1");
	assert_int_equal(symlink("/etc/passwd", at) | mkfifo(pipe, 0666), 0);
	drop("report-a1.json", large, PAPER_BYTES_MAX + 1);
	drop_report("report-b.json", &mine, 9, facts, 1);
	assert_int_equal(round_once(0).reports, 1);
	assert_false(is_there("report-a1.json"));
}

static void half_a_paper_is_waited_for_but_not_for_ever(void **state)
{
	drop("report-half.json", "{\"sig", 5);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(round_once(0).unfinished, 1);
		assert_true(is_there("report-half.json"));
	}
	/* Nor does a clock that is set back make it immortal. */
	tell("UPDATE odd_papers SET first = first + 100000000");
	assert_int_equal(round_once(0).unfinished, 1);
	tell("UPDATE odd_papers SET first = first - 700");
	assert_int_equal(round_once(0).refused, 1);
	assert_false(is_there("report-half.json"));
	assert_int_equal(ask("SELECT count(*) FROM odd_papers"), 0);
}

static void a_database_that_takes_nothing_costs_no_paper(void **state)
{
	enrol(&mine, "pc1");
	drop_report("report-b.json", &mine, 9, facts, 1);
	drop_enrolment("enrolment-2.json", &other, "pc2", facts, NULL);
	/* As large as it is, and not a page more: what SQLite says of a full disk, too. */
	tell("PRAGMA wal_checkpoint(TRUNCATE)");
	tell("PRAGMA max_page_count = 1");
	{
		auto_free char *text = xalloc(1, 60001);

		/* Until no free page is left. */
		memset(text, 'x', 60000);
		for (int i = 0;; i++) {
			struct query q = query_begin(site, "INSERT INTO settings VALUES(?1, ?2)");
			auto_free char *key = xasprintf("filler%d", i);

			query_text(&q, key);
			query_text(&q, text);
			if (query_run(&q, NULL))
				break;
		}
	}
	{
		json_t *much auto_json = long_facts(40000);

		drop_report("report-b.json", &mine, 9, much, 1);
	}
	assert_int_equal(round_once(-ENOSPC).reports, 0);
	assert_true(is_there("report-b.json"));
	tell("PRAGMA max_page_count = 1000000");
	assert_int_equal(round_once(0).reports, 1);
	assert_false(is_there("report-b.json"));
	assert_int_equal(ask("SELECT count(*) FROM clients"), 2);
}

static void a_locked_database_costs_no_paper(void **state)
{
	auto_free char *path = scratch_below("site.db");
	sqlite3 *db;

	enrol(&mine, "pc1");
	drop_report("report-b.json", &mine, 9, facts, 1);
	tell("PRAGMA busy_timeout = 1");
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	(void)round_once(-EBUSY);
	assert_true(is_there("report-b.json"));
	sqlite3_close(db);
	assert_int_equal(round_once(0).reports, 1);
}

/* The listing is the first operation of a round, the paper's bytes are the second. */
static void a_trouble_of_the_server_that_passes_costs_no_paper(void **state)
{
	static const ntstatus passing[] = {
		STATUS_INSUFFICIENT_RESOURCES, STATUS_ACCESS_DENIED,
		STATUS_SHARING_VIOLATION,      STATUS_DISK_FULL,
		STATUS_INTERNAL_ERROR,	       STATUS_UNSUCCESSFUL,
		STATUS_DELETE_PENDING,	       STATUS_FILE_LOCK_CONFLICT,
	};
	struct faults faults = { .fail_at = 2, .fail_count = 1 };
	struct place *faulty auto_place = faulty_place(place, &faults);
	struct ingest_counts counts;

	enrol(&mine, "pc1");
	drop_report("report-b.json", &mine, 9, facts, 1);
	for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
		faults.operations = 0;
		faults.status = passing[i];
		counts = round_at(faulty, 0);
		assert_int_equal(counts.unread, 1);
		assert_int_equal(counts.refused, 0);
		assert_true(is_there("report-b.json"));
	}
	/* One that is gone is said, and costs nothing either. */
	faults.operations = 0;
	faults.status = STATUS_CONNECTION_DISCONNECTED;
	(void)round_at(faulty, -EIO);
	assert_true(is_there("report-b.json"));
	assert_int_equal(ask("SELECT count(*) FROM messages WHERE message = 60030"), 0);
	assert_int_equal(round_at(faulty, 0).reports, 1);
	assert_false(is_there("report-b.json"));
}

static void what_is_wrong_with_a_paper_itself_sets_it_aside(void **state)
{
	static const ntstatus lasting[] = { STATUS_FILE_TOO_LARGE, STATUS_OBJECT_TYPE_MISMATCH,
					    STATUS_STOPPED_ON_SYMLINK };
	struct faults faults = { .fail_at = 2, .fail_count = 1 };
	struct place *faulty auto_place = faulty_place(place, &faults);

	for (size_t i = 0; i < ARRAY_LEN(lasting); i++) {
		drop("report-b.json", "{}", 2);
		faults.operations = 0;
		faults.status = lasting[i];
		assert_int_equal(round_at(faulty, 0).refused, 1);
		assert_false(is_there("report-b.json"));
	}
}

/* A drop that somebody has filled with names, behind which there is one paper that counts. */
struct crowd {
	struct place place;
	struct place *inner;
	unsigned count, pause_us;
};

static ntstatus crowd_list(struct place *at, const char *name, place_list_fn *each, void *owner)
{
	struct crowd *c = container_of(at, struct crowd, place);
	ntstatus status = place_list(c->inner, name, each, owner);
	char text[32];

	for (unsigned i = 0; i < c->count && !status; i++) {
		snprintf(text, sizeof(text), "nothing-%u.tmp", i);
		if (c->pause_us)
			usleep(c->pause_us);
		if (!each(owner, text, 1, false))
			break;
	}
	return status;
}

static void crowd_begin(struct place *at, struct place_request *rq)
{
	struct place_request copy = *rq;

	place_begin(container_of(at, struct crowd, place)->inner, &copy);
	place_drain(container_of(at, struct crowd, place)->inner);
	place_finish(at, rq, copy.status, copy.got);
}

static ntstatus crowd_write(struct place *at, const char *name, const void *data, size_t length)
{
	return STATUS_NOT_SUPPORTED;
}

static const struct place_ops crowd_ops = { .begin = crowd_begin,
					    .write = crowd_write,
					    .list = crowd_list };

static void a_million_names_keep_nothing_else_from_being_taken(void **state)
{
	struct crowd crowd = { { .ops = &crowd_ops, .depth = 4 }, place, PLACE_LIST_MAX + 5, 0 };

	enrol(&mine, "pc1");
	drop_report("report-b.json", &mine, 9, facts, 1);
	assert_int_equal(round_at(&crowd.place, 0).reports, 1);
	assert_false(is_there("report-b.json"));
	/* In such a crowd nothing is waited for that there is no room to keep in mind. */
	tell("INSERT OR IGNORE INTO odd_papers WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT"
	     " i + 1 FROM n WHERE i < 10000) SELECT '" POINT
	     "', 'report-' || i, unixepoch() FROM n");
	drop("report-half.json", "{\"sig", 5);
	(void)round_at(&crowd.place, 0);
	assert_false(is_there("report-half.json"));
}

/* A listing that takes longer than there is time for: what it has told by then is taken. */
static void a_slow_listing_keeps_nothing_from_being_taken(void **state)
{
	struct crowd crowd = { { .ops = &crowd_ops, .depth = 4 }, place, 1000000, 1000 };

	enrol(&mine, "pc1");
	drop_report("report-b.json", &mine, 9, facts, 1);
	place_set_deadline(&crowd.place, 3000);
	assert_int_equal(round_at(&crowd.place, 0).reports, 1);
	assert_false(is_there("report-b.json"));
}

/* They would hide those behind them, once there are enough. */
static void what_has_no_name_of_a_paper_is_removed(void **state)
{
	auto_free char *directory = scratch_below("point/" DROP "/report-1.json");
	struct ingest_counts counts;

	assert_int_equal(mkdir(directory, 0755), 0);
	drop("Thumbs.db", "x", 1);
	/* It may be about to get its name. */
	assert_int_equal(round_once(0).unfinished, 2);
	assert_true(is_there("Thumbs.db"));
	tell("UPDATE odd_papers SET first = first - 700");
	counts = round_once(0);
	assert_int_equal(counts.refused, 2);
	assert_false(is_there("Thumbs.db") || is_there("report-1.json"));
	assert_int_equal(ask("SELECT count(*) FROM odd_papers"), 0);
	assert_int_equal(ask("SELECT count(*) FROM messages WHERE message = 60030"), 1);
	/* Of many, none is waited for; papers have room of their own to be kept in mind. */
	tell("INSERT INTO odd_papers WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	     " WHERE i < 5000) SELECT '" POINT "', i || '.tmp', unixepoch() FROM n");
	drop("Thumbs.db", "x", 1);
	drop("report-half.json", "{\"sig", 5);
	counts = round_once(0);
	assert_int_equal(counts.unfinished, 1);
	assert_int_equal(counts.refused, 1);
	assert_int_equal(counts.forgotten, 0);
	assert_false(is_there("Thumbs.db"));
	assert_true(is_there("report-half.json"));
}

/* A file that whoever made it lets nobody read; who may delete in the directory may remove it. */
static bool is_denied(const struct place_request *rq)
{
	return strstr(rq->name, "denied") != NULL;
}

static void denying_begin(struct place *at, struct place_request *rq)
{
	if (is_denied(rq))
		place_finish(at, rq, STATUS_ACCESS_DENIED, 0);
	else
		crowd_begin(at, rq);
}

static ntstatus denying_remove(struct place *at, const char *name)
{
	return place_remove(container_of(at, struct crowd, place)->inner, name);
}

static void what_may_not_be_read_is_given_up_where_others_can_be(void **state)
{
	static const struct place_ops ops = { .begin = denying_begin,
					      .write = crowd_write,
					      .list = crowd_list,
					      .remove = denying_remove };
	struct crowd denying = { { .ops = &ops, .depth = 4 }, place, 0, 0 };
	struct ingest_counts counts;

	enrol(&mine, "pc1");
	drop("report-denied.json", "{}", 2);
	assert_int_equal(round_at(&denying.place, 0).unread, 1);
	tell("UPDATE odd_papers SET first = first - 700");
	/* It may be the site that has lost its rights. */
	counts = round_at(&denying.place, 0);
	assert_int_equal(counts.unread, 1);
	assert_int_equal(counts.refused, 0);
	assert_true(is_there("report-denied.json"));
	drop_report("report-b.json", &mine, 9, facts, 1);
	counts = round_at(&denying.place, 0);
	assert_int_equal(counts.reports, 1);
	assert_int_equal(counts.refused, 1);
	assert_false(is_there("report-denied.json") || is_there("report-b.json"));
	assert_int_equal(ask("SELECT count(*) FROM odd_papers"), 0);
}

static void odd_files_are_kept_in_mind_up_to_a_number(void **state)
{
	static const char *const floods[] = {
		"INSERT INTO odd_papers WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
		"FROM"
		" n WHERE i < 10000) SELECT '" POINT "', 'report-' || i, unixepoch() FROM n",
		"INSERT INTO odd_papers WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
		"FROM"
		" n WHERE i < 50000) SELECT 'p' || i % 9, 'report-' || i, unixepoch() FROM n",
	};

	drop("report-half.json", "{\"sig", 5);
	for (size_t i = 0; i < ARRAY_LEN(floods); i++) {
		struct ingest_counts counts;
		int64_t before;

		tell(floods[i]);
		before = ask("SELECT count(*) FROM odd_papers");
		counts = round_once(0);
		assert_int_equal(counts.unfinished, 1);
		assert_int_equal(counts.forgotten, 1);
		assert_int_equal(ask("SELECT count(*) FROM odd_papers"), before);
		tell("DELETE FROM odd_papers");
	}
	assert_int_equal(round_once(0).forgotten, 0);
	assert_int_equal(ask("SELECT count(*) FROM odd_papers"), 1);
}

/* More than one batch, and some in each that are nobody's: those that count are all taken. */
static void many_papers_are_taken_whatever_lies_between_them(void **state)
{
	enum { COUNT = 200 };
	struct ingest_counts counts;

	enrol(&mine, "pc1");
	for (int i = 0; i < COUNT; i++) {
		struct content_key key;
		auto_free char *name = xasprintf("enrolment-%d.json", i);
		auto_free char *bad = xasprintf("report-%d.json", i);

		assert_true(content_key_make(&key, NULL));
		drop_enrolment(name, &key, name, facts, NULL);
		drop_report(bad, &other, i, facts, 1);
		content_key_wipe(&key);
	}
	counts = round_once(0);
	assert_int_equal(counts.enrolments, COUNT);
	assert_int_equal(counts.refused, COUNT);
	assert_int_equal(ask("SELECT count(*) FROM clients"), COUNT + 1);
	assert_false(is_there("enrolment-0.json") || is_there("report-199.json"));
}

static void a_token_is_good_for_one_client_and_once(void **state)
{
	auto_free char *token = token_make(site, 3600, NULL);

	for (int i = 0; i < 3; i++) {
		drop_enrolment("enrolment-1.json", &mine, "pc1", facts, token);
		assert_int_equal(round_once(0).enrolments, 1);
	}
	drop_enrolment("enrolment-2.json", &other, "pc2", facts, token);
	assert_int_equal(round_once(0).enrolments, 1);
	assert_int_equal(ask("SELECT count(*) FROM clients WHERE state = 'approved'"), 1);
	assert_int_equal(ask("SELECT count(*) FROM tokens WHERE used_by IS NOT NULL"), 1);
}

static void a_wrong_proof_uses_no_token_up(void **state)
{
	auto_free char *token = token_make(site, 3600, NULL);
	auto_free char *wrong = xstrdup(token);

	wrong[strlen(wrong) - 1] = (char)(wrong[strlen(wrong) - 1] == '0' ? '1' : '0');
	drop_enrolment("enrolment-1.json", &other, "pc2", facts, wrong);
	assert_int_equal(round_once(0).enrolments, 1);
	assert_int_equal(ask("SELECT count(*) FROM tokens WHERE used_by IS NULL"), 1);
	drop_enrolment("enrolment-1.json", &mine, "pc1", facts, token);
	assert_int_equal(round_once(0).enrolments, 1);
	assert_int_equal(ask("SELECT count(*) FROM clients WHERE state = 'approved'"), 1);
}

static void a_client_cannot_be_called_as_another_is_known(void **state)
{
	auto_free char *why = NULL, *found = NULL, *beginning = strndup(mine.id, 10);

	drop_enrolment("enrolment-1.json", &other, mine.id, facts, NULL);
	assert_int_equal(round_once(0).enrolments, 1);
	/* Before the one that has the id is there, and behind it. */
	assert_null(client_find(site, mine.id, &why));
	drop_enrolment("enrolment-1.json", &mine, "pc1", facts, NULL);
	assert_int_equal(round_once(0).enrolments, 1);
	found = client_find(site, mine.id, &why);
	assert_string_equal(found, mine.id);
	free(found);
	found = client_find(site, beginning, &why);
	assert_string_equal(found, mine.id);
	free(found);
	found = client_find(site, "pc1", &why);
	assert_string_equal(found, mine.id);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_taken_keeps_nothing_else_from_it),
		TEST(what_cannot_be_read_is_passed_over),
		TEST(half_a_paper_is_waited_for_but_not_for_ever),
		TEST(a_database_that_takes_nothing_costs_no_paper),
		TEST(a_locked_database_costs_no_paper),
		TEST(a_trouble_of_the_server_that_passes_costs_no_paper),
		TEST(what_is_wrong_with_a_paper_itself_sets_it_aside),
		TEST(a_million_names_keep_nothing_else_from_being_taken),
		TEST(a_slow_listing_keeps_nothing_from_being_taken),
		TEST(what_has_no_name_of_a_paper_is_removed),
		TEST(what_may_not_be_read_is_given_up_where_others_can_be),
		TEST(odd_files_are_kept_in_mind_up_to_a_number),
		TEST(many_papers_are_taken_whatever_lies_between_them),
		TEST(a_token_is_good_for_one_client_and_once),
		TEST(a_wrong_proof_uses_no_token_up),
		TEST(a_client_cannot_be_called_as_another_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
