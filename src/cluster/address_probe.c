// SPDX-License-Identifier: Apache-2.0
/*
 * Asking the network for an address before it is taken: an ARP probe names no sender, so that
 * nobody's table changes by it (RFC 5227 2.1.1). The waits there are those of a machine that comes
 * up for the first time; here a cluster has decided already that the address is free, and on a
 * network that works an answer takes less than a millisecond, so that two probes and a short wait
 * find the machine that was configured with it by mistake.
 */
#include <cluster/address.h>

#include <base/buf.h>
#include <base/log.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PROBES 2

bool arp_claims(struct cursor *packet, const uint8_t address[4], const uint8_t own[6],
		uint8_t from[6])
{
	static const uint8_t nobody[4];
	uint8_t sender[4], target[4];
	uint16_t hardware = cur_u16be(packet), protocol = cur_u16be(packet);
	uint8_t hardware_length = cur_u8(packet), protocol_length = cur_u8(packet);
	uint16_t operation = cur_u16be(packet);

	cur_copy(packet, from, 6);
	cur_copy(packet, sender, sizeof(sender));
	cur_skip(packet, 6);
	cur_copy(packet, target, sizeof(target));
	if (packet->bad || hardware != ARPHRD_ETHER || protocol != ETH_P_IP ||
	    hardware_length != 6 || protocol_length != 4 || !memcmp(from, own, 6))
		return false;
	if (!memcmp(sender, address, 4))
		return true;
	return operation == ARPOP_REQUEST && !memcmp(sender, nobody, 4) &&
	       !memcmp(target, address, 4); /* it asks as we do */
}

struct probe {
	int fd;
	struct sockaddr_ll everyone;
	uint8_t own[6], address[4];
};

static int send_probe(const struct probe *p)
{
	auto_buf struct buf arp = { 0 };

	buf_u16be(&arp, ARPHRD_ETHER);
	buf_u16be(&arp, ETH_P_IP);
	buf_u8(&arp, 6);
	buf_u8(&arp, 4);
	buf_u16be(&arp, ARPOP_REQUEST);
	buf_bytes(&arp, p->own, 6);
	buf_zero(&arp, 4);
	buf_zero(&arp, 6);
	buf_bytes(&arp, p->address, 4);
	if (arp.failed)
		return -ENOMEM;
	return sendto(p->fd, arp.data, arp.len, 0, (const struct sockaddr *)&p->everyone,
		      sizeof(p->everyone)) < 0
		       ? -errno
		       : 0;
}

/* Until somebody claims it (1), or nobody has for @ms (0). */
static int listen_for(const struct probe *p, int ms, uint8_t from[6])
{
	uint64_t until = monotonic_ms() + (uint64_t)ms;

	for (uint64_t now = monotonic_ms(); now < until; now = monotonic_ms()) {
		struct pollfd wait = { .fd = p->fd, .events = POLLIN };
		uint8_t bytes[128];
		struct cursor c;
		ssize_t n;

		if (poll(&wait, 1, (int)(until - now)) < 0 && errno != EINTR)
			return -errno;
		n = recv(p->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		c = cur_of(bytes, n < 0 ? 0 : (size_t)n);
		if (n > 0 && arp_claims(&c, p->address, p->own, from))
			return 1;
	}
	return 0;
}

static int open_probe(struct probe *p, unsigned int interface)
{
	struct ifreq request = { 0 };

	p->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP));
	if (p->fd < 0)
		return -errno;
	p->everyone = (struct sockaddr_ll){ .sll_family = AF_PACKET,
					    .sll_protocol = htons(ETH_P_ARP),
					    .sll_ifindex = (int)interface,
					    .sll_halen = 6 };
	memset(p->everyone.sll_addr, 0xff, 6);
	if (!if_indextoname(interface, request.ifr_name) ||
	    ioctl(p->fd, SIOCGIFHWADDR, &request) < 0 ||
	    bind(p->fd, (struct sockaddr *)&p->everyone, sizeof(p->everyone)) < 0)
		return -errno;
	if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EAFNOSUPPORT;
	memcpy(p->own, request.ifr_hwaddr.sa_data, sizeof(p->own));
	return 0;
}

int address_probe(const struct address *address, char who[24])
{
	struct probe p = { .fd = -1 };
	auto_close int fd = -1;
	unsigned int interface = address_interface(address, false);
	struct sockaddr_in in;
	uint8_t from[6];
	int answer;

	who[0] = '\0';
	if (address->socket.ss_family != AF_INET || address_is_local(address))
		return 0;
	if (!interface)
		return -EADDRNOTAVAIL;
	memcpy(&in, &address->socket, sizeof(in));
	memcpy(p.address, &in.sin_addr, sizeof(p.address));
	answer = open_probe(&p, interface);
	fd = p.fd;
	for (int i = 0; i < PROBES && !answer; i++) {
		answer = send_probe(&p);
		if (!answer)
			answer = listen_for(&p, PROBE_WAIT_MS / PROBES, from);
	}
	if (answer == 1)
		snprintf(who, 24, "%02x:%02x:%02x:%02x:%02x:%02x", from[0], from[1], from[2],
			 from[3], from[4], from[5]);
	return answer;
}
