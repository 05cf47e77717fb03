// SPDX-License-Identifier: Apache-2.0
/* What POSIX has and the C library of Windows has not. Windows is little-endian everywhere. */
#ifndef BASE_WINDOWS_ENDIAN_H
#define BASE_WINDOWS_ENDIAN_H

#define htole16(v) (v)
#define htole32(v) (v)
#define htole64(v) (v)
#define le16toh(v) (v)
#define le32toh(v) (v)
#define le64toh(v) (v)
#define htobe16(v) __builtin_bswap16(v)
#define htobe32(v) __builtin_bswap32(v)
#define be16toh(v) __builtin_bswap16(v)
#define be32toh(v) __builtin_bswap32(v)

#endif
