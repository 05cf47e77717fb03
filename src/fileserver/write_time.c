// SPDX-License-Identifier: Apache-2.0
/*
 * A last write time that lags behind writes, on a share that asks for it (STORE_SHARE_DELAYED_-
 * WRITE_TIME). MS-FSA 2.1.4.17 lets a server put the update off until the handle ends; Windows did
 * so before Server 2019, and programs that compare times while a file is being written were made
 * for that.
 *
 * The first write leaves the time that clients see as it was for two seconds; then it is that of
 * the write. What is written after that shows when the file is flushed, resized or given
 * attributes; where it was put off until the handle ends, the end is its time. The disk always has
 * the true time: only what is shown lags, and a failover shows the truth.
 *
 * file->lock guards the lag.
 */
#include "opens.h"

#define LAG_MS 2000u

static bool is_delayed(const struct open *open)
{
	return open->share->flags & STORE_SHARE_DELAYED_WRITE_TIME;
}

void write_time_delay(struct open *open)
{
	struct file *file = open->file;
	struct volume_attributes now;

	if (!is_delayed(open) || file->stream || file->lag == LAG_FROZEN ||
	    (file->lag == LAG_PENDING && monotonic_ms() < file->lag_due_ms))
		return;
	if (volume_attributes(file->node, &now) != STATUS_SUCCESS)
		return; /* the truth is shown */
	file->lag_shown = now.last_write_time;
	if (file->lag == LAG_PENDING) {
		file->lag = LAG_FROZEN;
		return;
	}
	file->lag = LAG_PENDING;
	file->lag_due_ms = monotonic_ms() + LAG_MS;
}

void write_time_settle(struct file *file)
{
	file->lag = LAG_NONE;
}

void write_time_apply(const struct file *file, struct volume_attributes *attributes)
{
	if (file->lag == LAG_FROZEN ||
	    (file->lag == LAG_PENDING && monotonic_ms() < file->lag_due_ms))
		attributes->last_write_time = file->lag_shown;
}

void write_time_end(struct open *open)
{
	struct file *file = open->file;
	struct volume_attributes now = { .last_write_time = nttime_now() };

	if (!open->written)
		return;
	if (file->lag == LAG_FROZEN && !file->gone)
		(void)!volume_set_attributes(file->node, &now, VOLUME_SET_LAST_WRITE_TIME);
	write_time_settle(file);
}

void open_flushed(struct open *open)
{
	struct file *file = open->file;

	pthread_mutex_lock(&file->lock);
	write_time_settle(file);
	pthread_mutex_unlock(&file->lock);
}
