// SPDX-License-Identifier: Apache-2.0
/* The network interfaces of this machine, as its kernel knows them. */
#ifndef IO_INTERFACES_H
#define IO_INTERFACES_H

#include <base/base.h>
#include <net/if.h>
#include <sys/socket.h>

/* An address of an interface that is up; an interface with several addresses comes several times.
 */
struct interface {
	char name[IF_NAMESIZE];
	unsigned index;
	uint64_t speed_mbit;	 /* 0: the kernel cannot tell */
	unsigned receive_queues; /* 0: likewise */
	bool is_loopback;
	struct sockaddr_storage address; /* AF_INET or AF_INET6, no port */
	unsigned prefix_bits;
};

/*
 * interfaces_list - at most @room of them, in the kernel's order; how many there are. Link-local
 * addresses are left out, since a client elsewhere cannot use what belongs to a link of ours. Any
 * thread; some system calls, none of which waits.
 */
size_t interfaces_list(struct interface *out, size_t room);
/* interface_reaches - is @address in the network of @interface? */
bool interface_reaches(const struct interface *interface, const struct sockaddr *address);

#endif
