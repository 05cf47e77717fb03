// SPDX-License-Identifier: Apache-2.0
/* What documents of the four roles say: decoded strictly, and encoded. */
#include <content/roles.h>

#include <inttypes.h>
#include <stdio.h>

static const char *const names[ROLE_COUNT] = {
	[ROLE_ROOT] = "root",
	[ROLE_TARGETS] = "targets",
	[ROLE_SNAPSHOT] = "snapshot",
	[ROLE_TIMESTAMP] = "timestamp",
};

const char *role_name(enum role role)
{
	return names[role];
}

void role_file(enum role role, int64_t version, char name[ROLE_FILE_MAX])
{
	if (role == ROLE_TIMESTAMP)
		snprintf(name, ROLE_FILE_MAX, "metadata/timestamp.json");
	else
		snprintf(name, ROLE_FILE_MAX, "metadata/%" PRId64 ".%s.json", version, names[role]);
}

static bool bad(struct content_failure *why, const char *text)
{
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL, "%s", text);
}

bool role_head_decode(const json_t *body, enum role role, struct role_head *head,
		      struct content_failure *why)
{
	const char *type, *spec;

	if (!document_text(body, "_type", &type, why) ||
	    !document_text(body, "spec_version", &spec, why) ||
	    !document_int(body, "version", 1, &head->version, why) ||
	    !document_time(body, "expires", &head->expires, why))
		return false;
	if (strcmp(type, names[role]) != 0)
		return content_fail(why, CONTENT_FORGED, STATUS_INVALID_SIGNATURE, NULL,
				    "a document of another role (%.40s) in the place of %s", type,
				    names[role]);
	if (strncmp(spec, "1.", 2) != 0)
		return bad(why, "a document of another generation of the specification");
	return head->version <= ROLE_VERSION_MAX ? true : bad(why, "a version beyond all reason");
}

static bool key_of(const json_t *keys, const json_t *id, struct content_key *key,
		   struct content_failure *why)
{
	const char *text = json_string_value(id);

	if (!text || !content_key_from_json(key, json_object_get(keys, text), why))
		return bad(why, "a role names a key that is not there");
	return strcmp(key->id, text) ? bad(why, "a key that its id does not fit") : true;
}

static bool root_role_decode(const json_t *entry, const json_t *keys, struct root_role *role,
			     struct content_failure *why)
{
	const json_t *ids = json_object_get(entry, "keyids"), *id;
	int64_t threshold;
	size_t i;

	if (!document_int(entry, "threshold", 1, &threshold, why))
		return false;
	if (!json_is_array(ids) || json_array_size(ids) > ROLE_KEYS_MAX)
		return bad(why, "a role without keys, or with too many");
	json_array_foreach(ids, i, id)
	{
		if (!key_of(keys, id, &role->keys[i], why))
			return false;
		for (size_t other = 0; other < i; other++)
			if (!strcmp(role->keys[other].id, role->keys[i].id))
				return bad(why, "a role that names a key twice");
	}
	role->count = json_array_size(ids);
	if (threshold > (int64_t)role->count)
		return bad(why, "a role that has fewer keys than must sign");
	role->threshold = (unsigned)threshold;
	return true;
}

bool root_decode(const json_t *body, struct root *root, struct content_failure *why)
{
	const json_t *keys = json_object_get(body, "keys");
	const json_t *roles = json_object_get(body, "roles");

	*root = (struct root){ 0 };
	if (!role_head_decode(body, ROLE_ROOT, &root->head, why))
		return false;
	if (!json_is_object(keys) || json_object_size(roles) != ROLE_COUNT ||
	    !json_is_true(json_object_get(body, "consistent_snapshot")))
		return bad(why, "not a root document of this kind of repository");
	for (int role = 0; role < ROLE_COUNT; role++)
		if (!root_role_decode(json_object_get(roles, names[role]), keys, &root->roles[role],
				      why))
			return false;
	return true;
}

static json_t *head_encode(enum role role, const struct role_head *head)
{
	char expires[DOCUMENT_TIME_SIZE];

	document_time_text(head->expires, expires);
	return json_pack("{s:s, s:s, s:I, s:s}", "_type", names[role], "spec_version",
			 ROLE_SPEC_VERSION, "version", (json_int_t)head->version, "expires",
			 expires);
}

json_t *root_encode(const struct root *root)
{
	json_t *body = head_encode(ROLE_ROOT, &root->head);
	json_t *keys = json_object(), *roles = json_object();

	for (int role = 0; role < ROLE_COUNT; role++) {
		const struct root_role *r = &root->roles[role];
		json_t *ids = json_array();

		for (size_t i = 0; i < r->count; i++) {
			json_array_append_new(ids, json_string(r->keys[i].id));
			json_object_set_new(keys, r->keys[i].id, content_key_to_json(&r->keys[i]));
		}
		json_object_set_new(
			roles, names[role],
			json_pack("{s:o, s:i}", "keyids", ids, "threshold", (int)r->threshold));
	}
	json_object_set_new(body, "consistent_snapshot", json_true());
	json_object_set_new(body, "keys", keys);
	json_object_set_new(body, "roles", roles);
	return body;
}

static bool hash_decode(const json_t *entry, uint8_t hash[SHA256_LENGTH],
			struct content_failure *why)
{
	const json_t *hashes = json_object_get(entry, "hashes");
	const char *hex = json_string_value(json_object_get(hashes, "sha256"));

	return hex && content_unhex(hash, SHA256_LENGTH, hex) ? true
							      : bad(why, "a file without a hash");
}

static bool length_decode(const json_t *entry, uint64_t *length, struct content_failure *why)
{
	int64_t value;

	if (!document_int(entry, "length", 0, &value, why))
		return false;
	*length = (uint64_t)value;
	return true;
}

bool role_meta_decode(const json_t *body, enum role of, struct role_meta *meta,
		      struct content_failure *why)
{
	const json_t *list = json_object_get(body, "meta"), *entry;
	char name[ROLE_FILE_MAX];

	snprintf(name, sizeof(name), "%s.json", names[of]);
	entry = json_object_get(list, name);
	if (json_object_size(list) != 1 || !json_is_object(entry))
		return bad(why, "not the one document that is to be named there");
	if (!document_int(entry, "version", 1, &meta->version, why) ||
	    !length_decode(entry, &meta->length, why) || !hash_decode(entry, meta->hash, why))
		return false;
	if (meta->length > METADATA_BYTES_MAX || meta->version > ROLE_VERSION_MAX)
		return content_fail(why, CONTENT_TOO_LARGE, STATUS_FILE_TOO_LARGE, NULL,
				    "%s is announced with more than it may have", name);
	return true;
}

static json_t *hashes_encode(const uint8_t hash[SHA256_LENGTH])
{
	char hex[SHA256_HEX_SIZE];

	content_hex(hex, hash, SHA256_LENGTH);
	return json_pack("{s:s}", "sha256", hex);
}

json_t *role_encode(enum role role, const struct role_head *head, const struct role_meta *meta,
		    const json_t *targets)
{
	json_t *body = head_encode(role, head);

	if (meta) {
		const char *of = role == ROLE_TIMESTAMP ? "snapshot.json" : "targets.json";

		json_object_set_new(body, "meta",
				    json_pack("{s:{s:I, s:I, s:o}}", of, "version",
					      (json_int_t)meta->version, "length",
					      (json_int_t)meta->length, "hashes",
					      hashes_encode(meta->hash)));
	}
	if (targets)
		json_object_set(body, "targets", (json_t *)(uintptr_t)targets);
	return body;
}

bool target_name_is_good(const char *name)
{
	size_t length = strlen(name);

	if (!length || length >= TARGET_NAME_MAX)
		return false;
	while (true) {
		size_t part = strcspn(name, "/");

		if (!part || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789._-") < part)
			return false;
		if (name[0] == '.' && (part == 1 || (part == 2 && name[1] == '.')))
			return false;
		if (!name[part])
			return true;
		name += part + 1;
	}
}

bool target_decode(const char *name, const json_t *entry, struct target *target,
		   struct content_failure *why)
{
	json_t *custom = json_object_get(entry, "custom");

	*target = (struct target){ .custom = custom };
	if (!target_name_is_good(name) || (custom && !json_is_object(custom)))
		return bad(why, "a target with a name or a description that is not good");
	snprintf(target->name, sizeof(target->name), "%s", name);
	return length_decode(entry, &target->length, why) && hash_decode(entry, target->hash, why);
}

json_t *target_encode(const struct target *target)
{
	json_t *entry = json_pack("{s:I, s:o}", "length", (json_int_t)target->length, "hashes",
				  hashes_encode(target->hash));

	if (target->custom)
		json_object_set(entry, "custom", target->custom);
	return entry;
}

json_t *targets_decode(const json_t *body, struct content_failure *why)
{
	json_t *list = json_object_get(body, "targets"), *entry;
	const char *name;

	if (!json_is_object(list)) {
		bad(why, "a targets document without targets");
		return NULL;
	}
	json_object_foreach(list, name, entry)
	{
		struct target target;

		if (!target_decode(name, entry, &target, why))
			return NULL;
	}
	return list;
}
