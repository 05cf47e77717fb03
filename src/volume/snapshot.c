// SPDX-License-Identifier: Apache-2.0
/*
 * Previous versions: each directory in <home>/snapshots is the volume as it was, with its own home
 * in it (a btrfs subvolume, a mounted LVM snapshot, a copy). When it was taken its name says, on
 * btrfs the subvolume itself, else the directory's time of birth where that is its own. Of a
 * directory that snapper made ("12/snapshot") the one within it is meant.
 *
 * To list them, each directory is opened and asked; so what was found is believed for a second,
 * unless the directory of them changes, and whoever asks for a snapshot that is not there costs no
 * more than one look at that directory.
 *
 * A snapshot in use is a read-only volume of its own: its inodes, records and depot are apart from
 * the live ones. It is open while any node of it is, so that an administrator can unmount and
 * remove what nobody reads; live->lock guards the list and the count. live->known.lock guards what
 * is known of all of them.
 */
#include <base/log.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "scan.h"
#include "snapshot.h"

#define SNAPSHOTS    VOLUME_HOME "/snapshots"
#define TICKS_SECOND 10000000u
#define KNOWN_MS     1000u
#define CTIME_GRAIN  (TICKS_SECOND / 20) /* two changes so close may have one time */

static nttime whole_seconds(nttime t)
{
	return nttime_of(t.ticks / TICKS_SECOND * TICKS_SECOND);
}

/* A subvolume knows when it was made; its root directory does not. */
static bool subvolume_time(int fd, nttime *out)
{
	struct btrfs_ioctl_get_subvol_info_args info;
	struct statfs fs;

	memset(&info, 0, sizeof(info));
	if (fstatfs(fd, &fs) || fs.f_type != BTRFS_SUPER_MAGIC ||
	    ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info))
		return false;
	*out = nttime_from_timespec((struct timespec){ .tv_sec = (time_t)info.otime.sec });
	return info.otime.sec;
}

/* A directory's birth tells where it was made as the copy; the root of another file system was born
 * with the live one. */
static bool birth_time(struct volume *live, int fd, nttime *out)
{
	struct statx st;

	if (sys.statx(fd, "", &st) || !(st.stx_mask & STATX_BTIME) ||
	    statx_key(live, &st).device != live->root->key.device)
		return false;
	*out = whole_seconds(nttime_from_timespec((struct timespec){
		.tv_sec = st.stx_btime.tv_sec, .tv_nsec = st.stx_btime.tv_nsec }));
	return true;
}

/* snapper numbers its snapshots and puts each beside what it notes of it. */
static bool is_numbered(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return !name[digits] && digits < 9;
}

/* The snapshot @name in the directory @home: its root and its time. */
static int snapshot_at(struct volume *live, int home, const char *name, int *root, nttime *time)
{
	auto_close int fd =
		sys.openat2(home, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_SAFE);

	if (fd >= 0 && is_numbered(name)) {
		int inner = sys.openat2(fd, "snapshot", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
					RESOLVE_SAFE);

		close_fd_ptr(&fd);
		fd = inner;
	}
	if (fd < 0)
		return fd;
	if (!snapshot_name_time(name, time) && !subvolume_time(fd, time) &&
	    !birth_time(live, fd, time))
		return -ENODATA;
	*root = steal_fd(&fd);
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const struct volume_snapshot *x = a, *y = b;

	if (x->time.ticks != y->time.ticks)
		return x->time.ticks < y->time.ticks ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* Of two that say the same time only the first by name can be asked for. */
static size_t drop_twins(struct volume_snapshot *list, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept && list[kept - 1].time.ticks == list[i].time.ticks)
			free(list[i].name);
		else
			list[kept++] = list[i];
	}
	return kept;
}

/* What there is in the directory *fd, which is taken. */
static int read_all(struct volume *live, int *fd, struct volume_snapshot **out, size_t *count)
{
	cleanup(scan_end) struct dir_scan scan = { .fd = steal_fd(fd) };
	const char *name;
	int more;

	*count = 0;
	*out = xalloc(VOLUME_SNAPSHOTS_MAX, sizeof(**out));
	while ((more = scan_next(&scan, &name, NULL)) > 0 && *count < VOLUME_SNAPSHOTS_MAX) {
		auto_close int root = -1;
		nttime time;

		if (snapshot_at(live, scan.fd, name, &root, &time))
			continue; /* a file, or it does not say when it was taken */
		(*out)[*count].time = time;
		(*out)[(*count)++].name = xstrdup(name);
	}
	sort_items(*out, *count, sizeof(**out), by_age);
	*count = drop_twins(*out, *count);
	return more < 0 ? more : 0;
}

static void forget(struct volume *live)
{
	volume_snapshots_free(live->known.list, live->known.count);
	live->known.list = NULL;
	live->known.count = 0;
	live->known.until_ms = 0;
}

/* A time of which another change may be, still. One in the future (the clock was set back) is no
 * such time: the next change will have another. */
static bool may_be_now(nttime changed)
{
	uint64_t now = nttime_now().ticks;

	return now <= changed.ticks + CTIME_GRAIN && changed.ticks <= now + CTIME_GRAIN;
}

/* Have live->known be true of this moment; its lock is held. */
static int know(struct volume *live)
{
	auto_close int fd = sys.openat2(live->root->fd, SNAPSHOTS,
					O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_SAFE);
	struct statx st;
	nttime changed;
	int error = fd < 0 ? fd : sys.statx(fd, "", &st);

	if (error) {
		forget(live);
		return error == -ENOENT ? 0 : error;
	}
	changed = nttime_from_timespec((struct timespec){ .tv_sec = st.stx_ctime.tv_sec,
							  .tv_nsec = st.stx_ctime.tv_nsec });
	if (monotonic_ms() < live->known.until_ms && changed.ticks == live->known.seen.ticks)
		return 0;
	forget(live);
	live->known.readings++;
	error = read_all(live, &fd, &live->known.list, &live->known.count);
	if (error) {
		forget(live);
		return error;
	}
	live->known.seen = changed;
	if (!may_be_now(changed))
		live->known.until_ms = monotonic_ms() + KNOWN_MS;
	return 0;
}

ntstatus volume_snapshots(struct volume *live, struct volume_snapshot **out, size_t *count)
{
	int error;

	pthread_mutex_lock(&live->known.lock);
	error = know(live);
	*count = live->known.count;
	*out = *count ? xalloc(*count, sizeof(**out)) : NULL;
	for (size_t i = 0; i < *count; i++) {
		(*out)[i].time = live->known.list[i].time;
		(*out)[i].name = xstrdup(live->known.list[i].name);
	}
	pthread_mutex_unlock(&live->known.lock);
	return error ? ntstatus_of_errno(error) : STATUS_SUCCESS;
}

/* The name of the snapshot that was taken at @time, a new string; NULL where there is none. */
static char *name_of(struct volume *live, nttime time, int *error)
{
	char *name = NULL;

	pthread_mutex_lock(&live->known.lock);
	*error = know(live);
	for (size_t i = 0; i < live->known.count && !name; i++)
		if (live->known.list[i].time.ticks == time.ticks)
			name = xstrdup(live->known.list[i].name);
	pthread_mutex_unlock(&live->known.lock);
	return name;
}

void volume_snapshots_free(struct volume_snapshot *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(list[i].name);
	free(list);
}

/* A descriptor of the root of the snapshot that was taken at @time. */
static int find_root(struct volume *live, nttime time, ntstatus *status)
{
	int error, root = -1;
	char auto_free *name = name_of(live, time, &error);
	auto_close int home = -1;
	nttime ignored;

	*status = error ? ntstatus_of_errno(error) : STATUS_OBJECT_NAME_NOT_FOUND;
	if (!name)
		return -1;
	home = sys.openat2(live->root->fd, SNAPSHOTS, O_RDONLY | O_DIRECTORY, 0, RESOLVE_SAFE);
	if (home >= 0 && !snapshot_at(live, home, name, &root, &ignored))
		*status = STATUS_SUCCESS;
	return root;
}

/* The open one of @time, counted; live->lock held. */
static struct volume *find_open(struct volume *live, nttime time)
{
	struct volume *snapshot = live->snapshots;

	while (snapshot && snapshot->taken.ticks != time.ticks)
		snapshot = snapshot->next_snapshot;
	if (snapshot)
		snapshot->uses++;
	return snapshot;
}

ntstatus volume_snapshot_open(struct volume *live, nttime when, struct volume **out)
{
	nttime time = whole_seconds(when);
	struct volume *made, *open;
	ntstatus status;
	int root;

	pthread_mutex_lock(&live->lock);
	*out = find_open(live, time);
	pthread_mutex_unlock(&live->lock);
	if (*out)
		return STATUS_SUCCESS;
	root = find_root(live, time, &status);
	if (status != STATUS_SUCCESS)
		return status;
	status = volume_of_snapshot(live, time, &root, &made);
	if (status != STATUS_SUCCESS)
		return status;
	pthread_mutex_lock(&live->lock);
	open = find_open(live, time); /* somebody was quicker */
	if (!open) {
		made->live = live;
		made->uses = 1;
		made->next_snapshot = live->snapshots;
		live->snapshots = made;
	}
	pthread_mutex_unlock(&live->lock);
	*out = open ? open : made;
	if (open)
		volume_close(made);
	return STATUS_SUCCESS;
}

bool volume_is_snapshot(const struct volume *volume)
{
	return volume->live;
}

void volume_snapshot_close(struct volume *snapshot)
{
	struct volume *live = snapshot->live;
	struct volume **at;
	bool last;

	pthread_mutex_lock(&live->lock);
	last = !--snapshot->uses;
	if (last) {
		for (at = &live->snapshots; *at != snapshot; at = &(*at)->next_snapshot)
			;
		*at = snapshot->next_snapshot;
	}
	pthread_mutex_unlock(&live->lock);
	if (!last)
		return;
	snapshot->live = NULL; /* its root is the last of its nodes, and not counted */
	volume_close(snapshot);
}

void snapshot_node_here(struct volume *volume)
{
	pthread_mutex_lock(&volume->live->lock);
	volume->uses++;
	pthread_mutex_unlock(&volume->live->lock);
}
