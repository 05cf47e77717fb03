// SPDX-License-Identifier: Apache-2.0
/* Running one of Pacemaker's tools: without a shell, with a limit in time and in what it prints. */
#include <cluster/crm.h>

#include <base/buf.h>
#include <base/log.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int start(const char *const *argv, int input, int output, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	if (input < 0)
		posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	else
		posix_spawn_file_actions_adddup2(&files, input, 0);
	posix_spawn_file_actions_adddup2(&files, output, 1);
	posix_spawn_file_actions_adddup2(&files, output, 2);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = posix_spawnp(pid, argv[0], &files, &attributes, (char *const *)(uintptr_t)argv,
			     environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return -error;
}

/* All that it prints, until it ends or the time is over. */
static int collect(int fd, struct buf *out)
{
	uint64_t until = monotonic_ms() + CRM_TIMEOUT_MS;

	out->limit = CRM_MAX_BYTES;
	for (;;) {
		uint64_t now = monotonic_ms();
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		uint8_t *room;
		ssize_t n;

		if (now >= until)
			return -ETIMEDOUT;
		n = poll(&wait, 1, (int)(until - now));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		room = buf_room(out, 65536);
		if (!room)
			return -EMSGSIZE;
		n = read(fd, room, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		out->len += (size_t)n;
	}
}

static int await(pid_t pid, bool end_it)
{
	int status;

	if (end_it)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

/* One line, and what to look at where no cluster answered. */
static void tidy(char **why)
{
	size_t length = strlen(*why);
	char *before;

	while (length && strchr("\n ", (*why)[length - 1]))
		(*why)[--length] = '\0';
	for (char *at = *why; *at; at++) {
		if (*at == '\n')
			*at = ' ';
	}
	if (!strstr(*why, "not connected"))
		return;
	before = *why;
	*why = xasprintf("%s; Pacemaker does not run here: systemctl status corosync pacemaker",
			 before);
	free(before);
}

/* Runs it to its end; a text with an end in @text, whatever comes of it. -EIO: its status. */
static int run(const char *const *argv, int input, struct buf *text)
{
	int ends[2], error, end;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	error = start(argv, input, ends[1], &pid);
	close(ends[1]);
	if (!error) {
		error = collect(ends[0], text);
		end = await(pid, error != 0);
		error = error ? error : end;
	}
	close(ends[0]);
	buf_u8(text, 0);
	return error;
}

static int run_and_say(const char *const *argv, int input, char **out, char **why)
{
	auto_buf struct buf text = { 0 };
	int error = run(argv, input, &text);

	if (out)
		*out = NULL;
	if (error && why && !*why)
		*why = error == -EIO ? xasprintf("%s: %.400s", argv[0],
						 text.data ? (const char *)text.data : "")
				     : xasprintf("%s: %s", argv[0], strerror(-error));
	if (error && why && *why)
		tidy(why);
	if (!error && out)
		*out = xstrdup(text.data ? (const char *)text.data : "");
	return error;
}

int crm_run(const char *const *argv, char **out, char **why)
{
	return run_and_say(argv, -1, out, why);
}

int crm_feed(const char *const *argv, const char *input, char **why)
{
	size_t length = strlen(input);
	auto_close int from = -1, to = -1;
	int ends[2];

	if (length > CRM_MAX_INPUT) /* what a pipe holds, so that nobody need wait */
		return -EMSGSIZE;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	from = ends[0];
	to = ends[1];
	if (write(to, input, length) != (ssize_t)length)
		return -EIO;
	close_fd_ptr(&to);
	return run_and_say(argv, from, NULL, why);
}

char *crm_text(const char *const *argv)
{
	auto_buf struct buf text = { 0 };
	int error = run(argv, -1, &text);

	return (!error || error == -EIO) && text.data ? xstrdup((const char *)text.data) : NULL;
}
