// SPDX-License-Identifier: Apache-2.0
/*
 * What clients tell a site: papers, signed with the client's own key, dropped as files into the
 * directory DROP of a distribution point, where clients may only create. Two kinds:
 *
 *   enrolment  who a client is: its key, its name, its facts, and, where it has a one-time token,
 *              the proof that it knows it
 *   report     all there is to know of it now: its facts, the state of each of its deployments,
 *              its latest events, each with a number that only rises, and what became of its
 *              orders to fill distribution points (policy/pull.h)
 *
 * A report holds everything, so that one that is lost or overtaken costs nothing; a number that
 * is not higher than the last is an old one played again.
 */
#ifndef POLICY_PAPER_H
#define POLICY_PAPER_H

#include <content/document.h>
#include <policy/policy.h>

#define DROP		      "drop"
#define PAPER_BYTES_MAX	      (256u << 10)
#define PAPER_FACTS_MAX	      512
#define PAPER_FACTS_BYTES     (48u << 10) /* of all of them, as JSON */
#define PAPER_EVENTS_MAX      64
#define PAPER_DEPLOYMENTS_MAX POLICY_CLIENT_DEPLOYMENTS
#define PAPER_TEXT_MAX	      4096
#define TOKEN_ID_LENGTH	      12 /* hex digits */
#define TOKEN_SECRET_LENGTH   32 /* bytes, as 64 hex digits */

/* paper_name - a name for the file: "report-ID-NUMBER-RANDOM.json", below DROP. */
#define PAPER_NAME_MAX	      128
void paper_name(char name[PAPER_NAME_MAX], const char *type, const char *client, int64_t number);
/* paper_name_is_one - may a file with this name be a paper? What is none is removed from a drop. */
bool paper_name_is_one(const char *name);

/* facts_check - an object of at most PAPER_FACTS_MAX texts, whole numbers and booleans, in
 * PAPER_FACTS_BYTES. */
bool facts_check(const json_t *facts, struct content_failure *why) MUST_CHECK;

/*
 * A token is "ID.SECRET". token_proof - the proof that whoever made the key @client knows the
 * secret: HMAC-SHA256 over the client's id, in hex. The secret itself is never sent.
 */
bool token_proof(const char *secret_hex, const char *client,
		 char proof[SHA256_HEX_SIZE]) MUST_CHECK;

struct enrolment {
	struct content_key key;
	const char *name;	      /* of the machine; these live with the document */
	const char *token_id, *proof; /* NULL: it has none */
	const json_t *facts;
	int64_t time_s;
};
/* enrolment_write - append the signed paper to @out; token may be NULL. */
bool enrolment_write(const struct content_key *key, const char *name, const json_t *facts,
		     const char *token, int64_t time_s, struct buf *out,
		     struct content_failure *why) MUST_CHECK;
/* enrolment_read - of a parsed document; that its own key has signed it is checked here. */
bool enrolment_read(const struct document *document, struct enrolment *out,
		    struct content_failure *why) MUST_CHECK;

/* paper_type - "enrolment", "report", or NULL. */
const char *paper_type(const struct document *document);
/* report_client - whom a report says it is from, before anything of it is checked; NULL: none. */
const char *report_client(const struct document *document);
/* report_read - that @key has signed it, and that all of it is of the form it must have. Then
 * its members may be taken as they are. */
bool report_read(const struct document *document, const struct content_key *key, int64_t *number,
		 struct content_failure *why) MUST_CHECK;

#endif
