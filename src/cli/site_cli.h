// SPDX-License-Identifier: Apache-2.0
/* What the files of berth site share. */
#ifndef CLI_SITE_CLI_H
#define CLI_SITE_CLI_H

#include "cli.h"

#include <site/site.h>

/* site_dir - --site, BERTH_SITE, or the usual place. */
const char *site_dir(struct call *call);
/* site_of - open it; an exit code, and said why. */
int site_of(struct call *call, struct site **site);
/* site_failed - say why; an exit code. */
int site_failed(const char *why);
/* site_who - who runs this command, for what is written of it. */
const char *site_who(void);
/* site_note_change - an audit message; @object (NULL: the site) is named where @what does not. */
int site_note_change(struct site *site, const char *object, const char *what);
/* site_note - the same with a format, also about a package (NULL: none). */
int site_note(struct site *site, const char *object, const char *package, const char *format, ...)
	PRINTF_LIKE(4, 5);
/* site_options_text - the options that were given, but for the site: "priority=10 protected"; to
 * be freed. */
char *site_options_text(struct call *call);
/* site_show - @rows (which are given away) as JSON or as the command's columns; NULL: @why. */
int site_show(struct call *call, json_t *rows, const char *why);

/* site_time_text - the seconds @value as a time of day; "-" for none. */
void site_time_text(char *out, size_t room, const json_t *value);
/* site_put_times - where people read @rows, the seconds at @key of each as a time of day. */
void site_put_times(struct call *call, json_t *rows, const char *key);

/* site.c: options as numbers; false where they are none. */
bool take_size(struct call *call, const char *name, uint64_t *out);
bool take_port(struct call *call, uint16_t *out);
/* address_here - where a name of this machine's cluster is, and its port; NULL: elsewhere. */
char *address_here(struct call *call, const char *unc, uint16_t *port);

#endif
