// SPDX-License-Identifier: Apache-2.0
/*
 * Renames and links (MS-FSA 2.1.5.15.11, 2.1.5.15.6). One at a time, under rename_lock, which is
 * the outermost of this folder: the checks of the source, the target and what is open beneath a
 * directory are made one lock after the other, and no two files are locked at once but a stream and
 * its base.
 */
#include "opens.h"

#define FILE_RENAME_REPLACE_IF_EXISTS	      0x01u
#define FILE_RENAME_POSIX_SEMANTICS	      0x02u
#define FILE_RENAME_IGNORE_READONLY_ATTRIBUTE 0x40u

static pthread_mutex_t rename_lock = PTHREAD_MUTEX_INITIALIZER;

/* One rename or link on its way. */
struct moving {
	struct open *open;
	struct file *file;
	bool replace, is_link;
	uint32_t flags;
	struct waiter *waiter;
	struct volume_lookup to;
	bool looked_up;
	struct file *target;	    /* what is replaced, where it is known here; counted */
	char *from_path, *to_path;  /* from the volume's root */
	struct volume_node *parent; /* of the source; counted */
	struct actions actions;
};

static void moving_end(struct moving *m)
{
	if (m->looked_up)
		volume_lookup_end(&m->to);
	file_put(m->target);
	free(m->from_path);
	free(m->to_path);
	if (m->parent)
		volume_node_put(m->parent);
	actions_run(&m->actions);
}

/* The source: it is still there, is no root, and nobody else keeps a cached handle on it. */
static ntstatus take_source(struct moving *m)
{
	struct file *file = m->file;
	struct caching_party by = caching_party_of_open(m->open);
	struct place *place;
	ntstatus status = STATUS_SUCCESS;

	pthread_mutex_lock(&file->lock);
	place = m->open->place;
	if (!place || file->gone) {
		status = STATUS_FILE_CLOSED;
	} else if (!place->parent) {
		status = STATUS_ACCESS_DENIED;
	} else if (!m->is_link && caching_break(file, &by, CAUSE_HANDLE, &m->actions)) {
		status = caching_wait(file, m->waiter);
	} else if (file->delete_pending && file->delete_place == place) {
		status = STATUS_ACCESS_DENIED; /* the name goes */
	} else {
		m->from_path = xstrdup(place->path);
		m->parent = volume_node_get(place->parent);
	}
	pthread_mutex_unlock(&file->lock);
	return status;
}

struct beneath {
	struct moving *m;
	size_t length;
	bool any;
	ntstatus status;
};

/* Is @file, or a stream of it, open somewhere beneath the directory that moves? Cached handles
 * there are asked to go first, all at once; the first of them is waited for, and then looked again.
 */
static bool visit_beneath(struct file *file, void *context)
{
	struct beneath *b = context;
	struct caching_party nobody = { 0 };
	const char *prefix = b->m->from_path;

	if (file->node->volume != b->m->file->node->volume || file == b->m->file)
		return true;
	pthread_mutex_lock(&file->lock);
	for (struct place *place = file->places; place; place = place->next) {
		if (strncmp(place->path, prefix, b->length) != 0 || place->path[b->length] != '/' ||
		    !(file->open_count || file->stream_opens))
			continue;
		b->any = true;
		if (caching_break(file, &nobody, CAUSE_HANDLE, &b->m->actions) &&
		    b->status == STATUS_SUCCESS)
			b->status = caching_wait(file, b->m->waiter);
		break;
	}
	pthread_mutex_unlock(&file->lock);
	return true;
}

static ntstatus check_beneath(struct moving *m)
{
	struct beneath b = { .m = m, .length = strlen(m->from_path) };

	if (!m->file->node->is_directory)
		return STATUS_SUCCESS;
	file_each(visit_beneath, &b);
	if (b.status != STATUS_SUCCESS)
		return b.status;
	return b.any ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
}

static bool is_same_file(const struct moving *m)
{
	return volume_key_equal(&m->to.attributes.key, &m->file->key);
}

/* A target that is open may not be replaced; its cached handles are asked to go first. */
static ntstatus check_target_opens(struct moving *m)
{
	struct file *target = file_find(&m->to.attributes.key);
	struct caching_party nobody = { 0 };
	ntstatus status = STATUS_SUCCESS;

	m->target = target;
	if (!target)
		return STATUS_SUCCESS;
	pthread_mutex_lock(&target->lock);
	if (target->delete_pending) {
		status = STATUS_DELETE_PENDING;
	} else if (target->open_count || target->stream_opens) {
		if (caching_break(target, &nobody, CAUSE_HANDLE, &m->actions))
			status = caching_wait(target, m->waiter);
		else if (!(m->flags & FILE_RENAME_POSIX_SEMANTICS))
			status = STATUS_ACCESS_DENIED;
	}
	pthread_mutex_unlock(&target->lock);
	return status;
}

static ntstatus may_delete_target(struct moving *m, struct descriptor *parent)
{
	struct volume_node *node;
	struct descriptor auto_descriptor *descriptor = NULL;
	struct file auto_file *file = NULL;
	struct place *place;
	uint32_t granted;
	ntstatus status;

	if (access_check_child_delete(parent->sd, open_acts_as(m->open)))
		return STATUS_SUCCESS;
	status = volume_lookup_open(&m->to, &node);
	if (status != STATUS_SUCCESS)
		return status;
	file = file_enter(node);
	if (!file)
		return STATUS_NO_MEMORY;
	pthread_mutex_lock(&file->lock);
	place = place_enter(file, m->to.parent, m->to_path);
	status = file_descriptor(file, place, &descriptor);
	place_leave(file, place);
	pthread_mutex_unlock(&file->lock);
	if (status == STATUS_SUCCESS)
		status = access_check(descriptor->sd, open_acts_as(m->open), DELETE_ACCESS,
				      &granted);
	return status;
}

/*
 * Another case of its own name, the very same, or another link of it, which becomes its one name in
 * their place: not where that is the name that goes with the last handle.
 */
static ntstatus check_other_name(struct moving *m)
{
	struct file *file = m->file;
	const struct place *place;
	ntstatus status = STATUS_SUCCESS;

	pthread_mutex_lock(&file->lock);
	place = file->delete_place;
	if (file->delete_pending && place && place->parent &&
	    volume_key_equal(&place->parent->key, &m->to.parent->key) &&
	    !strcmp(place->name, m->to.name))
		status = STATUS_DELETE_PENDING;
	pthread_mutex_unlock(&file->lock);
	return status;
}

static ntstatus check_existing_target(struct moving *m, struct descriptor *parent)
{
	const struct volume_attributes *a = &m->to.attributes;
	ntstatus status;

	if (is_same_file(m) && !m->is_link)
		return check_other_name(m);
	if (!m->replace)
		return STATUS_OBJECT_NAME_COLLISION;
	if (a->is_directory || a->is_other || is_same_file(m))
		return STATUS_ACCESS_DENIED;
	if ((a->attributes & FILE_ATTRIBUTE_READONLY) &&
	    !(m->flags & FILE_RENAME_IGNORE_READONLY_ATTRIBUTE))
		return STATUS_ACCESS_DENIED;
	status = check_target_opens(m);
	return status == STATUS_SUCCESS ? may_delete_target(m, parent) : status;
}

/*
 * The directory that gets the name is opened for that, sharing reads and writes: who holds it open
 * for DELETE, or lets nobody write, is in the way (MS-FSA 2.1.5.15.11).
 */
static ntstatus check_directory(struct moving *m)
{
	struct file auto_file *directory = file_find(&m->to.parent->key);
	struct caching_party nobody = { 0 };
	ntstatus status = STATUS_SUCCESS;

	if (!directory)
		return STATUS_SUCCESS;
	pthread_mutex_lock(&directory->lock);
	if (directory->delete_pending)
		status = STATUS_DELETE_PENDING;
	else if (sharemode_conflicts(directory, FILE_WRITE_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE,
				     NULL))
		status = caching_break(directory, &nobody, CAUSE_SHARING, &m->actions)
				 ? caching_wait(directory, m->waiter)
				 : STATUS_SHARING_VIOLATION;
	pthread_mutex_unlock(&directory->lock);
	return status;
}

static ntstatus check_target(struct moving *m)
{
	struct descriptor auto_descriptor *parent = NULL;
	char auto_free *above = path_parent(m->to_path);
	uint32_t to_add = m->file->node->is_directory ? FILE_APPEND_DATA : FILE_WRITE_DATA;
	uint32_t granted;
	size_t length = strlen(m->from_path);
	ntstatus status;

	if (!m->to.parent)
		return m->replace ? STATUS_ACCESS_DENIED : STATUS_OBJECT_NAME_COLLISION;
	if (m->file->node->is_directory && !strncmp(m->to_path, m->from_path, length) &&
	    m->to_path[length] == '/')
		return STATUS_INVALID_PARAMETER; /* into itself */
	status = descriptor_of_directory(m->to.parent, above, &parent);
	if (status != STATUS_SUCCESS)
		return status;
	if (m->to.exists) {
		status = check_existing_target(m, parent);
		if (status != STATUS_SUCCESS)
			return status;
	}
	return access_check(parent->sd, open_acts_as(m->open), to_add, &granted);
}

/* Rights do not change by moving: what was inherited at the old place is the file's own from now
 * on. */
static ntstatus keep_descriptor(struct moving *m)
{
	struct file *file = m->file;
	ntstatus status;

	pthread_mutex_lock(&file->lock);
	status = m->open->place ? descriptor_keep(file, m->open->place) : STATUS_FILE_CLOSED;
	pthread_mutex_unlock(&file->lock);
	return status;
}

/* Whoever found the replaced file before it went looks its name up again. */
static void target_is_gone(struct moving *m)
{
	if (!m->target)
		return;
	pthread_mutex_lock(&m->target->lock);
	m->target->gone = m->to.attributes.links <= 1;
	pthread_mutex_unlock(&m->target->lock);
}

/* The file is elsewhere: its place, and the watches on it, follow. */
static void follow(struct moving *m)
{
	struct file *file = m->file;
	struct place *place;

	pthread_mutex_lock(&file->lock);
	place = m->open->place;
	if (place) {
		free(place->path);
		place->path = xstrdup(m->to_path);
		place->name = path_name(place->path);
		if (place->parent)
			volume_node_put(place->parent);
		place->parent = volume_node_get(m->to.parent);
	}
	file->descriptor_generation = 0;
	pthread_mutex_unlock(&file->lock);
	if (file->node->is_directory) {
		descriptors_changed();
		notify_moved(file, m->to_path);
	}
}

/* The file is to be saved again, under its new name or under both. */
static void mark_moved(struct moving *m)
{
	pthread_mutex_lock(&m->file->lock);
	mark_archive(m->open);
	pthread_mutex_unlock(&m->file->lock);
}

static ntstatus move(struct moving *m)
{
	struct caching_party by = caching_party_of_open(m->open);
	ntstatus status = volume_rename(m->parent, path_name(m->from_path), m->file->node, &m->to,
					m->replace);

	if (status != STATUS_SUCCESS)
		return status;
	follow(m);
	mark_moved(m);
	target_is_gone(m);
	notify_renamed(m->file->node->volume, m->from_path, m->to_path, m->file->node->is_directory,
		       &m->actions);
	directory_changed(m->parent, &by, &m->actions);
	if (m->to.parent != m->parent)
		directory_changed(m->to.parent, &by, &m->actions);
	return STATUS_SUCCESS;
}

static ntstatus link_there(struct moving *m)
{
	struct caching_party by = caching_party_of_open(m->open);
	ntstatus status = volume_link(m->file->node, &m->to, m->replace);

	if (status != STATUS_SUCCESS)
		return status;
	mark_moved(m);
	target_is_gone(m);
	notify_event(m->file->node->volume, m->to_path, FILE_ACTION_ADDED,
		     FILE_NOTIFY_CHANGE_FILE_NAME, &m->actions);
	directory_changed(m->to.parent, &by, &m->actions);
	return STATUS_SUCCESS;
}

/* The target as a path from the volume's root; its last component as the client writes it. */
static char *target_path(const struct moving *m, const char *path)
{
	char auto_free *parent = path_parent(m->to.path);
	char auto_free *whole = path_join(parent, path_name(path));

	return path_join(m->open->share->path, whole);
}

static ntstatus go(struct moving *m, const char *path)
{
	ntstatus status = take_source(m);

	if (status == STATUS_SUCCESS) {
		m->looked_up = true;
		status = volume_lookup(m->open->share->root, path, &m->to);
	}
	if (status == STATUS_SUCCESS && m->to.parent && volume_is_reparse(m->to.parent))
		status = STATUS_OBJECT_PATH_NOT_FOUND; /* nothing is put beneath one */
	if (status != STATUS_SUCCESS)
		return status;
	m->to_path = target_path(m, path);
	if (!m->is_link && m->to.exists && !strcmp(m->to_path, m->from_path))
		return STATUS_SUCCESS;
	status = check_target(m);
	if (status == STATUS_SUCCESS)
		status = check_directory(m);
	if (status == STATUS_SUCCESS && !m->is_link)
		status = check_beneath(m);
	if (status == STATUS_SUCCESS)
		status = keep_descriptor(m);
	if (status != STATUS_SUCCESS)
		return status;
	return m->is_link ? link_there(m) : move(m);
}

static ntstatus check_path(const char *path)
{
	if (!*path || *path == '/' || strchr(path, ':'))
		return STATUS_OBJECT_NAME_INVALID;
	return path[strlen(path) - 1] == '/' ? STATUS_OBJECT_NAME_INVALID : STATUS_SUCCESS;
}

/* A stream keeps to its file, but who is in the way of the directory is told so first. */
static ntstatus refuse_stream_path(struct moving *m, const char *path)
{
	char auto_free *name = xstrdup(path);
	struct file *base = open_base(m->open);
	ntstatus status;

	pthread_mutex_lock(&base->lock);
	status = m->open->place ? STATUS_SUCCESS : STATUS_FILE_CLOSED; /* while it waited */
	pthread_mutex_unlock(&base->lock);
	if (status != STATUS_SUCCESS)
		return status;
	name[strcspn(name, ":")] = 0;
	m->looked_up = true;
	status = volume_lookup(m->open->share->root, name, &m->to);
	if (status == STATUS_SUCCESS && m->to.parent)
		status = check_directory(m);
	moving_end(m);
	return status == STATUS_SUCCESS ? STATUS_INVALID_PARAMETER : status;
}

ntstatus open_rename(struct open *open, const char *path, bool replace, uint32_t flags,
		     struct waiter *waiter)
{
	struct moving m = { .open = open,
			    .file = open->file,
			    .replace = replace || (flags & FILE_RENAME_REPLACE_IF_EXISTS),
			    .flags = flags,
			    .waiter = waiter };
	ntstatus status;

	if (!(open->facts.granted_access & DELETE_ACCESS))
		return STATUS_ACCESS_DENIED;
	if (open_is_previous(open))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (*path == ':')
		return rename_stream(open, path, m.replace, waiter);
	if (*path == '/')
		return STATUS_INVALID_PARAMETER; /* it is relative to the share */
	if (open->facts.is_stream)
		return refuse_stream_path(&m, path);
	status = check_path(path);
	if (status != STATUS_SUCCESS)
		return status;
	pthread_mutex_lock(&rename_lock);
	status = go(&m, path);
	pthread_mutex_unlock(&rename_lock);
	moving_end(&m);
	return status;
}

ntstatus open_link(struct open *open, const char *path, bool replace, struct waiter *waiter)
{
	struct moving m = { .open = open,
			    .file = open->file,
			    .replace = replace,
			    .is_link = true,
			    .waiter = waiter };
	ntstatus status = check_path(path);

	if (status != STATUS_SUCCESS)
		return status;
	if (open_is_previous(open))
		return STATUS_MEDIA_WRITE_PROTECTED;
	if (open->facts.is_directory)
		return STATUS_FILE_IS_A_DIRECTORY;
	if (open->facts.is_stream)
		return STATUS_INVALID_PARAMETER;
	if (share_is_read_only(open->share) ||
	    !(open->facts.granted_access & (FILE_WRITE_ATTRIBUTES | DELETE_ACCESS)))
		return STATUS_ACCESS_DENIED;
	pthread_mutex_lock(&rename_lock);
	status = go(&m, path);
	pthread_mutex_unlock(&rename_lock);
	moving_end(&m);
	return status;
}
