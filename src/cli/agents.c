// SPDX-License-Identifier: Apache-2.0
/* What the resource agents of disks and addresses ask; this machine alone, as root, and no berthd.
 */
#include "cli.h"

#include <cluster/address.h>
#include <cluster/disk.h>

#include <errno.h>
#include <time.h>

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

/* ---- addresses */

#define ANNOUNCEMENTS	 4 /* after the first one: a broadcast may be lost */
#define ANNOUNCE_EACH_MS 200

static int take_address(struct call *call, struct address *out)
{
	const char *text = call_text(call, "address");

	return address_parse(text, 0, out)
		       ? EXIT_DONE
		       : complain(EXIT_USAGE, "\"%s\" is no address, such as 10.0.0.50/24", text);
}

/* Exit code 1 says that another machine has it, 3 that the network could not be asked. */
static int ask_whether_free(const struct address *address)
{
	char who[24], shown[64];
	int answer = address_probe(address, who);

	if (answer < 0)
		return complain(EXIT_NO_NODE, "the network cannot be asked for %s: %s",
				address_format(address, shown), strerror(-answer));
	if (answer)
		return complain(EXIT_FAILED,
				"the address %s is in use on the network, by %s; find that machine "
				"and take the address from it",
				address_format(address, shown), who);
	return EXIT_DONE;
}

int run_address_free(struct call *call)
{
	struct address address;
	int code = take_address(call, &address);

	return code == EXIT_DONE ? ask_whether_free(&address) : code;
}

/*
 * Not of IPv6: there the kernel asks the network, and what waits for its answer is IPaddr2. Exit
 * codes as above; 3 also says that no interface is fit.
 */
int run_address_up(struct call *call)
{
	struct address address;
	auto_free char *why = NULL;
	bool added;
	int code = take_address(call, &address);

	if (code == EXIT_DONE && address.socket.ss_family != AF_INET)
		return complain(EXIT_USAGE, "addresses of IPv6 are not for this command to add");
	if (code == EXIT_DONE)
		code = ask_whether_free(&address);
	if (code == EXIT_DONE && address_add(&address, &added, &why))
		return complain(EXIT_NO_NODE, "%s", why);
	return code;
}

int run_address_down(struct call *call)
{
	struct address address;
	char shown[64];
	int code = take_address(call, &address);

	if (code != EXIT_DONE)
		return code;
	address_remove(&address);
	if (!address_interface(&address, true))
		return EXIT_DONE;
	return complain(EXIT_FAILED, "the address %s cannot be taken off this machine",
			address_format(&address, shown));
}

int run_address_here(struct call *call)
{
	struct address address;
	char shown[64];
	int code = take_address(call, &address);

	if (code != EXIT_DONE || address_interface(&address, true))
		return code;
	return complain(EXIT_NOT_HERE, "the address %s is on no interface of this machine",
			address_format(&address, shown));
}

/* As long as it is here: what was moved on meanwhile is another's to announce. */
int run_address_announce(struct call *call)
{
	const struct timespec pause = { .tv_nsec = ANNOUNCE_EACH_MS * 1000000L };
	struct address address;
	char shown[64];
	int code = take_address(call, &address);

	for (int i = 0; i < ANNOUNCEMENTS && code == EXIT_DONE; i++) {
		int error = nanosleep(&pause, NULL) < 0 ? -errno : address_announce(&address);

		if (error)
			code = complain(EXIT_FAILED, "the address %s is not announced: %s",
					address_format(&address, shown), strerror(-error));
	}
	return code;
}
