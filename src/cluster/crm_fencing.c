// SPDX-License-Identifier: Apache-2.0
/* What Pacemaker's fencer remembers of fencings. */
#include "crm_xml.h"

#include <base/log.h>

#include <stdio.h>
#include <time.h>

#define MAX_FENCING 1000 /* the fencer itself remembers fewer */

json_t *crm_fence_events(xmlNode *root, size_t most)
{
	auto_found xmlXPathObject *found = xml_find(root, ".//fence_event");
	json_t *events = json_array();

	for (size_t i = 0; i < xml_count(found) && i < most; i++) {
		static const char *const keys[] = { "target",	 "action", "status",
						    "completed", "origin", "exit-reason" };
		json_t *event = json_object();

		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			char text[256];

			json_object_set_new(event, keys[k],
					    json_string(xml_attribute(xml_nth(found, i), keys[k],
								      text, sizeof(text))));
		}
		json_array_append_new(events, event);
	}
	return events;
}

int64_t crm_time_ms(const char *text)
{
	struct tm when = { 0 };
	const char *end = strptime(text, "%Y-%m-%d %H:%M:%S %z", &when);
	long offset = when.tm_gmtoff; /* timegm does away with it */

	if (!end || *end)
		return 0;
	return ((int64_t)timegm(&when) - offset) * 1000;
}

json_t *crm_fencing(char **why)
{
	auto_free char *text = NULL;
	auto_doc xmlDoc *doc = NULL;

	/* Without --verbose, fencings that are alike are told as one, and that is not the last. */
	if (!CRM(&text, why, "stonith_admin", "--history", "*", "--verbose", "--output-as=xml"))
		doc = xml_parse(text);
	return doc && xmlDocGetRootElement(doc)
		       ? crm_fence_events(xmlDocGetRootElement(doc), MAX_FENCING)
		       : NULL;
}
