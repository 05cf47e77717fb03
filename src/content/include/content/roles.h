// SPDX-License-Identifier: Apache-2.0
/*
 * The four roles that documents are signed in, as The Update Framework's specification (1.0)
 * describes them: root says which keys may sign what, targets which files are content (manifests of
 * packages, policies), snapshot which targets document is current, and timestamp which snapshot,
 * for a short time only, so that an old state cannot be kept up for long.
 *
 * Here: what a document of each role says, decoded; who may trust it is content/trust.h, who makes
 * it content/repository.h.
 */
#ifndef CONTENT_ROLES_H
#define CONTENT_ROLES_H

#include <content/document.h>

enum role { ROLE_ROOT, ROLE_TARGETS, ROLE_SNAPSHOT, ROLE_TIMESTAMP, ROLE_COUNT };
const char *role_name(enum role role); /* "root" */

#define ROLE_KEYS_MAX	    8
#define ROLE_SPEC_VERSION   "1.0.31"
#define ROOT_BYTES_MAX	    (128u << 10)
#define TIMESTAMP_BYTES_MAX (16u << 10)
#define METADATA_BYTES_MAX  (64u << 20) /* snapshot, targets; their announced length is less */
#define TARGET_NAME_MAX	    256
#define ROLE_VERSION_MAX    0x7FFFFFFF

/* What every role's document says. */
struct role_head {
	int64_t version; /* from 1 */
	int64_t expires; /* seconds since 1970 */
};

struct root_role {
	struct content_key keys[ROLE_KEYS_MAX];
	size_t count;
	unsigned threshold;
};
struct root {
	struct role_head head;
	struct root_role roles[ROLE_COUNT];
};

/* One document named by another: snapshot by timestamp, targets by snapshot. */
struct role_meta {
	int64_t version;
	uint64_t length;
	uint8_t hash[SHA256_LENGTH];
};

/* One file that targets names. */
struct target {
	char name[TARGET_NAME_MAX];
	uint64_t length;
	uint8_t hash[SHA256_LENGTH];
	json_t *custom; /* what its maker wants to say, an object; held by the document; may be NULL
			 */
};

/* role_head_decode - _type, spec_version, version, expires of a signed body. */
bool role_head_decode(const json_t *body, enum role role, struct role_head *head,
		      struct content_failure *why) MUST_CHECK;
bool root_decode(const json_t *body, struct root *root, struct content_failure *why) MUST_CHECK;
json_t *root_encode(const struct root *root);
/* role_meta_decode - the entry for @of (ROLE_SNAPSHOT, ROLE_TARGETS), the only one there may be. */
bool role_meta_decode(const json_t *body, enum role of, struct role_meta *meta,
		      struct content_failure *why) MUST_CHECK;
/* role_encode - a body of @role with its head; @meta (of snapshot, timestamp) for the role it
 * names;
 * @targets (of targets) an object whose reference is not taken. */
json_t *role_encode(enum role role, const struct role_head *head, const struct role_meta *meta,
		    const json_t *targets);

/* target_decode - one member of "targets". */
bool target_decode(const char *name, const json_t *entry, struct target *target,
		   struct content_failure *why) MUST_CHECK;
json_t *target_encode(const struct target *target);
/* targets_decode - "targets" of a body: every member is checked, and the object returned
 * (borrowed); NULL: refused. */
json_t *targets_decode(const json_t *body, struct content_failure *why) MUST_CHECK;
/* target_name_is_good - parts of a-z A-Z 0-9 . _ - with '/' between, none of them . or .. */
bool target_name_is_good(const char *name);

/* role_file - where a version of a role lies: "metadata/3.root.json"; timestamp has no number. */
#define ROLE_FILE_MAX 64
void role_file(enum role role, int64_t version, char name[ROLE_FILE_MAX]);

#endif
