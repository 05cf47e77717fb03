// SPDX-License-Identifier: Apache-2.0
/* What the requests and the replies of MS-LSAT share. */
#ifndef WIRE_LSA_PARTS_H
#define WIRE_LSA_PARTS_H

#include <wire/lsa.h>

/* What an element of an array of translations has beside its use and its domain. */
enum lsa_form {
	FORM_NAME = 1,
	FORM_RID = 2,
	FORM_SID = 4,
	FORM_FLAGS = 8,
};

/* An array of translations (MS-LSAT 2.2.15, 2.2.20, 2.2.22, 2.2.24, 2.2.26); NULL where none came.
 */
const struct lsa_translation *lsa_get_translations(struct ndr_reader *r, unsigned form,
						   uint32_t *count);
void lsa_put_translations(struct ndr_writer *w, unsigned form, const struct lsa_translation *all,
			  uint32_t count);
/* [unique] RPC_UNICODE_STRING* */
const char *lsa_get_unique_unicode(struct ndr_reader *r);
void lsa_put_unique_unicode(struct ndr_writer *w, const char *text);

#endif
