// SPDX-License-Identifier: Apache-2.0
/* Reading Pacemaker's XML; for the files of the cluster room that do. */
#ifndef CLUSTER_CRM_XML_H
#define CLUSTER_CRM_XML_H

#include <cluster/crm.h>

#include <libxml/tree.h>
#include <libxml/xpath.h>

void xml_free_doc(xmlDoc **doc);
void xml_free_found(xmlXPathObject **found);
#define auto_doc   cleanup(xml_free_doc)
#define auto_found cleanup(xml_free_found)

/* xml_parse - NULL where it is no XML; to be freed. */
xmlDoc *xml_parse(const char *text);
/* xml_find - all nodes at @path below @from; NULL or empty where there are none. */
xmlXPathObject *xml_find(xmlNode *from, const char *path);
size_t xml_count(const xmlXPathObject *found);
xmlNode *xml_nth(const xmlXPathObject *found, size_t i);
/* xml_attribute - the attribute into @out, which is given back; "" where there is none or it does
 * not fit. */
const char *xml_attribute(xmlNode *node, const char *name, char *out, size_t size);
bool xml_is_true(xmlNode *node, const char *name);
bool xml_is_named(xmlNode *node, const char *name);
/* xml_pair - the value of the pair @name in the sets called @set ("meta_attributes") of @owner
 * itself; sets that hold only under a rule are left out. NULL where there is none; to be freed. */
char *xml_pair(xmlNode *owner, const char *set, const char *name);
bool xml_pair_is(xmlNode *owner, const char *set, const char *name, const char *value);

/* crm_read_servers - with nodes and summary read: the file servers, from what crm_mon (@mon) and
 * the configuration (@cib) say. */
void crm_read_servers(xmlNode *mon, xmlNode *cib, struct crm_view *view);
void crm_server_free(struct crm_server *s);
/* crm_fence_events - what was fenced when, newest first, below @root; a new array of @most. */
json_t *crm_fence_events(xmlNode *root, size_t most);

#endif
