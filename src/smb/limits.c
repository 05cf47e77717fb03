// SPDX-License-Identifier: Apache-2.0
/*
 * How many connections each client address has, in memory that does not grow with the number of
 * clients: a table of counters by a keyed hash of the address. Two clients rarely share a counter,
 * and then share its limit. No lock: each counter is atomic.
 *
 * Who leaves before a refused login is answered owes the place that its connection had. What is
 * owed is forgotten when nothing was added to it for as long as such an answer waits.
 */
#include "connection.h"

#include <netinet/in.h>

#define SLOTS	65536u
#define NO_SLOT UINT32_MAX

static uint32_t slots[SLOTS], bare[SLOTS], owed[SLOTS];
static uint64_t owed_until_ms[SLOTS];

bool client_count_take(const struct sockaddr_storage *peer, uint32_t *slot)
{
	const struct sockaddr_in *v4 = (const void *)peer;
	const struct sockaddr_in6 *v6 = (const void *)peer;
	uint64_t hash;

	*slot = NO_SLOT;
	if (peer->ss_family == AF_INET)
		hash = hash_bytes(&v4->sin_addr, sizeof(v4->sin_addr));
	else if (peer->ss_family == AF_INET6)
		hash = hash_bytes(&v6->sin6_addr, 8); /* one client may have its whole /64 */
	else
		return true;
	*slot = (uint32_t)(hash % SLOTS);
	if (__atomic_add_fetch(&slots[*slot], 1, __ATOMIC_RELAXED) <=
	    smb.config.max_connections_per_client)
		return true;
	client_count_release(*slot);
	return false;
}

void client_count_release(uint32_t slot)
{
	if (slot != NO_SLOT)
		__atomic_sub_fetch(&slots[slot], 1, __ATOMIC_RELAXED);
}

static uint32_t owed_now(uint32_t slot)
{
	uint64_t until_ms = __atomic_load_n(&owed_until_ms[slot], __ATOMIC_RELAXED);

	return monotonic_ms() < until_ms ? __atomic_load_n(&owed[slot], __ATOMIC_RELAXED) : 0;
}

void client_bare_owe(uint32_t slot, uint32_t ms)
{
	if (slot == NO_SLOT)
		return;
	__atomic_store_n(&owed[slot], owed_now(slot) + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&owed_until_ms[slot], monotonic_ms() + ms, __ATOMIC_RELAXED);
}

bool client_bare_take(uint32_t slot)
{
	if (slot == NO_SLOT ||
	    __atomic_add_fetch(&bare[slot], 1, __ATOMIC_RELAXED) + (uint64_t)owed_now(slot) <=
		    smb.config.max_unauthenticated_per_client)
		return true;
	client_bare_release(slot);
	return false;
}

void client_bare_release(uint32_t slot)
{
	if (slot != NO_SLOT)
		__atomic_sub_fetch(&bare[slot], 1, __ATOMIC_RELAXED);
}
