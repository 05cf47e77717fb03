// SPDX-License-Identifier: Apache-2.0
/*
 * What the files of the agent share. The agent is one thread; what it must not forget lies in its
 * directory, which only it writes:
 *
 *   key.pem       its key: what the site knows it by
 *   trust/        the signed documents it trusts (content/trust.h)
 *   policy/       nodes of the policy that it has read, by hash
 *   cache/        content, a place as any other (content/layout.h)
 *   work/         the files of the package whose program runs
 *   requests/     what users asked for: empty files named by a deployment
 *   state.json    the rest (memory.c), replaced in one step at each move
 *
 * Killed at any point, the next run goes on from there.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <agent/config.h>
#include <content/place.h>
#include <content/trust.h>
#include <policy/decide.h>
#include <policy/paper.h>

/* One deployment, as it is remembered. */
struct item {
	char id[DEPLOYMENT_ID_MAX + 1];
	struct history history;
	int64_t message, exit_code, since_s;
	char *reason, *output;
	uint8_t manifest[SHA256_LENGTH];
	bool is_wanted; /* in the policy that was read last; not saved */
};

struct memory {
	char *directory;
	int64_t report_number, event_number;
	int64_t reported_s, enrolled_s; /* when the last report, the last enrolment was dropped */
	int64_t seen_s;			/* the latest time that came signed */
	bool has_news;			/* something changed that was not reported */
	char running[DEPLOYMENT_ID_MAX + 1]; /* whose program runs, or "" */
	char boot[64];			     /* the boot that a pending restart waits out */
	struct item *items;
	size_t item_count, item_room;
	json_t *events;
	json_t *answers; /* title of a point -> ms */
	json_t *pulls;	 /* packages moved to points, as they are reported, and when to try again */
};
/* memory_load - what is missing or damaged begins anew (said in the log). */
bool memory_load(struct memory *m, const char *directory, struct content_failure *why) MUST_CHECK;
void memory_free(struct memory *m);
/* memory_save - in one step, and durable. */
bool memory_save(struct memory *m, struct content_failure *why) MUST_CHECK;
/* memory_item - the one called @id; made where @make and missing, else NULL. */
struct item *memory_item(struct memory *m, const char *id, bool make);
/* memory_forget - what the policy no longer has and is over. */
void memory_forget(struct memory *m);
/* memory_move - to @state, with an event where it is another; @text may be NULL. Not saved. */
void memory_move(struct memory *m, struct item *item, enum delivery state, int64_t message,
		 const char *reason, int64_t now_s);
void memory_event(struct memory *m, const char *deployment, int64_t message, const char *text,
		  int64_t now_s);

/* file_replace - the file @path in one step, and durable; mode 0600. */
bool file_replace(const char *path, const void *data, size_t length,
		  struct content_failure *why) MUST_CHECK;
/* file_read - at most @limit bytes. */
bool file_read(const char *path, size_t limit, struct buf *out,
	       struct content_failure *why) MUST_CHECK;
/* file_read_guarded - what the agent obeys: only where nobody else may change it. */
bool file_read_guarded(const char *path, size_t limit, struct buf *out,
		       struct content_failure *why) MUST_CHECK;

struct gate; /* of a point that this client fills: pull.c */

/* A running agent. */
struct agent {
	const struct agent_config *config;
	struct memory memory;
	struct content_key key;
	struct trust *trust;
	struct policy policy; /* the last that was read; its site is NULL before */
	struct policy_client assignment;
	struct place *place; /* that answered in this cycle, or NULL */
	char place_title[256];
	json_t *facts;
	json_t *used; /* hash of each node of the policy that this cycle has asked for -> true */
	uint64_t bytes_got, requests; /* in this cycle, from all places */
	uint64_t pull_turn_ms;	      /* how long it may fill points in the next one; 0: as usual */
	struct gate *gates;	      /* what went to those points lately, while it runs */
	size_t gate_count;
};

/* earlier - of two times of which 0 means none. */
static inline int64_t earlier(int64_t a, int64_t b)
{
	return !a || (b && b < a) ? b : a;
}
int64_t agent_now(const struct agent *a); /* the clock, but never before what came signed */

/* places.c: distribution points */
/* places_apply - what the configuration says of papers at one of the points of a new policy goes
 * before what that says: who looks after the client knows what its way to the web server lets
 * through. */
void places_apply(struct agent *a);
/* places_choose - which may be used now, best first; pointers into config or policy, to be freed
 * as an array. */
const struct policy_point **places_choose(struct agent *a, size_t *count);
struct place *places_open(struct agent *a, const struct policy_point *point,
			  struct content_failure *why);
/* places_open_to_write - as the account that fills points; where there is none it is refused. */
struct place *places_open_to_write(struct agent *a, const struct policy_point *point,
				   struct content_failure *why);
/* What a point may take for policy, deployments and papers, and how slow one counts that does
 * not answer. */
#define PLACES_POINT_MS (120 * 1000)
#define PLACES_DEAD_MS	60000
/* places_note - how long this one took to answer. */
void places_note(struct agent *a, const struct policy_point *point, int64_t took_ms);
/* places_close - and count what it moved. */
void places_close(struct agent *a, struct place *place);

/* refresh.c: what is trusted, and what it says for this client */
bool refresh(struct agent *a, struct content_failure *why) MUST_CHECK;
/* refresh_deployment - @out is to be freed whatever comes back. */
bool refresh_deployment(struct agent *a, const char *id, struct deployment *out,
			struct content_failure *why) MUST_CHECK;

/* refresh_node - append what the policy names by @hash: from what is kept, or from the place of
 * this cycle. */
bool refresh_node(struct agent *a, const uint8_t hash[SHA256_LENGTH], size_t limit, struct buf *out,
		  struct content_failure *why) MUST_CHECK;

/* refresh_tidy - nodes that are kept and that this cycle has not asked for go. */
void refresh_tidy(struct agent *a);

/* content.c: content in the cache, and as files */
bool content_is_cached(struct agent *a, const struct deployment *d);
bool content_fetch(struct agent *a, const struct deployment *d,
		   struct content_failure *why) MUST_CHECK;
/* content_to_files - verified files in @directory, in place of what was there. */
bool content_to_files(struct agent *a, const struct deployment *d, const char *directory,
		      struct content_failure *why) MUST_CHECK;
/* remove_tree - path_remove_tree, with a reason. */
bool remove_tree(const char *path, struct content_failure *why);

/* work.c: one deployment through its states */
/* work_on - until there is nothing to do for now; when to look again (0: with the next policy). */
int64_t work_on(struct agent *a, const struct deployment *d);
/* work_resume - what was running when the agent was stopped. */
void work_resume(struct agent *a);

/* pull.c: distribution points that this client fills */
/* pull_all - what the order to this client says; when to look again (0: with the next policy). */
int64_t pull_all(struct agent *a);
void pull_forget_gates(struct agent *a);
json_t *pull_reports(const struct agent *a); /* for the report; the caller's reference */

/* facts.c */
json_t *facts_gather(void);

/* post.c: papers */
bool post_enrolment(struct agent *a, struct content_failure *why) MUST_CHECK;
bool post_report(struct agent *a, struct content_failure *why) MUST_CHECK;

#endif
