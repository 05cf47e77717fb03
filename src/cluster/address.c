// SPDX-License-Identifier: Apache-2.0
/* Addresses: rtnetlink to add and remove, a packet socket (ARP) or a raw one (ICMPv6) to announce.
 */
#include <cluster/address.h>

#include <base/buf.h>
#include <base/cursor.h>
#include <base/log.h>

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool address_parse(const char *text, uint16_t port, struct address *out)
{
	auto_free char *copy = xstrdup(text);
	char *slash = strchr(copy, '/'), *end;
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	long most, prefix;

	memset(out, 0, sizeof(*out));
	if (slash)
		*slash = '\0';
	if (inet_pton(AF_INET, copy, &in.sin_addr) == 1) {
		memcpy(&out->socket, &in, sizeof(in));
		out->length = sizeof(in);
		most = 32;
	} else if (inet_pton(AF_INET6, copy, &in6.sin6_addr) == 1) {
		memcpy(&out->socket, &in6, sizeof(in6));
		out->length = sizeof(in6);
		most = 128;
	} else {
		return false;
	}
	prefix = most;
	if (slash) {
		prefix = strtol(slash + 1, &end, 10);
		if (end == slash + 1 || *end || prefix < 1 || prefix > most)
			return false;
	}
	out->prefix = (int)prefix;
	return true;
}

int address_parse_list(const char *text, uint16_t port, struct address *out, size_t most)
{
	auto_free char *copy = xstrdup(text);
	char *rest = copy, *word;
	size_t count = 0;

	while ((word = strsep(&rest, ", ")) != NULL) {
		if (!word[0])
			continue;
		if (count == most || !address_parse(word, port, &out[count]))
			return -1;
		count++;
	}
	return (int)count;
}

/* The bytes of the address itself: four or sixteen. */
static const uint8_t *bytes_of(const struct sockaddr_storage *socket, size_t *length)
{
	static _Thread_local uint8_t bytes[16];

	if (socket->ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, socket, sizeof(in));
		memcpy(bytes, &in.sin_addr, 4);
		*length = 4;
	} else {
		struct sockaddr_in6 in6;

		memcpy(&in6, socket, sizeof(in6));
		memcpy(bytes, &in6.sin6_addr, 16);
		*length = 16;
	}
	return bytes;
}

const char *address_format(const struct address *address, char text[64])
{
	size_t length;
	const uint8_t *bytes = bytes_of(&address->socket, &length);

	if (!inet_ntop(address->socket.ss_family, bytes, text, 64))
		text[0] = '\0';
	return text;
}

static bool same_network(const uint8_t *a, const uint8_t *b, int prefix)
{
	int whole = prefix / 8, rest = prefix % 8;

	if (memcmp(a, b, (size_t)whole) != 0)
		return false;
	return !rest || ((a[whole] ^ b[whole]) & (0xff << (8 - rest) & 0xff)) == 0;
}

/* Copies what an interface's address is; false for other families. */
static bool take_sockaddr(const struct sockaddr *from, sa_family_t family, uint8_t out[16])
{
	struct sockaddr_storage storage = { 0 };
	size_t length;

	if (!from || from->sa_family != family)
		return false;
	memcpy(&storage, from,
	       family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	memcpy(out, bytes_of(&storage, &length), 16);
	return true;
}

unsigned int address_interface(const struct address *address, bool whole)
{
	struct ifaddrs *all = NULL;
	uint8_t wanted[16] = { 0 }, here[16];
	const uint8_t *bytes;
	size_t length;
	unsigned int found = 0;
	int prefix;

	bytes = bytes_of(&address->socket, &length);
	memcpy(wanted, bytes, length);
	prefix = whole ? (int)length * 8 : address->prefix;
	if (getifaddrs(&all) < 0)
		return 0;
	for (struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		if (!take_sockaddr(i->ifa_addr, address->socket.ss_family, here))
			continue;
		if (!whole && (!(i->ifa_flags & IFF_UP) || i->ifa_flags & IFF_LOOPBACK))
			continue;
		if (same_network(wanted, here, prefix))
			found = if_nametoindex(i->ifa_name);
	}
	freeifaddrs(all);
	return found;
}

static bool is_special(const struct address *address)
{
	static const uint8_t loopback6[16] = { [15] = 1 }, any[16];
	size_t length;
	const uint8_t *bytes = bytes_of(&address->socket, &length);

	if (length == 4)
		return bytes[0] == 127 || !memcmp(bytes, any, 4);
	return !memcmp(bytes, loopback6, 16) || !memcmp(bytes, any, 16);
}

bool address_is_local(const struct address *address)
{
	return is_special(address) || address_interface(address, true) != 0;
}

static void put_attribute(struct buf *b, uint16_t type, const void *data, size_t length)
{
	struct rtattr attribute = { .rta_len = (unsigned short)RTA_LENGTH(length),
				    .rta_type = type };

	buf_bytes(b, &attribute, sizeof(attribute));
	buf_bytes(b, data, length);
	buf_align(b, 0, RTA_ALIGNTO);
}

/* One request to the kernel and its answer: 0 or negative errno. */
static int ask_kernel(uint16_t type, uint16_t flags, const struct address *address,
		      unsigned int index)
{
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct timeval patience = { .tv_sec = 5 };
	struct nlmsghdr head = { .nlmsg_type = type,
				 .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
				 .nlmsg_seq = 1 };
	struct ifaddrmsg body = { .ifa_family = (unsigned char)address->socket.ss_family,
				  .ifa_prefixlen = (unsigned char)address->prefix,
				  .ifa_index = index };
	auto_buf struct buf message = { 0 };
	uint32_t ifa_flags = IFA_F_NODAD;
	uint8_t answer[4096];
	size_t length;
	const uint8_t *bytes = bytes_of(&address->socket, &length);
	struct cursor c;
	ssize_t n;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	buf_bytes(&message, &head, sizeof(head));
	buf_bytes(&message, &body, sizeof(body));
	put_attribute(&message, IFA_LOCAL, bytes, length);
	/* Without it the kernel removes an address of IPv4 whatever prefix somebody gave it. */
	if (type == RTM_NEWADDR || length == 16)
		put_attribute(&message, IFA_ADDRESS, bytes, length);
	if (length == 16)
		put_attribute(&message, IFA_FLAGS, &ifa_flags, sizeof(ifa_flags));
	if (message.failed)
		return -ENOMEM;
	head.nlmsg_len = (uint32_t)message.len;
	memcpy(message.data, &head, sizeof(head));
	if (sendto(fd, message.data, message.len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) <
	    0)
		return -errno;
	n = recv(fd, answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	c = cur_of(answer, (size_t)n);
	cur_copy(&c, &head, sizeof(head));
	if (head.nlmsg_type == NLMSG_ERROR) {
		int32_t error;

		cur_copy(&c, &error, sizeof(error));
		return c.bad ? -EIO : error;
	}
	return -EIO;
}

/* An unasked ARP reply to everyone: this address is here now. */
static int announce4(unsigned int index, const uint8_t address[4])
{
	auto_close int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP));
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ARP),
				  .sll_ifindex = (int)index,
				  .sll_halen = 6 };
	auto_buf struct buf arp = { 0 };
	struct ifreq request = { 0 };
	uint8_t everyone[6];

	if (fd < 0)
		return -errno;
	if (!if_indextoname(index, request.ifr_name) || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return 0;
	memset(everyone, 0xff, sizeof(everyone));
	memcpy(to.sll_addr, everyone, sizeof(everyone));
	buf_u16be(&arp, ARPHRD_ETHER);
	buf_u16be(&arp, ETH_P_IP);
	buf_u8(&arp, 6);
	buf_u8(&arp, 4);
	buf_u16be(&arp, ARPOP_REQUEST);
	buf_bytes(&arp, request.ifr_hwaddr.sa_data, 6);
	buf_bytes(&arp, address, 4);
	buf_zero(&arp, 6);
	buf_bytes(&arp, address, 4);
	return sendto(fd, arp.data, arp.len, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno
											: 0;
}

/* An unsolicited neighbour advertisement with the override flag (RFC 4861 7.2.6). */
static int announce6(unsigned int index, const uint8_t address[16])
{
	auto_close int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_scope_id = index };
	auto_buf struct buf na = { 0 };
	struct ifreq request = { 0 };
	int hops = 255, out = (int)index;

	if (fd < 0)
		return -errno;
	if (!if_indextoname(index, request.ifr_name) || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops));
	setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &out, sizeof(out));
	inet_pton(AF_INET6, "ff02::1", &to.sin6_addr);
	buf_u8(&na, ND_NEIGHBOR_ADVERT);
	buf_u8(&na, 0);
	buf_u16be(&na, 0);	    /* the kernel fills in the checksum */
	buf_u32be(&na, 0x20000000); /* override */
	buf_bytes(&na, address, 16);
	buf_u8(&na, ND_OPT_TARGET_LINKADDR);
	buf_u8(&na, 1);
	buf_bytes(&na, request.ifr_hwaddr.sa_data, 6);
	return sendto(fd, na.data, na.len, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
}

static int announce_on(const struct address *address, unsigned int index)
{
	size_t length;
	const uint8_t *bytes = bytes_of(&address->socket, &length);

	return length == 4 ? announce4(index, bytes) : announce6(index, bytes);
}

int address_announce(const struct address *address)
{
	unsigned int index = address_interface(address, true);

	return index ? announce_on(address, index) : -EADDRNOTAVAIL;
}

static void announce(const struct address *address, unsigned int index)
{
	char text[64];
	int error = announce_on(address, index);

	if (error)
		log_warn("address not announced address=%s error=%s", address_format(address, text),
			 strerror(-error));
}

int address_add(const struct address *address, bool *added, char **why)
{
	unsigned int index;
	char text[64], name[IF_NAMESIZE] = "";
	int error;

	*added = false;
	address_format(address, text);
	if (is_special(address))
		return 0;
	index = address_interface(address, true);
	if (index) {
		announce(address, index);
		return 0;
	}
	index = address_interface(address, false);
	if (!index) {
		*why = xasprintf(
			"the address %s/%d belongs to no network of this machine's interfaces",
			text, address->prefix);
		return -EADDRNOTAVAIL;
	}
	if_indextoname(index, name);
	error = ask_kernel(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address, index);
	if (error && error != -EEXIST) {
		*why = xasprintf("the address %s cannot be added to %s: %s%s", text, name,
				 strerror(-error),
				 error == -EPERM ? " (berthd needs CAP_NET_ADMIN for that)" : "");
		return error;
	}
	*added = true;
	log_info("address added address=%s interface=%s", text, name);
	announce(address, index);
	return 0;
}

void address_remove(const struct address *address)
{
	unsigned int index = address_interface(address, true);
	char text[64];
	int error;

	if (!index || is_special(address))
		return;
	error = ask_kernel(RTM_DELADDR, 0, address, index);
	address_format(address, text);
	if (error)
		log_error("address not removed address=%s error=%s", text, strerror(-error));
	else
		log_info("address removed address=%s", text);
}
