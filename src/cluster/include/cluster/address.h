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
#include <base/cursor.h>
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
/* address_interface - the interface that has @address itself (@whole), or one of its network; 0
 * where there is none. */
unsigned int address_interface(const struct address *address, bool whole);
/*
 * address_probe - ask the network whether another machine has @address: 1, and its hardware address
 * in @who; 0 where nobody answers within PROBE_WAIT_MS, or where the address is on this machine;
 * negative errno where the network cannot be asked. IPv4 only (RFC 5227 2.1.1); of IPv6 the kernel
 * looks for duplicates itself, and it is 0.
 */
#define PROBE_WAIT_MS 60
int address_probe(const struct address *address, char who[24]) MUST_CHECK;
/* arp_claims - does this ARP packet say that another machine than @own has, or is about to take,
 * @address? Its hardware address in @from then. */
bool arp_claims(struct cursor *packet, const uint8_t address[4], const uint8_t own[6],
		uint8_t from[6]);
/*
 * address_add - see that it is on an interface. *added says whether this call put it there, so that
 * address_remove takes away only that. Negative errno and a sentence in *why (to be freed):
 * -EADDRNOTAVAIL where no interface has its network, -EPERM without the capability.
 */
int address_add(const struct address *address, bool *added, char **why) MUST_CHECK;
/* address_remove - take it off the interface that has it, whatever the prefix there if it is of
 * IPv4; what is special or on none stays as it is. */
void address_remove(const struct address *address);
/*
 * address_announce - tell the neighbours that it is here: a gratuitous ARP, an unsolicited
 * neighbour advertisement (RFC 4861 7.2.6). -EADDRNOTAVAIL, and nothing is sent, where no interface
 * of this machine has it; else 0 or negative errno.
 */
int address_announce(const struct address *address) MUST_CHECK;

#endif
