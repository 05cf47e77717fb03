// SPDX-License-Identifier: Apache-2.0
/* Documents of the site: held in memory, signed, written into the library, renewed, rotated. */
#include "repository_impl.h"

#include <crypto/crypto.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY ((int64_t)86400)
const struct repository_lifetimes repository_default_lifetimes = {
	.seconds = { [ROLE_ROOT] = 365 * DAY,
		     [ROLE_TARGETS] = 90 * DAY,
		     [ROLE_SNAPSHOT] = 30 * DAY,
		     [ROLE_TIMESTAMP] = 7 * DAY },
};
#define ROOT_SPARE (30 * DAY) /* how long a root may wait for its offline key */

static char *key_path(const char *keys, enum role role)
{
	return xasprintf("%s/%s.pem", keys, role_name(role));
}

bool repository_make_keys(const char *directory, char owner[SHA256_HEX_SIZE],
			  struct content_failure *why)
{
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		return content_fail_errno(why, errno, directory, "make the directory of keys");
	for (int role = 0; role < ROLE_COUNT; role++) {
		auto_free char *path = key_path(directory, (enum role)role);
		struct content_key key cleanup(content_key_wipe);

		if (!content_key_make(&key, why) || !content_key_save(&key, path, why))
			return false;
		if (role == ROLE_ROOT)
			memcpy(owner, key.id, SHA256_HEX_SIZE);
	}
	return true;
}

static bool is_known(const struct root_role *role, const struct content_key *key)
{
	for (size_t i = 0; i < role->count; i++)
		if (!strcmp(role->keys[i].id, key->id))
			return true;
	return false;
}

/* A rotation that was interrupted behind its root document left the new key beside the old one. */
static bool finish_rotation(const struct repository *r, enum role role, const char *path,
			    struct content_key *key)
{
	auto_free char *fresh = xasprintf("%s.new", path);

	if (content_key_load(key, fresh, NULL) && is_known(&r->root.roles[role], key))
		return rename(fresh, path) == 0;
	content_key_wipe(key);
	return false;
}

static bool load_key(const struct repository *r, enum role role, struct content_key *key,
		     struct content_failure *why)
{
	auto_free char *path = key_path(r->keys, role);
	struct content_failure unread = { 0 };

	if (content_key_load(key, path, &unread) && is_known(&r->root.roles[role], key))
		return true;
	if (finish_rotation(r, role, path, key))
		return true;
	if (unread.problem && why)
		*why = unread;
	if (unread.problem)
		return false;
	return content_fail(why, CONTENT_FORGED, STATUS_INVALID_SIGNATURE, path,
			    "this is not a key that the root document knows for %s",
			    role_name(role));
}

static bool store(const struct repository *r, enum role role, int64_t version,
		  const struct buf *bytes, struct content_failure *why)
{
	char file[ROLE_FILE_MAX];
	ntstatus status;

	role_file(role, version, file);
	status = place_write(r->library, file, bytes->data, bytes->len);
	return status ? content_fail_status(why, status, true, file, "write a signed document")
		      : true;
}

/* Sign @body with the key of @role and write it; @meta tells how it is named from above. */
static bool sign(struct repository *r, enum role role, const json_t *body, struct role_meta *meta,
		 struct content_failure *why)
{
	struct content_key key cleanup(content_key_wipe) = { 0 };
	const struct content_key *keys[] = { &key };
	auto_buf struct buf bytes = { 0 };

	if (!body)
		return content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL, "out of memory");
	if (!load_key(r, role, &key, why) || !document_sign(body, keys, 1, &bytes, why) ||
	    !store(r, role, r->heads[role].version, &bytes, why))
		return false;
	meta->version = r->heads[role].version;
	meta->length = bytes.len;
	return hash_sha256(bytes.data, bytes.len, meta->hash)
		       ? true
		       : content_fail(why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, NULL,
				      "a hash cannot be computed");
}

static void step(struct repository *r, enum role role, int64_t now)
{
	r->heads[role].version++;
	r->heads[role].expires = now + r->lifetimes->seconds[role];
}

static bool sign_targets(struct repository *r, int64_t now, struct content_failure *why)
{
	json_t *body auto_json = NULL;

	step(r, ROLE_TARGETS, now);
	body = role_encode(ROLE_TARGETS, &r->heads[ROLE_TARGETS], NULL, r->targets);
	return sign(r, ROLE_TARGETS, body, &r->meta[ROLE_TARGETS], why);
}

static bool sign_snapshot(struct repository *r, int64_t now, struct content_failure *why)
{
	json_t *body auto_json = NULL;

	step(r, ROLE_SNAPSHOT, now);
	body = role_encode(ROLE_SNAPSHOT, &r->heads[ROLE_SNAPSHOT], &r->meta[ROLE_TARGETS], NULL);
	return sign(r, ROLE_SNAPSHOT, body, &r->meta[ROLE_SNAPSHOT], why);
}

static bool sign_timestamp(struct repository *r, int64_t now, struct content_failure *why)
{
	struct role_meta unused;
	char issued[DOCUMENT_TIME_SIZE];
	json_t *body auto_json = NULL;

	step(r, ROLE_TIMESTAMP, now);
	body = role_encode(ROLE_TIMESTAMP, &r->heads[ROLE_TIMESTAMP], &r->meta[ROLE_SNAPSHOT],
			   NULL);
	document_time_text(now, issued);
	json_object_set_new(body, "issued", json_string(issued));
	return sign(r, ROLE_TIMESTAMP, body, &unused, why);
}

/* From the lowest that has changed up to the timestamp, which makes it current. */
static bool sign_from(struct repository *r, enum role lowest, int64_t now,
		      struct content_failure *why)
{
	bool signed_all = (lowest > ROLE_TARGETS || sign_targets(r, now, why)) &&
			  (lowest > ROLE_SNAPSHOT || sign_snapshot(r, now, why)) &&
			  sign_timestamp(r, now, why);

	if (signed_all && lowest == ROLE_TARGETS)
		r->stale = false;
	return signed_all;
}

bool repository_commit(struct repository *r, int64_t now, struct content_failure *why)
{
	return sign_from(r, ROLE_TARGETS, now, why);
}

/* A root document, signed by the keys given. */
static bool write_root(struct repository *r, const struct root *root,
		       const struct content_key *const *keys, size_t count,
		       struct content_failure *why)
{
	json_t *body auto_json = root_encode(root);
	auto_buf struct buf bytes = { 0 };

	if (!document_sign(body, keys, count, &bytes, why) ||
	    !store(r, ROLE_ROOT, root->head.version, &bytes, why))
		return false;
	r->root = *root;
	r->heads[ROLE_ROOT] = root->head;
	return true;
}

static bool first_root(struct repository *r, int64_t now, struct content_failure *why)
{
	struct content_key key cleanup(content_key_wipe) = { 0 };
	const struct content_key *signers[] = { &key };
	struct root root = { .head = { 1, now + r->lifetimes->seconds[ROLE_ROOT] } };

	for (int role = ROLE_COUNT - 1; role >= 0; role--) {
		auto_free char *path = key_path(r->keys, (enum role)role);

		content_key_wipe(&key);
		if (!content_key_load(&key, path, why) ||
		    !content_key_public(&root.roles[role].keys[0], key.public_key, why))
			return false;
		root.roles[role].count = root.roles[role].threshold = 1;
	}
	return write_root(r, &root, signers, 1, why); /* the last key loaded is root's */
}

static struct repository *new_repository(struct place *library, const char *keys,
					 const struct repository_lifetimes *lifetimes)
{
	struct repository *r = xalloc(1, sizeof(*r));

	r->library = library;
	r->keys = xstrdup(keys);
	r->lifetimes = lifetimes ? lifetimes : &repository_default_lifetimes;
	r->targets = json_object();
	return r;
}

bool repository_create(struct place *library, const char *keys,
		       const struct repository_lifetimes *lifetimes, int64_t now,
		       struct content_failure *why)
{
	struct repository *r auto_repository = new_repository(library, keys, lifetimes);

	return first_root(r, now, why) && repository_commit(r, now, why);
}

void repository_close(struct repository *r)
{
	if (!r)
		return;
	json_decref(r->targets);
	free(r->keys);
	free(r);
}

int64_t repository_version(const struct repository *r, enum role role)
{
	return r->heads[role].version;
}

int64_t repository_expires(const struct repository *r, enum role role)
{
	return r->heads[role].expires;
}

bool repository_set(struct repository *r, const struct target *target, struct content_failure *why)
{
	struct target copy = *target;
	json_t *custom auto_json = target->custom ? json_deep_copy(target->custom) : NULL;
	auto_buf struct buf plain = { 0 };

	if (!target_name_is_good(target->name))
		return content_fail(why, CONTENT_BAD_NAME, STATUS_OBJECT_NAME_INVALID, target->name,
				    "not the name of a target");
	/* What has no canonical form could not be signed later. */
	if (custom && !document_canonical(custom, &plain, why))
		return false;
	copy.custom = custom;
	if (json_object_set_new(r->targets, target->name, target_encode(&copy)))
		return content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL, "out of memory");
	return true;
}

void repository_unset(struct repository *r, const char *name)
{
	json_object_del(r->targets, name);
}

bool repository_find(const struct repository *r, const char *name, struct target *target)
{
	const json_t *entry = json_object_get(r->targets, name);

	return entry && target_decode(name, entry, target, NULL);
}

static bool is_half_gone(const struct repository *r, enum role role, int64_t now)
{
	return r->stale || r->heads[role].expires - now < r->lifetimes->seconds[role] / 2;
}

static bool renew_root(struct repository *r, int64_t now, bool *renewed,
		       struct content_failure *why)
{
	struct content_key key cleanup(content_key_wipe) = { 0 };
	const struct content_key *signers[] = { &key };
	struct root root = r->root;

	if (!load_key(r, ROLE_ROOT, &key, why))
		return r->heads[ROLE_ROOT].expires - now > ROOT_SPARE;
	root.head.version++;
	root.head.expires = now + r->lifetimes->seconds[ROLE_ROOT];
	*renewed = true;
	return write_root(r, &root, signers, 1, why);
}

bool repository_renew(struct repository *r, int64_t now, bool force, bool *renewed,
		      struct content_failure *why)
{
	static const enum role order[] = { ROLE_TARGETS, ROLE_SNAPSHOT, ROLE_TIMESTAMP };

	*renewed = false;
	if ((force || is_half_gone(r, ROLE_ROOT, now)) && !renew_root(r, now, renewed, why))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		if (!force && !is_half_gone(r, order[i], now))
			continue;
		*renewed = true;
		return sign_from(r, order[i], now, why);
	}
	return true;
}

/* Until the root document that names it is written, the new key lies beside the old one. */
static bool put_in_place(const struct repository *r, enum role role, const char *fresh,
			 struct content_failure *why)
{
	auto_free char *path = key_path(r->keys, role);
	auto_free char *old = xasprintf("%s.%lld", path, (long long)r->root.head.version - 1);

	if (link(path, old) < 0 && errno != ENOENT && errno != EEXIST)
		return content_fail_errno(why, errno, old, "keep the old key");
	return rename(fresh, path) < 0 ? content_fail_errno(why, errno, path, "put the new key")
				       : true;
}

bool repository_rotate(struct repository *r, enum role role, int64_t now,
		       struct content_failure *why)
{
	struct content_key old_root cleanup(content_key_wipe) = { 0 };
	struct content_key fresh cleanup(content_key_wipe) = { 0 };
	const struct content_key *signers[] = { &old_root, &fresh };
	auto_free char *path = xasprintf("%s/%s.pem.new", r->keys, role_name(role));
	struct root root = r->root;

	if (!load_key(r, ROLE_ROOT, &old_root, why) || !content_key_make(&fresh, why))
		return false;
	(void)unlink(path); /* of a rotation that was interrupted before its root was written */
	if (!content_key_save(&fresh, path, why))
		return false;
	root.head.version++;
	root.head.expires = now + r->lifetimes->seconds[ROLE_ROOT];
	root.roles[role] = (struct root_role){ .count = 1, .threshold = 1 };
	return content_key_public(&root.roles[role].keys[0], fresh.public_key, why) &&
	       write_root(r, &root, signers, role == ROLE_ROOT ? 2 : 1, why) &&
	       put_in_place(r, role, path, why) && sign_from(r, ROLE_TARGETS, now, why);
}

struct repository *repository_open(struct place *library, const char *keys,
				   const struct repository_lifetimes *lifetimes,
				   struct content_failure *why)
{
	struct repository *r = new_repository(library, keys, lifetimes);

	if (repository_load(r, why))
		return r;
	repository_close(r);
	return NULL;
}
