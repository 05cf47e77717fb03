// SPDX-License-Identifier: Apache-2.0
/*
 * Load on any SMB server: one row is one kind of work, done by some connections at some depth for
 * some seconds, and measured: operations, bytes, latencies, and, where the server runs on this
 * machine, the processor time and memory of its processes.
 */
#ifndef CLIENT_LOAD_H
#define CLIENT_LOAD_H

#include <client/client.h>

struct load_options {
	const char *host;   /* to connect to */
	uint16_t port;	    /* 0: 445 */
	const char *server; /* the name in the share's path; NULL: host */
	const char *share;
	struct client_options session; /* account; signing and encryption are the row's */
	double seconds;		       /* of each row */
	uint64_t file_bytes;	       /* of the large file */
	unsigned entries;	       /* of the large directory */
	unsigned idle_sessions;
	int server_pid;	   /* the server's first process; 0: it runs elsewhere */
	bool leaves_files; /* what create-in-large makes stays: ext4 slows down when it has gone */
};

#define LOAD_BUCKETS 512

struct load_result {
	const char *row;
	uint64_t ops, bytes, errors;
	double seconds;
	uint64_t buckets[LOAD_BUCKETS]; /* of latencies; load_percentile reads them */
	uint64_t latency_max_ns;
	double server_cpu_s;	  /* negative: not known */
	double client_cpu_s;	  /* of the thread that is the client */
	double pss_kib_a_session; /* row "idle" only; negative: not known */
	bool is_signed, is_encrypted;
	uint16_t dialect;
	ntstatus status;  /* of the first failure */
	const char *step; /* what failed, a constant; NULL: nothing */
};

/* load_row_name - the @index-th row; NULL behind the last. */
const char *load_row_name(unsigned index);
/* load_run - run one row; false where it could not be run to its end (result->step says why). */
bool load_run(const struct load_options *options, const char *row, struct load_result *result);
/* load_percentile - a latency in ns that @percent of all operations did not pass. */
uint64_t load_percentile(const struct load_result *result, double percent);

#endif
