// SPDX-License-Identifier: Apache-2.0
/*
 * A whole pipe in front of a real file server: its home in a temporary directory, the management
 * interface behind the calls. What an input has made is removed before the next one.
 */
#include <base/log.h>
#include <fileserver/manage.h>
#include <ftw.h>
#include <rpc/rpc.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "converse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[64];
static struct server *server;
static struct token *admin, *user, *stranger;

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void remove_directory(void)
{
	token_put(admin);
	token_put(user);
	token_put(stranger);
	server_withdraw(server);
	server_put(server);
	nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static struct token *make_token(const char *name, uint64_t authority, bool is_admin)
{
	struct token_info info = { .user = sid_child(&server->domain_sid, 1000),
				   .primary_group = SID_USERS,
				   .user_name = name,
				   .domain_name = "FS",
				   .authority_name = "FS",
				   .authority = authority,
				   .groups = &SID_ADMINISTRATORS,
				   .group_count = is_admin };
	struct token *token = token_new(&info);

	BUG_ON(!token);
	return token;
}

static void put_share(const char *name)
{
	char path[] = "dir";
	struct store_share share = { .name = (char *)(uintptr_t)name,
				     .path = path,
				     .remark = (char *)(uintptr_t) "r",
				     .max_uses = UINT32_MAX };
	struct manage_error error;

	BUG_ON(manage_share_add(server, NULL, &share, true, &error) != STATUS_SUCCESS);
}

static void start(void)
{
	char *home, *why = NULL;
	bool in_memory = access("/dev/shm", W_OK) == 0;

	log_set_level(LOG_LEVEL_ERROR);
	snprintf(directory, sizeof(directory), "%s/berth-fuzz.XXXXXX",
		 in_memory ? "/dev/shm" : "/tmp");
	BUG_ON(!mkdtemp(directory));
	home = xasprintf("%s/" VOLUME_HOME, directory);
	BUG_ON(store_create(home, "FS") != 0);
	free(home);
	BUG_ON(server_load(directory, false, &server, &why) != 0);
	server_publish(server);
	admin = make_token("root", server->id, true);
	user = make_token("alice", server->id, false);
	stranger = make_token("eve", server->id + 1000, true);
	rpc_register();
	put_share("distro_test");
	atexit(remove_directory);
}

static void tidy(void)
{
	struct manage_share *shares;
	size_t count;
	bool found = false;

	BUG_ON(manage_shares(server, NULL, false, &shares, &count) != STATUS_SUCCESS);
	for (size_t i = 0; i < count; i++) {
		struct manage_error error;

		if (!strcmp(shares[i].name, "distro_test"))
			found = true;
		else if (!(shares[i].type & STYPE_SPECIAL))
			BUG_ON(manage_share_remove(server, NULL, shares[i].name, &error) !=
			       STATUS_SUCCESS);
	}
	manage_shares_free(shares, count);
	if (!found)
		put_share("distro_test");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cur_of(data, size);
	uint8_t which = cur_u8(&c);
	struct pipe_peer peer = { .dialled = "FS", .client = "10.0.0.7" };
	const struct pipe_endpoint *endpoint;
	void *pipe;

	if (!server)
		start();
	peer.server = server;
	peer.token = (const struct token *const[]){ admin, user, stranger }[peer_of(which)];
	endpoint = pipe_endpoint_find(pipe_of(which));
	pipe = endpoint->open(&peer);
	BUG_ON(!pipe);
	converse(endpoint, pipe, which, c);
	tidy();
	return 0;
}
