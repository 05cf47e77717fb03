// SPDX-License-Identifier: Apache-2.0
/* Threads of a program that takes its signals in one place. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <base/base.h>
#include <pthread.h>

/*
 * thread_start - have @run(@arg) run in a thread of its own, which tools list as @name (15 bytes of
 * it). No signal that is sent to the process comes to it: those are for whoever waits for them;
 * what its own mistakes raise does. @thread: for pthread_join; NULL: it ends by itself. 0 or a
 * negative errno.
 */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg) MUST_CHECK;

#endif
