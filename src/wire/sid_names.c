// SPDX-License-Identifier: Apache-2.0
/* The names of SIDs that everyone knows. See sid_names.h. */
#include <base/utf16.h>
#include <wire/sid_names.h>

#define WORLD	     "" /* their authorities have no name of their own */
#define NT_AUTHORITY "NT AUTHORITY"
#define BUILTIN	     "BUILTIN"
#define PACKAGES     "APPLICATION PACKAGE AUTHORITY"
#define LABELS	     "Mandatory Label"

#define ONE(authority, rid, domain, name, use)                                                     \
	{                                                                                          \
		{ 1, { 0, 0, 0, 0, 0, authority }, { rid } }, domain, name, SID_USE_##use          \
	}
#define TWO(authority, first, rid, domain, name, use)                                              \
	{                                                                                          \
		{ 2, { 0, 0, 0, 0, 0, authority }, { first, rid } }, domain, name, SID_USE_##use   \
	}
#define WORLD_ROW(authority, rid, name) ONE(authority, rid, WORLD, name, WELL_KNOWN_GROUP)
#define NT_ROW(rid, name)		ONE(5, rid, NT_AUTHORITY, name, WELL_KNOWN_GROUP)
#define BUILTIN_ROW(rid, name)		TWO(5, 32, rid, BUILTIN, name, ALIAS)
#define AUTHENTICATION_ROW(rid, name)	TWO(5, 64, rid, NT_AUTHORITY, name, WELL_KNOWN_GROUP)
#define PACKAGE_ROW(rid, name)		TWO(15, 2, rid, PACKAGES, name, WELL_KNOWN_GROUP)
#define LABEL_ROW(rid, name)		ONE(16, rid, LABELS, name, LABEL)

static const struct sid_name names[] = {
	WORLD_ROW(0, 0, "NULL SID"),
	WORLD_ROW(1, 0, "Everyone"),
	WORLD_ROW(2, 0, "LOCAL"),
	WORLD_ROW(2, 1, "CONSOLE LOGON"),
	WORLD_ROW(3, 0, "CREATOR OWNER"),
	WORLD_ROW(3, 1, "CREATOR GROUP"),
	WORLD_ROW(3, 2, "CREATOR OWNER SERVER"),
	WORLD_ROW(3, 3, "CREATOR GROUP SERVER"),
	WORLD_ROW(3, 4, "OWNER RIGHTS"),
	NT_ROW(1, "DIALUP"),
	NT_ROW(2, "NETWORK"),
	NT_ROW(3, "BATCH"),
	NT_ROW(4, "INTERACTIVE"),
	NT_ROW(6, "SERVICE"),
	NT_ROW(7, "ANONYMOUS LOGON"),
	NT_ROW(8, "PROXY"),
	NT_ROW(9, "ENTERPRISE DOMAIN CONTROLLERS"),
	NT_ROW(10, "SELF"),
	NT_ROW(11, "Authenticated Users"),
	NT_ROW(12, "RESTRICTED"),
	NT_ROW(13, "TERMINAL SERVER USER"),
	NT_ROW(14, "REMOTE INTERACTIVE LOGON"),
	NT_ROW(15, "This Organization"),
	NT_ROW(17, "IUSR"),
	NT_ROW(18, "SYSTEM"),
	NT_ROW(19, "LOCAL SERVICE"),
	NT_ROW(20, "NETWORK SERVICE"),
	NT_ROW(33, "WRITE RESTRICTED"),
	NT_ROW(113, "Local account"),
	NT_ROW(114, "Local account and member of Administrators group"),
	NT_ROW(1000, "Other Organization"),
	AUTHENTICATION_ROW(10, "NTLM Authentication"),
	AUTHENTICATION_ROW(14, "SChannel Authentication"),
	AUTHENTICATION_ROW(21, "Digest Authentication"),
	ONE(5, 32, BUILTIN, BUILTIN, DOMAIN),
	BUILTIN_ROW(544, "Administrators"),
	BUILTIN_ROW(545, "Users"),
	BUILTIN_ROW(546, "Guests"),
	BUILTIN_ROW(547, "Power Users"),
	BUILTIN_ROW(548, "Account Operators"),
	BUILTIN_ROW(549, "Server Operators"),
	BUILTIN_ROW(550, "Print Operators"),
	BUILTIN_ROW(551, "Backup Operators"),
	BUILTIN_ROW(552, "Replicator"),
	BUILTIN_ROW(554, "Pre-Windows 2000 Compatible Access"),
	BUILTIN_ROW(555, "Remote Desktop Users"),
	BUILTIN_ROW(556, "Network Configuration Operators"),
	BUILTIN_ROW(558, "Performance Monitor Users"),
	BUILTIN_ROW(559, "Performance Log Users"),
	BUILTIN_ROW(562, "Distributed COM Users"),
	BUILTIN_ROW(568, "IIS_IUSRS"),
	BUILTIN_ROW(569, "Cryptographic Operators"),
	BUILTIN_ROW(573, "Event Log Readers"),
	BUILTIN_ROW(574, "Certificate Service DCOM Access"),
	BUILTIN_ROW(578, "Hyper-V Administrators"),
	BUILTIN_ROW(579, "Access Control Assistance Operators"),
	BUILTIN_ROW(580, "Remote Management Users"),
	PACKAGE_ROW(1, "ALL APPLICATION PACKAGES"),
	PACKAGE_ROW(2, "ALL RESTRICTED APPLICATION PACKAGES"),
	LABEL_ROW(0, "Untrusted Mandatory Level"),
	LABEL_ROW(4096, "Low Mandatory Level"),
	LABEL_ROW(8192, "Medium Mandatory Level"),
	LABEL_ROW(12288, "High Mandatory Level"),
	LABEL_ROW(16384, "System Mandatory Level"),
};

const struct sid_name *sid_well_known(const struct sid *sid)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (sid_equal(&names[i].sid, sid))
			return &names[i];
	}
	return NULL;
}

const struct sid_name *sid_well_known_named(const char *domain, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if ((!domain || !name_compare(names[i].domain, domain)) &&
		    !name_compare(names[i].name, name))
			return &names[i];
	}
	return NULL;
}

struct sid sid_parent(const struct sid *sid)
{
	struct sid parent = *sid;

	BUG_ON(!sid->sub_count);
	parent.sub[--parent.sub_count] = 0;
	return parent;
}
