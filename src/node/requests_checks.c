// SPDX-License-Identifier: Apache-2.0
/* What a file server may be called, where it may listen: by itself, and beside the others. */
#include "requests_server.h"

#include <stdlib.h>
#include <strings.h>

#define NETBIOS_NAME_MAX 15

bool server_check_class(struct request *r, const char *class)
{
	return !class || !class[0] || node.config.engine == CLUSTER_PACEMAKER ||
	       request_fail(r, "bad-request",
			    "anti_affinity needs several machines: this node runs the embedded "
			    "engine, whose nodes share one (docs/cluster.md)");
}

bool server_check_addresses(struct request *r, const char *list)
{
	struct address addresses[SERVER_MAX_ADDRESSES];

	if (address_parse_list(list, 1, addresses, SERVER_MAX_ADDRESSES) >= 1)
		return true;
	return request_fail(
		r, "bad-request",
		"\"%s\" is no address with a prefix, such as 10.0.0.50/24 or fd00::50/64", list);
}

bool server_check_name(struct request *r, const char *name)
{
	if (cluster_name_ok(name) && strlen(name) <= NETBIOS_NAME_MAX && !strchr(name, '.') &&
	    !strchr(name, '_'))
		return true;
	return request_fail(
		r, "bad-request",
		"\"%s\" is no name for a file server: 1 to %d letters, digits and '-' (longer "
		"names go into --fqdn and --alias)",
		name, NETBIOS_NAME_MAX);
}

/* Is @name the name, the name in DNS or an alias of the server of @row? */
static bool row_has_name(const struct cluster_row *row, const char *name)
{
	const json_t *aliases = json_object_get(row->record.facts, "aliases"), *alias;
	const char *fqdn = json_string_value(json_object_get(row->record.facts, "fqdn"));
	bool has = !strcasecmp(row->record.name, name) || (fqdn && !strcasecmp(fqdn, name));
	size_t i;

	json_array_foreach(aliases, i, alias)
	{
		const char *text = json_string_value(alias);

		has |= text && !strcasecmp(text, name);
	}
	return has;
}

/* Does the server of @row want to listen on @address? One that is to stay offline does not. */
static bool row_has_address(const struct cluster_row *row, const char *address, long port)
{
	const json_t *addresses = json_object_get(row->record.facts, "addresses"), *each;
	size_t i;

	if (!row->record.want_online ||
	    json_integer_value(json_object_get(row->record.facts, "port")) != port)
		return false;
	json_array_foreach(addresses, i, each)
	{
		if (json_string_value(each) && !strcmp(json_string_value(each), address))
			return true;
	}
	return false;
}

bool server_check_unique(struct request *r, const char *self, const char *names)
{
	auto_free char *copy = xstrdup(names ? names : "");
	struct cluster_row *rows;
	struct node_record *nodes = NULL;
	size_t count = cluster_rows(node.cluster, &rows), node_count = 0;
	char *rest = copy, *name;
	bool is_free = true;

	(void)!cluster_nodes(node.config.cluster_dir, &nodes, &node_count);
	while ((name = strsep(&rest, ", ")) != NULL && is_free) {
		for (size_t i = 0; name[0] && i < count && is_free; i++) {
			if (strcasecmp(rows[i].record.name, self) != 0 &&
			    row_has_name(&rows[i], name))
				is_free = request_fail(
					r, "exists",
					"the name %s is used already, by the file server %s", name,
					rows[i].record.name);
		}
		for (size_t i = 0; name[0] && i < node_count && is_free; i++) {
			if (strcasecmp(nodes[i].name, self) != 0 &&
			    !strcasecmp(nodes[i].name, name))
				is_free = request_fail(
					r, "exists", "the name %s is used already, by the node %s",
					name, nodes[i].name);
		}
	}
	cluster_rows_free(rows, count);
	free(nodes);
	return is_free;
}

bool server_check_address_free(struct request *r, const char *self, const char *list, long port)
{
	struct address addresses[SERVER_MAX_ADDRESSES];
	int wanted = address_parse_list(list, 1, addresses, SERVER_MAX_ADDRESSES);
	struct cluster_row *rows;
	size_t count = cluster_rows(node.cluster, &rows);
	bool is_free = true;

	for (int i = 0; i < wanted && is_free; i++) {
		char text[64];
		const char *address = address_format(&addresses[i], text);

		for (size_t k = 0; k < count && is_free; k++) {
			if (strcasecmp(rows[k].record.name, self) != 0 &&
			    row_has_address(&rows[k], address, port))
				is_free = request_fail(
					r, "exists",
					"the address %s port %ld is used already, by the file "
					"server %s; take that offline first, or choose another",
					address, port, rows[k].record.name);
		}
	}
	cluster_rows_free(rows, count);
	return is_free;
}
