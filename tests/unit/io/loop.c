// SPDX-License-Identifier: Apache-2.0
#include "backends.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static void a_loop_is_made_where_io_uring_is_not_permitted(void **state)
{
	struct loop *loop;
	struct rlimit before, none;

	(void)state;
	/* Descriptors for an eventfd and an epoll only: whatever else is wrong, auto still works.
	 */
	loop = loop_new(IO_AUTO);
	assert_non_null(loop);
	assert_true(loop_backend(loop) == IO_URING || loop_backend(loop) == IO_POOL);
	loop_free(loop);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	loop = loop_new(IO_AUTO);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_null(loop);
	assert_int_equal(errno, EMFILE);
}

struct ticking {
	struct loop_timer timer;
	int value;
};
static int ticked[64], tick_count;

static void tick(struct loop_timer *timer)
{
	ticked[tick_count++] = container_of(timer, struct ticking, timer)->value;
}

static void timers_fire_in_order_and_not_when_stopped(void **state)
{
	static const int after[] = { 30, 10, 50, 20, 40, 5, 25, 15, 35, 45 };
	struct loop *loop = LOOP_OF(state);
	struct ticking timers[ARRAY_LEN(after)] = { 0 };

	tick_count = 0;
	for (size_t i = 0; i < ARRAY_LEN(after); i++) {
		timers[i].value = after[i];
		loop_timer_start(loop, &timers[i].timer, (uint64_t)after[i], tick);
	}
	loop_timer_stop(loop, &timers[3].timer); /* 20 */
	timers[5].value = 60;			 /* 5 is moved behind all others */
	loop_timer_start(loop, &timers[5].timer, 60, tick);
	TURN_UNTIL(loop, tick_count == 9);
	for (int i = 1; i < tick_count; i++)
		assert_true(ticked[i - 1] < ticked[i]);
	assert_int_equal(ticked[8], 60);
	assert_int_equal(timers[0].timer.heap_index, 0);
}

#define POSTERS	   4
#define POSTS_EACH 5000
struct posted {
	struct loop_task task;
	int poster, number;
};
struct poster {
	struct loop *loop;
	struct posted *posts;
};
static int next_of[POSTERS], posts_seen, out_of_order;

static void take_post(struct loop_task *task)
{
	struct posted *post = container_of(task, struct posted, task);

	if (next_of[post->poster]++ != post->number)
		out_of_order++;
	posts_seen++;
}

static void *post_many(void *arg)
{
	struct poster *poster = arg;

	for (int i = 0; i < POSTS_EACH; i++)
		loop_post(poster->loop, &poster->posts[i].task);
	return NULL;
}

static void posts_from_several_threads_all_run_in_order(void **state)
{
	struct loop *loop = LOOP_OF(state);
	struct poster posters[POSTERS];
	pthread_t threads[POSTERS];

	posts_seen = out_of_order = 0;
	for (int i = 0; i < POSTERS; i++) {
		next_of[i] = 0;
		posters[i].loop = loop;
		posters[i].posts = xalloc(POSTS_EACH, sizeof(struct posted));
		for (int n = 0; n < POSTS_EACH; n++)
			posters[i].posts[n] = (struct posted){ { take_post, NULL }, i, n };
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
	}
	TURN_UNTIL(loop, posts_seen == POSTERS * POSTS_EACH);
	assert_int_equal(out_of_order, 0);
	for (int i = 0; i < POSTERS; i++) {
		pthread_join(threads[i], NULL);
		free(posters[i].posts);
	}
}

#define FREED_TIMES 300

static void *post_one(void *arg)
{
	struct poster *poster = arg;

	loop_post(poster->loop, &poster->posts->task);
	return NULL;
}

/* A task may be what its loop waited for: by the time it has run, posting it has to be over. */
static void a_loop_may_go_as_soon_as_a_task_has_run(void **state)
{
	for (int i = 0; i < FREED_TIMES; i++) {
		struct posted posted = { { take_post, NULL }, 0, 0 };
		struct poster poster = { loop_new(IO_POOL), &posted };
		pthread_t thread;

		assert_non_null(poster.loop);
		posts_seen = next_of[0] = 0;
		assert_int_equal(pthread_create(&thread, NULL, post_one, &poster), 0);
		while (!posts_seen)
			loop_run_once(poster.loop, 0);
		loop_free(poster.loop);
		pthread_join(thread, NULL);
	}
}

static void *stop_soon(void *loop)
{
	usleep(20000);
	loop_stop(loop);
	return NULL;
}

static void a_sleeping_loop_is_stopped_from_another_thread(void **state)
{
	struct loop *loop = LOOP_OF(state);
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, stop_soon, loop), 0);
	loop_run(loop);
	pthread_join(thread, NULL);
}

struct waited {
	struct io_op op;
	bool done;
	ssize_t result;
};

static void op_done(struct io_op *op, ssize_t result)
{
	struct waited *waited = container_of(op, struct waited, op);

	waited->done = true;
	waited->result = result;
}

static void what_is_written_is_read_back(void **state)
{
	static const size_t lengths[] = { 1, 4096, 64 << 10, 1 << 20, 8 << 20 };
	struct loop *loop = LOOP_OF(state);
	auto_close int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		size_t length = lengths[i];
		auto_free uint8_t *out = malloc(length), *in = malloc(length + 10);
		struct waited op = { .op.done = op_done };

		random_bytes(out, length);
		io_write(loop, &op.op, fd, out, length, 5, i & 1 ? RWF_DSYNC : 0);
		assert_false(op.done);
		TURN_UNTIL(loop, op.done);
		assert_int_equal(op.result, length);
		op.done = false;
		io_sync(loop, &op.op, fd, true);
		TURN_UNTIL(loop, op.done);
		assert_int_equal(op.result, 0);
		op.done = false;
		io_read(loop, &op.op, fd, in, length + 10, 5);
		assert_false(op.done);
		TURN_UNTIL(loop, op.done);
		assert_int_equal(op.result, length); /* cut at the end of the file */
		assert_memory_equal(in, out, length);
	}
}

static void a_read_beside_the_loop_gives_what_is_there_and_is_refused_when_enough_wait(void **state)
{
	struct loop *loop = LOOP_OF(state);
	auto_close int fd = memfd_create("beside", MFD_CLOEXEC);
	size_t length = 1 << 20;
	auto_free char *out = xalloc(1, length), *in = xalloc(16, length);
	struct waited ops[16];
	size_t begun = 0;

	random_bytes(out, length);
	assert_int_equal(write(fd, out, length), length);
	/* However fast the helper is, a full queue must be met before the loop has turned. */
	for (int tries = 0; tries < 1000; tries++) {
		for (begun = 0; begun < ARRAY_LEN(ops); begun++) {
			ops[begun] = (struct waited){ .op.done = op_done };
			if (!io_read_beside(loop, &ops[begun].op, fd, in + begun * length,
					    length + 10, 0))
				break;
		}
		for (size_t i = 0; i < begun; i++) {
			TURN_UNTIL(loop, ops[i].done);
			assert_int_equal(ops[i].result, length);
			assert_memory_equal(in + i * length, out, length);
		}
		if (begun < ARRAY_LEN(ops))
			break;
	}
	assert_in_range(begun, 1, ARRAY_LEN(ops) - 1);
}

static void a_failed_operation_gives_its_errno(void **state)
{
	struct loop *loop = LOOP_OF(state);
	auto_close int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	auto_free char *big = xalloc(1, 1 << 20);
	struct waited small = { .op.done = op_done }, large = { .op.done = op_done };
	struct waited none = { .op.done = op_done };

	io_write(loop, &small.op, fd, big, 10, 0, 0);
	io_write(loop, &large.op, fd, big, 1 << 20, 0, 0);
	io_read(loop, &none.op, -1, big, 10, 0);
	TURN_UNTIL(loop, small.done && large.done && none.done);
	assert_int_equal(small.result, -EBADF);
	assert_int_equal(large.result, -EBADF);
	assert_int_equal(none.result, -EBADF);
}

/* The thread that did the work is noted in the operation itself. */
static ssize_t work_here(struct io_op *op)
{
	op->offset = (uint64_t)pthread_self();
	return 42;
}

static void work_runs_on_another_thread_and_ends_on_the_loop(void **state)
{
	struct loop *loop = LOOP_OF(state);
	struct waited ops[100] = { 0 };
	bool all = false;

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		ops[i].op.done = op_done;
		ops[i].op.work = work_here;
		io_work(loop, &ops[i].op);
	}
	while (!all) {
		loop_run_once(loop, 1000);
		all = true;
		for (size_t i = 0; i < ARRAY_LEN(ops); i++)
			all = all && ops[i].done;
	}
	assert_int_equal(ops[99].result, 42);
	assert_true(ops[99].op.offset != (uint64_t)pthread_self());
}

static ssize_t work_slowly(struct io_op *op)
{
	usleep(50000);
	return 0;
}

static void a_loop_that_is_freed_waits_for_what_is_under_way(void **state)
{
	struct loop *loop = LOOP_OF(state);
	struct waited op = { .op.done = op_done, .op.work = work_slowly };

	io_work(loop, &op.op);
	loop_free(loop);
	assert_false(op.done);
	*state = NULL;
}

struct counting {
	struct io_watch watch;
	int count;
};

static void count_and_read(struct io_watch *watch)
{
	struct counting *counting = container_of(watch, struct counting, watch);
	uint64_t one;

	if (++counting->count >= 3)
		assert_int_equal(read(watch->fd, &one, sizeof(one)), sizeof(one));
}

static void a_watch_tells_as_long_as_there_is_something_to_read(void **state)
{
	struct loop *loop = LOOP_OF(state);
	auto_close int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	struct counting counting = { .watch.ready = count_and_read };

	assert_int_equal(io_watch_start(loop, &counting.watch, fd), 0);
	TURN_UNTIL(loop, counting.count == 3);
	loop_run_once(loop, 20);
	assert_int_equal(counting.count, 3);
	io_watch_stop(&counting.watch);
	eventfd_write(fd, 1);
	loop_run_once(loop, 20);
	loop_run_once(loop, 20);
	assert_int_equal(counting.count, 3);
}

static void an_idle_loop_does_not_wake_up(void **state)
{
	struct loop *loop = LOOP_OF(state);
	struct rusage before, after;
	uint64_t start;
	int turns = 0;

	loop_run_once(loop, 0);
	loop_run_once(loop, 0);
	getrusage(RUSAGE_THREAD, &before);
	start = monotonic_ms();
	/* The end of the last test's ring may interrupt the first sleeps. */
	while (monotonic_ms() - start < 190) {
		loop_run_once(loop, 200);
		turns++;
	}
	getrusage(RUSAGE_THREAD, &after);
	assert_true(turns <= 3);
	assert_true(after.ru_nvcsw - before.ru_nvcsw <= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loop_is_made_where_io_uring_is_not_permitted),
		BOTH(timers_fire_in_order_and_not_when_stopped),
		BOTH(posts_from_several_threads_all_run_in_order),
		cmocka_unit_test(a_loop_may_go_as_soon_as_a_task_has_run),
		BOTH(a_sleeping_loop_is_stopped_from_another_thread),
		BOTH(what_is_written_is_read_back),
		BOTH(a_failed_operation_gives_its_errno),
		BOTH(a_read_beside_the_loop_gives_what_is_there_and_is_refused_when_enough_wait),
		BOTH(work_runs_on_another_thread_and_ends_on_the_loop),
		BOTH(a_loop_that_is_freed_waits_for_what_is_under_way),
		BOTH(a_watch_tells_as_long_as_there_is_something_to_read),
		BOTH(an_idle_loop_does_not_wake_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
