// SPDX-License-Identifier: Apache-2.0
/*
 * smb_serve DIR PORT [LOOPS [KEY=VALUE ...]] - serve DIR by itself as \\FS\data, user alice with
 * the password "Passw0rd", an Administrator, and bob with the same, who is none. For trying clients
 * against the protocol; a node does much more. It ends when its standard input does.
 */
#include <arpa/inet.h>
#include <base/log.h>
#include <crypto/ntlm.h>
#include <errno.h>
#include <fileserver/server.h>
#include <pthread.h>
#include <signal.h>
#include <smb/smb.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wire/smb2.h>

#define PASSWORD "Passw0rd"

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "smb_serve: %s: %s\n", what, store_problem());
	exit(1);
}

static void add_user(struct store *store, const char *name, const char *group)
{
	struct store_user user = { .name = xstrdup(name), .full_name = xstrdup("") };

	need(ntlm_nt_hash(PASSWORD, user.nt_hash), "hash");
	need(!store_user_add(store, &user), "add user");
	if (group)
		need(!store_member_add(store, group, name), "add member");
	store_user_free(&user);
}

static void make_home(const char *directory, const char *home, char **settings)
{
	struct store_share share = { .name = xstrdup("data"),
				     .path = xstrdup("data"),
				     .remark = xstrdup(""),
				     .max_uses = UINT32_MAX };
	auto_free char *data = xasprintf("%s/data", directory);
	struct store *store;
	struct stat st;

	if (stat(home, &st)) {
		need(!store_create(home, "FS"), "create store");
		need(!store_open(home, &store), "open store");
		add_user(store, "alice", "Administrators");
		add_user(store, "bob", NULL);
		need(!store_share_add(store, &share), "add share");
	} else {
		need(!store_open(home, &store), "open store");
	}
	for (; *settings; settings++) {
		auto_free char *key = xstrdup(*settings);
		char *value = strchr(key, '=');

		need(value != NULL, "KEY=VALUE");
		*value++ = 0;
		need(!store_set_setting(store, key, value), key);
	}
	store_close(store);
	store_share_free(&share);
	(void)mkdir(data, 0755);
}

static void *turn(void *loop)
{
	loop_run(loop);
	return NULL;
}

static void input_ended(struct io_watch *watch)
{
	char data[64];

	if (read(0, data, sizeof(data)) <= 0)
		loop_stop(watch->loop);
}

static void print_statistics(void)
{
	struct smb_statistics s;

	smb_statistics(&s);
	fprintf(stderr, "connections=%llu sessions=%llu trees=%llu waiting=%llu\n",
		(unsigned long long)s.connections, (unsigned long long)s.sessions,
		(unsigned long long)s.trees, (unsigned long long)s.requests_waiting);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct io_watch watch = { .ready = input_ended };
	struct smb_config config;
	struct smb_listener *listener;
	struct server *server;
	struct loop *loops[8];
	size_t count = argc > 3 ? (size_t)atoi(argv[3]) : 1;
	auto_free char *home = NULL;
	char *why;

	if (argc < 3 || !count || count > ARRAY_LEN(loops))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	if (getenv("SMB_SERVE_DEBUG"))
		log_set_level(LOG_LEVEL_DEBUG);
	address.sin_port = htons((uint16_t)atoi(argv[2]));
	inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
	home = xasprintf("%s/.berth", argv[1]);
	make_home(argv[1], home, argv + (argc > 4 ? 4 : argc));
	if (server_load(argv[1], false, &server, &why)) {
		fprintf(stderr, "smb_serve: %s\n", why);
		return 1;
	}
	memcpy(&server->addresses[0], &address, sizeof(address));
	server->address_count = 1;
	server_publish(server);
	smb_config_defaults(&config);
	config.login_delay_ms = 0;
	if (getenv("SMB_SERVE_MAX_DIALECT"))
		config.max_dialect = (uint16_t)strtoul(getenv("SMB_SERVE_MAX_DIALECT"), NULL, 16);
	for (size_t i = 0; i < count; i++)
		need((loops[i] = loop_new(IO_AUTO)) != NULL, "loop");
	need(!smb_start(loops, count, &config), "start");
	need(!smb_listen((void *)&address, sizeof(address), &listener), "listen");
	for (size_t i = 1; i < count; i++) {
		pthread_t thread;

		need(!pthread_create(&thread, NULL, turn, loops[i]), "thread");
	}
	if (!getenv("SMB_SERVE_FOREVER"))
		need(!io_watch_start(loops[0], &watch, 0), "watch");
	loop_run(loops[0]);
	print_statistics();
	return 0;
}
