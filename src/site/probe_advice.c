// SPDX-License-Identifier: Apache-2.0
/* What a status most likely means at each place of a probe, and what helps. The first row that fits
 * counts. */
#include "probe_impl.h"

#include <base/buf.h>

#define ANYWHERE ((1u << PLACE_SERVER) | (1u << PLACE_SHARE) | (1u << PLACE_ADMIN))

struct row {
	ntstatus status;
	unsigned places;
	struct probe_advice advice;
};

static const struct row rows[] = {
	{ STATUS_BAD_NETWORK_NAME,
	  1u << PLACE_ADMIN,
	  { "The server answers, but the name that was dialled has no ADMIN$ of its own: the file "
	    "server shows its own shares only (visibility \"scoped\", as Windows Server 2008 does "
	    "for "
	    "a clustered name).",
	    "Give the file server administrative shares: berth server set NAME visibility=server. "
	    "On a "
	    "Windows cluster, use a site system that is not a clustered name." } },
	{ STATUS_BAD_NETWORK_NAME,
	  1u << PLACE_SHARE,
	  { "The server answers, but this name shows no such share: it is misspelt, was removed, "
	    "or "
	    "belongs to another name of the same node.",
	    "List the shares of exactly this name (berth share list NAME, or smbclient -L //NAME), "
	    "and "
	    "add the share there." } },
	{ STATUS_BAD_NETWORK_PATH,
	  ANYWHERE,
	  { "The name does not resolve, or nothing at its address serves files.",
	    "Check the name in DNS, then that the file server is online (berth status)." } },
	{ STATUS_CONNECTION_REFUSED,
	  ANYWHERE,
	  { "The address is there, but nothing listens on its port: the file server is offline, or "
	    "its "
	    "service is not running.",
	    "See why with berth status, then berth server online NAME." } },
	{ STATUS_HOST_UNREACHABLE,
	  ANYWHERE,
	  { "There is no way to the address: the machine is down, or it is another network.",
	    "Check that the node is up and that the address is bound on it (berth status)." } },
	{ STATUS_NETWORK_UNREACHABLE,
	  ANYWHERE,
	  { "This machine has no route to the address.", "Check the routes of this machine." } },
	{ STATUS_IO_TIMEOUT,
	  ANYWHERE,
	  { "No answer in time: packets are dropped by a firewall, or the server is stuck.",
	    "Check firewalls on the way for port 445, then the load of the node." } },
	{ STATUS_ACCESS_DENIED,
	  1u << PLACE_ADMIN,
	  { "The account is no administrator of this file server.",
	    "Add it to the file server's Administrators (berth member add), or probe with "
	    "an account that is a member." } },
	{ STATUS_ACCESS_DENIED,
	  1u << PLACE_SHARE,
	  { "The account may not use this share or its top directory; or the share demands "
	    "encryption.",
	    "Check the share's permissions and those of its directory for this account." } },
	{ STATUS_ACCESS_DENIED,
	  1u << PLACE_SERVER,
	  { "The server does not take this kind of session: anonymous, guest, or without the "
	    "signing or encryption that it demands.",
	    "Probe with an account, and allow signing and encryption." } },
	{ STATUS_LOGON_FAILURE,
	  ANYWHERE,
	  { "The user name or the password is wrong.",
	    "Set the password of %2 on this file server, which has accounts of its own (berth user "
	    "password %1 %2)%3." } },
	{ STATUS_WRONG_PASSWORD,
	  ANYWHERE,
	  { "The password is wrong.", "Set it again (berth user password %1 %2)%3." } },
	{ STATUS_NO_SUCH_USER,
	  ANYWHERE,
	  { "There is no such account.", "Add it to this file server (berth user add %1 %2)%3." } },
	{ STATUS_ACCOUNT_DISABLED,
	  ANYWHERE,
	  { "The account is disabled.", "Enable the account." } },
	{ STATUS_ACCOUNT_LOCKED_OUT,
	  ANYWHERE,
	  { "The account is locked out after wrong passwords.",
	    "Find what keeps sending the old password, then unlock the account." } },
	{ STATUS_ACCOUNT_RESTRICTION,
	  ANYWHERE,
	  { "A restriction of the account forbids this logon; an alias without its own service "
	    "principal looks like this too.",
	    "Check the account's restrictions and the names registered for the server." } },
	{ STATUS_PASSWORD_EXPIRED,
	  ANYWHERE,
	  { "The password has expired.", "Set a new password." } },
	{ STATUS_PASSWORD_MUST_CHANGE,
	  ANYWHERE,
	  { "The password must be changed first.", "Set a new password." } },
	{ STATUS_LOGON_TYPE_NOT_GRANTED,
	  ANYWHERE,
	  { "The account may not log on over the network.", "Grant it the network logon right." } },
	{ STATUS_TIME_DIFFERENCE_AT_DC,
	  ANYWHERE,
	  { "The clocks differ too much.", "Synchronise the clocks." } },
	{ STATUS_NETWORK_NAME_DELETED,
	  ANYWHERE,
	  { "The file server went away during the probe: it is moving to another node.",
	    "Probe again; if it stays so, see berth status." } },
	{ STATUS_CONNECTION_RESET,
	  ANYWHERE,
	  { "The server ended the connection: it is moving or being restarted, or it does not "
	    "speak "
	    "this dialect.",
	    "Probe again; if it stays so, look in the server's log for this client." } },
	{ STATUS_CONNECTION_DISCONNECTED,
	  ANYWHERE,
	  { "The server ended the connection: it is moving or being restarted, or it does not "
	    "speak "
	    "this dialect.",
	    "Probe again; if it stays so, look in the server's log for this client." } },
	{ STATUS_USER_SESSION_DELETED,
	  ANYWHERE,
	  { "The session was closed on the server during the probe.", "Probe again." } },
	{ STATUS_BAD_DEVICE_TYPE,
	  ANYWHERE,
	  { "This is a printer or a pipe, not a directory of files.",
	    "Name a share that holds files." } },
	{ STATUS_PATH_NOT_COVERED,
	  ANYWHERE,
	  { "The path lies behind a DFS referral.", "Probe the server that the referral names." } },
	{ STATUS_OBJECT_NAME_NOT_FOUND,
	  ANYWHERE,
	  { "The share is there, the path below it is not.", "Check the path inside the share." } },
	{ STATUS_OBJECT_PATH_NOT_FOUND,
	  ANYWHERE,
	  { "The directory of the share is missing on the volume.",
	    "Check that the volume is mounted and the share's directory exists." } },
	{ STATUS_DEVICE_NOT_READY,
	  ANYWHERE,
	  { "The volume is not ready.", "Check the volume of the file server (berth status)." } },
	{ STATUS_VOLUME_DISMOUNTED,
	  ANYWHERE,
	  { "The volume was unmounted.", "Mount the volume and bring the file server online." } },
	{ STATUS_TOO_MANY_SESSIONS,
	  ANYWHERE,
	  { "The server has as many sessions as it may have.",
	    "Raise the limit, or see who holds them (berth session list)." } },
	{ STATUS_REQUEST_NOT_ACCEPTED,
	  ANYWHERE,
	  { "The share has as many users as it may have.", "Raise the share's user limit." } },
	{ STATUS_NOT_SUPPORTED,
	  ANYWHERE,
	  { "Server and probe have no dialect or algorithm in common.",
	    "Check which dialects and ciphers the server allows." } },
	{ STATUS_INVALID_NETWORK_RESPONSE,
	  ANYWHERE,
	  { "What answers does not speak SMB as it should.",
	    "Check what listens on this address and port." } },
	{ STATUS_INSUFF_SERVER_RESOURCES,
	  ANYWHERE,
	  { "The server is out of memory or at a limit.", "Check the load of the node." } },
};

struct probe_advice probe_advise(enum probe_place place, ntstatus status)
{
	static const struct probe_advice unknown = {
		"There is no experience with this status at this place.",
		"Look in the server's log for this client at this time.",
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status && rows[i].places & 1u << place)
			return rows[i].advice;
	return unknown;
}

bool probe_is_password(ntstatus status)
{
	return status == STATUS_LOGON_FAILURE || status == STATUS_WRONG_PASSWORD ||
	       status == STATUS_NO_SUCH_USER;
}

/* The other end, where it is the site whose password is wrong. */
static char *at_the_site(struct probe_words words)
{
	if (!words.account)
		return xstrdup(", or give its right one");
	return xasprintf(", or tell the site the right one (berth site add-account %s --user %s)",
			 words.account, words.user ? words.user : "USER");
}

char *probe_remedy(struct probe_advice advice, struct probe_words words)
{
	auto_free char *other = at_the_site(words);
	const char *const strings[] = { words.server ? words.server : "SERVER",
					words.user ? words.user : "USER", other };
	struct buf out = { 0 };

	for (const char *at = advice.remedy; *at; at++) {
		if (at[0] == '%' && at[1] >= '1' && at[1] <= '3')
			buf_text(&out, strings[*++at - '1']);
		else
			buf_u8(&out, (uint8_t)*at);
	}
	buf_u8(&out, 0);
	BUG_ON(out.failed);
	return (char *)out.data;
}
