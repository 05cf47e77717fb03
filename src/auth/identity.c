// SPDX-License-Identifier: Apache-2.0
/*
 * tokens[] only grows, under the lock; what is at an index below now_at never changes, so that the
 * readers, who look at the index alone, take none.
 */
#include <auth/identity.h>
#include <pthread.h>
#include <stdatomic.h>

struct identity {
	atomic_uint refs;
	atomic_uint now_at; /* in tokens */
	pthread_mutex_t lock;
	uint32_t count;
	struct token *tokens[IDENTITY_MAX_TOKENS]; /* counted */
};

struct identity *identity_new(struct token *token)
{
	struct identity *identity = xalloc(1, sizeof(*identity));

	identity->refs = 1;
	pthread_mutex_init(&identity->lock, NULL);
	identity->tokens[0] = token_get(token);
	identity->count = 1;
	return identity;
}

struct identity *identity_get(struct identity *identity)
{
	atomic_fetch_add(&identity->refs, 1);
	return identity;
}

void identity_put(struct identity *identity)
{
	if (!identity || atomic_fetch_sub(&identity->refs, 1) != 1)
		return;
	for (uint32_t i = 0; i < identity->count; i++)
		token_put(identity->tokens[i]);
	pthread_mutex_destroy(&identity->lock);
	free(identity);
}

struct token *identity_token(const struct identity *identity)
{
	return identity->tokens[atomic_load(&identity->now_at)];
}

bool identity_may_become(const struct identity *identity, const struct token *token)
{
	const struct token *first = identity->tokens[0]; /* never changes */

	return token->is_anonymous || (token_same_user(token, first) &&
				       token->is_guest == first->is_guest && !first->is_anonymous);
}

bool identity_become(struct identity *identity, struct token *token)
{
	uint32_t at;

	pthread_mutex_lock(&identity->lock);
	for (at = 0; at < identity->count && !token_equal(identity->tokens[at], token); at++)
		;
	if (at == identity->count && at < IDENTITY_MAX_TOKENS)
		identity->tokens[identity->count++] = token_get(token);
	if (at < identity->count)
		atomic_store(&identity->now_at, at);
	pthread_mutex_unlock(&identity->lock);
	return at < IDENTITY_MAX_TOKENS;
}
