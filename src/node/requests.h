// SPDX-License-Identifier: Apache-2.0
/* What the files of requests share: one request, its answer, how it fails. */
#ifndef NODE_REQUESTS_H
#define NODE_REQUESTS_H

#include "node.h"

struct request {
	const json_t *json;
	struct server *server; /* where the row asks for one that is online here */
	json_t *result;	       /* the answer's, owned; NULL: none */
	char error[600];       /* the sentence, where it failed */
	const char *code;      /* a word for programs */
};

/* A handler fills result, or gives false with a sentence. */
typedef bool request_handler(struct request *r);

/* request_fail - fills in why, and is false. */
bool request_fail(struct request *r, const char *code, const char *format, ...) PRINTF_LIKE(3, 4);
bool request_fail_managed(struct request *r, const struct manage_error *error);
/* request_fail_why - the sentence of *why, which is freed. */
bool request_fail_why(struct request *r, const char *code, char *why);
/* request_text - the text at @key, or NULL; request_need - the same, false and a sentence where it
 * is missing. */
const char *request_text(const struct request *r, const char *key);
bool request_need(struct request *r, const char *key, const char **out);
bool request_flag(const struct request *r, const char *key);

request_handler do_share_list, do_share_add, do_share_set, do_share_remove;
request_handler do_user_list, do_user_add, do_user_remove, do_user_password, do_user_enable,
	do_user_disable;
request_handler do_group_list, do_group_add, do_group_remove, do_member_add, do_member_remove;
request_handler do_session_list, do_session_close, do_file_list, do_file_close;
request_handler do_server_create, do_server_delete, do_server_online, do_server_offline,
	do_server_move, do_server_start, do_server_stop, do_server_check, do_server_set,
	do_server_settings;

#endif
