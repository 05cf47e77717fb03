// SPDX-License-Identifier: Apache-2.0
/*
 * The life of an open. Five things may want the same open at once: its client closes it, the client
 * comes back for it, its time runs out, another open is in its way, an administrator or the end of
 * the server closes it. Each of them is a move; a move is made by one compare-and-swap, and only
 * who made it goes on, so that what the move means is done once.
 *
 *          open_enter          durable_park           reconnect
 *   NEW ---------------> LIVE --------------> PARKED -----------> RESUMED
 *                         |                      |
 *                         +-------> CLOSED <-----+
 *
 * An open is parked once: coming back makes another one, which takes over all that the first had
 * (reconnect.c). LIVE to PARKED and PARKED to RESUMED are made under the locks of the file, so that
 * a break sees either.
 */
#include "opens.h"

static const bool allowed[OPEN_STATES][OPEN_STATES] = {
	[OPEN_NEW] = { [OPEN_LIVE] = true },
	[OPEN_LIVE] = { [OPEN_PARKED] = true, [OPEN_CLOSED] = true },
	[OPEN_PARKED] = { [OPEN_RESUMED] = true, [OPEN_CLOSED] = true },
};

bool open_move(struct open *open, enum open_state from, enum open_state to)
{
	unsigned expected = from;

	BUG_ON(!allowed[from][to]);
	return atomic_compare_exchange_strong(&open->state, &expected, to);
}
