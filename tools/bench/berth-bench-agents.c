// SPDX-License-Identifier: Apache-2.0
/*
 * Many agents in one process: each has its configuration, key and state as berth-agent has them,
 * and one poll of each is done, so many at a time. What they cost the file server and the site is
 * then not hidden behind the starting of processes.
 *
 *   berth-bench-agents DIRECTORY COUNT PARALLEL     DIRECTORY/c0.conf, c1.conf ...
 *
 * Prints one JSON object. Shared by the threads: next (atomic) and totals (under its lock).
 */
#include <agent/cycle.h>
#include <base/log.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>

#define PARALLEL_MAX 4096
#define STACK_BYTES  (512u << 10)

static struct {
	const char *directory;
	unsigned count;
	atomic_uint next;
	pthread_mutex_t lock; /* of totals */
	struct totals {
		unsigned good, failed, known;
		uint64_t bytes, requests, poll_ms, slowest_ms;
		struct content_failure why; /* of the first that failed */
	} totals;
} bench = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool poll_one(unsigned number, struct cycle_result *result, struct content_failure *why)
{
	auto_free char *path = xasprintf("%s/c%u.conf", bench.directory, number), *sentence = NULL;
	struct agent_config config = { 0 };
	struct agent *agent = NULL;
	bool good = false;

	if (agent_config_load(path, &config, &sentence))
		content_fail(why, CONTENT_INTERNAL, STATUS_INVALID_PARAMETER, path, "%s", sentence);
	else
		agent = agent_open(&config, why);
	if (agent)
		good = agent_cycle(agent, result, why);
	agent_close(agent);
	agent_config_free(&config);
	return good;
}

static void note(bool good, const struct cycle_result *r, uint64_t ms,
		 const struct content_failure *why)
{
	struct totals *t = &bench.totals;

	pthread_mutex_lock(&bench.lock);
	if (!good && !t->failed)
		t->why = *why;
	t->good += good;
	t->failed += !good;
	t->known += good && r->is_known;
	t->bytes += r->bytes_got;
	t->requests += r->requests;
	t->poll_ms += ms;
	if (ms > t->slowest_ms)
		t->slowest_ms = ms;
	pthread_mutex_unlock(&bench.lock);
}

static void *work(void *unused)
{
	unsigned number;

	while ((number = atomic_fetch_add(&bench.next, 1)) < bench.count) {
		struct cycle_result result = { 0 };
		struct content_failure why = { 0 };
		uint64_t begin_ms = monotonic_ms();
		bool good = poll_one(number, &result, &why);

		note(good, &result, monotonic_ms() - begin_ms, &why);
	}
	return NULL;
}

static bool run(unsigned parallel)
{
	auto_free pthread_t *threads = xalloc(parallel, sizeof(*threads));
	pthread_attr_t attributes;
	unsigned started = 0;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	while (started < parallel && !pthread_create(&threads[started], &attributes, work, NULL))
		started++;
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	pthread_attr_destroy(&attributes);
	return started == parallel;
}

int main(int argc, char **argv)
{
	unsigned long parallel = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	const struct totals *t = &bench.totals;
	uint64_t begin_ms = monotonic_ms();
	json_t *out;

	bench.directory = argv[1];
	bench.count = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	if (!parallel || parallel > PARALLEL_MAX || !bench.count) {
		fputs("usage: berth-bench-agents DIRECTORY COUNT PARALLEL\n", stderr);
		return 2;
	}
	log_set_level(LOG_LEVEL_ERROR);
	signal(SIGPIPE, SIG_IGN);
	if (!run((unsigned)parallel)) {
		fputs("berth-bench-agents: not all threads could be started\n", stderr);
		return 1;
	}
	out = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "good",
			(json_int_t)t->good, "failed", (json_int_t)t->failed, "known",
			(json_int_t)t->known, "bytes", (json_int_t)t->bytes, "requests",
			(json_int_t)t->requests, "poll_ms", (json_int_t)t->poll_ms, "slowest_ms",
			(json_int_t)t->slowest_ms, "wall_ms",
			(json_int_t)(monotonic_ms() - begin_ms), "why", t->why.text);
	json_dumpf(out, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(out);
	return 0;
}
