// SPDX-License-Identifier: Apache-2.0
/*
 * Which descriptor guards a file: the one stored with it, else what it inherits from the
 * directories above it, up to the default of the volume's root.
 *
 * The volume has one owner, so what is cached is true until this file server changes it:
 * directories are kept in a small table together with what their children inherit; decoded
 * descriptors are shared by their bytes, because the files of a directory mostly have the same.
 * Changing the descriptor of a directory, or moving one, starts a new generation. One that is
 * removed is forgotten while its inode cannot be another's yet, and not kept again. cache_lock is a
 * leaf and guards both tables.
 */
#include <base/log.h>
#include <sys/stat.h>

#include "opens.h"

#define DEFAULT_SDDL                                                                               \
	"O:BAG:BAD:AI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICIIO;FA;;;CO)"                           \
	"(A;OICI;0x1301bf;;;AU)"
#define DIRECTORIES 4096u
#define SHARED	    1024u
#define KEPT_MS                                                                                    \
	1000u /* how long a directory is believed to be as it was, should the disk be changed      \
		 under us */
#define SHARED_BYTES 4096u /* longest descriptor that is shared */

struct inherited {
	struct sid owner, group;
	uint8_t *blob;
	size_t length;
};
static struct directory_entry_cache {
	struct volume_key key;
	uint64_t generation, until_ms;
	struct descriptor *own, *child[2]; /* of a file, of a directory, that have none stored */
	struct inherited created[2];	   /* what was stored with the last one created */
} directories[DIRECTORIES];
static struct shared {
	uint64_t hash;
	uint8_t *blob;
	size_t length;
	struct descriptor *descriptor;
} shareds[SHARED];
static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint_fast64_t generation = 1;

struct descriptor *descriptor_get(struct descriptor *descriptor)
{
	atomic_fetch_add(&descriptor->refs, 1);
	return descriptor;
}

void descriptor_put(struct descriptor *descriptor)
{
	if (!descriptor || atomic_fetch_sub(&descriptor->refs, 1) != 1)
		return;
	free(descriptor->sd);
	free(descriptor);
}

void descriptor_put_ptr(struct descriptor **descriptor)
{
	descriptor_put(*descriptor);
}

static struct descriptor *descriptor_of_sd(struct security_descriptor *sd)
{
	struct descriptor *descriptor = xalloc(1, sizeof(*descriptor));

	descriptor->refs = 1;
	descriptor->sd = sd;
	return descriptor;
}

static struct descriptor *shared_find(uint64_t hash, const struct buf *blob)
{
	struct shared *shared = &shareds[hash % SHARED];
	struct descriptor *found = NULL;

	pthread_mutex_lock(&cache_lock);
	if (shared->descriptor && shared->hash == hash && shared->length == blob->len &&
	    !memcmp(shared->blob, blob->data, blob->len))
		found = descriptor_get(shared->descriptor);
	pthread_mutex_unlock(&cache_lock);
	return found;
}

static void shared_keep(uint64_t hash, const struct buf *blob, struct descriptor *descriptor)
{
	struct shared *shared = &shareds[hash % SHARED];
	uint8_t *copy = malloc(blob->len);
	struct shared old;

	if (!copy)
		return;
	memcpy(copy, blob->data, blob->len);
	pthread_mutex_lock(&cache_lock);
	old = *shared;
	*shared = (struct shared){ hash, copy, blob->len, descriptor_get(descriptor) };
	pthread_mutex_unlock(&cache_lock);
	free(old.blob);
	descriptor_put(old.descriptor);
}

static ntstatus descriptor_of_blob(const struct buf *blob, struct descriptor **out)
{
	bool may_share = blob->len && blob->len <= SHARED_BYTES;
	uint64_t hash = may_share ? hash_bytes(blob->data, blob->len) : 0;
	struct security_descriptor *sd;
	ntstatus status;

	*out = may_share ? shared_find(hash, blob) : NULL;
	if (*out)
		return STATUS_SUCCESS;
	status = sd_decode(cur_of(blob->data, blob->len), &sd);
	if (status != STATUS_SUCCESS)
		return status;
	*out = descriptor_of_sd(sd);
	if (may_share)
		shared_keep(hash, blob, *out);
	return STATUS_SUCCESS;
}

/* STATUS_NOT_FOUND where @node has none of its own. */
static ntstatus stored_descriptor(struct volume_node *node, struct descriptor **out)
{
	struct buf auto_buf blob = { 0 };
	ntstatus status = volume_get_sd(node, &blob);

	if (status == STATUS_SUCCESS)
		status = descriptor_of_blob(&blob, out);
	if (status != STATUS_SUCCESS && status != STATUS_NOT_FOUND)
		log_warn("descriptor unreadable inode=%llu status=%s",
			 (unsigned long long)node->key.inode, ntstatus_name(status));
	return status;
}

static struct directory_entry_cache *entry_of(const struct volume_key *key)
{
	return &directories[(key->inode * 0x9e3779b97f4a7c15u ^ key->device) >> 20 &
			    (DIRECTORIES - 1)];
}

static bool entry_is(const struct directory_entry_cache *entry, const struct volume_key *key)
{
	return entry->own && volume_key_equal(&entry->key, key) &&
	       entry->generation == generation && monotonic_ms() < entry->until_ms;
}

/* The entry becomes that of @key; cache_lock held. What it held is given back here: descriptor_put
 * takes no lock. */
static void entry_reset(struct directory_entry_cache *entry, const struct volume_key *key,
			struct descriptor *own, uint64_t of_generation)
{
	descriptor_put(entry->own);
	for (size_t i = 0; i < 2; i++) {
		descriptor_put(entry->child[i]);
		free(entry->created[i].blob);
	}
	*entry = (struct directory_entry_cache){ .key = *key,
						 .own = descriptor_get(own),
						 .generation = of_generation,
						 .until_ms = monotonic_ms() + KEPT_MS };
}

static struct descriptor *cached_directory(const struct volume_key *key, int child)
{
	struct directory_entry_cache *entry = entry_of(key);
	struct descriptor *found = NULL;

	pthread_mutex_lock(&cache_lock);
	if (entry_is(entry, key))
		found = child < 0 ? entry->own : entry->child[child];
	if (found)
		descriptor_get(found);
	pthread_mutex_unlock(&cache_lock);
	return found;
}

static ntstatus root_descriptor(struct descriptor **out)
{
	struct security_descriptor *sd;
	ntstatus status = sd_parse_sddl(DEFAULT_SDDL, &sd);

	if (status == STATUS_SUCCESS)
		*out = descriptor_of_sd(sd);
	return status;
}

static ntstatus child_descriptor(struct volume_node *parent, const char *parent_path,
				 bool is_directory, struct descriptor **out);

/* By inheritance alone: from the directory that holds @path. */
static ntstatus inherited_descriptor(struct volume *volume, const char *path, bool is_directory,
				     struct descriptor **out)
{
	struct volume_node cleanup(volume_node_put_ptr) *parent = NULL;
	char auto_free *above = NULL;
	ntstatus status;

	if (!*path)
		return root_descriptor(out);
	above = path_parent(path);
	status = volume_directory(volume, above, &parent);
	if (status != STATUS_SUCCESS)
		return status;
	return child_descriptor(parent, above, is_directory, out);
}

/* Has it been removed? Who removes one forgets it after that: what is kept before is forgotten, and
 * what would be kept later is not. */
static bool is_removed(const struct volume_node *directory)
{
	struct stat st;

	return fstat(directory->fd, &st) || !st.st_nlink;
}

ntstatus descriptor_of_directory(struct volume_node *node, const char *path,
				 struct descriptor **out)
{
	uint64_t now = generation;
	ntstatus status;

	*out = cached_directory(&node->key, -1);
	if (*out)
		return STATUS_SUCCESS;
	status = stored_descriptor(node, out);
	if (status == STATUS_NOT_FOUND)
		status = inherited_descriptor(node->volume, path, true, out);
	if (status != STATUS_SUCCESS)
		return status;
	pthread_mutex_lock(&cache_lock);
	if (!entry_is(entry_of(&node->key), &node->key) && !is_removed(node))
		entry_reset(entry_of(&node->key), &node->key, *out, now);
	pthread_mutex_unlock(&cache_lock);
	return STATUS_SUCCESS;
}

/* What a child of @parent has that has none stored. */
static ntstatus child_descriptor(struct volume_node *parent, const char *parent_path,
				 bool is_directory, struct descriptor **out)
{
	struct descriptor auto_descriptor *above = NULL;
	struct security_descriptor *sd;
	struct directory_entry_cache *entry = entry_of(&parent->key);
	ntstatus status;

	*out = cached_directory(&parent->key, is_directory);
	if (*out)
		return STATUS_SUCCESS;
	status = descriptor_of_directory(parent, parent_path, &above);
	if (status == STATUS_SUCCESS)
		status = sd_inherit(above->sd, NULL, &above->sd->owner, &above->sd->group,
				    is_directory, &sd);
	if (status != STATUS_SUCCESS)
		return status;
	*out = descriptor_of_sd(sd);
	pthread_mutex_lock(&cache_lock);
	if (entry_is(entry, &parent->key) && entry->own == above && !entry->child[is_directory])
		entry->child[is_directory] = descriptor_get(*out);
	pthread_mutex_unlock(&cache_lock);
	return STATUS_SUCCESS;
}

static bool created_before(const struct volume_key *parent, const struct token *token,
			   bool is_directory, struct buf *blob)
{
	struct directory_entry_cache *entry = entry_of(parent);
	const struct inherited *last = &entry->created[is_directory];
	bool found;

	pthread_mutex_lock(&cache_lock);
	found = entry_is(entry, parent) && last->blob && sid_equal(&last->owner, &token->user) &&
		sid_equal(&last->group, &token->primary_group);
	if (found)
		buf_bytes(blob, last->blob, last->length);
	pthread_mutex_unlock(&cache_lock);
	return found;
}

static void remember_created(const struct volume_key *parent, struct descriptor *of,
			     const struct token *token, bool is_directory, const struct buf *blob)
{
	struct directory_entry_cache *entry = entry_of(parent);
	struct inherited *last = &entry->created[is_directory];
	uint8_t *copy = malloc(blob->len);

	if (!copy)
		return;
	memcpy(copy, blob->data, blob->len);
	pthread_mutex_lock(&cache_lock);
	if (entry_is(entry, parent) && entry->own == of) {
		free(last->blob);
		*last = (struct inherited){ token->user, token->primary_group, copy, blob->len };
		copy = NULL;
	}
	pthread_mutex_unlock(&cache_lock);
	free(copy);
}

ntstatus descriptor_of_new(struct volume_node *parent, const char *parent_path,
			   const struct token *token, const struct cursor *creator,
			   bool is_directory, struct buf *blob)
{
	struct descriptor auto_descriptor *above = NULL;
	struct security_descriptor auto_free *given = NULL;
	struct security_descriptor auto_free *sd = NULL;
	const struct sid *owner = &token->user;
	const struct sid *group = &token->primary_group;
	ntstatus status;

	if (!creator && created_before(&parent->key, token, is_directory, blob))
		return blob->failed ? STATUS_NO_MEMORY : STATUS_SUCCESS;
	status = descriptor_of_directory(parent, parent_path, &above);
	if (status == STATUS_SUCCESS && creator)
		status = sd_decode(*creator, &given);
	if (status != STATUS_SUCCESS)
		return status;
	if (given && given->has_owner) {
		status = access_check_set_owner(token, &given->owner);
		if (status != STATUS_SUCCESS)
			return status;
		owner = &given->owner;
	}
	if (given && given->has_group)
		group = &given->group;
	status = sd_inherit(above->sd, given, owner, group, is_directory, &sd);
	if (status != STATUS_SUCCESS)
		return status;
	sd_encode(blob, sd,
		  OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
			  DACL_SECURITY_INFORMATION | SACL_SECURITY_INFORMATION);
	if (blob->failed)
		return STATUS_NO_MEMORY;
	if (!creator)
		remember_created(&parent->key, above, token, is_directory, blob);
	return STATUS_SUCCESS;
}

/* file->lock held. A stream has the descriptor of the file it is in: that one is asked. */
ntstatus file_descriptor(struct file *file, struct place *place, struct descriptor **out)
{
	uint64_t now = generation;
	ntstatus status;

	if (file->descriptor &&
	    (file->descriptor_is_stored || file->descriptor_generation == now)) {
		*out = descriptor_get(file->descriptor);
		return STATUS_SUCCESS;
	}
	if (file->node->is_directory) {
		status = descriptor_of_directory(file->node, place->path, out);
		file->descriptor_is_stored = false;
	} else {
		status = stored_descriptor(file->node, out);
		file->descriptor_is_stored = status == STATUS_SUCCESS;
		if (status == STATUS_NOT_FOUND) {
			char auto_free *above = path_parent(place->path);

			status = child_descriptor(place->parent, above, false, out);
		}
	}
	if (status != STATUS_SUCCESS)
		return status;
	descriptor_put(file->descriptor);
	file->descriptor = descriptor_get(*out);
	file->descriptor_generation = now;
	return STATUS_SUCCESS;
}

void descriptor_forget(const struct volume_key *key)
{
	struct directory_entry_cache *entry = entry_of(key);

	pthread_mutex_lock(&cache_lock);
	entry->until_ms = 0;
	pthread_mutex_unlock(&cache_lock);
}

void descriptors_changed(void)
{
	atomic_fetch_add(&generation, 1);
}

ntstatus descriptor_keep(struct file *file, struct place *place)
{
	struct descriptor auto_descriptor *descriptor = NULL;
	struct buf auto_buf blob = { 0 };
	ntstatus status = volume_get_sd(file->node, &blob);

	if (status != STATUS_NOT_FOUND)
		return status;
	buf_free(&blob);
	blob = (struct buf){ .limit = SD_MAX_BYTES };
	status = file_descriptor(file, place, &descriptor);
	if (status != STATUS_SUCCESS)
		return status;
	sd_encode(&blob, descriptor->sd, SD_ALL_PARTS);
	if (blob.failed)
		return STATUS_NO_MEMORY;
	status = volume_set_sd(file->node, blob.data, blob.len);
	descriptor_put(file->descriptor);
	file->descriptor = NULL;
	return status;
}
