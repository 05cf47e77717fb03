// SPDX-License-Identifier: Apache-2.0
/*
 * The one table of status codes. A row gives a status its name and the Win32 error that a Windows
 * client reports for it (MS-ERREF 2.3, 2.2); the sentence belongs to the Win32 error, because that
 * is what people see, and stands in a table of its own. A status that has no Win32 error carries
 * its own sentence in its row.
 *
 * All tables are constant; nothing here takes a lock.
 */
#include <wire/ntstatus.h>

#include <errno.h>
#include <stdio.h>

#define WIN32_NO_MESSAGE 317 /* ERROR_MR_MID_NOT_FOUND */

enum kind {
	LASTING,   /* transient only where its Win32 error is (win32_transient) */
	TRANSIENT, /* always worth a retry: its Win32 error does not say so */
	SETTLED,   /* never, though its Win32 error is shared with one that is */
};

struct status_row {
	ntstatus status;
	const char *name;
	uint32_t win32;
	enum kind kind;
	const char *text; /* only where win32 is WIN32_NO_MESSAGE */
};

#define ROW(name, win32)                                                                           \
	{                                                                                          \
		STATUS_##name, "STATUS_" #name, win32, LASTING, NULL                               \
	}
#define KIND(name, win32, kind)                                                                    \
	{                                                                                          \
		STATUS_##name, "STATUS_" #name, win32, kind, NULL                                  \
	}
#define TEXT(name, kind, text)                                                                     \
	{                                                                                          \
		STATUS_##name, "STATUS_" #name, WIN32_NO_MESSAGE, kind, text                       \
	}

static const struct status_row statuses[] = {
	ROW(SUCCESS, 0),
	ROW(PENDING, 997),
	ROW(OPLOCK_BREAK_IN_PROGRESS, 742),
	ROW(MORE_ENTRIES, 234),
	ROW(SOME_NOT_MAPPED, 1301),
	ROW(NO_SUCH_DOMAIN, 1355),
	ROW(NOTIFY_CLEANUP, 745),
	ROW(NOTIFY_ENUM_DIR, 1022),
	ROW(BUFFER_OVERFLOW, 234),
	ROW(NO_MORE_FILES, 18),
	ROW(DEVICE_BUSY, 170),
	ROW(NO_MORE_EAS, 259),
	ROW(INVALID_EA_NAME, 254),
	ROW(EA_LIST_INCONSISTENT, 255),
	ROW(NO_MORE_ENTRIES, 259),
	ROW(STOPPED_ON_SYMLINK, 681),
	ROW(UNSUCCESSFUL, 31),
	ROW(NOT_IMPLEMENTED, 1),
	ROW(INVALID_INFO_CLASS, 87),
	ROW(INFO_LENGTH_MISMATCH, 24),
	ROW(INVALID_HANDLE, 6),
	ROW(INVALID_PARAMETER, 87),
	ROW(NO_SUCH_DEVICE, 2),
	ROW(NO_SUCH_FILE, 2),
	ROW(INVALID_DEVICE_REQUEST, 1),
	ROW(END_OF_FILE, 38),
	ROW(MORE_PROCESSING_REQUIRED, 234),
	ROW(NO_MEMORY, 8),
	ROW(ALREADY_COMMITTED, 5),
	ROW(ACCESS_DENIED, 5),
	ROW(BUFFER_TOO_SMALL, 122),
	ROW(OBJECT_TYPE_MISMATCH, 6),
	ROW(OBJECT_NAME_INVALID, 123),
	ROW(OBJECT_NAME_NOT_FOUND, 2),
	ROW(OBJECT_NAME_COLLISION, 183),
	ROW(PORT_DISCONNECTED, 6),
	ROW(OBJECT_PATH_INVALID, 161),
	ROW(OBJECT_PATH_NOT_FOUND, 3),
	ROW(OBJECT_PATH_SYNTAX_BAD, 161),
	ROW(SHARING_VIOLATION, 32),
	ROW(QUOTA_EXCEEDED, 1816),
	ROW(EAS_NOT_SUPPORTED, 282),
	ROW(EA_TOO_LARGE, 255),
	ROW(NONEXISTENT_EA_ENTRY, 255),
	ROW(NO_EAS_ON_FILE, 255),
	ROW(EA_CORRUPT_ERROR, 1392),
	ROW(FILE_LOCK_CONFLICT, 33),
	ROW(LOCK_NOT_GRANTED, 33),
	ROW(DELETE_PENDING, 5),
	ROW(NO_LOGON_SERVERS, 1311),
	ROW(INVALID_OWNER, 1307),
	ROW(PRIVILEGE_NOT_HELD, 1314),
	ROW(NO_SUCH_USER, 1317),
	ROW(WRONG_PASSWORD, 86),
	ROW(LOGON_FAILURE, 1326),
	ROW(ACCOUNT_RESTRICTION, 1327),
	ROW(INVALID_LOGON_HOURS, 1328),
	ROW(INVALID_WORKSTATION, 1329),
	ROW(PASSWORD_EXPIRED, 1330),
	ROW(ACCOUNT_DISABLED, 1331),
	ROW(NONE_MAPPED, 1332),
	ROW(INVALID_ACL, 1336),
	ROW(INVALID_SID, 1337),
	ROW(INVALID_SECURITY_DESCR, 1338),
	ROW(RANGE_NOT_LOCKED, 158),
	ROW(DISK_FULL, 112),
	ROW(SMB_TOO_MANY_GUIDS_REQUESTED, 68),
	ROW(INSUFFICIENT_RESOURCES, 1450),
	ROW(MEDIA_WRITE_PROTECTED, 19),
	ROW(DEVICE_NOT_READY, 21),
	ROW(PIPE_NOT_AVAILABLE, 231),
	ROW(INVALID_PIPE_STATE, 230),
	ROW(PIPE_BUSY, 231),
	ROW(PIPE_DISCONNECTED, 233),
	ROW(PIPE_CLOSING, 232),
	ROW(IO_TIMEOUT, 121),
	ROW(FILE_IS_A_DIRECTORY, 5),
	ROW(NOT_SUPPORTED, 50),
	ROW(REMOTE_NOT_LISTENING, 51),
	ROW(DUPLICATE_NAME, 52),
	ROW(BAD_NETWORK_PATH, 53),
	ROW(NETWORK_BUSY, 54),
	ROW(DEVICE_DOES_NOT_EXIST, 55),
	ROW(INVALID_NETWORK_RESPONSE, 58),
	ROW(UNEXPECTED_NETWORK_ERROR, 59),
	ROW(NETWORK_NAME_DELETED, 64),
	ROW(NETWORK_ACCESS_DENIED, 65),
	ROW(BAD_DEVICE_TYPE, 66),
	ROW(BAD_NETWORK_NAME, 67),
	ROW(TOO_MANY_SESSIONS, 69),
	ROW(REQUEST_NOT_ACCEPTED, 71),
	ROW(NOT_SAME_DEVICE, 17),
	TEXT(FILE_RENAMED, LASTING,
	     "The file has been renamed and this handle cannot be used for it."),
	ROW(PIPE_EMPTY, 232),
	ROW(OPLOCK_NOT_GRANTED, 300),
	ROW(INVALID_OPLOCK_PROTOCOL, 301),
	ROW(INTERNAL_ERROR, 1359),
	ROW(FILE_CORRUPT_ERROR, 1392),
	ROW(DIRECTORY_NOT_EMPTY, 145),
	ROW(NOT_A_DIRECTORY, 267),
	ROW(NAME_TOO_LONG, 206),
	ROW(TOO_MANY_OPENED_FILES, 4),
	ROW(CANCELLED, 995),
	ROW(CANNOT_DELETE, 5),
	ROW(INVALID_COMPUTER_NAME, 1210),
	ROW(FILE_DELETED, 5),
	ROW(FILE_CLOSED, 6),
	ROW(TIME_DIFFERENCE_AT_DC, 1398),
	ROW(NO_SUCH_ALIAS, 1376),
	ROW(LOGON_TYPE_NOT_GRANTED, 1385),
	ROW(IO_DEVICE_ERROR, 1117),
	ROW(ACCOUNT_EXPIRED, 1793),
	ROW(NO_TRUST_SAM_ACCOUNT, 1787),
	ROW(TRUSTED_RELATIONSHIP_FAILURE, 1789),
	ROW(FS_DRIVER_REQUIRED, 588),
	ROW(INVALID_LOCK_RANGE, 307),
	ROW(USER_SESSION_DELETED, 59),
	ROW(INSUFF_SERVER_RESOURCES, 1130),
	ROW(CONNECTION_DISCONNECTED, 64),
	ROW(CONNECTION_RESET, 64),
	ROW(PASSWORD_MUST_CHANGE, 1907),
	ROW(NOT_FOUND, 1168),
	ROW(RETRY, 1237),
	ROW(ACCOUNT_LOCKED_OUT, 1909),
	ROW(CONNECTION_REFUSED, 1225),
	ROW(NETWORK_UNREACHABLE, 1231),
	ROW(BAD_COMPRESSION_BUFFER, 605),
	ROW(HOST_UNREACHABLE, 1232),
	KIND(PATH_NOT_COVERED, 1232, SETTLED),
	ROW(TOO_MANY_LINKS, 1142),
	ROW(VOLUME_DISMOUNTED, 21),
	ROW(NOT_A_REPARSE_POINT, 4390),
	ROW(IO_REPARSE_TAG_INVALID, 4393),
	ROW(IO_REPARSE_TAG_MISMATCH, 4394),
	ROW(IO_REPARSE_DATA_INVALID, 4392),
	ROW(REPARSE_ATTRIBUTE_CONFLICT, 4391),
	ROW(IO_REPARSE_TAG_NOT_HANDLED, 1920),
	ROW(REPARSE_POINT_NOT_RESOLVED, 1921),
	KIND(HOST_DOWN, 1256, TRANSIENT),
	TEXT(NETWORK_SESSION_EXPIRED, TRANSIENT,
	     "The session has expired and the client must authenticate again."),
	ROW(FILE_SYSTEM_LIMITATION, 665),
	ROW(REQUEST_OUT_OF_SEQUENCE, 776),
	TEXT(SERVER_UNAVAILABLE, TRANSIENT, "The file server is temporarily unavailable."),
	ROW(FILE_FORCED_CLOSED, 38),
	TEXT(DUPLICATE_OBJECTID, LASTING, "The id of the object is in use already."),
	TEXT(FILE_NOT_AVAILABLE, TRANSIENT, "The file is temporarily unavailable."),
	TEXT(SHARE_UNAVAILABLE, TRANSIENT, "The share is temporarily unavailable."),
	ROW(FILE_TOO_LARGE, 223),
	ROW(CANNOT_BREAK_OPLOCK, 802),
	TEXT(INVALID_SIGNATURE, LASTING, "The cryptographic signature is invalid."),
	TEXT(HASH_NOT_SUPPORTED, LASTING,
	     "The server does not generate hashes of the requested version and type."),
	ROW(BAD_IMPERSONATION_LEVEL, 1346),
	ROW(INVALID_VIEW_SIZE, 87),
	TEXT(SMB_NO_PREAUTH_INTEGRITY_HASH_OVERLAP, LASTING,
	     "The client offers no hash for pre-authentication integrity that this server has."),
	TEXT(INVALID_TOKEN, LASTING, "The token of an offload copy stands for nothing any more."),
	TEXT(OFFLOAD_READ_FILE_NOT_SUPPORTED, LASTING,
	     "This file cannot be the source of an offload copy."),
	TEXT(OFFLOAD_WRITE_FILE_NOT_SUPPORTED, LASTING,
	     "This file cannot be the target of an offload copy."),
	TEXT(SMB_BAD_CLUSTER_DIALECT, LASTING,
	     "The dialect of this client differs from the one the cluster agreed on."),
};

static const struct {
	uint32_t win32;
	const char *text;
} sentences[] = {
	{ 0, "The operation completed successfully." },
	{ 1, "Incorrect function." },
	{ 2, "The system cannot find the file specified." },
	{ 3, "The system cannot find the path specified." },
	{ 4, "The system cannot open the file." },
	{ 5, "Access is denied." },
	{ 6, "The handle is invalid." },
	{ 8, "Not enough memory resources are available to process this command." },
	{ 17, "The system cannot move the file to a different disk drive." },
	{ 18, "There are no more files." },
	{ 19, "The media is write protected." },
	{ 21, "The device is not ready." },
	{ 24, "The program issued a command but the command length is incorrect." },
	{ 31, "A device attached to the system is not functioning." },
	{ 32, "The process cannot access the file because it is being used by another process." },
	{ 33, "The process cannot access the file because another process has locked a portion of "
	      "the file." },
	{ 38, "Reached the end of the file." },
	{ 50, "The request is not supported." },
	{ 51, "Windows cannot find the network path. Verify that the network path is correct and "
	      "the destination computer is not busy or turned off." },
	{ 52, "You were not connected because a duplicate name exists on the network." },
	{ 53, "The network path was not found." },
	{ 54, "The network is busy." },
	{ 55, "The specified network resource or device is no longer available." },
	{ 58, "The specified server cannot perform the requested operation." },
	{ 59, "An unexpected network error occurred." },
	{ 64, "The specified network name is no longer available." },
	{ 65, "Network access is denied." },
	{ 66, "The network resource type is not correct." },
	{ 67, "The network name cannot be found." },
	{ 68, "The name limit for the local computer network adapter card was exceeded." },
	{ 69, "The network BIOS session limit was exceeded." },
	{ 71, "No more connections can be made to this remote computer at this time because there "
	      "are already as many connections as the computer can accept." },
	{ 86, "The specified network password is not correct." },
	{ 87, "The parameter is incorrect." },
	{ 112, "There is not enough space on the disk." },
	{ 121, "The semaphore timeout period has expired." },
	{ 122, "The data area passed to a system call is too small." },
	{ 123, "The filename, directory name, or volume label syntax is incorrect." },
	{ 145, "The directory is not empty." },
	{ 158, "The segment is already unlocked." },
	{ 161, "The specified path is invalid." },
	{ 170, "The requested resource is in use." },
	{ 183, "Cannot create a file when that file already exists." },
	{ 206, "The filename or extension is too long." },
	{ 223, "The file size exceeds the limit allowed and cannot be saved." },
	{ 230, "The pipe state is invalid." },
	{ 231, "All pipe instances are busy." },
	{ 232, "The pipe is being closed." },
	{ 233, "No process is on the other end of the pipe." },
	{ 234, "More data is available." },
	{ 255, "The extended attributes are inconsistent." },
	{ 259, "No more data is available." },
	{ 267, "The directory name is invalid." },
	{ 282, "The mounted file system does not support extended attributes." },
	{ 300, "The oplock request is denied." },
	{ 301, "An invalid oplock acknowledgment was received by the system." },
	{ 307,
	  "A requested file lock operation cannot be processed due to an invalid byte range." },
	{ WIN32_NO_MESSAGE, "The system has no message for this status." },
	{ 588, "A volume has been accessed for which a file system driver is required that has not "
	       "yet been loaded." },
	{ 605, "The specified buffer contains ill-formed data." },
	{ 665, "The requested operation could not be completed due to a file system limitation." },
	{ 681, "The create operation stopped after reaching a symbolic link." },
	{ 742, "An oplock of this file is being broken." },
	{ 745, "A notify change request has been completed because the handle that made it was "
	       "closed." },
	{ 776, "The request was made out of sequence." },
	{ 802, "The operation was not completed because it would cause an oplock to be broken." },
	{ 995, "The I/O operation has been aborted because of either a thread exit or an "
	       "application request." },
	{ 997, "Overlapped I/O operation is in progress." },
	{ 1022, "A notify change request is being completed and the information is not being "
		"returned in the caller's buffer. The caller now needs to enumerate the files to "
		"find the changes." },
	{ 1117, "The request could not be performed because of an I/O device error." },
	{ 1130, "Not enough server memory resources are available to process this command." },
	{ 1142, "An attempt was made to create more links on a file than the file system "
		"supports." },
	{ 1168, "Element not found." },
	{ 1210, "The format of the specified computer name is invalid." },
	{ 1225, "The remote computer refused the network connection." },
	{ 1231, "The network location cannot be reached." },
	{ 1232, "The network location cannot be reached." },
	{ 1237, "The operation could not be completed. A retry should be performed." },
	{ 1256, "The remote system is not available." },
	{ 1301, "Some mapping between account names and security IDs was not done." },
	{ 1307, "This security ID may not be assigned as the owner of this object." },
	{ 1311, "There are currently no logon servers available to service the logon request." },
	{ 1314, "A required privilege is not held by the client." },
	{ 1317, "The specified account does not exist." },
	{ 1326, "The user name or password is incorrect." },
	{ 1327, "Account restrictions are preventing this user from signing in." },
	{ 1328, "Your account has time restrictions that keep you from signing in right now." },
	{ 1329, "This user isn't allowed to sign in to this computer." },
	{ 1330, "The password for this account has expired." },
	{ 1331, "This user can't sign in because this account is currently disabled." },
	{ 1332, "No mapping between account names and security IDs was done." },
	{ 1336, "The access control list (ACL) structure is invalid." },
	{ 1337, "The security ID structure is invalid." },
	{ 1338, "The security descriptor structure is invalid." },
	{ 1355, "The specified domain either does not exist or could not be contacted." },
	{ 1359, "An internal error occurred." },
	{ 1376, "The specified local group does not exist." },
	{ 1385, "Logon failure: the user has not been granted the requested logon type at this "
		"computer." },
	{ 1392, "The file or directory is corrupted and unreadable." },
	{ 1398, "There is a time and/or date difference between the client and server." },
	{ 1450, "Insufficient system resources exist to complete the requested service." },
	{ 1787, "The security database on the server does not have a computer account for this "
		"workstation trust relationship." },
	{ 1789, "The trust relationship between this workstation and the primary domain failed." },
	{ 1793, "The user's account has expired." },
	{ 1816, "Not enough quota is available to process this command." },
	{ 1907, "The user's password must be changed before signing in." },
	{ 1909, "The referenced account is currently locked out and may not be logged on to." },
	{ 1920, "The file cannot be accessed by the system." },
	{ 1921, "The name of the file cannot be resolved by the system." },
	{ 4390, "The file or directory is not a reparse point." },
	{ 4391, "The reparse point is of another kind than the one that is there." },
	{ 4392, "The data of the reparse point are invalid." },
	{ 4393, "The tag of the reparse point is invalid." },
	{ 4394, "The tag is not that of the reparse point that is there." },
};

/* What a network hiccup or a failover looks like from outside: retried before anyone is told. */
static const uint16_t win32_transient[] = {
	51, 54, 58, 59, 64, 121, 170, 1225, 1231, 1232, 1237,
};

static const struct {
	int error;
	ntstatus status;
} errors[] = {
	{ 0, STATUS_SUCCESS },
	{ EPERM, STATUS_ACCESS_DENIED },
	{ ENOENT, STATUS_OBJECT_NAME_NOT_FOUND },
	{ EINTR, STATUS_RETRY },
	{ EIO, STATUS_IO_DEVICE_ERROR },
	{ ENXIO, STATUS_NO_SUCH_DEVICE },
	{ E2BIG, STATUS_EA_TOO_LARGE },
	{ EBADF, STATUS_INVALID_HANDLE },
	{ EAGAIN, STATUS_RETRY },
	{ ENOMEM, STATUS_NO_MEMORY },
	{ EACCES, STATUS_ACCESS_DENIED },
	{ EBUSY, STATUS_SHARING_VIOLATION },
	{ EEXIST, STATUS_OBJECT_NAME_COLLISION },
	{ EXDEV, STATUS_NOT_SAME_DEVICE },
	{ ENODEV, STATUS_NO_SUCH_DEVICE },
	{ ENOTDIR, STATUS_NOT_A_DIRECTORY },
	{ EISDIR, STATUS_FILE_IS_A_DIRECTORY },
	{ EINVAL, STATUS_INVALID_PARAMETER },
	{ ENFILE, STATUS_INSUFFICIENT_RESOURCES },
	{ EMFILE, STATUS_TOO_MANY_OPENED_FILES },
	{ ETXTBSY, STATUS_SHARING_VIOLATION },
	{ EFBIG, STATUS_DISK_FULL },
	{ ENOSPC, STATUS_DISK_FULL },
	{ ESPIPE, STATUS_INVALID_PARAMETER },
	{ EROFS, STATUS_MEDIA_WRITE_PROTECTED },
	{ EMLINK, STATUS_TOO_MANY_LINKS },
	{ EPIPE, STATUS_CONNECTION_RESET },
	{ ERANGE, STATUS_BUFFER_TOO_SMALL },
	{ EDEADLK, STATUS_FILE_LOCK_CONFLICT },
	{ ENAMETOOLONG, STATUS_OBJECT_NAME_INVALID },
	{ ENOLCK, STATUS_INSUFFICIENT_RESOURCES },
	{ ENOSYS, STATUS_NOT_SUPPORTED },
	{ ENOTEMPTY, STATUS_DIRECTORY_NOT_EMPTY },
	{ ELOOP, STATUS_REPARSE_POINT_NOT_RESOLVED },
	{ ENODATA, STATUS_NONEXISTENT_EA_ENTRY },
	{ EOVERFLOW, STATUS_INVALID_PARAMETER },
	{ EPROTO, STATUS_INVALID_NETWORK_RESPONSE },
	{ EILSEQ, STATUS_OBJECT_NAME_INVALID },
	{ EMSGSIZE, STATUS_INVALID_PARAMETER },
	{ EOPNOTSUPP, STATUS_NOT_SUPPORTED },
	{ EADDRINUSE, STATUS_DUPLICATE_NAME },
	{ EADDRNOTAVAIL, STATUS_NETWORK_UNREACHABLE },
	{ ENETDOWN, STATUS_NETWORK_UNREACHABLE },
	{ ENETUNREACH, STATUS_NETWORK_UNREACHABLE },
	{ ENETRESET, STATUS_CONNECTION_RESET },
	{ ECONNABORTED, STATUS_CONNECTION_DISCONNECTED },
	{ ECONNRESET, STATUS_CONNECTION_RESET },
	{ ENOBUFS, STATUS_INSUFFICIENT_RESOURCES },
	{ ENOTCONN, STATUS_CONNECTION_DISCONNECTED },
	{ ETIMEDOUT, STATUS_IO_TIMEOUT },
	{ ECONNREFUSED, STATUS_CONNECTION_REFUSED },
	{ EHOSTDOWN, STATUS_HOST_UNREACHABLE },
	{ EHOSTUNREACH, STATUS_HOST_UNREACHABLE },
	{ ESTALE, STATUS_FILE_DELETED },
	{ EDQUOT, STATUS_DISK_FULL }, /* as Windows says it of a quota that is used up */
	{ ECANCELED, STATUS_CANCELLED },
};

static const struct status_row *row_of(ntstatus status)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].status == status)
			return &statuses[i];
	return NULL;
}

const char *ntstatus_name(ntstatus status)
{
	static _Thread_local char number[sizeof("0x00000000")];
	const struct status_row *row = row_of(status);

	if (row)
		return row->name;
	snprintf(number, sizeof(number), "0x%08X", status);
	return number;
}

uint32_t ntstatus_win32(ntstatus status)
{
	const struct status_row *row = row_of(status);

	return row ? row->win32 : WIN32_NO_MESSAGE;
}

const char *win32_text(uint32_t win32)
{
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++)
		if (sentences[i].win32 == win32)
			return sentences[i].text;
	return win32_text(WIN32_NO_MESSAGE);
}

const char *ntstatus_text(ntstatus status)
{
	const struct status_row *row = row_of(status);

	if (row && row->text)
		return row->text;
	return win32_text(row ? row->win32 : WIN32_NO_MESSAGE);
}

uint32_t win32_hresult(uint32_t win32)
{
	if (!win32 || (int32_t)win32 < 0)
		return win32;
	return (win32 & 0xFFFFu) | 0x80070000u;
}

bool ntstatus_is_transient(ntstatus status)
{
	const struct status_row *row = row_of(status);

	if (!row || row->kind != LASTING)
		return row && row->kind == TRANSIENT;
	for (size_t i = 0; i < ARRAY_LEN(win32_transient); i++)
		if (win32_transient[i] == row->win32)
			return true;
	return false;
}

ntstatus ntstatus_of_errno(int error)
{
	if (error < 0)
		error = -error;
	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (errors[i].error == error)
			return errors[i].status;
	return STATUS_UNSUCCESSFUL;
}
