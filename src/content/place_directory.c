// SPDX-License-Identifier: Apache-2.0
/*
 * A place that is a local directory. What is asked is done at once, on the caller's thread; only
 * what is expected is fetched beside it. Every name is resolved beneath the root, and no symbolic
 * link is followed.
 */
#include "place_impl.h"
#include "read_ahead.h"

#include <base/files.h>
#include <errno.h>

#define DIRECTORY_DEPTH 4 /* buffers of the caller's; nothing waits here */

struct directory {
	struct place place;
	struct tree *tree;
	struct read_ahead *ahead;
	int lock;
};

static struct directory *of(struct place *place)
{
	return container_of(place, struct directory, place);
}

static ntstatus read_part(struct directory *d, struct place_request *rq)
{
	auto_close int fd = tree_file(d->tree, rq->name, FILE_READ, FILE_USUAL);
	size_t got;
	int error = fd < 0 ? fd : file_read_at(fd, rq->data, rq->length, rq->offset, &got);

	if (fd == -EINVAL)
		return STATUS_OBJECT_TYPE_MISMATCH; /* no regular file */
	if (!error)
		place_finish(&d->place, rq, STATUS_SUCCESS, got);
	if (!error)
		read_ahead_done(d->ahead, fd);
	return ntstatus_of_errno(error);
}

static int write_file(const struct directory *d, const char *name, enum file_how how,
		      const void *data, size_t length, bool durable)
{
	auto_close int fd = tree_file(d->tree, name, how, FILE_USUAL);
	int error = fd < 0 ? fd : file_write(fd, data, length);

	return error ? error : file_close(&fd, durable);
}

static int write_staged(struct directory *d, const char *name, const void *data, size_t length,
			bool durable)
{
	char staged[PLACE_STAGING_NAME];
	int error;

	place_staging_name(staged);
	error = write_file(d, staged, FILE_NEW, data, length, durable);
	if (!error)
		error = tree_rename(d->tree, staged, name, durable);
	if (error)
		(void)!tree_remove(d->tree, staged);
	return error;
}

static ntstatus remove_file(struct directory *d, struct place_request *rq)
{
	int error = tree_remove_file(d->tree, rq->name);

	if (!error)
		place_finish(&d->place, rq, STATUS_SUCCESS, 0);
	return ntstatus_of_errno(error);
}

static void directory_begin(struct place *place, struct place_request *rq)
{
	struct directory *d = of(place);
	ntstatus status;

	if (rq->verb == PLACE_PUT) {
		enum file_how how = rq->is_new ? FILE_NEW : FILE_OVER;
		int error = rq->replace ? write_staged(d, rq->name, rq->data, rq->length, false)
					: write_file(d, rq->name, how, rq->data, rq->length, false);

		place_finish(place, rq, ntstatus_of_errno(error), 0);
		return;
	}
	status = rq->verb == PLACE_REMOVE ? remove_file(d, rq) : read_part(d, rq);
	if (status)
		place_finish(place, rq, status, 0);
}

static void directory_expect(struct place *place, const char *name)
{
	read_ahead_add(of(place)->ahead, name);
}

static void directory_plan(struct place *place, uint64_t bytes)
{
	read_ahead_plan(of(place)->ahead, bytes);
}

static ntstatus directory_write(struct place *place, const char *name, const void *data,
				size_t length)
{
	return ntstatus_of_errno(write_staged(of(place), name, data, length, true));
}

static ntstatus directory_list(struct place *place, const char *name, place_list_fn *each,
			       void *owner)
{
	return ntstatus_of_errno(tree_list(of(place)->tree, name, each, owner));
}

static ntstatus directory_make(struct place *place, const char *name)
{
	int error = tree_make_directory(of(place)->tree, name);

	return error == -EEXIST ? STATUS_SUCCESS : ntstatus_of_errno(error);
}

static ntstatus directory_remove(struct place *place, const char *name)
{
	return ntstatus_of_errno(tree_remove(of(place)->tree, name));
}

static ntstatus directory_set_access(struct place *place, const char *name,
				     enum place_access access)
{
	static const unsigned modes[] = { [PLACE_PRIVATE] = 0600, [PLACE_DROP] = 01733 };

	return ntstatus_of_errno(tree_set_mode(of(place)->tree, name, modes[access]));
}

static ntstatus directory_lock(struct place *place, const char *name)
{
	struct directory *d = of(place);
	int error = d->lock >= 0 ? 0 : tree_lock(d->tree, name, &d->lock);

	return error == -EWOULDBLOCK ? STATUS_SHARING_VIOLATION : ntstatus_of_errno(error);
}

static void directory_unlock(struct place *place)
{
	close_fd_ptr(&of(place)->lock);
}

static ntstatus directory_sync(struct place *place)
{
	return ntstatus_of_errno(tree_sync(of(place)->tree));
}

static ntstatus directory_free_bytes(struct place *place, uint64_t *free_bytes)
{
	return ntstatus_of_errno(tree_free_bytes(of(place)->tree, free_bytes));
}

static void directory_close(struct place *place)
{
	struct directory *d = of(place);

	read_ahead_free(d->ahead);
	close_fd_ptr(&d->lock);
	tree_close(d->tree);
	free(d);
}

static const struct place_ops operations = {
	.begin = directory_begin,
	.plan = directory_plan,
	.expect = directory_expect,
	.write = directory_write,
	.list = directory_list,
	.make_directory = directory_make,
	.remove = directory_remove,
	.set_access = directory_set_access,
	.lock = directory_lock,
	.unlock = directory_unlock,
	.sync = directory_sync,
	.free_bytes = directory_free_bytes,
	.close = directory_close,
};

struct place *place_open_directory(const char *path, struct content_failure *why)
{
	struct tree *tree;
	int error = tree_open(path, &tree);
	struct directory *d;

	if (error) {
		content_fail_errno(why, error, path, "open a directory of content");
		return NULL;
	}
	d = xalloc(1, sizeof(*d));
	d->place.ops = &operations;
	d->place.title = xstrdup(path);
	d->place.depth = DIRECTORY_DEPTH;
	d->tree = tree;
	d->ahead = read_ahead_new(tree);
	d->lock = -1;
	return &d->place;
}
