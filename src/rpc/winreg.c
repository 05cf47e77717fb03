// SPDX-License-Identifier: Apache-2.0
/*
 * The remote registry (MS-RRP) of a file server: what a tool of distribution or inventory keeps at
 * a server is kept in the server's own database and moves with it. Administrators only; nothing of
 * the node can be seen. What copies whole hives to files (SaveKey and its like) has no row.
 *
 * Context handles belong to the pipe: a table of at most MAX_HANDLES, each with the path of its key
 * and the rights that it was opened with. A key that was deleted since is found missing by the call
 * that uses it.
 */
#include <base/utf16.h>
#include <wire/srvsvc.h>
#include <wire/winreg.h>

#include "handles.h"
#include "interface.h"

#define MAX_HANDLES	    256
#define RIGHTS_GENERIC_ALL  0x12000000u /* GENERIC_ALL, MAXIMUM_ALLOWED */
#define GENERIC_WRITE_BIT   0x40000000u
#define VERSION_OF_REGISTRY 5u

static uint32_t werror_of(ntstatus status)
{
	static const struct {
		ntstatus status;
		uint32_t error;
	} errors[] = {
		{ STATUS_SUCCESS, WERR_SUCCESS },
		{ STATUS_OBJECT_NAME_NOT_FOUND, WERR_FILE_NOT_FOUND },
		{ STATUS_NO_MORE_ENTRIES, WERR_NO_MORE_ITEMS },
		{ STATUS_OBJECT_NAME_INVALID, WERR_INVALID_PARAMETER },
		{ STATUS_DIRECTORY_NOT_EMPTY, WERR_ACCESS_DENIED }, /* 3.1.5.7: it has subkeys */
		{ STATUS_DELETE_PENDING, WERR_KEY_DELETED },
		{ STATUS_DISK_FULL, WERR_NO_SYSTEM_RESOURCES },
		{ STATUS_INSUFFICIENT_RESOURCES, WERR_NO_SYSTEM_RESOURCES },
	};

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		if (errors[i].status == status)
			return errors[i].error;
	}
	return ntstatus_win32(status);
}

/* One call with its request, its handle and its reply. */
struct work {
	struct rpc_call *call;
	struct server *server;
	const struct token *who;
	struct winreg_request q;
	struct handle *h;
	struct winreg_reply a;
	struct store_registry_value value; /* what the reply points into */
	char *name;
};

/* A new handle of the key @path into the reply. */
static uint32_t give_key(struct work *w, const char *path)
{
	uint32_t access = w->q.access;
	struct handle *h = handle_new(w->call->state, MAX_HANDLES, w->a.handle);

	if (!h)
		return WERR_NO_SYSTEM_RESOURCES;
	h->path = xstrdup(path);
	h->access = access & RIGHTS_GENERIC_ALL ? KEY_ALL_ACCESS : access;
	if (access & GENERIC_WRITE_BIT)
		h->access |= KEY_SET_VALUE | KEY_CREATE_SUB_KEY;
	return WERR_SUCCESS;
}

/* "a\b" of a handle and what is below it; the names of the object are for the log. */
static char *path_below(const struct handle *h, const char *name)
{
	while (*name == '\\')
		name++;
	if (!*name)
		return xstrdup(h->path);
	return *h->path ? xasprintf("%s\\%s", h->path, name) : xstrdup(name);
}

static uint32_t open_root(struct work *w)
{
	return give_key(w, "");
}

static uint32_t close_key(struct work *w)
{
	handle_close(w->h);
	return WERR_SUCCESS;
}

static uint32_t open_key(struct work *w)
{
	auto_free char *path = path_below(w->h, w->q.name);
	ntstatus status = manage_registry_open(w->server, w->who, path, &w->call->error);

	return status ? werror_of(status) : give_key(w, path);
}

static uint32_t create_key(struct work *w)
{
	auto_free char *path = path_below(w->h, w->q.name);
	bool created;
	ntstatus status =
		manage_registry_create(w->server, w->who, path, &created, &w->call->error);

	w->a.disposition = created ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
	return status ? werror_of(status) : give_key(w, path);
}

static uint32_t delete_key(struct work *w)
{
	auto_free char *path = path_below(w->h, w->q.name);

	if (!*w->q.name)
		return WERR_INVALID_PARAMETER;
	return werror_of(manage_registry_delete(w->server, w->who, path, &w->call->error));
}

static uint32_t delete_value(struct work *w)
{
	return werror_of(
		manage_registry_unset(w->server, w->who, w->h->path, w->q.name, &w->call->error));
}

static bool has_room(const struct work *w, const char *name)
{
	return utf16_length(name) + 2 <= w->q.name_room;
}

static uint32_t enum_key(struct work *w)
{
	ntstatus status = manage_registry_child(w->server, w->who, w->h->path, w->q.index, &w->name,
						&w->a.changed);

	if (status)
		return werror_of(status);
	if (!has_room(w, w->name))
		return WERR_MORE_DATA;
	w->a.name = w->name;
	return WERR_SUCCESS;
}

/* The type, the size, and the data where there is room for it. */
static uint32_t give_value(struct work *w)
{
	w->a.type = w->value.type;
	w->a.size = (uint32_t)w->value.length;
	if (!w->q.has_data)
		return WERR_SUCCESS;
	if (!w->q.has_size || !w->q.has_length)
		return WERR_INVALID_PARAMETER;
	if (w->q.size < w->value.length)
		return WERR_MORE_DATA;
	w->a.data = w->value.data;
	w->a.data_length = (uint32_t)w->value.length;
	return WERR_SUCCESS;
}

static uint32_t enum_value(struct work *w)
{
	ntstatus status =
		manage_registry_get(w->server, w->who, w->h->path, NULL, w->q.index, &w->value);

	if (status)
		return werror_of(status);
	if (!has_room(w, w->value.name))
		return WERR_MORE_DATA;
	w->a.name = w->value.name;
	return give_value(w);
}

static uint32_t query_value(struct work *w)
{
	ntstatus status =
		manage_registry_get(w->server, w->who, w->h->path, w->q.name, 0, &w->value);

	return status ? werror_of(status) : give_value(w);
}

static uint32_t set_value(struct work *w)
{
	struct store_registry_value value = {
		.name = (char *)(uintptr_t)w->q.name, /* copied by the store */
		.type = w->q.type,
		.data = (uint8_t *)(uintptr_t)w->q.data,
		.length = w->q.data_length,
	};

	if (w->q.type > REG_TYPE_MAX)
		return WERR_INVALID_PARAMETER;
	return werror_of(
		manage_registry_set(w->server, w->who, w->h->path, &value, &w->call->error));
}

static uint32_t query_info(struct work *w)
{
	struct store_registry_info info = { 0 };
	ntstatus status =
		manage_registry_info(w->server, w->who, w->h->path, &info, &w->a.info.changed);

	w->a.info.subkeys = info.subkeys;
	w->a.info.longest_subkey = info.longest_subkey;
	w->a.info.values = info.values;
	w->a.info.longest_name = info.longest_name;
	w->a.info.longest_data = info.longest_data;
	return werror_of(status);
}

/* Every change is on the disk when its call returns. */
static uint32_t flush_key(struct work *w)
{
	return WERR_SUCCESS;
}

static uint32_t get_version(struct work *w)
{
	w->a.version = VERSION_OF_REGISTRY;
	return WERR_SUCCESS;
}

static const struct {
	uint16_t opnum;
	uint32_t access; /* that the handle was opened with; 0 where it takes none */
	bool has_handle;
	uint32_t (*run)(struct work *w);
} works[] = {
	{ WINREG_OPEN_LOCAL_MACHINE, 0, false, open_root },
	{ WINREG_CLOSE_KEY, 0, true, close_key },
	{ WINREG_CREATE_KEY, KEY_CREATE_SUB_KEY, true, create_key },
	{ WINREG_DELETE_KEY, 0, true, delete_key }, /* 3.1.5.7: whatever it was opened with */
	{ WINREG_DELETE_VALUE, KEY_SET_VALUE, true, delete_value },
	{ WINREG_ENUM_KEY, 0, true, enum_key },
	{ WINREG_ENUM_VALUE, 0, true, enum_value },
	{ WINREG_FLUSH_KEY, 0, true, flush_key },
	{ WINREG_OPEN_KEY, 0, true, open_key },
	{ WINREG_QUERY_INFO_KEY, 0, true, query_info },
	{ WINREG_QUERY_VALUE, 0, true, query_value },
	{ WINREG_SET_VALUE, KEY_SET_VALUE, true, set_value },
	{ WINREG_GET_VERSION, 0, true, get_version },
};

static uint32_t run_work(struct work *w, size_t which)
{
	if (w->call->refused)
		return w->call->refused;
	if (works[which].has_handle) {
		w->h = handle_find(*w->call->state, w->q.handle);
		if (!w->h)
			return WERR_INVALID_HANDLE;
		w->call->object = call_text(w->call, "%s\\%s", w->h->path, w->q.name);
		if ((w->h->access & works[which].access) != works[which].access)
			return WERR_ACCESS_DENIED;
	}
	return works[which].run(w);
}

static uint32_t any_call(struct rpc_call *call)
{
	struct work w = { .call = call, .server = call->peer->server, .who = call->peer->token };
	uint32_t fault = winreg_request_decode(call->in, call->opnum, &w.q);
	size_t which = 0;

	if (fault)
		return fault;
	while (works[which].opnum != call->opnum)
		which++;
	call->status = run_work(&w, which);
	w.a.status = call->status;
	winreg_reply_encode(call->out, call->opnum, &w.q, &w.a);
	store_registry_value_free(&w.value);
	free(w.name);
	return RPC_FAULT_NONE;
}

static const struct rpc_row rows[] = {
	{ WINREG_OPEN_LOCAL_MACHINE, "OpenLocalMachine", RPC_NEEDS_ADMIN, false, any_call },
	{ WINREG_CLOSE_KEY, "BaseRegCloseKey", RPC_NEEDS_ADMIN, false, any_call },
	{ WINREG_CREATE_KEY, "BaseRegCreateKey", RPC_NEEDS_ADMIN, true, any_call },
	{ WINREG_DELETE_KEY, "BaseRegDeleteKey", RPC_NEEDS_ADMIN, true, any_call },
	{ WINREG_DELETE_VALUE, "BaseRegDeleteValue", RPC_NEEDS_ADMIN, true, any_call },
	{ WINREG_ENUM_KEY, "BaseRegEnumKey", RPC_NEEDS_ADMIN, false, any_call },
	{ WINREG_ENUM_VALUE, "BaseRegEnumValue", RPC_NEEDS_ADMIN, false, any_call },
	{ WINREG_FLUSH_KEY, "BaseRegFlushKey", RPC_NEEDS_ADMIN, false, any_call },
	{ WINREG_OPEN_KEY, "BaseRegOpenKey", RPC_NEEDS_ADMIN, false, any_call },
	{ WINREG_QUERY_INFO_KEY, "BaseRegQueryInfoKey", RPC_NEEDS_ADMIN, false, any_call },
	{ WINREG_QUERY_VALUE, "BaseRegQueryValue", RPC_NEEDS_ADMIN, false, any_call },
	{ WINREG_SET_VALUE, "BaseRegSetValue", RPC_NEEDS_ADMIN, true, any_call },
	{ WINREG_GET_VERSION, "BaseRegGetVersion", RPC_NEEDS_ADMIN, false, any_call },
};

const struct rpc_interface rpc_winreg = {
	.pipe = "winreg",
	.syntax = &WINREG_INTERFACE,
	.rows = rows,
	.row_count = ARRAY_LEN(rows),
	.state_free = handles_free,
};
