// SPDX-License-Identifier: Apache-2.0
/* The storage objects that a site watches, the accounts it does that with, and what it knows. */
#ifndef SITE_OBJECT_H
#define SITE_OBJECT_H

#include <site/site.h>
#include <site/watch.h>

#define SITE_MAX_OBJECTS  20000
/* The role of what content is brought to (struct point). */
#define OBJECT_ROLE_POINT "distribution-point"

/* What an object is: how it is checked. */
enum object_kind {
	OBJECT_SHARE,	  /* \\server\share, with or without a path below */
	OBJECT_DIRECTORY, /* of this machine */
	OBJECT_DATABASE,  /* the site's own */
};

struct object {
	int64_t id;
	char *system; /* the site system: "\\FS"; of what is local, this machine's name */
	char *role;   /* "distribution-point", "file-server" ... */
	enum object_kind kind;
	char *path;
	char *address; /* where to connect; NULL: what the name resolves to */
	uint16_t port; /* 0: 445 */
	char *account; /* NULL: the site's */
	bool check_admin, paused;
	int64_t recheck;	      /* rises with each wish to check it now */
	int64_t interval_s;	      /* 0: the site's */
	struct thresholds thresholds; /* negative: the role's, or the site's */
	struct watch_state state;
};
void object_free(struct object *object);
/* object_tidy_path - as paths are stored: slashes turned, none at the end; never longer. */
void object_tidy_path(char *path);

/* object_add - watch it; the id and the system are filled in. -EEXIST where it is watched in that
 * role already. */
int object_add(struct site *site, struct object *object, char **why) MUST_CHECK;
/* object_set - as object_add, over the object with that path and role: thresholds, interval,
 * address, account, paused. */
int object_set(struct site *site, const struct object *object, char **why) MUST_CHECK;
/* object_find - by path, and role where not NULL; -ENOENT where there is none. */
int object_find(struct site *site, const char *path, const char *role, struct object *out,
		char **why) MUST_CHECK;
/* object_remove - watch it no longer. -EBUSY for a distribution point that is one still
 * (point_remove). */
int object_remove(struct site *site, const char *path, const char *role, char **why) MUST_CHECK;
/* object_load - all of them with their states; free each, and the array. */
int object_load(struct site *site, struct object **out, size_t *count, char **why) MUST_CHECK;
/* object_recheck - ask the server to check @path (NULL: all) now. */
int object_recheck(struct site *site, const char *path, char **why) MUST_CHECK;
/*
 * object_doubt - who worked at @path reached it, or did not: where what is known of it says
 * otherwise, the server checks it now and not when its time comes. A failure is dropped: the time
 * comes.
 */
void object_doubt(struct site *site, const char *path, bool reached);
/* object_acknowledge - somebody has seen it; it stays what it is. */
int object_acknowledge(struct site *site, const char *path, const char *who, const char *comment,
		       char **why) MUST_CHECK;
/* object_state_save - @report: JSON of the last check (probe_json). */
int object_state_save(struct site *site, const struct object *object, int64_t duration_ms,
		      const char *report, char **why) MUST_CHECK;
/* object_history_save - what is free now; one row an hour is kept. */
int object_history_save(struct site *site, const struct object *object, char **why) MUST_CHECK;
int object_history_retain(struct site *site, char **why) MUST_CHECK;
/* object_forecast - the time when it is full (forecast_fill), from the last thirty days; 0: never.
 */
int64_t object_forecast(struct site *site, int64_t id);

/* policy_of - the thresholds and times that count for @object: its own, its role's, the site's. */
struct policies {
	struct watch_policy site;
	struct role_policy {
		char *role;
		struct thresholds thresholds; /* negative: the site's */
	} * roles;
	size_t role_count;
};
int policies_load(struct site *site, struct policies *out, char **why) MUST_CHECK;
void policies_free(struct policies *policies);
struct watch_policy policy_of(const struct policies *policies, const struct object *object);
int role_thresholds_set(struct site *site, const char *role, const struct thresholds *thresholds,
			char **why) MUST_CHECK;

/* Accounts: who the site logs on as. */
struct account {
	char *name;	     /* by which the site knows it */
	char *user, *domain; /* user NULL: anonymous */
	uint8_t nt_hash[16];
};
int account_add(struct site *site, const char *name, const char *user, const char *domain,
		const char *password, char **why) MUST_CHECK;
int account_remove(struct site *site, const char *name, char **why) MUST_CHECK;
/* account_get - @name NULL: the site's. Wiped and freed with account_wipe. */
int account_get(struct site *site, const char *name, struct account *out, char **why) MUST_CHECK;
void account_wipe(struct account *account);
json_t *account_list(struct site *site, char **why);

/*
 * site_status - the whole site as JSON: its code, its state, whether its server runs, its systems
 * with their roles and objects, each with its state and reason; and how much of what it was asked
 * for has not come about (status_impl.h).
 */
json_t *site_status(struct site *site, char **why);

#endif
