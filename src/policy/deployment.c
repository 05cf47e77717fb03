// SPDX-License-Identifier: Apache-2.0
/* A deployment to and from JSON. */
#include <policy/deployment.h>

#define TYPE "deployment"

static const char *const purposes[] = { "available", "required" };
static const char *const reruns[] = { "never", "always", "if-failed", "if-succeeded" };
static const char *const restarts[] = { "report", "run" };

const char *purpose_name(enum purpose purpose)
{
	return purposes[purpose];
}

const char *rerun_name(enum rerun rerun)
{
	return reruns[rerun];
}

const char *restart_name(enum restart restart)
{
	return restarts[restart];
}

static bool find(const char *const *names, size_t count, const char *name, unsigned *out)
{
	for (unsigned i = 0; i < count; i++) {
		if (!strcmp(names[i], name)) {
			*out = i;
			return true;
		}
	}
	return false;
}

bool purpose_of(const char *name, enum purpose *out)
{
	unsigned found = 0;
	bool good = find(purposes, ARRAY_LEN(purposes), name, &found);

	*out = found;
	return good;
}

bool rerun_of(const char *name, enum rerun *out)
{
	unsigned found = 0;
	bool good = find(reruns, ARRAY_LEN(reruns), name, &found);

	*out = found;
	return good;
}

bool restart_of(const char *name, enum restart *out)
{
	unsigned found = 0;
	bool good = find(restarts, ARRAY_LEN(restarts), name, &found);

	*out = found;
	return good;
}

void deployment_free(struct deployment *d)
{
	free(d->name);
	free(d->package);
	free(d->condition);
	for (size_t i = 0; i < d->word_count; i++)
		free(d->command[i]);
	free(d->command);
	*d = (struct deployment){ 0 };
}

bool deployment_id_is_safe(const char *id)
{
	size_t length = strlen(id);

	return length && length <= DEPLOYMENT_ID_MAX && id[0] != '-' &&
	       strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") ==
		       length;
}

static const char *check_command(const struct deployment *d)
{
	if (!d->word_count || d->word_count > DEPLOYMENT_WORDS_MAX)
		return "a program has 1 to 64 words";
	for (size_t i = 0; i < d->word_count; i++) {
		if (strlen(d->command[i]) > DEPLOYMENT_WORD_MAX)
			return "a word of a program has at most 4096 bytes";
	}
	return d->command[0][0] ? NULL : "the name of the program is empty";
}

static const char *check_condition(const char *condition)
{
	char why[EXPRESSION_WHY];
	struct expression *e auto_expression = expression_parse(condition, why);

	return e ? NULL : "the run condition is no expression";
}

const char *deployment_check(const struct deployment *d)
{
	if (!deployment_id_is_safe(d->id))
		return "an id has 1 to 32 letters, digits and hyphens";
	if (strlen(d->name) > DEPLOYMENT_TEXT_MAX || strlen(d->package) > DEPLOYMENT_TEXT_MAX)
		return "a name has at most 256 bytes";
	if (d->limit_s < 1 || d->limit_s > DEPLOYMENT_LIMIT_S_MAX)
		return "a program may run for 1 second to 12 hours";
	if (d->success_count > DEPLOYMENT_CODES_MAX)
		return "at most 16 exit codes can mean success";
	if (d->deadline_s && d->deadline_s < d->available_s)
		return "the deadline is before the time from which on it is available";
	return check_command(d) ? check_command(d) : check_condition(d->condition);
}

static json_t *texts_to_json(char **texts, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(texts[i]));
	return list;
}

static json_t *codes_to_json(const struct deployment *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->success_count; i++)
		json_array_append_new(list, json_integer(d->success[i]));
	return list;
}

json_t *deployment_to_json(const struct deployment *d)
{
	char hash[SHA256_HEX_SIZE];

	content_hex(hash, d->manifest, SHA256_LENGTH);
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:o, s:s, s:I, s:o, s:s, s:s, s:s, "
		"s:I, s:I, s:I, s:I, s:b}",
		"_type", TYPE, "id", d->id, "name", d->name, "package", d->package, "version",
		(json_int_t)d->version, "revision", (json_int_t)d->revision, "manifest", hash,
		"bytes", (json_int_t)d->bytes, "command", texts_to_json(d->command, d->word_count),
		"condition", d->condition, "limit_s", (json_int_t)d->limit_s, "success",
		codes_to_json(d), "restart", restart_name(d->restart), "purpose",
		purpose_name(d->purpose), "rerun", rerun_name(d->rerun), "available_s",
		(json_int_t)d->available_s, "deadline_s", (json_int_t)d->deadline_s, "expires_s",
		(json_int_t)d->expires_s, "order", (json_int_t)d->order, "deadline_beats_windows",
		d->deadline_beats_windows);
}

static bool bad(struct content_failure *why, const char *what)
{
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, NULL, "%s", what);
}

static bool take_string(const json_t *body, const char *name, char **out,
			struct content_failure *why)
{
	const char *text;

	if (!document_text(body, name, &text, why))
		return false;
	*out = xstrdup(text);
	return true;
}

static bool take_command(const json_t *body, struct deployment *d, struct content_failure *why)
{
	const json_t *list = json_object_get(body, "command");
	size_t count = json_array_size(list);

	if (!count || count > DEPLOYMENT_WORDS_MAX)
		return bad(why, "a program has 1 to 64 words");
	d->command = xalloc(count + 1, sizeof(*d->command));
	for (size_t i = 0; i < count; i++) {
		const json_t *word = json_array_get(list, i);

		/* A NUL inside would end the word early for the system and not for a reader. */
		if (!json_is_string(word) ||
		    strlen(json_string_value(word)) != json_string_length(word))
			return bad(why, "a word of a program is no text");
		d->command[d->word_count++] = xstrdup(json_string_value(word));
	}
	return true;
}

static bool take_codes(const json_t *body, struct deployment *d, struct content_failure *why)
{
	const json_t *list = json_object_get(body, "success");

	if (!json_is_array(list) || json_array_size(list) > DEPLOYMENT_CODES_MAX)
		return bad(why, "\"success\" is not a short list");
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!json_is_integer(json_array_get(list, i)))
			return bad(why, "an exit code is no number");
		d->success[d->success_count++] = json_integer_value(json_array_get(list, i));
	}
	return true;
}

static bool take_numbers(const json_t *body, struct deployment *d, struct content_failure *why)
{
	const struct {
		const char *name;
		int64_t *value;
	} fields[] = {
		{ "version", &d->version },
		{ "revision", &d->revision },
		{ "bytes", &d->bytes },
		{ "limit_s", &d->limit_s },
		{ "available_s", &d->available_s },
		{ "deadline_s", &d->deadline_s },
		{ "expires_s", &d->expires_s },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (!document_int(body, fields[i].name, 0, fields[i].value, why))
			return false;
	}
	return document_int(body, "order", INT64_MIN, &d->order, why);
}

static bool take_words(const json_t *body, struct deployment *d, struct content_failure *why)
{
	const json_t *beats = json_object_get(body, "deadline_beats_windows");
	const char *type, *id, *hash, *purpose, *rerun, *restart;

	if (!document_text(body, "_type", &type, why) || !document_text(body, "id", &id, why) ||
	    !document_text(body, "manifest", &hash, why) ||
	    !document_text(body, "purpose", &purpose, why) ||
	    !document_text(body, "rerun", &rerun, why) ||
	    !document_text(body, "restart", &restart, why))
		return false;
	if (strcmp(type, TYPE) != 0 || !deployment_id_is_safe(id) ||
	    !content_unhex(d->manifest, SHA256_LENGTH, hash) || !json_is_boolean(beats) ||
	    !purpose_of(purpose, &d->purpose) || !rerun_of(rerun, &d->rerun) ||
	    !restart_of(restart, &d->restart))
		return bad(why, "this is no deployment that this program knows");
	memcpy(d->id, id, strlen(id) + 1);
	d->deadline_beats_windows = json_is_true(beats);
	return true;
}

bool deployment_from_json(const json_t *body, struct deployment *out, struct content_failure *why)
{
	const char *wrong;

	*out = (struct deployment){ 0 };
	if (!take_words(body, out, why) || !take_numbers(body, out, why) ||
	    !take_string(body, "name", &out->name, why) ||
	    !take_string(body, "package", &out->package, why) ||
	    !take_string(body, "condition", &out->condition, why) ||
	    !take_command(body, out, why) || !take_codes(body, out, why))
		return false;
	wrong = deployment_check(out);
	return wrong ? bad(why, wrong) : true;
}
