// SPDX-License-Identifier: Apache-2.0
/*
 * A deployment as a client gets it: which content, which program of it, when, and how often. The
 * site writes it as a file that is named by its hash and trusted because signed documents name
 * that hash (policy/tree.h); the reader is strict and bounded all the same.
 */
#ifndef POLICY_DEPLOYMENT_H
#define POLICY_DEPLOYMENT_H

#include <content/document.h>
#include <policy/expression.h>

#define DEPLOYMENT_BYTES_MAX   (64u << 10)
#define DEPLOYMENT_ID_MAX      32
#define DEPLOYMENT_TEXT_MAX    256
#define DEPLOYMENT_WORDS_MAX   64
#define DEPLOYMENT_WORD_MAX    4096
#define DEPLOYMENT_LIMIT_S_MAX (12 * 3600)
#define DEPLOYMENT_CODES_MAX   16

enum purpose { PURPOSE_AVAILABLE, PURPOSE_REQUIRED };
enum rerun { RERUN_NEVER, RERUN_ALWAYS, RERUN_IF_FAILED, RERUN_IF_SUCCEEDED };
/* What a restart that the program asks for means. */
enum restart {
	RESTART_REPORT, /* say so, and wait until someone restarts the machine */
	RESTART_RUN,	/* the agent runs its restart command */
};
const char *purpose_name(enum purpose purpose);
const char *rerun_name(enum rerun rerun);
const char *restart_name(enum restart restart);
bool purpose_of(const char *name, enum purpose *out);
bool rerun_of(const char *name, enum rerun *out);
bool restart_of(const char *name, enum restart *out);

struct deployment {
	char id[DEPLOYMENT_ID_MAX + 1]; /* letters, digits and '-' : a file name everywhere */
	char *name;
	char *package;
	int64_t version;  /* of the package */
	int64_t revision; /* rises with each wish to have it run again */
	uint8_t manifest[SHA256_LENGTH];
	int64_t bytes;	/* of all files */
	char **command; /* NULL at its end; the first word is a file of the package or a program */
	size_t word_count;
	char *condition;		       /* an expression over the client's facts */
	int64_t limit_s;		       /* how long the program may run */
	int64_t success[DEPLOYMENT_CODES_MAX]; /* exit codes beside 0, 3010 and 1641 */
	size_t success_count;
	enum restart restart;
	enum purpose purpose;
	enum rerun rerun;
	int64_t available_s, deadline_s, expires_s; /* since 1970; 0: none */
	int64_t order;				    /* lower ones run first */
	bool deadline_beats_windows;
};
void deployment_free(struct deployment *d);
#define auto_deployment cleanup(deployment_free)

/* deployment_id_is_safe - is it one of letters, digits and '-', not too long? */
bool deployment_id_is_safe(const char *id);
/* deployment_check - NULL, or what is wrong with it as a constant phrase. */
const char *deployment_check(const struct deployment *d);
/* deployment_to_json - the caller's reference. */
json_t *deployment_to_json(const struct deployment *d);
/* deployment_from_json - @out is to be freed whatever comes back. */
bool deployment_from_json(const json_t *body, struct deployment *out,
			  struct content_failure *why) MUST_CHECK;

#endif
