// SPDX-License-Identifier: Apache-2.0
/*
 * The table of open files: one struct file for each inode or stream that is open, striped by its
 * key. An inode that is in a snapshot, too, is another file there: what is cached, locked or shared
 * of the one says nothing of the other. It lives from the first open to the last; references are
 * counted under the stripe's lock, which is held for the chain only.
 *
 * A file keeps its node (and so its descriptor of the operating system) while it is in the table,
 * so that its inode number cannot come back meanwhile.
 */
#include "opens.h"

#define STRIPES	      64u
#define FIRST_BUCKETS 64u

static struct stripe {
	pthread_mutex_t lock;
	struct file **buckets;
	size_t bucket_count, file_count;
} stripes[STRIPES] = { [0 ... STRIPES - 1] = { .lock = PTHREAD_MUTEX_INITIALIZER } };

static uint64_t hash_key(const struct volume_key *key)
{
	uint64_t h = key->inode * 0x9e3779b97f4a7c15u ^ key->device;

	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9u;
	return h ^ h >> 32;
}

static struct stripe *stripe_of(const struct volume_key *key)
{
	return &stripes[hash_key(key) % STRIPES];
}

static struct file **bucket_of(struct stripe *stripe, const struct volume_key *key)
{
	return &stripe->buckets[(hash_key(key) / STRIPES) & (stripe->bucket_count - 1)];
}

static void grow(struct stripe *stripe)
{
	struct file **old = stripe->buckets;
	size_t old_count = stripe->bucket_count;

	stripe->bucket_count = old_count ? old_count * 2 : FIRST_BUCKETS;
	stripe->buckets = xalloc(stripe->bucket_count, sizeof(*stripe->buckets));
	for (size_t i = 0; i < old_count; i++) {
		for (struct file *file = old[i], *next; file; file = next) {
			struct file **bucket = bucket_of(stripe, &file->key);

			next = file->hash_next;
			file->hash_next = *bucket;
			*bucket = file;
		}
	}
	free(old);
}

static struct file *find_locked(struct stripe *stripe, const struct volume_key *key)
{
	struct file *file = stripe->buckets ? *bucket_of(stripe, key) : NULL;

	while (file && !volume_key_equal(&file->key, key))
		file = file->hash_next;
	if (file)
		file->refs++;
	return file;
}

struct file *file_find(const struct volume_key *key)
{
	struct stripe *stripe = stripe_of(key);
	struct file *file;

	pthread_mutex_lock(&stripe->lock);
	file = find_locked(stripe, key);
	pthread_mutex_unlock(&stripe->lock);
	return file;
}

struct file *file_enter(struct volume_node *node)
{
	struct stripe *stripe = stripe_of(&node->key);
	struct file *made = calloc(1, sizeof(*made));
	struct file *file;

	if (!made) {
		volume_node_put(node);
		return NULL;
	}
	pthread_mutex_lock(&stripe->lock);
	file = find_locked(stripe, &node->key);
	if (!file) {
		struct file **bucket;

		if (stripe->file_count >= stripe->bucket_count)
			grow(stripe);
		file = made;
		made = NULL;
		file->key = node->key;
		file->node = node;
		file->refs = 1;
		pthread_mutex_init(&file->lock, NULL);
		bucket = bucket_of(stripe, &file->key);
		file->hash_next = *bucket;
		*bucket = file;
		stripe->file_count++;
	}
	pthread_mutex_unlock(&stripe->lock);
	if (made) {
		free(made);
		volume_node_put(node);
	}
	return file;
}

struct file *file_get(struct file *file)
{
	struct stripe *stripe = stripe_of(&file->key);

	pthread_mutex_lock(&stripe->lock);
	file->refs++;
	pthread_mutex_unlock(&stripe->lock);
	return file;
}

static void file_free(struct file *file)
{
	BUG_ON(file->opens || file->places);
	volume_node_put(file->node);
	descriptor_put(file->descriptor);
	pthread_mutex_destroy(&file->lock);
	file_put(file->base);
	free(file->stream);
	free(file);
}

void file_put(struct file *file)
{
	struct stripe *stripe;
	bool last;

	if (!file)
		return;
	stripe = stripe_of(&file->key);
	pthread_mutex_lock(&stripe->lock);
	last = !--file->refs;
	if (last) {
		struct file **at = bucket_of(stripe, &file->key);

		while (*at != file)
			at = &(*at)->hash_next;
		*at = file->hash_next;
		stripe->file_count--;
	}
	pthread_mutex_unlock(&stripe->lock);
	if (last)
		file_free(file);
}

void file_put_ptr(struct file **file)
{
	file_put(*file);
}

/* Copies the references of one stripe, so that the visit is made with no lock held. */
static size_t stripe_files(struct stripe *stripe, struct file ***out)
{
	size_t count = 0;

	pthread_mutex_lock(&stripe->lock);
	*out = stripe->file_count ? xalloc(stripe->file_count, sizeof(**out)) : NULL;
	for (size_t i = 0; i < stripe->bucket_count; i++) {
		for (struct file *file = stripe->buckets[i]; file; file = file->hash_next) {
			file->refs++;
			(*out)[count++] = file;
		}
	}
	pthread_mutex_unlock(&stripe->lock);
	return count;
}

void file_each(bool (*visit)(struct file *file, void *context), void *context)
{
	bool more = true;

	for (size_t i = 0; i < STRIPES; i++) {
		struct file **files;
		size_t count = stripe_files(&stripes[i], &files);

		for (size_t k = 0; k < count; k++) {
			more = more && visit(files[k], context);
			file_put(files[k]);
		}
		free(files);
	}
}

const char *path_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *parent = xstrdup(path);

	parent[slash ? slash - path : 0] = 0;
	return parent;
}

char *path_join(const char *directory, const char *path)
{
	if (!*directory)
		return xstrdup(path);
	if (!*path)
		return xstrdup(directory);
	return xasprintf("%s/%s", directory, path);
}

struct place *place_enter(struct file *file, struct volume_node *parent, const char *path)
{
	struct place *place = file->places;

	while (place && strcmp(place->path, path) != 0)
		place = place->next;
	if (!place) {
		place = xalloc(1, sizeof(*place));
		place->parent = parent ? volume_node_get(parent) : NULL;
		place->path = xstrdup(path);
		place->name = path_name(place->path);
		place->next = file->places;
		file->places = place;
	}
	place->refs++;
	return place;
}

void place_leave(struct file *file, struct place *place)
{
	struct place **at = &file->places;

	if (--place->refs)
		return;
	while (*at != place)
		at = &(*at)->next;
	*at = place->next;
	if (place->parent)
		volume_node_put(place->parent);
	free(place->path);
	free(place);
}
