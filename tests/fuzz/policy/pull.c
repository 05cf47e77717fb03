// SPDX-License-Identifier: Apache-2.0
/* Orders to movers as a site may have written them, and what a mover may report. */
#include <policy/pull.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pull_order order auto_pull_order = { 0 }, back auto_pull_order = { 0 };
	json_t *json auto_json = document_parse_json(data, size, NULL);
	json_t *again auto_json = NULL;

	if (!json)
		return 0;
	(void)pull_report_check(json);
	if (!pull_order_from_json(json, &order, NULL))
		return 0;
	again = pull_order_to_json(&order);
	BUG_ON(!again || !pull_order_from_json(again, &back, NULL));
	return 0;
}
