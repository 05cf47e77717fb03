// SPDX-License-Identifier: Apache-2.0
/*
 * berth cluster: Corosync and Pacemaker set up as a file server needs them, and looked over where
 * someone else set them up. It runs on the node itself, as root, and asks no berthd.
 */
#include "cli.h"

#include <base/buf.h>
#include <cluster/crm.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define COROSYNC_CONF "/etc/corosync/corosync.conf"
#define AUTHKEY	      "/etc/corosync/authkey"
#define BERTHD_CONF   "/etc/berth/berthd.conf"
#define AUTHKEY_BYTES 128
#define TOKEN_LEAST   500
#define START_LIMIT_S 90
#define MAX_CONF      (256u << 10)

struct member {
	char name[CLUSTER_MAX_NAME], address[64];
};

/* ---- files */

static int write_file(const char *path, const void *data, size_t length, mode_t mode)
{
	auto_free char *fresh = xasprintf("%s.new", path);
	auto_close int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, data, length) != (ssize_t)length || fchmod(fd, mode) < 0 ||
	    fsync(fd) < 0 || rename(fresh, path) < 0)
		return complain(EXIT_FAILED, "cannot write %s: %s", path, strerror(errno));
	return EXIT_DONE;
}

/* The whole of a file as a text; "-" is standard input. NULL: it cannot be read. */
static char *read_file(const char *path, size_t *length)
{
	auto_close int fd = strcmp(path, "-") != 0 ? open(path, O_RDONLY | O_CLOEXEC) : dup(0);
	auto_buf struct buf text = { .limit = MAX_CONF };
	ssize_t n = fd < 0 ? -1 : 1;
	char *copy;

	while (n > 0) {
		uint8_t *room = buf_room(&text, 4096);

		n = room ? read(fd, room, 4096) : -1;
		text.len += n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		return NULL;
	copy = xalloc(text.len + 1, 1);
	if (text.len)
		memcpy(copy, text.data, text.len);
	if (length)
		*length = text.len;
	return copy;
}

static const char *own_name(void)
{
	static struct utsname names;

	if (!names.nodename[0])
		uname(&names);
	names.nodename[strcspn(names.nodename, ".")] = '\0';
	return names.nodename;
}

/* ---- corosync.conf */

/* "n1=10.0.0.11,n2=10.0.0.12"; how many, or -1. */
static int parse_members(const char *list, struct member out[CLUSTER_MAX_NODES])
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

static void put(struct buf *b, const char *text)
{
	buf_bytes(b, text, strlen(text));
}

static void put_quorum(struct buf *b, int count, const char *arbiter)
{
	put(b, "quorum {\n\tprovider: corosync_votequorum\n");
	if (arbiter) {
		auto_free char *device = xasprintf(
			"\t# Its vote decides which of two halves goes on.\n"
			"\tdevice {\n\t\tmodel: net\n\t\tvotes: 1\n\t\tnet {\n\t\t\thost: %s\n"
			"\t\t\talgorithm: ffsplit\n\t\t}\n\t}\n",
			arbiter);
		put(b, device);
	} else if (count == 2) {
		put(b, "\t# No arbiter: the fence race alone decides which half goes on.\n"
		       "\ttwo_node: 1\n\twait_for_all: 1\n");
	}
	put(b, "}\n");
}

static char *corosync_text(const char *name, const struct member *members, int count,
			   const char *arbiter, long token)
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

	put(&b, totem);
	for (int i = 0; i < count; i++) {
		auto_free char *node = xasprintf(
			"\tnode {\n\t\tname: %s\n\t\tnodeid: %d\n\t\tring0_addr: %s\n\t}\n",
			members[i].name, i + 1, members[i].address);
		put(&b, node);
	}
	put(&b, "}\n");
	put_quorum(&b, count, arbiter);
	put(&b, "logging {\n\tto_logfile: yes\n\tlogfile: /var/log/corosync/corosync.log\n"
		"\tto_syslog: no\n\ttimestamp: hires\n}\n");
	buf_u8(&b, 0);
	return xstrdup((const char *)b.data);
}

/* The value of the @nth line "key: value", or NULL; to be freed. */
static char *conf_value(const char *conf, const char *key, int nth)
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

static int conf_nodes(const char *conf)
{
	int count = 0;
	char *value;

	while ((value = conf_value(conf, "ring0_addr", count)) != NULL) {
		free(value);
		count++;
	}
	return count;
}

/* The address of the node called @name, or NULL; to be freed. Names come before addresses. */
static char *conf_address(const char *conf, const char *name)
{
	for (int i = 0, count = conf_nodes(conf); i < count; i++) {
		auto_free char *is = conf_value(conf, "name", i);

		if (is && !strcmp(is, name))
			return conf_value(conf, "ring0_addr", i);
	}
	return NULL;
}

/* ---- starting */

static bool has_systemd(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

static bool answers(const char *const *argv)
{
	auto_free char *why = NULL;

	return !crm_run(argv, NULL, &why);
}

static bool wait_for(const char *const *argv)
{
	const struct timespec nap = { .tv_nsec = 200 * 1000000 };

	for (int i = 0; i < START_LIMIT_S * 5; i++) {
		if (answers(argv))
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

static int start_daemons(void)
{
	static const char *const units[] = { "systemctl", "enable",    "--now",
					     "corosync",  "pacemaker", NULL };
	static const char *const corosync[] = { "corosync", NULL };
	static const char *const token[] = { "corosync-cmapctl", "-b", "runtime.config.totem.token",
					     NULL };
	static const char *const pacemaker[] = {
		"sh", "-c",
		"PCMK_logfile=/var/log/pacemaker/pacemaker.log PCMK_logfacility=none "
		"setsid pacemakerd </dev/null >/dev/null 2>&1 &",
		NULL
	};
	static const char *const ready[] = { "cibadmin", "--query", "--local", NULL };
	auto_free char *why = NULL;
	int error;

	if (has_systemd()) {
		error = crm_run(units, NULL, &why);
	} else {
		error = answers(token) ? 0 : crm_run(corosync, NULL, &why);
		if (!error && wait_for(token) && !answers(ready))
			error = crm_run(pacemaker, NULL, &why);
	}
	if (error)
		return complain(EXIT_FAILED, "the cluster does not start: %s", why ? why : "");
	if (!wait_for(ready))
		return complain(EXIT_FAILED,
				"Pacemaker does not answer after %d s; its log is "
				"/var/log/pacemaker/pacemaker.log",
				START_LIMIT_S);
	return EXIT_DONE;
}

static int write_berthd_conf(const char *address)
{
	auto_free char *text = xasprintf("[node]\nname = %s\nvolume = /var/lib/berth/own\naddress "
					 "= %s\nengine = pacemaker\n",
					 own_name(), address);

	if (access(BERTHD_CONF, F_OK) == 0)
		return EXIT_DONE;
	(void)!mkdir("/etc/berth", 0755);
	(void)!mkdir("/var/lib/berth", 0755);
	return write_file(BERTHD_CONF, text, strlen(text), 0644);
}

static int write_membership(const char *conf, const void *key, size_t key_length)
{
	auto_free char *address = conf_address(conf, own_name());
	int code;

	if (!address)
		return complain(
			EXIT_FAILED,
			"this machine is called %s, and no node of the cluster is; give it a "
			"node's name (hostname) first",
			own_name());
	code = write_file(AUTHKEY, key, key_length, 0400);
	if (code == EXIT_DONE)
		code = write_file(COROSYNC_CONF, conf, strlen(conf), 0644);
	if (code == EXIT_DONE)
		code = write_berthd_conf(address);
	return code == EXIT_DONE ? start_daemons() : code;
}

static int need_bare(void)
{
	static const char *const programs[] = { "corosync", "pacemakerd", "cibadmin" };

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		auto_free char *path = xasprintf("/usr/sbin/%s", programs[i]);

		if (access(path, X_OK) < 0)
			return complain(EXIT_FAILED,
					"%s is not installed: apt-get install corosync "
					"pacemaker pacemaker-cli-utils resource-agents",
					programs[i]);
	}
	if (geteuid() != 0)
		return complain(EXIT_FAILED, "only root can set up a cluster");
	if (access(AUTHKEY, F_OK) == 0)
		return complain(EXIT_FAILED,
				"this node is in a cluster already (" AUTHKEY " is there); "
				"berth cluster verify looks it over, berth cluster leave "
				"takes the node out of it");
	return EXIT_DONE;
}

/* ---- init */

static void put_options(struct buf *b, const char *options)
{
	auto_free char *copy = xstrdup(options ? options : "");
	char *rest = copy, *word;
	int number = 0;

	while ((word = strsep(&rest, ",")) != NULL) {
		char *equals = strchr(word, '=');
		auto_free char *pair = NULL;

		if (!equals || strpbrk(word, "<>&\""))
			continue;
		*equals = '\0';
		pair = xasprintf("<nvpair id=\"fence-%d\" name=\"%s\" value=\"%s\"/>", ++number,
				 word, equals + 1);
		put(b, pair);
	}
}

static char *first_configuration(const char *fence, const char *fence_options)
{
	auto_buf struct buf b = { 0 };

	put(&b, "<configuration><crm_config><cluster_property_set id=\"berth-options\">"
		"<nvpair id=\"berth-stonith\" name=\"stonith-enabled\" value=\"");
	put(&b, fence ? "true" : "false");
	put(&b, "\"/><nvpair id=\"berth-quorum\" name=\"no-quorum-policy\" value=\"stop\"/>"
		"</cluster_property_set></crm_config><resources>");
	if (fence) {
		auto_free char *device =
			xasprintf("<primitive id=\"fence\" class=\"stonith\" type=\"%s\">"
				  "<instance_attributes id=\"fence-options\">",
				  fence);
		put(&b, device);
		put_options(&b, fence_options);
		put(&b,
		    "</instance_attributes><operations><op id=\"fence-monitor\" name=\"monitor\" "
		    "interval=\"60s\"/></operations></primitive>");
	}
	if (!has_systemd())
		put(&b,
		    "<clone id=\"berthd\"><meta_attributes id=\"berthd-meta\"><nvpair "
		    "id=\"berthd-interleave\" name=\"interleave\" "
		    "value=\"true\"/></meta_attributes>"
		    "<primitive id=\"berthd-node\" class=\"ocf\" provider=\"berth\" type=\"node\">"
		    "<operations><op id=\"berthd-start\" name=\"start\" interval=\"0\" "
		    "timeout=\"40s\"/>"
		    "<op id=\"berthd-stop\" name=\"stop\" interval=\"0\" timeout=\"60s\"/>"
		    "<op id=\"berthd-monitor\" name=\"monitor\" interval=\"5s\" timeout=\"15s\"/>"
		    "</operations></primitive></clone>");
	put(&b,
	    "</resources><rsc_defaults><meta_attributes id=\"berth-defaults\"><nvpair "
	    "id=\"berth-stickiness\" name=\"resource-stickiness\" value=\"100\"/><nvpair "
	    "id=\"berth-threshold\" name=\"migration-threshold\" value=\"3\"/></meta_attributes>"
	    "</rsc_defaults></configuration>");
	buf_u8(&b, 0);
	return xstrdup((const char *)b.data);
}

/* What cannot be safe is refused, or done with the risk named. */
static int refuse_unsafe(struct call *call, int count, const char *fence, const char *arbiter)
{
	bool force = call_local(call, "force");

	if (!fence && !force)
		return complain(
			EXIT_FAILED,
			"no fencing: a node that hangs and wakes could write to a volume that "
			"another has taken over. Give a fence agent (--fence fence_ipmilan "
			"--fence-option ...), or --force to run that risk");
	if (count == 2 && !arbiter && !force)
		return complain(
			EXIT_FAILED,
			"two nodes without an arbiter: when they lose each other, both may "
			"fence, and a node that boots alone waits. Give a third node, or "
			"--arbiter HOST (a machine with corosync-qnetd), or --force to leave it "
			"to the fence race");
	if (!fence)
		fputs("risk taken: without fencing only the lease on the volume keeps two nodes "
		      "from "
		      "writing to it\n",
		      stderr);
	if (count == 2 && !arbiter)
		fputs("risk taken: the fence race decides between the two nodes\n", stderr);
	return EXIT_DONE;
}

int run_cluster_init(struct call *call)
{
	const char *name = call_text(call, "name"), *nodes = call_text(call, "nodes");
	const char *fence = call_text(call, "fence"), *arbiter = call_text(call, "arbiter");
	const char *token = call_text(call, "token");
	long ms = token ? strtol(token, NULL, 10) : 1000;
	struct member members[CLUSTER_MAX_NODES];
	uint8_t key[AUTHKEY_BYTES];
	auto_free char *conf = NULL, *cib = NULL, *why = NULL;
	int count = nodes ? parse_members(nodes, members) : 0;
	int code = need_bare();

	if (code != EXIT_DONE)
		return code;
	if (count < 2 || !cluster_name_ok(name))
		return complain(EXIT_USAGE, "give every node, this one first: --node n1=10.0.0.11 "
					    "--node n2=10.0.0.12");
	if (ms < TOKEN_LEAST || ms > 60000)
		return complain(EXIT_USAGE,
				"--token must be %d to 60000 ms: below that a busy machine is "
				"taken for a dead one",
				TOKEN_LEAST);
	code = refuse_unsafe(call, count, fence, arbiter);
	if (code != EXIT_DONE)
		return code;
	if (fence && strpbrk(fence, "<>&\"/"))
		return complain(EXIT_USAGE, "\"%s\" is no fence agent", fence);
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return complain(EXIT_FAILED, "no random bytes: %s", strerror(errno));
	conf = corosync_text(name, members, count, arbiter, ms);
	code = write_membership(conf, key, sizeof(key));
	if (code != EXIT_DONE)
		return code;
	cib = first_configuration(fence, call_text(call, "fence_options"));
	if (CRM(NULL, &why, "cibadmin", "--modify", "--allow-create", "--xml-text", cib))
		return complain(EXIT_FAILED, "the first configuration cannot be written: %s", why);
	printf("%s is the first node of %s. On each other node, as root:\n"
	       "  ssh %s berth cluster invite | berth cluster join -\n",
	       own_name(), name, own_name());
	return EXIT_DONE;
}

/* ---- invite, join, leave */

int run_cluster_invite(struct call *call)
{
	size_t length = 0;
	auto_free char *conf = read_file(COROSYNC_CONF, NULL);
	auto_free char *key = read_file(AUTHKEY, &length);
	char hex[2 * AUTHKEY_BYTES * 8 + 1];
	json_t *out;

	if (!conf || !key || !length || length > sizeof(hex) / 2)
		return complain(EXIT_FAILED,
				"this node is in no cluster that it can read: %s and %s",
				COROSYNC_CONF, AUTHKEY);
	for (size_t i = 0; i < length; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)key[i]);
	out = json_pack("{s:s, s:s}", "corosync_conf", conf, "authkey", hex);
	print_json(out);
	json_decref(out);
	return EXIT_DONE;
}

static bool unhex(const char *text, uint8_t *out, size_t *length)
{
	size_t digits = strlen(text);

	if (digits % 2 || !digits || digits / 2 > *length ||
	    strspn(text, "0123456789abcdef") != digits)
		return false;
	for (size_t i = 0; i < digits; i += 2) {
		char pair[3] = { text[i], text[i + 1], '\0' };

		out[i / 2] = (uint8_t)strtoul(pair, NULL, 16);
	}
	*length = digits / 2;
	return true;
}

int run_cluster_join(struct call *call)
{
	const char *path = call_text(call, "invitation");
	auto_free char *text = read_file(path, NULL);
	json_t *root = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *conf = json_string_value(json_object_get(root, "corosync_conf"));
	const char *hex = json_string_value(json_object_get(root, "authkey"));
	uint8_t key[AUTHKEY_BYTES * 8];
	size_t length = sizeof(key);
	int code = need_bare();

	if (code == EXIT_DONE && (!conf || !hex || !unhex(hex, key, &length)))
		code = complain(EXIT_FAILED,
				"%s is no invitation; berth cluster invite, on a node of the "
				"cluster, prints one",
				path);
	if (code == EXIT_DONE)
		code = write_membership(conf, key, length);
	if (code == EXIT_DONE)
		printf("%s has joined; berth cluster status shows when all have\n", own_name());
	json_decref(root);
	return code;
}

int run_cluster_leave(struct call *call)
{
	static const char *const stop_units[] = { "systemctl", "disable",  "--now",
						  "pacemaker", "corosync", NULL };
	static const char *const stop_all[] = {
		"sh", "-c",
		"pacemaker=$(pidof pacemakerd); corosync=$(pidof corosync); [ -z \"$pacemaker\" ] "
		"|| "
		"kill -TERM $pacemaker; n=0; while [ -n \"$pacemaker\" ] && [ -e "
		"\"/proc/$pacemaker\" ] && "
		"[ $n -lt 180 ]; do n=$((n+1)); sleep 0.1; done; [ -z \"$corosync\" ] || kill "
		"-TERM $corosync",
		NULL
	};
	auto_free char *why = NULL;

	if (access(AUTHKEY, F_OK) < 0)
		return complain(EXIT_FAILED, "this node is in no cluster");
	if (CRM(NULL, &why, "crm_attribute", "--node", own_name(), "--name", "standby", "--update",
		"on") ||
	    CRM(NULL, &why, "crm_resource", "--wait", "--timeout=18s")) {
		if (!call_local(call, "force"))
			return complain(
				EXIT_FAILED,
				"what runs here does not move away: %s; when it is to end all the "
				"same: --force",
				why);
	}
	if (crm_run(has_systemd() ? stop_units : stop_all, NULL, &why))
		return complain(EXIT_FAILED, "the cluster does not stop on this node: %s",
				why ? why : "");
	unlink(AUTHKEY);
	rename(COROSYNC_CONF, COROSYNC_CONF ".left");
	printf("%s has left. On one of those that stay: crm_node --force --remove %s; and take it "
	       "out of "
	       "%s on all of them, then corosync-cfgtool -R\n",
	       own_name(), own_name(), COROSYNC_CONF);
	return EXIT_DONE;
}

/* ---- verify */

struct findings {
	json_t *list;
	int bad;
};

static void found(struct findings *f, bool good, const char *what, const char *way_out)
{
	json_array_append_new(f->list, json_pack("{s:b, s:s, s:s}", "ok", (int)good, "what", what,
						 "do", good ? "" : way_out));
	f->bad += !good;
}

static void verify_corosync(struct findings *f)
{
	auto_free char *conf = read_file(COROSYNC_CONF, NULL);
	auto_free char *cipher = conf ? conf_value(conf, "crypto_cipher", 0) : NULL;
	auto_free char *token = conf ? conf_value(conf, "token", 0) : NULL;
	auto_free char *two = conf ? conf_value(conf, "two_node", 0) : NULL;
	auto_free char *model = conf ? conf_value(conf, "model", 0) : NULL;
	auto_free char *all = conf ? conf_value(conf, "wait_for_all", 0) : NULL;
	struct stat at;
	int count;

	if (!conf) {
		found(f, false, COROSYNC_CONF " cannot be read", "berth cluster init, or join");
		return;
	}
	count = conf_nodes(conf);
	found(f, cipher && strcmp(cipher, "none") != 0, "members are authenticated and encrypted",
	      "set crypto_cipher: aes256 and crypto_hash: sha256 in totem, on every node");
	found(f, stat(AUTHKEY, &at) < 0 || !(at.st_mode & 077), "only root can read " AUTHKEY,
	      "chmod 400 " AUTHKEY);
	found(f, !token || strtol(token, NULL, 10) >= TOKEN_LEAST, "token is at least 500 ms",
	      "below that a busy machine is taken for a dead one: token: 1000");
	found(f, count >= 3 || model, "there is an odd vote",
	      "two nodes need a third, or an arbiter (quorum { device { model: net ... } })");
	found(f, !two || strcmp(two, "1") != 0 || !all || strcmp(all, "0") != 0,
	      "a node that boots alone waits for the other",
	      "wait_for_all: 0 with two_node lets both halves start after a power failure");
}

static void verify_pacemaker(struct findings *f)
{
	cleanup(crm_view_free) struct crm_view view = { 0 };
	auto_free char *why = NULL, *devices = NULL, *ignored = NULL, *verified = NULL;
	bool has_device;

	if (crm_look(&view, &why)) {
		found(f, false, why ? why : "Pacemaker does not answer",
		      "start pacemaker on this node");
		return;
	}
	found(f, !CRM(NULL, &verified, "crm_verify", "--live-check"),
	      "Pacemaker finds its configuration valid",
	      verified ? verified : "crm_verify --live-check --verbose");
	has_device = !CRM(&devices, &ignored, "cibadmin", "--query", "--local", "--xpath",
			  "//primitive[@class='stonith']");
	found(f, view.has_fencing && has_device, "there is fencing",
	      "make a fence device, and crm_attribute --name stonith-enabled --update true");
	found(f,
	      !strcmp(view.no_quorum_policy, "stop") || !strcmp(view.no_quorum_policy, "suicide") ||
		      !strcmp(view.no_quorum_policy, "demote"),
	      "without a quorum nothing goes on",
	      "crm_attribute --name no-quorum-policy --update stop");
	found(f, view.has_quorum, "this side has a quorum",
	      "start the other nodes, or see why they are away");
	found(f, !view.in_maintenance, "resources are managed",
	      "crm_attribute --name maintenance-mode --update false");
	for (size_t i = 0; i < view.node_count; i++) {
		auto_free char *what =
			xasprintf("%s is known to be up or down", view.nodes[i].name);

		found(f, !view.nodes[i].is_unclean, what,
		      "fencing it has failed: see the fence device");
	}
	for (size_t i = 0; i < view.server_count; i++) {
		const struct crm_server *s = &view.servers[i];
		const json_t *first = json_array_get(s->parts, 0);
		const char *type = json_string_value(json_object_get(first, "type"));
		auto_free char *guard =
			xasprintf("the disk of %s is in its group, before it", s->record.name);
		bool twice = false;

		found(f,
		      json_array_size(s->parts) > 1 && type &&
			      (!strcmp(type, "disk") || !strcmp(type, "Filesystem")),
		      guard,
		      "a volume that the cluster does not mount can be mounted twice: put an "
		      "ocf:heartbeat:Filesystem first into the group");
		for (size_t k = 0; k < i; k++)
			twice |= !strcmp(view.servers[k].record.volume, s->record.volume);
		if (twice)
			found(f, false, "two file servers share one volume",
			      "give each a volume of its own");
	}
}

int run_cluster_verify(struct call *call)
{
	struct findings f = { .list = json_array() };
	json_t *row;
	size_t i;

	verify_corosync(&f);
	verify_pacemaker(&f);
	if (call->json) {
		print_json(f.list);
	} else {
		json_array_foreach(f.list, i, row)
		{
			const char *way = json_string_value(json_object_get(row, "do"));

			printf("%s  %s%s%s\n", way[0] ? "NOT" : "ok ",
			       json_string_value(json_object_get(row, "what")), way[0] ? ": " : "",
			       way);
		}
	}
	json_decref(f.list);
	return f.bad ? EXIT_FAILED : EXIT_DONE;
}

int run_cluster_status(struct call *call)
{
	auto_free char *text = NULL, *why = NULL;

	if (CRM(&text, &why, "crm_mon", "-1", "--inactive", "--show-node-attributes",
		"--fence-history=3"))
		return complain(EXIT_FAILED, "%s", why ? why : "Pacemaker does not answer");
	fputs(text, stdout);
	return EXIT_DONE;
}
