// SPDX-License-Identifier: Apache-2.0
/* A configuration file: taken, or refused with a sentence. */
#include <config.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	auto_free char *text = strndup((const char *)data, length);
	struct config config;
	char *why = NULL;

	config_defaults(&config);
	if (config_parse("f", text, &config, &why))
		BUG_ON(!config.name || !config.volume || !config.control);
	else
		BUG_ON(!why);
	free(why);
	config_free(&config);
	return 0;
}
