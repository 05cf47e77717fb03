// SPDX-License-Identifier: Apache-2.0
/*
 * What a client is told of a volume's features, and what it gets of those that the file system has
 * or has not: compression (MS-FSA 2.1.5.10.9, 2.1.5.10.30), integrity (2.1.5.10.33), quotas
 * (MS-SMB2 3.3.5.20.4, 3.3.5.21.4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../src/volume/private.h"
#include "peer.h"

#define FILE_FILE_COMPRESSION		0x00000010u
#define FILE_VOLUME_QUOTAS		0x00000020u
#define FILE_SUPPORT_INTEGRITY_STREAMS	0x04000000u
#define FSCTL_SET_INTEGRITY_INFORMATION 0x0009C280u
#define QUERY_INFO_ROOM			4096u

struct made {
	struct smb2_file_id id;
	uint32_t attributes;
};

static ntstatus create(struct peer *p, const char *name, uint32_t access, uint32_t options,
		       struct made *made)
{
	struct smb2_create_request r = peer_file(access);
	struct smb2_create_response answer;
	ntstatus status;

	r.create_options = options;
	status = peer_create(p, name, r, &answer);
	if (!status)
		*made = (struct made){ answer.file_id, answer.facts.file_attributes };
	return status;
}

static void close_it(struct peer *p, const struct made *made)
{
	assert_int_equal(peer_close_file(p, made->id), STATUS_SUCCESS);
}

/* A file that is open with all rights. */
static struct made made(struct peer *p, const char *name, uint32_t options)
{
	struct made m = { .attributes = 0 };

	assert_int_equal(create(p, name, FILE_ALL_ACCESS, options, &m), STATUS_SUCCESS);
	return m;
}

static ntstatus control(struct peer *p, const struct made *on, uint32_t code, struct cursor in,
			uint32_t room, struct cursor *out)
{
	struct smb2_ioctl_request r = { .code = code,
					.file_id = on->id,
					.max_output_response = room,
					.flags = SMB2_IOCTL_IS_FSCTL,
					.input = in };
	struct buf b = peer_begin(p, SMB2_IOCTL);
	struct smb2_ioctl_response answer;
	struct smb2_header h;
	struct cursor body;

	smb2_ioctl_request_encode(&b, &r);
	assert_true(peer_ask(p, &b, &h, &body));
	if (!h.status) {
		assert_int_equal(smb2_ioctl_response_decode(&body, &answer), STATUS_SUCCESS);
		*out = answer.output;
	}
	return h.status;
}

static ntstatus set_format(struct peer *p, const struct made *on, uint16_t format)
{
	const uint8_t in[2] = { (uint8_t)format, (uint8_t)(format >> 8) };
	struct cursor out;

	return control(p, on, FSCTL_SET_COMPRESSION, cur_of(in, 2), 0, &out);
}

static uint16_t format_of(struct peer *p, const struct made *of)
{
	struct cursor out;

	assert_int_equal(control(p, of, FSCTL_GET_COMPRESSION, cur_of(NULL, 0), 2, &out),
			 STATUS_SUCCESS);
	assert_int_equal(cur_left(&out), 2);
	return cur_u16le(&out);
}

static ntstatus query(struct peer *p, const struct made *of, uint8_t type, uint8_t class,
		      struct cursor *out)
{
	struct smb2_query_info_request r = { .info_type = type,
					     .info_class = class,
					     .output_length = QUERY_INFO_ROOM,
					     .file_id = of->id };
	struct buf b = peer_begin(p, SMB2_QUERY_INFO);
	struct smb2_header h;
	struct cursor body;

	smb2_query_info_request_encode(&b, &r);
	assert_true(peer_ask(p, &b, &h, &body));
	if (!h.status)
		assert_int_equal(smb2_output_response_decode(&body, out), STATUS_SUCCESS);
	return h.status;
}

static uint32_t volume_features(struct peer *p, const struct made *on)
{
	struct cursor out;

	assert_int_equal(query(p, on, SMB2_0_INFO_FILESYSTEM, FileFsAttributeInformation, &out),
			 STATUS_SUCCESS);
	return cur_u32le(&out);
}

static uint32_t attributes_of(struct peer *p, const struct made *of)
{
	struct cursor out;

	assert_int_equal(query(p, of, SMB2_0_INFO_FILE, FileBasicInformation, &out),
			 STATUS_SUCCESS);
	cur_skip(&out, 32);
	return cur_u32le(&out);
}

/* ---- a file system that compresses, as far as its two answers go ---- */

#define FILES 16

static struct volume_sys the_disk;
static uint64_t compressed[FILES]; /* inodes; 0: a free place */

/* 0: of a file without a name, by which the server tries. */
static uint64_t inode_of(int fd)
{
	struct stat st;

	must(!fstat(fd, &st), "fstat");
	return st.st_nlink ? st.st_ino : 0;
}

static uint64_t *place_of(uint64_t inode)
{
	size_t i = 0;

	while (i < FILES && compressed[i] != inode)
		i++;
	return i < FILES ? &compressed[i] : NULL;
}

static int mark(int fd, bool is_to_be)
{
	uint64_t inode = inode_of(fd), *at = place_of(inode);

	if (!inode)
		return 0;
	if (is_to_be && !at)
		*place_of(0) = inode;
	if (!is_to_be && at)
		*at = 0;
	return 0;
}

static bool always(int fd)
{
	return true;
}

static int marked_statx(int dir, const char *name, struct statx *out)
{
	int error = the_disk.statx(dir, name, out);

	if (!error && place_of(out->stx_ino))
		out->stx_attributes |= STATX_ATTR_COMPRESSED;
	return error;
}

/* What is made in a compressed directory is so, too. */
static int inheriting_openat2(int dir, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	int fd = the_disk.openat2(dir, path, flags, mode, resolve);

	if (fd >= 0 && flags & O_CREAT && place_of(inode_of(dir)))
		mark(fd, true);
	return fd;
}

static void begin_compressing(void)
{
	the_disk = sys;
	memset(compressed, 0, sizeof(compressed));
	sys.set_compressed = mark;
	sys.may_compress = always;
	sys.statx = marked_statx;
	sys.openat2 = inheriting_openat2;
	atomic_store(&peer_server->volume->compresses, 0);
}

static void end_compressing(void)
{
	sys = the_disk;
	atomic_store(&peer_server->volume->compresses, 0);
}

static int refuse(int fd, bool is_to_be)
{
	return -EOPNOTSUPP;
}

static void a_volume_that_does_not_compress_says_so(void **state)
{
	struct made file;
	struct peer p;

	begin_compressing();
	sys.set_compressed = refuse;
	peer_connect(&p);
	file = made(&p, "plain", 0);
	assert_false(volume_features(&p, &file) & FILE_FILE_COMPRESSION);
	assert_int_equal(format_of(&p, &file), COMPRESSION_FORMAT_NONE);
	assert_int_equal(set_format(&p, &file, COMPRESSION_FORMAT_NONE), STATUS_SUCCESS);
	assert_int_equal(set_format(&p, &file, COMPRESSION_FORMAT_DEFAULT), STATUS_NOT_SUPPORTED);
	assert_int_equal(set_format(&p, &file, COMPRESSION_FORMAT_LZNT1), STATUS_NOT_SUPPORTED);
	close_it(&p, &file);
	peer_close(&p);
	end_compressing();
}

static void where_the_file_system_compresses_a_client_may_ask_for_it(void **state)
{
	struct made file;
	struct cursor out;
	struct peer p;

	begin_compressing();
	peer_connect(&p);
	file = made(&p, "packed", 0);
	assert_true(volume_features(&p, &file) & FILE_FILE_COMPRESSION);
	assert_int_equal(format_of(&p, &file), COMPRESSION_FORMAT_NONE);
	assert_int_equal(set_format(&p, &file, COMPRESSION_FORMAT_DEFAULT), STATUS_SUCCESS);
	assert_int_equal(format_of(&p, &file), COMPRESSION_FORMAT_LZNT1);
	assert_true(attributes_of(&p, &file) & FILE_ATTRIBUTE_COMPRESSED);
	assert_int_equal(query(&p, &file, SMB2_0_INFO_FILE, FileCompressionInformation, &out),
			 STATUS_SUCCESS);
	cur_skip(&out, 8);
	assert_int_equal(cur_u16le(&out), COMPRESSION_FORMAT_LZNT1);
	assert_int_equal(set_format(&p, &file, COMPRESSION_FORMAT_NONE), STATUS_SUCCESS);
	assert_int_equal(format_of(&p, &file), COMPRESSION_FORMAT_NONE);
	assert_false(attributes_of(&p, &file) & FILE_ATTRIBUTE_COMPRESSED);
	close_it(&p, &file);
	peer_close(&p);
	end_compressing();
}

static void what_is_made_in_a_compressed_directory_is_compressed_unless_told(void **state)
{
	struct made directory, file, other;
	struct peer p;

	begin_compressing();
	peer_connect(&p);
	directory = made(&p, "packing", FILE_DIRECTORY_FILE);
	assert_int_equal(set_format(&p, &directory, COMPRESSION_FORMAT_LZNT1), STATUS_SUCCESS);
	file = made(&p, "packing\\in", 0);
	assert_true(file.attributes & FILE_ATTRIBUTE_COMPRESSED);
	other = made(&p, "packing\\out", FILE_NO_COMPRESSION);
	assert_false(other.attributes & FILE_ATTRIBUTE_COMPRESSED);
	assert_int_equal(format_of(&p, &other), COMPRESSION_FORMAT_NONE);
	close_it(&p, &file);
	close_it(&p, &other);
	close_it(&p, &directory);
	peer_close(&p);
	end_compressing();
}

static void a_wrong_request_for_compression_changes_nothing(void **state)
{
	const uint8_t byte[1] = { 2 };
	struct made file, reader;
	struct cursor out;
	struct peer p;

	begin_compressing();
	peer_connect(&p);
	file = made(&p, "kept", 0);
	assert_int_equal(set_format(&p, &file, 3), STATUS_INVALID_PARAMETER);
	assert_int_equal(set_format(&p, &file, 0xffff), STATUS_INVALID_PARAMETER);
	assert_int_equal(control(&p, &file, FSCTL_SET_COMPRESSION, cur_of(byte, 1), 0, &out),
			 STATUS_INVALID_PARAMETER);
	assert_int_equal(control(&p, &file, FSCTL_GET_COMPRESSION, cur_of(NULL, 0), 1, &out),
			 STATUS_INVALID_PARAMETER);
	assert_int_equal(create(&p, "kept", FILE_GENERIC_READ, 0, &reader), STATUS_SUCCESS);
	assert_int_equal(set_format(&p, &reader, COMPRESSION_FORMAT_LZNT1), STATUS_ACCESS_DENIED);
	assert_int_equal(format_of(&p, &reader), COMPRESSION_FORMAT_NONE);
	close_it(&p, &reader);
	close_it(&p, &file);
	peer_close(&p);
	end_compressing();
}

/* ReFS has it, NTFS has not, and NTFS is what the volume is called. */
static void integrity_is_offered_by_no_volume(void **state)
{
	const uint8_t none[8] = { 0 };
	struct made file;
	struct cursor out;
	struct peer p;

	peer_connect(&p);
	file = made(&p, "sum", 0);
	assert_false(volume_features(&p, &file) & FILE_SUPPORT_INTEGRITY_STREAMS);
	assert_int_equal(
		control(&p, &file, FSCTL_GET_INTEGRITY_INFORMATION, cur_of(NULL, 0), 16, &out),
		STATUS_INVALID_DEVICE_REQUEST);
	assert_int_equal(
		control(&p, &file, FSCTL_SET_INTEGRITY_INFORMATION, cur_of(none, 8), 0, &out),
		STATUS_INVALID_DEVICE_REQUEST);
	close_it(&p, &file);
	peer_close(&p);
}

static ntstatus set_quota(struct peer *p, const struct made *on)
{
	const uint8_t entry[56] = { [4] = 12 };
	struct smb2_set_info_request r = { .info_type = SMB2_0_INFO_QUOTA,
					   .file_id = on->id,
					   .input = cur_of(entry, sizeof(entry)) };
	struct buf b = peer_begin(p, SMB2_SET_INFO);
	struct smb2_header h;
	struct cursor body;

	smb2_set_info_request_encode(&b, &r);
	assert_true(peer_ask(p, &b, &h, &body));
	return h.status;
}

/* Nobody's use is counted, so nobody is told that it were; see docs/decisions. */
static void quotas_are_not_offered_nor_said_to_be_kept(void **state)
{
	struct made file, quotas;
	struct cursor out;
	struct peer p;

	peer_connect(&p);
	file = made(&p, "used", 0);
	assert_false(volume_features(&p, &file) & FILE_VOLUME_QUOTAS);
	assert_int_equal(query(&p, &file, SMB2_0_INFO_QUOTA, 0, &out), STATUS_NOT_SUPPORTED);
	assert_int_equal(set_quota(&p, &file), STATUS_NOT_SUPPORTED);
	assert_int_equal(query(&p, &file, SMB2_0_INFO_FILESYSTEM, FileFsControlInformation, &out),
			 STATUS_SUCCESS);
	cur_skip(&out, 40);
	assert_int_equal(cur_u32le(&out), 0); /* FileSystemControlFlags: none are tracked */
	assert_int_not_equal(
		create(&p, "$Extend\\$Quota:$Q:$INDEX_ALLOCATION", FILE_READ_DATA, 0, &quotas),
		STATUS_SUCCESS);
	close_it(&p, &file);
	peer_close(&p);
}

static int start(void **state)
{
	peer_start(NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_volume_that_does_not_compress_says_so),
		cmocka_unit_test(where_the_file_system_compresses_a_client_may_ask_for_it),
		cmocka_unit_test(what_is_made_in_a_compressed_directory_is_compressed_unless_told),
		cmocka_unit_test(a_wrong_request_for_compression_changes_nothing),
		cmocka_unit_test(integrity_is_offered_by_no_volume),
		cmocka_unit_test(quotas_are_not_offered_nor_said_to_be_kept),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
