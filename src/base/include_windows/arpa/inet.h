// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_WINDOWS_ARPA_INET_H
#define BASE_WINDOWS_ARPA_INET_H

#include <winsock2.h>
#include <ws2tcpip.h>

#endif
