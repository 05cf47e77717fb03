// SPDX-License-Identifier: Apache-2.0
/* Running one action. Blocks its thread. */
#include "run.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

static const char *const shown[] = { "site",	"message", "severity", "component",
				     "machine", "object",  "package",  "text",
				     "cause",	"remedy",  "time",     "id" };
#define VARIABLES (ARRAY_LEN(shown) + 2)

/* "BERTH_OBJECT=..." of a member; controls become spaces. */
static char *variable(const json_t *message, const char *key)
{
	const json_t *value = json_object_get(message, key);
	char *text = json_is_integer(value)
			     ? xasprintf("BERTH_%s=%lld", key, (long long)json_integer_value(value))
			     : xasprintf("BERTH_%s=%s", key,
					 json_is_string(value) ? json_string_value(value) : "");
	char *c = text;

	for (; *c != '='; c++)
		*c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
	for (; *c; c++)
		*c = (char)((unsigned char)*c < 0x20 ? ' ' : *c);
	return text;
}

/* The message as a file that can be read from its beginning; or -1. */
static int message_file(const json_t *message)
{
	auto_free char *text = json_dumps(message, JSON_COMPACT);
	auto_close int fd = memfd_create("message", MFD_CLOEXEC);

	if (fd < 0 || !text || write(fd, text, strlen(text)) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return steal_fd(&fd);
}

static int spawn(const char *program, int input, char **environment, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	char *arguments[] = { (char *)(uintptr_t)program, NULL };
	sigset_t none;
	int error;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	/* A group of its own, so that what it starts ends with it. */
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	error = posix_spawn(pid, program, &files, &attributes, arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return error;
}

static bool wait_for(pid_t pid, char **why)
{
	auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	bool in_time = fd >= 0 && poll(&poll_fd, 1, RUN_LIMIT_S * 1000) == 1;
	int status = 0;

	if (!in_time)
		kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (!in_time)
		*why = xasprintf("it did not end within %d s and was killed", RUN_LIMIT_S);
	else if (WIFSIGNALED(status))
		*why = xasprintf("it ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		*why = xasprintf("it ended with status %d", WEXITSTATUS(status));
	return in_time && WIFEXITED(status) && !WEXITSTATUS(status);
}

static bool run_program(const char *target, const json_t *message, char **why)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[VARIABLES] = { path };
	auto_close int input = message_file(message);
	pid_t pid = 0;
	int error = input < 0 ? errno : 0;

	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		environment[i + 1] = variable(message, shown[i]);
	if (!error)
		error = spawn(target, input, environment, &pid);
	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		free(environment[i + 1]);
	if (error) {
		*why = xasprintf("%s cannot be run: %s", target, strerror(error));
		return false;
	}
	return wait_for(pid, why);
}

static size_t drop(char *data, size_t size, size_t count, void *owner)
{
	return size * count;
}

static bool run_webhook(const char *target, const json_t *message, char **why)
{
	auto_free char *body = json_dumps(message, JSON_COMPACT);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	CURL *curl = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long answer = 0;

	if (curl && headers && body) {
		curl_easy_setopt(curl, CURLOPT_URL, target);
		curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
		curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)RUN_LIMIT_S);
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
		code = curl_easy_perform(curl);
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
	}
	if (code != CURLE_OK)
		*why = xasprintf("%s was not reached: %s", target, curl_easy_strerror(code));
	else if (answer < 200 || answer > 299)
		*why = xasprintf("%s answered %ld", target, answer);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return !*why;
}

static int facility_of(const char *name)
{
	static const struct {
		const char *name;
		int facility;
	} rows[] = { { "daemon", LOG_DAEMON }, { "user", LOG_USER },	 { "local0", LOG_LOCAL0 },
		     { "local1", LOG_LOCAL1 }, { "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 },
		     { "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 }, { "local6", LOG_LOCAL6 },
		     { "local7", LOG_LOCAL7 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!strcmp(rows[i].name, name))
			return rows[i].facility;
	}
	return LOG_DAEMON;
}

static bool run_syslog(const char *target, const json_t *message, char **why)
{
	const char *severity = json_string_value(json_object_get(message, "severity"));
	int level = !severity || !strcmp(severity, "info") ? LOG_INFO
		    : !strcmp(severity, "warning")	   ? LOG_WARNING
							   : LOG_ERR;

	syslog(facility_of(target) | level, "berth-site: %lld %s",
	       (long long)json_integer_value(json_object_get(message, "message")),
	       json_string_value(json_object_get(message, "text")));
	return true;
}

bool action_run(const char *action, const char *target, const json_t *message, char **why)
{
	static const struct {
		const char *name;
		bool (*run)(const char *target, const json_t *message, char **why);
	} rows[] = { { "program", run_program },
		     { "webhook", run_webhook },
		     { "syslog", run_syslog } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!strcmp(rows[i].name, action))
			return rows[i].run(target, message, why);
	}
	*why = xasprintf("there is no action \"%s\"", action);
	return false;
}
