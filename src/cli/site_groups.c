// SPDX-License-Identifier: Apache-2.0
/* berth site: groups of distribution points. */
#include "site_cli.h"

#include <site/groups.h>

int run_site_add_group(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL, *what = NULL;
	const char *name = call_text(call, "group");
	bool shut = call_local(call, "protected"), open = call_local(call, "unprotected");
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	if (shut && open)
		return complain(EXIT_USAGE, "--protected and --unprotected cannot both be meant");
	if (group_set(site, name, call_text(call, "boundaries"), shut || open ? &shut : NULL, &why))
		return site_failed(why);
	what = xasprintf("group %s of distribution points", name);
	return site_note_change(site, NULL, what);
}

int run_site_remove_group(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL, *what = NULL;
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	if (group_remove(site, call_text(call, "group"), &why))
		return site_failed(why);
	what = xasprintf("group %s removed", call_text(call, "group"));
	return site_note_change(site, NULL, what);
}

static int member(struct call *call, bool add)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL, *what = NULL;
	const char *name = call_text(call, "group"), *path = call_text(call, "path");
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	if (group_member(site, name, path, add, &why))
		return site_failed(why);
	what = xasprintf("%s the group %s", add ? "joined" : "left", name);
	return site_note_change(site, path, what);
}

int run_site_join_group(struct call *call)
{
	return member(call, true);
}

int run_site_leave_group(struct call *call)
{
	return member(call, false);
}

int run_site_groups(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	int code = site_of(call, &site);

	return code == EXIT_DONE ? site_show(call, group_list(site, &why), why) : code;
}
