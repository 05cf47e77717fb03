// SPDX-License-Identifier: Apache-2.0
/* Names and SIDs of those who count at a file server, against servers in homes of their own. */
#include <fileserver/manage.h>

#include <ftw.h>
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
	snprintf(top, sizeof(top), "/tmp/berth-principals-XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int tear_down(void **state)
{
	return nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A file server with one user of the name that is given; its rid is 1000, that of "ops" 1001. */
static struct server *make_server(const char *name, bool is_node, const char *visibility,
				  const char *user)
{
	char volume[100], home[120];
	struct manage_error error;
	struct server *server;
	char *why = NULL;

	snprintf(volume, sizeof(volume), "%s/%s", top, name);
	snprintf(home, sizeof(home), "%s/.berth", volume);
	assert_int_equal(mkdir(volume, 0755), 0);
	assert_int_equal(store_create(home, name), 0);
	assert_int_equal(server_load(volume, is_node, &server, &why), 0);
	assert_null(why);
	server_publish(server);
	if (!is_node)
		assert_int_equal(manage_set(server, NULL, "visibility", visibility, &error), 0);
	assert_int_equal(manage_set(server, NULL, "fqdn", is_node ? "" : "fs.example.test", &error),
			 0);
	assert_int_equal(manage_user_add(server, NULL, user, NULL, "secret", &error), 0);
	assert_int_equal(manage_group_add(server, NULL, "ops", &error), 0);
	return server;
}

struct house {
	struct server *node, *fs;
};

static void begin(struct house *h, const char *visibility)
{
	h->node = make_server("N1", true, NULL, "root");
	h->fs = make_server("FS", false, visibility, "alice");
}

static void end(struct house *h)
{
	struct server *servers[] = { h->fs, h->node };

	for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
		server_withdraw(servers[i]);
		assert_int_equal(servers[i]->refs, 1);
		server_put(servers[i]);
	}
}

static ntstatus of_sid(struct server *server, const struct token *who, const struct sid *sid,
		       struct manage_principal *out)
{
	struct manage_circle *servers = manage_circle_of(server, who);
	ntstatus status = manage_principal_of_sid(servers, sid, out);

	manage_circle_free(servers);
	return status;
}

static ntstatus of_name(struct server *server, const struct token *who, const char *name,
			struct manage_principal *out)
{
	struct manage_circle *servers = manage_circle_of(server, who);
	ntstatus status = manage_principal_of_name(servers, name, out);

	manage_circle_free(servers);
	return status;
}

static void check_found(const struct manage_principal *p, const char *domain, const char *name,
			enum sid_use use)
{
	assert_string_equal(p->name, name);
	assert_string_equal(p->domain, domain);
	assert_int_equal(p->use, use);
	assert_true(p->has_domain);
}

static void accounts_are_found_by_sid(void **state)
{
	struct manage_principal p;
	struct house h;
	struct sid sid;
	static const struct {
		uint32_t rid;
		const char *name;
		enum sid_use use;
	} rows[] = {
		{ 1000, "alice", SID_USE_USER },
		{ 1001, "ops", SID_USE_ALIAS },
		{ RID_GUEST, "Guest", SID_USE_USER },
		{ RID_NONE_GROUP, "None", SID_USE_GROUP },
	};

	begin(&h, "server");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		sid = sid_child(&h.fs->domain_sid, rows[i].rid);
		assert_int_equal(of_sid(h.fs, NULL, &sid, &p), STATUS_SUCCESS);
		check_found(&p, "FS", rows[i].name, rows[i].use);
		assert_true(sid_equal(&p.sid, &sid));
		assert_true(sid_equal(&p.domain_sid, &h.fs->domain_sid));
	}
	assert_int_equal(of_sid(h.fs, NULL, &h.fs->domain_sid, &p), STATUS_SUCCESS);
	check_found(&p, "FS", "FS", SID_USE_DOMAIN);
	assert_int_equal(of_sid(h.fs, NULL, &SID_ADMINISTRATORS, &p), STATUS_SUCCESS);
	check_found(&p, "BUILTIN", "Administrators", SID_USE_ALIAS);
	/* the number of a built-in group is none of the server's own */
	sid = sid_child(&h.fs->domain_sid, 544);
	assert_int_equal(of_sid(h.fs, NULL, &sid, &p), STATUS_NONE_MAPPED);
	assert_true(p.has_domain);
	assert_string_equal(p.domain, "FS");
	end(&h);
}

static void names_are_found_in_every_form(void **state)
{
	struct manage_principal p;
	struct house h;
	static const struct {
		const char *text, *domain, *name;
		enum sid_use use;
	} rows[] = {
		{ "alice", "FS", "alice", SID_USE_USER },
		{ "ALICE", "FS", "alice", SID_USE_USER },
		{ "FS\\alice", "FS", "alice", SID_USE_USER },
		{ "fs.example.test\\Alice", "FS", "alice", SID_USE_USER },
		{ "alice@fs.example.test", "FS", "alice", SID_USE_USER },
		{ "ops", "FS", "ops", SID_USE_ALIAS },
		{ "guest", "FS", "Guest", SID_USE_USER },
		{ "FS", "FS", "FS", SID_USE_DOMAIN },
		{ "Everyone", "", "Everyone", SID_USE_WELL_KNOWN_GROUP },
		{ "\\Everyone", "", "Everyone", SID_USE_WELL_KNOWN_GROUP },
		{ "nt authority\\system", "NT AUTHORITY", "SYSTEM", SID_USE_WELL_KNOWN_GROUP },
		{ "Administrators", "BUILTIN", "Administrators", SID_USE_ALIAS },
		{ "BUILTIN\\Users", "BUILTIN", "Users", SID_USE_ALIAS },
		{ "BUILTIN\\Guests", "BUILTIN", "Guests", SID_USE_ALIAS },
		{ "BUILTIN", "BUILTIN", "BUILTIN", SID_USE_DOMAIN },
	};
	static const char *const unknown[] = { "",	   "bob",	   "FS\\",
					       "FS\\bob",  "X\\alice",	   "alice@x",
					       "N1\\root", "root",	   "FS\\Administrators",
					       "N1",	   "FS\\FS\\alice" };

	begin(&h, "server");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(of_name(h.fs, NULL, rows[i].text, &p), STATUS_SUCCESS);
		check_found(&p, rows[i].domain, rows[i].name, rows[i].use);
	}
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
		assert_int_equal(of_name(h.fs, NULL, unknown[i], &p), STATUS_NONE_MAPPED);
		assert_int_equal(p.use, SID_USE_UNKNOWN);
	}
	end(&h);
}

static void a_group_of_the_servers_own_goes_before_an_alias_that_it_has_not(void **state)
{
	struct manage_principal p;
	struct manage_error error;
	struct house h;

	begin(&h, "server");
	assert_int_equal(manage_group_add(h.fs, NULL, "Guests", &error), STATUS_SUCCESS);
	assert_int_equal(of_name(h.fs, NULL, "guests", &p), STATUS_SUCCESS);
	check_found(&p, "FS", "Guests", SID_USE_ALIAS);
	assert_int_equal(of_name(h.fs, NULL, "BUILTIN\\Guests", &p), STATUS_SUCCESS);
	assert_true(sid_equal(&p.sid, &SID_GUESTS));
	end(&h);
}

static void other_servers_are_unknown_unless_their_accounts_count(void **state)
{
	static const struct {
		const char *visibility;
		ntstatus status;
	} rows[] = { { "server", STATUS_NONE_MAPPED },
		     { "scoped", STATUS_NONE_MAPPED },
		     { "node", STATUS_SUCCESS } };
	struct manage_principal p;
	struct house h;
	struct sid sid;

	begin(&h, "server");
	sid = sid_child(&h.node->domain_sid, 1000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct manage_error error;

		assert_int_equal(manage_set(h.fs, NULL, "visibility", rows[i].visibility, &error),
				 STATUS_SUCCESS);
		assert_int_equal(of_sid(h.fs, NULL, &sid, &p), rows[i].status);
		if (rows[i].status == STATUS_SUCCESS)
			check_found(&p, "N1", "root", SID_USE_USER);
		else
			assert_false(p.has_domain);
		assert_int_equal(of_name(h.fs, NULL, "N1\\root", &p), rows[i].status);
		assert_int_equal(of_name(h.fs, NULL, "root", &p), rows[i].status);
		/* its own come first */
		assert_int_equal(of_name(h.fs, NULL, "ops", &p), STATUS_SUCCESS);
		assert_string_equal(p.domain, "FS");
	}
	end(&h);
}

static struct token *token_for(struct server *server, bool is_guest)
{
	struct token_info info = { .user = sid_child(&server->domain_sid, 1000),
				   .primary_group = sid_child(&server->domain_sid, RID_NONE_GROUP),
				   .user_name = "alice",
				   .domain_name = server->name,
				   .authority_name = server->name,
				   .authority = server->id,
				   .is_guest = is_guest };
	struct token *token = token_new(&info);

	assert_non_null(token);
	return token;
}

static void only_who_has_an_account_may_look_up(void **state)
{
	struct manage_principal p;
	struct house h;
	struct token *tokens[4];
	static const ntstatus expected[] = { STATUS_SUCCESS, STATUS_ACCESS_DENIED,
					     STATUS_ACCESS_DENIED, STATUS_ACCESS_DENIED };

	begin(&h, "server");
	tokens[0] = token_for(h.fs, false);
	tokens[1] = token_for(h.fs, true);
	tokens[2] = token_for(h.node, false);
	tokens[3] = token_new_anonymous(h.fs->id, "FS");
	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		assert_int_equal(of_sid(h.fs, tokens[i], &SID_EVERYONE, &p), expected[i]);
		assert_int_equal(of_name(h.fs, tokens[i], "alice", &p), expected[i]);
		if (expected[i])
			assert_true(p.use == SID_USE_UNKNOWN && !p.has_domain && !p.name[0]);
		token_put(tokens[i]);
	}
	end(&h);
}

static void accounts_and_members_are_listed_for_administrators(void **state)
{
	struct manage_account *accounts, one;
	struct manage_error error;
	struct house h;
	struct token *user;
	struct sid *members, alice;
	size_t count;

	begin(&h, "server");
	alice = sid_child(&h.fs->domain_sid, 1000);
	user = token_for(h.fs, false);
	assert_int_equal(manage_member(h.fs, NULL, "ops", "alice", true, &error), STATUS_SUCCESS);
	assert_int_equal(manage_user_enable(h.fs, NULL, "alice", false, &error), STATUS_SUCCESS);
	assert_int_equal(manage_accounts(h.fs, NULL, MANAGE_USERS, &accounts, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(accounts[0].name, "alice");
	assert_int_equal(accounts[0].rid, 1000);
	assert_true(accounts[0].is_disabled);
	manage_accounts_free(accounts, count);
	assert_int_equal(manage_accounts(h.fs, NULL, MANAGE_GROUPS, &accounts, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(accounts[0].name, "ops");
	manage_accounts_free(accounts, count);
	assert_int_equal(manage_accounts(h.fs, NULL, MANAGE_BUILTINS, &accounts, &count), 0);
	assert_int_equal(count, 3);
	manage_accounts_free(accounts, count);
	assert_int_equal(manage_account_numbered(h.fs, NULL, MANAGE_USERS, 1000, &one), 0);
	assert_string_equal(one.name, "alice");
	assert_true(one.is_disabled);
	free(one.name);
	free(one.full_name);
	assert_int_equal(manage_account_numbered(h.fs, NULL, MANAGE_BUILTINS, 544, &one), 0);
	assert_string_equal(one.full_name, "Manage this file server");
	free(one.name);
	free(one.full_name);
	assert_int_equal(manage_account_numbered(h.fs, NULL, MANAGE_USERS, 544, &one),
			 STATUS_NO_SUCH_USER);
	assert_int_equal(manage_account_numbered(h.fs, NULL, MANAGE_GROUPS, 544, &one),
			 STATUS_NO_SUCH_ALIAS);
	assert_int_equal(manage_account_numbered(h.fs, user, MANAGE_USERS, 1000, &one),
			 STATUS_ACCESS_DENIED);
	assert_int_equal(manage_members(h.fs, NULL, 1001, false, &members, &count), 0);
	assert_int_equal(count, 1);
	assert_true(sid_equal(&members[0], &alice));
	free(members);
	assert_int_equal(manage_members(h.fs, NULL, 1000, false, &members, &count),
			 STATUS_NO_SUCH_ALIAS);
	assert_int_equal(manage_members(h.fs, NULL, 1001, true, &members, &count),
			 STATUS_NO_SUCH_ALIAS);
	for (int kind = MANAGE_USERS; kind <= MANAGE_BUILTINS; kind++)
		assert_int_equal(manage_accounts(h.fs, user, (enum manage_account_kind)kind,
						 &accounts, &count),
				 STATUS_ACCESS_DENIED);
	assert_int_equal(manage_members(h.fs, user, 1001, false, &members, &count),
			 STATUS_ACCESS_DENIED);
	token_put(user);
	end(&h);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(accounts_are_found_by_sid),
		CASE(names_are_found_in_every_form),
		CASE(a_group_of_the_servers_own_goes_before_an_alias_that_it_has_not),
		CASE(other_servers_are_unknown_unless_their_accounts_count),
		CASE(accounts_and_members_are_listed_for_administrators),
		CASE(only_who_has_an_account_may_look_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
