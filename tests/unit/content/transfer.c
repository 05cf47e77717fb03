// SPDX-License-Identifier: Apache-2.0
/* Content from a folder into a library and on to other places, whatever goes wrong on the way. */
#include "places.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Small pieces, so that a small folder has many. */
static const struct chunk_sizes small = { 1024, 4096, 16384 };

static void make_source(void)
{
	write_noise(scratch("src/bin/setup"), 1, 200000);
	write_noise(scratch("src/data/one"), 2, 5000);
	write_noise(scratch("src/data/two"), 3, 70000);
	write_text(scratch("src/readme"), "read me\n");
	write_text(scratch("src/empty"), "");
	assert_int_equal(chmod(scratch("src/bin/setup"), 0755), 0);
	assert_int_equal(mkdir(scratch("src/void"), 0755), 0);
}

static struct ingest_result ingest(struct place *library)
{
	const struct ingest_options options = { .sizes = &small };
	struct content_failure why = { 0 };
	struct ingest_result result;

	if (!content_ingest(scratch("src"), library, &options, &result, &why))
		fail_msg("ingest: %s: %s", why.path, why.text);
	return result;
}

static bool ingest_fails(struct place *library, struct content_failure *why)
{
	const struct ingest_options options = { .sizes = &small };
	struct ingest_result result;

	*why = (struct content_failure){ 0 };
	return !content_ingest(scratch("src"), library, &options, &result, why);
}

static struct transfer_result moved(struct place *from, struct place *to, const uint8_t *hash,
				    enum transfer_mode mode)
{
	const struct transfer_options options = { &from, 1, to, mode };
	struct content_failure why = { 0 };
	struct transfer_result result;

	if (!content_transfer(hash, &options, &result, &why))
		fail_msg("transfer: %s: %s", why.path, why.text);
	return result;
}

static void a_folder_is_taken_with_all_its_files(void **state)
{
	struct place *library auto_place = new_place("library");
	struct manifest m auto_manifest = { 0 };
	struct ingest_result result;

	make_source();
	result = ingest(library);
	assert_int_equal(result.bytes, 275008);
	assert_int_equal(result.files, 6);
	assert_true(layout_read_manifest(library, result.hash, &m, NULL));
	assert_string_equal(manifest_path(&m, &m.files[0]), "bin/setup");
	assert_int_equal(m.files[0].flags, MANIFEST_EXECUTABLE);
	assert_true(m.files[0].piece_count > 10);
	assert_string_equal(manifest_path(&m, &m.files[5]), "void");
	assert_int_equal(m.files[5].flags, MANIFEST_DIRECTORY);
}

static void the_same_folder_has_the_same_hash_and_adds_nothing(void **state)
{
	struct place *library auto_place = new_place("library");
	struct ingest_result first, second;

	make_source();
	first = ingest(library);
	second = ingest(library);
	assert_memory_equal(first.hash, second.hash, SHA256_LENGTH);
	assert_int_equal(second.new_pieces, 0);
}

static void what_rotted_in_the_library_is_mended_by_the_same_folder(void **state)
{
	static const char damage[] = "cd '%s' && set -- $(find . -type f -size +8 | sort) && "
				     "printf rot | dd of=$1 conv=notrunc status=none && "
				     "truncate -s -1 $2 && rm $3 && echo more >>$4";
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("point");
	const struct ingest_options verify = { .sizes = &small, .verify = true };
	struct content_failure why = { 0 };
	struct ingest_result first, second;
	auto_free char *command = NULL;

	make_source();
	first = ingest(library);
	assert_int_equal(first.mended_pieces, 0);
	command = xasprintf(damage, scratch("library/pieces"));
	assert_int_equal(system(command), 0);
	assert_true(content_ingest(scratch("src"), library, &verify, &second, &why));
	assert_memory_equal(first.hash, second.hash, SHA256_LENGTH);
	assert_int_equal(second.mended_pieces, 3);
	assert_int_equal(second.new_pieces, 1);
	assert_int_equal(moved(library, target, first.hash, TRANSFER_MISSING).sent,
			 first.new_pieces);
	assert_true(content_ingest(scratch("src"), library, &verify, &second, &why));
	assert_int_equal(second.mended_pieces + second.new_pieces, 0);
}

static void an_insertion_costs_few_pieces(void **state)
{
	struct place *library auto_place = new_place("library");
	struct ingest_result before, after;
	char *command;

	make_source();
	before = ingest(library);
	command = xasprintf("cd '%s' && { head -c 100000 setup; echo inserted; tail -c +100001 "
			    "setup; } >new && mv new setup",
			    scratch("src/bin"));
	assert_int_equal(system(command), 0);
	free(command);
	after = ingest(library);
	assert_true(before.new_pieces > 40);
	assert_in_range(after.new_pieces, 1, 3);
}

static void a_source_that_is_lost_is_not_asked_for_every_piece(void **state)
{
	struct faults faults = { .fail_at = 1, .status = STATUS_IO_TIMEOUT };
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("point");
	struct place *lost auto_place = faulty_place(library, &faults);
	struct place *from[] = { lost, library };
	const struct transfer_options options = { from, 2, target, TRANSFER_MISSING,
						  .known = library };
	struct content_failure why = { 0 };
	struct transfer_result result;
	struct ingest_result package;

	make_source();
	package = ingest(library);
	assert_true(content_transfer(package.hash, &options, &result, &why));
	assert_true(result.sent > 40);
	assert_in_range(faults.operations, 1, place_depth(target));
}

/* A version that differs from @first in the middle of one piece, brought to @target, which has the
 * first. */
static struct transfer_result bring_edited(struct place *library, struct place *target,
					   const uint8_t *first, uint8_t *second)
{
	uint8_t held[1][SHA256_LENGTH];
	struct transfer_options options = {
		&library, 1, target, TRANSFER_MISSING, held, 1, library
	};
	struct content_failure why = { 0 };
	struct transfer_result result;
	struct ingest_result after;
	FILE *file = fopen(scratch("src/large"), "r+");

	assert_non_null(file);
	assert_int_equal(fseek(file, 500000, SEEK_SET), 0);
	assert_true(fputs("edited", file) >= 0 && !fclose(file));
	assert_true(content_ingest(scratch("src"), library, &(struct ingest_options){ 0 }, &after,
				   &why));
	memcpy(held[0], first, SHA256_LENGTH);
	memcpy(second, after.hash, SHA256_LENGTH);
	if (!content_transfer(second, &options, &result, &why))
		fail_msg("transfer: %s: %s", why.path, why.text);
	return result;
}

/* @composes: the target says that it has put a piece together, and has not. */
static void bring_to_target(ntstatus refusal, bool composes)
{
	struct faults faults = { .composes = composes, .refusal = refusal }, none = { 0 };
	struct place *library auto_place = new_place("library");
	struct place *source auto_place = faulty_place(library, &none);
	struct place *inner auto_place = new_place("point");
	struct place *target auto_place = faulty_place(inner, &faults);
	struct content_failure why = { 0 };
	struct transfer_result result;
	uint8_t second[SHA256_LENGTH];
	struct ingest_result first;

	write_noise(scratch("src/large"), 5, 1000000);
	assert_true(content_ingest(scratch("src"), library, &(struct ingest_options){ 0 }, &first,
				   &why));
	(void)moved(library, target, first.hash, TRANSFER_MISSING);
	result = bring_edited(source, target, first.hash, second);
	assert_int_equal(faults.asked, 1);
	/* The old piece and the new one are compared; the new one is read again to be sent. */
	assert_int_equal(none.expected, composes ? 2 : 3);
	assert_int_equal(result.composed, composes);
	assert_int_equal(result.sent, 1);
	assert_int_equal(moved(library, target, second, TRANSFER_CHECK).bad, 0);
}

static void a_target_that_may_not_copy_is_sent_the_whole_piece(void **state)
{
	bring_to_target(STATUS_NOT_SUPPORTED, false);
}

static void a_target_that_knows_no_copies_is_sent_the_whole_piece(void **state)
{
	bring_to_target(STATUS_INVALID_DEVICE_REQUEST, false);
}

static void what_a_target_put_together_wrongly_is_sent_whole(void **state)
{
	bring_to_target(STATUS_SUCCESS, true);
}

static void sources_that_cannot_be_taken_are_named(void **state)
{
	struct place *library auto_place = new_place("library");
	struct content_failure why;

	make_source();
	assert_int_equal(symlink("readme", scratch("src/link")), 0);
	assert_true(ingest_fails(library, &why));
	assert_int_equal(why.problem, CONTENT_BAD_FILE);
	assert_string_equal(why.path, "link");
	assert_int_equal(unlink(scratch("src/link")), 0);

	assert_int_equal(mkfifo(scratch("src/pipe"), 0644), 0);
	assert_true(ingest_fails(library, &why));
	assert_int_equal(why.problem, CONTENT_BAD_FILE);
	assert_int_equal(unlink(scratch("src/pipe")), 0);

	write_text(scratch("src/README"), "twin");
	assert_true(ingest_fails(library, &why));
	assert_int_equal(why.problem, CONTENT_BAD_NAME);
	assert_int_equal(unlink(scratch("src/README")), 0);

	write_text(scratch("src/aux.txt"), "device");
	assert_true(ingest_fails(library, &why));
	assert_int_equal(why.problem, CONTENT_BAD_NAME);
}

/* A file that grows while the folder is read. */
static bool append_to_one(void *owner, const struct ingest_progress *progress)
{
	if (!strcmp(progress->path, "readme")) {
		FILE *file = fopen(scratch("src/data/one"), "a");

		fputs("more", file);
		fclose(file);
	}
	return true;
}

static bool remove_another(void *owner, const struct ingest_progress *progress)
{
	if (!strcmp(progress->path, "data/one"))
		(void)unlink(scratch("src/data/two"));
	return true;
}

static void a_source_that_changes_or_vanishes_is_no_version(void **state)
{
	struct place *library auto_place = new_place("library");
	struct ingest_options options = { .sizes = &small, .progress = append_to_one };
	struct content_failure why = { 0 };
	struct ingest_result result;

	make_source();
	assert_false(content_ingest(scratch("src"), library, &options, &result, &why));
	assert_int_equal(why.problem, CONTENT_BAD_FILE);
	assert_string_equal(why.path, "data/one");
	assert_string_equal(why.text, "it changed before the folder was read");
	options.progress = remove_another;
	assert_false(content_ingest(scratch("src"), library, &options, &result, &why));
	assert_int_equal(why.problem, CONTENT_BAD_FILE);
	assert_string_equal(why.path, "data/two");
}

static void only_missing_pieces_travel(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct ingest_result one, two;
	struct transfer_result first, again, update;
	uint8_t held[4][SHA256_LENGTH];
	struct transfer_options options = { &library, 1, target, TRANSFER_MISSING };
	size_t count = 0;

	make_source();
	one = ingest(library);
	first = moved(library, target, one.hash, TRANSFER_MISSING);
	assert_int_equal(first.sent, first.pieces);
	assert_int_equal(first.bytes_sent, 275008);

	write_noise(scratch("src/data/one"), 9, 5000);
	two = ingest(library);
	assert_true(content_held(target, library, held, 4, &count, NULL));
	assert_int_equal(count, 1);
	options.known = library;
	options.held = held;
	options.held_count = count;
	assert_true(content_transfer(two.hash, &options, &update, NULL));
	assert_int_equal(update.bytes_sent, 5000);
	assert_true(content_transfer(two.hash, &options, &again, NULL));
	/* held was asked for before the update: what nobody told of is read, and not sent over */
	assert_int_equal(again.bytes_sent, 0);
	assert_int_equal(again.bytes_checked, 5000);
	assert_true(content_held(target, library, held, 4, &count, NULL));
	options.held_count = count;
	assert_true(content_transfer(two.hash, &options, &again, NULL));
	assert_int_equal(again.bytes_sent, 0);
}

static void a_source_knows_what_it_will_be_asked_for(void **state)
{
	struct faults faults = { 0 };
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct place *source auto_place = faulty_place(library, &faults);
	struct ingest_result package;
	struct transfer_result result;

	make_source();
	package = ingest(library);
	result = moved(source, target, package.hash, TRANSFER_MISSING);
	assert_int_equal(faults.expected, result.pieces);
	result = moved(source, target, package.hash, TRANSFER_EVERYTHING);
	assert_int_equal(faults.expected, 2 * result.pieces);
	moved(source, target, package.hash, TRANSFER_CHECK); /* nothing is fetched for that */
	assert_int_equal(faults.expected, 2 * result.pieces);
	place_expect(library, "pieces/00/missing"); /* no harm is done */
}

struct ration {
	uint64_t allowed;
	unsigned refusals; /* behind that */
	bool gives_up;
};

static uint64_t ration_may_send(void *owner, uint64_t bytes)
{
	struct ration *r = owner;

	if (r->refusals) {
		r->refusals--;
		return 1;
	}
	r->allowed += bytes;
	return 0;
}

static bool ration_progress(void *owner, const struct transfer_progress *progress)
{
	struct ration *r = owner;

	if (progress->pieces_done == progress->pieces && r->gives_up)
		r->refusals = 1000;
	return !r->refusals || !r->gives_up;
}

static void all_that_is_written_needs_leave_the_manifest_too(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct ration ration = { .refusals = 3 };
	struct transfer_options options = { &library,
					    1,
					    target,
					    TRANSFER_MISSING,
					    .may_send = ration_may_send,
					    .progress = ration_progress,
					    .owner = &ration };
	struct content_failure why = { 0 };
	auto_buf struct buf manifest = { 0 };
	struct transfer_result result;
	struct ingest_result package;

	make_source();
	package = ingest(library);
	assert_true(layout_read_target(library, package.hash, MANIFEST_BYTES_MAX, &manifest, NULL));
	ration.gives_up = true; /* with nothing but the manifest to be written */
	assert_false(content_transfer(package.hash, &options, &result, &why));
	assert_int_equal(why.problem, CONTENT_CANCELLED);
	assert_false(layout_read_target(target, package.hash, MANIFEST_BYTES_MAX, &manifest, NULL));
	assert_int_equal(ration.allowed, result.bytes_sent);
	ration = (struct ration){ .refusals = 3 };
	assert_true(content_transfer(package.hash, &options, &result, &why));
	assert_int_equal(result.bytes_sent, 0);
	assert_int_equal(ration.allowed, manifest.len);
}

static void a_manifest_appears_last(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct faults faults = { .fail_at = 40, .status = STATUS_IO_TIMEOUT };
	struct place *bad auto_place = faulty_place(target, &faults);
	struct transfer_options options = { &library, 1, bad, TRANSFER_MISSING };
	struct transfer_result result;
	struct content_failure why = { 0 };
	struct ingest_result one;
	struct manifest m auto_manifest = { 0 };

	make_source();
	one = ingest(library);
	assert_false(content_transfer(one.hash, &options, &result, &why));
	assert_int_equal(why.problem, CONTENT_UNREACHABLE);
	assert_int_equal(why.status, STATUS_IO_TIMEOUT);
	assert_false(layout_read_manifest(target, one.hash, &m, &why));
	assert_int_equal(why.problem, CONTENT_MISSING);
}

/* The target dies at every single operation; the next run brings the rest, and not all again. */
static void interrupted_at_every_step_it_goes_on(void **state)
{
	struct place *library auto_place = new_place("library");
	struct ingest_result one;
	bool done = false;

	make_source();
	one = ingest(library);
	for (unsigned step = 1; !done; step++) {
		char name[32];
		struct faults faults = { .fail_at = step, .status = STATUS_CONNECTION_RESET };
		struct place *target auto_place = NULL;
		struct place *bad auto_place = NULL;
		struct transfer_options options = { &library, 1, NULL, TRANSFER_MISSING };
		struct transfer_result first, second;

		snprintf(name, sizeof(name), "target%u", step);
		target = new_place(name);
		bad = faulty_place(target, &faults);
		options.to = bad;
		done = content_transfer(one.hash, &options, &first, NULL);
		second = moved(library, target, one.hash, TRANSFER_MISSING);
		if (done)
			assert_int_equal(second.bad, 0);
		else /* what was in the air comes twice, and no more */
			assert_true(first.bytes_sent + second.bytes_sent <=
				    second.bytes + 4 * small.most);
		assert_int_equal(moved(library, target, one.hash, TRANSFER_CHECK).bad, 0);
		assert_true(step < 1000);
	}
}

static void a_target_that_comes_back_is_waited_for(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct faults faults = { .fail_at = 30,
				 .fail_count = 5,
				 .status = STATUS_CONNECTION_DISCONNECTED };
	struct place *bad auto_place = faulty_place(target, &faults);
	struct transfer_options options = { &library, 1, bad, TRANSFER_MISSING };
	struct transfer_result result;
	struct ingest_result one;

	make_source();
	one = ingest(library);
	options.patience_ms = 5000;
	assert_true(content_transfer(one.hash, &options, &result, NULL));
	assert_true(faults.reopened > 0);
	assert_true(result.reconnects > 0);
	assert_int_equal(moved(library, target, one.hash, TRANSFER_CHECK).bad, 0);
}

static int empty_piece(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return kind == FTW_F && strstr(path, "/pieces/") ? truncate(path, 0) : 0;
}

/* What was only in the memory of the target is gone with its power; documents are on its disk, and
 * pieces, once that was asked for. */
static const struct faults *of_power;
static void lose_power(struct place *target)
{
	if (!of_power->synced)
		assert_int_equal(nftw(place_title(target), empty_piece, 8, FTW_PHYS), 0);
}

/* At every single operation, that which brings it to the disk included. */
static void what_a_target_lost_with_its_power_is_brought_again(void **state)
{
	struct place *library auto_place = new_place("library");
	struct ingest_result one;
	bool lost = true;

	write_noise(scratch("src/data/one"), 2, 30000);
	one = ingest(library);
	for (unsigned step = 1; lost; step++) {
		char name[32];
		struct faults faults = { .fail_at = step,
					 .fail_count = 1,
					 .status = STATUS_CONNECTION_DISCONNECTED,
					 .on_reopen = lose_power };
		struct place *target auto_place = NULL;
		struct place *bad auto_place = NULL;
		struct transfer_options options = { &library, 1, NULL, TRANSFER_MISSING };
		struct transfer_result result;
		struct content_failure why = { 0 };

		snprintf(name, sizeof(name), "target%u", step);
		target = new_place(name);
		bad = faulty_place(target, &faults);
		options.to = bad;
		options.patience_ms = 5000;
		of_power = &faults;
		if (!content_transfer(one.hash, &options, &result, &why))
			fail_msg("step %u: %s: %s", step, why.path, why.text);
		lost = faults.reopened;
		assert_int_equal(faults.synced, 1);
		assert_int_equal(moved(library, target, one.hash, TRANSFER_CHECK).bad, 0);
		assert_true(step < 1000);
	}
}

/* The site takes a package away while whoever fills the target has lost it, and its lock. */
static uint8_t taken_away[SHA256_LENGTH];
static void take_away(struct place *target)
{
	struct collect_result collected;

	assert_true(content_withdraw(target, taken_away, NULL));
	assert_true(content_collect(target, &collected, NULL));
}

/* At every single operation: those before it brought pieces that no manifest named yet, or counted
 * on those of the package that is gone. */
static void what_others_removed_meanwhile_is_brought_again(void **state)
{
	struct place *library auto_place = new_place("library");
	struct ingest_result one, two;
	unsigned anew = 0;
	bool lost = true;

	write_noise(scratch("src/data/one"), 2, 5000);
	write_noise(scratch("src/data/two"), 3, 20000);
	one = ingest(library);
	memcpy(taken_away, one.hash, SHA256_LENGTH);
	write_noise(scratch("src/data/three"), 4, 30000);
	two = ingest(library);
	for (unsigned step = 1; lost; step++) {
		char name[32];
		struct faults faults = { .fail_at = step,
					 .fail_count = 1,
					 .status = STATUS_CONNECTION_DISCONNECTED,
					 .on_reopen = take_away };
		struct place *target auto_place = NULL;
		struct place *bad auto_place = NULL;
		struct transfer_options options = { &library,  1, NULL,	  TRANSFER_MISSING,
						    &one.hash, 1, library };
		struct content_failure why = { 0 };
		struct transfer_result result;

		snprintf(name, sizeof(name), "target%u", step);
		target = new_place(name);
		(void)moved(library, target, one.hash, TRANSFER_MISSING);
		bad = faulty_place(target, &faults);
		options.to = bad;
		options.patience_ms = 5000;
		if (!content_transfer(two.hash, &options, &result, &why))
			fail_msg("step %u: %s: %s", step, why.path, why.text);
		lost = faults.reopened > 0;
		anew += lost && result.present < result.pieces && result.sent == result.pieces;
		assert_int_equal(moved(library, target, two.hash, TRANSFER_CHECK).bad, 0);
		assert_true(step < 1000);
	}
	assert_true(anew > 0);
}

/* It can be connected to, always, and does nothing then. */
static void a_target_that_only_comes_back_is_given_up(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct faults faults = { .fail_at = 30, .status = STATUS_IO_TIMEOUT, .lock_works = true };
	struct place *bad auto_place = faulty_place(target, &faults);
	struct transfer_options options = { &library, 1, bad, TRANSFER_MISSING };
	struct content_failure why = { 0 };
	struct transfer_result result;
	struct ingest_result one;

	make_source();
	one = ingest(library);
	options.patience_ms = 300;
	assert_false(content_transfer(one.hash, &options, &result, &why));
	assert_int_equal(why.problem, CONTENT_UNREACHABLE);
	assert_true(result.reconnects > 0);
}

static bool slowly(void *owner, const struct transfer_progress *progress)
{
	usleep(5000);
	return true;
}

static void a_place_below_the_floor_of_speed_is_given_up(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct transfer_options options = { &library, 1, target, TRANSFER_MISSING };
	struct content_failure why = { 0 };
	struct transfer_result result;
	struct ingest_result one;

	make_source();
	one = ingest(library);
	options.floor_ms = 10;
	options.progress = slowly;
	assert_false(content_transfer(one.hash, &options, &result, &why));
	assert_int_equal(why.problem, CONTENT_UNREACHABLE);
	assert_int_equal(why.status, STATUS_IO_TIMEOUT);
	options.progress = NULL;
	options.floor_ms = 0;
	assert_true(content_transfer(one.hash, &options, &result, &why));
}

static void statuses_of_a_target_are_told_apart(void **state)
{
	static const struct {
		ntstatus status;
		enum content_problem problem;
	} rows[] = {
		{ STATUS_DISK_FULL, CONTENT_FULL },
		{ STATUS_QUOTA_EXCEEDED, CONTENT_FULL },
		{ STATUS_MEDIA_WRITE_PROTECTED, CONTENT_UNWRITABLE },
		{ STATUS_ACCESS_DENIED, CONTENT_UNWRITABLE },
		{ STATUS_BAD_NETWORK_NAME, CONTENT_UNREACHABLE },
		{ STATUS_IO_TIMEOUT, CONTENT_UNREACHABLE },
	};
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct ingest_result one;

	make_source();
	one = ingest(library);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct faults faults = { .fail_at = 3, .status = rows[i].status };
		struct place *bad auto_place = faulty_place(target, &faults);
		struct transfer_options options = { &library, 1, bad, TRANSFER_EVERYTHING };
		struct transfer_result result;
		struct content_failure why = { 0 };

		assert_false(content_transfer(one.hash, &options, &result, &why));
		assert_int_equal(why.problem, rows[i].problem);
		assert_int_equal(why.status, rows[i].status);
	}
}

static void what_does_not_come_back_as_written_is_written_again(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct faults faults = { .spoil_every = 7 };
	struct place *bad auto_place = faulty_place(target, &faults);
	struct transfer_result result;
	struct ingest_result one;

	make_source();
	one = ingest(library);
	result = moved(library, bad, one.hash, TRANSFER_MISSING);
	assert_true(result.sent > result.pieces);
	assert_int_equal(moved(library, target, one.hash, TRANSFER_CHECK).bad, 0);
}

static void a_target_that_always_spoils_is_no_success(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct faults faults = { .spoil_every = 1 };
	struct place *bad auto_place = faulty_place(target, &faults);
	struct transfer_options options = { &library, 1, bad, TRANSFER_MISSING };
	struct transfer_result result;
	struct content_failure why = { 0 };
	struct ingest_result one;

	make_source();
	one = ingest(library);
	assert_false(content_transfer(one.hash, &options, &result, &why));
	assert_int_equal(why.problem, CONTENT_DAMAGED);
}

static void flip(const char *root, const struct piece *piece)
{
	char name[LAYOUT_NAME_MAX], path[4096];
	FILE *file;
	int byte;

	layout_piece(name, piece->hash);
	snprintf(path, sizeof(path), "%s/%s", scratch(root), name);
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, (long)(piece->length / 3), SEEK_SET), 0);
	byte = fgetc(file) ^ 0x10;
	assert_int_equal(fseek(file, (long)(piece->length / 3), SEEK_SET), 0);
	fputc(byte, file);
	assert_int_equal(fclose(file), 0);
}

static void flipped_bits_and_lost_pieces_are_found_and_repaired(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct manifest m auto_manifest = { 0 };
	char name[LAYOUT_NAME_MAX];
	struct transfer_result result;
	struct ingest_result one;

	make_source();
	one = ingest(library);
	moved(library, target, one.hash, TRANSFER_MISSING);
	assert_true(layout_read_manifest(library, one.hash, &m, NULL));
	for (uint32_t i = 0; i < 20; i++)
		flip("target", &m.pieces[i]);
	layout_piece(name, m.pieces[25].hash);
	assert_int_equal(place_remove(target, name), STATUS_SUCCESS);

	result = moved(library, target, one.hash, TRANSFER_CHECK);
	assert_int_equal(result.bad, 21);
	assert_int_equal(result.sent, 0);
	result = moved(library, target, one.hash, TRANSFER_REPAIR);
	assert_int_equal(result.bad, 21);
	assert_int_equal(result.sent, 21);
	assert_int_equal(moved(library, target, one.hash, TRANSFER_CHECK).bad, 0);
}

static void rot_in_the_library_does_not_spread(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *second auto_place = new_place("second");
	struct place *target auto_place = new_place("target");
	struct place *both[] = { library, second };
	struct transfer_options options = { &library, 1, target, TRANSFER_MISSING };
	struct manifest m auto_manifest = { 0 };
	struct content_failure why = { 0 };
	struct transfer_result result;
	struct ingest_result one;

	make_source();
	one = ingest(library);
	moved(library, second, one.hash, TRANSFER_MISSING);
	assert_true(layout_read_manifest(library, one.hash, &m, NULL));
	flip("library", &m.pieces[3]);
	assert_false(content_transfer(one.hash, &options, &result, &why));
	assert_int_equal(why.problem, CONTENT_DAMAGED);
	/* Another source has it whole. */
	options.from = both;
	options.from_count = 2;
	assert_true(content_transfer(one.hash, &options, &result, &why));
	assert_int_equal(moved(second, target, one.hash, TRANSFER_CHECK).bad, 0);
}

/* Every piece of @m at @root becomes another one of its length. */
static void spoil_all(const char *root, const struct manifest *m)
{
	for (uint32_t i = 0; i < m->piece_count; i++)
		flip(root, &m->pieces[i]);
}

/* Whoever writes at a source can take its manifests away, so that the target is not known to hold
 * anything, and offer other bytes of the right length. */
static void a_source_that_lies_spoils_nothing_at_the_target(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct transfer_options options = { &library, 1, target, TRANSFER_MISSING };
	struct manifest m auto_manifest = { 0 };
	struct content_failure why = { 0 };
	struct transfer_result result;
	struct ingest_result one, two;

	make_source();
	one = ingest(library);
	(void)moved(library, target, one.hash, TRANSFER_MISSING);
	assert_true(layout_read_manifest(library, one.hash, &m, NULL));
	write_text(scratch("src/added"), "and one more file\n");
	two = ingest(library);
	spoil_all("library", &m);
	for (int trusted = 0; trusted < 2; trusted++) {
		options.trust_reads = trusted;
		(void)!content_transfer(two.hash, &options, &result, &why);
		assert_int_equal(moved(library, target, one.hash, TRANSFER_CHECK).bad, 0);
	}
}

/* What is there, and nobody has told of, is read and left as it is: no moment without it. */
static void a_piece_that_is_there_is_not_written_again(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct manifest m auto_manifest = { 0 };
	char name[LAYOUT_NAME_MAX], path[256];
	struct transfer_result result;
	struct ingest_result one;
	struct stat before, after;

	make_source();
	one = ingest(library);
	(void)moved(library, target, one.hash, TRANSFER_MISSING);
	assert_true(layout_read_manifest(library, one.hash, &m, NULL));
	layout_piece(name, m.pieces[2].hash);
	snprintf(path, sizeof(path), "target/%s", name);
	assert_int_equal(stat(scratch(path), &before), 0);
	flip("target", &m.pieces[3]);
	result = moved(library, target, one.hash, TRANSFER_MISSING);
	assert_int_equal(stat(scratch(path), &after), 0);
	assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim));
	assert_int_equal(result.present, result.pieces - 1);
	assert_int_equal(result.sent, 1);
	assert_int_equal(moved(library, target, one.hash, TRANSFER_CHECK).bad, 0);
}

static void redistribution_sends_everything(void **state)
{
	struct place *library auto_place = new_place("library");
	struct place *target auto_place = new_place("target");
	struct transfer_result result;
	struct ingest_result one;

	make_source();
	one = ingest(library);
	moved(library, target, one.hash, TRANSFER_MISSING);
	result = moved(library, target, one.hash, TRANSFER_EVERYTHING);
	assert_int_equal(result.sent, result.pieces);
}

static void removal_leaves_what_others_use(void **state)
{
	struct place *library auto_place = new_place("library");
	struct collect_result collected;
	struct ingest_result one, two;

	make_source();
	one = ingest(library);
	write_noise(scratch("src/data/one"), 9, 5000);
	two = ingest(library);
	assert_true(content_withdraw(library, one.hash, NULL));
	assert_true(content_withdraw(library, one.hash, NULL));
	assert_true(content_collect(library, &collected, NULL));
	assert_int_equal(collected.bytes_removed, 5000);
	assert_int_equal(moved(library, library, two.hash, TRANSFER_CHECK).bad, 0);
	assert_true(content_withdraw(library, two.hash, NULL));
	assert_true(content_collect(library, &collected, NULL));
	assert_int_equal(collected.removed, collected.pieces);
}

static void nothing_is_collected_where_a_manifest_cannot_be_read(void **state)
{
	struct place *library auto_place = new_place("library");
	struct collect_result collected;
	struct content_failure why = { 0 };
	char name[LAYOUT_NAME_MAX];
	struct ingest_result one;

	make_source();
	one = ingest(library);
	layout_target(name, one.hash);
	assert_int_equal(place_write(library, name, "rot", 3), STATUS_SUCCESS);
	assert_false(content_collect(library, &collected, &why));
	assert_int_equal(why.problem, CONTENT_DAMAGED);
	assert_int_equal(collected.removed, 0);
}

static void a_place_of_another_site_is_left_alone(void **state)
{
	struct place *target auto_place = new_place("target");
	struct content_failure why = { 0 };
	char other[] = OWNER;
	bool is_claimed;

	other[0] = 'f';
	place_unlock(target);
	assert_false(layout_prepare(target, other, &why));
	assert_int_equal(why.problem, CONTENT_FOREIGN);
	place_unlock(target);
	why = (struct content_failure){ 0 };
	assert_false(layout_check_owner(target, other, &is_claimed, &why));
	assert_int_equal(why.problem, CONTENT_FOREIGN);
	assert_non_null(strstr(why.text, OWNER));
	assert_true(layout_check_owner(target, OWNER, &is_claimed, &why) && is_claimed);
	assert_false(place_remove(target, LAYOUT_SITE));
	assert_true(layout_check_owner(target, other, &is_claimed, &why) && !is_claimed);
}

static void a_place_has_one_writer_at_a_time(void **state)
{
	struct place *target auto_place = new_place("target");
	struct place *same auto_place = place_open_directory(scratch("target"), NULL);
	struct content_failure why = { 0 };

	assert_non_null(same);
	assert_false(layout_prepare(same, OWNER, &why));
	assert_int_equal(why.problem, CONTENT_BUSY);
	place_unlock(target);
	assert_true(layout_prepare(same, OWNER, &why));
}

#define PLACE_TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(a_folder_is_taken_with_all_its_files),
		PLACE_TEST(the_same_folder_has_the_same_hash_and_adds_nothing),
		PLACE_TEST(what_rotted_in_the_library_is_mended_by_the_same_folder),
		PLACE_TEST(an_insertion_costs_few_pieces),
		PLACE_TEST(a_source_that_is_lost_is_not_asked_for_every_piece),
		PLACE_TEST(a_target_that_may_not_copy_is_sent_the_whole_piece),
		PLACE_TEST(a_target_that_knows_no_copies_is_sent_the_whole_piece),
		PLACE_TEST(what_a_target_put_together_wrongly_is_sent_whole),
		PLACE_TEST(sources_that_cannot_be_taken_are_named),
		PLACE_TEST(a_source_that_changes_or_vanishes_is_no_version),
		PLACE_TEST(only_missing_pieces_travel),
		PLACE_TEST(a_source_knows_what_it_will_be_asked_for),
		PLACE_TEST(all_that_is_written_needs_leave_the_manifest_too),
		PLACE_TEST(a_manifest_appears_last),
		PLACE_TEST(interrupted_at_every_step_it_goes_on),
		PLACE_TEST(a_target_that_comes_back_is_waited_for),
		PLACE_TEST(what_a_target_lost_with_its_power_is_brought_again),
		PLACE_TEST(what_others_removed_meanwhile_is_brought_again),
		PLACE_TEST(a_target_that_only_comes_back_is_given_up),
		PLACE_TEST(a_place_below_the_floor_of_speed_is_given_up),
		PLACE_TEST(statuses_of_a_target_are_told_apart),
		PLACE_TEST(what_does_not_come_back_as_written_is_written_again),
		PLACE_TEST(a_target_that_always_spoils_is_no_success),
		PLACE_TEST(flipped_bits_and_lost_pieces_are_found_and_repaired),
		PLACE_TEST(rot_in_the_library_does_not_spread),
		PLACE_TEST(a_source_that_lies_spoils_nothing_at_the_target),
		PLACE_TEST(a_piece_that_is_there_is_not_written_again),
		PLACE_TEST(redistribution_sends_everything),
		PLACE_TEST(removal_leaves_what_others_use),
		PLACE_TEST(nothing_is_collected_where_a_manifest_cannot_be_read),
		PLACE_TEST(a_place_of_another_site_is_left_alone),
		PLACE_TEST(a_place_has_one_writer_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
