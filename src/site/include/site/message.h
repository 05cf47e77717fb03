// SPDX-License-Identifier: Apache-2.0
/*
 * Status messages: what happened in a site, typed. A message is a row of the catalogue (id,
 * severity, component, text with insertion strings, cause, remedy) with a time, a machine and the
 * object that it is about. The ids of the storage and distribution messages are those that
 * administrators of such sites know; Berth's own begin at 60000.
 */
#ifndef SITE_MESSAGE_H
#define SITE_MESSAGE_H

#include <base/buf.h>
#include <site/site.h>

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR };
const char *severity_name(enum severity severity); /* "info" ... */
/* severity_of - by name; false where there is none. */
bool severity_of(const char *name, enum severity *out);

enum message_kind {
	KIND_STATE,  /* what the site found */
	KIND_DETAIL, /* a step on the way */
	KIND_AUDIT,  /* what a person did; kept longer */
};

enum message_id {
	MSG_PACKAGE_STARTED = 2300,
	MSG_PACKAGE_DONE = 2301,
	MSG_PACKAGE_FAILED = 2302,
	MSG_SOURCE_UNREADABLE = 2306,
	MSG_PACKAGE_STORED = 2311,
	MSG_DP_PATH_UNKNOWN = 2323,
	MSG_DP_INACCESSIBLE = 2324,
	MSG_COPY_FAILED = 2328,
	MSG_DISTRIBUTED = 2330,
	MSG_REMOVED = 2335,
	MSG_SENDING = 2342,
	MSG_NO_SPACE = 2348,
	MSG_DP_DAMAGED = 2360,
	MSG_DP_REPAIRED = 2361,
	MSG_SNAPSHOT = 2376,
	MSG_DP_CONNECT = 2391,
	MSG_OBJECT_DOWN = 4700, /* and the next two, as triples: first, still, again */
	MSG_OBJECT_STILL_DOWN,
	MSG_OBJECT_UP,
	MSG_DATABASE_DOWN,
	MSG_DATABASE_STILL_DOWN,
	MSG_DATABASE_UP,
	MSG_OBJECT_SPACE_NORMAL = 4709,
	MSG_OBJECT_SPACE_WARNING,
	MSG_OBJECT_SPACE_CRITICAL,
	MSG_DATABASE_SPACE_NORMAL,
	MSG_DATABASE_SPACE_WARNING,
	MSG_DATABASE_SPACE_CRITICAL,
	MSG_SERVER_STARTED = 60000,
	MSG_SERVER_STOPPED,
	MSG_NOT_WATCHED,
	MSG_OBJECT_OVERDUE,
	MSG_OBJECT_ON_TIME,
	MSG_ACTION_FAILED,
	MSG_ACKNOWLEDGED = 60010,
	MSG_SITE_CHANGED,
	MSG_DP_ADDED = 60020,
	MSG_DP_ADD_FAILED,
	MSG_DP_CHANGED,
	MSG_PAPERS_REFUSED = 60030,
	MSG_DROP_OPEN,
};

#define MESSAGE_STRINGS 9

struct message_row {
	uint32_t id;
	enum severity severity;
	enum message_kind kind;
	const char *component;
	const char *text; /* %1 to %9: insertion strings */
	const char *cause, *remedy;
};
const struct message_row *message_catalogue(size_t *count);
const struct message_row *message_find(uint32_t id); /* NULL where there is none */

/* A message to be written; strings[i] replaces %(i+1). */
struct message {
	uint32_t id;	     /* of the catalogue */
	const char *object;  /* what it is about: a path, a package, the site; NULL: the site */
	const char *package; /* or NULL */
	uint32_t win32;	     /* 0: none */
	const char *strings[MESSAGE_STRINGS];
};
/* message_write - store it now, in the transaction that may be open; it is logged too. */
int message_write(struct site *site, const struct message *message, char **why) MUST_CHECK;
/* message_said_lately - was this one written about this object within @seconds? */
bool message_said_lately(struct site *site, const struct message *message, int64_t seconds);
/* message_text - append the text of @row with @strings put in. */
void message_text(const struct message_row *row, const char *const *strings, struct buf *out);

/* What to list: zero-initialised, everything. */
struct message_filter {
	enum severity severity; /* and above */
	const char *component, *object, *package;
	uint32_t id;
	int64_t since_s, until_s; /* 0: no bound */
	int64_t after;		  /* numbers above this only */
	uint32_t limit;		  /* how many; 0: 1000 */
	bool oldest;		  /* the oldest of them; else the newest */
};
/* message_list - oldest first: an array of objects with id, time, message, severity, component,
 * machine, object, text, cause, remedy; NULL where it fails. */
json_t *message_list(struct site *site, const struct message_filter *filter, char **why);
/* message_retain - remove what is older than the settings say. */
int message_retain(struct site *site, char **why);

/*
 * Rules: what is done when a message is stored that fits. Actions: "program" (target: an absolute
 * path, run without a shell, the message in its environment), "webhook" (target: an http or https
 * URL, the message as JSON), "syslog" (target: a facility such as "daemon").
 */
struct rule {
	const char *name;
	enum severity severity; /* and above */
	const char *component;	/* NULL: any */
	const char *object;	/* a pattern with * and ?; NULL: any */
	uint32_t message;	/* 0: any */
	const char *action, *target;
};
int rule_add(struct site *site, const struct rule *rule, char **why) MUST_CHECK;
int rule_remove(struct site *site, const char *name, char **why) MUST_CHECK;
json_t *rule_list(struct site *site, char **why);

#endif
