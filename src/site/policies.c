// SPDX-License-Identifier: Apache-2.0
/* The thresholds and times that count for an object, and the accounts. */
#include <site/object.h>

#include <crypto/ntlm.h>
#include <errno.h>
#include <site/db.h>

int policies_load(struct site *site, struct policies *out, char **why)
{
	struct query q = query_begin(site, "SELECT role, warn_bytes, critical_bytes, warn_percent,"
					   " critical_percent FROM role_thresholds");

	*out = (struct policies){
		.site = {
			.thresholds = {
				.warn_bytes = site_setting_number(site, "warn_bytes"),
				.critical_bytes = site_setting_number(site, "critical_bytes"),
				.warn_percent = (double)site_setting_number(site, "warn_percent"),
				.critical_percent =
					(double)site_setting_number(site, "critical_percent"),
			},
			.hysteresis_percent =
				(double)site_setting_number(site, "hysteresis_percent"),
			.patience_s = site_setting_number(site, "patience_s"),
			.remind_s = site_setting_number(site, "remind_s"),
			.interval_s = site_setting_number(site, "interval_s"),
		},
	};
	while (query_row(&q)) {
		struct role_policy *role;

		out->roles = reallocarray(out->roles, out->role_count + 1, sizeof(*out->roles));
		BUG_ON(!out->roles);
		role = &out->roles[out->role_count++];
		*role = (struct role_policy){
			.role = xstrdup(query_text_at(&q, 0)),
			.thresholds = {
				query_null_at(&q, 1) ? -1 : query_number_at(&q, 1),
				query_null_at(&q, 2) ? -1 : query_number_at(&q, 2),
				query_null_at(&q, 3) ? -1 : query_real_at(&q, 3),
				query_null_at(&q, 4) ? -1 : query_real_at(&q, 4),
			},
		};
	}
	return query_end(&q, why);
}

void policies_free(struct policies *policies)
{
	for (size_t i = 0; i < policies->role_count; i++)
		free(policies->roles[i].role);
	free(policies->roles);
	*policies = (struct policies){ 0 };
}

/* What is not negative in @from counts. */
static void lay_over(struct thresholds *to, const struct thresholds *from)
{
	if (from->warn_bytes >= 0)
		to->warn_bytes = from->warn_bytes;
	if (from->critical_bytes >= 0)
		to->critical_bytes = from->critical_bytes;
	if (from->warn_percent >= 0)
		to->warn_percent = from->warn_percent;
	if (from->critical_percent >= 0)
		to->critical_percent = from->critical_percent;
}

struct watch_policy policy_of(const struct policies *policies, const struct object *object)
{
	struct watch_policy policy = policies->site;

	for (size_t i = 0; i < policies->role_count; i++) {
		if (!strcmp(policies->roles[i].role, object->role))
			lay_over(&policy.thresholds, &policies->roles[i].thresholds);
	}
	lay_over(&policy.thresholds, &object->thresholds);
	if (object->interval_s)
		policy.interval_s = object->interval_s;
	return policy;
}

int role_thresholds_set(struct site *site, const char *role, const struct thresholds *t, char **why)
{
	struct query q =
		query_begin(site, "INSERT OR REPLACE INTO role_thresholds(role, warn_bytes,"
				  " critical_bytes, warn_percent, critical_percent)"
				  " VALUES(?1, nullif(?2, -1), nullif(?3, -1), nullif(?4, -1.0),"
				  " nullif(?5, -1.0))");

	query_text(&q, role);
	query_number(&q, t->warn_bytes);
	query_number(&q, t->critical_bytes);
	query_real(&q, t->warn_percent);
	query_real(&q, t->critical_percent);
	return query_run(&q, why);
}

/* What logs on as it is looked at anew at once: its last answer was to another password. */
static int recheck_users_of(struct site *site, const char *name, char **why)
{
	auto_free char *usual = site_setting(site, "account");
	struct query q = query_begin(site, "UPDATE objects SET recheck = recheck + 1"
					   " WHERE coalesce(account, ?2) = ?1");

	query_text(&q, name);
	query_text(&q, usual);
	return query_run(&q, why);
}

int account_add(struct site *site, const char *name, const char *user, const char *domain,
		const char *password, char **why)
{
	uint8_t hash[16];
	struct query q;
	int error;

	if (!*name || strlen(name) > 64)
		return site_fail(why, -EINVAL, "the name of an account has 1 to 64 bytes");
	if (!ntlm_nt_hash(password, hash))
		return site_fail(why, -EINVAL, "the password cannot be used: it is not UTF-8");
	q = query_begin(site,
			"INSERT INTO accounts(name, user, domain, nt_hash) VALUES(?1, ?2, ?3, ?4)"
			" ON CONFLICT(name) DO UPDATE SET user = ?2, domain = ?3, nt_hash = ?4");
	query_text(&q, name);
	query_text(&q, user);
	query_text(&q, domain ? domain : "");
	query_blob(&q, hash, sizeof(hash));
	explicit_bzero(hash, sizeof(hash));
	error = query_run(&q, why);
	return error ? error : recheck_users_of(site, name, why);
}

int account_remove(struct site *site, const char *name, char **why)
{
	auto_free char *usual = site_setting(site, "account");
	struct query q;
	int error;

	if (*name && !strcmp(usual, name))
		return site_fail(why, -EBUSY,
				 "account \"%s\" is the site's: berth site set account=...", name);
	q = query_begin(site, "DELETE FROM accounts WHERE name = ?1");
	query_text(&q, name);
	error = query_run(&q, why);
	if (error == -EEXIST)
		return site_fail(why, -EBUSY, "account \"%s\" is used by storage objects", name);
	if (!error && !query_changed(site))
		error = site_fail(why, -ENOENT, "the site has no account \"%s\"", name);
	return error;
}

int account_get(struct site *site, const char *name, struct account *out, char **why)
{
	auto_free char *usual = name ? xstrdup(name) : site_setting(site, "account");
	struct query q =
		query_begin(site, "SELECT user, domain, nt_hash FROM accounts WHERE name = ?1");
	bool found;

	*out = (struct account){ 0 };
	if (!*usual)
		return query_end(&q, why);
	query_text(&q, usual);
	found = query_row(&q);
	if (found) {
		out->name = xstrdup(usual);
		out->user = xstrdup(query_text_at(&q, 0));
		out->domain = xstrdup(query_text_at(&q, 1));
		(void)query_blob_at(&q, 2, out->nt_hash, sizeof(out->nt_hash));
	}
	if (query_end(&q, why))
		return -EIO;
	return found ? 0 : site_fail(why, -ENOENT, "the site has no account \"%s\"", usual);
}

void account_wipe(struct account *account)
{
	free(account->name);
	free(account->user);
	free(account->domain);
	explicit_bzero(account, sizeof(*account));
}

json_t *account_list(struct site *site, char **why)
{
	struct query q =
		query_begin(site, "SELECT name, user, domain, (SELECT count(*) FROM objects o"
				  " WHERE o.account = accounts.name) AS objects FROM accounts"
				  " ORDER BY name");

	return query_rows(&q, why);
}
