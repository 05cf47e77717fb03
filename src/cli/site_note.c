// SPDX-License-Identifier: Apache-2.0
/* berth site: what is written of a change that a person makes: who, what, and which. */
#include "site_cli.h"

#include <base/buf.h>
#include <site/message.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

const char *site_who(void)
{
	static char who[64];
	const struct passwd *user = getpwuid(getuid());
	const char *sudo = getenv("SUDO_USER");

	snprintf(who, sizeof(who), "%s", sudo && !getuid() ? sudo : user ? user->pw_name : "root");
	return who;
}

static int note(struct site *site, const char *object, const char *package, const char *what)
{
	auto_free char *why = NULL;
	struct message message = { .id = MSG_SITE_CHANGED,
				   .object = object,
				   .package = package,
				   .strings = { site_who(), what } };

	return message_write(site, &message, &why) ? site_failed(why) : EXIT_DONE;
}

int site_note_change(struct site *site, const char *object, const char *what)
{
	auto_free char *whole =
		object && !strstr(what, object) ? xasprintf("%s: %s", object, what) : xstrdup(what);

	return note(site, object, NULL, whole);
}

int site_note(struct site *site, const char *object, const char *package, const char *format, ...)
{
	auto_free char *what = NULL;
	va_list args;

	va_start(args, format);
	what = xvasprintf(format, args);
	va_end(args);
	return note(site, object, package, what);
}

char *site_options_text(struct call *call)
{
	struct buf out = { 0 };
	const char *name;
	json_t *value;

	json_object_foreach(call->local, name, value)
	{
		if (!strcmp(name, "site"))
			continue;
		buf_printf(&out, "%s%s", out.len ? " " : "", name);
		if (json_is_string(value))
			buf_printf(&out, "=%s", json_string_value(value));
	}
	buf_u8(&out, 0);
	BUG_ON(out.failed);
	return (char *)out.data;
}
