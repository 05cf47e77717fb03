// SPDX-License-Identifier: Apache-2.0
/* berth package: what the site's server is asked to bring where, and how far that is. */
#include "site_cli.h"

#include <site/distribution.h>
#include <stdio.h>

static int ask_for(struct call *call, enum distribution_verb verb, const char *what)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL, *text = NULL;
	const char *package = call_text(call, "package"), *point = call_text(call, "point");
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	if (distribution_ask(site, package, point, verb, &why))
		return site_failed(why);
	if (!site_is_owned(site))
		complain(0, "it is noted, but the site's server does not run: start berth-site");
	text = xasprintf("%s package %s: %s", what, package, point ? point : "everywhere");
	return site_note_change(site, point, text);
}

int run_package_assign(struct call *call)
{
	return ask_for(call, DIST_DISTRIBUTE, "distribute");
}

int run_package_redistribute(struct call *call)
{
	return ask_for(call, DIST_REDISTRIBUTE, "redistribute");
}

int run_package_validate(struct call *call)
{
	return ask_for(call, DIST_VALIDATE, "validate");
}

int run_package_remove(struct call *call)
{
	return ask_for(call, DIST_REMOVE, "remove");
}

int run_package_status(struct call *call)
{
	auto_site struct site *site = NULL;
	auto_free char *why = NULL;
	int code = site_of(call, &site);

	if (code != EXIT_DONE)
		return code;
	return site_show(call, distribution_list(site, call_text(call, "package"), &why), why);
}
