// SPDX-License-Identifier: Apache-2.0
/* The steps of an installation that go over RPC: the share (srvsvc), the settings (winreg). */
#include "install_impl.h"

#include <base/utf16.h>
#include <client/rpc.h>
#include <stdio.h>
#include <wire/srvsvc.h>
#include <wire/winreg.h>

#define KEY_OF_POINTS "SOFTWARE\\Berth\\Distribution Points"
#define INFO_LEVEL    2

/* One call: its stub is in @in, its answer's reader in *@r over @reply. */
static ntstatus call(struct rpc_pipe *pipe, uint16_t opnum, const struct buf *in, struct buf *reply,
		     struct ndr_reader *r)
{
	uint32_t fault;
	ntstatus status = rpc_call(pipe, opnum, cur_of(in->data, in->len), reply, &fault);

	if (status == STATUS_UNSUCCESSFUL && fault == RPC_FAULT_ACCESS_DENIED)
		status = STATUS_ACCESS_DENIED;
	*r = ndr_reader_of(cur_of(reply->data, reply->len));
	return status;
}

/* The local path of a share at the server, or *@win32; a new string. */
static ntstatus ask_share(struct install *i, struct rpc_pipe *pipe, const char *share, char **path,
			  uint32_t *win32)
{
	auto_buf struct buf in = { 0 }, reply = { 0 };
	struct ndr_writer w = ndr_writer_of(&in);
	struct srvsvc_info_request request = { .server_name = i->server,
					       .name = share,
					       .level = INFO_LEVEL };
	struct srvsvc_share row = { 0 };
	struct ndr_reader r;
	bool present = false;
	ntstatus status;

	srvsvc_info_request_encode(&w, SRVSVC_SHARE_GET_INFO, &request);
	status = call(pipe, SRVSVC_SHARE_GET_INFO, &in, &reply, &r);
	if (!status &&
	    info_reply_decode(&r, &SRVSVC_SHARES, INFO_LEVEL, &row, &present, win32) != 0)
		status = STATUS_INVALID_NETWORK_RESPONSE;
	if (!status && present && row.path)
		*path = xstrdup(row.path);
	ndr_reader_free(&r);
	return status;
}

static ntstatus add_share(struct install *i, struct rpc_pipe *pipe, const char *path,
			  uint32_t *win32)
{
	auto_buf struct buf in = { 0 }, reply = { 0 };
	struct ndr_writer w = ndr_writer_of(&in);
	struct srvsvc_share_request request = {
		.server_name = i->server,
		.level = INFO_LEVEL,
		.has_share = true,
		.share = { .name = i->share,
			   .remark = "Distribution point",
			   .path = path,
			   .max_uses = UINT32_MAX },
	};
	struct ndr_reader r;
	ntstatus status;

	srvsvc_share_request_encode(&w, SRVSVC_SHARE_ADD, &request);
	status = call(pipe, SRVSVC_SHARE_ADD, &in, &reply, &r);
	if (!status && srvsvc_share_reply_decode(&r, SRVSVC_SHARE_ADD, win32))
		status = STATUS_INVALID_NETWORK_RESPONSE;
	ndr_reader_free(&r);
	return status;
}

/* The directory of a new share, through the drive share that ADMIN$'s path names. */
static bool make_share(struct install *i, struct rpc_pipe *pipe)
{
	auto_free char *admin = NULL, *drive = NULL, *local = NULL;
	struct client_tree tree = { 0 };
	uint32_t win32 = 0;
	ntstatus status = ask_share(i, pipe, "ADMIN$", &admin, &win32);
	bool good;

	if (!status && !win32 && (!admin || !*admin || admin[1] != ':'))
		status = STATUS_NOT_SUPPORTED;
	if (!install_note(i, PLACE_ADMIN, "ask for the drive", "ADMIN$", status, win32, admin))
		return false;
	drive = xasprintf("\\\\%s\\%c$", i->server, admin[0]);
	local = xasprintf("%c:\\%s", admin[0], i->share);
	if (!install_note(i, PLACE_ADMIN, "connect the drive share", drive,
			  sync_tree_connect(i->sync, drive, &tree, NULL), 0, NULL))
		return false;
	good = install_note(i, PLACE_ADMIN, "make the share's directory", local,
			    install_directory(i, &tree, i->share), 0, NULL);
	(void)!sync_tree_disconnect(i->sync, &tree);
	if (!good)
		return false;
	status = add_share(i, pipe, local, &win32);
	return install_note(i, PLACE_SHARE, "add the share (NetrShareAdd)", i->share_path, status,
			    win32, local);
}

bool install_share(struct install *i)
{
	auto_free char *pipe_path = xasprintf("\\\\%s\\IPC$\\srvsvc", i->server);
	auto_free char *path = NULL;
	uint32_t win32 = 0;
	ntstatus status;
	auto_rpc struct rpc_pipe *pipe =
		rpc_open(i->sync, i->server, "srvsvc", &SRVSVC_INTERFACE, &status);

	if (!install_note(i, PLACE_ADMIN, "open srvsvc", pipe_path, status, 0, NULL))
		return false;
	status = ask_share(i, pipe, i->share, &path, &win32);
	if (!status && win32 == NERR_NET_NAME_NOT_FOUND && !i->options->test_only)
		return make_share(i, pipe);
	return install_note(i, PLACE_SHARE, "look for the share", i->share_path, status, win32,
			    path);
}

/* One call of winreg; the status of the call in *@win32. */
static ntstatus registry_call(struct rpc_pipe *pipe, uint16_t opnum,
			      const struct winreg_request *request, struct winreg_reply *out,
			      uint32_t *win32)
{
	auto_buf struct buf in = { 0 }, reply = { 0 };
	struct ndr_writer w = ndr_writer_of(&in);
	struct ndr_reader r;
	ntstatus status;

	winreg_request_encode(&w, opnum, request);
	status = call(pipe, opnum, &in, &reply, &r);
	if (!status && winreg_reply_decode(&r, opnum, out))
		status = STATUS_INVALID_NETWORK_RESPONSE;
	*win32 = status ? 0 : out->status;
	out->name = NULL; /* they die with the reply */
	out->data = NULL;
	ndr_reader_free(&r);
	return status;
}

static ntstatus set_text(struct rpc_pipe *pipe, const uint8_t *key, const char *name,
			 const char *text, uint32_t *win32)
{
	auto_buf struct buf wide = { 0 };
	struct winreg_request request = { .name = name, .type = REG_SZ };
	struct winreg_reply reply;

	utf16_encode(&wide, text);
	buf_u16le(&wide, 0);
	memcpy(request.handle, key, WINREG_HANDLE_LENGTH);
	request.data = wide.data;
	request.data_length = (uint32_t)wide.len;
	return registry_call(pipe, WINREG_SET_VALUE, &request, &reply, win32);
}

/* A key of the point: by site, share and directory, so that several of each keep apart. */
static char *key_of(const struct install *i)
{
	char *key = xasprintf(KEY_OF_POINTS "\\%s.%s%s%s", i->options->site_code, i->share,
			      *i->below ? "." : "", i->below);

	/* A backslash would be a key within a key. */
	for (char *c = key + strlen(KEY_OF_POINTS) + 1; *c; c++)
		*c = (char)(*c == '\\' ? '/' : *c);
	return key;
}

static struct rpc_pipe *open_registry(struct install *i, struct winreg_reply *root)
{
	auto_free char *pipe_path = xasprintf("\\\\%s\\IPC$\\winreg", i->server);
	struct winreg_request request = { .access = KEY_ALL_ACCESS };
	uint32_t win32 = 0;
	ntstatus status;
	struct rpc_pipe *pipe = rpc_open(i->sync, i->server, "winreg", &WINREG_INTERFACE, &status);

	if (!status)
		status = registry_call(pipe, WINREG_OPEN_LOCAL_MACHINE, &request, root, &win32);
	if (install_note(i, PLACE_ADMIN, "open the registry", pipe_path, status, win32, NULL))
		return pipe;
	rpc_close(pipe);
	return NULL;
}

bool install_registry(struct install *i)
{
	auto_free char *key = key_of(i);
	const struct {
		const char *name, *text;
	} values[] = { { "Site", i->options->site_code },
		       { "Share", i->share },
		       { "Path", i->below },
		       { "Installer", "Berth" } };
	struct winreg_request request = { .name = key, .access = KEY_ALL_ACCESS };
	struct winreg_reply reply;
	auto_rpc struct rpc_pipe *pipe = open_registry(i, &reply);
	uint16_t opnum = i->options->test_only ? WINREG_OPEN_KEY : WINREG_CREATE_KEY;
	uint32_t win32 = 0;
	ntstatus status;

	if (!pipe)
		return false;
	memcpy(request.handle, reply.handle, sizeof(request.handle));
	status = registry_call(pipe, opnum, &request, &reply, &win32);
	for (size_t n = 0; n < ARRAY_LEN(values) && !status && !win32 && !i->options->test_only;
	     n++)
		status = set_text(pipe, reply.handle, values[n].name, values[n].text, &win32);
	return install_note(i, PLACE_ADMIN,
			    i->options->test_only ? "look for the registry values"
						  : "set the registry values",
			    key, status, win32, NULL);
}

bool uninstall_registry(struct install *i)
{
	auto_free char *key = key_of(i);
	struct winreg_request request = { .name = key };
	struct winreg_reply reply;
	auto_rpc struct rpc_pipe *pipe = open_registry(i, &reply);
	uint32_t win32 = 0;
	ntstatus status;

	if (!pipe)
		return false;
	memcpy(request.handle, reply.handle, sizeof(request.handle));
	status = registry_call(pipe, WINREG_DELETE_KEY, &request, &reply, &win32);
	if (win32 == WERR_FILE_NOT_FOUND)
		win32 = 0; /* it is what was wanted */
	return install_note(i, PLACE_ADMIN, "delete the registry values", key, status, win32, NULL);
}
