// SPDX-License-Identifier: Apache-2.0
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifdef VOLUME_FAULTS
#include <pthread.h>
#include <signal.h>

static struct {
	char call[32], what[32];
	unsigned at;
	unsigned seen;
} fault;

static void fault_read(void)
{
	const char *text = getenv("BERTH_VOLUME_FAULT");

	if (text && sscanf(text, "%31[^:]:%u:%31s", fault.call, &fault.at, fault.what) != 3)
		fault.call[0] = 0;
}

static int fault_now(const char *call)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fault_read);
	if (strcmp(call, fault.call) ||
	    __atomic_add_fetch(&fault.seen, 1, __ATOMIC_RELAXED) != fault.at)
		return 0;
	if (!strcmp(fault.what, "kill"))
		raise(SIGKILL);
	return -atoi(fault.what);
}
#define FAULT(call)                                                                                \
	do {                                                                                       \
		int failed = fault_now(call);                                                      \
                                                                                                   \
		if (failed)                                                                        \
			return failed;                                                             \
	} while (0)
#else
#define FAULT(call)                                                                                \
	do {                                                                                       \
	} while (0)
#endif

static int sys_openat2(int dir, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = resolve,
	};
	long fd;

	FAULT("openat2");
	fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

static int sys_statx(int dir, const char *name, struct statx *out)
{
	FAULT("statx");
	return statx(dir, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		     STATX_BASIC_STATS | STATX_BTIME, out)
		       ? -errno
		       : 0;
}

static ssize_t sys_getdents(int fd, void *data, size_t length)
{
	long n;

	FAULT("getdents");
	n = syscall(SYS_getdents64, fd, data, length);
	return n < 0 ? -errno : n;
}

static ssize_t sys_get_record(int fd, void *data, size_t length)
{
	ssize_t n;

	FAULT("get_record");
	n = fgetxattr(fd, META_XATTR, data, length);
	return n < 0 ? -errno : n;
}

/* Without getxattrat: through a descriptor that only names the entry. */
static ssize_t get_record_by_fd(int dir, const char *name, void *data, size_t length)
{
	auto_close int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char path[40];
	ssize_t n;

	if (fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = getxattr(path, META_XATTR, data, length);
	return n < 0 ? -errno : n;
}

#define NR_GETXATTRAT 464 /* Linux 6.13; not in the headers of Debian 12 */

static ssize_t sys_get_record_at(int dir, const char *name, void *data, size_t length)
{
	static bool missing; /* found out once; every thread finds the same */
	struct {
		uint64_t value;
		uint32_t size;
		uint32_t flags;
	} args = { .value = (uint64_t)(uintptr_t)data, .size = (uint32_t)length };
	long n;

	FAULT("get_record_at");
	if (__atomic_load_n(&missing, __ATOMIC_RELAXED))
		return get_record_by_fd(dir, name, data, length);
	n = syscall(NR_GETXATTRAT, dir, name, AT_SYMLINK_NOFOLLOW, META_XATTR, &args, sizeof(args));
	if (n >= 0)
		return n;
	/* a seccomp filter that does not know the call may say EPERM */
	if (errno != ENOSYS && errno != EPERM)
		return -errno;
	__atomic_store_n(&missing, true, __ATOMIC_RELAXED);
	return get_record_by_fd(dir, name, data, length);
}

static int sys_set_record(int fd, const void *data, size_t length)
{
	FAULT("set_record");
	return fsetxattr(fd, META_XATTR, data, length, 0) ? -errno : 0;
}

static ssize_t sys_get_ea(int fd, void *data, size_t length)
{
	ssize_t n;

	FAULT("get_ea");
	n = fgetxattr(fd, EA_XATTR, data, length);
	return n < 0 ? -errno : n;
}

static int sys_set_ea(int fd, const void *data, size_t length)
{
	FAULT("set_ea");
	if (length)
		return fsetxattr(fd, EA_XATTR, data, length, 0) ? -errno : 0;
	return fremovexattr(fd, EA_XATTR) && errno != ENODATA ? -errno : 0;
}

static int sys_mkdir(int dir, const char *name, mode_t mode)
{
	FAULT("mkdir");
	return mkdirat(dir, name, mode) ? -errno : 0;
}

static int sys_unlink(int dir, const char *name, int flags)
{
	FAULT("unlink");
	return unlinkat(dir, name, flags) ? -errno : 0;
}

static int sys_rename(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	FAULT("rename");
	return renameat2(from_dir, from, to_dir, to, flags) ? -errno : 0;
}

static int sys_link(int fd, int to_dir, const char *to)
{
	char path[40];

	FAULT("link");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, to_dir, to, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

static int sys_truncate(int fd, uint64_t size)
{
	FAULT("truncate");
	if (size > INT64_MAX)
		return -EINVAL;
	return ftruncate(fd, (off_t)size) ? -errno : 0;
}

static int sys_fallocate(int fd, int mode, uint64_t offset, uint64_t length)
{
	FAULT("fallocate");
	if (offset > INT64_MAX || length > INT64_MAX)
		return -EINVAL;
	return fallocate(fd, mode, (off_t)offset, (off_t)length) ? -errno : 0;
}

static ssize_t sys_copy(int from, uint64_t from_offset, int to, uint64_t to_offset, size_t length)
{
	off64_t in = (off64_t)from_offset;
	off64_t out = (off64_t)to_offset;
	ssize_t n;

	FAULT("copy");
	n = copy_file_range(from, &in, to, &out, length, 0);
	return n < 0 ? -errno : n;
}

static int sys_set_times(int fd, const struct timespec times[2])
{
	FAULT("set_times");
	return futimens(fd, times) ? -errno : 0;
}

static int sys_set_compressed(int fd, bool compressed)
{
	int flags;

	FAULT("set_compressed");
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return -errno;
	flags &= ~(FS_COMPR_FL | FS_NOCOMP_FL);
	flags |= compressed ? FS_COMPR_FL : 0;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) ? -errno : 0;
}

static bool sys_may_compress(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) &&
	       (fs.f_type == BTRFS_SUPER_MAGIC || fs.f_type == F2FS_SUPER_MAGIC);
}

static int sys_sync(int fd)
{
	FAULT("sync");
	return fsync(fd) ? -errno : 0;
}

static int sys_sync_all(int fd)
{
	FAULT("sync_all");
	return syncfs(fd) ? -errno : 0;
}

struct volume_sys sys = {
	.openat2 = sys_openat2,
	.statx = sys_statx,
	.getdents = sys_getdents,
	.get_record = sys_get_record,
	.get_record_at = sys_get_record_at,
	.set_record = sys_set_record,
	.get_ea = sys_get_ea,
	.set_ea = sys_set_ea,
	.mkdir = sys_mkdir,
	.unlink = sys_unlink,
	.rename = sys_rename,
	.link = sys_link,
	.truncate = sys_truncate,
	.fallocate = sys_fallocate,
	.copy = sys_copy,
	.set_times = sys_set_times,
	.set_compressed = sys_set_compressed,
	.may_compress = sys_may_compress,
	.sync = sys_sync,
	.sync_all = sys_sync_all,
};
