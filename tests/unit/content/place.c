// SPDX-License-Identifier: Apache-2.0
/* Places that nobody vouches for: slow ones, endless ones, and ones where others may write. */
#include "places.h"

#include "place_impl.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <linux/magic.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static ntstatus put_new(struct place *place, const char *name, const char *text)
{
	struct place_request request = { .verb = PLACE_PUT,
					 .name = name,
					 .data = (uint8_t *)(uintptr_t)text,
					 .length = strlen(text),
					 .is_new = true };

	place_begin(place, &request);
	place_drain(place);
	return request.status;
}

static void what_is_new_goes_over_nothing(void **state)
{
	struct place *place auto_place = new_place("p");
	auto_buf struct buf back = { 0 };

	assert_int_equal(put_new(place, "one", "first"), STATUS_SUCCESS);
	assert_int_equal(put_new(place, "one", "second"), STATUS_OBJECT_NAME_COLLISION);
	assert_int_equal(place_read(place, "one", 100, &back), STATUS_SUCCESS);
	assert_memory_equal(back.data, "first", 5);
}

static void what_is_no_file_holds_nobody(void **state)
{
	struct place *place auto_place = new_place("p");
	struct place_request over = {
		.verb = PLACE_PUT, .name = "pipe", .data = (uint8_t *)(uintptr_t) "x", .length = 1
	};
	auto_buf struct buf back = { 0 };

	assert_int_equal(mkfifo(scratch("p/pipe"), 0666), 0);
	assert_int_equal(symlink("/etc/passwd", scratch("p/link")), 0);
	assert_int_not_equal(put_new(place, "pipe", "x"), STATUS_SUCCESS);
	place_begin(place, &over);
	place_drain(place);
	assert_int_not_equal(over.status, STATUS_SUCCESS);
	assert_int_not_equal(place_read(place, "pipe", 100, &back), STATUS_SUCCESS);
	assert_int_not_equal(place_read(place, "link", 100, &back), STATUS_SUCCESS);
}

/* A directory that somebody has filled: so many names, which are made up as they are asked for. */
struct crowd {
	struct place place;
	unsigned left;
	bool refuses;
	bool has_directory;
	bool lies; /* nothing goes that is removed */
};

static ntstatus crowd_list(struct place *place, const char *name, place_list_fn *each, void *owner)
{
	const struct crowd *c = container_of(place, struct crowd, place);
	char text[32];

	for (unsigned i = 0; i < c->left; i++) {
		snprintf(text, sizeof(text), "%u.json", c->left - i);
		if (!each(owner, text, 1, false))
			break;
	}
	return STATUS_SUCCESS;
}

static ntstatus crowd_remove(struct place *place, const char *name)
{
	struct crowd *c = container_of(place, struct crowd, place);

	if (c->refuses)
		return STATUS_CANNOT_DELETE;
	if (strchr(name, '/'))
		c->left -= !c->lies;
	else
		c->has_directory = false;
	return STATUS_SUCCESS;
}

static void a_directory_of_any_size_is_cleared(void **state)
{
	static const struct place_ops ops = { .list = crowd_list, .remove = crowd_remove };
	struct crowd crowd = { .place = { .ops = &ops, .depth = 1 },
			       .left = PLACE_LIST_MAX + 5,
			       .has_directory = true };
	struct content_failure why = { 0 };

	assert_true(layout_clear(&crowd.place, "drop", &why));
	assert_int_equal(crowd.left, 0);
	assert_false(crowd.has_directory);
	/* Where nothing goes, it ends. */
	crowd.left = 3;
	crowd.refuses = true;
	assert_false(layout_clear(&crowd.place, "drop", &why));
	assert_int_equal(why.status, STATUS_CANNOT_DELETE);
	/* Nor is it waited for without end where they only seem to go. */
	crowd.refuses = false;
	crowd.lies = true;
	crowd.left = 5000;
	assert_false(layout_clear(&crowd.place, "drop", &why));
	assert_int_equal(why.problem, CONTENT_TOO_LARGE);
	assert_true(crowd.left);
}

static void emptying_a_directory_ends_in_time(void **state)
{
	static const struct place_ops ops = { .list = crowd_list, .remove = crowd_remove };
	struct crowd crowd = { .place = { .ops = &ops, .depth = 1 }, .left = 5000, .lies = true };
	struct content_failure why = { 0 };

	place_set_deadline(&crowd.place, 50);
	assert_false(layout_clear(&crowd.place, "drop", &why));
	assert_int_equal(why.status, STATUS_IO_TIMEOUT);
}

static void files_go_as_they_are_asked_to(void **state)
{
	struct place *place auto_place = new_place("p");
	struct place_request gone = { .verb = PLACE_REMOVE, .name = "one" };

	assert_int_equal(put_new(place, "one", "first"), STATUS_SUCCESS);
	for (int i = 0; i < 2; i++) {
		place_begin(place, &gone);
		place_drain(place);
		assert_int_equal(gone.status, i ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS);
	}
	gone.name = "staging";
	place_begin(place, &gone);
	place_drain(place);
	assert_int_equal(gone.status, STATUS_FILE_IS_A_DIRECTORY);
}

static void who_may_read_a_place_cannot_lock_it(void **state)
{
	struct place *place auto_place = new_place("p"), *other auto_place = NULL;
	struct stat st;

	assert_int_equal(stat(scratch("p/" LAYOUT_LOCK), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Whoever has it may ask for it again. */
	assert_int_equal(place_lock(place, LAYOUT_LOCK), STATUS_SUCCESS);
	other = place_open_directory(scratch("p"), NULL);
	assert_int_equal(place_lock(other, LAYOUT_LOCK), STATUS_SHARING_VIOLATION);
	place_unlock(place);
	assert_int_equal(place_lock(other, LAYOUT_LOCK), STATUS_SUCCESS);
}

static bool count_one(void *owner, const char *name, uint64_t size, bool is_directory)
{
	(*(unsigned *)owner)++;
	usleep(20000);
	return true;
}

static void nothing_is_begun_behind_the_deadline(void **state)
{
	struct place *place auto_place = new_place("p");
	auto_buf struct buf back = { 0 };
	unsigned count = 0;
	uint64_t bytes;

	place_set_deadline(place, 30);
	/* A listing that has begun ends there, too. */
	assert_int_equal(place_list(place, "pieces", count_one, &count), STATUS_IO_TIMEOUT);
	assert_in_range(count, 1, 10);
	assert_true(place_is_late(place));
	assert_int_equal(place_read(place, LAYOUT_SITE, 4096, &back), STATUS_IO_TIMEOUT);
	assert_int_equal(put_new(place, "one", "x"), STATUS_IO_TIMEOUT);
	assert_int_equal(place_write(place, "one", "x", 1), STATUS_IO_TIMEOUT);
	assert_int_equal(place_remove(place, LAYOUT_SITE), STATUS_IO_TIMEOUT);
	assert_int_equal(place_make_directory(place, "d"), STATUS_IO_TIMEOUT);
	assert_int_equal(place_lock(place, LAYOUT_LOCK), STATUS_IO_TIMEOUT);
	assert_int_equal(place_free_bytes(place, &bytes), STATUS_IO_TIMEOUT);
	assert_int_equal(place_reopen(place), STATUS_IO_TIMEOUT);
	place_set_deadline(place, 0);
	assert_int_equal(place_read(place, LAYOUT_SITE, 4096, &back), STATUS_SUCCESS);
}

/* A web server that answers with @head, and then two bytes at a time for ever, or (@head has no
 * length) with nothing more. */
static pid_t serve(const char *head, uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	assert_int_equal(bind(fd, (struct sockaddr *)(void *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)(void *)&at, &length), 0);
	assert_int_equal(listen(fd, 4), 0);
	*port = ntohs(at.sin_port);
	pid = fork();
	if (pid) {
		close(fd);
		return pid;
	}
	alarm(60);
	for (;;) {
		int client = accept(fd, NULL, NULL);
		const struct timespec pause = { .tv_nsec = 100000000 };
		char asked[512];

		signal(SIGPIPE, SIG_IGN);
		if (write(client, head, strlen(head)) < 0)
			_exit(1);
		if (!strstr(head, "Length"))
			shutdown(client, SHUT_WR);
		else
			while (write(client, "xx", 2) == 2)
				nanosleep(&pause, NULL);
		while (read(client, asked, sizeof(asked)) > 0)
			;
		close(client);
	}
}

static void a_web_server_that_trickles_is_given_up(void **state)
{
	auto_buf struct buf back = { 0 };
	struct place *place auto_place = NULL;
	uint16_t port;
	pid_t server =
		serve("HTTP/1.1 206 Partial Content\r\nContent-Length: 1000000\r\n\r\n", &port);
	auto_free char *url = xasprintf("http://127.0.0.1:%u", port);
	const struct place_http_options options = { .url = url, .stall_timeout_ms = 1000 };

	place = place_open_http(&options, NULL);
	assert_non_null(place);
	assert_int_equal(place_read(place, "x", 1000000, &back), STATUS_IO_TIMEOUT);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

/* What stands between and says yes to all it is asked has kept nothing. */
static void only_what_was_made_is_there_over_http(void **state)
{
	static const struct {
		const char *head;
		ntstatus status;
	} answers[] = {
		{ "HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n", STATUS_SUCCESS },
		{ "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", STATUS_UNEXPECTED_NETWORK_ERROR },
		{ "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
		  STATUS_UNEXPECTED_NETWORK_ERROR },
		{ "HTTP/1.1 412 Precondition Failed\r\nConnection: close\r\n\r\n",
		  STATUS_OBJECT_NAME_COLLISION },
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct place *place auto_place = NULL;
		uint16_t port;
		pid_t server = serve(answers[i].head, &port);
		auto_free char *url = xasprintf("http://127.0.0.1:%u", port);
		const struct place_http_options options = { .url = url };

		place = place_open_http(&options, NULL);
		assert_non_null(place);
		assert_int_equal(put_new(place, "drop/x", "paper"), answers[i].status);
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
}

/* How many pages of the file are in memory. */
static unsigned pages_in_memory(const char *path, size_t length)
{
	unsigned char pages[64];
	int fd = open(path, O_RDONLY);
	void *at = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0);
	unsigned count = 0;

	assert_true(at != MAP_FAILED && length <= sizeof(pages) * 4096);
	assert_int_equal(mincore(at, length, pages), 0);
	for (size_t i = 0; i < length / 4096; i++)
		count += pages[i] & 1u;
	munmap(at, length);
	close(fd);
	return count;
}

static unsigned left_in_memory(const char *directory, uint64_t planned)
{
	static uint8_t data[64 * 4096], back[sizeof(data)];
	auto_free char *path = xasprintf("%s/file", directory);
	struct place *place auto_place = place_open_directory(directory, NULL);
	struct place_request rq = {
		.verb = PLACE_GET, .name = "file", .data = back, .length = sizeof(back)
	};
	int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);

	assert_non_null(place);
	assert_int_equal(write(fd, data, sizeof(data)), sizeof(data));
	assert_int_equal(fsync(fd), 0);
	close(fd);
	place_plan(place, planned);
	place_begin(place, &rq);
	assert_true(rq.done && !rq.status && rq.got == sizeof(back));
	return pages_in_memory(path, sizeof(data));
}

static void what_memory_has_no_room_for_is_not_kept_there(void **state)
{
	char directory[] = "/var/tmp/berth-place-XXXXXX"; /* on a disk, as a rule */
	auto_free char *path = NULL;
	struct statfs st;

	assert_non_null(mkdtemp(directory));
	path = xasprintf("%s/file", directory);
	assert_int_equal(statfs(directory, &st), 0);
	assert_int_equal(left_in_memory(directory, 1u << 20), 64);
	if (st.f_type != TMPFS_MAGIC)
		assert_int_equal(left_in_memory(directory, UINT64_MAX / 2), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_new_goes_over_nothing),
		TEST(what_is_no_file_holds_nobody),
		TEST(a_directory_of_any_size_is_cleared),
		TEST(emptying_a_directory_ends_in_time),
		TEST(files_go_as_they_are_asked_to),
		TEST(who_may_read_a_place_cannot_lock_it),
		TEST(nothing_is_begun_behind_the_deadline),
		TEST(what_memory_has_no_room_for_is_not_kept_there),
		TEST(a_web_server_that_trickles_is_given_up),
		TEST(only_what_was_made_is_there_over_http),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
