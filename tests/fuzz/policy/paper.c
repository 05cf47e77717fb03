// SPDX-License-Identifier: Apache-2.0
/* Papers as anyone may have dropped them. */
#include <policy/paper.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document document auto_document = { 0 };
	struct enrolment enrolment;
	struct content_key key;
	int64_t number;

	if (!document_parse(&document, data, size, NULL))
		return 0;
	BUG_ON(!content_key_public(&key, (const uint8_t *)"0123456789abcdef0123456789abcdef",
				   NULL));
	(void)paper_type(&document);
	(void)report_client(&document);
	(void)!enrolment_read(&document, &enrolment, NULL);
	BUG_ON(report_read(&document, &key, &number, NULL));
	return 0;
}
