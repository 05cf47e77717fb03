// SPDX-License-Identifier: Apache-2.0
/*
 * Clients, collections of them, deployments to collections, the policy that tells clients, and
 * what they report. Changes are in the database at once, and reach clients with the next
 * policy_publish.
 */
#ifndef SITE_DEPLOY_H
#define SITE_DEPLOY_H

#include <policy/deployment.h>
#include <site/library.h>

#define SITE_CLIENTS_MAX     2000000
#define SITE_COLLECTIONS_MAX 10000
#define SITE_DEPLOYMENTS_MAX 10000

/* Collections: clients by name, or all that an expression over their facts holds for. */
int collection_add(struct site *site, const char *name, const char *query, const char *comment,
		   char **why) MUST_CHECK;
int collection_remove(struct site *site, const char *name, char **why) MUST_CHECK;
/* collection_member - add or remove the client @client (its id, the beginning of it, or its name).
 */
int collection_member(struct site *site, const char *name, const char *client, bool add,
		      char **why) MUST_CHECK;
/* collection_window - a maintenance window of its clients (policy/window.h). */
int collection_window(struct site *site, const char *name, const char *window, bool add,
		      char **why) MUST_CHECK;
json_t *collection_list(struct site *site, char **why);
/* collection_clients - who is in it now: ids, as the caller's array. */
json_t *collection_clients(struct site *site, const char *name, char **why);

/* Deployments. */
struct deployment_wish {
	const char *package, *program, *collection;
	enum purpose purpose;
	enum rerun rerun;
	int64_t available_s, deadline_s, expires_s, order;
	bool deadline_beats_windows;
};
/* deployment_create - @id gets DEPLOYMENT_ID_MAX + 1 bytes. */
int deployment_create(struct site *site, const struct deployment_wish *wish, char *id,
		      char **why) MUST_CHECK;
int deployment_remove(struct site *site, const char *id, char **why) MUST_CHECK;
/* deployment_rerun - a new revision: it runs again where its rerun rule lets it; nowhere that it
 * has run, where *@runs_once. */
int deployment_rerun(struct site *site, const char *id, bool *runs_once, char **why) MUST_CHECK;
json_t *deployment_list(struct site *site, char **why);
/* deployment_status - every client it is for, and how far it has come; @id NULL: all. */
json_t *deployment_status(struct site *site, const char *id, char **why);

/* Clients. */
int client_approve(struct site *site, const char *client, char **why) MUST_CHECK;
int client_remove(struct site *site, const char *client, char **why) MUST_CHECK;
json_t *client_list(struct site *site, char **why);
/* client_show - its facts, deployments and events. */
json_t *client_show(struct site *site, const char *client, char **why);
/* client_find - the id of the one client that is meant; to be freed, NULL: why. */
char *client_find(struct site *site, const char *client, char **why);
/* token_make - a one-time token for an enrolment that nobody needs to approve; to be wiped. */
char *token_make(struct site *site, int64_t lifetime_s, char **why);

/* Papers: what clients dropped at the distribution points. What is unfinished may be half a paper,
 * and what is unread could not be read for a reason that may pass: both are tried again. Of what is
 * unfinished, so many files are forgotten that more are not kept in mind, and not given up. */
struct ingest_counts {
	uint64_t enrolments, reports, stale, refused, unfinished, unread, forgotten;
};
/* papers_ingest - from every point. What fails at one is in *why; the others are asked all the
 * same. */
int papers_ingest(struct site *site, struct ingest_counts *counts, char **why) MUST_CHECK;
/* papers_ingest_from - from @place, the point called @point, until its deadline. */
int papers_ingest_from(struct site *site, struct place *place, const char *point,
		       struct ingest_counts *counts, char **why) MUST_CHECK;
/*
 * paper_take - one paper, as a step of the transaction that the caller has begun. 0: what it says
 * is in the database, or was there. -EAGAIN: these bytes are no document (yet). -EBADMSG: it will
 * never count. Anything else is the site's own trouble, and the paper is to be kept. *why tells.
 */
int paper_take(struct site *site, const void *bytes, size_t length, struct ingest_counts *counts,
	       char **why) MUST_CHECK;

/* policy_publish - build the policy and bring it to every point that is not in maintenance. Points
 * that fail are named in *why; the others have it. @force: also where nothing has changed. */
int policy_publish(struct site *site, bool force, char **why) MUST_CHECK;
/* policy_is_awaited - has a point that could not be given the policy been reached again since then?
 */
bool policy_is_awaited(struct site *site, int64_t since_s);
/* policy_generation - the number of the last policy that was built; 0: none. */
int64_t policy_generation(struct site *site);

#endif
