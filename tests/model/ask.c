// SPDX-License-Identifier: Apache-2.0
/* What is asked of the model, and how it is told: MS-FSA 2.1.5.6, 2.1.5.12. */
#include "model_impl.h"

#include <stdarg.h>
#include <stdio.h>

void node_answer(const struct node *node, const struct stream *stream, struct outcome *out)
{
	out->attributes = node->attributes;
	if (*stream->name)
		out->attributes &= ~FILE_ATTRIBUTE_DIRECTORY;
	if (!out->attributes)
		out->attributes = FILE_ATTRIBUTE_NORMAL;
	out->size = stream->size;
}

ntstatus query_apply(const struct model_open *open, struct outcome *out)
{
	const struct node *node = open->node;

	if (!(open->access & FILE_READ_ATTRIBUTES))
		return STATUS_ACCESS_DENIED;
	node_answer(node, open->stream, out);
	out->times[0] = node->creation;
	out->times[1] = node->access;
	out->times[2] = node->write;
	out->times[3] = node->change;
	out->delete_pending =
		*open->stream->name ? open->stream->delete_pending : node->delete_pending;
	out->links = out->delete_pending ? 0 : 1;
	out->is_directory = node->is_directory && !*open->stream->name;
	if (!node->gone)
		node_path(node, out->name, sizeof(out->name));
	if (*open->stream->name)
		snprintf(out->name + strlen(out->name), sizeof(out->name) - strlen(out->name),
			 ":%s", open->stream->name);
	return STATUS_SUCCESS;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void sort_lines(char *text)
{
	char copy[MODEL_EVENTS], *lines[64], *save = NULL;
	size_t count = 0, length = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *line = strtok_r(copy, "\n", &save); line && count < ARRAY_LEN(lines);
	     line = strtok_r(NULL, "\n", &save))
		lines[count++] = line;
	qsort(lines, count, sizeof(lines[0]), compare_lines);
	for (size_t i = 0; i < count; i++)
		length += (size_t)sprintf(text + length, "%s\n", lines[i]);
}

ntstatus list_apply(const struct model_open *open, struct outcome *out)
{
	size_t length = 0;

	if (!open->node->is_directory || *open->stream->name)
		return STATUS_INVALID_PARAMETER;
	if (!(open->access & FILE_READ_DATA))
		return STATUS_ACCESS_DENIED;
	for (const struct node *n = open->node->children; n; n = n->next)
		length += (size_t)snprintf(
			out->listing + length, sizeof(out->listing) - length, "%s %x %u\n", n->name,
			n->attributes ? n->attributes : FILE_ATTRIBUTE_NORMAL, n->streams[0].size);
	sort_lines(out->listing);
	return STATUS_SUCCESS;
}

ntstatus streams_apply(const struct model_open *open, struct outcome *out)
{
	size_t length = 0;

	for (size_t i = 0; i < MODEL_STREAMS; i++) {
		const struct stream *s = &open->node->streams[i];

		if (s->exists && !(open->node->is_directory && !*s->name))
			length += (size_t)snprintf(out->listing + length,
						   sizeof(out->listing) - length, ":%s:$DATA %u\n",
						   s->name, s->size);
	}
	sort_lines(out->listing);
	return STATUS_SUCCESS;
}

/* ---- what comes of a step besides its own answer ---- */

__attribute__((format(printf, 2, 3))) static void event(struct outcome *out, const char *format,
							...)
{
	size_t length = strlen(out->events);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(out->events + length, sizeof(out->events) - length, format, arguments);
	va_end(arguments);
}

void event_answer(struct outcome *out, unsigned wait, const struct outcome *answer)
{
	event(out,
	      "answer to %u: %s action %u attributes %x size %lu oplock %x lease %x%s epoch %u%s\n",
	      wait, ntstatus_name(answer->status), answer->action, answer->attributes, answer->size,
	      answer->oplock, answer->lease_state, answer->lease_breaking ? " breaking" : "",
	      answer->lease_epoch, answer->durable ? " durable" : "");
}

void event_oplock_break(struct outcome *out, unsigned client, unsigned slot, uint8_t level)
{
	event(out, "client %u: oplock of slot %u goes to %u\n", client, slot, level);
}

void event_lease_break(struct outcome *out, unsigned client, unsigned key, uint32_t from,
		       uint32_t to, uint16_t epoch, bool is_answered)
{
	event(out, "client %u: lease %u goes from %x to %x epoch %u%s\n", client, key, from, to,
	      epoch, is_answered ? ", to be acknowledged" : "");
}

/* ---- for a person ---- */

static void print_node(const struct node *node, int depth)
{
	printf("  %*s%s%s%s attributes %x:", depth, "", *node->name ? node->name : "(share)",
	       node->is_directory ? "\\" : "", node->delete_pending ? " delete-pending" : "",
	       node->attributes);
	for (size_t i = 0; i < MODEL_STREAMS; i++)
		if (node->streams[i].exists)
			printf(" ':%s' %u%s", node->streams[i].name, node->streams[i].size,
			       node->streams[i].delete_pending ? " delete-pending" : "");
	printf("\n");
	for (const struct node *n = node->children; n; n = n->next)
		print_node(n, depth + 2);
}

void model_print(const struct model *model)
{
	print_node(&model->root, 0);
	for (unsigned i = 0; i < MODEL_OPENS; i++) {
		const struct model_open *o = &model->opens[i];
		char path[MODEL_PATH];

		if (!o->node)
			continue;
		node_path(o->node, path, sizeof(path));
		printf("  slot %u: %s:%s client %u access %x share %x%s\n", i, path,
		       o->stream->name, o->client, o->access, o->share,
		       o->delete_on_close ? " delete-on-close" : "");
		if (o->is_kept)
			printf("    kept for its client\n");
	}
}
