// SPDX-License-Identifier: Apache-2.0
/*
 * The sessions of this node. The entries are smb/'s; the list has a lock, and an entry is
 * disconnected outside it: while that call runs the entry is marked, and session_leave waits for
 * it.
 */
#include <fileserver/session.h>

#include <fileserver/open.h>

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static struct session_entry *first;
static struct session_entry *in_use; /* being disconnected by session_close */
static pthread_t in_use_by;

void session_enter(struct session_entry *entry)
{
	pthread_mutex_lock(&lock);
	entry->previous = NULL;
	entry->next = first;
	if (first)
		first->previous = entry;
	first = entry;
	pthread_mutex_unlock(&lock);
}

void session_leave(struct session_entry *entry)
{
	pthread_mutex_lock(&lock);
	while (in_use == entry && !pthread_equal(in_use_by, pthread_self()))
		pthread_cond_wait(&released, &lock);
	if (entry->previous)
		entry->previous->next = entry->next;
	else if (first == entry)
		first = entry->next;
	if (entry->next)
		entry->next->previous = entry->previous;
	entry->next = entry->previous = NULL;
	pthread_mutex_unlock(&lock);
}

void session_channel_enter(struct session_entry *entry, uint64_t number, const char *client)
{
	struct session_channel *channel = xalloc(1, sizeof(*channel)), **at = &entry->channels;

	channel->number = number;
	channel->client = xstrdup(client);
	pthread_mutex_lock(&lock);
	while (*at)
		at = &(*at)->next;
	*at = channel;
	entry->channel_count++;
	pthread_mutex_unlock(&lock);
}

void session_channel_leave(struct session_entry *entry, uint64_t number)
{
	struct session_channel *channel, **at = &entry->channels;

	pthread_mutex_lock(&lock);
	while (*at && (*at)->number != number)
		at = &(*at)->next;
	channel = *at;
	BUG_ON(!channel);
	*at = channel->next;
	entry->channel_count--;
	pthread_mutex_unlock(&lock);
	free(channel->client);
	free(channel);
}

/* The addresses of the channels of @entry; the lock is held. */
static char **channels_of(const struct session_entry *entry)
{
	char **list = xalloc(entry->channel_count, sizeof(*list));
	uint32_t count = 0;

	for (const struct session_channel *c = entry->channels; c; c = c->next)
		list[count++] = xstrdup(c->client);
	return list;
}

static void count_opens(struct session_row *rows, size_t count, struct server *server)
{
	struct open_listing_row *opens = NULL;
	size_t open_count = open_list(server, &opens);

	for (size_t i = 0; i < open_count; i++) {
		for (size_t k = 0; k < count; k++)
			rows[k].opens += rows[k].id == opens[i].session_id;
		free(opens[i].path);
		free(opens[i].user);
	}
	free(opens);
}

size_t session_list(struct server *server, struct session_row **out)
{
	uint64_t now = monotonic_ms();
	size_t count = 0, room = 0;

	pthread_mutex_lock(&lock);
	for (struct session_entry *e = first; e; e = e->next)
		room += !server || e->server == server;
	*out = xalloc(room, sizeof(**out));
	for (struct session_entry *e = first; e; e = e->next) {
		const struct token *who = identity_token(e->identity);

		if (server && e->server != server)
			continue;
		(*out)[count++] = (struct session_row){
			.id = e->id,
			.user = token_full_name(who),
			.client = xstrdup(e->client),
			.server = xstrdup(e->server->name),
			.channels = channels_of(e),
			.channel_count = e->channel_count,
			.dialect = e->dialect,
			.is_signed = e->is_signed,
			.is_encrypted = e->is_encrypted,
			.is_guest = !token_is_somebody(who),
			.age_ms = now - e->since_ms,
			.idle_ms = now - __atomic_load_n(&e->last_used_ms, __ATOMIC_RELAXED),
		};
	}
	pthread_mutex_unlock(&lock);
	count_opens(*out, count, server);
	return count;
}

void session_rows_free(struct session_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(rows[i].user);
		free(rows[i].client);
		free(rows[i].server);
		for (uint32_t k = 0; k < rows[i].channel_count; k++)
			free(rows[i].channels[k]);
		free(rows[i].channels);
	}
	free(rows);
}

bool session_close(uint64_t id)
{
	struct session_entry *entry;

	pthread_mutex_lock(&lock);
	while (in_use)
		pthread_cond_wait(&released, &lock);
	for (entry = first; entry && entry->id != id; entry = entry->next)
		;
	if (entry) {
		in_use = entry;
		in_use_by = pthread_self();
		pthread_mutex_unlock(&lock);
		entry->disconnect(entry);
		pthread_mutex_lock(&lock);
		in_use = NULL;
		pthread_cond_broadcast(&released);
	}
	pthread_mutex_unlock(&lock);
	return entry != NULL;
}

size_t session_count(struct server *server)
{
	size_t count = 0;

	pthread_mutex_lock(&lock);
	for (struct session_entry *e = first; e; e = e->next)
		count += !server || e->server == server;
	pthread_mutex_unlock(&lock);
	return count;
}
