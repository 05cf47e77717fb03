// SPDX-License-Identifier: Apache-2.0
/* A file that has its name and not yet its descriptor: who looks it up waits, nobody else does. */
#include "fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

static sem_t half_made, go_on;
static int record_error;
static atomic_bool held; /* the first record only */

static int slow_record(int fd, const void *data, size_t length)
{
	if (!atomic_exchange(&held, true)) {
		sem_post(&half_made);
		sem_wait(&go_on);
		if (record_error)
			return record_error;
	}
	return fsetxattr(fd, META_XATTR, data, length, 0) ? -errno : 0;
}

static ntstatus make(struct volume_node *root, const char *name)
{
	const struct volume_initial initial = { .sd = "descriptor", .sd_length = 10 };
	struct volume_node *node = NULL;
	struct volume_lookup lookup;
	ntstatus status = volume_lookup(root, name, &lookup);

	if (!status)
		status = volume_create(&lookup, &initial, &node);
	volume_lookup_end(&lookup);
	volume_node_put(node);
	return status;
}

struct looker {
	struct volume_node *root;
	const char *name;
	ntstatus status;
	atomic_bool ended;
};

static void *make_slowly(void *arg)
{
	struct looker *maker = arg;

	maker->status = make(maker->root, maker->name);
	return NULL;
}

/* The descriptor that is seen by who opens the file in the middle of it. */
static void *look(void *arg)
{
	struct looker *looker = arg;
	auto_buf struct buf sd = { 0 };
	struct volume_node *node = NULL;
	struct volume_lookup lookup;

	looker->status = volume_lookup(looker->root, looker->name, &lookup);
	if (!looker->status)
		looker->status = volume_lookup_open(&lookup, &node);
	if (!looker->status)
		looker->status = volume_get_sd(node, &sd);
	volume_lookup_end(&lookup);
	volume_node_put(node);
	atomic_store(&looker->ended, true);
	return NULL;
}

struct scene {
	struct looker maker, looker;
	pthread_t making, looking;
};

static void begin(struct scene *s, struct fixture *f, const char *made, const char *looked_up)
{
	sem_init(&half_made, 0, 0);
	sem_init(&go_on, 0, 0);
	atomic_store(&held, false);
	sys.set_record = slow_record;
	s->maker = (struct looker){ .root = f->root, .name = made };
	s->looker = (struct looker){ .root = f->root, .name = looked_up };
	assert_int_equal(pthread_create(&s->making, NULL, make_slowly, &s->maker), 0);
	sem_wait(&half_made);
	assert_true(is_on_disk(f, made));
	assert_int_equal(pthread_create(&s->looking, NULL, look, &s->looker), 0);
	usleep(50000); /* long enough to be wrong in */
	assert_false(atomic_load(&s->looker.ended));
}

static void end(struct scene *s)
{
	sem_post(&go_on);
	pthread_join(s->making, NULL);
	pthread_join(s->looking, NULL);
}

static void who_opens_a_file_that_is_being_made_waits_for_its_descriptor(void **state)
{
	struct fixture *f = fixture_of(state);
	struct scene s;

	record_error = 0;
	begin(&s, f, "file", "file");
	end(&s);
	assert_int_equal(s.maker.status, STATUS_SUCCESS);
	assert_int_equal(s.looker.status, STATUS_SUCCESS);
}

static void so_does_who_names_it_in_another_case(void **state)
{
	struct fixture *f = fixture_of(state);
	struct scene s;

	record_error = 0;
	begin(&s, f, "File", "fILE");
	end(&s);
	assert_int_equal(s.looker.status, STATUS_SUCCESS);
}

static void nobody_else_in_the_directory_waits(void **state)
{
	struct fixture *f = fixture_of(state);
	struct scene s;

	create_ok(f->root, "there", false);
	record_error = 0;
	begin(&s, f, "file", "file");
	assert_int_equal(make(f->root, "other"), STATUS_SUCCESS);
	assert_true(exists(f->root, "there"));
	end(&s);
	assert_int_equal(s.looker.status, STATUS_SUCCESS);
}

static void where_it_fails_the_name_is_free_again(void **state)
{
	struct fixture *f = fixture_of(state);
	struct scene s;

	record_error = -EIO;
	begin(&s, f, "file", "file");
	end(&s);
	assert_int_equal(s.maker.status, STATUS_IO_DEVICE_ERROR);
	assert_false(is_on_disk(f, "file"));
	assert_int_equal(make(f->root, "FILE"), STATUS_SUCCESS);
}

static struct fixture *by_hand;

/* While the file is described somebody puts another in its place, on the disk. */
static int replaced_then_full(int fd, const void *data, size_t length)
{
	assert_int_equal(rename(on_disk(by_hand, "file"), on_disk(by_hand, "moved")), 0);
	touch_on_disk(by_hand, "file");
	return -ENOSPC;
}

static void what_somebody_else_put_there_stays(void **state)
{
	struct fixture *f = by_hand = fixture_of(state);

	sys.set_record = replaced_then_full;
	assert_int_equal(make(f->root, "file"), STATUS_DISK_FULL);
	sys.set_record = f->sys.set_record;
	assert_true(is_on_disk(f, "file"));
	assert_true(exists(f->root, "FILE"));
	assert_true(exists(f->root, "moved"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		VOLUME_TEST(who_opens_a_file_that_is_being_made_waits_for_its_descriptor),
		VOLUME_TEST(so_does_who_names_it_in_another_case),
		VOLUME_TEST(nobody_else_in_the_directory_waits),
		VOLUME_TEST(where_it_fails_the_name_is_free_again),
		VOLUME_TEST(what_somebody_else_put_there_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
