// SPDX-License-Identifier: Apache-2.0
/* Failures: their names, and which kind of problem a status is. */
#include <content/failure.h>

#include <stdarg.h>
#include <stdio.h>

static const char *const names[] = {
	[CONTENT_FINE] = "fine",
	[CONTENT_BAD_NAME] = "bad name",
	[CONTENT_BAD_FILE] = "bad file",
	[CONTENT_MISSING] = "missing",
	[CONTENT_UNREADABLE] = "unreadable",
	[CONTENT_UNWRITABLE] = "unwritable",
	[CONTENT_FULL] = "full",
	[CONTENT_UNREACHABLE] = "unreachable",
	[CONTENT_BUSY] = "busy",
	[CONTENT_FOREIGN] = "foreign",
	[CONTENT_DAMAGED] = "damaged",
	[CONTENT_TOO_LARGE] = "too large",
	[CONTENT_FORGED] = "forged",
	[CONTENT_EXPIRED] = "expired",
	[CONTENT_ROLLED_BACK] = "rolled back",
	[CONTENT_INCONSISTENT] = "inconsistent",
	[CONTENT_CANCELLED] = "cancelled",
	[CONTENT_INTERNAL] = "internal",
};
_Static_assert(ARRAY_LEN(names) == CONTENT_PROBLEM_COUNT, "every problem has a name");

const char *content_problem_name(enum content_problem problem)
{
	return problem < CONTENT_PROBLEM_COUNT ? names[problem] : "unknown";
}

/* What is not here is unreadable or unwritable, by what was tried. */
static const struct {
	ntstatus status;
	enum content_problem problem;
} problems[] = {
	{ STATUS_OBJECT_NAME_NOT_FOUND, CONTENT_MISSING },
	{ STATUS_OBJECT_PATH_NOT_FOUND, CONTENT_MISSING },
	{ STATUS_NO_SUCH_FILE, CONTENT_MISSING },
	{ STATUS_NOT_FOUND, CONTENT_MISSING },
	{ STATUS_DISK_FULL, CONTENT_FULL },
	{ STATUS_QUOTA_EXCEEDED, CONTENT_FULL },
	{ STATUS_BAD_NETWORK_PATH, CONTENT_UNREACHABLE },
	{ STATUS_BAD_NETWORK_NAME, CONTENT_UNREACHABLE },
	{ STATUS_IO_TIMEOUT, CONTENT_UNREACHABLE },
	{ STATUS_CONNECTION_DISCONNECTED, CONTENT_UNREACHABLE },
	{ STATUS_CONNECTION_RESET, CONTENT_UNREACHABLE },
	{ STATUS_CONNECTION_REFUSED, CONTENT_UNREACHABLE },
	{ STATUS_HOST_UNREACHABLE, CONTENT_UNREACHABLE },
	{ STATUS_HOST_DOWN, CONTENT_UNREACHABLE },
	{ STATUS_NETWORK_UNREACHABLE, CONTENT_UNREACHABLE },
	{ STATUS_REMOTE_NOT_LISTENING, CONTENT_UNREACHABLE },
	{ STATUS_UNEXPECTED_NETWORK_ERROR, CONTENT_UNREACHABLE },
	{ STATUS_NETWORK_NAME_DELETED, CONTENT_UNREACHABLE },
	{ STATUS_NETWORK_SESSION_EXPIRED, CONTENT_UNREACHABLE },
	{ STATUS_USER_SESSION_DELETED, CONTENT_UNREACHABLE },
	{ STATUS_SERVER_UNAVAILABLE, CONTENT_UNREACHABLE },
	{ STATUS_FILE_NOT_AVAILABLE, CONTENT_UNREACHABLE },
	{ STATUS_SHARE_UNAVAILABLE, CONTENT_UNREACHABLE },
	{ STATUS_VOLUME_DISMOUNTED, CONTENT_UNREACHABLE },
	{ STATUS_SHARING_VIOLATION, CONTENT_BUSY },
	{ STATUS_FILE_LOCK_CONFLICT, CONTENT_BUSY },
	{ STATUS_NETWORK_BUSY, CONTENT_BUSY },
	{ STATUS_INSUFFICIENT_RESOURCES, CONTENT_BUSY },
	{ STATUS_CANCELLED, CONTENT_CANCELLED },
	{ STATUS_NO_MEMORY, CONTENT_INTERNAL },
};

enum content_problem content_problem_of(ntstatus status, bool writing)
{
	if (!status)
		return CONTENT_FINE;
	for (size_t i = 0; i < ARRAY_LEN(problems); i++)
		if (problems[i].status == status)
			return problems[i].problem;
	return writing ? CONTENT_UNWRITABLE : CONTENT_UNREADABLE;
}

bool content_fail(struct content_failure *why, enum content_problem problem, ntstatus status,
		  const char *path, const char *format, ...)
{
	va_list list;

	if (!why)
		return false;
	why->problem = problem;
	why->status = status;
	snprintf(why->path, sizeof(why->path), "%s", path ? path : "");
	va_start(list, format);
	vsnprintf(why->text, sizeof(why->text), format, list);
	va_end(list);
	return false;
}

bool content_fail_status(struct content_failure *why, ntstatus status, bool writing,
			 const char *path, const char *what_was_tried)
{
	return content_fail(why, content_problem_of(status, writing), status, path, "%s: %s",
			    what_was_tried, ntstatus_text(status));
}

bool content_fail_errno(struct content_failure *why, int error, const char *path,
			const char *what_was_tried)
{
	ntstatus status = ntstatus_of_errno(error);
	enum content_problem problem = content_problem_of(status, false);

	if (error < 0)
		error = -error;
	return content_fail(why, problem, status, path, "%s: %s", what_was_tried, strerror(error));
}
