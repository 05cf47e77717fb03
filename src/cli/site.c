// SPDX-License-Identifier: Apache-2.0
/* berth site probe: fills in what the probe needs, among it where a server of this machine's
 * cluster is. */
#include "site_cli.h"

#include <base/buf.h>
#include <base/utf16.h>
#include <site/probe.h>

#include <errno.h>
#include <strings.h>
#include <signal.h>
#include <unistd.h>

/* "10G" as bytes; false where it is none. */
bool take_size(struct call *call, const char *name, uint64_t *out)
{
	static const char units[] = "KMGTP";
	const char *text = json_string_value(json_object_get(call->local, name)), *unit;
	char *end;
	double number;

	if (!text)
		return true;
	number = strtod(text, &end);
	unit = *end ? strchr(units, *end) : NULL;
	for (const char *u = units; unit && u <= unit; u++)
		number *= 1024;
	if (end == text || number < 0 || number > 1e18 || (*end && (!unit || end[1])))
		return false;
	*out = (uint64_t)number;
	return true;
}

static bool take_seconds(struct call *call, const char *name, uint64_t *out_ms)
{
	const char *text = json_string_value(json_object_get(call->local, name));
	char *end;
	double seconds;

	if (!text)
		return true;
	seconds = strtod(text, &end);
	if (end == text || *end || seconds < 0 || seconds > 86400)
		return false;
	*out_ms = (uint64_t)(seconds * 1000);
	return true;
}

bool take_port(struct call *call, uint16_t *out)
{
	const char *text = json_string_value(json_object_get(call->local, "port"));
	char *end;
	unsigned long port;

	if (!text)
		return true;
	port = strtoul(text, &end, 10);
	if (end == text || *end || !port || port > 65535)
		return false;
	*out = (uint16_t)port;
	return true;
}

/* The server part of a UNC path. */
static char *server_part(const char *unc)
{
	unc += strspn(unc, "\\/");
	return strndup(unc, strcspn(unc, "\\/"));
}

static bool is_called(const struct server_record *record, const char *name)
{
	const json_t *aliases = json_object_get(record->facts, "aliases"), *alias;
	const char *fqdn = json_string_value(json_object_get(record->facts, "fqdn"));
	size_t i;

	if (!name_compare(record->name, name) || (fqdn && fqdn[0] && !name_compare(fqdn, name)))
		return true;
	json_array_foreach((json_t *)(uintptr_t)aliases, i, alias)
	{
		if (json_string_value(alias) && !name_compare(json_string_value(alias), name))
			return true;
	}
	return false;
}

/* The first address of a clustered file server called @name; NULL where none of this cluster is. */
static char *address_of_server(const char *cluster_dir, const char *name, uint16_t *port)
{
	char *found = NULL;
	char **names;
	size_t count;

	if (server_record_names(cluster_dir, &names, &count))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct server_record record;

		if (!found && !server_record_read(cluster_dir, names[i], &record)) {
			const char *address = json_string_value(
				json_array_get(json_object_get(record.facts, "addresses"), 0));

			if (address && is_called(&record, name)) {
				found = strndup(address, strcspn(address, "/"));
				*port = (uint16_t)json_integer_value(
					json_object_get(record.facts, "port"));
			}
			server_record_free(&record);
		}
		free(names[i]);
	}
	free(names);
	return found;
}

static char *address_of_node(const char *cluster_dir, const char *name, uint16_t *port)
{
	struct node_record *nodes;
	char *found = NULL;
	size_t count;

	if (cluster_nodes(cluster_dir, &nodes, &count))
		return NULL;
	for (size_t i = 0; i < count && !found; i++) {
		if (strcasecmp(nodes[i].name, name) != 0)
			continue;
		found = strndup(nodes[i].address, strcspn(nodes[i].address, ","));
		*port = nodes[i].port;
	}
	free(nodes);
	return found;
}

/* Where the name is one of this machine's cluster, it need not be in any DNS. */
char *address_here(struct call *call, const char *unc, uint16_t *port)
{
	auto_free char *server = server_part(unc);
	uint16_t its_port = *port;
	uid_t was = as_caller();
	char *found = address_of_server(call->cluster_dir, server, &its_port);

	if (!found)
		found = address_of_node(call->cluster_dir, server, &its_port);
	as_before(was);
	if (found && !*port)
		*port = its_port;
	return found;
}

static int show(struct call *call, const struct probe_result *result)
{
	auto_buf struct buf out = { 0 };

	if (call->json)
		probe_json(result, &out);
	else
		probe_text(result, &out);
	fwrite(out.data, 1, out.len, stdout);
	return (int)result->state;
}

/*
 * A hard end, whatever a server does to hold the probe up (it may answer "wait" for ever): who
 * monitors waits for an answer.
 */
static void too_late(int number)
{
	static const char text[] = "UNKNOWN - the probe was ended because it took too long\n";

	(void)!write(STDOUT_FILENO, text, sizeof(text) - 1);
	_exit(PROBE_UNKNOWN);
}

static void end_in_time(const struct probe_options *options)
{
	uint64_t step_ms = options->timeout_ms ? options->timeout_ms : 30000;
	uint64_t seconds = (options->patience_ms + 12 * step_ms) / 1000 + 1;
	struct sigaction action = { .sa_handler = too_late };

	sigaction(SIGALRM, &action, NULL);
	alarm((unsigned)min_u64(seconds, 86400));
}

int run_site_probe(struct call *call)
{
	const char *unc = call_text(call, "unc"),
		   *user = json_string_value(json_object_get(call->local, "user"));
	auto_free char *address = NULL, *domain = NULL, *password = NULL;
	struct probe_options options = { .unc = unc };
	struct probe_result result = { 0 };
	const char *slash;
	int code;

	options.skip_admin = call_local(call, "no-admin");
	if (!take_size(call, "warn", &options.warn_free) ||
	    !take_size(call, "critical", &options.critical_free))
		return complain(PROBE_UNKNOWN,
				"a size is a number with K, M, G, T or P, such as 10G");
	if (!take_seconds(call, "timeout", &options.timeout_ms) ||
	    !take_seconds(call, "patience", &options.patience_ms) ||
	    !take_port(call, &options.port))
		return complain(PROBE_UNKNOWN,
				"--timeout and --patience are seconds, --port is 1 to 65535");
	options.address = json_string_value(json_object_get(call->local, "address"));
	if (!options.address) {
		address = address_here(call, unc, &options.port);
		options.address = address;
	}
	if (user) {
		slash = strchr(user, '\\');
		domain = slash ? strndup(user, (size_t)(slash - user)) : NULL;
		options.domain = domain;
		options.user = slash ? slash + 1 : user;
		password = password_read(call, "Password", false);
		if (!password)
			return PROBE_UNKNOWN;
		options.password = password;
	}
	end_in_time(&options);
	probe_run(&options, &result);
	alarm(0);
	if (password)
		explicit_bzero(password, strlen(password));
	code = show(call, &result);
	probe_result_free(&result);
	return code;
}
