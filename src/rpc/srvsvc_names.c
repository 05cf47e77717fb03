// SPDX-License-Identifier: Apache-2.0
/*
 * Which kind of path a text is, and whether a name may be one (MS-SRVS 3.1.4.29, 3.1.4.32). Windows
 * asks this of a server before it makes a share there. Nothing is looked up.
 */
#include <base/utf16.h>
#include <ctype.h>
#include <wire/srvsvc.h>

#include "interface.h"

#define MAX_PATH_UNITS 260

/* MS-SRVS 2.2.2.9, those that can come out here. */
enum {
	ITYPE_UNC = 4096,
	ITYPE_UNC_WC_PATH = 4097,
	ITYPE_UNC_COMPNAME = 4144,
	ITYPE_UNC_WC = 4145,
	ITYPE_PATH_RELND = 8192,
	ITYPE_PATH_ABSND = 8194,
	ITYPE_PATH_RELD = 8196,
	ITYPE_PATH_ABSD = 8198,
	ITYPE_WITH_WILDCARD = 1, /* added to the four above */
	ITYPE_DEVICE_DISK = 16384,
};

/* valid_component - of a path: no reserved character; wildcards are counted and not refused. */
static bool valid_component(const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)at[i] < 0x20 || strchr("\"/:<>|", at[i]))
			return false;
	}
	return true;
}

/* valid_rest - the components from @at on; no empty one between two backslashes. */
static bool valid_rest(const char *at)
{
	while (*at) {
		size_t length = strcspn(at, "\\");

		if (!length || !valid_component(at, length))
			return false;
		at += length;
		if (*at)
			at++;
	}
	return true;
}

static uint32_t unc_type(const char *path)
{
	size_t name = strcspn(path + 2, "\\");
	size_t length = strlen(path);

	if (!strcmp(path, "\\\\*"))
		return ITYPE_UNC_WC;
	if (!name || path[length - 1] == '\\' || !valid_rest(path + 2))
		return 0;
	if (!path[2 + name])
		return ITYPE_UNC_COMPNAME;
	return strpbrk(path + 2 + name, "*?") ? ITYPE_UNC_WC_PATH : ITYPE_UNC;
}

/* path_type - 0 where @path is of none. */
static uint32_t path_type(const char *path)
{
	bool has_drive = isalpha((unsigned char)path[0]) && path[1] == ':';
	uint32_t type;

	if (path[0] == '\\' && path[1] == '\\')
		return unc_type(path);
	if (has_drive && !path[2])
		return ITYPE_DEVICE_DISK;
	if (has_drive)
		path += 2;
	if (path[0] == '\\')
		type = has_drive ? ITYPE_PATH_ABSD : ITYPE_PATH_ABSND;
	else
		type = has_drive ? ITYPE_PATH_RELD : ITYPE_PATH_RELND;
	if (!valid_rest(path + (path[0] == '\\')))
		return 0;
	return type + (strpbrk(path, "*?") ? ITYPE_WITH_WILDCARD : 0);
}

uint32_t srvsvc_path_type(struct rpc_call *call)
{
	struct srvsvc_plain_request request;
	uint32_t fault = srvsvc_plain_request_decode(call->in, call->opnum, &request);
	size_t units = 0;
	uint32_t type = 0;

	if (fault)
		return fault;
	units = utf16_length(request.name) / 2;
	if (request.flags > 1)
		call->status = WERR_INVALID_PARAMETER;
	else if (!units || units > MAX_PATH_UNITS)
		call->status = WERR_INVALID_NAME;
	else
		type = path_type(request.name);
	if (!call->status && !type)
		call->status = WERR_INVALID_NAME;
	srvsvc_value_encode(call->out, type, call->status);
	return RPC_FAULT_NONE;
}

/* MS-SRVS 2.2.2.8: how long a name of each type may be, and what may not be in it. */
static const struct {
	uint32_t type;
	size_t most;
	const char *not_in_it;
} names[] = {
	{ 1, 256, "\"/\\[]:|<>+=;,?*@" }, /* user */
	{ 3, 256, "\"/\\[]:|<>+=;,?*@" }, /* group */
	{ 4, 259, "\"/\\[]:|<>+=;,?* " }, /* computer */
	{ 6, 15, "\"/\\[]:|<>+=;,?* " },  /* domain */
	{ 7, 80, "/\\" },		  /* service */
	{ 8, 259, "\"/\\[]:|<>+=;,?* " }, /* anything that is on the net */
	{ 9, 80, "\"/\\[]:|<>+=;,?*" },	  /* share */
	{ 13, 15, "\"/\\[]:|<>+=;,?*" },  /* workgroup */
};

static uint32_t name_status(const char *name, uint32_t type)
{
	size_t units = utf16_length(name) / 2;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (names[i].type != type)
			continue;
		if (!units || units > names[i].most || strpbrk(name, names[i].not_in_it))
			return WERR_INVALID_NAME;
		for (const char *p = name; *p; p++) {
			if ((unsigned char)*p < 0x20)
				return WERR_INVALID_NAME;
		}
		return WERR_SUCCESS;
	}
	return WERR_INVALID_PARAMETER;
}

uint32_t srvsvc_name_validate(struct rpc_call *call)
{
	struct srvsvc_plain_request request;
	uint32_t fault = srvsvc_plain_request_decode(call->in, call->opnum, &request);

	if (fault)
		return fault;
	call->status = name_status(request.name, request.type);
	srvsvc_status_encode(call->out, call->status);
	return RPC_FAULT_NONE;
}
