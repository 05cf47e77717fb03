// SPDX-License-Identifier: Apache-2.0
/*
 * How fast a distribution point may be written to, by hour of day. Rates are tried in their order,
 * the first whose window is open counts; where none does, there is no limit:
 *
 *	mon,tue,wed,thu,fri 07:00-19:00 2M; daily 02:00-03:00 0; 50M
 *
 * A window is that of policy/window.h, in the time of whoever writes (the site's server, or the
 * client that fills the point); a rate is bytes a second (K, M, G: of 1024), and 0 says that
 * nothing is done at the point then.
 */
#ifndef POLICY_RATES_H
#define POLICY_RATES_H

#include <policy/window.h>

#define RATES_MAX      16
#define RATES_TEXT_MAX 2048
#define RATE_FREE      UINT64_MAX

struct rates {
	struct {
		struct window window;
		bool always; /* no window */
		uint64_t bytes_s;
	} list[RATES_MAX];
	size_t count;
};
/* rates_parse - false where it is none; an empty text is no limit. */
bool rates_parse(const char *text, struct rates *out) MUST_CHECK;
/* rates_now - bytes a second at @now (since 1970); 0: closed; RATE_FREE: no limit. */
uint64_t rates_now(const struct rates *rates, int64_t now);

/* What may go to one point, as bytes are let through: never more than a second's worth at once, but
 * for the one piece that is larger, which whatever comes behind it waits for, also of another
 * package. One thread. */
struct throttle {
	struct rates rates;
	double spare; /* bytes; negative: sent in advance */
	uint64_t last_ms;
	bool is_closed; /* the hour of a rate of 0 has come */
};
/* throttle_bind - what comes now goes at these @rates, behind what was sent in advance; false where
 * they are none. */
bool throttle_bind(struct throttle *t, const char *rates) MUST_CHECK;
/* throttle_wait_ms - 0: @bytes go now, and are counted; else ask again then. @now_ms is monotonic.
 */
uint64_t throttle_wait_ms(struct throttle *t, uint64_t now_ms, int64_t now_s, uint64_t bytes);

#endif
