// SPDX-License-Identifier: Apache-2.0
/*
 * The addresses of a file server: as text, and on this machine's interfaces. Loopback addresses and
 * those that are there already are only used; others are added to the interface whose network they
 * belong to (netlink, CAP_NET_ADMIN), announced (ARP, neighbour advertisement), and taken away
 * again.
 */
#ifndef CLUSTER_ADDRESS_H
#define CLUSTER_ADDRESS_H

#include <base/base.h>
#include <sys/socket.h>

struct address {
	struct sockaddr_storage socket; /* with the port */
	socklen_t length;
	int prefix; /* bits of the network */
};

/* address_parse - "10.0.0.50/24", "fd00::5/64"; without a prefix it is the whole address. */
bool address_parse(const char *text, uint16_t port, struct address *out) MUST_CHECK;
/* address_parse_list - the same with commas between them; how many, or -1. */
int address_parse_list(const char *text, uint16_t port, struct address *out,
		       size_t most) MUST_CHECK;
/* address_format - without prefix and port. */
const char *address_format(const struct address *address, char text[64]);

/* address_is_local - is it on an interface now, or a loopback address of IPv4? */
bool address_is_local(const struct address *address);
/*
 * address_add - see that it is on an interface. *added says whether this call put it there, so that
 * address_remove takes away only that. Negative errno and a sentence in *why (to be freed):
 * -EADDRNOTAVAIL where no interface has its network, -EPERM without the capability.
 */
int address_add(const struct address *address, bool *added, char **why) MUST_CHECK;
void address_remove(const struct address *address);

#endif
