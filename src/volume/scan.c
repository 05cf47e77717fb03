// SPDX-License-Identifier: Apache-2.0
#include "scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define ROOM_FIRST    4096u /* most directories are small */
#define ROOM_NEXT     (128u << 10)

/* linux_dirent64: u64 inode, s64 offset, u16 length, u8 type, the name and its end. */
#define DIRENT_LENGTH 16u
#define DIRENT_TYPE   18u
#define DIRENT_NAME   19u

int scan_begin(struct dir_scan *scan, struct volume_node *directory)
{
	memset(scan, 0, sizeof(*scan));
	scan->fd = sys.openat2(directory->fd, ".", O_RDONLY | O_DIRECTORY, 0, RESOLVE_SAFE);
	return scan->fd < 0 ? scan->fd : 0;
}

static int fill(struct dir_scan *scan)
{
	size_t room = scan->room ? ROOM_NEXT : ROOM_FIRST;
	ssize_t n;

	if (scan->room != room) {
		free(scan->data);
		scan->room = 0;
		scan->data = malloc(room);
		if (!scan->data)
			return -ENOMEM;
		scan->room = room;
	}
	n = sys.getdents(scan->fd, scan->data, scan->room);
	scan->at = 0;
	scan->length = n < 0 ? 0 : (size_t)n;
	if (n <= 0) { /* whoever keeps the listing open keeps no block */
		free(scan->data);
		scan->data = NULL;
		scan->room = 0;
	}
	return n < 0 ? (int)n : n > 0;
}

int scan_next(struct dir_scan *scan, const char **name, uint8_t *type)
{
	for (;;) {
		uint16_t length;
		int more = scan->at < scan->length ? 1 : fill(scan);
		const char *at;

		if (more <= 0)
			return more;
		memcpy(&length, scan->data + scan->at + DIRENT_LENGTH, sizeof(length));
		at = (const char *)scan->data + scan->at + DIRENT_NAME;
		if (type)
			*type = scan->data[scan->at + DIRENT_TYPE];
		scan->last = scan->at;
		scan->at += length;
		if (at[0] == '.' && (!at[1] || (at[1] == '.' && !at[2])))
			continue;
		*name = at;
		return 1;
	}
}

void scan_rewind(struct dir_scan *scan)
{
	scan->at = scan->length = 0;
	if (scan->fd >= 0)
		(void)lseek(scan->fd, 0, SEEK_SET);
}

void scan_end(struct dir_scan *scan)
{
	close_fd_ptr(&scan->fd);
	scan->fd = -1;
	free(scan->data);
	scan->data = NULL;
	scan->at = scan->length = scan->room = 0;
}
