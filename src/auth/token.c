// SPDX-License-Identifier: Apache-2.0
#include <auth/token.h>

#define ALL_PRIVILEGES                                                                             \
	(PRIVILEGE_BACKUP | PRIVILEGE_RESTORE | PRIVILEGE_SECURITY | PRIVILEGE_TAKE_OWNERSHIP |    \
	 PRIVILEGE_CHANGE_NOTIFY)

static bool put_name(char to[TOKEN_MAX_NAME], const char *from)
{
	size_t length = from ? strlen(from) : 0;

	if (length >= TOKEN_MAX_NAME)
		return false;
	memcpy(to, from ? from : "", length + 1);
	return true;
}

static void put_group(struct token *t, const struct sid *sid)
{
	if (!token_has_sid(t, sid))
		t->groups[t->group_count++] = *sid;
}

/* put_privileges - what the groups bring along. Guests and null sessions get nothing by group. */
static void put_privileges(struct token *t, uint32_t own)
{
	t->privileges = own | PRIVILEGE_CHANGE_NOTIFY;
	if (!token_is_somebody(t)) {
		t->privileges = PRIVILEGE_CHANGE_NOTIFY;
		return;
	}
	t->is_admin = token_has_sid(t, &SID_ADMINISTRATORS);
	if (t->is_admin)
		t->privileges |= ALL_PRIVILEGES;
	if (token_has_sid(t, &SID_BACKUP_OPERATORS))
		t->privileges |= PRIVILEGE_BACKUP | PRIVILEGE_RESTORE;
}

struct token *token_new(const struct token_info *info)
{
	static const struct sid *const everyones[] = { &SID_EVERYONE, &SID_NETWORK };
	size_t room = info->group_count + 2 + ARRAY_LEN(everyones);
	struct token *t;

	if (room > TOKEN_MAX_GROUPS)
		return NULL;
	t = calloc(1, sizeof(*t) + room * sizeof(t->groups[0]));
	if (!t)
		return NULL;
	t->refs = 1;
	t->user = info->user;
	t->primary_group = info->primary_group;
	t->authority = info->authority;
	t->is_guest = info->is_guest;
	t->is_anonymous = info->is_anonymous;
	if (!put_name(t->user_name, info->user_name) ||
	    !put_name(t->domain_name, info->domain_name) ||
	    !put_name(t->authority_name, info->authority_name)) {
		free(t);
		return NULL;
	}
	if (info->primary_group.sub_count)
		put_group(t, &info->primary_group);
	for (size_t i = 0; i < info->group_count; i++)
		put_group(t, &info->groups[i]);
	for (size_t i = 0; i < ARRAY_LEN(everyones); i++)
		put_group(t, everyones[i]);
	if (token_is_somebody(t))
		put_group(t, &SID_AUTHENTICATED);
	put_privileges(t, info->privileges);
	return t;
}

struct token *token_new_anonymous(uint64_t authority, const char *authority_name)
{
	return token_new(&(struct token_info){
		.user = SID_ANONYMOUS,
		.primary_group = SID_ANONYMOUS,
		.user_name = "ANONYMOUS LOGON",
		.domain_name = "NT AUTHORITY",
		.authority_name = authority_name,
		.authority = authority,
		.is_anonymous = true,
	});
}

struct token *token_new_system(void)
{
	return token_new(&(struct token_info){
		.user = SID_SYSTEM,
		.primary_group = SID_SYSTEM,
		.user_name = "SYSTEM",
		.domain_name = "NT AUTHORITY",
		.privileges = ALL_PRIVILEGES,
		.groups = &SID_ADMINISTRATORS,
		.group_count = 1,
	});
}

struct token *token_get(struct token *t)
{
	BUG_ON(__atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED) <= 0);
	return t;
}

void token_put(struct token *t)
{
	int before;

	if (!t)
		return;
	before = __atomic_fetch_sub(&t->refs, 1, __ATOMIC_ACQ_REL);
	BUG_ON(before <= 0);
	if (before == 1)
		free(t);
}

bool token_has_sid(const struct token *t, const struct sid *sid)
{
	if (sid_equal(&t->user, sid))
		return true;
	for (uint32_t i = 0; i < t->group_count; i++)
		if (sid_equal(&t->groups[i], sid))
			return true;
	return false;
}

static bool has_groups_of(const struct token *token, const struct token *other)
{
	for (uint32_t i = 0; i < other->group_count; i++)
		if (!token_has_sid(token, &other->groups[i]))
			return false;
	return true;
}

bool token_same_user(const struct token *a, const struct token *b)
{
	return sid_equal(&a->user, &b->user) && a->authority == b->authority;
}

bool token_equal(const struct token *a, const struct token *b)
{
	return token_same_user(a, b) && a->privileges == b->privileges &&
	       a->is_admin == b->is_admin && a->is_guest == b->is_guest &&
	       a->is_anonymous == b->is_anonymous &&
	       sid_equal(&a->primary_group, &b->primary_group) && has_groups_of(a, b) &&
	       has_groups_of(b, a);
}

char *token_full_name(const struct token *t)
{
	return *t->domain_name ? xasprintf("%s\\%s", t->domain_name, t->user_name)
			       : xstrdup(t->user_name);
}
