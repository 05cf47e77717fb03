// SPDX-License-Identifier: Apache-2.0
/* Load on any SMB server: each row named on the command line is run, and is one line of JSON. */
#include <client/load.h>

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>

static const char usage_text[] =
	"Usage: berth-bench-client [OPTION]... [ROW]...\n"
	"Put load on an SMB server; for each ROW (default: all) print a line of JSON.\n\n"
	"  --host=ADDRESS       server to connect to (default 127.0.0.1)\n"
	"  --port=PORT          (default 445)\n"
	"  --server=NAME        name in the path of the share (default: the address)\n"
	"  --share=SHARE        share to work in; files named bench-* are made there\n"
	"  --user=NAME          account; its password is in the environment, BENCH_PASSWORD\n"
	"  --domain=NAME\n"
	"  --dialect=HEX        this dialect only, such as 311\n"
	"  --seconds=N          how long each row runs (default 5)\n"
	"  --file-mib=N         size of the large file (default 512)\n"
	"  --entries=N          entries of the large directory (default 100000)\n"
	"  --idle-sessions=N    sessions of the row \"idle\" (default 200)\n"
	"  --leave-files        do not delete what the row \"create-in-large\" has made\n"
	"  --server-pid=PID     measure this process and its descendants as the server\n"
	"  --list               print the names of the rows\n";

enum {
	HOST = 1,
	PORT,
	SERVER,
	SHARE,
	USER,
	DOMAIN,
	DIALECT,
	SECONDS,
	FILE_MIB,
	ENTRIES,
	IDLE,
	LEAVE,
	PID,
	LIST,
	HELP
};

static const struct option long_options[] = {
	{ "host", required_argument, NULL, HOST },
	{ "port", required_argument, NULL, PORT },
	{ "server", required_argument, NULL, SERVER },
	{ "share", required_argument, NULL, SHARE },
	{ "user", required_argument, NULL, USER },
	{ "domain", required_argument, NULL, DOMAIN },
	{ "dialect", required_argument, NULL, DIALECT },
	{ "seconds", required_argument, NULL, SECONDS },
	{ "file-mib", required_argument, NULL, FILE_MIB },
	{ "entries", required_argument, NULL, ENTRIES },
	{ "idle-sessions", required_argument, NULL, IDLE },
	{ "leave-files", no_argument, NULL, LEAVE },
	{ "server-pid", required_argument, NULL, PID },
	{ "list", no_argument, NULL, LIST },
	{ "help", no_argument, NULL, HELP },
	{ 0 },
};

static void set_option(struct load_options *o, int option, const char *value)
{
	switch (option) {
	case HOST:
		o->host = value;
		break;
	case PORT:
		o->port = (uint16_t)strtoul(value, NULL, 10);
		break;
	case SERVER:
		o->server = value;
		break;
	case SHARE:
		o->share = value;
		break;
	case USER:
		o->session.user = value;
		break;
	case DOMAIN:
		o->session.domain = value;
		break;
	case DIALECT:
		o->session.dialect_min = o->session.dialect_max =
			(uint16_t)strtoul(value, NULL, 16);
		break;
	case SECONDS:
		o->seconds = strtod(value, NULL);
		break;
	case FILE_MIB:
		o->file_bytes = strtoull(value, NULL, 10) << 20;
		break;
	case ENTRIES:
		o->entries = (unsigned)strtoul(value, NULL, 10);
		break;
	case IDLE:
		o->idle_sessions = (unsigned)strtoul(value, NULL, 10);
		break;
	case LEAVE:
		o->leaves_files = true;
		break;
	case PID:
		o->server_pid = (int)strtol(value, NULL, 10);
		break;
	default:
		break;
	}
}

static void list_rows(void)
{
	for (unsigned i = 0; load_row_name(i); i++)
		puts(load_row_name(i));
}

static void set_real(json_t *root, const char *name, double value)
{
	if (value >= 0)
		json_object_set_new(root, name, json_real(value));
}

static void print_result(const struct load_result *r)
{
	json_t *root = json_pack("{s:s, s:I, s:I, s:I, s:b, s:b}", "row", r->row, "ops",
				 (json_int_t)r->ops, "bytes", (json_int_t)r->bytes, "errors",
				 (json_int_t)r->errors, "signed", r->is_signed, "encrypted",
				 r->is_encrypted);
	double seconds = r->seconds > 0 ? r->seconds : 1;
	char *text;

	set_real(root, "seconds", r->seconds);
	set_real(root, "ops_per_s", (double)r->ops / seconds);
	set_real(root, "mib_per_s", (double)r->bytes / 1048576 / seconds);
	set_real(root, "p50_us", (double)load_percentile(r, 50) / 1000);
	set_real(root, "p99_us", (double)load_percentile(r, 99) / 1000);
	set_real(root, "max_us", (double)r->latency_max_ns / 1000);
	set_real(root, "server_cpu_s", r->server_cpu_s);
	set_real(root, "client_cpu_s", r->client_cpu_s);
	set_real(root, "pss_kib_per_session", r->pss_kib_a_session);
	if (r->step) {
		json_object_set_new(root, "failed_step", json_string(r->step));
		json_object_set_new(root, "status", json_string(ntstatus_name(r->status)));
	}
	text = json_dumps(root, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
	if (text)
		puts(text);
	fflush(stdout);
	free(text);
	json_decref(root);
}

static bool run_one(const struct load_options *options, const char *row)
{
	struct load_result *result = xalloc(1, sizeof(*result));
	bool good = load_run(options, row, result);

	print_result(result);
	free(result);
	return good;
}

int main(int argc, char **argv)
{
	struct load_options options = {
		.host = "127.0.0.1",
		.seconds = 5,
		.file_bytes = 512u << 20,
		.entries = 100000,
		.idle_sessions = 200,
	};
	bool good = true;
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == LIST) {
			list_rows();
			return 0;
		}
		if (option == HELP) {
			fputs(usage_text, stdout);
			return 0;
		}
		if (option == '?')
			return 2;
		set_option(&options, option, optarg);
	}
	options.session.password = getenv("BENCH_PASSWORD");
	options.session.anonymous = !options.session.user;
	if (!options.share || options.file_bytes < 1u << 20 || !options.entries ||
	    !options.idle_sessions) {
		fputs("berth-bench-client: a share is needed (--share), and sizes above zero; see "
		      "--help.\n",
		      stderr);
		return 2;
	}
	for (unsigned i = 0; optind == argc && load_row_name(i); i++)
		good = run_one(&options, load_row_name(i)) && good;
	for (int i = optind; i < argc; i++)
		good = run_one(&options, argv[i]) && good;
	return good ? 0 : 1;
}
