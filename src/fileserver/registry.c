// SPDX-License-Identifier: Apache-2.0
/*
 * The file servers that are online on this node, found by name and by address. One lock guards the
 * array and the names and addresses of what is in it; nothing is called with it held.
 */
#include "scopes.h"

#include <base/log.h>
#include <base/utf16.h>

#include <arpa/inet.h>
#include <netinet/in.h>

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct server **online;
static size_t online_count;

void server_publish(struct server *server)
{
	struct server **grown;

	pthread_rwlock_wrlock(&lock);
	grown = realloc(online, (online_count + 1) * sizeof(struct server *));
	BUG_ON(!grown);
	online = grown;
	online[online_count++] = server_get(server);
	server->online = true;
	pthread_rwlock_unlock(&lock);
	log_info("server online name=%s visibility=%s addresses=%zu", server->name,
		 visibility_name(server->visibility), server->address_count);
}

void server_withdraw(struct server *server)
{
	bool was_here = false;

	pthread_rwlock_wrlock(&lock);
	for (size_t i = 0; i < online_count && !was_here; i++) {
		if (online[i] != server)
			continue;
		online[i] = online[--online_count];
		server->online = false;
		was_here = true;
	}
	pthread_rwlock_unlock(&lock);
	if (!was_here)
		return;
	log_info("server withdrawn name=%s", server->name);
	server_put(server);
}

size_t registry_servers(struct server ***out)
{
	size_t count;

	pthread_rwlock_rdlock(&lock);
	*out = xalloc(online_count, sizeof(struct server *));
	count = online_count;
	for (size_t i = 0; i < count; i++)
		(*out)[i] = server_get(online[i]);
	pthread_rwlock_unlock(&lock);
	return count;
}

static bool answers_to(const struct server *server, const char *name)
{
	for (size_t i = 0; i < server->name_count; i++) {
		if (!name_compare(server->names[i], name))
			return true;
	}
	return false;
}

struct server *registry_find(const char *name)
{
	auto_free char *dotless = xstrdup(name);
	struct server *found = NULL;
	size_t length = strlen(dotless);

	if (length > 1 && dotless[length - 1] == '.') /* a rooted domain name */
		dotless[length - 1] = '\0';
	pthread_rwlock_rdlock(&lock);
	for (size_t i = 0; i < online_count && !found; i++) {
		if (answers_to(online[i], dotless))
			found = server_get(online[i]);
	}
	pthread_rwlock_unlock(&lock);
	return found;
}

struct server *registry_by_id(uint64_t id)
{
	struct server *found = NULL;

	pthread_rwlock_rdlock(&lock);
	for (size_t i = 0; i < online_count && !found; i++) {
		if (online[i]->id == id)
			found = server_get(online[i]);
	}
	pthread_rwlock_unlock(&lock);
	return found;
}

struct server *registry_node(void)
{
	struct server *found = NULL;

	pthread_rwlock_rdlock(&lock);
	for (size_t i = 0; i < online_count && !found; i++) {
		if (online[i]->is_node)
			found = server_get(online[i]);
	}
	pthread_rwlock_unlock(&lock);
	return found;
}

/* An address as sixteen bytes (IPv4 mapped) and its port. */
struct plain_address {
	uint8_t bytes[16];
	uint16_t port;
	bool known;
};

static struct plain_address plain(const struct sockaddr *address)
{
	struct plain_address p = { 0 };

	if (address && address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		p.bytes[10] = p.bytes[11] = 0xff;
		memcpy(p.bytes + 12, &in.sin_addr, 4);
		p.port = in.sin_port;
		p.known = true;
	} else if (address && address->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		memcpy(p.bytes, &in6.sin6_addr, 16);
		p.port = in6.sin6_port;
		p.known = true;
	}
	return p;
}

static bool is_wildcard(const struct plain_address *p)
{
	static const uint8_t any6[16];
	static const uint8_t any4[16] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(p->bytes, any6, 16) || !memcmp(p->bytes, any4, 16);
}

/* How well @server's addresses fit @local: 0 not at all, 1 wildcard, 2 the address, 3 with the
 * port. */
static int fit(const struct server *server, const struct plain_address *local)
{
	int best = 0;

	for (size_t i = 0; i < server->address_count; i++) {
		struct plain_address own = plain((const struct sockaddr *)&server->addresses[i]);
		int this_one = 0;

		if (own.known && !memcmp(own.bytes, local->bytes, 16))
			this_one = own.port == local->port ? 3 : 2;
		else if (own.known && is_wildcard(&own))
			this_one = 1;
		if (this_one > best)
			best = this_one;
	}
	return best;
}

struct server *registry_by_address(const struct sockaddr *local)
{
	struct plain_address address = plain(local);
	struct server *found = NULL;
	int best = 0;

	if (!address.known)
		return NULL;
	pthread_rwlock_rdlock(&lock);
	for (size_t i = 0; i < online_count; i++) {
		int this_one = fit(online[i], &address);

		if (this_one > best) {
			best = this_one;
			found = online[i];
		}
	}
	if (found)
		server_get(found);
	pthread_rwlock_unlock(&lock);
	return found;
}

void server_set_addresses(struct server *server, const struct sockaddr_storage *addresses,
			  size_t count)
{
	pthread_rwlock_wrlock(&lock);
	server->address_count = count < SERVER_MAX_ADDRESSES ? count : SERVER_MAX_ADDRESSES;
	memcpy(server->addresses, addresses, server->address_count * sizeof(*addresses));
	pthread_rwlock_unlock(&lock);
}

void server_set_names(struct server *server, char *const *names, size_t count)
{
	pthread_rwlock_wrlock(&lock);
	for (size_t i = 0; i < server->name_count; i++)
		free(server->names[i]);
	server->name_count = count < SERVER_MAX_NAMES ? count : SERVER_MAX_NAMES;
	for (size_t i = 0; i < server->name_count; i++)
		server->names[i] = xstrdup(names[i]);
	pthread_rwlock_unlock(&lock);
}
