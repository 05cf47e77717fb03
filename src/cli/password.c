// SPDX-License-Identifier: Apache-2.0
/* Passwords come from a file, from standard input or from the terminal, never from the command
 * line. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define PASSWORD_MAX_BYTES 1024

/* The first line, without its end; NULL and a message where there is none. */
static char *read_first_line(int fd, const char *from)
{
	char *line = xalloc(1, PASSWORD_MAX_BYTES + 1);
	size_t length = 0;

	while (length < PASSWORD_MAX_BYTES) {
		ssize_t n = read(fd, line + length, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || line[length] == '\n')
			break;
		length++;
	}
	if (length && line[length - 1] == '\r')
		length--;
	line[length] = '\0';
	if (length && length < PASSWORD_MAX_BYTES)
		return line;
	complain(0, length ? "the password in %s is too long" : "there is no password in %s", from);
	explicit_bzero(line, PASSWORD_MAX_BYTES);
	free(line);
	return NULL;
}

static char *read_file(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		complain(0, "cannot read the password file %s: %s", path, strerror(errno));
		return NULL;
	}
	return read_first_line(fd, path);
}

static char *read_terminal(const char *prompt)
{
	auto_close int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before, quiet;
	char *line;

	if (fd < 0 || tcgetattr(fd, &before) < 0) {
		complain(0, "a password is needed and there is no terminal to ask at; give "
			    "--password-file "
			    "FILE or --password-stdin");
		return NULL;
	}
	dprintf(fd, "%s: ", prompt);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &quiet);
	line = read_first_line(fd, "your answer");
	tcsetattr(fd, TCSAFLUSH, &before);
	dprintf(fd, "\n");
	return line;
}

static void forget(char *password)
{
	if (password)
		explicit_bzero(password, strlen(password));
	free(password);
}

static char *read_twice(const char *prompt)
{
	char *first = read_terminal(prompt), *second;

	if (!first)
		return NULL;
	second = read_terminal("Once more");
	if (second && !strcmp(first, second)) {
		forget(second);
		return first;
	}
	if (second)
		complain(0, "the two passwords are not the same");
	forget(first);
	forget(second);
	return NULL;
}

uid_t as_caller(void)
{
	uid_t was = geteuid();

	if (was != getuid())
		(void)!seteuid(getuid());
	return was;
}

void as_before(uid_t was)
{
	BUG_ON(was != geteuid() && seteuid(was));
}

char *password_read(struct call *call, const char *prompt, bool is_new)
{
	const char *file = json_string_value(json_object_get(call->local, "password-file"));
	uid_t was;
	char *password;

	if (file) {
		was = as_caller();
		password = read_file(file);
		as_before(was);
		return password;
	}
	if (call_local(call, "password-stdin"))
		return read_first_line(STDIN_FILENO, "standard input");
	return is_new ? read_twice(prompt) : read_terminal(prompt);
}

int password_take(struct call *call, bool is_new)
{
	auto_free char *prompt = xasprintf("Password for %s", call_text(call, "user"));
	char *password = password_read(call, prompt, is_new);
	int failed;

	if (!password)
		return EXIT_FAILED;
	failed = json_object_set_new(call->request, "password", json_string(password));
	forget(password);
	return failed ? complain(EXIT_FAILED, "the password is not UTF-8") : EXIT_DONE;
}

int run_new_password(struct call *call)
{
	int code = password_take(call, true);

	return code == EXIT_DONE ? send_and_show(call) : code;
}
