// SPDX-License-Identifier: Apache-2.0
/*
 * A session that several threads use over channels on several loops at once, and that ends under
 * their hands: by a logoff on one of them, or because all of them go. For a build with a thread
 * sanitizer; anywhere it shows that nothing is left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../../src/smb/session.h"
#include "peer.h"

#define LOOPS	 3
#define CHANNELS 4
#define STEPS	 40

static pthread_t loop_threads[LOOPS];
static unsigned rounds = 6;

struct user {
	struct peer peer;
	unsigned number;
	bool logs_off;
	unsigned done; /* steps that the server answered */
};

static ntstatus ask(struct user *user, struct buf *b, struct cursor *body)
{
	struct smb2_header h;

	do {
		if (b)
			peer_send(&user->peer, b);
		b = NULL;
		if (!peer_answer(&user->peer, &h, body))
			return STATUS_CONNECTION_DISCONNECTED;
	} while (h.command == SMB2_OPLOCK_BREAK || h.status == STATUS_PENDING);
	return h.status;
}

static void create_and_close(struct user *user, const char *name)
{
	struct buf b = peer_create_message(&user->peer, name,
					   peer_file(FILE_GENERIC_READ | FILE_GENERIC_WRITE));
	struct smb2_create_response answer;
	struct cursor body;

	if (ask(user, &b, &body) || smb2_create_response_decode(&body, &answer))
		return;
	user->done++;
	if (user->number % 2 && user->done % 3 == 0)
		return; /* left to the end of the session */
	b = peer_close_message(&user->peer, answer.file_id);
	(void)!ask(user, &b, &body);
}

static void use_a_pipe(struct user *user)
{
	uint32_t tree_id = user->peer.tree_id;
	struct cursor body;
	struct buf b;

	if (!peer_tree_connect(&user->peer, "\\\\FS\\IPC$"))
		create_and_close(user, "srvsvc");
	b = peer_begin(&user->peer, SMB2_TREE_DISCONNECT);
	smb2_empty_encode(&b);
	(void)!ask(user, &b, &body);
	user->peer.tree_id = tree_id;
}

static void *work(void *arg)
{
	struct user *user = arg;
	struct cursor body;
	struct buf b;

	for (unsigned i = 0; i < STEPS; i++) {
		if (i % 8 == user->number)
			use_a_pipe(user);
		else
			create_and_close(user, i % 2 ? "one" : "two");
		if (user->logs_off && i == STEPS / 2) {
			b = peer_begin(&user->peer, SMB2_LOGOFF);
			smb2_empty_encode(&b);
			(void)!ask(user, &b, &body);
		}
	}
	peer_close(&user->peer);
	return NULL;
}

static void begin(struct user *users)
{
	struct peer *first = &users[0].peer;

	for (unsigned i = 0; i < CHANNELS; i++) {
		struct peer *p = &users[i].peer;

		peer_open(p, SMB2_DIALECT_300);
		must(peer_negotiate(p), "negotiate");
		if (i) {
			p->session_id = first->session_id;
			p->tree_id = first->tree_id;
			p->setup_flags = SMB2_SESSION_FLAG_BINDING;
			p->signer = peer_signer_30(first);
		}
		must(!peer_log_on(p, PEER_PASSWORD, 1), "log on");
		signer_free(p->signer);
		p->signer = peer_signer_30(p);
		if (!i)
			must(!peer_tree_connect(p, "\\\\FS\\data"), "tree connect");
	}
}

static bool all_is_gone(void)
{
	struct smb_statistics now;

	for (int i = 0; i < 10000; i++) {
		smb_statistics(&now);
		if (!now.connections && !now.sessions && !now.trees && !now.requests_waiting)
			return true;
		usleep(1000);
	}
	return false;
}

static void one_round(bool with_logoff)
{
	struct user users[CHANNELS] = { 0 };
	pthread_t threads[CHANNELS];
	unsigned done = 0;

	begin(users);
	for (unsigned i = 0; i < CHANNELS; i++) {
		users[i].number = i;
		users[i].logs_off = with_logoff && i == 2;
		must(!pthread_create(&threads[i], NULL, work, &users[i]), "thread");
	}
	for (unsigned i = 0; i < CHANNELS; i++) {
		pthread_join(threads[i], NULL);
		done += users[i].done;
	}
	/* Who logs off has done its half by then; how far the others are is the scheduler's doing.
	 */
	assert_true(with_logoff ? users[2].done >= STEPS / 4 : done >= CHANNELS * STEPS / 4);
	assert_true(all_is_gone());
}

static void channels_that_close_one_after_the_other_leave_nothing(void **state)
{
	for (unsigned i = 0; i < rounds; i++)
		one_round(false);
}

static void a_logoff_under_the_hands_of_others_leaves_nothing(void **state)
{
	for (unsigned i = 0; i < rounds; i++)
		one_round(true);
}

struct change {
	struct session *session;
	struct token *to;
	pthread_barrier_t *begin;
};

static void *go_on_as(void *arg)
{
	struct change *change = arg;

	pthread_barrier_wait(change->begin);
	must(identity_become(change->session->identity, change->to), "another");
	tree_check_all(change->session);
	return NULL;
}

/* Two channels authenticate anew at once: one as the user, one as nobody, who is not let in. */
static void what_a_tree_leaves_is_of_the_last_that_it_became(void **state)
{
	struct user users[CHANNELS] = { 0 };
	pthread_barrier_t ready;
	struct session *session;
	struct change changes[2];
	struct token *nobody;
	struct tree *tree;

	begin(users);
	session = session_find_anywhere(users[0].peer.session_id);
	tree = tree_find(session, users[0].peer.tree_id);
	nobody = token_new_anonymous(peer_server->id, "FS");
	assert_true(session && tree && nobody);
	pthread_barrier_init(&ready, NULL, 2);
	changes[0] = (struct change){ session, session_token(session), &ready };
	changes[1] = (struct change){ session, nobody, &ready };
	for (unsigned i = 0; i < 50 * rounds; i++) {
		pthread_t threads[2];

		for (size_t k = 0; k < 2; k++)
			must(!pthread_create(&threads[k], NULL, go_on_as, &changes[k]), "thread");
		for (size_t k = 0; k < 2; k++)
			pthread_join(threads[k], NULL);
		assert_int_equal(atomic_load(&tree->maximal_access),
				 share_access(tree->share, tree->server, session_token(session)));
		assert_int_equal(!atomic_load(&tree->maximal_access),
				 session_token(session) == nobody);
	}
	pthread_barrier_destroy(&ready);
	token_put(nobody);
	tree_put(tree);
	session_put(session);
	for (unsigned i = 0; i < CHANNELS; i++)
		peer_close(&users[i].peer);
	assert_true(all_is_gone());
}

static int start(void **state)
{
	struct smb_config config;

	if (getenv("BERTH_LONG"))
		rounds = 100;
	smb_config_defaults(&config);
	config.login_delay_ms = 0;
	peer_start_threads(&config, LOOPS, loop_threads);
	return 0;
}

static int stop(void **state)
{
	for (size_t i = 0; i < LOOPS; i++)
		loop_stop(peer_loops[i]);
	for (size_t i = 0; i < LOOPS; i++)
		pthread_join(loop_threads[i], NULL);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channels_that_close_one_after_the_other_leave_nothing),
		cmocka_unit_test(what_a_tree_leaves_is_of_the_last_that_it_became),
		cmocka_unit_test(a_logoff_under_the_hands_of_others_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
