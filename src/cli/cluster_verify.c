// SPDX-License-Identifier: Apache-2.0
/* berth cluster verify: what is unsafe in a cluster, also in one that was set up otherwise. */
#include "cluster_conf.h"

#include <cluster/disk.h>

#include <strings.h>
#include <sys/stat.h>

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

/* "   1   1   A,V,NMW n1 (local)": how this node sees its quorum device, alive and voting. */
bool quorum_device_votes(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		size_t length;

		line += *line == '\n';
		length = strcspn(line, "\n");
		if (memmem(line, length, "(local)", 7))
			return memmem(line, length, " A,V,", 5) != NULL;
	}
	return false;
}

static void verify_arbiter(struct findings *f)
{
	static const char *const quorum[] = { "corosync-quorumtool", "-s", NULL };
	auto_free char *text = crm_text(quorum);

	found(f, text && quorum_device_votes(text), "the arbiter votes",
	      "on this node: berth cluster arbiter; corosync-qdevice-tool -s says what is wrong");
}

static void verify_corosync(struct findings *f)
{
	auto_free char *conf = cluster_file(COROSYNC_CONF, NULL);
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
	if (model)
		verify_arbiter(f);
	found(f, !two || strcmp(two, "1") != 0 || !all || strcmp(all, "0") != 0,
	      "a node that boots alone waits for the other",
	      "wait_for_all: 0 with two_node lets both halves start after a power failure");
}

/* Options of the cluster that are unsafe with one value; not set, each is safe. */
static const struct {
	const char *name, *unsafe, *what, *way_out;
} cluster_options[] = {
	{ "startup-fencing", "false",
	  "nodes that were never seen are fenced before anything starts",
	  "crm_attribute --name startup-fencing --delete" },
	{ "stonith-action", "poweroff-soft", "fencing turns a node off at once",
	  "crm_attribute --name stonith-action --update off" },
	{ "stop-all-resources", "true", "file servers may run",
	  "crm_attribute --name stop-all-resources --delete" },
	{ "enable-startup-probes", "false", "what runs already is found before anything starts",
	  "crm_attribute --name enable-startup-probes --delete" },
};

static void verify_options(struct findings *f)
{
	for (size_t i = 0; i < ARRAY_LEN(cluster_options); i++) {
		auto_free char *value = NULL, *ignored = NULL;

		if (!CRM(&value, &ignored, "crm_attribute", "--query", "--quiet", "--name",
			 cluster_options[i].name))
			value[strcspn(value, "\n")] = '\0';
		found(f, !value || strcasecmp(value, cluster_options[i].unsafe) != 0,
		      cluster_options[i].what, cluster_options[i].way_out);
	}
}

/* Does the configuration have a device that names the node that asks, and is not switched off? Its
 * fencer does not know of those that are kept off it, as its own is. */
static bool has_device_elsewhere(const char *node)
{
	auto_free char *path = xasprintf(
		"//primitive[@class='stonith' and not(.//nvpair[@name='target-role' and "
		"translate(@value,'STOPED','stoped')='stopped']) and .//nvpair["
		"(@name='pcmk_host_list' and contains(concat(' ',translate(@value,',;','  '),' '),"
		"' %s ')) or (@name='pcmk_host_map' and "
		"contains(concat(' ',translate(@value,',;','  ')),' %s:'))]]",
		node, node);
	auto_free char *ignored = NULL, *self = NULL;

	if (!cluster_name_ok(node) || CRM(&self, &ignored, "crm_node", "--name"))
		return false;
	self[strcspn(self, "\n")] = '\0';
	return !strcmp(self, node) &&
	       !CRM(NULL, &ignored, "cibadmin", "--query", "--local", "--xpath", path);
}

/* Is there a device that can turn this node off? */
static void verify_fence(struct findings *f, const struct crm_node *node)
{
	auto_free char *what = xasprintf("a fence device can turn %s off", node->name);
	const char *const argv[] = { "stonith_admin", "--list", node->name, "--output-as=xml",
				     NULL };
	auto_free char *text = crm_text(argv);

	found(f, (text && strstr(text, "<item")) || has_device_elsewhere(node->name), what,
	      "its pcmk_host_list or pcmk_host_map must name every node");
}

static void verify_node(struct findings *f, const struct crm_view *view,
			const struct crm_node *node)
{
	auto_free char *what = xasprintf("%s is known to be up or down", node->name);
	auto_free char *same = xasprintf("%s runs the same Berth as the others", node->name);

	found(f, !node->is_unclean, what, "fencing it has failed: see the fence device");
	if (view->has_fencing)
		verify_fence(f, node);
	for (size_t i = 0; i < view->node_count; i++) {
		const struct crm_node *other = &view->nodes[i];

		if (!node->version[0] || !other->version[0] ||
		    strverscmp(node->version, other->version) >= 0)
			continue;
		found(f, false, same,
		      "a file server that a newer Berth has had does not start on it: upgrade it");
		return;
	}
}

/* The disk of a file server: mounted by the cluster, with nothing on it that could run or be a
 * device, and on ext4 with multi-mount protection. */
static void verify_disk(struct findings *f, const struct crm_server *s)
{
	const json_t *disk = json_array_get(s->parts, 0);
	const char *type = json_string_value(json_object_get(disk, "type"));
	const char *device = json_string_value(json_object_get(disk, "device"));
	const char *options = json_string_value(json_object_get(disk, "options"));
	auto_free char *first =
		xasprintf("the disk of %s is in its group, before it", s->record.name);
	auto_free char *plain =
		xasprintf("the disk of %s is mounted with nosuid and nodev", s->record.name);
	auto_free char *guarded =
		xasprintf("the disk of %s has multi-mount protection", s->record.name);
	bool is_disk = type && (!strcmp(type, "disk") || !strcmp(type, "Filesystem"));
	struct disk_guard guard;
	auto_free char *ignored = NULL;

	found(f, json_array_size(s->parts) > 1 && is_disk, first,
	      "a volume that the cluster does not mount can be mounted twice: put an "
	      "ocf:berth:disk first into the group");
	if (!is_disk)
		return;
	found(f, options && strstr(options, "nosuid") && strstr(options, "nodev"), plain,
	      "who writes the volume could bring programs and devices to the node: set its "
	      "options to nosuid,nodev");
	if (device && device[0] && !disk_guard_read(device, &guard, &ignored))
		found(f, guard.is_on && !strcmp(type, "disk"), guarded,
		      "a mount by hand on a second machine destroys it: take it offline, tune2fs "
		      "-O mmp DEVICE, and let ocf:berth:disk mount it");
}

/* Is it watched, and is a stop that fails taken seriously? */
static void verify_operations(struct findings *f, const struct crm_server *s)
{
	auto_free char *watched = xasprintf("%s is watched", s->record.name);
	auto_free char *serious =
		xasprintf("a stop of %s that fails has its node fenced", s->record.name);
	auto_free char *monitor = xasprintf("//primitive[@id='%s']//op[@name='monitor' and "
					    "not(@enabled='false')]",
					    s->resource);
	auto_free char *ignore = xasprintf("//*[@id='%s']//op[@name='stop' and (@on-fail='ignore' "
					   "or @on-fail='block')]",
					   s->group);
	auto_free char *why = NULL, *other = NULL;

	found(f, !CRM(NULL, &why, "cibadmin", "--query", "--local", "--xpath", monitor), watched,
	      "give it a monitor operation every few seconds");
	found(f, CRM(NULL, &other, "cibadmin", "--query", "--local", "--xpath", ignore) != 0,
	      serious, "take on-fail away from the stop operations of its group");
}

static void verify_server(struct findings *f, const struct crm_view *view, size_t at)
{
	const struct crm_server *s = &view->servers[at];
	bool twice = false;

	verify_disk(f, s);
	verify_operations(f, s);
	for (size_t k = 0; k < at; k++)
		twice |= !strcmp(view->servers[k].record.volume, s->record.volume);
	if (twice)
		found(f, false, "two file servers share one volume",
		      "give each a volume of its own");
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
	verify_options(f);
	for (size_t i = 0; i < view.node_count; i++)
		verify_node(f, &view, &view.nodes[i]);
	for (size_t i = 0; i < view.server_count; i++)
		verify_server(f, &view, i);
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
