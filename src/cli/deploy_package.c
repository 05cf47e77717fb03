// SPDX-License-Identifier: Apache-2.0
/* berth package: what is taken in, and what is run of it; and what clients are told. */
#include "deploy.h"

#include <errno.h>
#include <site/deploy.h>
#include <stdarg.h>
#include <unistd.h>

const char *local_of(struct call *call, const char *name)
{
	return json_string_value(json_object_get(call->local, name));
}

bool take_integer(struct call *call, const char *name, int64_t low, int64_t high, int64_t *out)
{
	const char *text = local_of(call, name);
	char *end;

	if (!text)
		return true;
	errno = 0;
	*out = strtoll(text, &end, 10);
	if (!errno && end != text && !*end && *out >= low && *out <= high)
		return true;
	complain(EXIT_USAGE, "--%s is a number from %lld to %lld, not \"%s\"", name, (long long)low,
		 (long long)high, text);
	return false;
}

int done(struct call *call, const char *format, ...)
{
	va_list args;

	if (call->json) {
		puts("{}");
		return EXIT_DONE;
	}
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	return EXIT_DONE;
}

static int show_package(struct call *call, const struct package *p)
{
	json_t *answer auto_json = NULL;

	if (p->mended)
		complain(0, "damaged pieces mended in the library: %llu",
			 (unsigned long long)p->mended);
	if (!call->json)
		return done(call, "package %s is version %lld: %lld files, %lld bytes", p->name,
			    (long long)p->version, (long long)p->files, (long long)p->bytes);
	answer = json_pack("{s:s, s:I, s:I, s:I, s:I}", "package", p->name, "version",
			   (json_int_t)p->version, "files", (json_int_t)p->files, "bytes",
			   (json_int_t)p->bytes, "mended_pieces", (json_int_t)p->mended);
	print_json(answer);
	return EXIT_DONE;
}

static int ingest(struct call *call, enum package_how how)
{
	const char *source = local_of(call, "source");
	auto_free char *absolute = source ? realpath(source, NULL) : NULL, *why = NULL;
	auto_site struct site *site = NULL;
	struct package package auto_package = { 0 };
	int code = site_of(call, &site);

	if (code)
		return code;
	if (source && !absolute)
		return complain(EXIT_FAILED, "%s cannot be read: %s", source, strerror(errno));
	if (how == PACKAGE_NEW && !source)
		return complain(EXIT_USAGE, "a package needs a folder: --source DIR");
	if (package_ingest(site, call_text(call, "package"), absolute, how, &package, &why))
		return site_failed(why);
	code = site_note(site, package.name, package.name, "package %s is version %lld, of %s",
			 package.name, (long long)package.version, package.source);
	return code ? code : show_package(call, &package);
}

int run_package_create(struct call *call)
{
	return ingest(call, PACKAGE_NEW);
}

int run_package_update(struct call *call)
{
	return ingest(call, call_local(call, "verify") ? PACKAGE_VERIFY : PACKAGE_NEXT);
}

int run_package_list(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	int code = site_of(call, &site);

	return code ? code : site_show(call, package_list(site, &why), why);
}

int run_package_programs(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	int code = site_of(call, &site);

	return code ? code
		    : site_show(call, program_list(site, call_text(call, "package"), &why), why);
}

/* A JSON array of words, or words between spaces; nothing is ever given to a shell. Quotes between
 * spaces mean to who writes them what only a shell makes of them. NULL: they are neither. */
static json_t *words_of(const char *text)
{
	auto_free char *copy = NULL;
	json_t *words;
	char *saved = NULL;

	if (text[0] == '[')
		return json_loads(text, 0, NULL);
	if (strpbrk(text, "\"'"))
		return NULL;
	words = json_array();
	copy = xstrdup(text);
	for (char *word = strtok_r(copy, " ", &saved); word; word = strtok_r(NULL, " ", &saved))
		json_array_append_new(words, json_string(word));
	return words;
}

static json_t *codes_of(const char *text)
{
	auto_free char *copy = xstrdup(text ? text : "");
	json_t *codes = json_array();
	char *saved = NULL;

	for (char *one = strtok_r(copy, ",", &saved); one; one = strtok_r(NULL, ",", &saved)) {
		char *end;
		long long code = strtoll(one, &end, 10);

		if (end == one || *end) {
			json_decref(codes);
			return NULL;
		}
		json_array_append_new(codes, json_integer(code));
	}
	return codes;
}

/* What the site has of that program already, or NULL: what is not named stays as it is. */
static json_t *program_before(struct site *site, const char *package, const char *name)
{
	json_t *rows auto_json = program_list(site, package, NULL), *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (!strcmp(json_string_value(json_object_get(row, "name")), name))
			return json_incref(row);
	}
	return NULL;
}

static const char *text_before(const json_t *before, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(before, key));

	return text ? text : fallback;
}

/* What clients run from now on: the words and the condition themselves. */
static int note_program(struct site *site, const struct program *p)
{
	auto_free char *words = json_dumps(p->command, JSON_COMPACT);

	return site_note(site, p->package, p->package, "program %s of package %s runs %s%s%s",
			 p->name, p->package, words ? words : "?", *p->condition ? " where " : "",
			 p->condition);
}

/* The program is set all the same: the next version of the package may bring the file. */
static int set_program(struct site *site, const struct program *program)
{
	json_t *strangers auto_json = NULL, *word;
	auto_free char *why = NULL;
	size_t i;

	if (program_set(site, program, &why))
		return site_failed(why);
	strangers = program_strangers(site, program, &why);
	if (!strangers)
		return complain(EXIT_DONE, "the program is set; its files were not looked for: %s",
				why);
	json_array_foreach(strangers, i, word)
	{
		complain(0, "%s is not in package %s as it is now", json_string_value(word),
			 program->package);
	}
	return EXIT_DONE;
}

int run_package_program(struct call *call)
{
	const char *command = local_of(call, "command"), *condition = local_of(call, "condition"),
		   *restart = local_of(call, "restart");
	const char *success = local_of(call, "success");
	json_t *before auto_json = NULL, *words auto_json = NULL, *codes auto_json = NULL;
	auto_site struct site *site = NULL;
	struct program program = { .package = call_text(call, "package"),
				   .name = call_text(call, "program"),
				   .limit_s = 7200 };
	int code = site_of(call, &site);

	if (code)
		return code;
	before = program_before(site, program.package, program.name);
	words = command ? words_of(command)
			: json_loads(text_before(before, "command", ""), 0, NULL);
	codes = success ? codes_of(success)
			: json_loads(text_before(before, "success", "[]"), 0, NULL);
	program.command = words;
	program.success = codes;
	program.condition = condition ? condition : text_before(before, "condition", "");
	program.restart = restart ? restart : text_before(before, "restart", "report");
	if (before)
		program.limit_s = json_integer_value(json_object_get(before, "limit_s"));
	if (!json_is_array(words))
		return complain(EXIT_USAGE,
				"a program needs --command: words with spaces between and no "
				"quotes, which only a shell would understand, or a JSON array of "
				"them: --command '[\"sh\", \"-c\", \"echo hi\"]'");
	if (!codes)
		return complain(EXIT_USAGE, "--success takes numbers with commas");
	if (!take_integer(call, "limit", 1, DEPLOYMENT_LIMIT_S_MAX, &program.limit_s))
		return EXIT_USAGE;
	code = set_program(site, &program);
	if (!code)
		code = note_program(site, &program);
	return code ? code
		    : done(call, "program %s of package %s is set", program.name, program.package);
}

int run_package_export(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	uint64_t bytes = 0;
	int code = site_of(call, &site);

	if (code)
		return code;
	if (package_export(site, call_text(call, "package"), call_text(call, "dir"), &bytes, &why))
		return site_failed(why);
	return done(call, "package %s is in %s: %llu bytes, verified", call_text(call, "package"),
		    call_text(call, "dir"), (unsigned long long)bytes);
}

int run_site_publish(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	int code = site_of(call, &site), error;

	if (code)
		return code;
	error = policy_publish(site, call_local(call, "force"), &why);
	/* It may be on other points all the same. */
	code = site_note(site, NULL, NULL, "published the policy, number %lld: %s",
			 (long long)policy_generation(site),
			 error ? (why ? why : "?") : "it is on every distribution point");
	if (error)
		return site_failed(why);
	if (code)
		return code;
	return done(call, "the policy is on every distribution point");
}

/* What a client is given when it is set up: it trusts this site, and no other. */
int run_site_client_root(struct call *call)
{
	struct site_library library auto_library = { 0 };
	struct content_failure failure = { 0 };
	auto_site struct site *site = NULL;
	auto_buf struct buf out = { 0 };
	auto_free char *why = NULL;
	int code = site_of(call, &site);

	if (code)
		return code;
	if (library_open(site, &library, &why))
		return site_failed(why);
	if (!repository_pin(library.repository, &out, &failure))
		return complain(EXIT_FAILED, "%s", failure.text);
	fwrite(out.data, 1, out.len, stdout);
	return EXIT_DONE;
}
