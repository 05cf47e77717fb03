// SPDX-License-Identifier: Apache-2.0
/* Papers of clients: written by the agent, read by the site. */
#include <policy/paper.h>

#include <crypto/crypto.h>
#include <policy/delivery.h>
#include <policy/deployment.h>
#include <policy/pull.h>
#include <stdio.h>

static bool bad(struct content_failure *why, const char *what)
{
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL, "%s", what);
}

void paper_name(char name[PAPER_NAME_MAX], const char *type, const char *client, int64_t number)
{
	/* A name that can be told in advance could be taken in advance. */
	snprintf(name, PAPER_NAME_MAX, "%s-%.64s-%lld-%016llx.json", type, client,
		 (long long)number, (unsigned long long)random_u64());
}

bool paper_name_is_one(const char *name)
{
	size_t length = strlen(name);

	return length > 5 && length < PAPER_NAME_MAX && !strcmp(name + length - 5, ".json") &&
	       (!strncmp(name, "report-", 7) || !strncmp(name, "enrolment-", 10)) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == length;
}

/* What an expression can ask for. */
static bool fact_name_is_good(const char *name)
{
	size_t length = strlen(name);

	return length && length <= FACT_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		       length;
}

bool facts_check(const json_t *facts, struct content_failure *why)
{
	const char *name;
	json_t *value;

	if (!json_is_object(facts) || json_object_size(facts) > PAPER_FACTS_MAX)
		return bad(why, "the facts of a client are no object, or too many");
	if (json_dumpb(facts, NULL, 0, JSON_COMPACT) > PAPER_FACTS_BYTES)
		return bad(why, "the facts of a client are too long");
	/* The iterator does not change the object; jansson has no const form of it. */
	json_object_foreach((json_t *)(uintptr_t)facts, name, value)
	{
		if (!fact_name_is_good(name) ||
		    !(json_is_string(value) || json_is_integer(value) || json_is_boolean(value)) ||
		    json_string_length(value) > PAPER_TEXT_MAX)
			return bad(why, "a fact is no text, whole number or boolean, or too long");
	}
	return true;
}

bool token_proof(const char *secret_hex, const char *client, char proof[SHA256_HEX_SIZE])
{
	uint8_t secret[TOKEN_SECRET_LENGTH], mac[SHA256_LENGTH];
	/* iovec has no const form; nothing is written there. */
	const struct iovec part = { (void *)(uintptr_t)client, strlen(client) };
	bool good = content_unhex(secret, sizeof(secret), secret_hex) &&
		    hmac_sha256(secret, sizeof(secret), &part, 1, mac);

	secret_wipe(secret, sizeof(secret));
	if (good)
		content_hex(proof, mac, sizeof(mac));
	return good;
}

/* The two halves of "ID.SECRET". */
static bool add_proof(json_t *body, const char *token, const char *client,
		      struct content_failure *why)
{
	char proof[SHA256_HEX_SIZE], id[TOKEN_ID_LENGTH + 1];

	if (strlen(token) != TOKEN_ID_LENGTH + 1 + 2 * TOKEN_SECRET_LENGTH ||
	    token[TOKEN_ID_LENGTH] != '.' ||
	    !token_proof(token + TOKEN_ID_LENGTH + 1, client, proof))
		return bad(why, "this is not a token for enrolment");
	memcpy(id, token, TOKEN_ID_LENGTH);
	id[TOKEN_ID_LENGTH] = 0;
	json_object_set_new(body, "token", json_string(id));
	json_object_set_new(body, "proof", json_string(proof));
	return true;
}

bool enrolment_write(const struct content_key *key, const char *name, const json_t *facts,
		     const char *token, int64_t time_s, struct buf *out,
		     struct content_failure *why)
{
	const struct content_key *keys[] = { key };
	json_t *body auto_json = json_pack("{s:s, s:o, s:s, s:O, s:I}", "_type", "enrolment", "key",
					   content_key_to_json(key), "name", name, "facts", facts,
					   "time_s", (json_int_t)time_s);

	if (!body)
		return bad(why, "the name of this client is not UTF-8");
	if (token && !add_proof(body, token, key->id, why))
		return false;
	return document_sign(body, keys, 1, out, why);
}

static bool name_is_plain(const char *name)
{
	size_t length = strlen(name);

	if (!length || length > DEPLOYMENT_TEXT_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	}
	return true;
}

bool enrolment_read(const struct document *document, struct enrolment *out,
		    struct content_failure *why)
{
	const json_t *body = document->body;

	*out = (struct enrolment){ 0 };
	if (!content_key_from_json(&out->key, json_object_get(body, "key"), why) ||
	    !document_verify(document, &out->key, 1, 1, why) ||
	    !document_text(body, "name", &out->name, why) ||
	    !document_int(body, "time_s", 0, &out->time_s, why) ||
	    !facts_check(json_object_get(body, "facts"), why))
		return false;
	if (!name_is_plain(out->name))
		return bad(why, "the name of a client is empty, too long, or not printable");
	out->facts = json_object_get(body, "facts");
	if (!json_object_get(body, "token"))
		return true;
	return document_text(body, "token", &out->token_id, why) &&
	       document_text(body, "proof", &out->proof, why);
}

const char *paper_type(const struct document *document)
{
	const char *type = json_string_value(json_object_get(document->body, "_type"));

	return type && (!strcmp(type, "enrolment") || !strcmp(type, "report")) ? type : NULL;
}

const char *report_client(const struct document *document)
{
	const char *id = json_string_value(json_object_get(document->body, "client"));

	return id && client_id_is_safe(id) ? id : NULL;
}

/* Texts that are there are short; numbers that must be there are. */
static bool texts_are_short(const json_t *object, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const json_t *field = json_object_get(object, names[i]);

		if (!json_is_string(field) || json_string_length(field) > PAPER_TEXT_MAX)
			return false;
	}
	return true;
}

static bool are_numbers(const json_t *object, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!json_is_integer(json_object_get(object, names[i])))
			return false;
	}
	return true;
}

static bool check_deployment(const json_t *d)
{
	static const char *const texts[] = { "id", "state", "reason", "output" };
	static const char *const numbers[] = { "version", "revision", "message", "exit",
					       "since_s" };
	enum delivery state;

	return texts_are_short(d, texts, ARRAY_LEN(texts)) &&
	       are_numbers(d, numbers, ARRAY_LEN(numbers)) &&
	       deployment_id_is_safe(json_string_value(json_object_get(d, "id"))) &&
	       delivery_of(json_string_value(json_object_get(d, "state")), &state);
}

static bool check_event(const json_t *e)
{
	static const char *const texts[] = { "deployment", "text" };
	static const char *const numbers[] = { "number", "time_s", "message" };

	return texts_are_short(e, texts, ARRAY_LEN(texts)) &&
	       are_numbers(e, numbers, ARRAY_LEN(numbers));
}

static bool all_are(const json_t *list, size_t most, bool (*check)(const json_t *))
{
	if (!json_is_array(list) || json_array_size(list) > most)
		return false;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!check(json_array_get(list, i)))
			return false;
	}
	return true;
}

static bool are_different(const json_t *deployments)
{
	json_t *seen auto_json = json_object();

	for (size_t i = 0; i < json_array_size(deployments); i++)
		json_object_set_new(
			seen,
			json_string_value(json_object_get(json_array_get(deployments, i), "id")),
			json_true());
	return json_object_size(seen) == json_array_size(deployments);
}

/* Only movers have some. */
static bool check_pulls(const json_t *pulls)
{
	return !pulls || all_are(pulls, PULL_REPORTS_MAX, pull_report_check);
}

bool report_read(const struct document *document, const struct content_key *key, int64_t *number,
		 struct content_failure *why)
{
	const json_t *body = document->body;
	int64_t time_s;

	if (!document_verify(document, key, 1, 1, why) ||
	    !document_int(body, "number", 1, number, why) ||
	    !document_int(body, "time_s", 0, &time_s, why) ||
	    !facts_check(json_object_get(body, "facts"), why))
		return false;
	if (!all_are(json_object_get(body, "deployments"), PAPER_DEPLOYMENTS_MAX,
		     check_deployment) ||
	    !all_are(json_object_get(body, "events"), PAPER_EVENTS_MAX, check_event) ||
	    !check_pulls(json_object_get(body, "pulls")))
		return bad(why, "a report that is not of the form it must have");
	if (!are_different(json_object_get(body, "deployments")))
		return bad(why, "a report that names a deployment twice");
	return true;
}
