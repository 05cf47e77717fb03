// SPDX-License-Identifier: Apache-2.0
/*
 * The runner: agent -> watcher -> program. The watcher tells the agent how it went over a pipe, in
 * one struct of its own process image; the output comes over another.
 */
#include "runner_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define USUAL_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define GRACE_MS   5000 /* between SIGTERM to the program's session and SIGKILL to everything */
#define SWEEPS_MAX 1000

/* What the watcher says when all is over. */
struct verdict {
	int error, signal, code;
	bool timed_out;
	unsigned left;
};

/* @name as a file that can be executed: in @directory, then in the usual places. */
static char *find_program(const char *directory, const char *name)
{
	auto_free char *places = xasprintf("%s:%s", directory, USUAL_PATH);
	char *saved = NULL;

	if (strchr(name, '/'))
		return xstrdup(name);
	for (char *place = strtok_r(places, ":", &saved); place;
	     place = strtok_r(NULL, ":", &saved)) {
		char *path = xasprintf("%s/%s", place, name);

		if (!access(path, X_OK))
			return path;
		free(path);
	}
	return NULL;
}

static void close_above(int lowest)
{
	(void)close_range((unsigned)lowest, ~0u, 0);
}

/* What the watcher ignores and blocks is its own affair: a program is to hear a SIGTERM. */
static void reset_signals(void)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &usual, NULL); /* some cannot be, and need not */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the program's process: never returns. @failed gets the errno where it cannot be started. */
__attribute__((noreturn)) static void become_program(const struct run_options *o, const char *path,
						     int output, int failed)
{
	static char path_line[] = "PATH=" USUAL_PATH, home[] = "HOME=/", lang[] = "LANG=C.UTF-8",
		    front[] = "DEBIAN_FRONTEND=noninteractive";
	static char *const usual[] = { path_line, home, lang, front, NULL };
	const struct rlimit no_core = { 0, 0 };
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC), error;

	setsid();
	reset_signals();
	setrlimit(RLIMIT_CORE, &no_core);
	if (nothing >= 0 && dup2(nothing, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0 &&
	    !chdir(o->directory)) {
		fcntl(failed, F_SETFD, FD_CLOEXEC);
		execve(path, o->command, o->environment ? o->environment : usual);
	}
	error = errno;
	(void)!write(failed, &error, sizeof(error));
	_exit(127);
}

/* start - the program; its pid, or -errno. */
static pid_t start(const struct run_options *o, const char *path, int output)
{
	int failed[2], error = 0;
	pid_t pid;

	if (pipe2(failed, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		become_program(o, path, output, failed[1]);
	error = errno;
	close(failed[1]);
	if (pid > 0 && read(failed[0], &error, sizeof(error)) == (ssize_t)sizeof(error)) {
		waitpid(pid, NULL, 0);
		close(failed[0]);
		return -error;
	}
	close(failed[0]);
	return pid > 0 ? pid : -error;
}

/* The children of this process, as the kernel lists them; how many. */
static size_t own_children(pid_t *pids, size_t room)
{
	auto_free char *path = xasprintf("/proc/self/task/%d/children", (int)getpid());
	FILE *list = fopen(path, "re");
	size_t count = 0;
	int pid;

	while (list && count < room && fscanf(list, "%d", &pid) == 1)
		pids[count++] = pid;
	if (list)
		fclose(list);
	return count;
}

/*
 * End whatever is left. Each sweep kills the children there are; theirs become this process's own
 * and are in the next. One that forks faster than it is killed is stopped first, so that the sweep
 * gets ahead of it.
 */
static unsigned sweep(void)
{
	pid_t pids[256];
	unsigned ended = 0;

	for (unsigned i = 0; i < SWEEPS_MAX; i++) {
		size_t count = own_children(pids, ARRAY_LEN(pids));

		for (size_t k = 0; k < count; k++)
			kill(pids[k], SIGSTOP);
		for (size_t k = 0; k < count; k++)
			kill(pids[k], SIGKILL);
		for (;;) {
			pid_t pid = waitpid(-1, NULL, count ? 0 : WNOHANG);

			if (pid < 0 && errno == ECHILD)
				return ended;
			if (pid <= 0)
				break;
			ended++;
			if (count)
				count--;
		}
	}
	return ended;
}

/* It only ends a wait. */
static void on_child(int number)
{
}

/* Has the program ended? Others that were adopted are only reaped. */
static bool reap(pid_t program, struct verdict *v, bool *ended)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != program)
			continue;
		*ended = true;
		v->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		v->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	}
	return *ended;
}

/* Wait for the end of the program; false where the agent went away, which closes @agent. */
static bool wait_for(pid_t program, uint64_t until_ms, int agent, struct verdict *v, bool *ended)
{
	sigset_t none;

	sigemptyset(&none);
	/* SIGCHLD is blocked but for the wait, so that none is lost before it. */
	while (!reap(program, v, ended)) {
		uint64_t now = monotonic_ms(), left_ms = until_ms > now ? until_ms - now : 0;
		struct pollfd gone = { .fd = agent, .events = 0 };
		const struct timespec wait = { .tv_sec = (time_t)(left_ms / 1000),
					       .tv_nsec = (long)(left_ms % 1000) * 1000000 };

		if (!left_ms)
			return true;
		if (ppoll(&gone, 1, &wait, &none) > 0 && gone.revents & (POLLERR | POLLHUP))
			return false;
	}
	return true;
}

static void watch(const struct run_options *o, pid_t program, int agent, struct verdict *v)
{
	bool ended = false;
	bool is_there =
		wait_for(program, monotonic_ms() + (uint64_t)o->limit_s * 1000, agent, v, &ended);

	if (!ended) {
		v->timed_out = is_there;
		/* First politely, and the whole session. */
		kill(-program, SIGTERM);
		(void)wait_for(program, monotonic_ms() + GRACE_MS, is_there ? agent : -1, v,
			       &ended);
		kill(-program, SIGKILL);
	}
	v->left = sweep();
	if (!ended)
		v->left--; /* the program itself is among them */
	if (v->timed_out) {
		v->code = 0;
		v->signal = SIGKILL;
	}
}

/* The watcher's process: never returns. */
__attribute__((noreturn)) static void become_watcher(const struct run_options *o, int output,
						     int answer)
{
	struct sigaction action = { .sa_handler = on_child };
	auto_free char *path = NULL;
	struct verdict v = { 0 };
	sigset_t children;
	pid_t program;

	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGCHLD, &action, NULL);
	/* Nothing that the agent has open is the program's business. */
	if (dup2(output, 3) < 0 || dup2(answer, 4) < 0)
		_exit(1);
	close_above(5);
	fcntl(4, F_SETFD, FD_CLOEXEC);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	path = find_program(o->directory, o->command[0]);
	program = path ? start(o, path, 3) : -ENOENT;
	close(3);
	if (program < 0)
		v.error = -program;
	else
		watch(o, program, 4, &v);
	(void)!write(4, &v, sizeof(v));
	_exit(0);
}

static bool take_output(int fd, struct run_result *r)
{
	char bytes[4096];
	ssize_t got = read(fd, bytes, sizeof(bytes));

	if (got > 0)
		output_keep(r, bytes, (size_t)got);
	return got > 0 || (got < 0 && errno == EINTR);
}

/*
 * Until the watcher has spoken. The output may stay open longer (something was left behind that
 * could not be killed at once), so its end is not waited for.
 */
static void follow(int output, int answer, struct run_result *r)
{
	struct pollfd fds[] = { { .fd = output, .events = POLLIN },
				{ .fd = answer, .events = POLLIN } };
	struct verdict v = { .error = EIO };

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents && !take_output(output, r))
			fds[0].fd = -1;
		if (fds[1].revents && !(fds[0].revents & POLLIN)) {
			if (read(answer, &v, sizeof(v)) != (ssize_t)sizeof(v))
				v = (struct verdict){ .error = EIO };
			break;
		}
	}
	r->error = v.error;
	r->signal = v.signal;
	r->code = v.code;
	r->timed_out = v.timed_out;
	r->left = v.left;
}

void run_program(const struct run_options *options, struct run_result *result)
{
	int output[2], answer[2];
	pid_t watcher;

	memset(result, 0, sizeof(*result));
	if (pipe2(output, O_CLOEXEC)) {
		result->error = errno;
		return;
	}
	if (pipe2(answer, O_CLOEXEC)) {
		result->error = errno;
		close(output[0]);
		close(output[1]);
		return;
	}
	fflush(NULL);
	watcher = fork();
	if (!watcher)
		become_watcher(options, output[1], answer[1]);
	result->error = watcher < 0 ? errno : 0;
	close(output[1]);
	close(answer[1]);
	if (watcher > 0) {
		follow(output[0], answer[0], result);
		waitpid(watcher, NULL, 0);
	}
	close(output[0]);
	close(answer[0]);
	output_finish(result);
}
