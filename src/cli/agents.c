// SPDX-License-Identifier: Apache-2.0
/* What the resource agents of disks and addresses ask; this machine alone, as root, and no berthd.
 */
#include "cli.h"

#include <cluster/address.h>
#include <cluster/disk.h>

#include <errno.h>

int run_disk_ready(struct call *call)
{
	enum disk_state state;
	auto_free char *said = NULL;
	int error = disk_ready(call_text(call, "device"), call_text(call, "volume"), &state, &said);

	if (error)
		return complain(EXIT_FAILED, "%s: the kernel watches the disk before it mounts it",
				said ? said : strerror(-error));
	if (said)
		printf("%s\n", said);
	return EXIT_DONE;
}

/* Exit code 1 says that another machine has it, 3 that the network could not be asked. */
int run_address_free(struct call *call)
{
	const char *text = call_text(call, "address");
	struct address address;
	char who[24], shown[64];
	int answer;

	if (!address_parse(text, 0, &address))
		return complain(EXIT_USAGE, "\"%s\" is no address, such as 10.0.0.50/24", text);
	answer = address_probe(&address, who);
	if (answer < 0)
		return complain(EXIT_NO_NODE, "the network cannot be asked for %s: %s",
				address_format(&address, shown), strerror(-answer));
	if (answer)
		return complain(EXIT_FAILED,
				"the address %s is in use on the network, by %s; find that machine "
				"and take the address from it",
				address_format(&address, shown), who);
	return EXIT_DONE;
}
