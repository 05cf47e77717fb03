// SPDX-License-Identifier: Apache-2.0
/* The registry of a file server through the management interface: paths checked, limits kept. */
#include "manage_parts.h"

#include <base/log.h>
#include <base/utf16.h>

#include <errno.h>

/* One to 255 units a name, without control characters; at most so deep. "" is the root. */
static bool path_ok(const char *path)
{
	unsigned depth = 0;

	while (*path) {
		size_t length = strcspn(path, "\\");
		auto_free char *name = strndup(path, length);

		if (!length || utf16_length(name) > (size_t)MANAGE_REGISTRY_NAME_MAX * 2 ||
		    ++depth > MANAGE_REGISTRY_DEPTH_MAX)
			return false;
		for (const char *at = name; *at; at++) {
			if ((unsigned char)*at < 0x20)
				return false;
		}
		path += length;
		if (*path && !*++path)
			return false; /* a backslash at the end */
	}
	return true;
}

static ntstatus status_of(int code)
{
	switch (code) {
	case 0:
		return STATUS_SUCCESS;
	case -ENOENT:
		return STATUS_OBJECT_NAME_NOT_FOUND;
	case -EEXIST:
		return STATUS_DIRECTORY_NOT_EMPTY;
	case -ENOSPC:
		return STATUS_INSUFFICIENT_RESOURCES;
	default:
		return ntstatus_of_errno(code);
	}
}

static ntstatus begin(struct server *server, const struct token *who, const char *path,
		      struct manage_error *error)
{
	ntstatus status = manage_begin(server, who, "use the registry", error);

	if (status)
		return status;
	return path_ok(path)
		       ? STATUS_SUCCESS
		       : manage_fail(
				 error, STATUS_OBJECT_NAME_INVALID,
				 "\"%.200s\" is no path of a key: names of 1 to %d characters, %d "
				 "deep at most",
				 path, MANAGE_REGISTRY_NAME_MAX, MANAGE_REGISTRY_DEPTH_MAX);
}

ntstatus manage_registry_open(struct server *server, const struct token *who, const char *path,
			      struct manage_error *error)
{
	ntstatus status = begin(server, who, path, error);
	int64_t changed;

	return status ? status : status_of(store_registry_find(server->store, path, &changed));
}

ntstatus manage_registry_create(struct server *server, const struct token *who, const char *path,
				bool *created, struct manage_error *error)
{
	ntstatus status = begin(server, who, path, error);
	auto_free char *part = xstrdup(path);
	int64_t changed;
	int code = 0;

	*created = false;
	if (status)
		return status;
	/* From the top down; what is there already is passed over. */
	for (char *at = part; !code && *at;) {
		char *end = strchrnul(at, '\\'), was = *end;

		*end = '\0';
		code = store_registry_find(server->store, part, &changed);
		*created = code == -ENOENT;
		if (*created)
			code = store_registry_create(server->store, part);
		*end = was;
		at = was ? end + 1 : end;
	}
	if (code)
		return manage_fail_store(error, code, server);
	if (*created)
		log_info("registry key created server=%s key=%s", server->name, LOG_TEXT(path));
	return STATUS_SUCCESS;
}

ntstatus manage_registry_delete(struct server *server, const struct token *who, const char *path,
				struct manage_error *error)
{
	ntstatus status = begin(server, who, path, error);

	if (status)
		return status;
	if (!strchr(path, '\\'))
		return manage_fail(error, STATUS_ACCESS_DENIED,
				   "the top keys of the registry cannot be deleted");
	status = status_of(store_registry_remove(server->store, path));
	if (status)
		return status;
	log_info("registry key deleted server=%s key=%s", server->name, LOG_TEXT(path));
	return STATUS_SUCCESS;
}

ntstatus manage_registry_child(struct server *server, const struct token *who, const char *path,
			       uint32_t index, char **name, uint64_t *changed)
{
	ntstatus status = begin(server, who, path, NULL);
	int64_t ticks = 0;
	int code;

	*name = NULL;
	*changed = 0;
	if (status)
		return status;
	code = store_registry_child(server->store, path, index, name, &ticks);
	*changed = (uint64_t)ticks;
	return code == -ENOENT ? STATUS_NO_MORE_ENTRIES : status_of(code);
}

ntstatus manage_registry_info(struct server *server, const struct token *who, const char *path,
			      struct store_registry_info *out, uint64_t *changed)
{
	ntstatus status = begin(server, who, path, NULL);
	int64_t ticks = 0;

	*changed = 0;
	if (!status)
		status = status_of(store_registry_find(server->store, path, &ticks));
	if (status)
		return status;
	*changed = (uint64_t)ticks;
	return status_of(store_registry_info(server->store, path, out));
}

ntstatus manage_registry_set(struct server *server, const struct token *who, const char *path,
			     const struct store_registry_value *value, struct manage_error *error)
{
	ntstatus status = begin(server, who, path, error);
	int64_t changed;
	int code;

	if (status)
		return status;
	if (value->length > MANAGE_REGISTRY_DATA_MAX ||
	    utf16_length(value->name) > (size_t)MANAGE_REGISTRY_VALUE_MAX * 2)
		return manage_fail(error, STATUS_INVALID_PARAMETER,
				   "a value has at most %d bytes and a name of %d characters",
				   MANAGE_REGISTRY_DATA_MAX, MANAGE_REGISTRY_VALUE_MAX);
	code = store_registry_find(server->store, path, &changed);
	if (!code)
		code = store_registry_set(server->store, path, value);
	if (code == -ENOENT)
		return STATUS_DELETE_PENDING; /* since it was opened */
	if (code)
		return manage_fail_store(error, code, server);
	log_info("registry value set server=%s key=%s value=%s", server->name, LOG_TEXT(path),
		 LOG_TEXT(value->name));
	return STATUS_SUCCESS;
}

ntstatus manage_registry_get(struct server *server, const struct token *who, const char *path,
			     const char *name, uint32_t index, struct store_registry_value *out)
{
	ntstatus status = begin(server, who, path, NULL);
	int code;

	*out = (struct store_registry_value){ 0 };
	if (status)
		return status;
	if (name)
		return status_of(store_registry_get(server->store, path, name, out));
	code = store_registry_value_at(server->store, path, index, out);
	return code == -ENOENT ? STATUS_NO_MORE_ENTRIES : status_of(code);
}

ntstatus manage_registry_unset(struct server *server, const struct token *who, const char *path,
			       const char *name, struct manage_error *error)
{
	ntstatus status = begin(server, who, path, error);

	return status ? status : status_of(store_registry_unset(server->store, path, name));
}
