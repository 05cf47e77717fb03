// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

#include "../../../src/volume/snapshot.h"

static void a_snapshots_name_says_when_it_was_taken(void **state)
{
	static const struct {
		const char *name;
		int64_t seconds; /* since 1970; -1: the name does not say */
	} rows[] = {
		{ "@GMT-2025.11.27-07.30.00", 1764228600 },
		{ "2025-11-27T07:30:00Z", 1764228600 },
		{ "20251127073000", 1764228600 },
		{ "20251127-0730", 1764228600 },
		{ "hourly.2025-11-27_07-30", 1764228600 },
		{ "autosnap_2025-11-27_07:30:00_daily", 1764228600 },
		{ "web-3-2025_11_27", 1764201600 },
		{ "1764228600", 1764228600 },
		{ "20240229", 1709164800 },
		{ "20230229", -1 },
		{ "2025-13-01", -1 },
		{ "12", -1 },
		{ "hourly.0", -1 },
		{ "x", -1 },
		{ "20251", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		nttime time;
		bool says = snapshot_name_time(rows[i].name, &time);

		if (says != (rows[i].seconds >= 0) ||
		    (says && nttime_to_timespec(time).tv_sec != rows[i].seconds))
			fail_msg("%s: %lld", rows[i].name,
				 says ? (long long)nttime_to_timespec(time).tv_sec : -1LL);
	}
}

static struct volume_sys the_disk;

/* The volume's directory @path; "" at the end: none is made. */
static void make_snapshot(struct fixture *f, const char *name, const char *file)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/.berth", f->path);
	(void)!mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/.berth/snapshots", f->path);
	(void)!mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/.berth/snapshots/%s", f->path, name);
	assert_int_equal(mkdir(path, 0700), 0);
	if (!*file)
		return;
	snprintf(path, sizeof(path), "%s/.berth/snapshots/%s/%s", f->path, name, file);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "old", 3), 3);
	close(fd);
}

static void snapshots_are_listed_newest_first_and_each_time_once(void **state)
{
	struct fixture *f = *state;
	struct volume_snapshot *list;
	size_t count;

	if (!f->volume)
		skip();
	assert_int_equal(volume_snapshots(f->volume, &list, &count), STATUS_SUCCESS);
	assert_int_equal(count, 0);
	volume_snapshots_free(list, count);
	make_snapshot(f, "2025-01-01", "");
	make_snapshot(f, "2026-01-01", "");
	make_snapshot(f, "b-2026-01-01", "");
	assert_int_equal(volume_snapshots(f->volume, &list, &count), STATUS_SUCCESS);
	assert_int_equal(count, 2);
	assert_string_equal(list[0].name, "2026-01-01");
	assert_string_equal(list[1].name, "2025-01-01");
	volume_snapshots_free(list, count);
}

static void a_snapshot_is_open_as_long_as_a_node_of_it(void **state)
{
	struct fixture *f = *state;
	struct volume_lookup lookup;
	struct volume_node *root, *file;
	struct volume *snapshot, *again;
	nttime when;

	if (!f->volume)
		skip();
	make_snapshot(f, "2025-01-01", "file");
	assert_true(snapshot_name_time("2025-01-01", &when));
	when.ticks += 17; /* a part of a second is nobody's */
	assert_int_equal(volume_snapshot_open(f->volume, when, &snapshot), STATUS_SUCCESS);
	assert_true(volume_is_read_only(snapshot));
	assert_int_equal(volume_serial(snapshot), volume_serial(f->volume));
	assert_int_equal(volume_directory(snapshot, "", &root), STATUS_SUCCESS);
	assert_int_equal(volume_snapshot_open(f->volume, when, &again), STATUS_SUCCESS);
	assert_ptr_equal(again, snapshot);
	volume_snapshot_close(again);
	volume_snapshot_close(snapshot);
	assert_int_equal(volume_lookup(root, "FILE", &lookup), STATUS_SUCCESS);
	assert_true(lookup.exists);
	assert_int_equal(volume_lookup_open(&lookup, &file), STATUS_SUCCESS);
	volume_lookup_end(&lookup);
	volume_node_put(root);
	assert_int_not_equal(volume_truncate(file, 0), STATUS_SUCCESS);
	assert_non_null(f->volume->snapshots);
	volume_node_put(file);
	assert_null(f->volume->snapshots);
	when.ticks += 10000000;
	assert_int_equal(volume_snapshot_open(f->volume, when, &snapshot),
			 STATUS_OBJECT_NAME_NOT_FOUND);
}

static void who_asks_for_what_is_not_there_has_nothing_read_anew(void **state)
{
	struct fixture *f = *state;
	struct volume *snapshot;
	uint64_t readings;
	nttime when;

	if (!f->volume)
		skip();
	make_snapshot(f, "2025-01-01", "");
	usleep(100000); /* or the next change might have the same time */
	assert_true(snapshot_name_time("2026-01-01", &when));
	assert_int_equal(volume_snapshot_open(f->volume, when, &snapshot),
			 STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_not_equal(f->volume->known.until_ms, 0);
	f->volume->known.until_ms = UINT64_MAX; /* however slow this machine is */
	readings = f->volume->known.readings;
	for (int i = 0; i < 100; i++) {
		when.ticks += 10000000;
		assert_int_equal(volume_snapshot_open(f->volume, when, &snapshot),
				 STATUS_OBJECT_NAME_NOT_FOUND);
	}
	assert_int_equal(f->volume->known.readings, readings);
	/* What comes is seen at once. */
	make_snapshot(f, "2027-01-01", "");
	assert_true(snapshot_name_time("2027-01-01", &when));
	assert_int_equal(volume_snapshot_open(f->volume, when, &snapshot), STATUS_SUCCESS);
	volume_snapshot_close(snapshot);
	assert_int_equal(f->volume->known.readings, readings + 1);
}

static int statx_from_the_future(int dir, const char *name, struct statx *out)
{
	int error = the_disk.statx(dir, name, out);

	out->stx_ctime.tv_sec += 3600;
	return error;
}

/* As after the machine's clock was set back. */
static void a_directory_of_snapshots_from_the_future_is_read_once(void **state)
{
	struct fixture *f = *state;
	struct volume *snapshot;
	nttime when;

	if (!f->volume)
		skip();
	make_snapshot(f, "2025-01-01", "");
	assert_true(snapshot_name_time("2026-01-01", &when));
	the_disk = sys;
	sys.statx = statx_from_the_future;
	assert_int_equal(volume_snapshot_open(f->volume, when, &snapshot),
			 STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_not_equal(f->volume->known.until_ms, 0);
	f->volume->known.until_ms = UINT64_MAX; /* however slow this machine is */
	assert_int_equal(volume_snapshot_open(f->volume, when, &snapshot),
			 STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(f->volume->known.readings, 1);
	usleep(20000); /* a tick of the kernel's clock */
	make_snapshot(f, "2026-01-01", "");
	assert_int_equal(volume_snapshot_open(f->volume, when, &snapshot), STATUS_SUCCESS);
	volume_snapshot_close(snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_snapshots_name_says_when_it_was_taken),
		cmocka_unit_test_setup_teardown(
			snapshots_are_listed_newest_first_and_each_time_once, fixture_open,
			fixture_close),
		cmocka_unit_test_setup_teardown(a_snapshot_is_open_as_long_as_a_node_of_it,
						fixture_open, fixture_close),
		cmocka_unit_test_setup_teardown(
			who_asks_for_what_is_not_there_has_nothing_read_anew, fixture_open,
			fixture_close),
		cmocka_unit_test_setup_teardown(
			a_directory_of_snapshots_from_the_future_is_read_once, fixture_open,
			fixture_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
