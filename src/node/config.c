// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <cluster/address.h>
#include <cluster/record.h>

#include <errno.h>
#include <ini.h>
#include <stddef.h>
#include <unistd.h>

#define CONFIG_MAX_BYTES (1u << 20)

enum kind {
	KIND_TEXT,
	KIND_PATH,
	KIND_NAME,
	KIND_ADDRESSES,
	KIND_INTERFACES,
	KIND_NUMBER,
	KIND_WORD,
	KIND_BOOL,
	KIND_DIALECT
};

struct key {
	const char *section, *name;
	enum kind kind;
	size_t at;	      /* in struct config */
	const char *fallback; /* NULL: it must be given; "" : may be left out */
	uint32_t low, high;
	const char *words; /* KIND_WORD: the value is the number of the word */
	const char *help;
};

#define AT(member) offsetof(struct config, member)
#define SMB_NUMBER(member, normal, least, most, text)                                              \
	{                                                                                          \
		"smb", #member, KIND_NUMBER, AT(smb.member), normal, least, most, NULL, text       \
	}

static const struct key keys[] = {
	{ "node", "name", KIND_NAME, AT(name), NULL, 0, 0, NULL,
	  "name of this node, and of its own file server" },
	{ "node", "volume", KIND_PATH, AT(volume), NULL, 0, 0, NULL,
	  "directory that the node's own shares live in; made where it is missing" },
	{ "node", "cluster_dir", KIND_PATH, AT(cluster_dir), "/var/lib/berth/cluster", 0, 0, NULL,
	  "directory that the nodes of this machine share" },
	{ "node", "engine", KIND_WORD, AT(engine), "embedded", 0, 0, "embedded|pacemaker",
	  "who decides which node owns a file server" },
	{ "node", "address", KIND_ADDRESSES, AT(address), NULL, 0, 0, NULL,
	  "address of the node's own file server, several with commas; 0.0.0.0 leaves none of its "
	  "port to "
	  "clustered ones" },
	{ "node", "port", KIND_NUMBER, AT(port), "445", 1, 65535, NULL, "TCP port of it" },
	{ "node", "control", KIND_PATH, AT(control), "", 0, 0, NULL,
	  "control socket; left out: <cluster_dir>/<name>.sock" },
	{ "node", "loops", KIND_NUMBER, AT(loops), "0", 0, SMB_MAX_LOOPS, NULL,
	  "event loops; 0: one for each processor" },
	{ "node", "io", KIND_WORD, AT(io), "auto", 0, 0, "auto|io_uring|epoll",
	  "how files and sockets are served" },
	{ "node", "log", KIND_WORD, AT(log), "info", 0, 0, "error|warn|info|debug",
	  "how much is logged" },
	{ "node", "user", KIND_TEXT, AT(user), "", 0, 0, NULL,
	  "user to run as; left out: whoever started it" },
	SMB_NUMBER(max_connections, "16384", 1, 1000000, "connections to this node"),
	SMB_NUMBER(max_unauthenticated, "1024", 1, 1000000, "connections that have no session yet"),
	SMB_NUMBER(max_unauthenticated_per_client, "384", 1, 1000000,
		   "such connections from one address"),
	SMB_NUMBER(max_connections_per_client, "2048", 1, 1000000, "connections from one address"),
	SMB_NUMBER(max_sessions_per_connection, "1024", 1, 65536, "sessions on a connection"),
	SMB_NUMBER(max_channels_per_session, "32", 1, 1024, "connections that one session is on"),
	SMB_NUMBER(max_trees_per_session, "4096", 1, 65536, "tree connects of a session"),
	SMB_NUMBER(max_pipes_per_session, "256", 1, 65536, "open pipes of a session"),
	SMB_NUMBER(max_credits, "8192", 64, 65536, "credits of a connection; a power of two"),
	SMB_NUMBER(max_outstanding, "1024", 1, 65536, "requests of a connection that wait"),
	SMB_NUMBER(max_compound, "128", 1, 1024, "requests in one frame"),
	SMB_NUMBER(max_transact_bytes, "8388608", 65536, 16777216, "largest query and ioctl"),
	SMB_NUMBER(max_read_bytes, "8388608", 65536, 16777216, "largest read"),
	SMB_NUMBER(max_write_bytes, "8388608", 65536, 16777216, "largest write"),
	SMB_NUMBER(max_queued_bytes, "33554432", 1048576, 1073741824,
		   "bytes that wait to be sent to a client"),
	SMB_NUMBER(negotiate_timeout_ms, "15000", 0, 3600000, "from the connection to NEGOTIATE"),
	SMB_NUMBER(authenticate_timeout_ms, "45000", 0, 3600000, "from there to the first session"),
	SMB_NUMBER(idle_timeout_ms, "60000", 0, 86400000, "for a connection without a session"),
	SMB_NUMBER(login_delay_ms, "2000", 0, 60000, "until a refused login is answered"),
	SMB_NUMBER(session_lifetime_ms, "0", 0, 604800000,
		   "until the client of a session must log on anew"),
	SMB_NUMBER(partial_timeout_ms, "60000", 0, 3600000,
		   "from the first byte of a frame to its last"),
	{ "smb", "min_dialect", KIND_DIALECT, AT(smb.min_dialect), "2.0.2", 0, 0,
	  "2.0.2|2.1|3.0|3.0.2|3.1.1", "oldest dialect spoken" },
	{ "smb", "max_dialect", KIND_DIALECT, AT(smb.max_dialect), "3.1.1", 0, 0,
	  "2.0.2|2.1|3.0|3.0.2|3.1.1", "newest dialect spoken" },
	{ "smb", "interfaces", KIND_INTERFACES, AT(interfaces), "", 0, 0, NULL,
	  "what clients of multichannel are told of interfaces whose driver cannot tell their "
	  "speed: NAME=MBIT or NAME=MBIT+rss, several with commas" },
	{ "smb", "smb1_negotiate", KIND_BOOL, AT(smb.smb1_negotiate), "yes", 0, 0, "no|yes",
	  "answer the SMB1 negotiate that upgrades" },
	{ "smb", "compression", KIND_BOOL, AT(smb.compression), "yes", 0, 0, "no|yes",
	  "agree to compress (3.1.1); done where a client or a share asks for it" },
	{ "smb", "gmac", KIND_BOOL, AT(smb.gmac), "yes", 0, 0, "no|yes",
	  "sign with AES-GMAC (3.1.1), which is faster than AES-CMAC, where the client knows it" },
	{ "smb", "signing_required", KIND_BOOL, AT(smb.signing_required), "no", 0, 0, "no|yes",
	  "on every server; each has a setting of its own too" },
	{ "smb", "encryption_required", KIND_BOOL, AT(smb.encryption_required), "no", 0, 0,
	  "no|yes", "likewise" },
};

static const uint16_t dialects[] = { 0x0202, 0x0210, 0x0300, 0x0302, 0x0311 };

/* Which of the words between '|' it is, or -1. */
static int word_number(const char *words, const char *value)
{
	size_t length = strlen(value);
	int number = 0;

	for (const char *at = words; at; number++) {
		if (length && !strncmp(at, value, length) && (at[length] == '|' || !at[length]))
			return number;
		at = strchr(at, '|');
		at = at ? at + 1 : NULL;
	}
	return -1;
}

static bool text_ok(const struct key *key, const char *value, char **why)
{
	struct address addresses[8];
	struct smb_config scratch;

	if (key->kind == KIND_PATH && (value[0] != '/' || strlen(value) >= CLUSTER_MAX_PATH))
		*why = xasprintf("%s must be an absolute path, not \"%s\"", key->name, value);
	else if (key->kind == KIND_NAME && !cluster_name_ok(value))
		*why = xasprintf("%s must be letters, digits and '-', not \"%s\"", key->name,
				 value);
	else if (key->kind == KIND_ADDRESSES &&
		 address_parse_list(value, 1, addresses, ARRAY_LEN(addresses)) < 1)
		*why = xasprintf("%s must be an address such as 10.0.0.11 or fd00::11, not \"%s\"",
				 key->name, value);
	else if (key->kind == KIND_INTERFACES && !smb_interfaces_parse(value, &scratch))
		*why = xasprintf("%s must be NAME=MBIT or NAME=MBIT+rss, several with commas, not "
				 "\"%s\"",
				 key->name, value);
	return !*why;
}

static bool set_number(const struct key *key, struct config *config, const char *value, char **why)
{
	uint32_t *slot = (uint32_t *)(void *)((char *)config + key->at);
	char *end;
	unsigned long number;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (errno || end == value || *end || value[0] == '-' || number < key->low ||
	    number > key->high) {
		*why = xasprintf("%s must be a number from %u to %u, not \"%s\"", key->name,
				 key->low, key->high, value);
		return false;
	}
	*slot = (uint32_t)number;
	return true;
}

static bool set_word(const struct key *key, struct config *config, const char *value, char **why)
{
	void *slot = (char *)config + key->at;
	int number = word_number(key->words, value);

	if (number < 0) {
		*why = xasprintf("%s must be one of %s, not \"%s\"", key->name, key->words, value);
		return false;
	}
	if (key->kind == KIND_BOOL)
		*(bool *)slot = number == 1;
	else if (key->kind == KIND_DIALECT)
		*(uint16_t *)slot = dialects[number];
	else
		memcpy(slot, &number, sizeof(number));
	return true;
}

static bool set(const struct key *key, struct config *config, const char *value, char **why)
{
	char **slot;

	switch (key->kind) {
	case KIND_NUMBER:
		return set_number(key, config, value, why);
	case KIND_WORD:
	case KIND_BOOL:
	case KIND_DIALECT:
		return set_word(key, config, value, why);
	default:
		break;
	}
	if (!value[0] && !key->fallback) {
		*why = xasprintf("%s has no value: %s", key->name, key->help);
		return false;
	}
	if (value[0] && !text_ok(key, value, why))
		return false;
	slot = (char **)(void *)((char *)config + key->at);
	free(*slot);
	*slot = value[0] ? xstrdup(value) : NULL;
	return true;
}

void config_defaults(struct config *config)
{
	memset(config, 0, sizeof(*config));
	smb_config_defaults(&config->smb);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		auto_free char *why = NULL;

		if (keys[i].fallback)
			BUG_ON(!set(&keys[i], config, keys[i].fallback, &why));
	}
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (keys[i].kind <= KIND_INTERFACES)
			free(*(char **)(void *)((char *)config + keys[i].at));
	}
	memset(config, 0, sizeof(*config));
}

/* While a file is read: the first thing that is wrong with it. */
struct reading {
	struct config *config;
	char *why;
	bool given[ARRAY_LEN(keys)];
};

static int take(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;

	if (r->why)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].section, section) != 0 || strcmp(keys[i].name, name) != 0)
			continue;
		if (r->given[i]) {
			r->why = xasprintf("%s is given twice", name);
			return 0;
		}
		r->given[i] = true;
		return set(&keys[i], r->config, value, &r->why) ? 1 : 0;
	}
	r->why = section[0] ? xasprintf("[%s] has no key \"%s\"; berthd --help lists the keys",
					section, name)
			    : xasprintf("\"%s\" stands before any section such as [node]", name);
	return 0;
}

static bool finish(const char *file, int line, struct reading *r, char **why)
{
	auto_free char *said = r->why;

	if (line > 0) {
		*why = xasprintf("%s:%d: %s", file, line,
				 said ? said : "neither a [section] nor key = value");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (!keys[i].fallback && !r->given[i]) {
			*why = xasprintf("%s: [%s] %s is missing: %s", file, keys[i].section,
					 keys[i].name, keys[i].help);
			return false;
		}
	}
	if (r->config->smb.max_credits & (r->config->smb.max_credits - 1)) {
		*why = xasprintf("%s: max_credits must be a power of two", file);
		return false;
	}
	if (r->config->smb.min_dialect > r->config->smb.max_dialect) {
		*why = xasprintf("%s: min_dialect is newer than max_dialect", file);
		return false;
	}
	if (r->config->interfaces)
		BUG_ON(!smb_interfaces_parse(r->config->interfaces, &r->config->smb));
	if (!r->config->control)
		r->config->control =
			xasprintf("%s/%s.sock", r->config->cluster_dir, r->config->name);
	if (strlen(r->config->control) > 100) {
		*why = xasprintf("%s: the path of the control socket has more than 100 bytes: %s",
				 file, r->config->control);
		return false;
	}
	return true;
}

bool config_parse(const char *name, const char *text, struct config *config, char **why)
{
	struct reading r = { .config = config };
	int line = ini_parse_string(text, take, &r);

	return finish(name, line, &r, why);
}

bool config_read(const char *path, struct config *config, char **why)
{
	auto_buf struct buf text = { .limit = CONFIG_MAX_BYTES };
	FILE *file = fopen(path, "re");
	size_t n = 1;
	int error;

	if (!file) {
		*why = xasprintf("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	while (n > 0) {
		uint8_t *room = buf_room(&text, 4096);

		n = room ? fread(room, 1, 4096, file) : 0;
		text.len += n;
	}
	error = ferror(file) ? errno : 0;
	fclose(file);
	if (error) {
		*why = xasprintf("cannot read %s: %s", path, strerror(error));
		return false;
	}
	buf_u8(&text, 0);
	if (text.failed) {
		*why = xasprintf("%s is longer than %u bytes", path, CONFIG_MAX_BYTES);
		return false;
	}
	return config_parse(path, (const char *)text.data, config, why);
}

void config_print(FILE *out)
{
	const char *section = "";

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(section, keys[i].section) != 0) {
			section = keys[i].section;
			fprintf(out, "%s[%s]\n", i ? "\n" : "", section);
		}
		fprintf(out, "# %s", keys[i].help);
		if (keys[i].words)
			fprintf(out, " (%s)", keys[i].words);
		else if (keys[i].kind == KIND_NUMBER)
			fprintf(out, " (%u-%u)", keys[i].low, keys[i].high);
		fprintf(out, "\n%s%s = %s\n", keys[i].fallback ? "#" : "", keys[i].name,
			keys[i].fallback ? keys[i].fallback : "...");
	}
}
