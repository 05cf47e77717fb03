// SPDX-License-Identifier: Apache-2.0
/*
 * The library of a site: keys and documents made on first use, then opened and locked. Keys that
 * were there once are never made anew: clients trust what they sign, and nothing else.
 */
#include <site/library.h>

#include <errno.h>
#include <fcntl.h>
#include <site/db.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TRIES   240
#define LOCK_WAIT_US 250000

int library_fail(char **why, const struct content_failure *f)
{
	int error = f->problem == CONTENT_MISSING   ? -ENOENT
		    : f->problem == CONTENT_BUSY    ? -EBUSY
		    : f->problem == CONTENT_FOREIGN ? -EPERM
						    : -EIO;

	return site_fail(why, error, "%s%s%s", f->text, f->path[0] ? ": " : "", f->path);
}

int library_fail_package(char **why, const struct content_failure *f, const struct site_library *l,
			 const char *package)
{
	const char *title = place_title(l->place);
	size_t length = strlen(title);
	bool is_lost = f->problem == CONTENT_DAMAGED || f->problem == CONTENT_MISSING ||
		       f->problem == CONTENT_UNREADABLE;

	if (!is_lost || strncmp(f->path, title, length) != 0 || f->path[length] != '/')
		return library_fail(why, f);
	return site_fail(why, -EIO,
			 "%s: %s; berth package update %s --verify reads its folder again and "
			 "mends the library",
			 f->text, f->path, package);
}

void library_close(struct site_library *l)
{
	repository_close(l->repository);
	if (l->place)
		place_unlock(l->place);
	place_close(l->place);
	free(l->keys);
	*l = (struct site_library){ 0 };
}

/* The id of the key that the site is known by, which outlives the key in use. */
static bool read_owner(struct site_library *l, const char *keys, struct content_failure *why)
{
	auto_free char *file = xasprintf("%s/owner", keys);
	auto_close int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	ssize_t got = fd < 0 ? -1 : read(fd, l->owner, sizeof(l->owner));
	uint8_t hash[SHA256_LENGTH];

	if (got < 0)
		return content_fail_errno(why, errno, file, "read whose the keys are");
	l->owner[sizeof(l->owner) - 1] = 0;
	if ((size_t)got >= sizeof(l->owner) - 1 && content_unhex(hash, sizeof(hash), l->owner))
		return true;
	return content_fail(why, CONTENT_DAMAGED, STATUS_FILE_CORRUPT_ERROR, file,
			    "this is not the id of a key: bring it back from a backup");
}

static bool sync_directory(const char *path, struct content_failure *why)
{
	auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return (fd >= 0 && !fsync(fd)) || content_fail_errno(why, errno, path, "write it");
}

static bool write_owner(const struct site_library *l, const char *keys, struct content_failure *why)
{
	auto_free char *file = xasprintf("%s/owner", keys),
		       *staged = xasprintf("%s/owner.new", keys);
	FILE *out = fopen(staged, "we");
	bool good = out && fwrite(l->owner, 1, sizeof(l->owner) - 1, out) == sizeof(l->owner) - 1 &&
		    !fflush(out) && !fsync(fileno(out));
	int error = errno;

	if (out)
		fclose(out);
	if (!good)
		return content_fail_errno(why, error, staged, "write whose the keys are");
	return rename(staged, file) ? content_fail_errno(why, errno, file, "name it")
				    : sync_directory(keys, why);
}

static void forget_keys(const char *keys)
{
	static const char *const names[] = { "root.pem", "targets.pem", "snapshot.pem",
					     "timestamp.pem", "owner.new" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *file = xasprintf("%s/%s", keys, names[i]);

		(void)unlink(file);
	}
}

/* Nothing at all, and not something that cannot be seen now. */
static bool is_nothing(const char *path)
{
	return access(path, F_OK) && errno == ENOENT;
}

/* Keys under another name, complete: those of a run that was interrupted behind them, or new. */
static bool make_keys(struct site_library *l, const char *content, const char *fresh,
		      struct content_failure *why)
{
	auto_free char *claimed = xasprintf("%s/" LAYOUT_SITE, content);
	auto_free char *owner = xasprintf("%s/owner", fresh);

	if (!is_nothing(owner))
		return read_owner(l, fresh, why);
	/* What lies there was signed, or will be, with other keys: they are lost, not missing. */
	if (!is_nothing(claimed))
		return content_fail(why, CONTENT_MISSING, STATUS_OBJECT_NAME_NOT_FOUND, l->keys,
				    "the site has a library and its keys are gone: bring them back "
				    "from a backup; new ones would be trusted by no client");
	forget_keys(fresh);
	return repository_make_keys(fresh, l->owner, why) && write_owner(l, fresh, why);
}

/* The first use, under the lock. It is over when the keys have their name; interrupted before, the
 * next run goes on with the same keys, which have signed nothing that anyone saw. */
static bool make(struct site_library *l, const char *content, struct content_failure *why)
{
	auto_free char *fresh = xasprintf("%s.new", l->keys);

	if (!make_keys(l, content, fresh, why) || !layout_prepare(l->place, l->owner, why) ||
	    !repository_create(l->place, fresh, &repository_default_lifetimes, now_s(), why))
		return false;
	return (!rename(fresh, l->keys) && sync_directory(site_directory(l->site), why)) ||
	       content_fail_errno(why, errno, l->keys, "name the keys");
}

static bool open_it(struct site_library *l, const char *content, struct content_failure *why)
{
	ntstatus status;

	if (mkdir(content, 0700) && errno != EEXIST)
		return content_fail_errno(why, errno, content, "make the library");
	l->place = place_open_directory(content, why);
	if (!l->place)
		return false;
	status = place_lock(l->place, LAYOUT_LOCK);
	if (status)
		return content_fail_status(why, status, true, content, "lock the library");
	if (is_nothing(l->keys)
		    ? !make(l, content, why)
		    : !read_owner(l, l->keys, why) || !layout_prepare(l->place, l->owner, why))
		return false;
	l->repository = repository_open(l->place, l->keys, &repository_default_lifetimes, why);
	return l->repository != NULL;
}

int library_open(struct site *site, struct site_library *out, char **why)
{
	auto_free char *content = xasprintf("%s/content", site_directory(site));
	struct content_failure failure = { 0 };

	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		*out = (struct site_library){ .site = site,
					      .keys = xasprintf("%s/keys", site_directory(site)) };
		if (open_it(out, content, &failure))
			return 0;
		library_close(out);
		/* The server and the command take turns. */
		if (failure.problem != CONTENT_BUSY)
			break;
		usleep(LOCK_WAIT_US);
	}
	return library_fail(why, &failure);
}

int library_read(struct site *site, struct site_library *out, char **why)
{
	auto_free char *content = xasprintf("%s/content", site_directory(site));
	struct content_failure failure = { 0 };

	*out = (struct site_library){ .keys = xasprintf("%s/keys", site_directory(site)) };
	out->place = place_open_directory(content, &failure);
	if (out->place && read_owner(out, out->keys, &failure))
		return 0;
	library_close(out);
	return library_fail(why, &failure);
}
