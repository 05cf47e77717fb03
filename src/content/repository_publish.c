// SPDX-License-Identifier: Apache-2.0
/* Documents read back from the library, and brought to other places. */
#include "repository_impl.h"

#include <crypto/crypto.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define KEPT_VERSIONS                                                                              \
	3	       /* of targets and snapshot: a client may be in the middle of an older one   \
			*/
#define REMOVED_MAX 64 /* old documents a run */

static bool read_document(struct place *place, enum role role, int64_t version, struct buf *bytes,
			  struct content_failure *why)
{
	char file[ROLE_FILE_MAX];
	ntstatus status;

	role_file(role, version, file);
	status = place_read(place, file, METADATA_BYTES_MAX, bytes);
	return status ? content_fail_status(why, status, false, file, "read a signed document")
		      : true;
}

/* One document of the library, verified against the root that is loaded. */
static bool load(struct repository *r, enum role role, int64_t version, struct document *document,
		 struct role_meta *meta, struct content_failure *why)
{
	const struct root_role *keys = &r->root.roles[role];
	auto_buf struct buf bytes = { 0 };

	if (!read_document(r->library, role, version, &bytes, why) ||
	    !document_parse(document, bytes.data, bytes.len, why) ||
	    !role_head_decode(document->body, role, &r->heads[role], why) ||
	    !document_verify(document, keys->keys, keys->count, keys->threshold, why))
		return false;
	*meta = (struct role_meta){ .version = r->heads[role].version, .length = bytes.len };
	return hash_sha256(bytes.data, bytes.len, meta->hash)
		       ? true
		       : content_fail(why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, NULL,
				      "a hash cannot be computed");
}

static bool load_root(struct repository *r, int64_t version, struct content_failure *why)
{
	struct document document auto_document = { 0 };
	const struct root_role *keys = &r->root.roles[ROLE_ROOT];
	auto_buf struct buf bytes = { 0 };

	return read_document(r->library, ROLE_ROOT, version, &bytes, why) &&
	       document_parse(&document, bytes.data, bytes.len, why) &&
	       root_decode(document.body, &r->root, why) &&
	       document_verify(&document, keys->keys, keys->count, keys->threshold, why);
}

struct newest {
	int64_t version[ROLE_COUNT];
};

/* "12.snapshot.json" - its role and version; false: something else. */
static bool parse_name(const char *name, enum role *role, int64_t *version)
{
	char *end;
	long long number;

	if (name[0] < '1' || name[0] > '9')
		return false;
	errno = 0;
	number = strtoll(name, &end, 10);
	if (errno || number > ROLE_VERSION_MAX || *end != '.')
		return false;
	for (int i = 0; i < ROLE_TIMESTAMP; i++) {
		size_t length = strlen(role_name((enum role)i));

		if (!strncmp(end + 1, role_name((enum role)i), length) &&
		    !strcmp(end + 1 + length, ".json")) {
			*role = (enum role)i;
			*version = number;
			return true;
		}
	}
	return false;
}

static bool note_newest(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct newest *newest = owner;
	enum role role;
	int64_t version;

	if (!is_directory && parse_name(name, &role, &version) && version > newest->version[role])
		newest->version[role] = version;
	return true;
}

static bool find_newest(struct place *place, struct newest *newest, struct content_failure *why)
{
	ntstatus status = place_list(place, "metadata", note_newest, newest);

	*newest = status ? (struct newest){ 0 } : *newest;
	return status ? content_fail_status(why, status, false, place_title(place),
					    "list the signed documents")
		      : true;
}

static bool load_chain(struct repository *r, int64_t root_version, struct content_failure *why)
{
	struct document timestamp auto_document = { 0 }, snapshot auto_document = { 0 };
	struct document targets auto_document = { 0 };
	struct role_meta unused, named;

	if (!load_root(r, root_version, why) ||
	    !load(r, ROLE_TIMESTAMP, 0, &timestamp, &unused, why) ||
	    !role_meta_decode(timestamp.body, ROLE_SNAPSHOT, &named, why) ||
	    !load(r, ROLE_SNAPSHOT, named.version, &snapshot, &r->meta[ROLE_SNAPSHOT], why) ||
	    !role_meta_decode(snapshot.body, ROLE_TARGETS, &named, why) ||
	    !load(r, ROLE_TARGETS, named.version, &targets, &r->meta[ROLE_TARGETS], why) ||
	    !targets_decode(targets.body, why))
		return false;
	json_decref(r->targets);
	r->targets = json_deep_copy(json_object_get(targets.body, "targets"));
	return true;
}

/*
 * Interrupted between two documents, the timestamp still names the older ones, and the newer are
 * numbers that are not used again: the next commit goes on from the highest. Interrupted behind
 * the root of a rotation, what lies there is signed with the keys of the root before, and is to be
 * signed again.
 */
bool repository_load(struct repository *r, struct content_failure *why)
{
	struct newest newest = { 0 };
	int64_t root;

	if (!find_newest(r->library, &newest, why))
		return false;
	root = newest.version[ROLE_ROOT];
	if (!root)
		return content_fail(why, CONTENT_MISSING, STATUS_NOT_FOUND, place_title(r->library),
				    "there is no root document");
	if (!load_chain(r, root, why)) {
		if (root == 1 || !load_chain(r, root - 1, NULL) || !load_root(r, root, why))
			return false;
		r->stale = true;
	}
	r->heads[ROLE_ROOT] = r->root.head;
	for (int role = ROLE_TARGETS; role <= ROLE_SNAPSHOT; role++)
		if (newest.version[role] > r->heads[role].version)
			r->heads[role].version = newest.version[role];
	return true;
}

bool repository_pin(struct repository *r, struct buf *out, struct content_failure *why)
{
	return read_document(r->library, ROLE_ROOT, 1, out, why);
}

struct outdated {
	const struct role_head *heads;
	char names[REMOVED_MAX][ROLE_FILE_MAX];
	size_t count;
};

static bool note_outdated(void *owner, const char *name, uint64_t size, bool is_directory)
{
	struct outdated *old = owner;
	enum role role;
	int64_t version;

	/* Roots stay: a client that has slept for years follows them one by one. */
	if (!is_directory && parse_name(name, &role, &version) && role != ROLE_ROOT &&
	    version <= old->heads[role].version - KEPT_VERSIONS)
		role_file(role, version, old->names[old->count++]);
	return old->count < REMOVED_MAX;
}

/* Clean-up, which nobody waits for: what cannot be removed now is removed next time. @heads: one of
 * each role. */
static void remove_outdated(const struct role_head *heads, struct place *to)
{
	struct outdated old = { .heads = heads };

	if (place_list(to, "metadata", note_outdated, &old))
		return;
	for (size_t i = 0; i < old.count; i++)
		(void)!place_remove(to, old.names[i]);
}

struct publication {
	struct role_head heads[ROLE_COUNT]; /* of what is in it */
	struct buf documents[ROLE_COUNT];   /* the newest of each */
	struct buf *roots;		    /* all of them, version 1 first */
	uint8_t (*everywhere)[SHA256_LENGTH];
	size_t everywhere_count;
};

void publication_free(struct publication *p)
{
	if (!p)
		return;
	for (int role = 0; role < ROLE_COUNT; role++)
		buf_free(&p->documents[role]);
	for (int64_t i = 0; p->roots && i < p->heads[ROLE_ROOT].version; i++)
		buf_free(&p->roots[i]);
	free(p->roots);
	free(p->everywhere);
	free(p);
}

static bool take_roots(struct repository *r, struct publication *p, struct content_failure *why)
{
	int64_t count = r->root.head.version;

	p->roots = xalloc((size_t)count, sizeof(*p->roots));
	for (int64_t v = 1; v <= count; v++)
		if (!read_document(r->library, ROLE_ROOT, v, &p->roots[v - 1], why))
			return false;
	return true;
}

static bool take_everywhere(struct repository *r, struct publication *p,
			    struct content_failure *why)
{
	const char *name;
	json_t *entry;

	p->everywhere = xalloc(json_object_size(r->targets) + 1, SHA256_LENGTH);
	json_object_foreach(r->targets, name, entry)
	{
		struct target target;

		if (!target_decode(name, entry, &target, why))
			return false;
		if (json_is_true(json_object_get(target.custom, "everywhere")))
			memcpy(p->everywhere[p->everywhere_count++], target.hash, SHA256_LENGTH);
	}
	return true;
}

static bool take_documents(struct repository *r, struct publication *p, struct content_failure *why)
{
	return read_document(r->library, ROLE_TARGETS, r->meta[ROLE_TARGETS].version,
			     &p->documents[ROLE_TARGETS], why) &&
	       read_document(r->library, ROLE_SNAPSHOT, r->meta[ROLE_SNAPSHOT].version,
			     &p->documents[ROLE_SNAPSHOT], why) &&
	       read_document(r->library, ROLE_TIMESTAMP, 0, &p->documents[ROLE_TIMESTAMP], why);
}

struct publication *repository_publication(struct repository *r, struct content_failure *why)
{
	struct publication *p = xalloc(1, sizeof(*p));

	p->heads[ROLE_ROOT] = r->root.head;
	/* Numbers above these may be used up, by a commit that was interrupted. */
	for (int role = ROLE_TARGETS; role <= ROLE_SNAPSHOT; role++)
		p->heads[role].version = r->meta[role].version;
	if (take_roots(r, p, why) && take_everywhere(r, p, why) && take_documents(r, p, why)) {
		/* What a publication that is on its way needs, it has in memory. */
		remove_outdated(p->heads, r->library);
		return p;
	}
	publication_free(p);
	return NULL;
}

static bool bring_document(struct place *to, enum role role, int64_t version,
			   const struct buf *bytes, struct content_failure *why)
{
	auto_buf struct buf back = { 0 };
	char file[ROLE_FILE_MAX];
	ntstatus status;

	role_file(role, version, file);
	status = place_write(to, file, bytes->data, bytes->len);
	if (!status)
		status = place_read(to, file, bytes->len, &back);
	if (status)
		return content_fail_status(why, status, true, place_title(to),
					   "publish a signed document");
	if (back.len == bytes->len && !memcmp(back.data, bytes->data, bytes->len))
		return true;
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, place_title(to),
			    "a signed document does not come back as it was written");
}

static bool bring_everywhere(const struct publication *p, struct place *library, struct place *to,
			     struct content_failure *why)
{
	for (size_t i = 0; i < p->everywhere_count; i++) {
		const uint8_t *hash = p->everywhere[i];
		auto_buf struct buf bytes = { 0 }, there = { 0 };

		if (layout_read_target(to, hash, MANIFEST_BYTES_MAX, &there, NULL))
			continue;
		if (!layout_read_target(library, hash, MANIFEST_BYTES_MAX, &bytes, why) ||
		    !layout_write_target(to, hash, bytes.data, bytes.len, why))
			return false;
	}
	return true;
}

bool publication_bring(const struct publication *p, struct place *library, struct place *to,
		       struct content_failure *why)
{
	struct newest there = { 0 };

	if (!bring_everywhere(p, library, to, why) || !find_newest(to, &there, why))
		return false;
	for (int64_t v = there.version[ROLE_ROOT] + 1; v <= p->heads[ROLE_ROOT].version; v++)
		if (!bring_document(to, ROLE_ROOT, v, &p->roots[v - 1], why))
			return false;
	for (int role = ROLE_TARGETS; role <= ROLE_TIMESTAMP; role++)
		if (!bring_document(to, (enum role)role,
				    role == ROLE_TIMESTAMP ? 0 : p->heads[role].version,
				    &p->documents[role], why))
			return false;
	remove_outdated(p->heads, to);
	return true;
}
