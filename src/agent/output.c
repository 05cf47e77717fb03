// SPDX-License-Identifier: Apache-2.0
#include "runner_impl.h"

void output_keep(struct run_result *r, const char *data, size_t length)
{
	size_t drop;

	r->output_total += length;
	if (length > RUN_OUTPUT_MAX) {
		data += length - RUN_OUTPUT_MAX;
		length = RUN_OUTPUT_MAX;
	}
	drop = r->output_length + length > RUN_OUTPUT_MAX
		       ? r->output_length + length - RUN_OUTPUT_MAX
		       : 0;
	memmove(r->output, r->output + drop, r->output_length - drop);
	r->output_length -= drop;
	memcpy(r->output + r->output_length, data, length);
	r->output_length += length;
}

void output_finish(struct run_result *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->output_length; i++) {
		unsigned char c = (unsigned char)r->output[i];

		/* Programs on Windows end a line with both. */
		if (c == '\r' && i + 1 < r->output_length && r->output[i + 1] == '\n')
			continue;
		if (c != '\n' && c != '\t' && (c < 0x20 || c > 0x7e))
			c = '?';
		r->output[kept++] = (char)c;
	}
	r->output_length = kept;
	r->output[kept] = 0;
}
