// SPDX-License-Identifier: Apache-2.0
/* What the files of the probe share. */
#ifndef SITE_PROBE_IMPL_H
#define SITE_PROBE_IMPL_H

#include <site/probe.h>

/* Where a step belongs, as far as advice goes. */
enum probe_place { PLACE_SERVER, PLACE_SHARE, PLACE_ADMIN };

struct probe_advice {
	const char *cause, *remedy;
};
/* probe_advise - the likely cause of @status there, and what to do; never NULL. */
struct probe_advice probe_advise(enum probe_place place, ntstatus status);

#endif
