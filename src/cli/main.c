// SPDX-License-Identifier: Apache-2.0
/* berth: finds the row of the command, reads arguments and options as it says, runs it. */
#include "cli.h"

#include <base/log.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <strings.h>

#ifndef BERTH_VERSION
#define BERTH_VERSION "0.1.0"
#endif
#define DEFAULT_CLUSTER_DIR "/var/lib/berth/cluster"

int complain(int code, const char *format, ...)
{
	va_list args;

	fputs("berth: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

const char *call_text(const struct call *call, const char *key)
{
	const char *text = json_string_value(json_object_get(call->request, key));

	return text ? text : json_string_value(json_object_get(call->local, key));
}

bool call_local(const struct call *call, const char *name)
{
	return json_is_true(json_object_get(call->local, name));
}

static const struct command *find_command(const char *noun, const char *verb)
{
	for (size_t i = 0; command_at(i); i++) {
		const struct command *c = command_at(i);

		if (!strcmp(c->noun, noun) && (!c->verb || (verb && !strcmp(c->verb, verb))))
			return c;
	}
	return NULL;
}

static bool is_noun(const char *noun)
{
	for (size_t i = 0; command_at(i); i++) {
		if (!strcmp(command_at(i)->noun, noun))
			return true;
	}
	return false;
}

static const struct option_row *find_option(const struct command *command, const char *name,
					    size_t length)
{
	for (size_t i = 0; i < MAX_OPTIONS && command->options[i]; i++) {
		const struct option_row *row = command->options[i];

		if (strlen(row->name) == length && !strncmp(row->name, name, length))
			return row;
	}
	return NULL;
}

static int add_to_list(struct call *call, const char *key, char between, const char *value)
{
	const char *before = json_string_value(json_object_get(call->request, key));
	auto_free char *joined =
		before ? xasprintf("%s%c%s", before, between, value) : xstrdup(value);

	json_object_set_new(call->request, key, json_string(joined));
	return EXIT_DONE;
}

static int put_option(struct call *call, const struct option_row *row, const char *value)
{
	char *end = NULL;
	long long number;
	json_t *text = value ? json_string(value) : NULL;

	if (value && !text)
		return complain(EXIT_USAGE, "the value of --%s is not UTF-8", row->name);
	switch (row->kind) {
	case OPTION_FLAG:
		json_object_set_new(call->request, row->key, json_true());
		break;
	case OPTION_NO_FLAG:
		json_object_set_new(call->request, row->key, json_false());
		break;
	case OPTION_LOCAL:
		json_object_set_new(call->local, row->name, json_true());
		break;
	case OPTION_TEXT:
		json_object_set(call->request, row->key, text);
		break;
	case OPTION_LOCAL_TEXT:
		json_object_set(call->local, row->name, text);
		break;
	case OPTION_LIST:
		(void)add_to_list(call, row->key, ',', value);
		break;
	case OPTION_LINES:
		(void)add_to_list(call, row->key, '\n', value);
		break;
	case OPTION_NUMBER:
		errno = 0;
		number = strtoll(value, &end, 10);
		json_decref(text);
		if (errno || end == value || *end)
			return complain(EXIT_USAGE, "--%s needs a number, not \"%s\"", row->name,
					value);
		json_object_set_new(call->request, row->key, json_integer(number));
		return EXIT_DONE;
	}
	json_decref(text);
	return EXIT_DONE;
}

static bool takes_value(const struct option_row *row)
{
	return row->kind == OPTION_TEXT || row->kind == OPTION_LIST || row->kind == OPTION_LINES ||
	       row->kind == OPTION_NUMBER || row->kind == OPTION_LOCAL_TEXT;
}

/* One that begins with two dashes; *at moves over its value. */
static int take_option(struct call *call, int argc, char **argv, int *at)
{
	const char *name = argv[*at] + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	const struct option_row *row = find_option(call->command, name, length);

	if (length == 4 && !strncmp(name, "json", 4)) {
		call->json = true;
		return EXIT_DONE;
	}
	if (length == 11 && !strncmp(name, "cluster-dir", 11)) {
		if (!equals && *at + 1 >= argc)
			return complain(EXIT_USAGE, "--cluster-dir needs a directory");
		call->cluster_dir = equals ? equals + 1 : argv[++*at];
		return EXIT_DONE;
	}
	if (!row)
		return complain(EXIT_USAGE, "there is no option --%.*s here; berth %s%s%s --help",
				(int)length, name, call->command->noun,
				call->command->verb ? " " : "",
				call->command->verb ? call->command->verb : "");
	if (!takes_value(row))
		return equals ? complain(EXIT_USAGE, "--%s takes no value", row->name)
			      : put_option(call, row, NULL);
	if (!equals && *at + 1 >= argc)
		return complain(EXIT_USAGE, "--%s needs %s", row->name, row->value);
	return put_option(call, row, equals ? equals + 1 : argv[++*at]);
}

static int put_setting(struct call *call, const char *word)
{
	const char *equals = strchr(word, '=');
	auto_free char *key = NULL;
	json_t *settings = json_object_get(call->request, "settings");

	if (!equals || equals == word)
		return complain(EXIT_USAGE, "\"%s\" is not of the form setting=value", word);
	key = strndup(word, (size_t)(equals - word));
	if (!settings) {
		settings = json_object();
		json_object_set_new(call->request, "settings", settings);
	}
	if (json_object_set_new(settings, key, json_string(equals + 1)) < 0)
		return complain(EXIT_USAGE, "\"%s\" is not UTF-8", word);
	return EXIT_DONE;
}

/* The next word is the argument called *names, which then moves on. */
static int put_argument(struct call *call, const char **names, const char *word)
{
	size_t length = strcspn(*names, " ?");
	auto_free char *key = strndup(*names, length);
	char *end;

	if (!length) {
		complain(EXIT_USAGE, "\"%s\" is one word too many:", word);
		print_help(stderr, call->command->noun, call->command->verb);
		return EXIT_USAGE;
	}
	if (!strcmp(key, "setting=value..."))
		return put_setting(call, word);
	*names += strcspn(*names, " ");
	*names += strspn(*names, " ");
	if (!strcmp(key, "id")) {
		errno = 0;
		json_object_set_new(call->request, key, json_integer(strtoll(word, &end, 10)));
		return errno || *end || end == word
			       ? complain(EXIT_USAGE, "\"%s\" is no number", word)
			       : EXIT_DONE;
	}
	if (json_object_set_new(call->request, key, json_string(word)) < 0)
		return complain(EXIT_USAGE, "\"%s\" is not UTF-8", word);
	return EXIT_DONE;
}

static int take_words(struct call *call, int argc, char **argv, int at)
{
	const char *names = call->command->arguments;
	bool only_words = false;
	int code = EXIT_DONE;
	size_t length;

	for (; at < argc && code == EXIT_DONE; at++) {
		if (!only_words && !strcmp(argv[at], "--"))
			only_words = true;
		else if (!only_words && (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h"))) {
			print_help(stdout, call->command->noun, call->command->verb);
			exit(EXIT_DONE);
		} else if (!only_words && !strncmp(argv[at], "--", 2))
			code = take_option(call, argc, argv, &at);
		else
			code = put_argument(call, &names, argv[at]);
	}
	if (code != EXIT_DONE)
		return code;
	/* "server node?" lacks its server, "node?" nothing. */
	length = strcspn(names, " ");
	if (length && names[length - 1] != '?' &&
	    !(strstr(names, "...") && json_object_get(call->request, "settings"))) {
		complain(EXIT_USAGE, "\"%.*s\" is missing:", (int)length, names);
		print_help(stderr, call->command->noun, call->command->verb);
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

int send_and_show(struct call *call)
{
	const char *server = call_text(call, "server");
	json_t *answer = NULL;
	int code = call->command->target == TARGET_OWNER ? ask_owner(call, server, &answer)
							 : ask_any(call, server, &answer);
	const json_t *result = json_object_get(answer, "result");

	if (code == EXIT_DONE && call->command->columns) {
		if (call->json)
			print_json(result);
		else
			print_table(result, call->command->columns);
	}
	json_decref(answer);
	return code;
}

int run_completion(struct call *call)
{
	if (strcmp(call_text(call, "shell"), "bash") != 0)
		return complain(EXIT_USAGE, "there is completion for bash only");
	print_completion();
	return EXIT_DONE;
}

/* Requests hold passwords: what JSON frees is cleared first. */
static void free_wiped(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* Options of every command may also stand before it. The place of the command, or -1 (and said). */
static int take_common(struct call *call, int argc, char **argv)
{
	int at = 1;

	for (; at < argc; at++) {
		if (!strncmp(argv[at], "--cluster-dir=", 14)) {
			call->cluster_dir = argv[at] + 14;
		} else if (!strcmp(argv[at], "--cluster-dir")) {
			if (++at >= argc) {
				complain(0, "--cluster-dir needs a directory");
				return -1;
			}
			call->cluster_dir = argv[at];
		} else if (!strcmp(argv[at], "--json")) {
			call->json = true;
		} else {
			break;
		}
	}
	return at;
}

/* What a noun without a verb that it has gets. */
static int no_such_verb(const char *noun, const char *verb)
{
	bool asked = verb && (!strcmp(verb, "--help") || !strcmp(verb, "-h"));

	if (verb && !asked)
		complain(0, "there is no command \"%s %s\"; there are:", noun, verb);
	else if (!asked)
		complain(0, "\"%s\" needs a second word; there are:", noun);
	print_help(asked ? stdout : stderr, noun, NULL);
	return asked ? EXIT_DONE : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	const char *cluster_dir = getenv("BERTH_CLUSTER_DIR");
	struct call call = { .cluster_dir = cluster_dir ? cluster_dir : DEFAULT_CLUSTER_DIR };
	int code, at;

	log_set_level(LOG_LEVEL_ERROR);
	json_set_alloc_funcs(malloc, free_wiped);
	setvbuf(stdout, NULL, _IOFBF, 0);
	at = take_common(&call, argc, argv);
	if (at < 0)
		return EXIT_USAGE;
	if (at < argc && !strcmp(argv[at], "--version")) {
		puts("berth " BERTH_VERSION);
		return EXIT_DONE;
	}
	if (at >= argc || !strcmp(argv[at], "--help") || !strcmp(argv[at], "-h") ||
	    !strcmp(argv[at], "help")) {
		print_help(at < argc ? stdout : stderr, NULL, NULL);
		return at < argc ? EXIT_DONE : EXIT_USAGE;
	}
	if (!is_noun(argv[at]))
		return complain(EXIT_USAGE, "there is no command \"%s\"; berth --help lists them",
				argv[at]);
	call.command = find_command(argv[at], at + 1 < argc ? argv[at + 1] : NULL);
	if (!call.command)
		return no_such_verb(argv[at], at + 1 < argc ? argv[at + 1] : NULL);
	call.request = json_object();
	call.local = json_object();
	code = take_words(&call, argc, argv, at + (call.command->verb ? 2 : 1));
	if (code == EXIT_DONE) {
		if (call.command->request)
			json_object_set_new(call.request, "do", json_string(call.command->request));
		code = call.command->run ? call.command->run(&call) : send_and_show(&call);
	}
	json_decref(call.request);
	json_decref(call.local);
	if (fflush(stdout) && code == EXIT_DONE)
		code = complain(EXIT_FAILED, "cannot write the output: %s", strerror(errno));
	return code;
}
