// SPDX-License-Identifier: Apache-2.0
/* Corosync's configuration, written and read. */
#include "cluster_conf.h"

#include <base/buf.h>

#include <stdio.h>

int conf_members(const char *list, struct conf_member out[CLUSTER_MAX_NODES])
{
	auto_free char *copy = xstrdup(list);
	char *rest = copy, *word;
	int count = 0;

	while ((word = strsep(&rest, ",")) != NULL) {
		char *equals = strchr(word, '=');

		if (!equals || count == CLUSTER_MAX_NODES)
			return -1;
		*equals = '\0';
		if (!cluster_name_ok(word) || !equals[1] ||
		    strlen(equals + 1) >= sizeof(out->address))
			return -1;
		snprintf(out[count].name, sizeof(out->name), "%s", word);
		snprintf(out[count++].address, sizeof(out->address), "%s", equals + 1);
	}
	return count;
}

static void put_quorum(struct buf *b, int count, const char *arbiter)
{
	buf_printf(b, "%s", "quorum {\n\tprovider: corosync_votequorum\n");
	if (arbiter) {
		auto_free char *device = xasprintf(
			"\t# Its vote decides which of two halves goes on.\n"
			"\tdevice {\n\t\tmodel: net\n\t\tvotes: 1\n\t\tnet {\n\t\t\thost: %s\n"
			"\t\t\ttls: required\n\t\t\talgorithm: ffsplit\n\t\t}\n\t}\n",
			arbiter);
		buf_printf(b, "%s", device);
	} else if (count == 2) {
		buf_printf(b, "%s",
			   "\t# No arbiter: the fence race alone decides which half goes on.\n"
			   "\ttwo_node: 1\n\twait_for_all: 1\n");
	}
	buf_printf(b, "%s", "}\n");
}

char *conf_text(const char *name, const struct conf_member *members, int count, const char *arbiter,
		long token)
{
	auto_buf struct buf b = { 0 };
	auto_free char *totem =
		xasprintf("# Written by berth cluster init. The same on every node.\n"
			  "totem {\n\tversion: 2\n\tcluster_name: %s\n\ttransport: knet\n"
			  "\t# Nobody without the key in " AUTHKEY " can join or listen.\n"
			  "\tcrypto_cipher: aes256\n\tcrypto_hash: sha256\n"
			  "\t# A dead node is noticed after token + consensus. With the defaults "
			  "that is 8 s.\n"
			  "\t# 250 ms was too low in the lab: a node that was not scheduled for "
			  "262 ms was fenced.\n"
			  "\ttoken: %ld\n\ttoken_coefficient: 0\n\tconsensus: %ld\n\tjoin: 50\n}\n"
			  "nodelist {\n",
			  name, token, token * 6 / 5);

	buf_printf(&b, "%s", totem);
	for (int i = 0; i < count; i++) {
		auto_free char *node = xasprintf(
			"\tnode {\n\t\tname: %s\n\t\tnodeid: %d\n\t\tring0_addr: %s\n\t}\n",
			members[i].name, i + 1, members[i].address);
		buf_printf(&b, "%s", node);
	}
	buf_printf(&b, "%s", "}\n");
	put_quorum(&b, count, arbiter);
	buf_printf(&b, "%s",
		   "logging {\n\tto_logfile: yes\n\tlogfile: /var/log/corosync/corosync.log\n"
		   "\tto_syslog: no\n\ttimestamp: hires\n}\n");
	buf_u8(&b, 0);
	return xstrdup((const char *)b.data);
}

char *conf_value(const char *conf, const char *key, int nth)
{
	auto_free char *copy = xstrdup(conf);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		size_t length = strlen(key);

		line += strspn(line, " \t");
		if (strncmp(line, key, length) != 0 || line[length] != ':' || nth-- > 0)
			continue;
		line += length + 1;
		line += strspn(line, " \t");
		line[strcspn(line, " \t\r#")] = '\0';
		return xstrdup(line);
	}
	return NULL;
}

int conf_nodes(const char *conf)
{
	int count = 0;
	char *value;

	while ((value = conf_value(conf, "ring0_addr", count)) != NULL) {
		free(value);
		count++;
	}
	return count;
}

/* Names come before addresses. */
char *conf_address(const char *conf, const char *name)
{
	for (int i = 0, count = conf_nodes(conf); i < count; i++) {
		auto_free char *is = conf_value(conf, "name", i);

		if (is && !strcmp(is, name))
			return conf_value(conf, "ring0_addr", i);
	}
	return NULL;
}
