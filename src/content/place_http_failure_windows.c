// SPDX-License-Identifier: Apache-2.0
/* The failures of WinHTTP, in the terms of this project. */
#include "place_http_windows.h"

#include <stdio.h>

#define CHANNEL WINHTTP_CALLBACK_STATUS_FLAG_SECURITY_CHANNEL_ERROR

static const struct {
	DWORD code;
	ntstatus status;
} failures[] = {
	{ ERROR_WINHTTP_NAME_NOT_RESOLVED, STATUS_BAD_NETWORK_PATH },
	{ ERROR_WINHTTP_CANNOT_CONNECT, STATUS_CONNECTION_REFUSED },
	{ ERROR_WINHTTP_TIMEOUT, STATUS_IO_TIMEOUT },
	{ ERROR_WINHTTP_CONNECTION_ERROR, STATUS_CONNECTION_RESET },
	{ ERROR_WINHTTP_INVALID_SERVER_RESPONSE, STATUS_CONNECTION_DISCONNECTED },
	{ ERROR_WINHTTP_SECURE_FAILURE, STATUS_INVALID_SIGNATURE },
	{ ERROR_WINHTTP_SECURE_FAILURE_PROXY, STATUS_INVALID_SIGNATURE },
	{ ERROR_NOT_ENOUGH_MEMORY, STATUS_NO_MEMORY },
};

/* What can be wrong with a certificate: as a flag, and as the error that says the same alone. */
static const struct {
	DWORD fault, code;
	const char *words;
} faults_known[] = {
	{ WINHTTP_CALLBACK_STATUS_FLAG_INVALID_CA, ERROR_WINHTTP_SECURE_INVALID_CA,
	  "comes from an authority that this machine does not trust" },
	{ WINHTTP_CALLBACK_STATUS_FLAG_CERT_CN_INVALID, ERROR_WINHTTP_SECURE_CERT_CN_INVALID,
	  "is for another name" },
	{ WINHTTP_CALLBACK_STATUS_FLAG_CERT_DATE_INVALID, ERROR_WINHTTP_SECURE_CERT_DATE_INVALID,
	  "has expired or is not valid yet" },
	{ WINHTTP_CALLBACK_STATUS_FLAG_CERT_REVOKED, ERROR_WINHTTP_SECURE_CERT_REVOKED,
	  "is revoked" },
	{ WINHTTP_CALLBACK_STATUS_FLAG_CERT_REV_FAILED, ERROR_WINHTTP_SECURE_CERT_REV_FAILED,
	  "may be revoked, which nobody could be asked" },
	{ WINHTTP_CALLBACK_STATUS_FLAG_CERT_WRONG_USAGE, ERROR_WINHTTP_SECURE_CERT_WRONG_USAGE,
	  "is not one of a server" },
	{ WINHTTP_CALLBACK_STATUS_FLAG_INVALID_CERT, ERROR_WINHTTP_SECURE_INVALID_CERT,
	  "is malformed or does not hold" },
};

/* For which no certificate is to blame, or none that is known. */
static const struct {
	DWORD code;
	const char *words;
} reasons[] = {
	{ ERROR_WINHTTP_SECURE_FAILURE, "its certificate is not trusted here" },
	{ ERROR_WINHTTP_SECURE_FAILURE_PROXY, "the proxy's certificate is not trusted here" },
	{ ERROR_WINHTTP_SECURE_CHANNEL_ERROR,
	  "its certificate is not accepted, or it speaks no TLS from 1.2 on" },
	{ ERROR_WINHTTP_CLIENT_AUTH_CERT_NEEDED,
	  "it asks for a certificate of the client, which has none" },
};

void CALLBACK winhttp_note_faults(HINTERNET handle, DWORD_PTR context, DWORD event, void *info,
				  DWORD length)
{
	DWORD faults;

	if (event != WINHTTP_CALLBACK_STATUS_SECURE_FAILURE || !context || !info ||
	    length < sizeof(faults))
		return;
	memcpy(&faults, info, sizeof(faults));
	*(DWORD *)context |= faults;
}

/* @faults, and what @error says alone. */
static DWORD faults_in(DWORD error, DWORD faults)
{
	for (size_t i = 0; i < ARRAY_LEN(faults_known); i++)
		if (faults_known[i].code == error)
			faults |= faults_known[i].fault;
	return faults;
}

ntstatus winhttp_status(DWORD error, DWORD faults)
{
	faults = faults_in(error, faults);
	if (faults & ~CHANNEL)
		return STATUS_INVALID_SIGNATURE;
	for (size_t i = 0; i < ARRAY_LEN(failures) && !faults; i++)
		if (failures[i].code == error)
			return failures[i].status;
	return STATUS_UNEXPECTED_NETWORK_ERROR;
}

/* "its certificate comes from ..., is for another name". False: @faults names nothing of it. */
static bool list_faults(char *reason, size_t size, DWORD faults)
{
	int at = snprintf(reason, size, "its certificate");
	const char *before = " ";

	for (size_t i = 0; i < ARRAY_LEN(faults_known); i++)
		if ((faults & faults_known[i].fault) && (size_t)at < size) {
			at += snprintf(reason + at, size - (size_t)at, "%s%s", before,
				       faults_known[i].words);
			before = ", ";
		}
	return *before == ',';
}

void winhttp_reason(char *reason, size_t size, DWORD error, DWORD faults)
{
	faults = faults_in(error, faults);
	if (list_faults(reason, size, faults))
		return;
	if (faults & CHANNEL)
		error = ERROR_WINHTTP_SECURE_CHANNEL_ERROR;
	snprintf(reason, size, "WinHTTP error %lu", error);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].code == error)
			snprintf(reason, size, "%s (WinHTTP error %lu)", reasons[i].words, error);
}
