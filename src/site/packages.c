// SPDX-License-Identifier: Apache-2.0
/* Packages and their programs. */
#include <site/library.h>

#include <content/ingest.h>
#include <errno.h>
#include <policy/deployment.h>
#include <site/db.h>
#include <stdio.h>

void package_free(struct package *p)
{
	free(p->name);
	free(p->source);
	*p = (struct package){ 0 };
}

int package_find(struct site *site, const char *name, struct package *out, char **why)
{
	struct query q = query_begin(site, "SELECT name, version, manifest, bytes, files, source"
					   " FROM packages WHERE name = ?1");
	bool found;

	*out = (struct package){ 0 };
	query_text(&q, name);
	found = query_row(&q);
	if (found) {
		out->name = xstrdup(query_text_at(&q, 0));
		out->version = query_number_at(&q, 1);
		(void)query_blob_at(&q, 2, out->manifest, SHA256_LENGTH);
		out->bytes = query_number_at(&q, 3);
		out->files = query_number_at(&q, 4);
		out->source = xstrdup(query_text_at(&q, 5));
	}
	if (query_end(&q, why))
		return -EIO;
	return found ? 0
		     : site_fail(why, -ENOENT,
				 "there is no package \"%s\"; berth package list shows them", name);
}

static int save(struct site *site, const struct package *p, char **why)
{
	struct query q = query_begin(
		site, "INSERT INTO packages(name, version, manifest, bytes, files, source, changed)"
		      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(name) DO UPDATE SET"
		      " version = ?2, manifest = ?3, bytes = ?4, files = ?5, source = ?6,"
		      " changed = ?7");

	query_text(&q, p->name);
	query_number(&q, p->version);
	query_blob(&q, p->manifest, SHA256_LENGTH);
	query_number(&q, p->bytes);
	query_number(&q, p->files);
	query_text(&q, p->source);
	query_number(&q, now_s());
	return query_run(&q, why);
}

/* The manifest becomes a target, so that a client may also trust it by name. */
static int name_target(struct site_library *library, const struct package *p, size_t length,
		       char **why)
{
	struct content_failure failure = { 0 };
	struct target target = { .length = length };

	snprintf(target.name, sizeof(target.name), "packages/%s", p->name);
	memcpy(target.hash, p->manifest, SHA256_LENGTH);
	if (repository_set(library->repository, &target, &failure) &&
	    repository_commit(library->repository, now_s(), &failure))
		return 0;
	return library_fail(why, &failure);
}

static bool name_is_good(const char *name)
{
	return deployment_id_is_safe(name);
}

int package_ingest(struct site *site, const char *name, const char *source, enum package_how how,
		   struct package *out, char **why)
{
	const struct ingest_options options = { .verify = how == PACKAGE_VERIFY };
	struct site_library library auto_library = { 0 };
	struct content_failure failure = { 0 };
	struct ingest_result result;
	bool is_new = how == PACKAGE_NEW;
	int error;

	if (!name_is_good(name))
		return site_fail(why, -EINVAL,
				 "the name of a package has 1 to 32 letters, digits and hyphens");
	error = package_find(site, name, out, is_new ? NULL : why);
	if (is_new && !error)
		return site_fail(why, -EEXIST,
				 "there is a package \"%s\"; berth package update takes its next "
				 "version",
				 name);
	if (!is_new && error)
		return error;
	error = library_open(site, &library, why);
	if (error)
		return error;
	if (!content_ingest(source ? source : out->source, library.place, &options, &result,
			    &failure))
		return library_fail(why, &failure);
	out->mended = result.mended_pieces;
	if (!is_new && !memcmp(out->manifest, result.hash, SHA256_LENGTH))
		return 0;
	if (source) {
		free(out->source);
		out->source = xstrdup(source);
	}
	if (is_new)
		out->name = xstrdup(name);
	out->version++;
	memcpy(out->manifest, result.hash, SHA256_LENGTH);
	out->bytes = (int64_t)result.bytes;
	out->files = result.files;
	error = name_target(&library, out, result.manifest_bytes, why);
	return error ? error : save(site, out, why);
}

json_t *package_list(struct site *site, char **why)
{
	struct query q =
		query_begin(site, "SELECT name, version, bytes, files, source, changed,"
				  " lower(hex(manifest)) AS manifest FROM packages ORDER BY name");

	return query_rows(&q, why);
}

static bool are_words(const json_t *command)
{
	const json_t *word;
	size_t i;

	json_array_foreach(command, i, word)
	{
		if (!json_is_string(word))
			return false;
	}
	return json_array_size(command) && json_array_size(command) <= DEPLOYMENT_WORDS_MAX;
}

int program_set(struct site *site, const struct program *p, char **why)
{
	auto_free char *command = json_dumps(p->command, JSON_COMPACT),
		       *success = json_dumps(p->success, JSON_COMPACT);
	struct package package auto_package = { 0 };
	char wrong[EXPRESSION_WHY];
	struct expression *e auto_expression = expression_parse(p->condition, wrong);
	enum restart restart;
	struct query q;
	int error = package_find(site, p->package, &package, why);

	if (error)
		return error;
	if (!e)
		return site_fail(why, -EINVAL, "the run condition is no expression: %s", wrong);
	if (!deployment_id_is_safe(p->name) || !are_words(p->command) ||
	    !restart_of(p->restart, &restart) || p->limit_s < 1 ||
	    p->limit_s > DEPLOYMENT_LIMIT_S_MAX ||
	    json_array_size(p->success) > DEPLOYMENT_CODES_MAX)
		return site_fail(
			why, -EINVAL,
			"a program has a name of letters, digits and hyphens, 1 to 64 words, a "
			"limit of 1 s to 12 h, and \"report\" or \"run\" for restarts");
	q = query_begin(site,
			"INSERT INTO programs(package, name, command, condition, limit_s,"
			" success, restart) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
			" ON CONFLICT(package, name) DO UPDATE SET command = ?3, condition = ?4,"
			" limit_s = ?5, success = ?6, restart = ?7");
	query_text(&q, p->package);
	query_text(&q, p->name);
	query_text(&q, command);
	query_text(&q, p->condition);
	query_number(&q, p->limit_s);
	query_text(&q, success);
	query_text(&q, p->restart);
	return query_run(&q, why);
}

/* A file, or a directory with something in it. */
static bool manifest_has(const struct manifest *m, const char *name)
{
	size_t length = strlen(name);

	for (uint32_t i = 0; i < m->file_count; i++) {
		const char *path = manifest_path(m, &m->files[i]);

		if (!strncmp(path, name, length) && (!path[length] || path[length] == '/'))
			return true;
	}
	return false;
}

json_t *program_strangers(struct site *site, const struct program *p, char **why)
{
	struct site_library library auto_library = { 0 };
	struct package package auto_package = { 0 };
	struct manifest m auto_manifest = { 0 };
	struct content_failure failure = { 0 };
	json_t *strangers, *word;
	size_t i;

	if (package_find(site, p->package, &package, why) || library_read(site, &library, why))
		return NULL;
	if (!layout_read_manifest(library.place, package.manifest, &m, &failure)) {
		(void)!library_fail_package(why, &failure, &library, p->package);
		return NULL;
	}
	strangers = json_array();
	json_array_foreach(p->command, i, word)
	{
		const char *text = json_string_value(word);

		if (text && !strncmp(text, "./", 2) && !manifest_has(&m, text + 2))
			json_array_append(strangers, word);
	}
	return strangers;
}

json_t *program_list(struct site *site, const char *package, char **why)
{
	struct query q = query_begin(site, "SELECT package, name, command, condition, limit_s,"
					   " success, restart FROM programs"
					   " WHERE ?1 IS NULL OR package = ?1 ORDER BY 1, 2");

	query_text(&q, package);
	return query_rows(&q, why);
}
