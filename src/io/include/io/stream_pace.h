// SPDX-License-Identifier: Apache-2.0
/* What the kernel knows of how the bytes of a stream get on. */
#ifndef IO_STREAM_PACE_H
#define IO_STREAM_PACE_H

#include <io/stream.h>

/* All 0 where nobody can tell. */
struct stream_pace {
	/* For how long, since it was connected, bytes that were sent had not arrived, and not
	 * because the peer had no room for them. In microseconds, of the kernel's clock ticks. */
	uint64_t network_us;
	uint64_t bytes_s; /* how fast they arrived lately */
};
struct stream_pace stream_pace(const struct stream *stream);

#endif
