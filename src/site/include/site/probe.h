// SPDX-License-Identifier: Apache-2.0
/*
 * The probe of a storage object: connects as a site's server does and checks the share, its free
 * space, and the server's ADMIN$. It tells what the summarizer of old told, and what that did not:
 * which step failed on which path with which account, the codes, the likely cause and the remedy.
 *
 * probe_start goes on beside others on a loop; probe_run blocks its caller. Neither holds anything
 * global but the threads that resolve names (resolve.h).
 */
#ifndef SITE_PROBE_H
#define SITE_PROBE_H

#include <base/buf.h>
#include <client/client.h>
#include <wire/ntstatus.h>

/* Exit codes as monitoring plug-ins use them. */
enum probe_state { PROBE_OK = 0, PROBE_WARNING = 1, PROBE_CRITICAL = 2, PROBE_UNKNOWN = 3 };
const char *probe_state_name(enum probe_state state); /* "OK", "WARNING", ... */

struct probe_options {
	const char *unc; /* "\\server\share" with or without a path below; '/' is taken too */
	const char
		*address; /* where to connect instead of what the name resolves to; may be NULL */
	uint16_t port;	  /* 0: 445 */
	const char *user; /* NULL: anonymous */
	const char *domain, *password;
	const char *account; /* by what name the site knows the user, for the remedy; may be NULL */
	const uint8_t *nt_hash; /* in place of the password; may be NULL */
	enum client_wish signing, encryption;
	bool skip_admin;		   /* do not ask for ADMIN$ */
	uint64_t warn_free, critical_free; /* bytes; 0: no threshold */
	uint64_t timeout_ms;		   /* of a connection or a request; 0: 10 s */
	uint64_t patience_ms; /* probe_run: how long to try again what looks like a failover; 0:
				 not at all */
	uint64_t deadline_ms; /* of one whole try; 0: none but those of its steps */
};

#define PROBE_STEPS_MAX 8

struct probe_step {
	const char *name; /* "session setup": a constant */
	char *path;	  /* "\\FS\ADMIN$" */
	ntstatus status;
	int error;	    /* errno, where the network failed; else 0 */
	const char *detail; /* a constant sentence of the client; or NULL */
};

struct probe_result {
	enum probe_state state;
	char *object; /* the UNC path as it is printed */
	char *server, *share, *path;
	char *account;	       /* "DOMAIN\user", or "anonymous" */
	char *user, *known_as; /* without its domain; to the site; either may be NULL */
	char *address;	       /* numeric; NULL where it was not resolved */
	struct probe_step steps[PROBE_STEPS_MAX];
	unsigned step_count;
	int failed; /* the index of the first step that failed; -1: none */
	/* What failed, in the codes of all three worlds; zero where nothing did. */
	ntstatus status; /* as it came */
	ntstatus shown;	 /* as a Windows client words it: no listener is "no path", 53 */
	uint32_t win32, hresult;
	const char *text;  /* the sentence of win32 */
	const char *cause; /* a constant */
	char *remedy;
	bool transient;
	unsigned attempts;
	uint64_t duration_ms;
	/* Known when their steps were good. */
	bool has_space;
	uint64_t total_bytes, free_bytes;
	uint16_t dialect;
	bool is_signed, is_encrypted;
	char *message; /* one line: the summarizer's message, or why it is not OK; NULL when OK */
};

/* probe_run - probe; the state is also the return value. Free @result with probe_result_free. */
enum probe_state probe_run(const struct probe_options *options, struct probe_result *result);
void probe_result_free(struct probe_result *result);

/*
 * probe_start - one try, on @loop. @done gets the result, which it owns then, once, never from
 * inside this call. What @options points to is copied.
 */
typedef void probe_done(void *owner, struct probe_result *result);
void probe_start(struct loop *loop, const struct probe_options *options, probe_done *done,
		 void *owner);

/* probe_text, probe_json - append the report for people, or for programs, ending in a newline. */
void probe_text(const struct probe_result *result, struct buf *out);
void probe_json(const struct probe_result *result, struct buf *out);

#endif
