// SPDX-License-Identifier: Apache-2.0
/* Distribution points in the database, and the places behind them. */
#include <site/library.h>

#include "probe_impl.h"

#include <content/place_share.h>
#include <errno.h>
#include <policy/policy.h>
#include <site/db.h>
#include <site/object.h>
#include <policy/rates.h>
#include <string.h>

#define POINTS_MAX POLICY_POINTS_MAX

void point_free(struct point *p)
{
	free(p->path);
	free(p->address);
	free(p->account);
	free(p->web);
	free(p->boundaries);
	free(p->rates);
	*p = (struct point){ 0 };
}

int boundaries_check(const char *list, char **why)
{
	auto_free char *copy = xstrdup(list);
	char *saved = NULL;

	for (char *one = strtok_r(copy, ",", &saved); one; one = strtok_r(NULL, ",", &saved)) {
		if (!boundary_check(one))
			return site_fail(why, -EINVAL,
					 "\"%s\" is no range of addresses such as 10.1.0.0/16 or "
					 "10.1.0.5-10.1.0.99",
					 one);
	}
	return 0;
}

/* "\\server\share" and what follows. */
static bool split(const char *path, char **server, char **share, char **below)
{
	const char *at = path + strspn(path, "\\/");
	size_t length = strcspn(at, "\\/");

	if (strncmp(path, "\\\\", 2) != 0 || !length || !at[length])
		return false;
	*server = strndup(at, length);
	at += length + 1;
	length = strcspn(at, "\\/");
	*share = strndup(at, length);
	*below = xstrdup(at[length] ? at + length + 1 : "");
	for (char *c = *below; *c; c++)
		*c = (char)(*c == '\\' ? '/' : *c);
	return **share;
}

int point_add(struct site *site, const struct point *p, char **why)
{
	auto_free char *server = NULL, *share = NULL, *below = NULL;
	struct rates rates;
	struct query q;
	int error = boundaries_check(p->boundaries ? p->boundaries : "", why);

	if (error)
		return error;
	if (!split(p->path, &server, &share, &below))
		return site_fail(why, -EINVAL, "\"%s\" is not of the form \\\\SERVER\\SHARE",
				 p->path);
	if (p->rates && !rates_parse(p->rates, &rates))
		return site_fail(why, -EINVAL,
				 "\"%s\" are no rates such as \"daily 08:00-18:00 2M; 50M\"",
				 p->rates);
	q = query_begin(site,
			"INSERT INTO points(path, address, port, account, web, priority,"
			" is_protected, boundaries, maintenance, rates, web_drop)"
			" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
			" ON CONFLICT(path) DO UPDATE SET address = ?2, port = ?3, account = ?4,"
			" web = ?5, priority = ?6, is_protected = ?7, boundaries = ?8,"
			" maintenance = ?9, rates = ?10, web_drop = ?11");
	query_text(&q, p->path);
	query_text(&q, p->address);
	query_number(&q, p->port);
	query_text(&q, p->account);
	query_text(&q, p->web);
	query_number(&q, p->priority);
	query_number(&q, p->is_protected);
	query_text(&q, p->boundaries ? p->boundaries : "");
	query_number(&q, p->is_maintained);
	query_text(&q, p->rates ? p->rates : "");
	query_number(&q, p->web_drop);
	return query_run(&q, why);
}

int point_remove(struct site *site, const char *path, char **why)
{
	struct query q = query_begin(site, "DELETE FROM points WHERE path = ?1");
	int error;

	query_text(&q, path);
	error = query_run(&q, why);
	if (error || query_changed(site))
		return error;
	return site_fail(why, -ENOENT, "there is no distribution point \"%s\"", path);
}

static char *text_at(const struct query *q, int column)
{
	return query_null_at(q, column) ? NULL : xstrdup(query_text_at(q, column));
}

#define POINT_COLUMNS                                                                              \
	"path, address, port, account, web, priority, is_protected, boundaries,"                   \
	" maintenance, rates, web_drop"

static struct point read_point(const struct query *q)
{
	return (struct point){
		.path = text_at(q, 0),
		.address = text_at(q, 1),
		.port = query_number_at(q, 2),
		.account = text_at(q, 3),
		.web = text_at(q, 4),
		.priority = query_number_at(q, 5),
		.is_protected = query_number_at(q, 6),
		.boundaries = text_at(q, 7),
		.is_maintained = query_number_at(q, 8),
		.rates = text_at(q, 9),
		.web_drop = query_number_at(q, 10),
	};
}

int point_find(struct site *site, const char *path, struct point *out, char **why)
{
	struct query q = query_begin(site, "SELECT " POINT_COLUMNS " FROM points WHERE path = ?1");
	int error;

	*out = (struct point){ 0 };
	query_text(&q, path);
	if (query_row(&q))
		*out = read_point(&q);
	error = query_end(&q, why);
	if (error || out->path)
		return error;
	return site_fail(why, -ENOENT, "there is no distribution point \"%s\"", path);
}

int point_load(struct site *site, struct point **out, size_t *count, char **why)
{
	struct query q = query_begin(site, "SELECT " POINT_COLUMNS " FROM points ORDER BY path");
	int error;

	*out = xalloc(POINTS_MAX, sizeof(**out));
	*count = 0;
	while (*count < POINTS_MAX && query_row(&q))
		(*out)[(*count)++] = read_point(&q);
	error = query_end(&q, why);
	for (size_t i = 0; error && i < *count; i++)
		point_free(&(*out)[i]);
	if (error)
		free(*out);
	return error;
}

/* Why it cannot be opened; of a password, with what sets it right. */
static int open_failed(const struct content_failure *failure, struct probe_words words, char **why)
{
	auto_free char *reason = NULL, *remedy = NULL;
	int error = library_fail(&reason, failure);

	if (!probe_is_password(failure->status))
		return site_fail(why, error, "%s", reason);
	remedy = probe_remedy(probe_advise(PLACE_SERVER, failure->status), words);
	return site_fail(why, error, "%s. %s", reason, remedy);
}

int point_open(struct site *site, const struct point *p, struct place **out, char **why)
{
	auto_free char *server = NULL, *share = NULL, *below = NULL;
	struct content_failure failure = { 0 };
	struct account account = { 0 };
	struct place_smb_options options = { .host = p->address, .port = (uint16_t)p->port };
	int error = account_get(site, p->account, &account, why);

	if (error)
		return error;
	if (!split(p->path, &server, &share, &below)) {
		account_wipe(&account);
		return site_fail(why, -EINVAL, "\"%s\" is no path of a share", p->path);
	}
	options.server = server;
	options.share = share;
	options.path = below;
	options.session.anonymous = !account.user;
	options.session.user = account.user;
	options.session.domain = account.domain;
	options.session.nt_hash = account.user ? account.nt_hash : NULL;
	*out = place_open_smb(&options, &failure);
	error = *out ? 0
		     : open_failed(&failure,
				   (struct probe_words){ .server = server,
							 .user = account.user,
							 .account = account.name },
				   why);
	account_wipe(&account);
	return error;
}

json_t *point_list(struct site *site, char **why)
{
	struct query q = query_begin(
		site,
		"SELECT path, address, port, account, web, web_drop AS is_web_drop,"
		" priority, is_protected, boundaries, maintenance AS is_in_maintenance, rates,"
		" published, generation, reason, (SELECT name FROM clients WHERE id = mover)"
		" AS mover, (SELECT json_group_array(source) FROM (SELECT source FROM"
		" point_sources WHERE point = path ORDER BY ord)) AS pull_from_json"
		" FROM points ORDER BY path");

	return query_rows(&q, why);
}
