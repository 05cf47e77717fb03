// SPDX-License-Identifier: Apache-2.0
/* Which distribution points a client uses, and in which order. */
#include <policy/policy.h>

#include <arpa/inet.h>
#include <stdio.h>

struct range {
	int family;
	uint8_t low[16], high[16]; /* in the order of the network */
	size_t bytes;
};

static bool read_address(const char *text, size_t length, int *family, uint8_t bytes[16])
{
	char address[INET6_ADDRSTRLEN];

	if (length >= sizeof(address))
		return false;
	memcpy(address, text, length);
	address[length] = 0;
	*family = strchr(address, ':') ? AF_INET6 : AF_INET;
	return inet_pton(*family, address, bytes) == 1;
}

static bool read_bits(const char *text, unsigned most, unsigned *bits)
{
	const char *at = text;

	*bits = 0;
	for (; *at >= '0' && *at <= '9' && *bits <= most; at++)
		*bits = *bits * 10 + (unsigned)(*at - '0');
	return at > text && !*at && *bits <= most;
}

/* The addresses that agree with low in the first @bits. */
static void spread(struct range *out, unsigned bits)
{
	for (unsigned i = 0; i < out->bytes; i++) {
		unsigned kept = bits > i * 8 ? bits - i * 8 : 0;
		uint8_t mask = kept >= 8 ? 0xff : (uint8_t)(0xff00u >> kept);

		out->high[i] = (uint8_t)(out->low[i] | (uint8_t)~mask);
		out->low[i] &= mask;
	}
}

/* "10.1.0.0/16", "10.1.0.5-10.1.0.99", "10.1.0.5" */
static bool read_boundary(const char *boundary, struct range *out)
{
	size_t length = strcspn(boundary, "/-");
	const char *rest = boundary + length;
	unsigned bits;
	int family;

	if (!read_address(boundary, length, &out->family, out->low))
		return false;
	out->bytes = out->family == AF_INET6 ? 16 : 4;
	bits = (unsigned)out->bytes * 8;
	if (*rest == '-')
		return read_address(rest + 1, strlen(rest + 1), &family, out->high) &&
		       family == out->family && memcmp(out->low, out->high, out->bytes) <= 0;
	if (*rest == '/' && !read_bits(rest + 1, bits, &bits))
		return false;
	spread(out, bits);
	return true;
}

bool boundary_check(const char *boundary)
{
	struct range range;

	return read_boundary(boundary, &range);
}

bool boundary_has(const char *boundary, const char *address)
{
	struct range range;
	uint8_t bytes[16];
	int family;

	return read_boundary(boundary, &range) &&
	       read_address(address, strlen(address), &family, bytes) && family == range.family &&
	       memcmp(range.low, bytes, range.bytes) <= 0 &&
	       memcmp(bytes, range.high, range.bytes) <= 0;
}

static bool is_inside(const struct policy_point *p, const char *const *addresses, size_t count)
{
	for (size_t i = 0; i < p->boundary_count; i++) {
		for (size_t k = 0; k < count; k++) {
			if (boundary_has(p->boundaries[i], addresses[k]))
				return true;
		}
	}
	return false;
}

struct rank {
	size_t index;
	bool is_far;
	int64_t priority, answer_ms;
};

static int by_rank(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->is_far != y->is_far)
		return x->is_far ? 1 : -1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	if (x->answer_ms != y->answer_ms)
		return x->answer_ms < y->answer_ms ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

size_t points_order(const struct policy *policy, const char *const *addresses, size_t address_count,
		    const int64_t *answer_ms, size_t *order)
{
	auto_free struct rank *ranks = xalloc(policy->point_count + 1, sizeof(*ranks));
	size_t count = 0;

	for (size_t i = 0; i < policy->point_count; i++) {
		const struct policy_point *p = &policy->points[i];
		bool is_far = !is_inside(p, addresses, address_count);

		if (is_far && p->is_protected)
			continue;
		ranks[count++] = (struct rank){ i, is_far, p->priority, answer_ms[i] };
	}
	sort_items(ranks, count, sizeof(*ranks), by_rank);
	for (size_t i = 0; i < count; i++)
		order[i] = ranks[i].index;
	return count;
}
