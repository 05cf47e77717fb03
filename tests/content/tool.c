// SPDX-License-Identifier: Apache-2.0
/*
 * content_tool VERB ... - what src/content does, by hand: for tests against real servers and for
 * measuring. Places are written as a directory, smb://USER@HOST:PORT/SERVER/SHARE/PATH (the
 * password in the file that BERTH_PASSWORD_FILE names), or http://...
 *
 *   ingest FOLDER LIBRARY          one JSON line with the hash of the manifest and what it took
 *   send HASH LIBRARY TARGET [HELD]   only what is missing; HELD: a manifest the target has
 *   resend | check | repair HASH LIBRARY TARGET
 *   fetch HASH CACHE SOURCE...     to a local place, from several
 *   assemble HASH CACHE FOLDER
 *   withdraw HASH TARGET           and collect
 *   hold HASH TARGET               locked until standard input ends
 *
 * Ends with 0, or with 1 and one JSON line of the failure.
 */
#include <content/assemble.h>
#include <content/ingest.h>
#include <content/document.h>
#include <content/key.h>
#include <content/transfer.h>
#include <content/place_share.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#define OWNER	    "00000000000000000000000000000000000000000000000000000000000000aa"
#define PATIENCE_MS 60000

static struct content_failure why;

static int failed(void)
{
	json_t *line auto_json =
		json_pack("{s:s, s:s, s:s, s:s}", "problem", content_problem_name(why.problem),
			  "status", ntstatus_name(why.status), "path", why.path, "text", why.text);

	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	return 1;
}

static int usage(void)
{
	fputs("content_tool: see the head of tests/content/tool.c\n", stderr);
	return 2;
}

static char *password(void)
{
	const char *path = getenv("BERTH_PASSWORD_FILE");
	FILE *file = path ? fopen(path, "r") : NULL;
	static char line[256];

	if (!file || !fgets(line, sizeof(line), file))
		line[0] = 0;
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = 0;
	return line;
}

/* smb://USER@HOST:PORT/SERVER/SHARE/PATH */
static struct place *open_smb(const char *text)
{
	char user[64], host[64], server[64], share[64], path[256] = "";
	unsigned port;
	struct place_smb_options options = { .host = host, .server = server, .share = share };

	if (sscanf(text, "smb://%63[^@]@%63[^:]:%u/%63[^/]/%63[^/]/%255s", user, host, &port,
		   server, share, path) < 5)
		return NULL;
	options.port = (uint16_t)port;
	options.path = path;
	options.session.user = user;
	options.session.password = password();
	options.session.request_timeout_ms = 20000;
	return place_open_smb(&options, &why);
}

static struct place *open_place(const char *text)
{
	const struct place_http_options http = { .url = text };

	if (!strncmp(text, "smb://", 6))
		return open_smb(text);
	if (!strncmp(text, "http", 4))
		return place_open_http(&http, &why);
	if (mkdir(text, 0755) < 0 && errno != EEXIST)
		return NULL;
	return place_open_directory(text, &why);
}

static struct place *open_to_write(const char *text)
{
	struct place *place = open_place(text);

	if (place && layout_prepare(place, OWNER, &why))
		return place;
	place_close(place);
	return NULL;
}

/* What the kernel has counted since this program began: ru_maxrss begins with the parent's. */
static long peak_kib(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[128];
	long kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "VmHWM:", 6))
			kib = strtol(line + 6, NULL, 10);
	if (file)
		fclose(file);
	return kib;
}

static void print(json_t *line)
{
	json_object_set_new(line, "peak_kib", json_integer(peak_kib()));
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

static int ingest(char **words)
{
	struct place *library auto_place = open_to_write(words[1]);
	struct ingest_result result;
	char hex[SHA256_HEX_SIZE];

	if (!library || !content_ingest(words[0], library, NULL, &result, &why))
		return failed();
	content_hex(hex, result.hash, SHA256_LENGTH);
	print(json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "hash", hex, "files",
			(json_int_t)result.files, "pieces", (json_int_t)result.pieces, "bytes",
			(json_int_t)result.bytes, "new_pieces", (json_int_t)result.new_pieces,
			"new_bytes", (json_int_t)result.new_bytes, "manifest_bytes",
			(json_int_t)result.manifest_bytes));
	return 0;
}

static int report(const struct transfer_result *r, const struct place *to)
{
	struct place_counts counts = place_counts(to);

	print(json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "wire_out",
			(json_int_t)counts.wire_out, "wire_in", (json_int_t)counts.wire_in,
			"pieces", (json_int_t)r->pieces, "composed", (json_int_t)r->composed,
			"sent", (json_int_t)r->sent, "present", (json_int_t)r->present, "bad",
			(json_int_t)r->bad, "bytes", (json_int_t)r->bytes, "bytes_put",
			(json_int_t)counts.bytes_put, "bytes_got", (json_int_t)counts.bytes_got,
			"requests", (json_int_t)counts.requests, "reconnects",
			(json_int_t)r->reconnects));
	return 0;
}

static int transfer(enum transfer_mode mode, const uint8_t *hash, char **words)
{
	struct place *library auto_place = open_place(words[0]);
	struct place *to auto_place = library ? open_to_write(words[1]) : NULL;
	uint8_t held[1][SHA256_LENGTH];
	struct transfer_options options = { &library, 1, to, mode };
	struct transfer_result result;

	options.patience_ms = PATIENCE_MS;
	options.known = library;
	options.trust_reads = true;
	if (words[2] && content_unhex(held[0], SHA256_LENGTH, words[2])) {
		options.held = held;
		options.held_count = 1;
	}
	if (!library || !to || !content_transfer(hash, &options, &result, &why))
		return failed();
	return report(&result, to);
}

static int send_it(const uint8_t *hash, char **words)
{
	return transfer(TRANSFER_MISSING, hash, words);
}
static int resend(const uint8_t *hash, char **words)
{
	return transfer(TRANSFER_EVERYTHING, hash, words);
}
static int check(const uint8_t *hash, char **words)
{
	return transfer(TRANSFER_CHECK, hash, words);
}
static int repair(const uint8_t *hash, char **words)
{
	return transfer(TRANSFER_REPAIR, hash, words);
}

static int fetch(const uint8_t *hash, char **words)
{
	struct place *cache auto_place = open_to_write(words[0]);
	struct place *from[TRANSFER_SOURCES_MAX];
	struct transfer_options options = { from, 0, cache, TRANSFER_MISSING };
	struct transfer_result result;
	bool good;

	options.trust_writes = true;
	options.patience_ms = PATIENCE_MS;
	for (; words[1 + options.from_count] && options.from_count < TRANSFER_SOURCES_MAX;) {
		from[options.from_count] = open_place(words[1 + options.from_count]);
		if (!from[options.from_count])
			return failed();
		options.from_count++;
	}
	good = cache && content_transfer(hash, &options, &result, &why);
	for (unsigned i = 0; i < options.from_count; i++)
		place_close(from[i]);
	return good ? report(&result, cache) : failed();
}

static int assemble(const uint8_t *hash, char **words)
{
	struct place *cache auto_place = open_to_write(words[0]);

	return cache && content_assemble(cache, hash, words[1], &why) ? 0 : failed();
}

static int withdraw(const uint8_t *hash, char **words)
{
	struct place *target auto_place = open_to_write(words[0]);
	struct collect_result result;

	if (!target || !content_withdraw(target, hash, &why) ||
	    !content_collect(target, &result, &why))
		return failed();
	print(json_pack("{s:I, s:I}", "pieces", (json_int_t)result.pieces, "removed",
			(json_int_t)result.removed));
	return 0;
}

static int hold(const uint8_t *hash, char **words)
{
	struct place *target auto_place = open_to_write(words[0]);

	if (!target)
		return failed();
	puts("{}");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

static const struct {
	const char *verb;
	int words; /* at least, behind HASH */
	int (*run)(const uint8_t *hash, char **words);
} verbs[] = {
	{ "send", 2, send_it },	     { "resend", 2, resend }, { "check", 2, check },
	{ "repair", 2, repair },     { "fetch", 2, fetch },   { "assemble", 2, assemble },
	{ "withdraw", 1, withdraw }, { "hold", 1, hold },
};

int main(int argc, char **argv)
{
	uint8_t hash[SHA256_LENGTH];

	signal(SIGPIPE, SIG_IGN);
	if (argc == 4 && !strcmp(argv[1], "ingest"))
		return ingest(argv + 2);
	for (size_t i = 0; argc > 2 && i < ARRAY_LEN(verbs); i++)
		if (!strcmp(argv[1], verbs[i].verb) && argc - 3 >= verbs[i].words &&
		    content_unhex(hash, sizeof(hash), argv[2]))
			return verbs[i].run(hash, argv + 3);
	return usage();
}
