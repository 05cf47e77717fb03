// SPDX-License-Identifier: Apache-2.0
#include <base/wide.h>

#include <errno.h>
#include <windows.h>

wchar_t *wide_of(const char *text)
{
	int units = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
	wchar_t *wide = units > 0 ? xalloc((size_t)units, sizeof(*wide)) : NULL;

	if (wide)
		MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, units);
	return wide;
}

char *narrow_of(const wchar_t *text)
{
	int bytes = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
	char *narrow = xalloc((size_t)(bytes > 0 ? bytes : 1), 1);

	if (bytes > 0)
		WideCharToMultiByte(CP_UTF8, 0, text, -1, narrow, bytes, NULL, NULL);
	return narrow;
}

/* "C:\x" and "\\server\share\x" with the prefix that each of them has. */
static wchar_t *with_prefix(const wchar_t *full)
{
	bool is_unc = !wcsncmp(full, L"\\\\", 2);
	const wchar_t *prefix = is_unc ? L"\\\\?\\UNC" : L"\\\\?\\";
	size_t length = wcslen(prefix) + wcslen(full) + 1;
	wchar_t *out = xalloc(length, sizeof(*out));

	wcscpy(out, prefix);
	wcscat(out, is_unc ? full + 1 : full);
	return out;
}

wchar_t *wide_path_of(const char *path)
{
	auto_free wchar_t *given = wide_of(path), *full = NULL;
	DWORD length;

	if (!given)
		return NULL;
	if (!wcsncmp(given, L"\\\\?\\", 4))
		return wide_of(path);
	length = GetFullPathNameW(given, 0, NULL, NULL);
	full = xalloc(length + 1, sizeof(*full));
	length = GetFullPathNameW(given, length + 1, full, NULL);
	/* A trailing separator would be an empty part. */
	while (length > 3 && full[length - 1] == L'\\')
		full[--length] = 0;
	return with_prefix(full);
}

/* What the headers here do not have. */
#ifndef ERROR_DISK_QUOTA_EXCEEDED
#define ERROR_DISK_QUOTA_EXCEEDED 1295L
#endif
#ifndef ERROR_STOPPED_ON_SYMLINK
#define ERROR_STOPPED_ON_SYMLINK 681L
#endif
#ifndef ERROR_ELEVATION_REQUIRED
#define ERROR_ELEVATION_REQUIRED 740L
#endif

static const struct {
	DWORD code;
	int error;
} rows[] = {
	{ ERROR_SUCCESS, 0 },
	{ ERROR_FILE_NOT_FOUND, ENOENT },
	{ ERROR_PATH_NOT_FOUND, ENOENT },
	{ ERROR_INVALID_DRIVE, ENOENT },
	{ ERROR_TOO_MANY_OPEN_FILES, EMFILE },
	{ ERROR_ACCESS_DENIED, EACCES },
	{ ERROR_LOGON_FAILURE, EACCES },
	{ ERROR_LOGON_TYPE_NOT_GRANTED, EACCES },
	{ ERROR_ACCOUNT_RESTRICTION, EACCES },
	{ ERROR_ACCOUNT_DISABLED, EACCES },
	{ ERROR_PASSWORD_EXPIRED, EACCES },
	{ ERROR_NETWORK_ACCESS_DENIED, EACCES },
	{ ERROR_PRIVILEGE_NOT_HELD, EPERM },
	{ ERROR_INVALID_HANDLE, EBADF },
	{ ERROR_NOT_ENOUGH_MEMORY, ENOMEM },
	{ ERROR_OUTOFMEMORY, ENOMEM },
	{ ERROR_WRITE_PROTECT, EROFS },
	{ ERROR_SHARING_VIOLATION, EBUSY },
	{ ERROR_LOCK_VIOLATION, EBUSY },
	{ ERROR_USER_MAPPED_FILE, EBUSY },
	{ ERROR_FILE_EXISTS, EEXIST },
	{ ERROR_ALREADY_EXISTS, EEXIST },
	{ ERROR_INVALID_PARAMETER, EINVAL },
	{ ERROR_INVALID_NAME, EILSEQ },
	{ ERROR_BAD_PATHNAME, EILSEQ },
	{ ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG },
	{ ERROR_DIRECTORY, ENOTDIR },
	{ ERROR_DIR_NOT_EMPTY, ENOTEMPTY },
	{ ERROR_NOT_SAME_DEVICE, EXDEV },
	{ ERROR_DISK_FULL, ENOSPC },
	{ ERROR_HANDLE_DISK_FULL, ENOSPC },
	{ ERROR_DISK_QUOTA_EXCEEDED, EDQUOT },
	{ ERROR_NOT_SUPPORTED, EOPNOTSUPP },
	{ ERROR_STOPPED_ON_SYMLINK, ELOOP },
	{ ERROR_CANT_RESOLVE_FILENAME, ELOOP },
	{ ERROR_BAD_EXE_FORMAT, ENOEXEC },
	{ ERROR_EXE_MACHINE_TYPE_MISMATCH, ENOEXEC },
	{ ERROR_ELEVATION_REQUIRED, EACCES },
	{ ERROR_OPERATION_ABORTED, ECANCELED },
	{ ERROR_CANCELLED, ECANCELED },
	/* The way to a share. */
	{ ERROR_BAD_NETPATH, EHOSTUNREACH },
	{ ERROR_BAD_NET_NAME, ENETUNREACH },
	{ ERROR_REM_NOT_LIST, EHOSTDOWN },
	{ ERROR_HOST_UNREACHABLE, EHOSTUNREACH },
	{ ERROR_HOST_DOWN, EHOSTDOWN },
	{ ERROR_NETWORK_UNREACHABLE, ENETUNREACH },
	{ ERROR_NO_NETWORK, ENETDOWN },
	{ ERROR_NO_NET_OR_BAD_PATH, ENETUNREACH },
	{ ERROR_UNEXP_NET_ERR, ECONNRESET },
	{ ERROR_NETNAME_DELETED, ECONNRESET },
	{ ERROR_DEV_NOT_EXIST, ECONNRESET },
	{ ERROR_BAD_NET_RESP, EPROTO },
	{ ERROR_CONNECTION_REFUSED, ECONNREFUSED },
	{ ERROR_CONNECTION_ABORTED, ECONNABORTED },
	{ ERROR_SEM_TIMEOUT, ETIMEDOUT },
	{ ERROR_TIMEOUT, ETIMEDOUT },
	{ ERROR_NETWORK_BUSY, EBUSY },
	{ ERROR_REQ_NOT_ACCEP, EBUSY },
};

int errno_of_windows(unsigned long code)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].code == code)
			return rows[i].error;
	}
	return EIO;
}
