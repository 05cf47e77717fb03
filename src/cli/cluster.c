// SPDX-License-Identifier: Apache-2.0
/*
 * berth cluster: Corosync and Pacemaker set up as a file server needs them, and looked over where
 * someone else set them up. It runs on the node itself, as root, and asks no berthd.
 */
#include "cluster_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define BERTHD_CONF   "/etc/berth/berthd.conf"
#define AUTHKEY_BYTES 128
#define MAX_CONF      (256u << 10)

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
char *cluster_file(const char *path, size_t *length)
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

/* ---- this node */

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
	code = cluster_end_alone();
	if (code == EXIT_DONE)
		code = write_file(AUTHKEY, key, key_length, 0400);
	if (code == EXIT_DONE)
		code = write_file(COROSYNC_CONF, conf, strlen(conf), 0644);
	if (code == EXIT_DONE)
		code = write_berthd_conf(address);
	return code == EXIT_DONE ? cluster_start_daemons() : code;
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

static const char berthd_clone[] =
	"<clone id=\"berthd\"><meta_attributes id=\"berthd-meta\"><nvpair "
	"id=\"berthd-interleave\" name=\"interleave\" value=\"true\"/></meta_attributes>"
	"<primitive id=\"berthd-node\" class=\"ocf\" provider=\"berth\" type=\"node\">"
	"<operations><op id=\"berthd-start\" name=\"start\" interval=\"0\" timeout=\"40s\"/>"
	"<op id=\"berthd-stop\" name=\"stop\" interval=\"0\" timeout=\"60s\"/>"
	"<op id=\"berthd-monitor\" name=\"monitor\" interval=\"5s\" timeout=\"15s\"/>"
	"</operations></primitive></clone>";

/* The first configuration of Pacemaker, to be wiped and freed. */
static char *first_configuration(const struct fence_devices *devices)
{
	auto_buf struct buf b = { 0 };
	char *text;

	buf_text(&b, "<configuration><crm_config><cluster_property_set id=\"berth-options\">"
		     "<nvpair id=\"berth-stonith\" name=\"stonith-enabled\" value=\"");
	buf_text(&b, devices->count ? "true" : "false");
	buf_text(&b, "\"/><nvpair id=\"berth-quorum\" name=\"no-quorum-policy\" value=\"stop\"/>"
		     "</cluster_property_set></crm_config><resources>");
	fence_devices_put(devices, &b);
	if (!cluster_has_systemd())
		buf_text(&b, berthd_clone);
	buf_text(&b, "</resources><constraints>");
	fence_devices_put_apart(devices, &b);
	buf_text(&b, "</constraints><rsc_defaults><meta_attributes id=\"berth-defaults\"><nvpair "
		     "id=\"berth-stickiness\" name=\"resource-stickiness\" value=\"100\"/><nvpair "
		     "id=\"berth-threshold\" name=\"migration-threshold\" "
		     "value=\"3\"/></meta_attributes></rsc_defaults></configuration>");
	buf_u8(&b, 0);
	text = xstrdup((const char *)b.data);
	explicit_bzero(b.data, b.len);
	return text;
}

/* What cannot be safe is refused, or done with the risk named. */
static int refuse_unsafe(struct call *call, const struct conf_member *members, int count,
			 struct fence_devices *devices, const char *arbiter)
{
	bool force = call_local(call, "force"), fence = devices->count != 0;
	const char *lack = fence ? fence_devices_lack(devices, members, count) : NULL;

	if (lack && !force)
		return complain(EXIT_FAILED,
				"nothing turns %s off: when it is lost, nothing of it is taken "
				"over. Give its fence device, too (--fence %s=AGENT,...), or "
				"--force to add it later",
				lack, lack);
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
	if (lack)
		fprintf(stderr, "risk taken: what runs on %s is not taken over when it is lost\n",
			lack);
	if (count == 2 && !arbiter)
		fputs("risk taken: the fence race decides between the two nodes\n", stderr);
	return EXIT_DONE;
}

int run_cluster_init(struct call *call)
{
	const char *name = call_text(call, "name"), *nodes = call_text(call, "nodes");
	const char *arbiter = call_text(call, "arbiter"), *token = call_text(call, "token");
	long ms = token ? strtol(token, NULL, 10) : 1000;
	struct conf_member members[CLUSTER_MAX_NODES];
	cleanup(fence_devices_free) struct fence_devices devices = { 0 };
	uint8_t key[AUTHKEY_BYTES];
	static const char *const feed[] = { "cibadmin", "--modify", "--allow-create", "--xml-pipe",
					    NULL };
	auto_free char *conf = NULL, *cib = NULL, *why = NULL;
	int error, count = nodes ? conf_members(nodes, members) : 0;
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
	code = fence_devices_take(call, members, count, &devices);
	if (code == EXIT_DONE)
		code = refuse_unsafe(call, members, count, &devices, arbiter);
	if (code != EXIT_DONE)
		return code;
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return complain(EXIT_FAILED, "no random bytes: %s", strerror(errno));
	cib = first_configuration(&devices);
	conf = conf_text(name, members, count, arbiter, ms);
	code = write_membership(conf, key, sizeof(key));
	if (code != EXIT_DONE)
		return code;
	/* Through a pipe: it may hold the password of a fence device. */
	error = crm_feed(feed, cib, &why);
	explicit_bzero(cib, strlen(cib));
	if (error)
		return complain(EXIT_FAILED, "the first configuration cannot be written: %s",
				why ? why : strerror(-error));
	printf("%s is the first node of %s. On each other node, as root:\n"
	       "  ssh %s berth cluster invite | berth cluster join -\n",
	       own_name(), name, own_name());
	if (arbiter)
		printf("Then, for the arbiter, on this node and with ssh to the others: "
		       "corosync-qdevice-net-certutil -Q -n %s %s NODE...\nand on every node: "
		       "berth cluster arbiter\n",
		       name, arbiter);
	return EXIT_DONE;
}

/* ---- invite, join, leave */

int run_cluster_invite(struct call *call)
{
	size_t length = 0;
	auto_free char *conf = cluster_file(COROSYNC_CONF, NULL);
	auto_free char *key = cluster_file(AUTHKEY, &length);
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
	auto_free char *text = cluster_file(path, NULL);
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
	if (cluster_stop_daemons(true, &why))
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

int run_cluster_status(struct call *call)
{
	auto_free char *text = NULL, *why = NULL;

	if (CRM(&text, &why, "crm_mon", "-1", "--inactive", "--show-node-attributes",
		"--fence-history=3"))
		return complain(EXIT_FAILED,
				"%s; does Pacemaker run here? systemctl status corosync pacemaker "
				"(berth status shows file servers that need no other engine)",
				why ? why : "Pacemaker does not answer");
	fputs(text, stdout);
	return EXIT_DONE;
}
