// SPDX-License-Identifier: Apache-2.0
/* The configuration: tables of keys, and what each may be. */
#include <agent/config.h>

#include "agent.h"
#include "platform.h"

#include <base/files.h>
#include <errno.h>
#include <ini.h>
#include <stddef.h>
#include <stdio.h>

#define CONFIG_BYTES_MAX (1u << 20)

enum kind { KIND_TEXT, KIND_PATH, KIND_NUMBER, KIND_FLAG, KIND_PORT };

struct key {
	const char *name;
	enum kind kind;
	size_t at; /* in struct agent_config, or in struct policy_point */
	int64_t low, high;
	bool is_needed;
};

#define AT(member)    offsetof(struct agent_config, member)
#define POINT(member) offsetof(struct policy_point, member)

static const struct key agent_keys[] = {
	{ "state", KIND_PATH, AT(state), 0, 0, true },
	{ "root", KIND_PATH, AT(root), 0, 0, true },
	{ "name", KIND_TEXT, AT(name), 0, 0, false },
	{ "token_file", KIND_PATH, AT(token_file), 0, 0, false },
	{ "user", KIND_TEXT, AT(user), 0, 0, false },
	{ "domain", KIND_TEXT, AT(domain), 0, 0, false },
	{ "password_file", KIND_PATH, AT(password_file), 0, 0, false },
	{ "pull_user", KIND_TEXT, AT(pull_user), 0, 0, false },
	{ "pull_domain", KIND_TEXT, AT(pull_domain), 0, 0, false },
	{ "pull_password_file", KIND_PATH, AT(pull_password_file), 0, 0, false },
	{ "ca_file", KIND_PATH, AT(ca_file), 0, 0, false },
	{ "restart_command", KIND_PATH, AT(restart_command), 0, 0, false },
	{ "cache_bytes", KIND_NUMBER, AT(cache_bytes), 1 << 20, INT64_MAX, false },
	{ "interval_s", KIND_NUMBER, AT(interval_s), 0, 604800, false },
	{ "patience_s", KIND_NUMBER, AT(patience_s), 0, 86400, false },
};

static const struct key point_keys[] = {
	{ "url", KIND_TEXT, POINT(url), 0, 0, false },
	{ "directory", KIND_PATH, POINT(directory), 0, 0, false },
	{ "server", KIND_TEXT, POINT(server), 0, 0, false },
	{ "share", KIND_TEXT, POINT(share), 0, 0, false },
	{ "path", KIND_TEXT, POINT(path), 0, 0, false },
	{ "host", KIND_TEXT, POINT(host), 0, 0, false },
	{ "port", KIND_PORT, POINT(port), 1, 65535, false },
	{ "reports", KIND_FLAG, POINT(takes_reports), 0, 0, false },
};

struct reading {
	struct agent_config *config;
	char section[64];
	char *why;
};

static bool take_number(const struct key *key, const char *value, int64_t *out, char **why)
{
	char *end;

	errno = 0;
	*out = strtoll(value, &end, 10);
	if (!errno && end != value && !*end && *out >= key->low && *out <= key->high)
		return true;
	*why = xasprintf("%s is a number from %lld to %lld, not \"%s\"", key->name,
			 (long long)key->low, (long long)key->high, value);
	return false;
}

static bool take_value(const struct key *key, void *base, const char *value, char **why)
{
	char *slot = (char *)base + key->at;
	int64_t number;

	switch (key->kind) {
	case KIND_PATH:
		if (!path_is_absolute(value)) {
			*why = xasprintf("%s is an absolute path, not \"%s\"", key->name, value);
			return false;
		}
		/* fall through */
	case KIND_TEXT:
		free(*(char **)(void *)slot);
		*(char **)(void *)slot = xstrdup(value);
		return true;
	case KIND_FLAG:
		*(bool *)(void *)slot = !strcmp(value, "yes");
		if (!strcmp(value, "yes") || !strcmp(value, "no"))
			return true;
		*why = xasprintf("%s is yes or no, not \"%s\"", key->name, value);
		return false;
	case KIND_NUMBER:
		return take_number(key, value, (int64_t *)(void *)slot, why);
	case KIND_PORT:
		if (!take_number(key, value, &number, why))
			return false;
		*(uint16_t *)(void *)slot = (uint16_t)number;
		return true;
	}
	return false;
}

static const struct key *find_key(const struct key *keys, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	}
	return NULL;
}

/* The section of a point: another name is another point. */
static struct policy_point *point_of(struct reading *r, const char *section)
{
	struct agent_config *c = r->config;

	if (strcmp(r->section, section) != 0) {
		if (c->point_count == AGENT_POINTS_MAX) {
			r->why = xasprintf("at most %d sections [point NAME]", AGENT_POINTS_MAX);
			return NULL;
		}
		c->points[c->point_count++].takes_reports = true;
		snprintf(r->section, sizeof(r->section), "%s", section);
	}
	return &c->points[c->point_count - 1];
}

static int take(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;
	const struct key *key = NULL;
	void *base = NULL;

	/* The parser reads on behind a line that is wrong; the first one is told. */
	if (r->why)
		return 0;
	if (!strcmp(section, "agent")) {
		base = r->config;
		key = find_key(agent_keys, ARRAY_LEN(agent_keys), name);
	} else if (!strncmp(section, "point ", 6)) {
		base = point_of(r, section);
		key = find_key(point_keys, ARRAY_LEN(point_keys), name);
	}
	if (base && key && key->kind == KIND_FLAG)
		r->config->says_reports[r->config->point_count - 1] = true;
	if (base && key && platform_refuses(name))
		r->why = xasprintf("%s is not for this system: %s", name, platform_refuses(name));
	else if (base && key)
		return take_value(key, base, value, &r->why);
	if (!r->why)
		r->why = xasprintf("there is no setting %s in [%s]", name, section);
	return 0;
}

static char *title_of(const struct policy_point *p)
{
	if (p->url || p->directory)
		return xstrdup(p->url ? p->url : p->directory);
	return xasprintf("\\\\%s\\%s%s%s", p->server, p->share, p->path[0] ? "\\" : "", p->path);
}

/* One web server has one title, however the slash at its end was written. */
static void strip_slashes(char *url)
{
	size_t length = url ? strlen(url) : 0;

	while (length && url[length - 1] == '/')
		url[--length] = 0;
}

static char *finish(const struct reading *r)
{
	struct agent_config *c = r->config;

	for (size_t i = 0; i < ARRAY_LEN(agent_keys); i++) {
		const struct key *key = &agent_keys[i];

		if (key->is_needed && !*(char **)(void *)((char *)c + key->at))
			return xasprintf("[agent] needs %s", key->name);
	}
	if (!c->point_count)
		return xstrdup("there is no section [point NAME]: where does the policy lie?");
	if (c->user && !c->password_file)
		return xstrdup("user needs password_file");
	if (c->pull_user && !c->pull_password_file)
		return xstrdup("pull_user needs pull_password_file");
	for (size_t i = 0; i < c->point_count; i++) {
		struct policy_point *p = &c->points[i];

		if ((p->url != NULL) + (p->directory != NULL) + (p->server && p->share) != 1)
			return xstrdup("a point is url, or directory, or server and share");
		strip_slashes(p->url);
		if (!p->path)
			p->path = xstrdup("");
		/* Few web servers let files be made there. */
		p->takes_reports = p->takes_reports && (!p->url || c->says_reports[i]);
		p->title = title_of(p);
	}
	return NULL;
}

int agent_config_load(const char *path, struct agent_config *out, char **why)
{
	struct reading r = { .config = out };
	struct content_failure failure = { 0 };
	auto_buf struct buf text = { 0 };
	int line;

	*out = (struct agent_config){ .cache_bytes = 10LL << 30, .patience_s = 300 };
	if (!file_read_guarded(path, CONFIG_BYTES_MAX, &text, &failure)) {
		*why = xasprintf("%s cannot be read: %s", path, failure.text);
		return -EINVAL;
	}
	buf_u8(&text, 0);
	line = ini_parse_string((const char *)text.data, take, &r);
	if (line > 0)
		*why = xasprintf("%s, line %d: %s", path, line,
				 r.why ? r.why : "neither [section] nor name = value");
	else
		*why = finish(&r);
	free(r.why);
	return *why ? -EINVAL : 0;
}

void agent_config_free(struct agent_config *c)
{
	free(c->state);
	free(c->root);
	free(c->name);
	free(c->token_file);
	free(c->user);
	free(c->domain);
	free(c->password_file);
	free(c->pull_user);
	free(c->pull_domain);
	free(c->pull_password_file);
	free(c->ca_file);
	free(c->restart_command);
	for (size_t i = 0; i < c->point_count; i++) {
		struct policy_point *p = &c->points[i];

		free(p->title);
		free(p->url);
		free(p->directory);
		free(p->server);
		free(p->share);
		free(p->path);
		free(p->host);
	}
	*c = (struct agent_config){ 0 };
}
