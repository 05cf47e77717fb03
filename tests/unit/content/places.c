// SPDX-License-Identifier: Apache-2.0
/* Folders, files, and a place that fails when it is told to. */
#include "places.h"

#include <content/key.h>
#include <errno.h>
#include <ftw.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "place_impl.h"

static char folder[64];

int scratch_make(void **state)
{
	/* In memory where that can be: these tests ask for much to be brought to the disk. */
	snprintf(folder, sizeof(folder), "%s/berth-content-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

int scratch_remove(void **state)
{
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *scratch(const char *name)
{
	static char paths[4][4096];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static FILE *create(const char *path)
{
	char copy[4096];
	FILE *file;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		(void)mkdir(copy, 0755);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	return file;
}

void write_noise(const char *path, uint64_t seed, size_t length)
{
	FILE *file = create(path);
	uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;

	for (size_t i = 0; i < length; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		fputc((int)(state >> 24 & 0xFF), file);
	}
	assert_int_equal(fclose(file), 0);
}

void write_text(const char *path, const char *text)
{
	FILE *file = create(path);

	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

bool same_files(const char *a, const char *b)
{
	auto_free char *command = xasprintf("diff -r '%s' '%s'", a, b);

	return system(command) == 0; /* NOLINT(cert-env33-c): the paths are the test's own */
}

struct place *new_place(const char *name)
{
	struct content_failure why = { 0 };
	struct place *place;

	assert_int_equal(mkdir(scratch(name), 0755), 0);
	place = place_open_directory(scratch(name), &why);
	assert_non_null(place);
	if (!layout_prepare(place, OWNER, &why))
		fail_msg("prepare: %s: %s", why.path, why.text);
	return place;
}

struct faulty {
	struct place place;
	struct place *inner;
	struct faults *faults;
	unsigned puts;
};

static struct faulty *of(struct place *place)
{
	return container_of(place, struct faulty, place);
}

/* The status that this operation fails with, or success. */
static ntstatus fault(struct place *place)
{
	struct faults *f = of(place)->faults;

	f->operations++;
	if (!f->fail_at || f->operations < f->fail_at ||
	    (f->fail_count && f->operations >= f->fail_at + f->fail_count))
		return STATUS_SUCCESS;
	return f->status;
}

static void faulty_begin(struct place *place, struct place_request *rq)
{
	struct faulty *f = of(place);
	bool is_mark = !strcmp(rq->name, LAYOUT_UNFINISHED);
	ntstatus status = is_mark && f->faults->lock_works ? STATUS_SUCCESS : fault(place);
	bool spoil = rq->verb == PLACE_PUT && f->faults->spoil_every &&
		     ++f->puts % f->faults->spoil_every == 0;
	struct place_request copy = *rq;

	if (status) {
		place_finish(place, rq, status, 0);
		return;
	}
	if (spoil)
		rq->data[rq->length / 2] ^= 1;
	place_begin(f->inner, &copy);
	place_drain(f->inner);
	if (spoil)
		rq->data[rq->length / 2] ^= 1;
	place_finish(place, rq, copy.status, copy.got);
}

static ntstatus faulty_write(struct place *place, const char *name, const void *data, size_t length)
{
	ntstatus status = fault(place);

	return status ? status : place_write(of(place)->inner, name, data, length);
}

static ntstatus faulty_compose(struct place *place, const char *name,
			       const struct place_part *parts, size_t count,
			       const uint8_t *expected)
{
	struct faults *faults = of(place)->faults;
	auto_buf struct buf there = { 0 };

	if (!faults->composes && !faults->refusal)
		return STATUS_NOT_SUPPORTED;
	faults->asked++;
	if (!place_read(of(place)->inner, name, PIECE_BYTES_MAX, &there))
		return STATUS_OBJECT_NAME_COLLISION;
	assert_int_equal(place_write(of(place)->inner, name, "garbage", 7), 0);
	return faults->composes ? STATUS_SUCCESS : faults->refusal;
}

static ntstatus faulty_list(struct place *place, const char *name, place_list_fn *each, void *owner)
{
	ntstatus status = fault(place);

	return status ? status : place_list(of(place)->inner, name, each, owner);
}

static ntstatus faulty_make_directory(struct place *place, const char *name)
{
	ntstatus status = fault(place);

	return status ? status : place_make_directory(of(place)->inner, name);
}

static ntstatus faulty_remove(struct place *place, const char *name)
{
	ntstatus status = fault(place);

	return status ? status : place_remove(of(place)->inner, name);
}

static ntstatus faulty_lock(struct place *place, const char *name)
{
	return of(place)->faults->lock_works ? STATUS_SUCCESS : fault(place);
}

static ntstatus faulty_reopen(struct place *place)
{
	struct faulty *f = of(place);

	f->faults->reopened++;
	if (f->faults->on_reopen)
		f->faults->on_reopen(f->inner);
	return STATUS_SUCCESS;
}

static ntstatus faulty_sync(struct place *place)
{
	ntstatus status = fault(place);

	of(place)->faults->synced += !status;
	return status;
}

static void faulty_close(struct place *place)
{
	free(of(place));
}

static void faulty_expect(struct place *place, const char *name)
{
	of(place)->faults->expected++;
	place_expect(of(place)->inner, name);
}

static const struct place_ops operations = {
	.begin = faulty_begin,
	.expect = faulty_expect,
	.write = faulty_write,
	.compose = faulty_compose,
	.list = faulty_list,
	.make_directory = faulty_make_directory,
	.remove = faulty_remove,
	.lock = faulty_lock,
	.sync = faulty_sync,
	.reopen = faulty_reopen,
	.close = faulty_close,
};

struct place *faulty_place(struct place *inner, struct faults *faults)
{
	struct faulty *f = xalloc(1, sizeof(*f));

	f->place.ops = &operations;
	f->place.title = xasprintf("faulty %s", place_title(inner));
	f->place.depth = place_depth(inner);
	f->inner = inner;
	f->faults = faults;
	return &f->place;
}
