// SPDX-License-Identifier: Apache-2.0
/*
 * Which shares a name shows and who may connect to them: the oracle table below the protocol,
 * against servers in homes of their own.
 */
#include <fileserver/manage.h>

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <base/log.h>
#include <cmocka.h>

static char top[64];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static int set_up(void **state)
{
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(top, sizeof(top), "/tmp/berth-scopes-XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int tear_down(void **state)
{
	return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A file server with one share, made in a home and read from it. */
static struct server *make_server(const char *name, bool is_node, const char *visibility,
				  const char *share_name, const char *address)
{
	char volume[100], home[120];
	struct store_share share = { .name = (char *)(uintptr_t)share_name,
				     .path = (char *)(uintptr_t)share_name,
				     .remark = (char *)(uintptr_t) "",
				     .max_uses = UINT32_MAX };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(445) };
	struct sockaddr_storage socket = { 0 };
	struct server *server;
	struct store *store;
	char *why = NULL;

	snprintf(volume, sizeof(volume), "%s/%s", top, name);
	snprintf(home, sizeof(home), "%s/.berth", volume);
	assert_int_equal(mkdir(volume, 0755), 0);
	assert_int_equal(store_create(home, name), 0);
	assert_int_equal(store_open(home, &store), 0);
	if (visibility)
		assert_int_equal(store_set_setting(store, "visibility", visibility), 0);
	if (!strcmp(name, "FS")) {
		assert_int_equal(store_set_setting(store, "aliases", "ALIAS,OTHER"), 0);
		assert_int_equal(store_set_setting(store, "fqdn", "fs.example.test"), 0);
	}
	assert_int_equal(store_share_add(store, &share), 0);
	store_close(store);
	snprintf(home, sizeof(home), "%s/%s", volume, share_name);
	assert_int_equal(mkdir(home, 0755), 0);
	assert_int_equal(server_load(volume, is_node, &server, &why), 0);
	assert_null(why);
	inet_pton(AF_INET, address, &in.sin_addr);
	memcpy(&socket, &in, sizeof(in));
	server_set_addresses(server, &socket, 1);
	server_publish(server);
	return server;
}

static void end_server(struct server *server)
{
	server_withdraw(server);
	assert_int_equal(server->refs, 1);
	server_put(server);
}

/* The three servers of the oracle: a node with `files`, FS with `distro_test`, FS2 with `home`. */
struct house {
	struct server *node, *fs, *fs2;
};

static void begin(struct house *h, const char *visibility)
{
	h->node = make_server("N1", true, NULL, "files", "127.0.0.11");
	h->fs = make_server("FS", false, visibility, "distro_test", "127.0.0.50");
	h->fs2 = make_server("FS2", false, visibility, "home", "127.0.0.51");
}

static void end(struct house *h)
{
	end_server(h->fs2);
	end_server(h->fs);
	end_server(h->node);
}

static struct sockaddr_storage local(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(445) };
	struct sockaddr_storage out = { 0 };

	inet_pton(AF_INET, text, &in.sin_addr);
	memcpy(&out, &in, sizeof(in));
	return out;
}

static const struct row {
	const char *dialled, *share;
	const char *owner[3]; /* whose share answers under node, scoped, server; NULL: none */
} rows[] = {
	{ "N1", "admin$", { "N1", "N1", "N1" } },
	{ "N1", "C$", { "N1", "N1", "N1" } },
	{ "N1", "ipc$", { "N1", "N1", "N1" } },
	{ "N1", "files", { "N1", "N1", "N1" } },
	{ "N1", "distro_test", { "FS", NULL, NULL } },
	{ "N1", "home", { "FS2", NULL, NULL } },
	{ "FS", "distro_test", { "FS", "FS", "FS" } },
	{ "fs", "DISTRO_TEST", { "FS", "FS", "FS" } },
	{ "FS", "files", { "N1", NULL, NULL } },
	{ "FS", "home", { "FS2", NULL, NULL } },
	{ "FS", "ADMIN$", { "N1", NULL, "FS" } },
	{ "FS", "IPC$", { "FS", "FS", "FS" } },
	{ "FS", "S$", { "FS", "FS", "FS" } },
	{ "FS", "C$", { "N1", NULL, NULL } },
	{ "FS", "nothing", { NULL, NULL, NULL } },
	{ "ALIAS", "distro_test", { "FS", "FS", "FS" } },
	{ "fs.example.test", "distro_test", { "FS", "FS", "FS" } },
	{ "fs.example.test.", "files", { "N1", NULL, NULL } },
	{ "FS2", "home", { "FS2", "FS2", "FS2" } },
	{ "FS2", "distro_test", { "FS", NULL, NULL } },
	{ "FS2", "S$", { "FS2", "FS2", "FS2" } },
};

static void check_rows(int visibility)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sockaddr_storage here = local("127.0.0.50");
		cleanup(server_put_ptr) struct server *server =
			scope_server(rows[i].dialled, (struct sockaddr *)&here);
		cleanup(share_put_ptr) struct share *share = NULL;
		const char *why = NULL, *owner = rows[i].owner[visibility];
		ntstatus status;

		assert_non_null(server);
		status = scope_share(server, rows[i].share, &share, &why);
		if (status != (owner ? STATUS_SUCCESS : STATUS_BAD_NETWORK_NAME) ||
		    (owner && strcmp(share->server->name, owner) != 0))
			fail_msg("\\\\%s\\%s gave %s of %s, not %s", rows[i].dialled, rows[i].share,
				 ntstatus_name(status), share ? share->server->name : "nobody",
				 owner ? owner : "nobody");
		if (!owner)
			assert_non_null(why);
	}
}

static void each_name_shows_what_its_visibility_says(void **state)
{
	static const char *const visibilities[] = { "node", "scoped", "server" };
	char before[64];

	memcpy(before, top, sizeof(before));
	for (int v = 0; v < 3; v++) {
		struct house h;

		snprintf(top, sizeof(top), "%s/%d", before, v);
		assert_int_equal(mkdir(top, 0755), 0);
		begin(&h, visibilities[v]);
		check_rows(v);
		end(&h);
	}
	memcpy(top, before, sizeof(top));
}

static void a_listing_holds_each_name_once_and_what_is_found_by_it(void **state)
{
	static const char *const wanted[] = { "IPC$",	     "ADMIN$", "C$",  "S$",
					      "distro_test", "files",  "home" };
	struct share **shares;
	struct house h;
	size_t count;

	begin(&h, "node");
	count = scope_list(h.fs, &shares);
	assert_int_equal(count, ARRAY_LEN(wanted));
	for (size_t i = 0; i < count; i++) {
		struct share *found = NULL;
		bool known = false;

		for (size_t k = 0; k < ARRAY_LEN(wanted); k++)
			known |= !strcmp(wanted[k], shares[i]->name);
		assert_true(known);
		assert_int_equal(scope_share(h.fs, shares[i]->name, &found, NULL), STATUS_SUCCESS);
		assert_ptr_equal(found, shares[i]);
		share_put(found);
		share_put(shares[i]);
	}
	free(shares);
	end(&h);
}

static void an_address_stands_for_the_server_that_owns_it(void **state)
{
	static const struct {
		const char *dialled, *local, *server;
	} cases[] = {
		{ "127.0.0.51", "127.0.0.51", "FS2" }, { "", "127.0.0.50", "FS" },
		{ "unknown", "127.0.0.11", "N1" },     { "FS2", "127.0.0.50", "FS2" },
		{ "unknown", "127.0.0.99", NULL },
	};
	struct house h;

	begin(&h, "server");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sockaddr_storage here = local(cases[i].local);
		struct server *server = scope_server(cases[i].dialled, (struct sockaddr *)&here);

		if (!cases[i].server) {
			assert_null(server);
			continue;
		}
		assert_string_equal(server->name, cases[i].server);
		server_put(server);
	}
	end(&h);
}

/* ---- who may connect */

static struct token *token_for(struct server *server, bool is_admin)
{
	struct token_info info = { .user = sid_child(&server->domain_sid, 1000),
				   .primary_group = sid_child(&server->domain_sid, 513),
				   .user_name = "alice",
				   .domain_name = server->name,
				   .authority_name = server->name,
				   .authority = server->id,
				   .groups = is_admin ? &SID_ADMINISTRATORS : NULL,
				   .group_count = is_admin };
	struct token *token = token_new(&info);

	assert_non_null(token);
	return token;
}

static ntstatus connects(struct server *dialled, const char *name, const struct token *token)
{
	struct share *share;
	uint32_t access;
	ntstatus status = scope_share(dialled, name, &share, NULL);

	if (status != STATUS_SUCCESS)
		return status;
	status = share_connect(share, dialled, token, &access);
	if (status == STATUS_SUCCESS) {
		assert_int_not_equal(access, 0);
		share_disconnect(share);
	}
	share_put(share);
	return status;
}

static void an_account_of_one_server_is_nobody_on_another(void **state)
{
	struct house h;
	struct token *of_fs, *admin_of_fs2;

	begin(&h, "server");
	of_fs = token_for(h.fs, false);
	admin_of_fs2 = token_for(h.fs2, true);
	assert_int_equal(connects(h.fs, "distro_test", of_fs), STATUS_SUCCESS);
	assert_int_equal(connects(h.fs2, "home", of_fs), STATUS_ACCESS_DENIED);
	assert_int_equal(connects(h.node, "files", of_fs), STATUS_ACCESS_DENIED);
	assert_int_equal(connects(h.fs, "ADMIN$", admin_of_fs2), STATUS_ACCESS_DENIED);
	assert_int_equal(connects(h.fs, "distro_test", admin_of_fs2), STATUS_ACCESS_DENIED);
	token_put(of_fs);
	token_put(admin_of_fs2);
	end(&h);
}

static void administrative_shares_open_to_administrators_only(void **state)
{
	struct house h;
	struct token *user, *admin;

	begin(&h, "server");
	user = token_for(h.fs, false);
	admin = token_for(h.fs, true);
	assert_int_equal(connects(h.fs, "ADMIN$", user), STATUS_ACCESS_DENIED);
	assert_int_equal(connects(h.fs, "S$", user), STATUS_ACCESS_DENIED);
	assert_int_equal(connects(h.fs, "IPC$", user), STATUS_SUCCESS);
	assert_int_equal(connects(h.fs, "ADMIN$", admin), STATUS_SUCCESS);
	assert_int_equal(connects(h.fs, "S$", admin), STATUS_SUCCESS);
	token_put(user);
	token_put(admin);
	end(&h);
}

static void under_visibility_node_the_accounts_of_node_and_server_are_one(void **state)
{
	struct house h;
	struct token *of_fs, *of_node;

	begin(&h, "node");
	of_fs = token_for(h.fs, true);
	of_node = token_for(h.node, true);
	assert_int_equal(connects(h.fs, "ADMIN$", of_fs), STATUS_SUCCESS);
	assert_int_equal(connects(h.node, "ADMIN$", of_fs), STATUS_SUCCESS);
	assert_int_equal(connects(h.fs, "distro_test", of_node), STATUS_SUCCESS);
	assert_int_equal(connects(h.fs2, "home", of_fs), STATUS_SUCCESS);
	token_put(of_fs);
	token_put(of_node);
	end(&h);
}

static void guests_and_the_anonymous_get_what_the_setting_names(void **state)
{
	struct manage_error error;
	struct house h;
	struct token_info info = { .user = SID_GUESTS,
				   .primary_group = SID_GUESTS,
				   .is_guest = true };
	struct token *guest, *nobody;

	begin(&h, "server");
	info.authority = h.fs->id;
	guest = token_new(&info);
	nobody = token_new_anonymous(h.fs->id, "FS");
	assert_int_equal(connects(h.fs, "distro_test", guest), STATUS_ACCESS_DENIED);
	assert_int_equal(connects(h.fs, "distro_test", nobody), STATUS_ACCESS_DENIED);
	assert_int_equal(manage_set(h.fs, NULL, "guest", "other,distro_test", &error),
			 STATUS_SUCCESS);
	assert_true(h.fs->guest_allowed);
	assert_int_equal(connects(h.fs, "distro_test", guest), STATUS_SUCCESS);
	assert_int_equal(connects(h.fs, "distro_test", nobody), STATUS_ACCESS_DENIED);
	assert_int_equal(connects(h.fs, "S$", guest), STATUS_ACCESS_DENIED);
	assert_int_equal(manage_set(h.fs, NULL, "guest", "no", &error), STATUS_SUCCESS);
	assert_int_equal(connects(h.fs, "distro_test", guest), STATUS_ACCESS_DENIED);
	token_put(guest);
	token_put(nobody);
	end(&h);
}

/* ---- changes */

static int told; /* of a change, how often */

static void tell(struct server *server)
{
	told++;
}

static void several_settings_are_stored_together_or_not_at_all(void **state)
{
	static const struct manage_value good[] = { { "failback", "yes" },
						    { "failback_from", "22" },
						    { "failback_to", "4" } };
	static const struct manage_value bad[] = { { "failback", "no" }, { "failback_to", "99" } };
	struct manage_error error;
	struct house h;
	char *now;

	begin(&h, "server");
	manage_on_change(tell);
	told = 0;
	assert_int_equal(manage_set_all(h.fs, NULL, good, ARRAY_LEN(good), &error), STATUS_SUCCESS);
	assert_int_equal(told, 1); /* failback was never without its window */
	assert_int_not_equal(manage_set_all(h.fs, NULL, bad, ARRAY_LEN(bad), &error),
			     STATUS_SUCCESS);
	assert_int_equal(told, 1);
	now = store_setting(h.fs->store, "failback");
	assert_string_equal(now, "yes");
	free(now);
	manage_on_change(NULL);
	end(&h);
}

static void a_share_that_is_full_refuses_the_next(void **state)
{
	struct store_share change = { .name = (char *)(uintptr_t) "distro_test",
				      .path = (char *)(uintptr_t) "distro_test",
				      .remark = (char *)(uintptr_t) "",
				      .max_uses = 1 };
	struct manage_error error;
	struct share *share;
	struct house h;
	struct token *user;
	uint32_t access;

	begin(&h, "server");
	user = token_for(h.fs, false);
	assert_int_equal(manage_share_set(h.fs, NULL, &change, &error), STATUS_SUCCESS);
	assert_int_equal(scope_share(h.fs, "distro_test", &share, NULL), STATUS_SUCCESS);
	assert_int_equal(share_connect(share, h.fs, user, &access), STATUS_SUCCESS);
	assert_int_equal(connects(h.fs, "distro_test", user), STATUS_REQUEST_NOT_ACCEPTED);
	share_disconnect(share);
	assert_int_equal(connects(h.fs, "distro_test", user), STATUS_SUCCESS);
	share_put(share);
	token_put(user);
	end(&h);
}

static void a_share_whose_directory_is_missing_comes_back_with_it(void **state)
{
	struct share *share;
	struct house h;
	char from[160], to[160];

	begin(&h, "server");
	snprintf(from, sizeof(from), "%s/FS/distro_test", top);
	snprintf(to, sizeof(to), "%s/FS/away", top);
	end(&h);
	assert_int_equal(rename(from, to), 0);
	snprintf(from, sizeof(from), "%s/FS", top);
	assert_int_equal(server_load(from, false, &h.fs, &(char *){ NULL }), 0);
	server_publish(h.fs);
	assert_int_equal(scope_share(h.fs, "distro_test", &share, NULL), STATUS_BAD_NETWORK_NAME);
	snprintf(from, sizeof(from), "%s/FS/distro_test", top);
	assert_int_equal(rename(to, from), 0);
	assert_int_equal(scope_share(h.fs, "distro_test", &share, NULL), STATUS_SUCCESS);
	share_put(share);
	end_server(h.fs);
}

static void what_no_share_may_be_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *name, *path;
		ntstatus status;
	} bad[] = {
		{ "ADMIN$", "x", STATUS_INVALID_PARAMETER },
		{ "ipc$", "x", STATUS_INVALID_PARAMETER },
		{ "s$", "x", STATUS_INVALID_PARAMETER },
		{ "a/b", "x", STATUS_INVALID_PARAMETER },
		{ "", "x", STATUS_INVALID_PARAMETER },
		{ "up", "../x", STATUS_OBJECT_PATH_SYNTAX_BAD },
		{ "home", ".berth", STATUS_OBJECT_PATH_SYNTAX_BAD },
		{ "deep", "a/.berth/b", STATUS_OBJECT_PATH_SYNTAX_BAD },
		{ "distro_test", "other", STATUS_OBJECT_NAME_COLLISION },
	};
	struct house h;

	begin(&h, "server");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct store_share share = { .name = (char *)(uintptr_t)bad[i].name,
					     .path = (char *)(uintptr_t)bad[i].path,
					     .remark = (char *)(uintptr_t) "",
					     .max_uses = UINT32_MAX };
		struct manage_error error = { 0 };

		assert_int_equal(manage_share_add(h.fs, NULL, &share, true, &error), bad[i].status);
		assert_true(strlen(error.text) > 10);
	}
	end(&h);
}

static void only_its_administrators_change_a_server(void **state)
{
	struct manage_error error;
	struct house h;
	struct token *user, *admin, *other;

	begin(&h, "server");
	user = token_for(h.fs, false);
	admin = token_for(h.fs, true);
	other = token_for(h.fs2, true);
	assert_int_equal(manage_user_add(h.fs, user, "eve", "", "Secret-1", &error),
			 STATUS_ACCESS_DENIED);
	assert_int_equal(manage_user_add(h.fs, other, "eve", "", "Secret-1", &error),
			 STATUS_ACCESS_DENIED);
	assert_int_equal(manage_set(h.fs, user, "visibility", "node", &error),
			 STATUS_ACCESS_DENIED);
	assert_int_equal(manage_user_add(h.fs, admin, "eve", "", "Secret-1", &error),
			 STATUS_SUCCESS);
	assert_int_equal(manage_user_add(h.fs, admin, "EVE", "", "Secret-1", &error),
			 STATUS_OBJECT_NAME_COLLISION);
	assert_int_equal(manage_set(h.fs, admin, "visibility", "sideways", &error),
			 STATUS_INVALID_PARAMETER);
	token_put(user);
	token_put(admin);
	token_put(other);
	end(&h);
}

static void a_password_is_kept_as_its_hash_and_found_by_a_login(void **state)
{
	/* MD4 of "Secret-1" in UTF-16LE is what a login compares with; here only that it is one,
	 * and stays. */
	struct manage_error error;
	struct account first = { 0 }, second = { 0 };
	struct house h;

	begin(&h, "server");
	assert_int_equal(manage_user_add(h.fs, NULL, "Eve", "", "Secret-1", &error),
			 STATUS_SUCCESS);
	assert_int_equal(manage_member(h.fs, NULL, "Administrators", "eve", true, &error),
			 STATUS_SUCCESS);
	assert_int_equal(server_account(h.fs, "", "EVE", &first), STATUS_SUCCESS);
	assert_string_equal(first.name, "Eve");
	assert_true(first.has_nt_hash);
	assert_int_equal(first.group_count, 2);
	assert_int_equal(server_account(h.fs2, "FS", "eve", &second), STATUS_NO_SUCH_USER);
	assert_int_equal(manage_user_password(h.fs, NULL, "eve", "Secret-2", &error),
			 STATUS_SUCCESS);
	assert_int_equal(server_account(h.fs, "WORKGROUP", "eve", &second), STATUS_SUCCESS);
	assert_memory_not_equal(first.nt_hash, second.nt_hash, 16);
	free(first.groups);
	free(second.groups);
	end(&h);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_name_shows_what_its_visibility_says),
		CASE(a_listing_holds_each_name_once_and_what_is_found_by_it),
		CASE(an_address_stands_for_the_server_that_owns_it),
		CASE(an_account_of_one_server_is_nobody_on_another),
		CASE(administrative_shares_open_to_administrators_only),
		CASE(under_visibility_node_the_accounts_of_node_and_server_are_one),
		CASE(guests_and_the_anonymous_get_what_the_setting_names),
		CASE(several_settings_are_stored_together_or_not_at_all),
		CASE(a_share_that_is_full_refuses_the_next),
		CASE(a_share_whose_directory_is_missing_comes_back_with_it),
		CASE(what_no_share_may_be_is_refused_with_a_sentence),
		CASE(only_its_administrators_change_a_server),
		CASE(a_password_is_kept_as_its_hash_and_found_by_a_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
