// SPDX-License-Identifier: Apache-2.0
/* The records that nodes write for each other; the first byte says which kind the rest is read as.
 */
#include <cluster/cluster.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct server_record server = { 0 };
	struct node_record node;
	struct owner_record owner;
	const char *why = NULL;
	bool good;

	if (!length)
		return 0;
	switch (data[0] % 3) {
	case 0:
		good = server_record_parse((const char *)data + 1, length - 1, &server, &why);
		BUG_ON(good && (!cluster_name_ok(server.name) || server.volume[0] != '/'));
		server_record_free(&server);
		break;
	case 1:
		good = node_record_parse((const char *)data + 1, length - 1, &node, &why);
		break;
	default:
		good = owner_record_parse((const char *)data + 1, length - 1, &owner, &why);
		break;
	}
	BUG_ON(!good && !why);
	return 0;
}
