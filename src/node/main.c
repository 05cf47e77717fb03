// SPDX-License-Identifier: Apache-2.0
/*
 * berthd: one node. Starts the loops, the node's own file server, the control socket and the
 * engine, waits for a signal, and takes everything down in the reverse order. Threads: the loops,
 * the engine's, the control socket's, and this one, which only waits for signals.
 */
#include "node.h"

#include <base/thread.h>
#include <fileserver/open.h>
#include <rpc/rpc.h>

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP_PATIENCE_MS 10000 /* how long connections may take to end */

#ifndef BERTH_VERSION
#define BERTH_VERSION "0.1.0"
#endif

static void usage(FILE *out)
{
	fprintf(out, "berthd: a node that serves files over SMB and takes over for others\n"
		     "\n"
		     "  berthd --config FILE        run as FILE says\n"
		     "  berthd --check-config FILE  say whether FILE can be used, and end\n"
		     "  berthd --version | --help\n"
		     "\n"
		     "The keys of FILE, with their defaults:\n\n");
	config_print(out);
}

static void *loop_thread(void *arg)
{
	loop_run(arg);
	return NULL;
}

static int start_loops(char **why)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count =
		node.config.loops ? node.config.loops : (size_t)(processors > 0 ? processors : 1);
	int error;

	if (count > SMB_MAX_LOOPS)
		count = SMB_MAX_LOOPS;
	node.loops = xalloc(count, sizeof(struct loop *));
	node.loop_threads = xalloc(count, sizeof(pthread_t));
	for (size_t i = 0; i < count; i++) {
		node.loops[i] = loop_new(node.config.io);
		if (!node.loops[i]) {
			error = -errno;
			*why = xasprintf("cannot make an event loop with io = %s: %s",
					 io_backend_name(node.config.io), strerror(-error));
			return error;
		}
		node.loop_count++;
	}
	error = smb_start(node.loops, count, &node.config.smb);
	if (error) {
		*why = xasprintf("cannot start the SMB server: %s", strerror(-error));
		return error;
	}
	for (size_t i = 0; i < count; i++) {
		if (thread_start(&node.loop_threads[i], "loop", loop_thread, node.loops[i])) {
			*why = xasprintf("cannot start a thread for an event loop");
			return -EAGAIN;
		}
	}
	log_info("loops started count=%zu io=%s", count,
		 io_backend_name(loop_backend(node.loops[0])));
	return 0;
}

static void stop_loops(void)
{
	uint64_t until = monotonic_ms() + STOP_PATIENCE_MS;
	struct smb_statistics statistics;

	smb_stop();
	do {
		smb_statistics(&statistics);
		if (!statistics.connections)
			break;
		sleep_ms(5);
	} while (monotonic_ms() < until);
	if (statistics.connections)
		log_warn("stopping with connections left count=%llu",
			 (unsigned long long)statistics.connections);
	for (size_t i = 0; i < node.loop_count; i++) {
		loop_stop(node.loops[i]);
		pthread_join(node.loop_threads[i], NULL);
	}
	for (size_t i = 0; i < node.loop_count; i++)
		loop_free(node.loops[i]);
	free(node.loops);
	free(node.loop_threads);
}

/* As many descriptors as the system lets us have: each open file is one. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)!setrlimit(RLIMIT_NOFILE, &limit);
	}
	/* Open files may not take the descriptors that connections and databases need. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    limit.rlim_cur / 4 * 3 < open_limits.max_opens_per_server)
		open_limits.max_opens_per_server = (uint32_t)(limit.rlim_cur / 4 * 3);
	umask(0022);
}

static int start_cluster(char **why)
{
	const struct cluster_config config = {
		.engine = node.config.engine,
		.directory = node.config.cluster_dir,
		.node = node.config.name,
		.control = node.config.control,
		.address = node.config.address,
		.port = (uint16_t)node.config.port,
		.version = BERTH_VERSION,
	};

	return cluster_start(&config, &serving_events, NULL, &node.cluster, why);
}

/* What is started, in order; each is stopped in the reverse one. */
static int start(char **why)
{
	int error;

	raise_limits();
	error = privileges_drop(node.config.user, why);
	if (error)
		return error;
	error = cluster_directories(node.config.cluster_dir);
	if (error) {
		*why = xasprintf("cannot make the cluster directory %s: %s",
				 node.config.cluster_dir, strerror(-error));
		return error;
	}
	manage_on_change(facts_publish);
	rpc_register();
	error = start_loops(why);
	if (!error)
		error = serving_start_own(why);
	if (!error)
		error = start_cluster(why);
	if (!error)
		error = control_start(node.config.control, &node.control, why);
	return error;
}

static void stop(void)
{
	control_stop(node.control);
	cluster_stop(node.cluster);
	serving_stop_own();
	stop_loops();
}

static void wait_for_end(const sigset_t *ends)
{
	siginfo_t info;
	int number;

	do
		number = sigwaitinfo(ends, &info);
	while (number < 0 || number == SIGHUP);
	log_info("stopping signal=%d", number);
}

static int run(void)
{
	auto_free char *why = NULL;
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &ends, NULL); /* every thread inherits this */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	log_set_level(node.config.log);
	log_set_prefix(node.config.name);
	if (start(&why)) {
		log_error("cannot start why=%s", LOG_TEXT(why ? why : "unknown"));
		fprintf(stderr, "berthd: %s\n", why ? why : "cannot start");
		return 1;
	}
	log_info("node up name=%s address=%s port=%u control=%s version=" BERTH_VERSION,
		 node.config.name, node.config.address, node.config.port, node.config.control);
	wait_for_end(&ends);
	stop();
	log_info("node down name=%s", node.config.name);
	config_free(&node.config);
	return 0;
}

/* Requests hold passwords: what JSON frees is cleared first. */
static void free_wiped(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	auto_free char *why = NULL;
	const char *file = NULL;
	bool check_only = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'k':
			check_only = true;
			/* fallthrough */
		case 'c':
			file = optarg;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("berthd " BERTH_VERSION);
			return 0;
		default:
			fputs("berthd --help shows what there is\n", stderr);
			return 2;
		}
	}
	if (!file || optind != argc) {
		fprintf(stderr, "berthd: a configuration file is needed: berthd --config FILE (see "
				"--help)\n");
		return 2;
	}
	json_set_alloc_funcs(malloc, free_wiped);
	config_defaults(&node.config);
	if (!config_read(file, &node.config, &why)) {
		fprintf(stderr, "berthd: %s\n", why);
		return 2;
	}
	if (check_only) {
		if (node.config.user && !getpwnam(node.config.user)) {
			fprintf(stderr, "berthd: %s: there is no user \"%s\" to run as\n", file,
				node.config.user);
			return 2;
		}
		printf("%s can be used\n", file);
		return 0;
	}
	return run();
}
