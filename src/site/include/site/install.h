// SPDX-License-Identifier: Apache-2.0
/*
 * Making a share of a file server a distribution point: what an installer of one does to a server,
 * step by step over SMB and RPC under the server's own name, each step reported. Nothing of it
 * needs a program on the server.
 *
 * Blocks its caller.
 */
#ifndef SITE_INSTALL_H
#define SITE_INSTALL_H

#include <base/base.h>
#include <wire/ntstatus.h>

struct install_options {
	const char *unc;     /* "\\FS\distro_test" */
	const char *address; /* where to connect; NULL: what the name resolves to */
	uint16_t port;
	const char *user, *domain; /* user NULL: anonymous */
	const char *account;	   /* by what name the site knows the user; may be NULL */
	const uint8_t *nt_hash;
	const char *site_code;
	bool share_only; /* only what any SMB server has: no ADMIN$, no RPC */
	bool test_only;	 /* change nothing but a test object, which is removed */
	uint64_t timeout_ms;
	/* step - after each one; @path lives until it returns. NULL: none. */
	void (*step)(void *owner, const char *name, const char *path, ntstatus status,
		     uint32_t win32, const char *note);
	void *owner;
};

struct install_result {
	char *name, *path; /* of the step that failed; NULL: none did */
	ntstatus status;
	uint32_t win32; /* what the system reported */
	const char *text, *cause;
	char *remedy;
};

/* install_point - true where all steps were good. Free @result with install_result_free. */
bool install_point(const struct install_options *options, struct install_result *result);
/* install_remove - take back the registry keys; content and share stay. */
bool install_remove(const struct install_options *options, struct install_result *result);
void install_result_free(struct install_result *result);

#endif
