// SPDX-License-Identifier: Apache-2.0
/* Expressions that people and sites write. */
#include <policy/expression.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *facts = json_pack("{s:s, s:i, s:b}", "a", "12.9x", "b", -4, "c", 1);
	char *text = strndup((const char *)data, size), why[EXPRESSION_WHY];
	struct expression *e = expression_parse(text, why);

	BUG_ON(!e == !*why);
	if (e)
		(void)expression_holds(e, facts);
	expression_free(e);
	json_decref(facts);
	free(text);
	return 0;
}
