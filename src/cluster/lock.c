// SPDX-License-Identifier: Apache-2.0
/* Locks of open file descriptions: they go when the last descriptor is closed, also by death. */
#include <cluster/lock.h>

#include <errno.h>
#include <fcntl.h>

#define LOOK_MS 10 /* between two tries */

int lock_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? -errno : fd;
}

static int lock_with(int fd, int command)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, command, &whole) < 0 ? -errno : 0;
}

int lock_try(int fd)
{
	int error = lock_with(fd, F_OFD_SETLK);

	return error == -EACCES ? -EAGAIN : error;
}

int lock_try_for(int fd, uint64_t patience_ms)
{
	uint64_t until = monotonic_ms() + patience_ms;
	int error;

	while ((error = lock_try(fd)) == -EAGAIN && monotonic_ms() < until)
		sleep_ms(LOOK_MS);
	return error;
}

int lock_wait(int fd)
{
	return lock_with(fd, F_OFD_SETLKW);
}

bool lock_is_held(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}
