// SPDX-License-Identifier: Apache-2.0
/*
 * berth-site: the server of one site. Owns the site's directory (a lock that ends with the
 * process), runs the summarizer on one loop, on a thread each the actions of rules and the rounds
 * of clients' papers and policy, and on several the distribution of packages. SIGTERM ends it in
 * order: what was found is written, what is under way is given a moment.
 */
#include "actions.h"
#include "distributor.h"
#include "rounds.h"

#include <base/log.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <site/message.h>
#include <site/summarizer.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef BERTH_VERSION
#define BERTH_VERSION "0.1.0"
#endif
#define DEFAULT_SITE	 "/var/lib/berth/site"
#define STOP_PATIENCE_MS 3000

static struct {
	struct loop *loop;
	struct site *site;
	struct summarizer *summarizer;
	struct actions *actions;
	struct rounds *rounds;
	struct distributor *distributor;
	struct io_watch signals;
	struct loop_timer patience;
} server;

static void usage(FILE *out)
{
	fprintf(out, "berth-site: the server of a site\n"
		     "\n"
		     "  berth-site [--site DIR] [--debug]  run the site in DIR (" DEFAULT_SITE ")\n"
		     "  berth-site --check [--site DIR]    say whether it can be run, and end\n"
		     "  berth-site --version | --help\n");
}

static void stopped(void *owner)
{
	server.summarizer = NULL;
	loop_stop(server.loop);
}

static void impatient(struct loop_timer *timer)
{
	log_warn("stopping with checks under way");
	loop_stop(server.loop);
}

static void on_signal(struct io_watch *watch)
{
	struct signalfd_siginfo info;

	if (read(watch->fd, &info, sizeof(info)) != sizeof(info) || info.ssi_signo == SIGHUP)
		return;
	log_info("stopping signal=%u", info.ssi_signo);
	io_watch_stop(watch);
	summarizer_stop(server.summarizer, stopped, NULL);
	loop_timer_start(server.loop, &server.patience, STOP_PATIENCE_MS, impatient);
}

static int watch_signals(char **why)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	server.signals.ready = on_signal;
	if (fd < 0 || io_watch_start(server.loop, &server.signals, fd)) {
		*why = xasprintf("cannot watch for signals: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

/* A check is a socket; as many as the system lets us have. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)!setrlimit(RLIMIT_NOFILE, &limit);
	}
	umask(0077);
}

static int say(uint32_t id, char **why)
{
	char machine[65] = "";
	struct message message = { .id = id, .strings = { machine } };

	(void)!gethostname(machine, sizeof(machine) - 1);
	return message_write(server.site, &message, why);
}

static int start(const char *dir, char **why)
{
	int error = site_become_owner(dir, why);

	if (!error)
		error = site_open(dir, &server.site, why);
	if (!error)
		error = site_own(server.site, why);
	if (error)
		return error;
	server.loop = loop_new(IO_AUTO);
	if (!server.loop) {
		*why = xasprintf("cannot make an event loop: %s", strerror(errno));
		return -errno;
	}
	error = watch_signals(why);
	if (!error)
		error = say(MSG_SERVER_STARTED, why);
	if (error)
		return error;
	server.summarizer = summarizer_start(server.loop, server.site, why);
	if (!server.summarizer)
		return -EIO;
	server.actions = actions_start(dir, why);
	if (!server.actions)
		return -EIO;
	server.rounds = rounds_start(dir, why);
	if (!server.rounds)
		return -EIO;
	server.distributor = distributor_start(dir, why);
	return server.distributor ? 0 : -EIO;
}

static int run(const char *dir)
{
	auto_free char *why = NULL;
	bool ended;

	raise_limits();
	if (start(dir, &why)) {
		log_error("cannot start why=%s", LOG_TEXT(why ? why : "unknown"));
		fprintf(stderr, "berth-site: %s\n", why ? why : "cannot start");
		return 1;
	}
	log_info("site up code=%s directory=%s version=" BERTH_VERSION, site_code(server.site),
		 LOG_TEXT(dir));
	loop_run(server.loop);
	if (say(MSG_SERVER_STOPPED, &why))
		log_warn("the end was not written why=%s", LOG_TEXT(why ? why : "unknown"));
	actions_stop(server.actions);
	ended = rounds_stop(server.rounds);
	ended = distributor_stop(server.distributor) && ended;
	log_info("site down code=%s", site_code(server.site));
	/* Checks that hang hold the loop, and a transfer its thread: the process ends them. */
	if (server.summarizer || !ended)
		_exit(0);
	close(server.signals.fd);
	loop_free(server.loop);
	site_close(server.site);
	return 0;
}

static int check(const char *dir)
{
	auto_free char *why = NULL;
	auto_site struct site *site = NULL;

	if (site_become_owner(dir, &why) || site_open(dir, &site, &why)) {
		fprintf(stderr, "berth-site: %s\n", why ? why : "the site cannot be opened");
		return 1;
	}
	printf("%s is the site %s and can be run\n", dir, site_code(site));
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "site", required_argument, NULL, 's' }, { "check", no_argument, NULL, 'k' },
		{ "debug", no_argument, NULL, 'd' },	  { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },	  { 0 },
	};
	const char *dir = getenv("BERTH_SITE");
	bool check_only = false;
	int option;

	log_set_level(LOG_LEVEL_INFO);
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 's':
			dir = optarg;
			break;
		case 'k':
			check_only = true;
			break;
		case 'd':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'V':
			puts("berth-site " BERTH_VERSION);
			return 0;
		default:
			fputs("berth-site --help shows what there is\n", stderr);
			return 2;
		}
	}
	if (optind != argc) {
		fputs("berth-site takes no arguments but options (see --help)\n", stderr);
		return 2;
	}
	if (!dir)
		dir = DEFAULT_SITE;
	return check_only ? check(dir) : run(dir);
}
