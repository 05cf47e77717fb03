// SPDX-License-Identifier: Apache-2.0
/* The client against a server that was not written here. */
#include "private_smbd.h"

#include <base/utf16.h>
#include <client/client_sync.h>
#include <wire/fscc.h>

#define READ_WRITE 0x0012019fu
#define DELETE	   0x00010000u

static struct client_options usual(void)
{
	return (struct client_options){ .user = SMBD_USER, .password = SMBD_PASSWORD };
}

static struct client_sync *connected(const struct client_options *options)
{
	struct client_failure failure = { 0 };
	struct client_sync *sync = sync_connect("127.0.0.1", smbd.port, options, &failure);

	if (!sync)
		fail_msg("%s: %s (%s)", client_step_name(failure.step),
			 ntstatus_name(failure.status), failure.detail ? failure.detail : "-");
	return sync;
}

/* All that a session is used for: open, write, read, list, ask, delete, close. */
static void exercise(struct client_sync *sync, const char *share)
{
	const struct client_facts *facts = client_facts(sync_client(sync));
	size_t length = min_u64(facts->max_write, 1 << 20), got;
	auto_free uint8_t *out = malloc(length), *in = malloc(length);
	auto_buf struct buf answer = { 0 };
	struct fs_facts space = { 0 };
	struct client_tree tree;
	struct smb2_file_id id;
	struct directory_entry entry;
	struct cursor list;
	bool found = false;

	random_bytes(out, length);
	assert_int_equal(sync_tree_connect(sync, share, &tree, NULL), STATUS_SUCCESS);
	assert_int_equal(tree.type, SMB2_SHARE_TYPE_DISK);
	assert_int_equal(sync_open(sync, &tree, "a file", READ_WRITE | DELETE, FILE_OVERWRITE_IF,
				   FILE_NON_DIRECTORY_FILE, &id),
			 STATUS_SUCCESS);
	assert_int_equal(sync_write(sync, &tree, id, 0, out, length), STATUS_SUCCESS);
	assert_int_equal(sync_flush(sync, &tree, id), STATUS_SUCCESS);
	assert_int_equal(sync_read(sync, &tree, id, 0, in, length, &got), STATUS_SUCCESS);
	assert_int_equal(got, length);
	assert_memory_equal(in, out, length);
	assert_int_equal(sync_read(sync, &tree, id, length, in, 10, &got), STATUS_END_OF_FILE);
	assert_int_equal(sync_query_info(sync, &tree, id, SMB2_0_INFO_FILESYSTEM,
					 FileFsFullSizeInformation, 0, 100, &answer),
			 STATUS_SUCCESS);
	assert_int_equal(fscc_fs_full_size_decode(cur_of(answer.data, answer.len), &space), 0);
	assert_true(space.total_units > space.caller_free_units);
	assert_int_equal(sync_delete(sync, &tree, id), STATUS_SUCCESS);
	assert_int_equal(sync_close(sync, &tree, id), STATUS_SUCCESS);
	assert_int_equal(sync_open(sync, &tree, "a file", READ_WRITE, FILE_OPEN, 0, &id),
			 STATUS_OBJECT_NAME_NOT_FOUND);
	assert_int_equal(sync_open(sync, &tree, "", 0x81, FILE_OPEN, FILE_DIRECTORY_FILE, &id),
			 STATUS_SUCCESS);
	buf_free(&answer);
	assert_int_equal(sync_query_directory(sync, &tree, id, FileIdBothDirectoryInformation, 0,
					      "*", 65536, &answer),
			 STATUS_SUCCESS);
	list = cur_of(answer.data, answer.len);
	while (fscc_directory_next(FileIdBothDirectoryInformation, &list, &entry)) {
		auto_free char *name = utf16_to_string(entry.name);

		found = found || !strcmp(name, "..");
	}
	assert_true(found);
	assert_int_equal(sync_close(sync, &tree, id), STATUS_SUCCESS);
	assert_int_equal(sync_echo(sync), STATUS_SUCCESS);
	assert_int_equal(sync_tree_disconnect(sync, &tree), STATUS_SUCCESS);
	assert_int_equal(sync_logoff(sync), STATUS_SUCCESS);
}

static const uint16_t dialects[] = { SMB2_DIALECT_202, SMB2_DIALECT_210, SMB2_DIALECT_300,
				     SMB2_DIALECT_302, SMB2_DIALECT_311 };

static void every_dialect_works_plain_and_signed(void **state)
{
	NEEDS_SMBD();
	for (size_t i = 0; i < ARRAY_LEN(dialects); i++) {
		for (int sign = 0; sign < 2; sign++) {
			struct client_options options = usual();
			struct client_sync *sync;

			options.dialect_min = options.dialect_max = dialects[i];
			options.signing = sign ? CLIENT_REQUIRED : CLIENT_IF_ASKED;
			sync = connected(&options);
			assert_int_equal(client_facts(sync_client(sync))->dialect, dialects[i]);
			assert_int_equal(client_facts(sync_client(sync))->signs, sign);
			exercise(sync, "\\\\127.0.0.1\\share");
			sync_disconnect(sync);
		}
	}
}

static void every_signing_algorithm_works(void **state)
{
	static const uint16_t algorithms[] = { SIGN_HMAC_SHA256, SIGN_AES_CMAC, SIGN_AES_GMAC };

	NEEDS_SMBD();
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		struct client_options options = usual();
		struct client_sync *sync;

		options.signing = CLIENT_REQUIRED;
		options.signings[0] = algorithms[i];
		options.signing_count = 1;
		sync = connected(&options);
		assert_int_equal(client_facts(sync_client(sync))->sign_algorithm, algorithms[i]);
		exercise(sync, "\\\\127.0.0.1\\share");
		sync_disconnect(sync);
	}
}

static void every_cipher_works(void **state)
{
	static const uint16_t ciphers[] = { CIPHER_AES_128_CCM, CIPHER_AES_128_GCM,
					    CIPHER_AES_256_CCM, CIPHER_AES_256_GCM };

	NEEDS_SMBD();
	for (size_t i = 0; i < ARRAY_LEN(ciphers); i++) {
		struct client_options options = usual();
		struct client_sync *sync;

		options.encryption = CLIENT_REQUIRED;
		options.ciphers[0] = ciphers[i];
		options.cipher_count = 1;
		sync = connected(&options);
		assert_int_equal(client_facts(sync_client(sync))->cipher, ciphers[i]);
		exercise(sync, "\\\\127.0.0.1\\share");
		sync_disconnect(sync);
	}
	for (size_t i = 2; i < ARRAY_LEN(dialects); i++) {
		struct client_options options = usual();
		struct client_sync *sync;

		options.dialect_min = options.dialect_max = dialects[i];
		options.encryption = CLIENT_REQUIRED;
		sync = connected(&options);
		exercise(sync, "\\\\127.0.0.1\\share");
		sync_disconnect(sync);
	}
}

static void a_share_that_wants_encryption_gets_it(void **state)
{
	struct client_options options = usual();
	struct client_sync *sync;
	struct client_tree tree;
	enum client_step step;

	NEEDS_SMBD();
	sync = connected(&options);
	assert_false(client_facts(sync_client(sync))->encrypts);
	exercise(sync, "\\\\127.0.0.1\\sealed");
	sync_disconnect(sync);

	options.encryption = CLIENT_FORBIDDEN;
	sync = connected(&options);
	assert_int_equal(sync_tree_connect(sync, "\\\\127.0.0.1\\sealed", &tree, &step),
			 STATUS_ACCESS_DENIED);
	assert_int_equal(step, CLIENT_STEP_TREE_CONNECT);
	sync_disconnect(sync);
}

static void a_failure_names_its_step_and_status(void **state)
{
	struct client_options options = usual();
	struct client_failure failure = { 0 };
	struct client_sync *sync;
	struct client_tree tree;
	enum client_step step;

	NEEDS_SMBD();
	assert_null(sync_connect("127.0.0.1", 1, &options, &failure));
	assert_int_equal(failure.step, CLIENT_STEP_CONNECT);
	assert_int_equal(failure.status, STATUS_CONNECTION_REFUSED);

	options.password = "wrong";
	assert_null(sync_connect("127.0.0.1", smbd.port, &options, &failure));
	assert_int_equal(failure.step, CLIENT_STEP_SESSION_SETUP);
	assert_int_equal(failure.status, STATUS_LOGON_FAILURE);

	options = usual();
	options.dialect_max = SMB2_DIALECT_210;
	options.encryption = CLIENT_REQUIRED;
	assert_null(sync_connect("127.0.0.1", smbd.port, &options, &failure));
	assert_int_equal(failure.step, CLIENT_STEP_NEGOTIATE);
	assert_int_equal(failure.status, STATUS_NOT_SUPPORTED);

	options = usual();
	sync = connected(&options);
	assert_int_equal(sync_tree_connect(sync, "\\\\127.0.0.1\\nothing", &tree, &step),
			 STATUS_BAD_NETWORK_NAME);
	assert_int_equal(step, CLIENT_STEP_TREE_CONNECT);
	sync_disconnect(sync);
}

static void who_is_taken_for_a_guest_does_not_go_on_unless_told_so(void **state)
{
	struct client_options options = { .user = "nobody-knows-me", .password = "x" };
	struct client_failure failure = { 0 };
	struct client_sync *sync;

	(void)state;
	if (!smbd.pid)
		skip();
	assert_null(sync_connect("127.0.0.1", smbd.port, &options, &failure));
	assert_int_equal(failure.status, STATUS_LOGON_FAILURE);
	options.guest_allowed = true;
	sync = connected(&options);
	assert_false(client_facts(sync_client(sync))->signs);
	sync_disconnect(sync);
	options.signing = CLIENT_REQUIRED;
	assert_null(sync_connect("127.0.0.1", smbd.port, &options, &failure));
}

static void nobody_may_look_at_ipc(void **state)
{
	struct client_options options = { .anonymous = true };
	struct client_sync *sync;
	struct client_tree tree;

	NEEDS_SMBD();
	sync = connected(&options);
	assert_int_equal(sync_tree_connect(sync, "\\\\127.0.0.1\\IPC$", &tree, NULL),
			 STATUS_SUCCESS);
	assert_int_equal(tree.type, SMB2_SHARE_TYPE_PIPE);
	sync_disconnect(sync);
}

static void a_pipe_transceives(void **state)
{
	/* A bind to srvsvc version 3.0 with NDR (C706 12.6.4.3). */
	static const uint8_t bind_request[72] = {
		5,    0,    11,	  3,	0x10, 0,    0,	  0,	72,   0,    0,	  0,
		1,    0,    0,	  0,	0xb8, 0x10, 0xb8, 0x10, 0,    0,    0,	  0,
		1,    0,    0,	  0,	0,    0,    1,	  0,	0xc8, 0x4f, 0x32, 0x4b,
		0x70, 0x16, 0xd3, 0x01, 0x12, 0x78, 0x5a, 0x47, 0xbf, 0x6e, 0xe1, 0x88,
		3,    0,    0,	  0,	0x04, 0x5d, 0x88, 0x8a, 0xeb, 0x1c, 0xc9, 0x11,
		0x9f, 0xe8, 0x08, 0x00, 0x2b, 0x10, 0x48, 0x60, 2,    0,    0,	  0,
	};
	struct client_options options = usual();
	struct client_sync *sync;
	struct client_tree tree;
	struct smb2_file_id id;
	struct buf answer = { 0 };

	NEEDS_SMBD();
	sync = connected(&options);
	assert_int_equal(sync_tree_connect(sync, "\\\\127.0.0.1\\IPC$", &tree, NULL), 0);
	assert_int_equal(sync_open(sync, &tree, "srvsvc", READ_WRITE, FILE_OPEN, 0, &id), 0);
	assert_int_equal(sync_ioctl(sync, &tree, id, FSCTL_PIPE_TRANSCEIVE,
				    cur_of(bind_request, sizeof(bind_request)), 4096, &answer),
			 0);
	assert_true(answer.len > 24);
	assert_int_equal(answer.data[2], 12); /* bind_ack */
	buf_free(&answer);
	sync_disconnect(sync);
}

struct many {
	struct client_request request;
	bool done, good;
};

static void read_done(struct client_request *request)
{
	struct many *many = container_of(request, struct many, request);
	struct smb2_read_response response;

	many->done = true;
	many->good = request->status == STATUS_SUCCESS &&
		     !smb2_read_response_decode(&request->body, &response) &&
		     cur_left(&response.data) == 65536;
}

static void more_requests_than_credits_all_get_their_answer(void **state)
{
	struct client_options options = usual();
	auto_free struct many *reads = xalloc(1000, sizeof(*reads));
	auto_free uint8_t *data = xalloc(1, 65536);
	struct client_sync *sync;
	struct client *client;
	struct client_tree tree;
	struct smb2_file_id id;

	NEEDS_SMBD();
	options.signing = CLIENT_REQUIRED;
	sync = connected(&options);
	client = sync_client(sync);
	assert_int_equal(sync_tree_connect(sync, "\\\\127.0.0.1\\share", &tree, NULL), 0);
	assert_int_equal(
		sync_open(sync, &tree, "f", READ_WRITE | DELETE, FILE_OVERWRITE_IF, 0, &id), 0);
	assert_int_equal(sync_write(sync, &tree, id, 0, data, 65536), 0);
	for (int i = 0; i < 1000; i++) {
		struct smb2_read_request body = { .length = 65536, .file_id = id };
		struct client_message message;

		reads[i].request.done = read_done;
		client_begin(client, &message, &tree);
		client_add(&message, client, &reads[i].request, SMB2_READ, 65536, false);
		smb2_read_request_encode(&message.buf, &body);
		client_send(client, &message);
	}
	while (client_in_flight(client))
		loop_run_once(client_loop(client), 1000);
	for (int i = 0; i < 1000; i++)
		assert_true(reads[i].done && reads[i].good);
	assert_int_equal(sync_delete(sync, &tree, id), 0);
	sync_disconnect(sync);
}

static void note_done(struct client_request *request)
{
	((struct many *)container_of(request, struct many, request))->done = true;
	((struct many *)container_of(request, struct many, request))->good =
		request->status == STATUS_SUCCESS;
}

static void a_related_compound_opens_and_closes(void **state)
{
	NEEDS_SMBD();
	for (int mode = 0; mode < 3; mode++) {
		struct client_options options = usual();
		struct many parts[2] = { { .request.done = note_done },
					 { .request.done = note_done } };
		struct smb2_create_request create = {
			.impersonation_level = 2,
			.desired_access = 0x80,
			.share_access = 7,
			.create_disposition = FILE_OPEN,
		};
		struct smb2_close_request end = {
			.file_id = { SMB2_FILE_ID_RELATED, SMB2_FILE_ID_RELATED },
		};
		struct client_message message;
		struct client_sync *sync;
		struct client *client;
		struct client_tree tree;

		options.signing = mode == 1 ? CLIENT_REQUIRED : CLIENT_IF_ASKED;
		options.encryption = mode == 2 ? CLIENT_REQUIRED : CLIENT_IF_ASKED;
		sync = connected(&options);
		client = sync_client(sync);
		assert_int_equal(sync_tree_connect(sync, "\\\\127.0.0.1\\share", &tree, NULL), 0);
		client_begin(client, &message, &tree);
		client_add(&message, client, &parts[0].request, SMB2_CREATE, 0, false);
		smb2_create_request_encode(&message.buf, &create);
		client_add(&message, client, &parts[1].request, SMB2_CLOSE, 0, true);
		smb2_close_request_encode(&message.buf, &end);
		client_send(client, &message);
		while (client_in_flight(client))
			loop_run_once(client_loop(client), 1000);
		assert_true(parts[0].good && parts[1].good);
		sync_disconnect(sync);
	}
}

/* A request for changes that nobody makes, sent over @sync. */
static void ask_for_changes(struct client_sync *sync, struct many *wait)
{
	struct smb2_change_notify_request body = { .output_length = 1000,
						   .completion_filter = 0xfff };
	struct client *client = sync_client(sync);
	struct client_message message;
	struct client_tree tree;

	assert_int_equal(sync_tree_connect(sync, "\\\\127.0.0.1\\share", &tree, NULL), 0);
	assert_int_equal(
		sync_open(sync, &tree, "", 0x81, FILE_OPEN, FILE_DIRECTORY_FILE, &body.file_id), 0);
	client_begin(client, &message, &tree);
	client_add(&message, client, &wait->request, SMB2_CHANGE_NOTIFY, 0, false);
	smb2_change_notify_request_encode(&message.buf, &body);
	client_send(client, &message);
}

static void a_cancelled_request_ends_with_cancelled(void **state)
{
	struct client_options options = usual();
	struct many wait = { .request.done = note_done };
	struct client_sync *sync;
	struct client *client;

	NEEDS_SMBD();
	options.encryption = CLIENT_REQUIRED;
	sync = connected(&options);
	client = sync_client(sync);
	ask_for_changes(sync, &wait);
	while (!wait.request.pending)
		loop_run_once(client_loop(client), 1000);
	client_cancel(client, &wait.request);
	while (!wait.done)
		loop_run_once(client_loop(client), 1000);
	assert_int_equal(wait.request.status, STATUS_CANCELLED);
	sync_disconnect(sync);
}

static void what_is_pending_for_ever_ends_in_time(void **state)
{
	struct client_options options = usual();
	struct many wait = { .request.done = note_done };
	struct client_sync *sync;
	struct client *client;

	NEEDS_SMBD();
	options.pending_timeout_ms = 300;
	sync = connected(&options);
	client = sync_client(sync);
	ask_for_changes(sync, &wait);
	while (!wait.done)
		loop_run_once(client_loop(client), 1000);
	assert_int_equal(wait.request.status, STATUS_IO_TIMEOUT);
	sync_disconnect(sync);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_dialect_works_plain_and_signed),
		cmocka_unit_test(every_signing_algorithm_works),
		cmocka_unit_test(every_cipher_works),
		cmocka_unit_test(a_share_that_wants_encryption_gets_it),
		cmocka_unit_test(a_failure_names_its_step_and_status),
		cmocka_unit_test(who_is_taken_for_a_guest_does_not_go_on_unless_told_so),
		cmocka_unit_test(nobody_may_look_at_ipc),
		cmocka_unit_test(a_pipe_transceives),
		cmocka_unit_test(more_requests_than_credits_all_get_their_answer),
		cmocka_unit_test(a_related_compound_opens_and_closes),
		cmocka_unit_test(a_cancelled_request_ends_with_cancelled),
		cmocka_unit_test(what_is_pending_for_ever_ends_in_time),
	};

	return cmocka_run_group_tests(tests, start_smbd, stop_smbd);
}
