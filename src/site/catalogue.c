// SPDX-License-Identifier: Apache-2.0
/* Every status message there is. */
#include <site/message.h>

#define SUMMARIZER   "SMS_SITE_SYSTEM_STATUS_SUMMARIZER"
#define DISTRIBUTION "SMS_DISTRIBUTION_MANAGER"
#define COMPONENTS   "SMS_SITE_COMPONENT_MANAGER"
#define BY_PEOPLE    "BERTH_COMMAND"
#define SERVER	     "BERTH_SITE"

#define SUMMARIZER_TEXT(what)                                                                      \
	"SMS Site System Status Summarizer " what                                                  \
	" storage object \"%1\" on site system \"%2\". The operating system reported error %3: %4"
#define SPACE_CAUSE  "More was stored than was removed, or the threshold is wrong for it."
#define SPACE_REMEDY "Free space, grow the volume, or set its thresholds: berth site set-object."

static const struct message_row rows[] = {
	{ MSG_PACKAGE_STARTED, SEVERITY_INFO, KIND_DETAIL, DISTRIBUTION,
	  "Distribution Manager began to process package \"%1\" version %2.", "", "" },
	{ MSG_PACKAGE_DONE, SEVERITY_INFO, KIND_STATE, DISTRIBUTION,
	  "Distribution Manager processed package \"%1\" version %2: every distribution point has "
	  "it.",
	  "", "" },
	{ MSG_PACKAGE_FAILED, SEVERITY_ERROR, KIND_STATE, DISTRIBUTION,
	  "Distribution Manager failed to process package \"%1\" version %2: %3",
	  "At least one distribution point has not taken it, and its tries are used up.",
	  "See which and why: berth package status; then berth package redistribute." },
	{ MSG_SOURCE_UNREADABLE, SEVERITY_ERROR, KIND_STATE, DISTRIBUTION,
	  "The source of package \"%1\" in \"%2\" cannot be read: %3",
	  "The folder was moved, a file in it may not be read, or it changed while it was read.",
	  "Check the folder and its permissions, then update the package again." },
	{ MSG_PACKAGE_STORED, SEVERITY_INFO, KIND_STATE, DISTRIBUTION,
	  "Package \"%1\" version %2 is in the site's library: %3 files, %4 bytes.", "", "" },
	{ MSG_DP_PATH_UNKNOWN, SEVERITY_ERROR, KIND_STATE, DISTRIBUTION,
	  "The path of distribution point \"%1\" is not known: %2", "The share is gone or renamed.",
	  "Repair it: berth site add-dp --repair." },
	{ MSG_DP_INACCESSIBLE, SEVERITY_ERROR, KIND_STATE, DISTRIBUTION,
	  "Distribution point \"%1\" refuses access: %2",
	  "The account may not write there, or the share became read-only.",
	  "Check the account and the permissions: berth site test-dp." },
	{ MSG_COPY_FAILED, SEVERITY_WARNING, KIND_STATE, DISTRIBUTION,
	  "Package \"%1\" version %2 was not copied to distribution point \"%3\": %4 Try %5 of %6 "
	  "follows.",
	  "The distribution point was not reached, or did not take the bytes.",
	  "Nothing, where it passes by itself; else see berth site test-dp." },
	{ MSG_DISTRIBUTED, SEVERITY_INFO, KIND_STATE, DISTRIBUTION,
	  "Package \"%1\" version %2 is on distribution point \"%3\", read back and verified: %4 "
	  "bytes "
	  "sent.",
	  "", "" },
	{ MSG_REMOVED, SEVERITY_INFO, KIND_STATE, DISTRIBUTION,
	  "Package \"%1\" was removed from distribution point \"%2\".", "", "" },
	{ MSG_SENDING, SEVERITY_INFO, KIND_DETAIL, DISTRIBUTION,
	  "Package \"%1\" version %2 is being sent to distribution point \"%3\".", "", "" },
	{ MSG_NO_SPACE, SEVERITY_ERROR, KIND_STATE, DISTRIBUTION,
	  "Distribution point \"%1\" has not enough space for package \"%2\": %3",
	  "Its volume is full, or its quota is used up.",
	  "Remove packages that are not needed (berth package remove), or grow the volume." },
	{ MSG_DP_DAMAGED, SEVERITY_ERROR, KIND_STATE, DISTRIBUTION,
	  "Package \"%1\" on distribution point \"%2\" is not what was sent: %3",
	  "A disk rotted, or someone changed the files.",
	  "It is sent again by itself; look for who writes to the share, and at its disks." },
	{ MSG_DP_REPAIRED, SEVERITY_INFO, KIND_STATE, DISTRIBUTION,
	  "Package \"%1\" on distribution point \"%2\" was repaired: %3 bytes sent again.", "",
	  "" },
	{ MSG_SNAPSHOT, SEVERITY_INFO, KIND_DETAIL, DISTRIBUTION,
	  "The content of package \"%1\" was read: version %2.", "", "" },
	{ MSG_DP_CONNECT, SEVERITY_ERROR, KIND_STATE, DISTRIBUTION,
	  "Distribution point \"%1\" cannot be connected to: %2",
	  "The file server is offline, or the network between is.",
	  "Check it: berth site probe, berth status." },
	{ MSG_OBJECT_DOWN, SEVERITY_ERROR, KIND_STATE, SUMMARIZER,
	  SUMMARIZER_TEXT("could not access") " [step %5, path %6]", "%7", "%8" },
	{ MSG_OBJECT_STILL_DOWN, SEVERITY_ERROR, KIND_STATE, SUMMARIZER,
	  SUMMARIZER_TEXT("still cannot access") " [step %5, path %6, since %9]", "%7", "%8" },
	{ MSG_OBJECT_UP, SEVERITY_INFO, KIND_STATE, SUMMARIZER,
	  "SMS Site System Status Summarizer can again access storage object \"%1\" on site system "
	  "\"%2\", which it could not for %3.",
	  "", "" },
	{ MSG_DATABASE_DOWN, SEVERITY_ERROR, KIND_STATE, SUMMARIZER,
	  SUMMARIZER_TEXT("could not access") " [step %5, path %6]", "%7", "%8" },
	{ MSG_DATABASE_STILL_DOWN, SEVERITY_ERROR, KIND_STATE, SUMMARIZER,
	  SUMMARIZER_TEXT("still cannot access") " [step %5, path %6, since %9]", "%7", "%8" },
	{ MSG_DATABASE_UP, SEVERITY_INFO, KIND_STATE, SUMMARIZER,
	  "SMS Site System Status Summarizer can again access the database \"%1\" on site system "
	  "\"%2\", which it could not for %3.",
	  "", "" },
	{ MSG_OBJECT_SPACE_NORMAL, SEVERITY_INFO, KIND_STATE, SUMMARIZER,
	  "Storage object \"%1\" on site system \"%2\" has enough free space again: %3 of %4.", "",
	  "" },
	{ MSG_OBJECT_SPACE_WARNING, SEVERITY_WARNING, KIND_STATE, SUMMARIZER,
	  "Storage object \"%1\" on site system \"%2\" has %3 of %4 free, below its warning "
	  "threshold.",
	  SPACE_CAUSE, SPACE_REMEDY },
	{ MSG_OBJECT_SPACE_CRITICAL, SEVERITY_ERROR, KIND_STATE, SUMMARIZER,
	  "Storage object \"%1\" on site system \"%2\" has %3 of %4 free, below its critical "
	  "threshold.",
	  SPACE_CAUSE, SPACE_REMEDY },
	{ MSG_DATABASE_SPACE_NORMAL, SEVERITY_INFO, KIND_STATE, SUMMARIZER,
	  "The database \"%1\" on site system \"%2\" has enough free space again: %3 of %4.", "",
	  "" },
	{ MSG_DATABASE_SPACE_WARNING, SEVERITY_WARNING, KIND_STATE, SUMMARIZER,
	  "The database \"%1\" on site system \"%2\" has %3 of %4 free, below its warning "
	  "threshold.",
	  SPACE_CAUSE, SPACE_REMEDY },
	{ MSG_DATABASE_SPACE_CRITICAL, SEVERITY_ERROR, KIND_STATE, SUMMARIZER,
	  "The database \"%1\" on site system \"%2\" has %3 of %4 free, below its critical "
	  "threshold.",
	  SPACE_CAUSE, SPACE_REMEDY },
	{ MSG_SERVER_STARTED, SEVERITY_INFO, KIND_STATE, SERVER, "The site's server started on %1.",
	  "", "" },
	{ MSG_SERVER_STOPPED, SEVERITY_INFO, KIND_STATE, SERVER,
	  "The site's server was stopped on %1.", "", "" },
	{ MSG_NOT_WATCHED, SEVERITY_WARNING, KIND_STATE, SERVER,
	  "Nothing was watched for %1: the site's server did not run since %2.",
	  "It was stopped, or its machine failed.", "Look at its log on the machine it ran on." },
	{ MSG_OBJECT_OVERDUE, SEVERITY_ERROR, KIND_STATE, SUMMARIZER,
	  "Storage object \"%1\" was due to be checked and was not for %2: what is shown of it is "
	  "old.",
	  "More checks hang than may run at the same time, or the machine was suspended.",
	  "Raise the setting parallel, or lower deadline_s (berth site set)." },
	{ MSG_OBJECT_ON_TIME, SEVERITY_INFO, KIND_STATE, SUMMARIZER,
	  "Storage object \"%1\" is checked on time again.", "", "" },
	{ MSG_ACTION_FAILED, SEVERITY_WARNING, KIND_STATE, SERVER,
	  "The action of rule \"%1\" failed for message %2: %3",
	  "The program or the address of the rule does not work.",
	  "Try it by hand; correct the rule (berth site rules)." },
	{ MSG_ACKNOWLEDGED, SEVERITY_INFO, KIND_AUDIT, BY_PEOPLE, "%1 acknowledged \"%2\": %3", "",
	  "" },
	{ MSG_SITE_CHANGED, SEVERITY_INFO, KIND_AUDIT, BY_PEOPLE, "%1 changed the site: %2", "",
	  "" },
	{ MSG_DP_ADDED, SEVERITY_INFO, KIND_STATE, COMPONENTS,
	  "Distribution point \"%1\" was installed: %2", "", "" },
	{ MSG_DP_ADD_FAILED, SEVERITY_ERROR, KIND_STATE, COMPONENTS,
	  "Distribution point \"%1\" was not installed. Step \"%2\" failed on \"%3\": error %4: %5",
	  "%6", "%7" },
	{ MSG_DP_CHANGED, SEVERITY_INFO, KIND_AUDIT, BY_PEOPLE,
	  "%1 changed distribution point \"%2\": %3", "", "" },
	{ MSG_DROP_OPEN, SEVERITY_WARNING, KIND_STATE, SERVER,
	  "The directory drop of distribution point \"%1\" is as open as the share makes it: %2",
	  "The account of the site may not change its permissions, or the server has none.",
	  "Let clients create files in it, and neither list, read, change nor delete them." },
	{ MSG_PAPERS_REFUSED, SEVERITY_WARNING, KIND_STATE, SERVER,
	  "%1 files in the drop of distribution point \"%2\" count for nothing and were passed "
	  "over. "
	  "The first is \"%3\": %4",
	  "Somebody who may create files there wrote what is no paper of an approved client, or a "
	  "client was removed and does not know it yet.",
	  "The log of berth-site names the files. Let only the accounts of clients create files in "
	  "drop." },
};

const struct message_row *message_catalogue(size_t *count)
{
	*count = ARRAY_LEN(rows);
	return rows;
}

const struct message_row *message_find(uint32_t id)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].id == id)
			return &rows[i];
	}
	return NULL;
}
