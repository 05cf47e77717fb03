// SPDX-License-Identifier: Apache-2.0
/*
 * The engine among processes: each node is a child that runs it with callbacks which write down
 * what they were asked, so that a test sees who is online, and that never two are.
 */
#include <cluster/cluster.h>

#include <base/log.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char top[64], directory[80], volume[80];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static int set_up(void **state)
{
	char home[100];

	snprintf(top, sizeof(top), "/tmp/berth-cluster-XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(directory, sizeof(directory), "%s/cluster", top);
	snprintf(volume, sizeof(volume), "%s/volume", top);
	snprintf(home, sizeof(home), "%s/.berth", volume);
	return mkdir(volume, 0700) || mkdir(home, 0700) || cluster_directories(directory);
}

static int tear_down(void **state)
{
	return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- what a node does */

static const char *node_name;
static struct cluster *own; /* set before the first callback, as promised */

static void path_of(char *out, size_t size, const char *what)
{
	snprintf(out, size, "%s/%s", top, what);
}

static int come(void *arg, const struct server_record *record, uint64_t epoch, char **why)
{
	char path[128];
	int fd;

	BUG_ON(!own);
	path_of(path, sizeof(path), "fail-on-");
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "%s", node_name);
	if (!access(path, F_OK)) {
		*why = xstrdup("the test says that it fails here");
		return -EIO;
	}
	path_of(path, sizeof(path), "dies");
	if (!access(path, F_OK))
		raise(SIGKILL);
	/* Made by the owner alone: where it is there already, two nodes are online at once. */
	path_of(path, sizeof(path), "online");
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0) {
		path_of(path, sizeof(path), "two-at-once");
		close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		*why = xstrdup("two at once");
		return -EEXIST;
	}
	(void)!write(fd, node_name, strlen(node_name));
	close(fd);
	return 0;
}

static void leave(void *arg, const char *name)
{
	char path[128];

	path_of(path, sizeof(path), "online");
	unlink(path);
}

static volatile sig_atomic_t ending;

static void end(int number)
{
	ending = 1;
}

static void run_node(const char *name)
{
	const struct cluster_config config = {
		.directory = directory,
		.node = name,
		.control = "/nowhere",
		.address = "127.0.0.1",
		.yield_ms = 12000, /* a node may be slow to come where the machine is busy */
	};
	static const struct cluster_events events = { .bring_online = come, .take_offline = leave };
	sigset_t block, before;
	char *why;

	node_name = name;
	log_set_level(LOG_LEVEL_ERROR);
	sigemptyset(&block);
	sigaddset(&block, SIGTERM);
	sigprocmask(SIG_BLOCK, &block, &before);
	signal(SIGTERM, end);
	if (cluster_start(&config, &events, NULL, &own, &why))
		_exit(3);
	while (!ending)
		sigsuspend(&before);
	cluster_stop(own);
	_exit(0);
}

static pid_t start_node(const char *name)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		run_node(name);
	return pid;
}

static void stop_node(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A kill leaves the mark of the dead owner, which the test takes away as the kernel does with a
 * socket. */
static void kill_node(pid_t pid)
{
	char path[128];
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	path_of(path, sizeof(path), "online");
	unlink(path);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* ---- what a test asks */

static struct server_record record(void)
{
	struct server_record r = { .want_online = true, .policy = cluster_policy_default() };

	snprintf(r.name, sizeof(r.name), "FS");
	snprintf(r.volume, sizeof(r.volume), "%s", volume);
	r.policy.restart_threshold = 1;
	r.facts = json_object();
	return r;
}

static void add_server(void)
{
	struct server_record r = record();

	assert_int_equal(server_record_write(directory, &r), 0);
	server_record_free(&r);
}

static bool is_online_on(const char *node)
{
	char path[128], text[64] = "";
	int fd;

	path_of(path, sizeof(path), "online");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return node == NULL;
	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return node && !strcmp(text, node);
}

static bool becomes_online_on(const char *node)
{
	for (int i = 0; i < 1500; i++) {
		if (is_online_on(node))
			return true;
		usleep(10000);
	}
	return false;
}

static void assert_never_two(void)
{
	char path[128];

	path_of(path, sizeof(path), "two-at-once");
	assert_int_not_equal(access(path, F_OK), 0);
}

static int set_offline(struct server_record *r, void *arg)
{
	r->want_online = false;
	return 0;
}

static int set_online(struct server_record *r, void *arg)
{
	r->want_online = true;
	r->generation++;
	return 0;
}

static int set_target(struct server_record *r, void *arg)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(r->target, sizeof(r->target), "%s", (const char *)arg);
	r->target_until_ms = (int64_t)now.tv_sec * 1000 + 10000;
	r->generation++;
	return 0;
}

static void the_other_node_takes_over_when_the_owner_is_killed(void **state)
{
	struct owner_record owner;
	uint64_t epoch;
	char home[100];
	pid_t a, b;

	snprintf(home, sizeof(home), "%s/.berth", volume);
	add_server();
	a = start_node("a");
	assert_true(becomes_online_on("a"));
	b = start_node("b");
	assert_int_equal(owner_record_read(home, &owner), 0);
	assert_string_equal(owner.node, "a");
	epoch = owner.epoch;
	for (int round = 0; round < 3; round++) {
		usleep(200000);
		kill_node(a);
		assert_true(becomes_online_on("b"));
		a = start_node("a");
		usleep(200000);
		kill_node(b);
		assert_true(becomes_online_on("a"));
		b = start_node("b");
	}
	assert_int_equal(owner_record_read(home, &owner), 0);
	assert_true(owner.epoch >= epoch + 6);
	stop_node(a);
	assert_true(becomes_online_on("b"));
	stop_node(b);
	assert_true(is_online_on(NULL));
	assert_never_two();
}

static void offline_is_remembered_by_nodes_that_start_later(void **state)
{
	pid_t a;

	add_server();
	a = start_node("a");
	assert_true(becomes_online_on("a"));
	assert_int_equal(server_record_change(directory, "FS", set_offline, NULL), 0);
	assert_true(becomes_online_on(NULL));
	stop_node(a);
	a = start_node("a");
	usleep(500000);
	assert_true(is_online_on(NULL));
	assert_int_equal(server_record_change(directory, "FS", set_online, NULL), 0);
	assert_true(becomes_online_on("a"));
	stop_node(a);
}

static void a_move_goes_to_its_target_and_to_no_other(void **state)
{
	pid_t nodes[3];

	add_server();
	nodes[0] = start_node("a");
	assert_true(becomes_online_on("a"));
	nodes[1] = start_node("b");
	nodes[2] = start_node("c");
	usleep(300000);
	assert_int_equal(server_record_change(directory, "FS", set_target, (void *)(uintptr_t) "c"),
			 0);
	assert_true(becomes_online_on("c"));
	assert_int_equal(server_record_change(directory, "FS", set_target, (void *)(uintptr_t) "b"),
			 0);
	assert_true(becomes_online_on("b"));
	assert_int_equal(
		server_record_change(directory, "FS", set_target, (void *)(uintptr_t) "gone"), 0);
	usleep(300000);
	assert_true(is_online_on("b"));
	for (int i = 0; i < 3; i++)
		stop_node(nodes[i]);
	assert_never_two();
}

static void a_node_that_cannot_bring_it_online_leaves_it_to_the_next(void **state)
{
	char path[128];
	pid_t a, b;

	path_of(path, sizeof(path), "fail-on-a");
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	add_server();
	a = start_node("a");
	b = start_node("b");
	assert_true(becomes_online_on("b"));
	/* A move to the node where it fails ends where it works. */
	assert_int_equal(server_record_change(directory, "FS", set_target, (void *)(uintptr_t) "a"),
			 0);
	assert_true(becomes_online_on(NULL));
	assert_true(becomes_online_on("b"));
	stop_node(a);
	stop_node(b);
	assert_never_two();
}

static void add_server_that_prefers(const char *first, const char *second)
{
	struct server_record r = record();

	snprintf(r.preferred[0], sizeof(r.preferred[0]), "%s", first);
	snprintf(r.preferred[1], sizeof(r.preferred[1]), "%s", second);
	r.preferred_count = 2;
	r.policy.restart_threshold = 0;
	assert_int_equal(server_record_write(directory, &r), 0);
	server_record_free(&r);
}

static uint64_t epoch_now(void)
{
	struct owner_record owner;
	char home[100];

	snprintf(home, sizeof(home), "%s/.berth", volume);
	assert_int_equal(owner_record_read(home, &owner), 0);
	return owner.epoch;
}

/* What was given on has come: until that is written, it is still to go there. */
static void assert_no_move_is_left(void)
{
	struct server_record r;
	bool is_over = false;

	for (int i = 0; i < 1500 && !is_over; i++) {
		assert_int_equal(server_record_read(directory, "FS", &r), 0);
		is_over = !r.target[0];
		server_record_free(&r);
		usleep(10000);
	}
	assert_true(is_over);
}

static void assert_comes_up(const char *node)
{
	for (int i = 0; i < 1500 && !cluster_node_is_alive(directory, node); i++)
		usleep(10000);
	assert_true(cluster_node_is_alive(directory, node));
}

static void a_lost_owner_is_followed_by_the_first_preferred_one_that_lives(void **state)
{
	pid_t a, b, c;

	add_server_that_prefers("c", "b");
	a = start_node("a");
	assert_true(becomes_online_on("a"));
	for (int round = 0; round < 3; round++) {
		uint64_t epoch = epoch_now();

		b = start_node("b"); /* waits at the lock before c does */
		assert_comes_up("b");
		usleep(200000);
		c = start_node("c");
		assert_comes_up("c");
		kill_node(a);
		assert_true(becomes_online_on("c"));
		assert_int_equal(epoch_now(), epoch + 1); /* b had the lock, and never owned it */
		a = start_node("a");
		usleep(300000);
		kill_node(c);
		assert_true(becomes_online_on("b"));
		kill_node(b); /* it may not have come to write that the move is over */
		assert_true(becomes_online_on("a"));
		assert_no_move_is_left();
	}
	stop_node(a);
	assert_never_two();
}

static void a_preferred_owner_on_which_it_has_failed_holds_nobody_up(void **state)
{
	struct timespec began, ended;
	char path[128];
	uint64_t epoch;
	pid_t a, b, c;

	path_of(path, sizeof(path), "fail-on-c");
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	add_server_that_prefers("c", "b");
	a = start_node("a");
	assert_true(becomes_online_on("a"));
	epoch = epoch_now();
	b = start_node("b");
	c = start_node("c");
	assert_comes_up("b");
	assert_comes_up("c");
	kill_node(a);
	assert_true(becomes_online_on("b")); /* c was asked, and failed */
	assert_int_equal(epoch_now(), epoch + 2);
	a = start_node("a");
	usleep(300000);
	clock_gettime(CLOCK_MONOTONIC, &began);
	kill_node(b);
	assert_true(becomes_online_on("a")); /* c is asked, and says no */
	clock_gettime(CLOCK_MONOTONIC, &ended);
	assert_true(ended.tv_sec - began.tv_sec < 10); /* and that ends the time it is left to c */
	assert_int_equal(epoch_now(), epoch + 3);
	stop_node(a);
	stop_node(c);
	assert_never_two();
}

static void what_kills_three_owners_in_a_row_is_left_alone_by_the_fourth(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	struct owner_record owner;
	char path[128], home[100];
	pid_t nodes[4];
	int status, dead = 0;

	snprintf(home, sizeof(home), "%s/.berth", volume);
	path_of(path, sizeof(path), "dies");
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	for (int i = 0; i < 4; i++)
		nodes[i] = start_node(names[i]);
	add_server();
	for (int i = 0; i < 1000 && dead < 3; i++) {
		for (int n = 0; n < 4; n++) {
			if (nodes[n] && waitpid(nodes[n], &status, WNOHANG) == nodes[n]) {
				assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
				nodes[n] = 0;
				dead++;
			}
		}
		usleep(10000);
	}
	assert_int_equal(dead, 3);
	for (int i = 0; i < 500; i++) {
		assert_int_equal(owner_record_read(home, &owner), 0);
		if (!strcmp(owner.state, "released"))
			break;
		usleep(10000);
	}
	assert_string_equal(owner.state, "released");
	for (int n = 0; n < 4; n++) {
		if (nodes[n])
			stop_node(nodes[n]);
	}
	assert_true(is_online_on(NULL));
}

static void a_name_can_be_used_by_one_living_node_only(void **state)
{
	pid_t a = start_node("a"), second;
	int status;

	usleep(200000);
	second = start_node("a");
	assert_int_equal(waitpid(second, &status, 0), second);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	stop_node(a);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_other_node_takes_over_when_the_owner_is_killed),
		CASE(offline_is_remembered_by_nodes_that_start_later),
		CASE(a_move_goes_to_its_target_and_to_no_other),
		CASE(a_node_that_cannot_bring_it_online_leaves_it_to_the_next),
		CASE(a_lost_owner_is_followed_by_the_first_preferred_one_that_lives),
		CASE(a_preferred_owner_on_which_it_has_failed_holds_nobody_up),
		CASE(what_kills_three_owners_in_a_row_is_left_alone_by_the_fourth),
		CASE(a_name_can_be_used_by_one_living_node_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
