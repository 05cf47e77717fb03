// SPDX-License-Identifier: Apache-2.0
/* Clients: who is known, who is approved, and tokens that approve by themselves. */
#include "deploy_impl.h"

#include <crypto/crypto.h>
#include <errno.h>
#include <policy/paper.h>

#define ID_BEGINNING 8 /* so many digits of an id are enough to mean it */

static bool is_like_id(const char *text)
{
	size_t length = strlen(text);

	return length >= ID_BEGINNING && length < SHA256_HEX_SIZE &&
	       strspn(text, "0123456789abcdef") == length;
}

char *client_find(struct site *site, const char *client, char **why)
{
	/*
	 * By id, by the beginning of one, or by name; more than one is none. A client chooses its
	 * name, so what can be an id is one: nobody is approved in the place of another.
	 */
	struct query q = query_begin(
		site,
		is_like_id(client)
			? "SELECT id FROM clients WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2"
			: "SELECT id FROM clients WHERE name = ?1 LIMIT 2");
	char *id = NULL;
	bool several;

	query_text(&q, client);
	if (query_row(&q))
		id = xstrdup(query_text_at(&q, 0));
	several = id && query_row(&q);
	if (!query_end(&q, why) && id && !several)
		return id;
	free(id);
	(void)site_fail(why, -ENOENT,
			several ? "more than one client is called \"%s\"; name it by its id"
				: "there is no client \"%s\"; berth client list shows them",
			client);
	return NULL;
}

int client_approve(struct site *site, const char *client, char **why)
{
	auto_free char *id = client_find(site, client, why);
	struct query q;

	if (!id)
		return -ENOENT;
	q = query_begin(site, "UPDATE clients SET state = 'approved', approved = ?2 WHERE id = ?1");
	query_text(&q, id);
	query_number(&q, now_s());
	return query_run(&q, why);
}

int client_remove(struct site *site, const char *client, char **why)
{
	auto_free char *id = client_find(site, client, why);
	struct query q;

	if (!id)
		return -ENOENT;
	q = query_begin(site, "DELETE FROM clients WHERE id = ?1");
	query_text(&q, id);
	return query_run(&q, why);
}

json_t *client_list(struct site *site, char **why)
{
	struct query q = query_begin(
		site, "SELECT id, name, state, enrolled, seen, (SELECT count(*) FROM"
		      " client_deployments d WHERE d.client = c.id) AS deployments FROM clients c"
		      " ORDER BY name, id");

	return query_rows(&q, why);
}

json_t *client_show(struct site *site, const char *client, char **why)
{
	auto_free char *id = client_find(site, client, why);
	json_t *rows auto_json = NULL;
	json_t *out = NULL;
	struct query q;

	if (!id)
		return NULL;
	q = query_begin(site,
			"SELECT id, name, state, enrolled, approved, seen, facts AS facts_json"
			" FROM clients WHERE id = ?1");
	query_text(&q, id);
	rows = query_rows(&q, why);
	if (!json_array_size(rows))
		return NULL;
	out = json_incref(json_array_get(rows, 0));
	q = query_begin(site, "SELECT deployment, version, revision, state, message, reason, exit,"
			      " since, output FROM client_deployments WHERE client = ?1");
	query_text(&q, id);
	json_object_set_new(out, "deployments", query_rows(&q, why));
	q = query_begin(site, "SELECT number, time, deployment, message, text FROM client_events"
			      " WHERE client = ?1 ORDER BY number");
	query_text(&q, id);
	json_object_set_new(out, "events", query_rows(&q, why));
	return out;
}

char *token_make(struct site *site, int64_t lifetime_s, char **why)
{
	uint8_t bytes[TOKEN_ID_LENGTH / 2 + TOKEN_SECRET_LENGTH];
	char id[TOKEN_ID_LENGTH + 1], secret[2 * TOKEN_SECRET_LENGTH + 1];
	struct query q = query_begin(site, "INSERT INTO tokens(id, secret, created, expires)"
					   " VALUES(?1, ?2, ?3, ?4)");
	char *token;

	random_bytes(bytes, sizeof(bytes));
	content_hex(id, bytes, TOKEN_ID_LENGTH / 2);
	content_hex(secret, bytes + TOKEN_ID_LENGTH / 2, TOKEN_SECRET_LENGTH);
	query_text(&q, id);
	query_text(&q, secret);
	query_number(&q, now_s());
	query_number(&q, now_s() + lifetime_s);
	token = query_run(&q, why) ? NULL : xasprintf("%s.%s", id, secret);
	secret_wipe(bytes, sizeof(bytes));
	secret_wipe(secret, sizeof(secret));
	return token;
}
