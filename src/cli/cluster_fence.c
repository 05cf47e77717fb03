// SPDX-License-Identifier: Apache-2.0
/*
 * What turns nodes off, as berth cluster init is told of it: one device for all nodes, or one for
 * each (IPMI, iLO, iDRAC), which then does not run on the node that it turns off.
 *
 *   --fence AGENT[,KEY=VALUE,...]         one for all
 *   --fence NODE=AGENT[,KEY=VALUE,...]    one for each node
 *   --fence-option KEY=VALUE              of every device
 *   --fence-option-file FILE              the same, a line each; behind a line [NODE], of that
 * node's
 */
#include "cluster_conf.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define AGENTS "/usr/sbin/" /* where Pacemaker looks for them */

void fence_devices_free(struct fence_devices *d)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->of[i].settings.data)
			explicit_bzero(d->of[i].settings.data, d->of[i].settings.len);
		buf_free(&d->of[i].settings);
		free(d->of[i].agent);
	}
	d->count = 0;
}

static struct fence_device *device_of(struct fence_devices *d, const char *node)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->of[i].node && !strcmp(d->of[i].node, node))
			return &d->of[i];
	}
	return NULL;
}

static bool is_for_all(const struct fence_devices *d)
{
	return d->count && !d->of[0].node;
}

/* ---- settings */

/* As the value of an attribute of XML. */
static void put_value(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (strchr("<>&\"'", *text))
			buf_printf(b, "&#%d;", *text);
		else
			buf_u8(b, (uint8_t)*text);
	}
}

static int set(struct fence_devices *d, struct fence_device *one, const char *key,
	       const char *value)
{
	auto_free char *name = xasprintf(" name=\"%s\" ", key);

	if (one->settings.len && memmem(one->settings.data, one->settings.len, name, strlen(name)))
		return complain(EXIT_USAGE, "%s is set twice for the fence device%s%s", key,
				one->node ? " of " : "", one->node ? one->node : "");
	buf_printf(&one->settings, "<nvpair id=\"fencing-%zu-%zu\"", (size_t)(one - d->of),
		   ++one->setting_count);
	buf_text(&one->settings, name);
	buf_text(&one->settings, "value=\"");
	put_value(&one->settings, value);
	buf_text(&one->settings, "\"/>");
	return EXIT_DONE;
}

/* "key=value", for @one or (NULL) for every device. */
static int take_setting(struct fence_devices *d, struct fence_device *one, char *word)
{
	char *equals = strchr(word, '=');
	bool good = equals && equals != word;
	int code = EXIT_DONE;

	for (const char *c = word; good && c < equals; c++)
		good = isalnum((unsigned char)*c) || *c == '_' || *c == '-';
	for (const char *c = equals; good && *c; c++)
		good = !iscntrl((unsigned char)*c);
	if (!good)
		return complain(EXIT_USAGE,
				"a setting of the fence agent must be KEY=VALUE; one that holds a "
				"comma or is secret goes into a file, one on a line: "
				"--fence-option-file FILE");
	*equals = '\0';
	for (size_t i = 0; i < d->count && code == EXIT_DONE; i++) {
		if (!one || one == &d->of[i])
			code = set(d, &d->of[i], word, equals + 1);
	}
	return code;
}

/* Every list of processes would show it. By what the settings of fence agents are called: passwd,
 * snmp_priv_passwd, secret_key, token, api_key, community. What names a file holds no secret. */
static bool is_secret(const char *word)
{
	static const char *const parts[] = { "pass", "secret", "token", "key", "community" };
	auto_free char *key = xasprintf("%.*s", (int)strcspn(word, "="), word);

	if (strcasestr(key, "file") || strcasestr(key, "path") || strcasestr(key, "script"))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (strcasestr(key, parts[i]))
			return true;
	return false;
}

static int take_words(struct fence_devices *d, struct fence_device *one, char *words)
{
	char *word;
	int code = EXIT_DONE;

	while (code == EXIT_DONE && (word = strsep(&words, ",")) != NULL) {
		if (word[0] && is_secret(word))
			code = complain(EXIT_USAGE, "a secret does not go on a command line; put "
						    "it, as KEY=VALUE, on a line of a file: "
						    "--fence-option-file FILE");
		else if (word[0])
			code = take_setting(d, one, word);
	}
	return code;
}

/* "[n1]": what follows is of that node's device. */
static int take_heading(struct fence_devices *d, char *line, struct fence_device **one)
{
	size_t length = strcspn(line, "]");
	auto_free char *node = xasprintf("%.*s", (int)length - 1, line + 1);

	*one = !strcmp(line + length, "]") ? device_of(d, node) : NULL;
	if (*one)
		return EXIT_DONE;
	return complain(EXIT_USAGE,
			"the file of settings has a heading \"%s\", and no --fence NODE=AGENT is "
			"of that node",
			line);
}

static int take_file(struct fence_devices *d, const char *path)
{
	size_t length = 0;
	char *lines = cluster_file(path, &length), *rest = lines, *line;
	struct fence_device *one = NULL;
	int code = EXIT_DONE;

	if (!lines)
		return complain(EXIT_FAILED, "cannot read %s: %s", path, strerror(errno));
	while (code == EXIT_DONE && (line = strsep(&rest, "\n")) != NULL) {
		if (line[0] == '[')
			code = take_heading(d, line, &one);
		else if (line[0] && line[0] != '#')
			code = take_setting(d, one, line);
	}
	explicit_bzero(lines, length);
	free(lines);
	return code;
}

/* ---- devices */

static const char *member_called(const struct conf_member *members, int count, const char *name)
{
	for (int i = 0; i < count; i++) {
		if (!strcmp(members[i].name, name))
			return members[i].name;
	}
	return NULL;
}

static int need_agent(const char *agent)
{
	auto_free char *path = xasprintf(AGENTS "%s", agent);

	if (!cluster_name_ok(agent))
		return complain(EXIT_USAGE, "\"%s\" is no fence agent", agent);
	if (access(path, X_OK) < 0)
		return complain(EXIT_FAILED,
				"the fence agent %s is not installed (%s): apt-get install "
				"fence-agents, on every node",
				agent, path);
	return EXIT_DONE;
}

/* One --fence. */
static int take_device(struct fence_devices *d, const struct conf_member *members, int count,
		       char *line)
{
	char *rest = line, *first = strsep(&rest, ","), *equals = strchr(first, '=');
	const char *agent = equals ? equals + 1 : first, *node = NULL;
	struct fence_device *one;
	int code;

	if (equals) {
		*equals = '\0';
		node = member_called(members, count, first);
		if (!node)
			return complain(EXIT_USAGE,
					"--fence %s=...: there is no node of that name (--node)",
					first);
		if (device_of(d, node))
			return complain(EXIT_USAGE, "%s has two fence devices; give one", node);
	}
	code = need_agent(agent);
	if (code != EXIT_DONE)
		return code;
	if (is_for_all(d) || (!node && d->count))
		return complain(EXIT_USAGE, "give one fence device for all nodes (--fence AGENT), "
					    "or one for each (--fence NODE=AGENT,KEY=VALUE,...)");
	one = &d->of[d->count++]; /* no more than there are nodes */
	one->node = node;
	one->agent = xstrdup(agent);
	if (node)
		code = set(d, one, "pcmk_host_list", node);
	if (node && code == EXIT_DONE)
		code = set(d, one, "pcmk_host_check", "static-list");
	return code == EXIT_DONE ? take_words(d, one, rest) : code;
}

int fence_devices_take(struct call *call, const struct conf_member *members, int count,
		       struct fence_devices *out)
{
	const char *given = call_text(call, "fence"), *options = call_text(call, "fence_options");
	const char *path = call_text(call, "fence_option_file");
	auto_free char *lines = given ? xstrdup(given) : NULL;
	auto_free char *words = options ? xstrdup(options) : NULL;
	char *rest = lines, *line;
	int code = EXIT_DONE;

	if (!given && (options || path))
		return complain(EXIT_USAGE,
				"settings of a fence agent, and no fence agent: --fence AGENT");
	while (code == EXIT_DONE && (line = strsep(&rest, "\n")) != NULL)
		code = take_device(out, members, count, line);
	if (code == EXIT_DONE)
		code = take_words(out, NULL, words);
	return code == EXIT_DONE && path ? take_file(out, path) : code;
}

const char *fence_devices_lack(struct fence_devices *d, const struct conf_member *members,
			       int count)
{
	for (int i = 0; i < count && !is_for_all(d); i++) {
		if (!device_of(d, members[i].name))
			return members[i].name;
	}
	return NULL;
}

/* ---- as Pacemaker's configuration */

void fence_devices_put(const struct fence_devices *d, struct buf *b)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct fence_device *one = &d->of[i];

		buf_printf(b, "<primitive id=\"fence%s%s\" class=\"stonith\" type=\"%s\">",
			   one->node ? "-" : "", one->node ? one->node : "", one->agent);
		buf_printf(b, "<instance_attributes id=\"fencing-%zu\">", i);
		buf_bytes(b, one->settings.data, one->settings.len);
		buf_printf(b,
			   "</instance_attributes><operations><op id=\"fencing-%zu-monitor\" "
			   "name=\"monitor\" interval=\"60s\"/></operations></primitive>",
			   i);
	}
}

void fence_devices_put_apart(const struct fence_devices *d, struct buf *b)
{
	for (size_t i = 0; i < d->count && !is_for_all(d); i++) {
		const char *node = d->of[i].node;

		buf_printf(b, "<rsc_location id=\"fencing-%zu-away\" rsc=\"fence-%s\" ", i, node);
		buf_printf(b, "node=\"%s\" score=\"-INFINITY\"/>", node);
	}
}
