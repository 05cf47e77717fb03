// SPDX-License-Identifier: Apache-2.0
/* Threads: see base/thread.h. */
#include <base/thread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 16 /* with its end: all that Linux keeps */

struct start {
	void *(*run)(void *);
	void *arg;
	char name[NAME_BYTES];
};

static void *named(void *arg)
{
	struct start start = *(struct start *)arg;

	free(arg);
	(void)pthread_setname_np(pthread_self(), start.name);
	return start.run(start.arg);
}

/* What a thread's own mistakes raise stays: blocked, it would end the process without a word. */
static void block_others(sigset_t *before)
{
	static const int raised[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(raised) / sizeof(raised[0]); i++)
		sigdelset(&set, raised[i]);
	pthread_sigmask(SIG_SETMASK, &set, before);
}

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg)
{
	struct start *start = xalloc(1, sizeof(*start));
	pthread_attr_t attributes;
	pthread_t unjoined;
	sigset_t before;
	int error;

	start->run = run;
	start->arg = arg;
	memcpy(start->name, name, strnlen(name, NAME_BYTES - 1));
	pthread_attr_init(&attributes);
	if (!thread)
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	block_others(&before);
	error = pthread_create(thread ? thread : &unjoined, &attributes, named, start);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (error)
		free(start);
	return -error;
}
