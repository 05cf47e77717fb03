// SPDX-License-Identifier: Apache-2.0
/* berth-agent: polls until it is told to stop, or once. */
#include <agent/cycle.h>

#include "platform.h"

#include <base/log.h>
#include <getopt.h>
#include <stdio.h>
#include <time.h>

#define FIRST_RETRY_S 60

static int complain(const struct content_failure *why)
{
	fprintf(stderr, "berth-agent: %s%s%s\n", why->text, why->path[0] ? ": " : "", why->path);
	return 1;
}

/* Between nine and eleven tenths of it, so that clients that began together do not stay so. */
static int64_t with_jitter(int64_t seconds)
{
	return seconds * 9 / 10 + (int64_t)(random_u64() % (uint64_t)(seconds / 5 + 1));
}

static int64_t next_wait(const struct cycle_result *r, bool good, unsigned failures)
{
	int64_t wait = good ? r->interval_s : FIRST_RETRY_S << (failures < 6 ? failures : 6);
	int64_t until = r->again_s ? r->again_s - (int64_t)time(NULL) : wait;

	if (wait > r->interval_s)
		wait = r->interval_s;
	wait = with_jitter(wait);
	if (until < wait)
		wait = until;
	return wait < 1 ? 1 : wait;
}

static bool one_cycle(struct agent *a, struct cycle_result *r, struct content_failure *why)
{
	bool good = agent_cycle(a, r, why);

	if (good)
		log_info("polled known=%s bytes=%llu requests=%llu", r->is_known ? "yes" : "no",
			 (unsigned long long)r->bytes_got, (unsigned long long)r->requests);
	else
		log_warn("poll failed problem=%s why=%s", content_problem_name(why->problem),
			 LOG_TEXT(why->text));
	return good;
}

static int run(const struct agent_config *config, bool once)
{
	struct content_failure why = { 0 };
	struct agent *a = agent_open(config, &why);
	struct cycle_result result;
	unsigned failures = 0;
	bool good = false;

	if (!a)
		return complain(&why);
	log_info("agent started client=%s", agent_id(a));
	platform_catch_stop();
	while (!platform_is_stopping()) {
		good = one_cycle(a, &result, &why);
		failures = good ? 0 : failures + 1;
		if (once)
			break;
		platform_wait(next_wait(&result, good, failures ? failures - 1 : 0));
	}
	if (once && good && !result.is_known)
		printf("client %s waits for approval at site %s: berth client approve %s\n",
		       agent_id(a), result.site, agent_id(a));
	agent_close(a);
	return once && !good ? complain(&why) : 0;
}

static void print_item(const json_t *item)
{
	const json_t *code = json_object_get(item, "exit");
	auto_free char *text = json_is_integer(code)
				       ? xasprintf("%lld", (long long)json_integer_value(code))
				       : xstrdup("-");

	printf("%-16s  %-14s  %-5s  %s\n", json_string_value(json_object_get(item, "deployment")),
	       json_string_value(json_object_get(item, "state")), text,
	       json_string_value(json_object_get(item, "reason")));
}

static int show_status(const struct agent_config *config, bool as_json)
{
	struct content_failure why = { 0 };
	json_t *list = agent_status(config, &why), *item;
	size_t i;

	if (!list)
		return complain(&why);
	if (as_json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		printf("%-16s  %-14s  %-5s  REASON\n", "DEPLOYMENT", "STATE", "EXIT");
		json_array_foreach(list, i, item)
		{
			print_item(item);
		}
	}
	json_decref(list);
	return 0;
}

static int request(const struct agent_config *config, const char *id)
{
	struct content_failure why = { 0 };

	return agent_request(config, id, &why) ? 0 : complain(&why);
}

static int usage(FILE *out, int code)
{
	fprintf(out,
		"usage: berth-agent [--config FILE] [--json] COMMAND\n"
		"%s"
		"  once          poll once\n"
		"  status        the deployments of this client\n"
		"  request ID    ask for a deployment that is available\n"
		"  --config FILE   (%s)\n",
		platform_usage(), platform_config());
	return code;
}

static int run_on(const struct agent_config *config)
{
	return run(config, false);
}

static int command(const struct agent_config *config, int count, char **words, bool as_json)
{
	int code = platform_command(config, count, words, run_on);

	if (code >= 0)
		return code;
	if (count == 1 && !strcmp(words[0], "run"))
		return run_on(config);
	if (count == 1 && !strcmp(words[0], "once"))
		return run(config, true);
	if (count == 1 && !strcmp(words[0], "status"))
		return show_status(config, as_json);
	if (count == 2 && !strcmp(words[0], "request"))
		return request(config, words[1]);
	return usage(stderr, 2);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = platform_config();
	struct agent_config config;
	bool as_json = false;
	char *why = NULL;
	int option, code;

	platform_start(&argc, &argv);
	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'j':
			as_json = true;
			break;
		case 'h':
			return usage(stdout, 0);
		case 'v':
			puts("berth-agent " BERTH_VERSION);
			return 0;
		default:
			return usage(stderr, 2);
		}
	}
	if (optind == argc)
		return usage(stderr, 2);
	if (agent_config_load(path, &config, &why)) {
		fprintf(stderr, "berth-agent: %s\n", why);
		free(why);
		agent_config_free(&config);
		return 2;
	}
	code = command(&config, argc - optind, argv + optind, as_json);
	agent_config_free(&config);
	return code;
}
