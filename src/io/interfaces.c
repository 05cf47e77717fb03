// SPDX-License-Identifier: Apache-2.0
/*
 * Addresses come over netlink (getifaddrs), speed and queues of an interface from its driver
 * (ethtool(8) asks the same way).
 */
#include <io/interfaces.h>

#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MASK_BYTES_MAX (3 * 127 * sizeof(uint32_t)) /* three masks of at most INT8_MAX words */

static bool ask_driver(int fd, const char *name, void *command)
{
	struct ifreq request = { .ifr_data = command };

	memcpy(request.ifr_name, name, strnlen(name, sizeof(request.ifr_name) - 1));
	return ioctl(fd, SIOCETHTOOL, &request) == 0;
}

/* The first call says how long the driver's masks are, the second has room for them. */
static uint64_t speed_of(int fd, const char *name)
{
	auto_free struct ethtool_link_settings *link = xalloc(1, sizeof(*link) + MASK_BYTES_MAX);

	link->cmd = ETHTOOL_GLINKSETTINGS;
	if (!ask_driver(fd, name, link) || link->link_mode_masks_nwords >= 0)
		return 0;
	link->link_mode_masks_nwords = (int8_t)-link->link_mode_masks_nwords;
	link->cmd = ETHTOOL_GLINKSETTINGS;
	if (!ask_driver(fd, name, link) || link->speed == (uint32_t)SPEED_UNKNOWN)
		return 0;
	return link->speed;
}

static unsigned queues_of(int fd, const char *name)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

	if (!ask_driver(fd, name, &channels))
		return 0;
	return channels.combined_count + channels.rx_count;
}

/* The bytes of an address, and how many; NULL for families that are not served. */
static const uint8_t *bytes_of(const struct sockaddr *address, size_t *length)
{
	if (address->sa_family == AF_INET) {
		*length = 4;
		return (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
	}
	if (address->sa_family == AF_INET6) {
		*length = 16;
		return (const void *)&((const struct sockaddr_in6 *)(const void *)address)
			->sin6_addr;
	}
	return NULL;
}

static unsigned prefix_of(const struct sockaddr *mask)
{
	size_t length = 0;
	const uint8_t *at = mask ? bytes_of(mask, &length) : NULL;
	unsigned bits = 0;

	for (size_t i = 0; at && i < length; i++)
		bits += (unsigned)__builtin_popcount(at[i]);
	return bits;
}

static bool is_link_local(const struct sockaddr *address)
{
	size_t length;
	const uint8_t *at = bytes_of(address, &length);

	return at && (length == 4 ? at[0] == 169 && at[1] == 254
				  : at[0] == 0xfe && (at[1] & 0xc0) == 0x80);
}

static bool take(int fd, const struct ifaddrs *from, struct interface *out)
{
	size_t length;

	if (!from->ifa_addr || !(from->ifa_flags & IFF_UP) || !bytes_of(from->ifa_addr, &length) ||
	    is_link_local(from->ifa_addr))
		return false;
	*out = (struct interface){
		.index = if_nametoindex(from->ifa_name),
		.speed_mbit = speed_of(fd, from->ifa_name),
		.receive_queues = queues_of(fd, from->ifa_name),
		.is_loopback = from->ifa_flags & IFF_LOOPBACK,
		.prefix_bits = prefix_of(from->ifa_netmask),
	};
	memcpy(out->name, from->ifa_name, strnlen(from->ifa_name, sizeof(out->name) - 1));
	memcpy(&out->address, from->ifa_addr,
	       from->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
						    : sizeof(struct sockaddr_in6));
	return true;
}

size_t interfaces_list(struct interface *out, size_t room)
{
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifaddrs *all = NULL;
	size_t count = 0;

	if (fd < 0 || getifaddrs(&all))
		return 0;
	for (const struct ifaddrs *at = all; at && count < room; at = at->ifa_next)
		count += take(fd, at, &out[count]);
	freeifaddrs(all);
	return count;
}

bool interface_reaches(const struct interface *interface, const struct sockaddr *address)
{
	size_t length = 0, own_length = 0;
	const uint8_t *at = bytes_of(address, &length);
	const uint8_t *own = bytes_of((const void *)&interface->address, &own_length);
	unsigned whole = interface->prefix_bits / 8, rest = interface->prefix_bits % 8;

	if (!at || !own || length != own_length || interface->prefix_bits > length * 8)
		return false;
	if (memcmp(at, own, whole) != 0)
		return false;
	return !rest || !((at[whole] ^ own[whole]) >> (8 - rest));
}
