// SPDX-License-Identifier: Apache-2.0
/* What the command shows: JSON, tables, help, completion. */
#include "cli.h"

#include <base/buf.h>
#include <fileserver/manage.h>

#include <ctype.h>

#define MAX_COLUMNS 12

void print_json(const json_t *value)
{
	if (json_dumpf(value, stdout, JSON_INDENT(2)) == 0)
		putchar('\n');
}

/* The control characters of ASCII, and those behind it, which UTF-8 writes with two bytes. */
static bool blank_controls(char *text)
{
	bool any = false;

	for (unsigned char *c = (unsigned char *)text; *c; c++) {
		bool high = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;

		if (*c >= 0x20 && *c != 0x7f && !high)
			continue;
		*c = '?';
		if (high)
			*++c = '?';
		any = true;
	}
	return any;
}

void make_printable(json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(value)) {
		auto_free char *text = xstrdup(json_string_value(value));

		if (blank_controls(text))
			json_string_set(value, text);
	}
	json_object_foreach(value, key, item) make_printable(item);
	json_array_foreach(value, i, item) make_printable(item);
}

static char *duration(long long ms)
{
	long long s = ms / 1000;

	if (s < 120)
		return xasprintf("%llds", s);
	if (s < 7200)
		return xasprintf("%lldmin", s / 60);
	return s < 172800 ? xasprintf("%lldh", s / 3600) : xasprintf("%lldd", s / 86400);
}

/* One cell as text; what a terminal would act on is left out. */
static char *cell(const char *key, const json_t *value)
{
	struct buf out = { 0 };
	const json_t *item;
	size_t i, length = strlen(key);

	if (json_is_string(value)) {
		buf_text(&out, json_string_value(value));
	} else if (json_is_integer(value)) {
		if (length > 3 && !strcmp(key + length - 3, "_ms"))
			return duration(json_integer_value(value));
		buf_printf(&out, "%lld", (long long)json_integer_value(value));
	} else if (json_is_boolean(value)) {
		buf_text(&out, json_is_true(value) ? "yes" : "no");
	} else if (json_is_array(value)) {
		json_array_foreach((json_t *)(uintptr_t)value, i, item)
		{
			const char *text = json_string_value(item);

			buf_printf(&out, "%s%s", i ? "," : "", text ? text : "");
		}
	}
	buf_u8(&out, 0);
	BUG_ON(out.failed);
	blank_controls((char *)out.data);
	return (char *)out.data;
}

struct column {
	char key[32], title[32];
	int width;
};

static size_t parse_columns(const char *text, struct column *columns)
{
	size_t count = 0;
	int used;

	while (count < MAX_COLUMNS && sscanf(text, " %31[^: ]:%31[^ ]%n", columns[count].key,
					     columns[count].title, &used) == 2) {
		columns[count].width = (int)strlen(columns[count].title);
		text += used;
		count++;
	}
	return count;
}

/* How wide a text is on a terminal, near enough: its UTF-8 characters. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void print_cell(const char *text, int width, bool is_last)
{
	printf("%s", text);
	for (int n = width_of(text); !is_last && n < width + 2; n++)
		putchar(' ');
}

/* An object is shown as two columns: its keys and values. */
static void print_object(const json_t *object)
{
	const char *key;
	json_t *value;
	int widest = 0;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) widest =
		width_of(key) > widest ? width_of(key) : widest;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		auto_free char *text = cell("", value);

		print_cell(key, widest, false);
		printf("%s\n", text);
	}
}

void print_table(const json_t *rows, const char *text)
{
	struct column columns[MAX_COLUMNS];
	size_t count = parse_columns(text, columns), r;
	const json_t *row;

	if (json_is_object(rows)) {
		print_object(rows);
		return;
	}
	json_array_foreach((json_t *)(uintptr_t)rows, r, row)
	{
		for (size_t c = 0; c < count; c++) {
			auto_free char *value =
				cell(columns[c].key, json_object_get(row, columns[c].key));

			if (width_of(value) > columns[c].width)
				columns[c].width = width_of(value);
		}
	}
	for (size_t c = 0; c < count; c++)
		print_cell(columns[c].title, columns[c].width, c + 1 == count);
	putchar('\n');
	json_array_foreach((json_t *)(uintptr_t)rows, r, row)
	{
		for (size_t c = 0; c < count; c++) {
			auto_free char *value =
				cell(columns[c].key, json_object_get(row, columns[c].key));

			print_cell(value, columns[c].width, c + 1 == count);
		}
		putchar('\n');
	}
}

/* "server node?" as "SERVER [NODE]". */
static void print_arguments(FILE *out, const char *names)
{
	while (*names) {
		size_t length = strcspn(names, " ");
		bool may_miss = names[length - 1] == '?';

		fputs(may_miss ? " [" : " ", out);
		for (size_t i = 0; i < length - may_miss; i++)
			fputc(toupper((unsigned char)names[i]), out);
		if (may_miss)
			fputc(']', out);
		names += length;
		names += strspn(names, " ");
	}
}

static void print_name(FILE *out, const struct command *c)
{
	fprintf(out, "berth %s%s%s", c->noun, c->verb ? " " : "", c->verb ? c->verb : "");
	print_arguments(out, c->arguments);
}

static void print_options(FILE *out, const struct command *c)
{
	for (size_t i = 0; i < MAX_OPTIONS && c->options[i]; i++) {
		const struct option_row *row = c->options[i];
		int n = fprintf(out, "  --%s%s%s", row->name, row->value ? " " : "",
				row->value ? row->value : "");

		fprintf(out, "%*s%s\n", n < 36 ? 36 - n : 1, "", row->help);
	}
	fprintf(out, "  --json                            show the answer as JSON\n"
		     "  --cluster-dir DIR                 the cluster (BERTH_CLUSTER_DIR)\n");
}

static void print_settings(FILE *out)
{
	size_t count;
	const struct manage_setting *settings = manage_settings(&count);

	fputs("\nSettings:\n", out);
	for (size_t i = 0; i < count; i++) {
		int n = fprintf(out, "  %s=%s", settings[i].key, settings[i].values);

		fprintf(out, "%*s%s%s\n", n < 36 ? 36 - n : 1, "", settings[i].help,
			settings[i].next_online ? " (from the next time it comes online)" : "");
	}
}

static void print_all(FILE *out, const char *noun)
{
	if (!noun)
		fputs("berth: file servers that fail over, and are servers of their own\n\n", out);
	for (size_t i = 0; command_at(i); i++) {
		const struct command *c = command_at(i);
		long at = 0;

		if (noun && strcmp(noun, c->noun) != 0)
			continue;
		fputs("  ", out);
		print_name(out, c);
		at = 2 + 6 + (long)strlen(c->noun) + (c->verb ? 1 + (long)strlen(c->verb) : 0) +
		     (c->arguments[0] ? 1 + (long)strlen(c->arguments) : 0) +
		     (strchr(c->arguments, '?') ? 1 : 0);
		fprintf(out, "%*s%s\n", at < 46 ? (int)(46 - at) : 1, "", c->help);
	}
	fputs("\nberth NOUN VERB --help shows the options of a command.\n"
	      "Every command takes --json and --cluster-dir DIR (or BERTH_CLUSTER_DIR).\n"
	      "Exit codes: 0 done, 1 it failed, 2 asked for in a way that cannot be, 3 no node is "
	      "up\n"
	      "(berth site probe: 0 OK, 1 warning, 2 critical, 3 unknown). See berth(1).\n",
	      out);
}

void print_help(FILE *out, const char *noun, const char *verb)
{
	for (size_t i = 0; noun && command_at(i); i++) {
		const struct command *c = command_at(i);

		if (strcmp(c->noun, noun) != 0 ||
		    (c->verb && (!verb || strcmp(c->verb, verb) != 0)))
			continue;
		fputs("usage: ", out);
		print_name(out, c);
		fprintf(out, " [OPTIONS]\n%s\n\n", c->help);
		print_options(out, c);
		if (c->verb && !strcmp(c->noun, "server") && !strcmp(c->verb, "set"))
			print_settings(out);
		return;
	}
	print_all(out, noun);
}

/* The words at one place of the line, as a case of the shell. */
static void completion_case(const char *pattern, const char *words)
{
	printf("\t%s) words='%s' ;;\n", pattern, words);
}

static bool is_first_of_noun(size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (!strcmp(command_at(i)->noun, command_at(at)->noun))
			return false;
	}
	return true;
}

static void completion_verbs(size_t first)
{
	auto_buf struct buf words = { 0 };
	const char *noun = command_at(first)->noun;
	auto_free char *pattern = xasprintf("'%s '", noun);

	for (size_t i = first; command_at(i); i++) {
		if (command_at(i)->verb && !strcmp(command_at(i)->noun, noun))
			buf_printf(&words, "%s ", command_at(i)->verb);
	}
	buf_text(&words, "--help");
	buf_u8(&words, 0);
	if (command_at(first)->verb)
		completion_case(pattern, (const char *)words.data);
}

static void completion_options(const struct command *c)
{
	auto_buf struct buf words = { 0 };
	auto_free char *pattern = xasprintf("'%s %s'", c->noun, c->verb ? c->verb : "");
	bool takes_settings = strstr(c->arguments, "setting=") != NULL;
	size_t count;
	const struct manage_setting *settings = manage_settings(&count);

	for (size_t o = 0; o < MAX_OPTIONS && c->options[o]; o++)
		buf_printf(&words, "--%s ", c->options[o]->name);
	for (size_t i = 0; takes_settings && i < count; i++)
		buf_printf(&words, "%s= ", settings[i].key);
	buf_text(&words, !strcmp(c->noun, "completion") ? "bash " : "");
	buf_text(&words, "--json --cluster-dir --help");
	buf_u8(&words, 0);
	completion_case(pattern, (const char *)words.data);
}

void print_completion(void)
{
	puts("# bash completion for berth: source <(berth completion bash)\n"
	     "_berth() {\n"
	     "\tlocal words= place='top'\n"
	     "\t[ \"$COMP_CWORD\" -ge 2 ] && place=\"${COMP_WORDS[1]} \"\n"
	     "\t[ \"$COMP_CWORD\" -ge 3 ] && place=\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\"\n"
	     "\tcase $place in");
	printf("\ttop) words='");
	for (size_t i = 0; command_at(i); i++) {
		if (is_first_of_noun(i))
			printf("%s ", command_at(i)->noun);
	}
	puts("--help --version' ;;");
	for (size_t i = 0; command_at(i); i++) {
		if (is_first_of_noun(i))
			completion_verbs(i);
		completion_options(command_at(i));
	}
	puts("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
	     "complete -o default -F _berth berth");
}
