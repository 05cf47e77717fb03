// SPDX-License-Identifier: Apache-2.0
/* FLUSH: what goes to the disk with what, and whom it is refused (MS-SMB2 3.3.5.11,
 * MS-FSA 2.1.5.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "peer.h"
#include "sys.h"

static unsigned all;
static int answer_of_disk;
static bool disk_hangs;
static bool told; /* that it takes its time */

/* Called on helper threads, which the answer waits for. */
static int counting_sync_all(int fd)
{
	while (__atomic_load_n(&disk_hangs, __ATOMIC_RELAXED))
		usleep(1000);
	__atomic_add_fetch(&all, 1, __ATOMIC_RELAXED);
	return answer_of_disk;
}

static ntstatus flush(struct peer *p, const char *name, uint32_t access, uint32_t options)
{
	struct smb2_create_request create = peer_file(access);
	struct smb2_create_response answer = { 0 };
	struct smb2_flush_request r = { 0 };
	struct buf b;
	struct smb2_header h;
	struct cursor body;

	create.create_options = options;
	assert_int_equal(peer_create(p, name, create, &answer), STATUS_SUCCESS);
	r.file_id = answer.file_id;
	b = peer_begin(p, SMB2_FLUSH);
	smb2_flush_request_encode(&b, &r);
	assert_true(peer_ask(p, &b, &h, &body));
	told = h.status == STATUS_PENDING;
	while (h.status == STATUS_PENDING)
		assert_true(peer_answer(p, &h, &body));
	assert_int_equal(peer_close_file(p, answer.file_id), STATUS_SUCCESS);
	return h.status;
}

static void with_a_directory_goes_all_that_is_on_the_volume(void **state)
{
	struct peer p;

	peer_connect(&p);
	all = 0;
	assert_int_equal(flush(&p, "", FILE_WRITE_DATA, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
	assert_int_equal(all, 1);
	assert_true(told);
	assert_int_equal(flush(&p, "", FILE_APPEND_DATA, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
	assert_int_equal(all, 2);
	assert_int_equal(flush(&p, "below", FILE_WRITE_DATA, FILE_DIRECTORY_FILE), STATUS_SUCCESS);
	assert_int_equal(all, 3);
	peer_close(&p);
}

static void a_file_goes_alone(void **state)
{
	struct peer p;

	peer_connect(&p);
	all = 0;
	assert_int_equal(flush(&p, "below\\file", FILE_WRITE_DATA, 0), STATUS_SUCCESS);
	assert_int_equal(flush(&p, "file", FILE_WRITE_DATA, 0), STATUS_SUCCESS);
	assert_int_equal(flush(&p, "file:stream", FILE_WRITE_DATA, 0), STATUS_SUCCESS);
	assert_int_equal(all, 0);
	peer_close(&p);
}

static void who_may_make_nothing_in_it_flushes_no_directory(void **state)
{
	struct peer p;

	peer_connect(&p);
	all = 0;
	assert_int_equal(flush(&p, "", FILE_READ_DATA | FILE_READ_ATTRIBUTES, FILE_DIRECTORY_FILE),
			 STATUS_ACCESS_DENIED);
	assert_int_equal(all, 0);
	peer_close(&p);
}

static void what_the_disk_says_is_answered(void **state)
{
	struct peer p;

	peer_connect(&p);
	answer_of_disk = -ENOSPC;
	assert_int_equal(flush(&p, "", FILE_WRITE_DATA, FILE_DIRECTORY_FILE), STATUS_DISK_FULL);
	answer_of_disk = 0;
	peer_close(&p);
}

#define ALL_MAX 8u /* at a time */

/* A disk that hangs holds up no more than half of the threads that all clients share. */
static void more_than_so_many_at_a_time_are_refused(void **state)
{
	struct smb2_create_request create = peer_file(FILE_WRITE_DATA);
	struct smb2_create_response answer = { 0 };
	struct smb2_flush_request r = { 0 };
	unsigned pending = 0, refused = 0, done = 0;
	struct smb2_header h;
	struct cursor body;
	struct peer p;

	peer_connect(&p);
	create.create_options = FILE_DIRECTORY_FILE;
	assert_int_equal(peer_create(&p, "", create, &answer), STATUS_SUCCESS);
	r.file_id = answer.file_id;
	__atomic_store_n(&disk_hangs, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < ALL_MAX + 1; i++) {
		struct buf b = peer_begin(&p, SMB2_FLUSH);

		smb2_flush_request_encode(&b, &r);
		peer_send(&p, &b);
	}
	for (unsigned i = 0; i < ALL_MAX + 1; i++) {
		assert_true(peer_answer(&p, &h, &body));
		pending += h.status == STATUS_PENDING;
		refused += h.status == STATUS_INSUFFICIENT_RESOURCES;
	}
	__atomic_store_n(&disk_hangs, false, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < pending; i++) {
		assert_true(peer_answer(&p, &h, &body));
		done += !h.status;
	}
	assert_int_equal(pending, ALL_MAX);
	assert_int_equal(refused, 1);
	assert_int_equal(done, ALL_MAX);
	assert_int_equal(peer_close_file(&p, answer.file_id), STATUS_SUCCESS);
	peer_close(&p);
}

static int start(void **state)
{
	sys.sync_all = counting_sync_all;
	peer_start(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_a_directory_goes_all_that_is_on_the_volume),
		cmocka_unit_test(a_file_goes_alone),
		cmocka_unit_test(who_may_make_nothing_in_it_flushes_no_directory),
		cmocka_unit_test(more_than_so_many_at_a_time_are_refused),
		cmocka_unit_test(what_the_disk_says_is_answered),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
