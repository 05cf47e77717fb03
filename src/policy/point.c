// SPDX-License-Identifier: Apache-2.0
/* Which distribution points a client uses, and in which order. */
#include <policy/policy.h>

#include <arpa/inet.h>
#include <stdio.h>

struct range {
	int family;
	uint8_t bytes[16];
	unsigned bits;
};

static bool read_address(const char *text, struct range *out)
{
	out->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	out->bits = out->family == AF_INET6 ? 128 : 32;
	return inet_pton(out->family, text, out->bytes) == 1;
}

static bool read_boundary(const char *boundary, struct range *out)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchr(boundary, '/');
	size_t length = slash ? (size_t)(slash - boundary) : strlen(boundary);
	unsigned bits = 0;

	if (length >= sizeof(address))
		return false;
	memcpy(address, boundary, length);
	address[length] = 0;
	if (!read_address(address, out))
		return false;
	if (!slash)
		return true;
	for (slash++; *slash >= '0' && *slash <= '9' && bits <= 128; slash++)
		bits = bits * 10 + (unsigned)(*slash - '0');
	if (*slash || slash[-1] == '/' || bits > out->bits)
		return false;
	out->bits = bits;
	return true;
}

bool boundary_check(const char *boundary)
{
	struct range range;

	return read_boundary(boundary, &range);
}

bool boundary_has(const char *boundary, const char *address)
{
	struct range range, one;
	unsigned whole;

	if (!read_boundary(boundary, &range) || !read_address(address, &one) ||
	    range.family != one.family)
		return false;
	whole = range.bits / 8;
	if (memcmp(range.bytes, one.bytes, whole) != 0)
		return false;
	return !(range.bits % 8) ||
	       !((range.bytes[whole] ^ one.bytes[whole]) >> (8 - range.bits % 8));
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
