// SPDX-License-Identifier: Apache-2.0
/* What WinHTTP says of a failure, in the terms of this project. Private to the room. */
#ifndef CONTENT_PLACE_HTTP_WINDOWS_H
#define CONTENT_PLACE_HTTP_WINDOWS_H

#include <content/failure.h>
#include <windows.h>
#include <winhttp.h>

/*
 * winhttp_note_faults - a WINHTTP_STATUS_CALLBACK. What is wrong with a certificate comes this way,
 * before the call that fails returns, and on the thread that made it; nothing has been sent then.
 *
 * @context: the address of a DWORD, which gathers WINHTTP_CALLBACK_STATUS_FLAG_*; 0: nobody asks.
 */
void CALLBACK winhttp_note_faults(HINTERNET handle, DWORD_PTR context, DWORD event, void *info,
				  DWORD length);

/* winhttp_status - what the error @error means, where @faults came with it; as place_http.c says of
 * libcurl's. */
ntstatus winhttp_status(DWORD error, DWORD faults);

/* winhttp_reason - the same for people: into the @size bytes of @reason. */
void winhttp_reason(char *reason, size_t size, DWORD error, DWORD faults);

#endif
