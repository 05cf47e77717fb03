// SPDX-License-Identifier: Apache-2.0
/* What POSIX and GNU have and the C library of Windows has not, or in another form. */
#include <base/base.h>

#include <errno.h>

#undef strerror

void *reallocarray(void *old, size_t count, size_t size)
{
	return size && count > SIZE_MAX / size ? NULL : realloc(old, count * size);
}

char *strndup(const char *text, size_t most)
{
	size_t length = strnlen(text, most);
	char *copy = calloc(1, length + 1);

	if (copy && length)
		memcpy(copy, text, length);
	return copy;
}

/* The comparison gets its owner last there, first here. */
struct turned {
	int (*order)(const void *a, const void *b, void *owner);
	void *owner;
};

static int turn(void *turned, const void *a, const void *b)
{
	const struct turned *t = turned;

	return t->order(a, b, t->owner);
}

void qsort_r(void *items, size_t count, size_t size,
	     int (*order)(const void *a, const void *b, void *owner), void *owner)
{
	struct turned turned = { order, owner };

	qsort_s(items, count, size, turn, &turned);
}

static const struct {
	int error;
	const char *text;
} texts[] = {
	{ EDQUOT, "Disk quota exceeded" },
	{ ESTALE, "Stale file handle" },
	{ EHOSTDOWN, "Host is down" },
	{ EHOSTUNREACH, "No such host, or no way to it" },
	{ ENETUNREACH, "No such share, or no way to it" },
	{ ENETDOWN, "Network is down" },
	{ ECONNRESET, "Connection reset" },
	{ ECONNREFUSED, "Connection refused" },
	{ ECONNABORTED, "Connection aborted" },
	{ ETIMEDOUT, "Timed out" },
	{ EPROTO, "An answer that is none" },
	{ ELOOP, "A link is in the way" },
	{ EOPNOTSUPP, "Not supported" },
	{ EWOULDBLOCK, "Another one has it" },
	{ ECANCELED, "Cancelled" },
};

const char *error_text(int error)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (texts[i].error == error)
			return texts[i].text;
	}
	return strerror(error);
}
