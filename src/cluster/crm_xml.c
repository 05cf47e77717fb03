// SPDX-License-Identifier: Apache-2.0
#include "crm_xml.h"

#include <base/log.h>

#include <libxml/parser.h>
#include <strings.h>

void xml_free_doc(xmlDoc **doc)
{
	xmlFreeDoc(*doc);
}
void xml_free_found(xmlXPathObject **found)
{
	xmlXPathFreeObject(*found);
}
xmlXPathObject *xml_find(xmlNode *from, const char *path)
{
	xmlXPathContext *context = xmlXPathNewContext(from->doc);
	xmlXPathObject *found;

	if (!context)
		return NULL;
	context->node = from;
	found = xmlXPathEvalExpression((const xmlChar *)path, context);
	xmlXPathFreeContext(context);
	return found;
}

size_t xml_count(const xmlXPathObject *found)
{
	return found && found->nodesetval ? (size_t)found->nodesetval->nodeNr : 0;
}

xmlNode *xml_nth(const xmlXPathObject *found, size_t i)
{
	return found->nodesetval->nodeTab[i];
}

const char *xml_attribute(xmlNode *node, const char *name, char *out, size_t size)
{
	xmlChar *value = xmlGetProp(node, (const xmlChar *)name);

	out[0] = '\0';
	if (value && strlen((char *)value) < size)
		memcpy(out, value, strlen((char *)value) + 1);
	xmlFree(value);
	return out;
}

bool xml_is_true(xmlNode *node, const char *name)
{
	char text[16];

	return !strcasecmp(xml_attribute(node, name, text, sizeof(text)), "true");
}

bool xml_is_named(xmlNode *node, const char *name)
{
	return node && !strcmp((const char *)node->name, name);
}

char *xml_pair(xmlNode *owner, const char *set, const char *name)
{
	auto_free char *path = xasprintf("./%s[not(rule)]/nvpair[@name='%s']", set, name);
	auto_found xmlXPathObject *found = owner ? xml_find(owner, path) : NULL;
	xmlChar *value;
	char *copy;

	if (!xml_count(found))
		return NULL;
	value = xmlGetProp(xml_nth(found, 0), (const xmlChar *)"value");
	copy = value ? xstrdup((char *)value) : NULL;
	xmlFree(value);
	return copy;
}

bool xml_pair_is(xmlNode *owner, const char *set, const char *name, const char *value)
{
	auto_free char *has = xml_pair(owner, set, name);

	return has && !strcasecmp(has, value);
}

xmlDoc *xml_parse(const char *text)
{
	return xmlReadMemory(text, (int)strlen(text), "pacemaker", NULL,
			     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}
