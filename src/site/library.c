// SPDX-License-Identifier: Apache-2.0
/* The library of a site: keys and documents made on first use, then opened and locked. */
#include <site/library.h>

#include <errno.h>
#include <site/db.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TRIES   240
#define LOCK_WAIT_US 250000

int library_fail(char **why, const struct content_failure *f)
{
	int error = f->problem == CONTENT_MISSING ? -ENOENT
		    : f->problem == CONTENT_BUSY  ? -EBUSY
						  : -EIO;

	return site_fail(why, error, "%s%s%s", f->text, f->path[0] ? ": " : "", f->path);
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
static bool read_owner(struct site_library *l, const char *path, struct content_failure *why)
{
	auto_free char *file = xasprintf("%s/owner", path);
	FILE *in = fopen(file, "re");
	bool good = in && fread(l->owner, 1, sizeof(l->owner) - 1, in) == sizeof(l->owner) - 1;

	if (in)
		fclose(in);
	l->owner[sizeof(l->owner) - 1] = 0;
	return good || content_fail(why, CONTENT_MISSING, STATUS_OBJECT_NAME_NOT_FOUND, file,
				    "the site has no keys yet");
}

static bool write_owner(const struct site_library *l, const char *path, struct content_failure *why)
{
	auto_free char *file = xasprintf("%s/owner", path),
		       *staged = xasprintf("%s/owner.new", path);
	FILE *out = fopen(staged, "we");
	bool good = out && fwrite(l->owner, 1, sizeof(l->owner) - 1, out) == sizeof(l->owner) - 1 &&
		    !fflush(out) && !fsync(fileno(out));

	if (out)
		fclose(out);
	return (good && !rename(staged, file)) || content_fail_errno(why, errno, file, "write it");
}

/* What was begun and has no owner yet was interrupted: its keys signed nothing that anyone saw. */
static bool make(struct site_library *l, const char *path, struct content_failure *why)
{
	static const char *const names[] = { "root", "targets", "snapshot", "timestamp" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		auto_free char *key = xasprintf("%s/%s.pem", path, names[i]);

		(void)unlink(key);
	}
	return repository_make_keys(path, l->owner, why) &&
	       layout_prepare(l->place, l->owner, why) &&
	       repository_create(l->place, path, &repository_default_lifetimes, now_s(), why) &&
	       write_owner(l, path, why);
}

static bool open_it(struct site_library *l, const char *content, struct content_failure *why)
{
	if (mkdir(content, 0700) && errno != EEXIST)
		return content_fail_errno(why, errno, content, "make the library");
	l->place = place_open_directory(content, why);
	if (!l->place)
		return false;
	if (read_owner(l, l->keys, why) ? !layout_prepare(l->place, l->owner, why)
					: !make(l, l->keys, why))
		return false;
	l->repository = repository_open(l->place, l->keys, &repository_default_lifetimes, why);
	return l->repository != NULL;
}

int library_open(struct site *site, struct site_library *out, char **why)
{
	auto_free char *content = xasprintf("%s/content", site_directory(site));
	struct content_failure failure = { 0 };

	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		*out = (struct site_library){ .keys = xasprintf("%s/keys", site_directory(site)) };
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
