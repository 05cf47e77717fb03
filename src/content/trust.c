// SPDX-License-Identifier: Apache-2.0
/*
 * A client's refresh, step by step as the specification numbers them (5.3 root, 5.4 timestamp, 5.5
 * snapshot, 5.6 targets). One thread at a time.
 */
#include <content/trust.h>

#include <base/files.h>
#include <crypto/crypto.h>
#include <stdio.h>

struct held {
	struct document document; /* body is NULL: none */
	struct role_head head;
	struct role_meta meta; /* of timestamp and snapshot */
};

struct trust {
	struct place *state;
	struct root root;
	char first_key[SHA256_HEX_SIZE];
	struct held roles[ROLE_COUNT]; /* root is kept above */
	json_t *targets;	       /* of the targets document, borrowed */
};

static const char *const state_files[ROLE_COUNT] = { "root.json", "targets.json", "snapshot.json",
						     "timestamp.json" };

static bool expired(enum role role, int64_t expires, int64_t now, struct content_failure *why)
{
	char then[DOCUMENT_TIME_SIZE], clock[DOCUMENT_TIME_SIZE];

	document_time_text(expires, then);
	document_time_text(now, clock);
	return content_fail(why, CONTENT_EXPIRED, STATUS_INVALID_SIGNATURE, NULL,
			    "%s expired at %s, and it is %s: an old copy, or a wrong clock",
			    role_name(role), then, clock);
}

static bool unexpired(const struct trust *t, enum role role, int64_t now,
		      struct content_failure *why)
{
	int64_t expires = t->roles[role].head.expires;

	return expires > now ? true : expired(role, expires, now, why);
}

/* What was signed at a time has not been signed later: a clock that says so is behind. */
static int64_t believable(const struct trust *t, int64_t now)
{
	const json_t *timestamp = t->roles[ROLE_TIMESTAMP].document.body;
	int64_t issued = 0;

	if (timestamp && document_time(timestamp, "issued", &issued, NULL) && issued > now)
		return issued;
	return now;
}

/* name_role - say which document a failure was about. */
static bool name_role(struct content_failure *why, const struct place *place, const char *file)
{
	if (why && !why->path[0])
		snprintf(why->path, sizeof(why->path), "%s/%s", place_title(place), file);
	return false;
}

static bool read_failed(struct content_failure *why, struct place *place, const char *file,
			ntstatus status)
{
	content_fail_status(why, status, false, NULL, "read a signed document");
	if (why && status == STATUS_FILE_TOO_LARGE)
		why->problem = CONTENT_TOO_LARGE;
	return name_role(why, place, file);
}

static bool keep(struct trust *t, enum role role, const struct buf *bytes,
		 struct content_failure *why)
{
	ntstatus status = place_write(t->state, state_files[role], bytes->data, bytes->len);

	return status ? content_fail_status(why, status, true, state_files[role],
					    "keep what is trusted")
		      : true;
}

static void drop(struct trust *t, enum role role)
{
	document_free(&t->roles[role].document);
	t->roles[role] = (struct held){ 0 };
	if (role == ROLE_TARGETS)
		t->targets = NULL;
}

static bool same_keys(const struct root_role *a, const struct root_role *b)
{
	if (a->count != b->count || a->threshold != b->threshold)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->keys[i].id, b->keys[i].id) != 0)
			return false;
	return true;
}

/* 5.3.4: a new root is signed by the keys of the old one and by its own. */
static bool next_root(struct trust *t, const struct buf *bytes, int64_t version, struct root *next,
		      struct content_failure *why)
{
	struct document document auto_document = { 0 };
	const struct root_role *old = &t->root.roles[ROLE_ROOT];
	const struct root_role *new = &next->roles[ROLE_ROOT];

	if (!document_parse(&document, bytes->data, bytes->len, why) ||
	    !root_decode(document.body, next, why) ||
	    !document_verify(&document, old->keys, old->count, old->threshold, why) ||
	    !document_verify(&document, new->keys, new->count, new->threshold, why))
		return false;
	if (next->head.version == version)
		return true;
	return content_fail(why, CONTENT_ROLLED_BACK, STATUS_INVALID_SIGNATURE, NULL,
			    "a root of version %lld in the place of %lld",
			    (long long)next->head.version, (long long)version);
}

static bool refresh_root(struct trust *t, struct place *place, struct content_failure *why)
{
	for (unsigned i = 0; i < TRUST_ROOTS_MAX; i++) {
		auto_buf struct buf bytes = { 0 };
		int64_t version = t->root.head.version + 1;
		char file[ROLE_FILE_MAX];
		struct root next;
		ntstatus status;

		role_file(ROLE_ROOT, version, file);
		status = place_read(place, file, ROOT_BYTES_MAX, &bytes);
		if (status == STATUS_OBJECT_NAME_NOT_FOUND)
			return true;
		if (status)
			return read_failed(why, place, file, status);
		if (!next_root(t, &bytes, version, &next, why))
			return name_role(why, place, file);
		/* 5.3.11: with the keys go the versions that they may have been misused for. */
		if (!same_keys(&t->root.roles[ROLE_TIMESTAMP], &next.roles[ROLE_TIMESTAMP]) ||
		    !same_keys(&t->root.roles[ROLE_SNAPSHOT], &next.roles[ROLE_SNAPSHOT])) {
			drop(t, ROLE_TIMESTAMP);
			drop(t, ROLE_SNAPSHOT);
		}
		if (!keep(t, ROLE_ROOT, &bytes, why))
			return false;
		t->root = next;
	}
	return content_fail(why, CONTENT_TOO_LARGE, STATUS_FILE_SYSTEM_LIMITATION,
			    place_title(place), "more than %u new roots at once", TRUST_ROOTS_MAX);
}

/* load - parse, verify against the current root, and decode; nothing is compared with the past. */
static bool load(const struct trust *t, enum role role, const struct buf *bytes, struct held *held,
		 struct content_failure *why)
{
	const struct root_role *keys = &t->root.roles[role];

	if (!document_parse(&held->document, bytes->data, bytes->len, why) ||
	    !document_verify(&held->document, keys->keys, keys->count, keys->threshold, why) ||
	    !role_head_decode(held->document.body, role, &held->head, why))
		return false;
	if (role == ROLE_TARGETS)
		return targets_decode(held->document.body, why) != NULL;
	return role_meta_decode(held->document.body,
				role == ROLE_TIMESTAMP ? ROLE_SNAPSHOT : ROLE_TARGETS, &held->meta,
				why);
}

static void take(struct trust *t, enum role role, struct held *held)
{
	drop(t, role);
	t->roles[role] = *held;
	*held = (struct held){ 0 };
	if (role == ROLE_TARGETS)
		t->targets = json_object_get(t->roles[role].document.body, "targets");
}

static bool rolled_back(enum role role, int64_t version, int64_t known, struct content_failure *why)
{
	return content_fail(why, CONTENT_ROLLED_BACK, STATUS_INVALID_SIGNATURE, NULL,
			    "%s of version %lld, and %lld is known", role_name(role),
			    (long long)version, (long long)known);
}

/* No version that is known goes down: neither its own (5.4.3.1) nor that of what it names. */
static bool not_older(const struct trust *t, enum role role, const struct held *held,
		      struct content_failure *why)
{
	const struct held *old = &t->roles[role];
	enum role named = role == ROLE_TIMESTAMP ? ROLE_SNAPSHOT : ROLE_TARGETS;

	/* Targets are held down by the snapshot, which a new key may begin anew (5.3.11). */
	if (!old->document.body || role == ROLE_TARGETS)
		return true;
	if (held->head.version < old->head.version)
		return rolled_back(role, held->head.version, old->head.version, why);
	if (held->meta.version < old->meta.version)
		return rolled_back(named, held->meta.version, old->meta.version, why);
	return true;
}

/* Is this exactly the document that the one above it names? */
static bool is_named(enum role role, const struct buf *bytes, const struct role_meta *meta,
		     struct content_failure *why)
{
	uint8_t hash[SHA256_LENGTH];

	if (bytes->len == meta->length && hash_sha256(bytes->data, bytes->len, hash) &&
	    !memcmp(hash, meta->hash, sizeof(hash)))
		return true;
	return content_fail(why, CONTENT_INCONSISTENT, STATUS_FILE_CORRUPT_ERROR, NULL,
			    "%s is not the document that was published with the others",
			    role_name(role));
}

static bool refresh_role(struct trust *t, struct place *place, enum role role,
			 const struct role_meta *named, int64_t now, struct content_failure *why)
{
	size_t limit = named ? (size_t)named->length : TIMESTAMP_BYTES_MAX;
	struct held held = { 0 };
	auto_buf struct buf bytes = { 0 };
	char file[ROLE_FILE_MAX];
	ntstatus status;
	bool good;

	if (named && t->roles[role].document.body && t->roles[role].head.version == named->version)
		return unexpired(t, role, now, why);
	role_file(role, named ? named->version : 0, file);
	status = place_read(place, file, limit, &bytes);
	if (status)
		return read_failed(why, place, file, status);
	good = (!named || is_named(role, &bytes, named, why)) &&
	       load(t, role, &bytes, &held, why) &&
	       (!named || held.head.version == named->version ||
		content_fail(why, CONTENT_INCONSISTENT, STATUS_FILE_CORRUPT_ERROR, NULL,
			     "%s has another version than was announced", role_name(role))) &&
	       not_older(t, role, &held, why) &&
	       (held.head.expires > now || expired(role, held.head.expires, now, why));
	if (!good) {
		document_free(&held.document);
		return name_role(why, place, file);
	}
	/* The same version again is the same state again (5.4.3.1): what is held stays. */
	if (!named && t->roles[role].document.body &&
	    held.head.version == t->roles[role].head.version) {
		document_free(&held.document);
		return unexpired(t, role, now, why);
	}
	if (!keep(t, role, &bytes, why)) {
		document_free(&held.document);
		return false;
	}
	take(t, role, &held);
	return true;
}

bool trust_refresh(struct trust *t, struct place *place, int64_t now, struct content_failure *why)
{
	struct content_failure unused;

	if (!why)
		why = &unused;
	*why = (struct content_failure){ 0 };
	now = believable(t, now);
	if (!refresh_root(t, place, why))
		return false;
	if (t->root.head.expires <= now)
		return expired(ROLE_ROOT, t->root.head.expires, now, why);
	return refresh_role(t, place, ROLE_TIMESTAMP, NULL, now, why) &&
	       refresh_role(t, place, ROLE_SNAPSHOT, &t->roles[ROLE_TIMESTAMP].meta, now, why) &&
	       refresh_role(t, place, ROLE_TARGETS, &t->roles[ROLE_SNAPSHOT].meta, now, why);
}

bool trust_is_current(const struct trust *t, int64_t now, struct content_failure *why)
{
	now = believable(t, now);
	if (t->root.head.expires <= now)
		return expired(ROLE_ROOT, t->root.head.expires, now, why);
	for (int role = ROLE_TARGETS; role < ROLE_COUNT; role++) {
		const struct held *held = &t->roles[role];

		if (!held->document.body)
			return content_fail(why, CONTENT_MISSING, STATUS_NOT_FOUND, NULL,
					    "no %s has been received yet", role_name(role));
		if (!unexpired(t, (enum role)role, now, why))
			return false;
	}
	return true;
}

/* What was trusted when we last ended; what does not hold together any more is asked for anew. */
static void load_state(struct trust *t)
{
	static const enum role order[] = { ROLE_TIMESTAMP, ROLE_SNAPSHOT, ROLE_TARGETS };

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		auto_buf struct buf bytes = { 0 };
		struct held held = { 0 };

		if (!place_read(t->state, state_files[order[i]], METADATA_BYTES_MAX, &bytes) &&
		    load(t, order[i], &bytes, &held, NULL))
			take(t, order[i], &held);
		document_free(&held.document);
	}
}

static bool parse_root(const void *data, size_t length, struct root *root,
		       struct content_failure *why)
{
	struct document document auto_document = { 0 };

	return document_parse(&document, data, length, why) &&
	       root_decode(document.body, root, why) &&
	       document_verify(&document, root->roles[ROLE_ROOT].keys, root->roles[ROLE_ROOT].count,
			       root->roles[ROLE_ROOT].threshold, why);
}

static bool load_roots(struct trust *t, const void *pinned, size_t length,
		       struct content_failure *why)
{
	auto_buf struct buf bytes = { 0 };
	struct root kept;

	if (!parse_root(pinned, length, &t->root, why))
		return false;
	if (!t->root.roles[ROLE_ROOT].count)
		return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL,
				    "a root without a key");
	memcpy(t->first_key, t->root.roles[ROLE_ROOT].keys[0].id, sizeof(t->first_key));
	/* The state is the client's own: what it kept, it had verified from the pinned root on. */
	if (!place_read(t->state, state_files[ROLE_ROOT], ROOT_BYTES_MAX, &bytes) &&
	    parse_root(bytes.data, bytes.len, &kept, NULL) &&
	    kept.head.version > t->root.head.version)
		t->root = kept;
	return true;
}

struct trust *trust_open(const char *directory, const void *pinned, size_t length,
			 struct content_failure *why)
{
	struct trust *t;
	struct place *state;
	int error = path_make_private(directory);

	if (error) {
		content_fail_errno(why, error, directory,
				   "make the directory of trusted documents");
		return NULL;
	}
	state = place_open_directory(directory, why);
	if (!state)
		return NULL;
	t = xalloc(1, sizeof(*t));
	t->state = state;
	if (place_make_directory(state, "staging")) {
		content_fail(why, CONTENT_UNWRITABLE, STATUS_ACCESS_DENIED, directory,
			     "the directory of trusted documents cannot be written");
		trust_close(t);
		return NULL;
	}
	if (!load_roots(t, pinned, length, why)) {
		trust_close(t);
		return NULL;
	}
	load_state(t);
	return t;
}

void trust_close(struct trust *t)
{
	if (!t)
		return;
	for (int role = 0; role < ROLE_COUNT; role++)
		drop(t, role);
	place_close(t->state);
	free(t);
}

const char *trust_root_id(const struct trust *t)
{
	return t->first_key;
}

int64_t trust_version(const struct trust *t, enum role role)
{
	return role == ROLE_ROOT ? t->root.head.version : t->roles[role].head.version;
}

bool trust_find(const struct trust *t, const char *name, struct target *target,
		struct content_failure *why)
{
	const json_t *entry = json_object_get(t->targets, name);

	if (!entry)
		return content_fail(why, CONTENT_MISSING, STATUS_NOT_FOUND, name,
				    "no trusted document names this");
	return target_decode(name, entry, target, why);
}

void trust_each(const struct trust *t, bool (*each)(void *owner, const struct target *target),
		void *owner)
{
	const char *name;
	json_t *entry;

	json_object_foreach(t->targets, name, entry)
	{
		struct target target;

		if (target_decode(name, entry, &target, NULL) && !each(owner, &target))
			return;
	}
}

bool trust_read(const struct trust *t, struct place *place, const struct target *target,
		struct buf *out, struct content_failure *why)
{
	size_t begin = out->len;

	if (target->length > MANIFEST_BYTES_MAX)
		return content_fail(why, CONTENT_TOO_LARGE, STATUS_FILE_TOO_LARGE, target->name,
				    "it is announced with more than it may have");
	if (!layout_read_target(place, target->hash, (size_t)target->length, out, why))
		return false;
	return out->len - begin == target->length
		       ? true
		       : content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, target->name,
				      "it is shorter than was announced");
}
