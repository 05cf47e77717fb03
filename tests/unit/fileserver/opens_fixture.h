// SPDX-License-Identifier: Apache-2.0
/*
 * A volume in a new directory, a share of it, two users and an administrator, made by hand, for
 * tests of opens. Shares are not counted here: they are static.
 */
#ifndef TEST_OPENS_FIXTURE_H
#define TEST_OPENS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fileserver/open.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct share *share_get(struct share *share)
{
	return share;
}

void share_put(struct share *share)
{
	(void)share;
}

struct fixture {
	char directory[64];
	struct volume *volume;
	struct server server;
	struct share share;
	struct token *alice, *bob, *admin;
	struct guid client[2];
};
static struct fixture F;

static struct token *make_token(const char *name, uint32_t rid, bool admin)
{
	struct sid domain, user, primary;
	struct sid groups[1];
	struct token_info info = { .user_name = name, .domain_name = "FS" };

	assert_true(sid_parse("S-1-5-21-1-2-3", &domain));
	user = sid_child(&domain, rid);
	primary = sid_child(&domain, 513);
	groups[0] = admin ? SID_ADMINISTRATORS : SID_USERS;
	info.user = user;
	info.primary_group = primary;
	info.groups = groups;
	info.group_count = 1;
	return token_new(&info);
}

static inline int fixture_begin(void **state)
{
	char home[128];

	(void)state;
	memset(&F, 0, sizeof(F));
	strcpy(F.directory, "/tmp/berth-opens-XXXXXX");
	assert_non_null(mkdtemp(F.directory));
	snprintf(home, sizeof(home), "%s/.berth", F.directory);
	assert_int_equal(mkdir(home, 0700), 0);
	assert_int_equal(volume_open(F.directory, &F.volume), STATUS_SUCCESS);
	F.share.server = &F.server;
	F.share.name = (char *)(uintptr_t) "files";
	F.share.path = (char *)(uintptr_t) "";
	F.server.volume = F.volume;
	F.server.online = true;
	assert_int_equal(volume_directory(F.volume, "", &F.share.root), STATUS_SUCCESS);
	F.alice = make_token("alice", 1001, false);
	F.bob = make_token("bob", 1002, false);
	F.admin = make_token("admin", 500, true);
	F.client[0].bytes[0] = 1;
	F.client[1].bytes[0] = 2;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int fixture_end(void **state)
{
	(void)state;
	open_close_server(&F.server);
	volume_node_put(F.share.root);
	volume_close(F.volume);
	token_put(F.alice);
	token_put(F.bob);
	token_put(F.admin);
	return nftw(F.directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What a CREATE asks; zero-initialised it is "open for reading, sharing everything". */
struct ask {
	const char *path;
	struct token *token;
	uint32_t access, share, disposition, options, attributes;
	bool no_share;	/* share 0 is meant */
	bool supersede; /* disposition 0 is meant */
	uint8_t oplock;
	const struct smb2_create_contexts *contexts;
	int client;
	struct waiter *waiter;
	struct open_result *result;
	uint64_t session; /* 0: that of the client */
	uint16_t dialect; /* 0: 2.0.2 */
	struct replay **replay;
	bool is_replay, holder_stays;
	struct identity *identity;
};

static ntstatus ask_open(const struct ask *ask, struct open **out)
{
	struct open_result result;
	struct open_request request = {
		.share = &F.share,
		.token = ask->token ? ask->token : F.alice,
		.path = ask->path,
		.session_id = ask->session ? ask->session : (uint64_t)ask->client + 1,
		.tree_id = 1,
		.client_guid = F.client[ask->client],
		.share_maximal_access = FILE_ALL_ACCESS,
		.desired_access = ask->access ? ask->access : FILE_GENERIC_READ,
		.file_attributes = ask->attributes,
		.share_access = ask->no_share ? 0
				: ask->share  ? ask->share
					      : 7,
		.disposition = ask->supersede	  ? FILE_SUPERSEDE
			       : ask->disposition ? ask->disposition
						  : FILE_OPEN,
		.options = ask->options,
		.oplock_level = ask->oplock,
		.contexts = ask->contexts,
		.dialect = ask->dialect ? ask->dialect : SMB2_DIALECT_202,
		.replay = ask->replay,
		.is_replay = ask->is_replay,
		.holder_stays = ask->holder_stays,
		.identity = ask->identity,
	};

	return open_create(&request, ask->waiter, out, ask->result ? ask->result : &result);
}

/* try_open - opens, closes, and says how the open went. */
static inline ntstatus try_open(struct ask ask)
{
	struct open *open = NULL;
	ntstatus status = ask_open(&ask, &open);

	if (open) {
		assert_int_equal(open_close(open, NULL), STATUS_SUCCESS);
		open_put(open);
	}
	return status;
}
#define TRY(...) try_open((struct ask){ __VA_ARGS__ })

static inline struct open *must_open(struct ask ask)
{
	struct open *open = NULL;
	ntstatus status = ask_open(&ask, &open);

	if (status != STATUS_SUCCESS)
		fail_msg("%s: %s", ask.path, ntstatus_name(status));
	assert_non_null(open);
	return open;
}
#define OPEN(...) must_open((struct ask){ __VA_ARGS__ })

static inline void done(struct open *open)
{
	assert_int_equal(open_close(open, NULL), STATUS_SUCCESS);
	open_put(open);
}

static inline void make_file(const char *path)
{
	done(OPEN(.path = path, .access = FILE_GENERIC_WRITE | DELETE_ACCESS,
		  .disposition = FILE_CREATE));
}

static inline void make_directory(const char *path)
{
	done(OPEN(.path = path, .access = FILE_GENERIC_READ, .disposition = FILE_CREATE,
		  .options = FILE_DIRECTORY_FILE));
}

#define assert_status(call, expected)                                                              \
	do {                                                                                       \
		ntstatus got_status = (call);                                                      \
		if (got_status != (expected))                                                      \
			fail_msg("%s: %s, not %s", #call, ntstatus_name(got_status), #expected);   \
	} while (0)

/* A waiter that remembers how it was woken. */
struct noted {
	struct waiter waiter;
	int count;
	ntstatus status;
};

static inline void note(struct waiter *waiter, ntstatus status)
{
	struct noted *noted = container_of(waiter, struct noted, waiter);

	noted->count++;
	noted->status = status;
}
#define NOTED                                                                                      \
	{                                                                                          \
		.waiter = {.wake = note }                                                          \
	}

#endif
