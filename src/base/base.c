// SPDX-License-Identifier: Apache-2.0
#include <base/base.h>
#include <base/log.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void close_fd_ptr(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void bug_stop(const char *what, const char *file, int line)
{
	log_error("bug condition=\"%s\" at=%s:%d", what, file, line);
	abort();
}

void *xalloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	BUG_ON(!p);
	return p;
}

char *xstrdup(const char *s)
{
	char *copy = strdup(s);

	BUG_ON(!copy);
	return copy;
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = xvasprintf(format, args);
	va_end(args);
	return text;
}

char *xvasprintf(const char *format, va_list args)
{
	char *text = NULL;
	int n = vasprintf(&text, format, args);

	BUG_ON(n < 0);
	return text;
}

uint64_t random_u64(void)
{
	uint64_t v;

	random_bytes(&v, sizeof(v));
	return v;
}

/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a peer that picks names cannot pick their buckets,
 * because the key is drawn when the process starts.
 */
static uint64_t sip_key[2];
static pthread_once_t sip_once = PTHREAD_ONCE_INIT;

static void sip_draw_key(void)
{
	random_bytes(sip_key, sizeof(sip_key));
}

static inline uint64_t rotl(uint64_t v, int by)
{
	return v << by | v >> (64 - by);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static inline void sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

uint64_t hash_bytes(const void *data, size_t length)
{
	const uint8_t *at = data;
	uint64_t v[4];
	uint64_t last = (uint64_t)length << 56;
	size_t left = length;

	pthread_once(&sip_once, sip_draw_key);
	v[0] = sip_key[0] ^ 0x736f6d6570736575ULL;
	v[1] = sip_key[1] ^ 0x646f72616e646f6dULL;
	v[2] = sip_key[0] ^ 0x6c7967656e657261ULL;
	v[3] = sip_key[1] ^ 0x7465646279746573ULL;
	for (; left >= 8; left -= 8, at += 8) {
		uint64_t m;

		memcpy(&m, at, 8);
		sip_word(v, m);
	}
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)at[i] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void sleep_ms(uint64_t ms)
{
	const struct timespec pause = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	nanosleep(&pause, NULL);
}

uint64_t monotonic_ms(void)
{
	return monotonic_ns() / 1000000;
}
