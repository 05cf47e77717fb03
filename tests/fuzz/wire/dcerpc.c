// SPDX-License-Identifier: Apache-2.0
/* One PDU: header, verifier and every body that could be in it. */
#include <wire/dcerpc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dcerpc_bind bind;
	static struct dcerpc_bind_ack ack;
	struct cursor c = cur_of(data, size);
	struct cursor body, copy;
	struct dcerpc_header header;
	struct dcerpc_auth auth;
	struct dcerpc_request request;
	struct dcerpc_response response;
	uint16_t word;
	uint32_t status;

	if (!dcerpc_header_decode(&c, &header) ||
	    !dcerpc_auth_split(cur_of(data, size), &header, &body, &auth))
		return 0;
	copy = body;
	(void)!dcerpc_bind_decode(&copy, &bind);
	copy = body;
	(void)!dcerpc_bind_ack_decode(&copy, &ack);
	copy = body;
	(void)!dcerpc_bind_nak_decode(&copy, &word);
	copy = body;
	(void)!dcerpc_request_decode(&copy, &header, &request);
	copy = body;
	(void)!dcerpc_response_decode(&copy, &response);
	copy = body;
	(void)!dcerpc_fault_decode(&copy, &word, &status);
	return 0;
}
