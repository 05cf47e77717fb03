// SPDX-License-Identifier: Apache-2.0
/*
 * FSCTL_QUERY_NETWORK_INTERFACE_INFO (MS-SMB2 3.3.5.15.11): over which addresses a client may bind
 * more channels to its session. Those of its file server, and of no other: a file server is a
 * server in its own right. Loopback is told of only where a setting declares it.
 */
#include <io/interfaces.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "request.h"

#define INTERFACES_MAX	  64   /* addresses of this machine that are looked at */
#define UNKNOWN_MBIT	  1000 /* taken for an interface whose driver does not say */
#define MBIT		  1000000ull
#define DECLARED_MAX_MBIT 1000000ul

/* One "NAME=MBIT" or "NAME=MBIT+rss" of @text, which ends at @length. */
static bool parse_one(const char *text, size_t length, struct smb_interface *out)
{
	const char *equals = memchr(text, '=', length);
	const char *rest;
	char *end;

	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(out->name))
		return false;
	*out = (struct smb_interface){ 0 };
	memcpy(out->name, text, (size_t)(equals - text));
	if (equals[1] < '0' || equals[1] > '9')
		return false;
	out->speed_mbit = strtoul(equals + 1, &end, 10);
	if (!out->speed_mbit || out->speed_mbit > DECLARED_MAX_MBIT)
		return false;
	rest = end;
	out->has_rss = text + length - rest == 4 && !memcmp(rest, "+rss", 4);
	return out->has_rss || rest == text + length;
}

bool smb_interfaces_parse(const char *text, struct smb_config *config)
{
	config->interface_count = 0;
	while (*text) {
		size_t length = strcspn(text, ", ");

		if (length) {
			if (config->interface_count >= SMB_MAX_INTERFACES ||
			    !parse_one(text, length, &config->interfaces[config->interface_count]))
				return false;
			config->interface_count++;
		}
		text += length;
		text += *text != 0;
	}
	return true;
}

static const struct smb_interface *declared(const char *name)
{
	for (size_t i = 0; i < smb.config.interface_count; i++)
		if (!strcmp(smb.config.interfaces[i].name, name))
			return &smb.config.interfaces[i];
	return NULL;
}

static bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return !memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
}

/* Append what is to be told of @interface under @address; false where nothing is. */
static bool tell(const struct interface *interface, const struct sockaddr_storage *address,
		 struct buf *out, size_t *last)
{
	const struct smb_interface *says = declared(interface->name);
	uint64_t mbit = says ? says->speed_mbit : interface->speed_mbit;
	bool has_rss = says ? says->has_rss : interface->receive_queues > 1;
	struct smb2_network_interface row = {
		.index = interface->index,
		.capability = has_rss ? SMB2_INTERFACE_RSS_CAPABLE : 0,
		.link_speed = (mbit ? mbit : UNKNOWN_MBIT) * MBIT,
	};
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	if (interface->is_loopback && !says)
		return false;
	row.is_ipv6 = address->ss_family == AF_INET6;
	if (row.is_ipv6)
		memcpy(row.address, &v6->sin6_addr, 16);
	else
		memcpy(row.address, &v4->sin_addr, 4);
	smb2_network_interface_encode(out, &row, last);
	return true;
}

/* Does this address of ours lead to the server that @conn is on? */
static bool leads_to(const struct sockaddr_storage *address, const struct connection *conn)
{
	cleanup(server_put_ptr) struct server *server = scope_server("", (const void *)address);

	return server == conn->server;
}

ntstatus fsctl_network_interfaces(struct smb_request *rq, const struct smb2_ioctl_request *r,
				  struct buf *out)
{
	struct connection *conn = rq->conn;
	auto_free struct interface *all = xalloc(INTERFACES_MAX, sizeof(*all));
	size_t count = interfaces_list(all, INTERFACES_MAX);
	size_t last = SIZE_MAX;
	bool told = false;

	if (!(conn->capabilities & SMB2_GLOBAL_CAP_MULTI_CHANNEL))
		return STATUS_NOT_SUPPORTED;
	/* The address that is in use may be one of a whole network that is local, as on loopback.
	 */
	for (size_t i = 0; i < count && !told; i++)
		if (interface_reaches(&all[i], (const void *)&conn->local))
			told = tell(&all[i], &conn->local, out, &last);
	for (size_t i = 0; i < count; i++)
		if (!same_address(&all[i].address, &conn->local) && leads_to(&all[i].address, conn))
			(void)tell(&all[i], &all[i].address, out, &last);
	return out->len > r->max_output_response ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}
