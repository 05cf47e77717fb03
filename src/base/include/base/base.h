// SPDX-License-Identifier: Apache-2.0
/*
 * What every room uses: scope-bound clean-up, bug traps, small arithmetic.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MUST_CHECK   __attribute__((warn_unused_result))
#ifndef PRINTF_FORMAT /* a C library with two printfs says which (mingw-w64.ini) */
#define PRINTF_FORMAT printf
#endif
#define PRINTF_LIKE(f, a)	      __attribute__((format(PRINTF_FORMAT, f, a)))
#define container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

/* cleanup(fn): calls fn(&variable) when the variable leaves its scope. */
#define cleanup(fn)		      __attribute__((cleanup(fn)))

static inline void free_ptr(void *p)
{
	void *held;

	memcpy(&held, p, sizeof(held));
	free(held);
}
/* auto_free char *s: freed at the end of the scope. */
#define auto_free cleanup(free_ptr)

void close_fd_ptr(int *fd); /* closes *fd when it is not negative; errno is kept */
/* auto_close int fd: closed at the end of the scope. */
#define auto_close cleanup(close_fd_ptr)

/* steal_fd - take the descriptor out of an auto_close variable. */
static inline int steal_fd(int *fd)
{
	int held = *fd;

	*fd = -1;
	return held;
}

/*
 * BUG_ON - stops this node where something impossible has happened, so that another node takes
 * over from a state that is known to be good. Not for anything that a peer or a disk can cause.
 */
#define BUG_ON(condition)                                                                          \
	do {                                                                                       \
		if (__builtin_expect(!!(condition), 0))                                            \
			bug_stop(#condition, __FILE__, __LINE__);                                  \
	} while (0)
__attribute__((noreturn)) void bug_stop(const char *what, const char *file, int line);

/* xalloc - zeroed memory of @count things of @size, or the end of the process: for what no peer
 * sizes. */
void *xalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
char *xstrdup(const char *s) __attribute__((returns_nonnull));
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2) __attribute__((returns_nonnull));
char *xvasprintf(const char *format, va_list args) PRINTF_LIKE(1, 0)
	__attribute__((returns_nonnull));

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}
static inline uint64_t align_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* random_bytes - fill @data from the kernel's generator; never fails. */
void random_bytes(void *data, size_t length);
uint64_t random_u64(void);

/* hash_bytes - keyed hash (key chosen at start of the process) for tables that a peer's data fills.
 */
uint64_t hash_bytes(const void *data, size_t length);

/* monotonic_ms, monotonic_ns - time since boot; never goes back. */
uint64_t monotonic_ms(void);
uint64_t monotonic_ns(void);
/* sleep_ms - so long, or less where a signal comes. */
void sleep_ms(uint64_t ms);

/* sort_items, find_item - qsort and bsearch, which may not be given NULL even where there is
 * nothing; an empty list often is NULL. */
static inline void sort_items(void *items, size_t count, size_t size,
			      int (*order)(const void *, const void *))
{
	if (count)
		qsort(items, count, size, order);
}
static inline void *find_item(const void *key, const void *items, size_t count, size_t size,
			      int (*order)(const void *, const void *))
{
	return count ? bsearch(key, items, count, size, order) : NULL;
}

#endif
