// SPDX-License-Identifier: Apache-2.0
/* berth site: what works on a site's directory. Each command opens the site, does one thing, closes
 * it. */
#include "cli.h"
#include "site_cli.h"

#include <errno.h>
#include <site/db.h>
#include <site/message.h>
#include <site/object.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SITE  "/var/lib/berth/site"
#define FOLLOW_USLEEP 300000

const char *site_dir(struct call *call)
{
	const char *dir = json_string_value(json_object_get(call->local, "site"));

	if (!dir)
		dir = getenv("BERTH_SITE");
	return dir ? dir : DEFAULT_SITE;
}

/* What root does to a site of another user leaves files that are that user's. */
static int work_as_owner(const char *dir)
{
	uid_t uid = 0;
	gid_t gid = 0;

	if (geteuid() || site_owner(dir, &uid, &gid, NULL) || !uid)
		return EXIT_DONE; /* where there is none, opening it says so */
	if (!setegid(gid) && !seteuid(uid))
		return EXIT_DONE;
	return complain(EXIT_FAILED, "cannot work as the owner of %s: %s", dir, strerror(errno));
}

int site_of(struct call *call, struct site **site)
{
	auto_free char *why = NULL;
	int code = work_as_owner(site_dir(call));

	if (code != EXIT_DONE)
		return code;
	if (!site_open(site_dir(call), site, &why))
		return EXIT_DONE;
	return complain(EXIT_FAILED, "%s", why);
}

int site_failed(const char *why)
{
	return complain(EXIT_FAILED, "%s", why ? why : "the site cannot be used");
}

int site_show(struct call *call, json_t *rows, const char *why)
{
	if (!rows)
		return site_failed(why);
	if (!call->json)
		make_printable(rows);
	if (call->json)
		print_json(rows);
	else
		print_table(rows, call->command->columns);
	json_decref(rows);
	return EXIT_DONE;
}

int run_site_init(struct call *call)
{
	const char *dir = call_text(call, "dir"), *code = call_text(call, "code");
	auto_free char *why = NULL;

	if (!dir)
		dir = site_dir(call);
	if (!code)
		return complain(EXIT_USAGE, "a site needs a code: --code P01");
	if (site_create(dir, code, call_text(call, "comment"), &why))
		return site_failed(why);
	if (call->json)
		printf("{\"site\": \"%s\"}\n", code);
	else
		printf("site %s made in %s; run it with berth-site --site %s\n", code, dir, dir);
	return EXIT_DONE;
}

int run_site_settings(struct call *call)
{
	auto_site struct site *site = NULL;
	json_t *rows = json_array();
	int code = site_of(call, &site);
	size_t count;
	const struct site_setting *table = site_settings(&count);

	for (size_t i = 0; i < count && code == EXIT_DONE; i++) {
		auto_free char *value = site_setting(site, table[i].key);

		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "setting",
						      table[i].key, "value", value, "default",
						      table[i].fallback, "help", table[i].help));
	}
	if (code == EXIT_DONE)
		return site_show(call, rows, NULL);
	json_decref(rows);
	return code;
}

int run_site_set(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	const char *key;
	json_t *value;
	int code = site_of(call, &site);

	json_object_foreach(json_object_get(call->request, "settings"), key, value)
	{
		auto_free char *what = xasprintf("%s=%s", key, json_string_value(value));

		if (code == EXIT_DONE &&
		    site_setting_set(site, key, json_string_value(value), &why))
			code = site_failed(why);
		if (code == EXIT_DONE)
			code = site_note_change(site, NULL, what);
	}
	return code;
}

static bool take_since(struct call *call, int64_t *since_s)
{
	const char *text = json_string_value(json_object_get(call->local, "since"));
	char *end;
	long long number;

	if (!text)
		return true;
	number = strtoll(text, &end, 10);
	if (end == text || number < 0)
		return false;
	switch (*end) {
	case 'd':
		number *= 86400;
		break;
	case 'h':
		number *= 3600;
		break;
	case 'm':
		number *= 60;
		break;
	case 's':
	case '\0':
		break;
	default:
		return false;
	}
	*since_s = now_s() - number;
	return !*end || !end[1];
}

static bool take_number(struct call *call, const char *name, uint32_t *out)
{
	const char *text = json_string_value(json_object_get(call->local, name));
	char *end;
	unsigned long number;

	if (!text)
		return true;
	number = strtoul(text, &end, 10);
	if (end == text || *end || number > UINT32_MAX)
		return false;
	*out = (uint32_t)number;
	return true;
}

static int take_filter(struct call *call, struct message_filter *filter)
{
	const char *severity = json_string_value(json_object_get(call->local, "severity"));

	filter->component = json_string_value(json_object_get(call->local, "component"));
	filter->object = json_string_value(json_object_get(call->local, "object"));
	filter->package = json_string_value(json_object_get(call->local, "package"));
	if (severity && !severity_of(severity, &filter->severity))
		return complain(EXIT_USAGE, "--severity is info, warning or error");
	if (!take_since(call, &filter->since_s))
		return complain(EXIT_USAGE, "--since is a number with d, h, m or s, such as 2h");
	if (!take_number(call, "message", &filter->id) ||
	    !take_number(call, "limit", &filter->limit))
		return complain(EXIT_USAGE, "--message and --limit are numbers");
	return EXIT_DONE;
}

void site_put_times(struct call *call, json_t *rows, const char *key)
{
	json_t *row;
	size_t i;

	if (call->json)
		return;
	json_array_foreach(rows, i, row)
	{
		char text[32];

		site_time_text(text, sizeof(text), json_object_get(row, key));
		json_object_set_new(row, key, json_string(text));
	}
}

static void put_time(json_t *row)
{
	char text[32];

	site_time_text(text, sizeof(text), json_object_get(row, "time"));
	json_object_set_new(row, "at", json_string(text));
}

/* A line, and two more where the cause and the remedy are known and asked for. */
static void print_message(struct call *call, const json_t *row)
{
	static const char *const more[] = { "cause", "remedy" };

	printf("%s  %lld  %s  %s\n", json_string_value(json_object_get(row, "at")),
	       (long long)json_integer_value(json_object_get(row, "message")),
	       json_string_value(json_object_get(row, "severity")),
	       json_string_value(json_object_get(row, "text")));
	for (size_t i = 0; i < ARRAY_LEN(more) && call_local(call, "full"); i++) {
		const char *text = json_string_value(json_object_get(row, more[i]));

		if (text && *text)
			printf("    %-7s %s\n", more[i], text);
	}
}

/* As they come: one line each, JSON or not, until interrupted. */
static int follow(struct call *call, struct site *site, struct message_filter *filter)
{
	auto_free char *why = NULL;
	json_t *rows, *row;
	size_t i;

	for (;;) {
		rows = message_list(site, filter, &why);
		if (!rows)
			return site_failed(why);
		json_array_foreach(rows, i, row)
		{
			filter->after = json_integer_value(json_object_get(row, "id"));
			put_time(row);
			if (call->json) {
				json_dumpf(row, stdout, JSON_COMPACT);
				putchar('\n');
			} else {
				make_printable(row);
				print_message(call, row);
			}
		}
		json_decref(rows);
		if (fflush(stdout))
			return EXIT_FAILED;
		filter->oldest = true;
		usleep(FOLLOW_USLEEP);
	}
}

int run_site_messages(struct call *call)
{
	struct message_filter filter = { .limit = 100 };
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	json_t *rows, *row;
	size_t i;
	int code = take_filter(call, &filter);

	if (code == EXIT_DONE)
		code = site_of(call, &site);
	if (code != EXIT_DONE)
		return code;
	if (call_local(call, "follow"))
		return follow(call, site, &filter);
	rows = message_list(site, &filter, &why);
	json_array_foreach(rows, i, row) put_time(row);
	if (!rows || call->json || !call_local(call, "full"))
		return site_show(call, rows, why);
	make_printable(rows);
	json_array_foreach(rows, i, row) print_message(call, row);
	json_decref(rows);
	return EXIT_DONE;
}

int run_site_catalogue(struct call *call)
{
	json_t *rows = json_array();
	size_t count;
	const struct message_row *table = message_catalogue(&count);

	for (size_t i = 0; i < count; i++)
		json_array_append_new(rows,
				      json_pack("{s:i, s:s, s:s, s:s, s:s, s:s}", "message",
						(int)table[i].id, "severity",
						severity_name(table[i].severity), "component",
						table[i].component, "text", table[i].text, "cause",
						table[i].cause, "remedy", table[i].remedy));
	return site_show(call, rows, NULL);
}

int run_site_acknowledge(struct call *call)
{
	const char *path = call_text(call, "path"),
		   *comment = json_string_value(json_object_get(call->local, "comment"));
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	struct message message = { .id = MSG_ACKNOWLEDGED, .object = path };
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	if (!comment || !*comment)
		return complain(EXIT_USAGE, "say why with --comment TEXT: others will read it");
	message.strings[0] = site_who();
	message.strings[1] = path;
	message.strings[2] = comment;
	if (object_acknowledge(site, path, site_who(), comment, &why) ||
	    message_write(site, &message, &why))
		return site_failed(why);
	return EXIT_DONE;
}

int run_site_recheck(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	if (!site_is_owned(site))
		return complain(
			EXIT_FAILED,
			"the site's server does not run, so nothing is checked: start berth-site");
	return object_recheck(site, call_text(call, "path"), &why) ? site_failed(why) : EXIT_DONE;
}

int run_site_add_account(struct call *call)
{
	const char *user = json_string_value(json_object_get(call->local, "user")), *slash;
	const char *name = call_text(call, "name");
	auto_free char *domain = NULL, *password = NULL, *why = NULL, *what = NULL;
	auto_site struct site *site = NULL;
	int code = site_of(call, &site), error;

	if (code != EXIT_DONE)
		return code;
	if (!user)
		return complain(EXIT_USAGE, "--user [DOMAIN\\]USER says who it is");
	slash = strchr(user, '\\');
	domain = slash ? strndup(user, (size_t)(slash - user)) : NULL;
	password = password_read(call, "Password", false);
	if (!password)
		return EXIT_FAILED;
	error = account_add(site, name, slash ? slash + 1 : user, domain, password, &why);
	explicit_bzero(password, strlen(password));
	if (error)
		return site_failed(why);
	what = xasprintf("account %s is %s", name, user);
	return site_note_change(site, NULL, what);
}

int run_site_remove_account(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL, *what = NULL;
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	if (account_remove(site, call_text(call, "name"), &why))
		return site_failed(why);
	what = xasprintf("account %s removed", call_text(call, "name"));
	return site_note_change(site, NULL, what);
}

int run_site_accounts(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	int code = site_of(call, &site);

	return code == EXIT_DONE ? site_show(call, account_list(site, &why), why) : code;
}

static const char *local_text(struct call *call, const char *name)
{
	return json_string_value(json_object_get(call->local, name));
}

static int take_action(struct call *call, struct rule *rule)
{
	static const char *const actions[] = { "program", "webhook", "syslog" };

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (!local_text(call, actions[i]))
			continue;
		if (rule->action)
			return complain(EXIT_USAGE, "a rule has one action, not both %s and %s",
					rule->action, actions[i]);
		rule->action = actions[i];
		rule->target = local_text(call, actions[i]);
	}
	return rule->action ? EXIT_DONE
			    : complain(EXIT_USAGE,
				       "say what is to be done: --program, --webhook or --syslog");
}

int run_site_add_rule(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL, *what = NULL;
	struct message_filter filter = { 0 };
	struct rule rule = { .name = call_text(call, "name") };
	int code = take_filter(call, &filter);

	if (code == EXIT_DONE)
		code = take_action(call, &rule);
	if (code == EXIT_DONE)
		code = site_of(call, &site);
	if (code != EXIT_DONE)
		return code;
	rule.severity = filter.severity;
	rule.component = filter.component;
	rule.object = filter.object;
	rule.message = filter.id;
	if (rule_add(site, &rule, &why))
		return site_failed(why);
	what = xasprintf("rule %s: %s %s", rule.name, rule.action, rule.target);
	return site_note_change(site, NULL, what);
}

int run_site_remove_rule(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL, *what = NULL;
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	if (rule_remove(site, call_text(call, "name"), &why))
		return site_failed(why);
	what = xasprintf("rule %s removed", call_text(call, "name"));
	return site_note_change(site, NULL, what);
}

int run_site_rules(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	int code = site_of(call, &site);

	return code == EXIT_DONE ? site_show(call, rule_list(site, &why), why) : code;
}
