// SPDX-License-Identifier: Apache-2.0
/*
 * The steps of an installation, in order. A step that fails ends it, with the code, the likely
 * cause and the remedy that a probe would give. All steps may be done again: that is the repair.
 */
#include "install_impl.h"
#include "probe_impl.h"

#include <errno.h>
#include <stdio.h>

#define TIMEOUT_MS  10000
#define TEST_BYTES  4096
#define DIR_ACCESS  0x00120081u /* list, read attributes and control, synchronize */
#define FILE_ACCESS 0x00130003u /* read, write, delete, synchronize */
#define DELETE_ONLY 0x00010000u

/* What lies at the top of a distribution point (content/layout.h). */
static const char *const directories[] = { "metadata", "targets", "pieces", "staging" };

bool install_note(struct install *i, enum probe_place place, const char *name, const char *path,
		  ntstatus status, uint32_t win32, const char *note)
{
	struct probe_advice advice;
	bool good = status == STATUS_SUCCESS && !win32;

	if (!good && !win32)
		win32 = ntstatus_win32(status);
	if (i->options->step)
		i->options->step(i->options->owner, name, path, status, win32, note);
	if (good)
		return true;
	advice = probe_advise(place, status);
	i->result->name = xstrdup(name);
	i->result->path = xstrdup(path);
	i->result->status = status;
	i->result->win32 = win32;
	i->result->text = status ? ntstatus_text(status) : "The server refused the call.";
	i->result->cause = advice.cause;
	i->result->remedy =
		probe_remedy(advice, (struct probe_words){ .server = i->server,
							   .user = i->options->user,
							   .account = i->options->account });
	return false;
}

static bool log_on(struct install *i)
{
	const struct install_options *o = i->options;
	uint64_t timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
	struct client_options how = {
		.connect_timeout_ms = timeout_ms,
		.request_timeout_ms = timeout_ms,
		.server = i->server,
		.anonymous = !o->user,
		.user = o->user,
		.domain = o->domain,
		.nt_hash = o->nt_hash,
	};
	auto_free char *path = xasprintf("\\\\%s", i->server);
	struct client_failure failure = { 0 };

	i->sync = sync_connect(o->address ? o->address : i->server, o->port, &how, &failure);
	return install_note(i, PLACE_SERVER, i->sync ? "log on" : client_step_name(failure.step),
			    path, i->sync ? STATUS_SUCCESS : failure.status, 0, NULL);
}

/* A file of random bytes: written, flushed, read back, compared, deleted. */
static ntstatus try_object(struct install *i, const struct client_tree *tree, const char *name)
{
	uint8_t sent[TEST_BYTES], back[TEST_BYTES];
	struct smb2_file_id id;
	size_t got = 0;
	ntstatus status, end;

	random_bytes(sent, sizeof(sent));
	status = sync_open(i->sync, tree, name, FILE_ACCESS, FILE_OVERWRITE_IF,
			   FILE_NON_DIRECTORY_FILE, &id);
	if (status)
		return status;
	status = sync_write(i->sync, tree, id, 0, sent, sizeof(sent));
	if (!status)
		status = sync_flush(i->sync, tree, id);
	if (!status)
		status = sync_read(i->sync, tree, id, 0, back, sizeof(back), &got);
	if (!status && (got != sizeof(back) || memcmp(sent, back, sizeof(sent)) != 0))
		status = STATUS_FILE_CORRUPT_ERROR;
	end = sync_delete(i->sync, tree, id);
	if (!status)
		status = end;
	end = sync_close(i->sync, tree, id);
	return status ? status : end;
}

static bool try_admin(struct install *i)
{
	auto_free char *share = xasprintf("\\\\%s\\ADMIN$", i->server);
	auto_free char *name = xasprintf("berth-%s.tmp", i->options->site_code);
	auto_free char *path = xasprintf("%s\\%s", share, name);
	struct client_tree tree = { 0 };
	bool good = install_note(i, PLACE_ADMIN, "connect ADMIN$", share,
				 sync_tree_connect(i->sync, share, &tree, NULL), 0, NULL);

	if (!good)
		return false;
	good = install_note(i, PLACE_ADMIN, "write, read and delete in ADMIN$", path,
			    try_object(i, &tree, name), 0, NULL);
	(void)!sync_tree_disconnect(i->sync, &tree);
	return good;
}

/* A directory, and those over it are there. STATUS_SUCCESS where it is there already. */
ntstatus install_directory(struct install *i, const struct client_tree *tree, const char *name)
{
	struct smb2_file_id id;
	ntstatus status =
		sync_open(i->sync, tree, name, DIR_ACCESS, FILE_OPEN_IF, FILE_DIRECTORY_FILE, &id);

	return status ? status : sync_close(i->sync, tree, id);
}

static ntstatus look_for_directory(struct install *i, const struct client_tree *tree,
				   const char *name)
{
	struct smb2_file_id id;
	ntstatus status =
		sync_open(i->sync, tree, name, DIR_ACCESS, FILE_OPEN, FILE_DIRECTORY_FILE, &id);

	return status ? status : sync_close(i->sync, tree, id);
}

/* The path below the share, level by level, and the directories of the content. */
static bool make_directories(struct install *i, const struct client_tree *tree)
{
	auto_free char *part = xstrdup(i->below);

	for (char *at = part; *at;) {
		char *end = strchrnul(at, '\\'), was = *end;
		ntstatus status;

		*end = '\0';
		status = i->options->test_only ? look_for_directory(i, tree, part)
					       : install_directory(i, tree, part);
		if (!install_note(i, PLACE_SHARE, "directory", part, status, 0, NULL))
			return false;
		*end = was;
		at = was ? end + 1 : end;
	}
	for (size_t n = 0; n < ARRAY_LEN(directories); n++) {
		auto_free char *name = *i->below ? xasprintf("%s\\%s", i->below, directories[n])
						 : xstrdup(directories[n]);
		auto_free char *path = xasprintf("%s\\%s", i->share_path, name);
		ntstatus status = i->options->test_only ? look_for_directory(i, tree, name)
							: install_directory(i, tree, name);

		if (!install_note(i, PLACE_SHARE, "content directory", path, status, 0, NULL))
			return false;
	}
	return true;
}

static bool try_share(struct install *i)
{
	auto_free char *name =
		*i->below ? xasprintf("%s\\staging\\test-%s.tmp", i->below, i->options->site_code)
			  : xasprintf("staging\\test-%s.tmp", i->options->site_code);
	auto_free char *path = xasprintf("%s\\%s", i->share_path, name);
	struct client_tree tree = { 0 };
	bool good = install_note(i, PLACE_SHARE, "connect the share", i->share_path,
				 sync_tree_connect(i->sync, i->share_path, &tree, NULL), 0, NULL);

	if (!good)
		return false;
	good = make_directories(i, &tree) &&
	       install_note(i, PLACE_SHARE, "write, verify and remove a test object", path,
			    try_object(i, &tree, name), 0, NULL);
	(void)!sync_tree_disconnect(i->sync, &tree);
	return good;
}

/* "\\server\share\below" into its parts. */
static bool split(struct install *i, const char *unc)
{
	auto_free char *text = xstrdup(unc ? unc : "");
	size_t server, share;

	for (char *c = text; *c; c++)
		*c = (char)(*c == '/' ? '\\' : *c);
	if (strncmp(text, "\\\\", 2) != 0)
		return false;
	server = strcspn(text + 2, "\\");
	i->server = strndup(text + 2, server);
	share = text[2 + server] ? strcspn(text + 3 + server, "\\") : 0;
	i->share = strndup(text + 2 + server + (share ? 1 : 0), share);
	i->below = xstrdup(text[2 + server] && text[3 + server + share] ? text + 4 + server + share
									: "");
	for (size_t n = strlen(i->below); n && i->below[n - 1] == '\\'; n--)
		i->below[n - 1] = '\0';
	i->share_path = xasprintf("\\\\%s\\%s", i->server, i->share);
	return server && share;
}

static void end(struct install *i)
{
	sync_disconnect(i->sync);
	free(i->server);
	free(i->share);
	free(i->below);
	free(i->share_path);
}

static bool begin(struct install *i, const struct install_options *options,
		  struct install_result *result)
{
	*result = (struct install_result){ 0 };
	*i = (struct install){ .options = options, .result = result };
	if (!split(i, options->unc))
		return install_note(i, PLACE_SHARE, "path", options->unc ? options->unc : "",
				    STATUS_OBJECT_PATH_SYNTAX_BAD, 0, NULL);
	return log_on(i);
}

bool install_point(const struct install_options *options, struct install_result *result)
{
	struct install i;
	bool good = begin(&i, options, result);

	if (good && !options->share_only)
		good = try_admin(&i) && install_share(&i) && install_registry(&i);
	if (good)
		good = try_share(&i);
	end(&i);
	return good;
}

bool install_remove(const struct install_options *options, struct install_result *result)
{
	struct install i;
	bool good = begin(&i, options, result);

	if (good && !options->share_only)
		good = uninstall_registry(&i);
	end(&i);
	return good;
}

void install_result_free(struct install_result *result)
{
	free(result->name);
	free(result->path);
	free(result->remedy);
	*result = (struct install_result){ 0 };
}
