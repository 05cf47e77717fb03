// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of the command share. A command is a row of one table (commands.c) that drives
 * parsing, help and completion; most rows are a request to a node and columns to show of its
 * answer, the rest have a function of their own. One thread.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <base/base.h>
#include <cluster/record.h>
#include <jansson.h>
#include <stdio.h>
#include <sys/types.h>

/* Exit codes; berth site probe has those of monitoring plug-ins instead. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_NODE = 3, EXIT_NOT_HERE = 4 };

#define MAX_ARGUMENTS 4
#define MAX_OPTIONS   40

enum option_kind {
	OPTION_FLAG,	/* true in the request */
	OPTION_NO_FLAG, /* false in the request: --no-encrypt is the option no-encrypt with the key
			   encrypt */
	OPTION_TEXT,
	OPTION_LIST,  /* may be repeated: joined with commas */
	OPTION_LINES, /* may be repeated: joined with newlines */
	OPTION_NUMBER,
	OPTION_LOCAL, /* a flag for the command itself, not for the request */
	OPTION_LOCAL_TEXT,
};
struct option_row {
	const char *name; /* without the dashes */
	enum option_kind kind;
	const char *key;   /* in the request */
	const char *value; /* what help calls its value */
	const char *help;
};

enum destination { TARGET_OWNER, TARGET_ANY, TARGET_LOCAL, TARGET_NONE };

struct call;
struct command {
	const char *noun, *verb;
	const char *arguments; /* keys of the request with spaces between; one that ends in '?' may
				  be left out */
	const char *help;
	const char *request; /* what is sent; NULL: only run */
	enum destination target;
	const char *columns;	       /* of a listing: "name:NAME path:PATH" */
	int (*run)(struct call *call); /* NULL: send the request and show the answer */
	const struct option_row *options[MAX_OPTIONS];
};

/* A table of commands: one for each thing that is managed; commands.c has the list of them. */
struct command_table {
	const struct command *rows;
	size_t count;
};
extern const struct command_table site_commands;
extern const struct command_table deploy_commands;
/* command_at - the row @index of all tables together; NULL behind the last. */
const struct command *command_at(size_t index);

/* One run of the program. */
struct call {
	const struct command *command;
	const char *cluster_dir;
	json_t *request; /* with what the arguments and options put into it */
	json_t *local;	 /* options for the command itself, by name */
	bool json;
};
const char *call_text(const struct call *call, const char *key);
bool call_local(const struct call *call, const char *name);

/* complain - "berth: ..." on standard error; gives @code back. */
int complain(int code, const char *format, ...) PRINTF_LIKE(2, 3);

/* ask.c: nodes */
/* ask - send @request to the node at @control; a new object, or NULL and a sentence in *why (to be
 * freed). */
json_t *ask(const char *control, const json_t *request, char **why);
/* ask_cluster - what all nodes that are up say, put together: {"nodes":[...],"servers":[...]}; NULL
 * where there is no cluster. */
json_t *ask_cluster(const char *cluster_dir, bool *any_up, char **why);
/* ask_owner - send to the node that has the file server (or is the node) called @server; an exit
 * code. */
int ask_owner(struct call *call, const char *server, json_t **answer);
/* ask_any - send to a node that is up, the owner first. */
int ask_any(struct call *call, const char *server, json_t **answer);
/* ask_local - send to the berthd of this machine, without a look at the cluster. */
int ask_local(struct call *call, json_t **answer);
/* find_named - the object of the array @key of @status whose name is @name, without case; borrowed
 * or NULL. */
json_t *find_named(const json_t *status, const char *key, const char *name);

/* print.c */
void print_json(const json_t *value);
/* as_caller - be who called us, while a file of that user's is read; as_before ends it. */
uid_t as_caller(void);
void as_before(uid_t was);
/* make_printable - take out of every text in it what a terminal would act on. */
void make_printable(json_t *value);
void print_table(const json_t *rows, const char *columns);
void print_help(FILE *out, const char *noun, const char *verb);
void print_completion(void);

/* password.c: into call->request as "password"; an exit code. @is_new: asked twice. */
int password_take(struct call *call, bool is_new);
/* password_read - from --password-file, --password-stdin or the terminal; to be wiped and freed.
 * NULL: said why. */
char *password_read(struct call *call, const char *prompt, bool is_new);

/* Commands with a function of their own. */
int run_status(struct call *call);
int run_server_list(struct call *call);
int run_server_create(struct call *call);
int run_server_online(struct call *call);
int run_server_offline(struct call *call);
int run_server_move(struct call *call);
int run_share_add(struct call *call);
int run_share_list(struct call *call);
int run_cluster_init(struct call *call);
int run_cluster_arbiter(struct call *call);
int run_cluster_invite(struct call *call);
int run_cluster_join(struct call *call);
int run_cluster_leave(struct call *call);
int run_cluster_status(struct call *call);
int run_cluster_verify(struct call *call);
int run_disk_ready(struct call *call);
int run_address_free(struct call *call);
int run_address_up(struct call *call);
int run_address_down(struct call *call);
int run_address_here(struct call *call);
int run_address_announce(struct call *call);
int run_local(struct call *call);
int run_server_stop(struct call *call);
int run_server_set(struct call *call);
int run_new_password(struct call *call);
int run_site_probe(struct call *call);
int run_site_init(struct call *call);
int run_site_status(struct call *call);
int run_site_settings(struct call *call);
int run_site_set(struct call *call);
int run_site_messages(struct call *call);
int run_site_catalogue(struct call *call);
int run_site_acknowledge(struct call *call);
int run_site_recheck(struct call *call);
int run_site_add_dp(struct call *call);
int run_site_set_dp(struct call *call);
int run_site_points(struct call *call);
int run_site_add_group(struct call *call);
int run_site_remove_group(struct call *call);
int run_site_join_group(struct call *call);
int run_site_leave_group(struct call *call);
int run_site_groups(struct call *call);
int run_package_distribute(struct call *call);
int run_package_redistribute(struct call *call);
int run_package_validate(struct call *call);
int run_package_remove(struct call *call);
int run_package_status(struct call *call);
int run_site_test_dp(struct call *call);
int run_site_remove_dp(struct call *call);
int run_site_add_account(struct call *call);
int run_site_remove_account(struct call *call);
int run_site_accounts(struct call *call);
int run_site_add_rule(struct call *call);
int run_site_remove_rule(struct call *call);
int run_site_rules(struct call *call);
int run_site_add_object(struct call *call);
int run_site_set_object(struct call *call);
int run_site_remove_object(struct call *call);
int run_site_set_role(struct call *call);
int run_demo_site(struct call *call);
int run_completion(struct call *call);
int send_and_show(struct call *call);

#endif
