// SPDX-License-Identifier: Apache-2.0
/*
 * The sessions of this node, as people and RPC see them. smb/ enters each session when it is
 * authenticated and takes it out when it ends; the registry has a lock of its own, held for no call
 * outwards.
 */
#ifndef FILESERVER_SESSION_H
#define FILESERVER_SESSION_H

#include <auth/identity.h>
#include <fileserver/server.h>

/* One of the connections that a session is on. */
struct session_channel {
	struct session_channel *next; /* a later one */
	uint64_t number;	      /* in its session */
	char *client;		      /* address as text */
};

struct session_entry {
	uint64_t id;
	struct server *server; /* whose accounts it was authenticated against; counted by the
				  entry's owner */
	const struct identity *identity; /* whom it acts as; the session's */
	char *client;			 /* address of its first connection, as text */
	uint16_t dialect;
	bool is_signed, is_encrypted;
	uint64_t since_ms, last_used_ms; /* monotonic */
	/* disconnect - end the session for an administrator; any thread, no lock held. */
	void (*disconnect)(struct session_entry *entry);
	struct session_entry *next, *previous; /* private, as are the channels */
	struct session_channel *channels;
	uint32_t channel_count;
};
void session_enter(struct session_entry *entry);
void session_leave(struct session_entry *entry);
/* session_channel_enter, session_channel_leave - it is on one connection more, one less; any
 * thread, also when the entry has left. What is entered must leave. */
void session_channel_enter(struct session_entry *entry, uint64_t number, const char *client);
void session_channel_leave(struct session_entry *entry, uint64_t number);

struct session_row {
	uint64_t id;
	char *user, *client, *server;
	char **channels; /* addresses of the connections that it is on, the oldest first */
	uint32_t channel_count;
	uint16_t dialect;
	bool is_signed, is_encrypted, is_guest;
	uint64_t age_ms, idle_ms;
	uint32_t opens;
};
/* session_list - snapshot, of @server or (NULL) all; the caller frees with session_rows_free. */
size_t session_list(struct server *server, struct session_row **out);
void session_rows_free(struct session_row *rows, size_t count);
/* session_close - false where there is no such session. */
bool session_close(uint64_t id);
size_t session_count(struct server *server);

#endif
