// SPDX-License-Identifier: Apache-2.0
/* Deployments as a site may have written them. */
#include <policy/deployment.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct deployment d auto_deployment = { 0 }, back auto_deployment = { 0 };
	json_t *json auto_json = document_parse_json(data, size, NULL);
	json_t *again auto_json = NULL;

	if (!json || !deployment_from_json(json, &d, NULL))
		return 0;
	again = deployment_to_json(&d);
	BUG_ON(!again || !deployment_from_json(again, &back, NULL));
	return 0;
}
