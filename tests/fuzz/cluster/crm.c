// SPDX-License-Identifier: Apache-2.0
/* A configuration of Pacemaker that anyone may have edited to nonsense, and what crm_mon says of
 * it: two texts with a zero byte between them. */
#include <cluster/crm.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xalloc(size + 2, 1);
	auto_free char *why = NULL;
	struct crm_view view;

	memcpy(text, data, size);
	if (!crm_parse(text + strlen(text) + 1 <= text + size ? text + strlen(text) + 1 : "", text,
		       &view, &why)) {
		for (size_t i = 0; i < view.server_count; i++) {
			const struct crm_mount mount = { .device = "/dev/lun", .type = "ext4" };

			free(crm_group_xml(&view.servers[i].record, &mount, &view));
		}
		for (size_t i = 0; i < json_array_size(view.fencing); i++) {
			const char *when = json_string_value(
				json_object_get(json_array_get(view.fencing, i), "completed"));

			(void)crm_time_ms(when ? when : "");
		}
		crm_view_free(&view);
	}
	return 0;
}
