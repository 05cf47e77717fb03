// SPDX-License-Identifier: Apache-2.0
/* What the files of the probe share. */
#ifndef SITE_PROBE_IMPL_H
#define SITE_PROBE_IMPL_H

#include <site/probe.h>

/* Where a step belongs, as far as advice goes. */
enum probe_place { PLACE_SERVER, PLACE_SHARE, PLACE_ADMIN };

struct probe_advice {
	const char *cause, *remedy; /* in the remedy, %1 to %3: the words of a struct probe_words */
};
/* What a remedy names: the server, the user, and the account of the site that logs on as that; any
 * may be NULL. */
struct probe_words {
	const char *server, *user, *account;
};
/* probe_is_password - is it about who logs on and with which password? */
bool probe_is_password(ntstatus status);
/* probe_remedy - the remedy of @advice with @words in it; to be freed. */
char *probe_remedy(struct probe_advice advice, struct probe_words words);
/* probe_advise - the likely cause of @status there, and what to do; never NULL. */
struct probe_advice probe_advise(enum probe_place place, ntstatus status);

/* probe_begin - an empty result for what is asked; false where the path is none (and said). */
bool probe_begin(const struct probe_options *options, struct probe_result *result) MUST_CHECK;
/* probe_note - take note of a step; false where it failed. */
bool probe_note(struct probe_result *result, enum probe_place place, const char *name,
		const char *path, ntstatus status);
/* probe_forget - the steps, as before the first. */
void probe_forget(struct probe_result *result);
/* probe_judge - the state and the message, once the steps are known. */
void probe_judge(const struct probe_options *options, struct probe_result *result);

#endif
