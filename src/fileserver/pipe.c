// SPDX-License-Identifier: Apache-2.0
/*
 * The registry of named pipes. It is filled when the node starts, before the first client, and only
 * read from then on: no lock.
 */
#include <base/utf16.h>
#include <fileserver/pipe.h>

#define MAX_ENDPOINTS 32

static const struct pipe_endpoint *endpoints[MAX_ENDPOINTS];
static size_t endpoint_count;

void pipe_register(const struct pipe_endpoint *endpoint)
{
	BUG_ON(endpoint_count == MAX_ENDPOINTS);
	endpoints[endpoint_count++] = endpoint;
}

static bool is_separator(char c)
{
	return c == '\\' || c == '/';
}

/* The name without a separator in front, and without "PIPE\". */
static const char *bare_name(const char *name)
{
	name += is_separator(*name);
	if (!strncasecmp(name, "pipe", 4) && is_separator(name[4]))
		name += 5;
	return name;
}

const struct pipe_endpoint *pipe_endpoint_find(const char *name)
{
	name = bare_name(name);
	for (size_t i = 0; i < endpoint_count; i++)
		if (!name_compare(endpoints[i]->name, name))
			return endpoints[i];
	return NULL;
}
