// SPDX-License-Identifier: Apache-2.0
/* Security descriptors as text (MS-DTYP 2.5.1); what reads it is sd_parse_sddl. */
#ifndef WIRE_SDDL_H
#define WIRE_SDDL_H

#include <wire/dtyp.h>

/*
 * sd_format_sddl - owner, group and DACL as a text that sd_parse_sddl takes, appended to @out
 * without a zero at its end. False: an entry is of a type that the text has no word for, or @out
 * is full.
 */
bool sd_format_sddl(struct buf *out, const struct security_descriptor *sd) MUST_CHECK;

#endif
