// SPDX-License-Identifier: Apache-2.0
/* Apart from stream.c: linux/tcp.h, which has all of struct tcp_info, and netinet/tcp.h exclude
 * each other. */
#include "stream_impl.h"

#include <io/stream_pace.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct stream_pace stream_pace(const struct stream *stream)
{
	struct stream_pace pace = { 0 };
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	/* A kernel that is too old to tell leaves the end of it as it was. */
	if (stream->connecting || getsockopt(stream->fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0)
		return pace;
	if (info.tcpi_busy_time > info.tcpi_rwnd_limited)
		pace.network_us = info.tcpi_busy_time - info.tcpi_rwnd_limited;
	pace.bytes_s = info.tcpi_delivery_rate;
	return pace;
}
