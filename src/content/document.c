// SPDX-License-Identifier: Apache-2.0
/* Signed documents: parsed strictly, verified over their canonical form, signed. */
#include <content/document.h>

#include <stdio.h>
#include <time.h>

static bool bad(struct content_failure *why, const char *text)
{
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL, "%s", text);
}

void document_free(struct document *document)
{
	json_decref(document->envelope);
	buf_free(&document->canonical);
	*document = (struct document){ 0 };
}

static bool string_is_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((uint8_t)text[i] < 0x20)
			return false;
	return true;
}

static bool value_is_plain(const json_t *value, unsigned depth, uint32_t *nodes);

static bool members_are_plain(const json_t *object, unsigned depth, uint32_t *nodes)
{
	const char *key;
	json_t *member;

	/* The iterator does not change the object; jansson has no const form of it. */
	json_object_foreach((json_t *)(uintptr_t)object, key,
			    member) if (!string_is_plain(key, strlen(key)) ||
					!value_is_plain(member, depth, nodes)) return false;
	return true;
}

/* Nothing that two writers would write in two ways: no real numbers, no control characters. */
static bool value_is_plain(const json_t *value, unsigned depth, uint32_t *nodes)
{
	const json_t *element;
	size_t i;

	if (!depth || ++*nodes > DOCUMENT_NODES_MAX || json_is_real(value))
		return false;
	if (json_is_string(value))
		return string_is_plain(json_string_value(value), json_string_length(value));
	if (json_is_object(value))
		return members_are_plain(value, depth - 1, nodes);
	json_array_foreach(value, i,
			   element) if (!value_is_plain(element, depth - 1, nodes)) return false;
	return true;
}

static int append(const char *text, size_t length, void *out)
{
	buf_bytes(out, text, length);
	return ((struct buf *)out)->failed ? -1 : 0;
}

bool document_canonical(const json_t *value, struct buf *out, struct content_failure *why)
{
	uint32_t nodes = 0;

	if (!value_is_plain(value, DOCUMENT_DEPTH_MAX, &nodes))
		return bad(why, "a value that has no canonical form");
	if (json_dump_callback(value, append, out, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY))
		return content_fail(why, CONTENT_INTERNAL, STATUS_NO_MEMORY, NULL,
				    "a document could not be written");
	return true;
}

/* Deep nesting costs the parser stack: it is counted before it begins. Strings are skipped. */
static bool depth_is_bounded(const char *text, size_t length)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '[') && ++depth > DOCUMENT_DEPTH_MAX)
			return false;
		else if (!quoted && (c == '}' || c == ']') && depth)
			depth--;
	}
	return true;
}

json_t *document_parse_json(const void *text, size_t length, struct content_failure *why)
{
	uint32_t nodes = 0;
	json_error_t error;
	json_t *value;

	if (!depth_is_bounded(text, length)) {
		bad(why, "JSON that is nested too deeply");
		return NULL;
	}
	value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!value) {
		content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL,
			     "not JSON: %.160s", error.text);
		return NULL;
	}
	if (value_is_plain(value, DOCUMENT_DEPTH_MAX, &nodes))
		return value;
	bad(why, "a real number or a control character in a document");
	json_decref(value);
	return NULL;
}

static bool signature_has_shape(const json_t *entry)
{
	const char *id = json_string_value(json_object_get(entry, "keyid"));
	const char *sig = json_string_value(json_object_get(entry, "sig"));
	uint8_t bytes[ED25519_SIGNATURE_LENGTH];

	return json_object_size(entry) == 2 && id && sig && content_unhex(bytes, 32, id) &&
	       content_unhex(bytes, sizeof(bytes), sig);
}

static bool envelope_has_shape(const json_t *envelope, struct content_failure *why)
{
	const json_t *list = json_object_get(envelope, "signatures"), *entry;
	size_t i;

	if (json_object_size(envelope) != 2 || !json_is_array(list) ||
	    !json_is_object(json_object_get(envelope, "signed")))
		return bad(why, "not an envelope of a signed document");
	if (json_array_size(list) > DOCUMENT_SIGNATURES_MAX)
		return bad(why, "too many signatures");
	json_array_foreach(list, i, entry) if (!signature_has_shape(entry)) return bad(
		why, "a signature that is not of the form it must have");
	return true;
}

bool document_parse(struct document *document, const void *text, size_t length,
		    struct content_failure *why)
{
	*document = (struct document){ 0 };
	document->envelope = document_parse_json(text, length, why);
	if (!document->envelope || !envelope_has_shape(document->envelope, why))
		return false;
	document->body = json_object_get(document->envelope, "signed");
	return document_canonical(document->body, &document->canonical, why);
}

static bool signed_by(const struct document *document, const struct content_key *key)
{
	const json_t *list = json_object_get(document->envelope, "signatures"), *entry;
	uint8_t signature[ED25519_SIGNATURE_LENGTH];
	size_t i;

	json_array_foreach(list, i, entry)
	{
		const char *sig = json_string_value(json_object_get(entry, "sig"));

		if (!strcmp(json_string_value(json_object_get(entry, "keyid")), key->id) &&
		    content_unhex(signature, sizeof(signature), sig) &&
		    content_key_verify(key, document->canonical.data, document->canonical.len,
				       signature))
			return true;
	}
	return false;
}

/* The same key given twice counts once. */
static bool is_repeated(const struct content_key *keys, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!memcmp(keys[i].public_key, keys[index].public_key, ED25519_KEY_LENGTH))
			return true;
	return false;
}

bool document_verify(const struct document *document, const struct content_key *keys, size_t count,
		     unsigned threshold, struct content_failure *why)
{
	unsigned found = 0;

	for (size_t i = 0; i < count && found < threshold; i++)
		if (!is_repeated(keys, i) && signed_by(document, &keys[i]))
			found++;
	if (threshold && found >= threshold)
		return true;
	return content_fail(why, CONTENT_FORGED, STATUS_INVALID_SIGNATURE, NULL,
			    "signed by %u of the keys that may, %u are needed", found, threshold);
}

static json_t *signature_of(const struct content_key *key, const struct buf *bytes)
{
	uint8_t signature[ED25519_SIGNATURE_LENGTH];
	char hex[2 * ED25519_SIGNATURE_LENGTH + 1];

	if (!content_key_sign(key, bytes->data, bytes->len, signature))
		return NULL;
	content_hex(hex, signature, sizeof(signature));
	return json_pack("{s:s, s:s}", "keyid", key->id, "sig", hex);
}

bool document_sign(const json_t *body, const struct content_key *const *keys, size_t count,
		   struct buf *out, struct content_failure *why)
{
	json_t *list auto_json = json_array();
	json_t *envelope auto_json = NULL;
	auto_buf struct buf bytes = { 0 };

	if (!document_canonical(body, &bytes, why))
		return false;
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(list, signature_of(keys[i], &bytes)))
			return content_fail(why, CONTENT_INTERNAL, STATUS_INTERNAL_ERROR, NULL,
					    "a document could not be signed");
	envelope = json_pack("{s:O, s:O}", "signatures", list, "signed", body);
	return envelope && document_canonical(envelope, out, why);
}

static bool bad_field(struct content_failure *why, const char *name)
{
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL,
			    "\"%s\" is missing or not what it must be", name);
}

bool document_int(const json_t *body, const char *name, int64_t least, int64_t *value,
		  struct content_failure *why)
{
	const json_t *field = json_object_get(body, name);

	if (!json_is_integer(field) || json_integer_value(field) < least)
		return bad_field(why, name);
	*value = json_integer_value(field);
	return true;
}

bool document_text(const json_t *body, const char *name, const char **value,
		   struct content_failure *why)
{
	const json_t *field = json_object_get(body, name);

	if (!json_is_string(field) || strlen(json_string_value(field)) != json_string_length(field))
		return bad_field(why, name);
	*value = json_string_value(field);
	return true;
}

bool document_time(const json_t *body, const char *name, int64_t *value,
		   struct content_failure *why)
{
	char again[DOCUMENT_TIME_SIZE];
	struct tm tm = { 0 };
	const char *text;

	if (!document_text(body, name, &text, why))
		return false;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return bad_field(why, name);
	tm.tm_year -= 1900;
	tm.tm_mon--;
	*value = timegm(&tm);
	/* One way to write a time: what else passes here does not come back the same. */
	document_time_text(*value, again);
	return strcmp(text, again) ? bad_field(why, name) : true;
}

void document_time_text(int64_t when, char text[DOCUMENT_TIME_SIZE])
{
	time_t seconds = when;
	struct tm tm = { .tm_mday = 1 }; /* a date, also where there is none */

	gmtime_r(&seconds, &tm);
	if (!strftime(text, DOCUMENT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		text[0] = 0;
}
