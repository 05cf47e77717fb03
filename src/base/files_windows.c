// SPDX-License-Identifier: Apache-2.0
/*
 * Files on Windows. Descriptors are those of the C library over handles that no child inherits.
 *
 * Nothing resolves a name beneath a directory there, so it is looked at afterwards where an opened
 * file really lies: what a link (a junction, a symbolic link) led to has another path than the one
 * that was asked for. Before something is made, renamed or removed, its directory is looked at in
 * the same way, and held open meanwhile so that it is not exchanged.
 */
#include <base/files.h>

#include <aclapi.h>
#include <base/wide.h>
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <sddl.h>
#include <windows.h>

#define TREE_DEPTH_MAX 256 /* of what is removed */
#define BUSY_TRIES     20  /* a scanner may have a new file open for a moment */
#define BUSY_PAUSE_MS  50
#define SHARE_ALL      (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

#define ALL_RIGHTS     0xffffffffu
#define CHANGING_RIGHTS                                                                            \
	(FILE_WRITE_DATA | FILE_APPEND_DATA | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_WRITE |   \
	 GENERIC_ALL)

/* The system, the administrators, and who owns it: protected from what lies above. */
#define PRIVATE_SDDL L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;S-1-3-4)"

struct tree {
	wchar_t *root;	/* as it was given, in its long form */
	wchar_t *final; /* where it really lies */
};

static int last_error(void)
{
	return -errno_of_windows(GetLastError());
}

static void close_handle(HANDLE *h)
{
	if (*h != INVALID_HANDLE_VALUE && *h)
		CloseHandle(*h);
	*h = INVALID_HANDLE_VALUE;
}
#define auto_handle cleanup(close_handle)

static HANDLE handle_of(int fd)
{
	return (HANDLE)_get_osfhandle(fd);
}

/* Takes over @h; a descriptor, or -errno. */
static int descriptor_of(HANDLE h, int flags)
{
	int fd = _open_osfhandle((intptr_t)h, flags | _O_BINARY | _O_NOINHERIT);

	if (fd >= 0)
		return fd;
	CloseHandle(h);
	return -EMFILE;
}

/* One more try of what @is_done says was not done, because another has it open. */
static bool is_busy(bool is_done, unsigned try)
{
	DWORD code = is_done ? ERROR_SUCCESS : GetLastError();

	if ((code != ERROR_SHARING_VIOLATION && code != ERROR_ACCESS_DENIED) || try >= BUSY_TRIES)
		return false;
	Sleep(BUSY_PAUSE_MS);
	SetLastError(code);
	return true;
}

int file_read_at(int fd, void *data, size_t length, uint64_t offset, size_t *got)
{
	for (*got = 0; *got < length;) {
		uint64_t at = offset + *got;
		OVERLAPPED where = { .Offset = (DWORD)at, .OffsetHigh = (DWORD)(at >> 32) };
		DWORD want = (DWORD)min_u64(length - *got, 1u << 30), n = 0;

		if (!ReadFile(handle_of(fd), (uint8_t *)data + *got, want, &n, &where))
			return GetLastError() == ERROR_HANDLE_EOF ? 0 : last_error();
		if (!n)
			break;
		*got += n;
	}
	return 0;
}

int file_write(int fd, const void *data, size_t length)
{
	const uint8_t *at = data;

	while (length) {
		DWORD put = 0;

		if (!WriteFile(handle_of(fd), at, (DWORD)min_u64(length, 1u << 30), &put, NULL))
			return last_error();
		at += put;
		length -= put;
	}
	return 0;
}

int file_sync(int fd)
{
	return FlushFileBuffers(handle_of(fd)) ? 0 : last_error();
}

/* A tree cannot be brought to the disk as a whole, so each file is. */
int file_close(int *fd, bool durable)
{
	int error = file_sync(*fd);

	close(steal_fd(fd));
	return error;
}

/* The user that this process runs as; to be freed. */
static TOKEN_USER *own_user(void)
{
	HANDLE token auto_handle = NULL;
	TOKEN_USER *user;
	DWORD size = 0;

	if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
		return NULL;
	GetTokenInformation(token, TokenUser, NULL, 0, &size);
	user = xalloc(1, size ? size : sizeof(*user));
	if (GetTokenInformation(token, TokenUser, user, size, &size))
		return user;
	free(user);
	return NULL;
}

static bool is_trusted(PSID sid, const TOKEN_USER *self)
{
	static const WELL_KNOWN_SID_TYPE kinds[] = {
		WinLocalSystemSid,
		WinBuiltinAdministratorsSid,
		WinCreatorOwnerSid,
		WinCreatorOwnerRightsSid,
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (IsWellKnownSid(sid, kinds[i]))
			return true;
	}
	return self && EqualSid(sid, self->User.Sid);
}

/* Does nobody who is not trusted have one of @rights? */
static bool entries_keep(ACL *list, ACCESS_MASK rights, const TOKEN_USER *self)
{
	/* Without a list everyone may everything. */
	for (DWORD i = 0; list && i < list->AceCount; i++) {
		ACCESS_ALLOWED_ACE *entry;

		if (!GetAce(list, i, (void **)&entry))
			return false;
		if (entry->Header.AceType == ACCESS_DENIED_ACE_TYPE)
			continue;
		if (entry->Header.AceType != ACCESS_ALLOWED_ACE_TYPE ||
		    ((entry->Mask & rights) && !is_trusted(&entry->SidStart, self)))
			return false;
	}
	return list != NULL;
}

/* Is it of somebody trusted, and has nobody else one of @rights? */
static bool handle_keeps(HANDLE h, ACCESS_MASK rights)
{
	auto_free TOKEN_USER *self = own_user();
	PSECURITY_DESCRIPTOR sd = NULL;
	PSID owner = NULL;
	ACL *list = NULL;
	bool good;

	if (GetSecurityInfo(h, SE_FILE_OBJECT,
			    OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner, NULL,
			    &list, NULL, &sd))
		return false;
	good = owner && is_trusted(owner, self) && entries_keep(list, rights, self);
	LocalFree(sd);
	return good;
}

bool file_is_private(int fd)
{
	return handle_keeps(handle_of(fd), ALL_RIGHTS);
}

bool file_is_guarded(int fd)
{
	return handle_keeps(handle_of(fd), CHANGING_RIGHTS);
}

bool path_is_absolute(const char *path)
{
	bool has_drive =
		((path[0] >= 'a' && path[0] <= 'z') || (path[0] >= 'A' && path[0] <= 'Z')) &&
		path[1] == ':' && (path[2] == '\\' || path[2] == '/');

	return has_drive || !strncmp(path, "\\\\", 2);
}

static const struct {
	DWORD access, disposition;
	int flags;
} ways[] = {
	[FILE_READ] = { GENERIC_READ, OPEN_EXISTING, _O_RDONLY },
	/* No more than that: where papers are dropped, nothing else is allowed. */
	[FILE_NEW] = { FILE_WRITE_DATA, CREATE_NEW, _O_WRONLY },
	[FILE_OVER] = { GENERIC_WRITE, CREATE_ALWAYS, _O_WRONLY },
};

/* The handle of a file that is one, on a disk; on failure INVALID_HANDLE_VALUE and *@error. */
static HANDLE open_file(const wchar_t *path, enum file_how how, enum file_access access, int *error)
{
	SECURITY_ATTRIBUTES private = { .nLength = sizeof(private) };
	bool is_private = access == FILE_PRIVATE && how != FILE_READ;
	HANDLE h;

	*error = 0;
	if (is_private &&
	    !ConvertStringSecurityDescriptorToSecurityDescriptorW(
		    PRIVATE_SDDL, SDDL_REVISION_1, &private.lpSecurityDescriptor, NULL)) {
		*error = last_error();
		return INVALID_HANDLE_VALUE;
	}
	h = CreateFileW(path, ways[how].access, SHARE_ALL, is_private ? &private : NULL,
			ways[how].disposition, FILE_ATTRIBUTE_NORMAL, NULL);
	if (h == INVALID_HANDLE_VALUE)
		*error = last_error();
	LocalFree(private.lpSecurityDescriptor);
	if (h == INVALID_HANDLE_VALUE || GetFileType(h) == FILE_TYPE_DISK)
		return h;
	CloseHandle(h);
	*error = -EINVAL;
	return INVALID_HANDLE_VALUE;
}

int path_open(const char *path, enum file_how how, enum file_access access)
{
	auto_free wchar_t *wide = wide_path_of(path);
	HANDLE h;
	int error;

	if (!wide)
		return -EILSEQ;
	h = open_file(wide, how, access, &error);
	return error ? error : descriptor_of(h, ways[how].flags);
}

static int move(const wchar_t *from, const wchar_t *to, DWORD flags)
{
	bool done = MoveFileExW(from, to, flags);

	for (unsigned try = 0; is_busy(done, try); try++)
		done = MoveFileExW(from, to, flags);
	return done ? 0 : last_error();
}

int path_rename(const char *from, const char *to)
{
	auto_free wchar_t *source = wide_path_of(from), *target = wide_path_of(to);

	if (!source || !target)
		return -EILSEQ;
	return move(source, target, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH);
}

/* A file, or with @is_directory a directory that is empty or a link to one. */
static int remove_one(const wchar_t *path, bool is_directory)
{
	bool done = is_directory ? RemoveDirectoryW(path) : DeleteFileW(path);

	if (!done && GetLastError() == ERROR_ACCESS_DENIED) {
		SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL); /* it may be read-only */
		done = is_directory ? RemoveDirectoryW(path) : DeleteFileW(path);
	}
	for (unsigned try = 0; is_busy(done, try); try++)
		done = is_directory ? RemoveDirectoryW(path) : DeleteFileW(path);
	return done ? 0 : last_error();
}

int path_remove(const char *path)
{
	auto_free wchar_t *wide = wide_path_of(path);

	return wide ? remove_one(wide, false) : -EILSEQ;
}

int path_make_directory(const char *path)
{
	auto_free wchar_t *wide = wide_path_of(path);

	if (!wide)
		return -EILSEQ;
	return CreateDirectoryW(wide, NULL) ? 0 : last_error();
}

static HANDLE open_directory(const wchar_t *path, DWORD access)
{
	return CreateFileW(path, FILE_READ_ATTRIBUTES | access, FILE_SHARE_READ | FILE_SHARE_WRITE,
			   NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
}

/* One that exists, and that nobody else has prepared. */
static int check_private(const wchar_t *path)
{
	DWORD attributes = GetFileAttributesW(path);
	HANDLE h auto_handle = open_directory(path, READ_CONTROL);

	if (h == INVALID_HANDLE_VALUE)
		return last_error();
	if (attributes & FILE_ATTRIBUTE_REPARSE_POINT)
		return -ELOOP;
	if (!(attributes & FILE_ATTRIBUTE_DIRECTORY))
		return -ENOTDIR;
	return handle_keeps(h, ALL_RIGHTS) ? 0 : -EPERM;
}

int path_make_private(const char *path)
{
	auto_free wchar_t *wide = wide_path_of(path);
	SECURITY_ATTRIBUTES private = { .nLength = sizeof(private) };
	int error = 0;

	if (!wide)
		return -EILSEQ;
	if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
		    PRIVATE_SDDL, SDDL_REVISION_1, &private.lpSecurityDescriptor, NULL))
		return last_error();
	if (!CreateDirectoryW(wide, &private))
		error = last_error();
	LocalFree(private.lpSecurityDescriptor);
	return error == -EEXIST ? check_private(wide) : error;
}

static int lock_wide(const wchar_t *path, int *fd)
{
	HANDLE h = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_ALWAYS,
			       FILE_ATTRIBUTE_NORMAL, NULL);

	if (h == INVALID_HANDLE_VALUE)
		return GetLastError() == ERROR_SHARING_VIOLATION ? -EWOULDBLOCK : last_error();
	*fd = descriptor_of(h, _O_RDWR);
	return *fd < 0 ? *fd : 0;
}

int path_lock(const char *path, int *fd)
{
	auto_free wchar_t *wide = wide_path_of(path);

	return wide ? lock_wide(wide, fd) : -EILSEQ;
}

static wchar_t *join(const wchar_t *path, const wchar_t *name)
{
	size_t length = wcslen(path) + wcslen(name) + 2;
	wchar_t *out = xalloc(length, sizeof(*out));

	wcscpy(out, path);
	wcscat(out, L"\\");
	return wcscat(out, name);
}

/* A directory as it is read. */
struct listing {
	HANDLE find;
	WIN32_FIND_DATAW entry;
	bool is_first;
};

static int listing_begin(struct listing *l, const wchar_t *path)
{
	auto_free wchar_t *pattern = join(path, L"*");

	l->find = FindFirstFileExW(pattern, FindExInfoBasic, &l->entry, FindExSearchNameMatch, NULL,
				   FIND_FIRST_EX_LARGE_FETCH);
	l->is_first = true;
	return l->find == INVALID_HANDLE_VALUE ? last_error() : 0;
}

static bool listing_next(struct listing *l)
{
	do {
		if (!l->is_first && !FindNextFileW(l->find, &l->entry))
			return false;
		l->is_first = false;
	} while (!wcscmp(l->entry.cFileName, L".") || !wcscmp(l->entry.cFileName, L".."));
	return true;
}

static void listing_end(struct listing *l)
{
	FindClose(l->find);
}

static bool entry_is_directory(const struct listing *l)
{
	return l->entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY;
}

static int remove_below(const wchar_t *path, unsigned depth)
{
	struct listing list;
	int error = depth ? listing_begin(&list, path) : -ENAMETOOLONG;

	if (error)
		return error;
	while (!error && listing_next(&list)) {
		auto_free wchar_t *below = join(path, list.entry.cFileName);
		bool is_link = list.entry.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT;

		if (entry_is_directory(&list) && !is_link)
			error = remove_below(below, depth - 1);
		if (!error)
			error = remove_one(below, entry_is_directory(&list));
	}
	listing_end(&list);
	return error;
}

static int remove_tree(const wchar_t *path)
{
	DWORD attributes = GetFileAttributesW(path);
	int error;

	if (attributes == INVALID_FILE_ATTRIBUTES) {
		error = last_error();
		return error == -ENOENT ? 0 : error;
	}
	if (!(attributes & FILE_ATTRIBUTE_DIRECTORY))
		return -ENOTDIR;
	error = attributes & FILE_ATTRIBUTE_REPARSE_POINT ? 0 : remove_below(path, TREE_DEPTH_MAX);
	return error ? error : remove_one(path, true);
}

int path_remove_tree(const char *path)
{
	auto_free wchar_t *wide = wide_path_of(path);

	return wide ? remove_tree(wide) : -EILSEQ;
}

int path_exchange(const char *from, const char *to)
{
	auto_free wchar_t *source = wide_path_of(from), *target = wide_path_of(to), *old = NULL;
	auto_free char *old_path = xasprintf("%s.old", to);
	int error;

	if (!source || !target)
		return -EILSEQ;
	old = wide_path_of(old_path);
	error = old ? remove_tree(old) : -EILSEQ;
	if (error)
		return error;
	if (GetFileAttributesW(target) != INVALID_FILE_ATTRIBUTES)
		error = move(target, old, 0);
	error = error ? error : move(source, target, MOVEFILE_WRITE_THROUGH);
	return error ? error : remove_tree(old);
}

int path_list(const char *path, path_list_fn *each, void *owner)
{
	auto_free wchar_t *wide = wide_path_of(path);
	struct listing list;
	int error = wide ? listing_begin(&list, wide) : -EILSEQ;

	if (error)
		return error;
	while (listing_next(&list)) {
		auto_free char *name = narrow_of(list.entry.cFileName);

		if (!each(owner, name))
			break;
	}
	listing_end(&list);
	return 0;
}

/* Where what @h has open really lies; to be freed; NULL where nobody can say. The long form of each
 * part is asked for first; where a directory on the way may not be read, the form it was opened
 * by says as well where a link led to. */
static wchar_t *final_path(HANDLE h)
{
	static const DWORD forms[] = { FILE_NAME_NORMALIZED, FILE_NAME_OPENED };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		DWORD length = GetFinalPathNameByHandleW(h, NULL, 0, forms[i] | VOLUME_NAME_DOS);
		wchar_t *path = length ? xalloc(length + 1, sizeof(*path)) : NULL;

		if (path &&
		    GetFinalPathNameByHandleW(h, path, length + 1, forms[i] | VOLUME_NAME_DOS))
			return path;
		free(path);
	}
	return NULL;
}

/* Does @h lie in @t under exactly the name that was asked for? */
static int check_inside(const struct tree *t, HANDLE h, const wchar_t *name)
{
	auto_free wchar_t *is = final_path(h), *wanted = *name ? join(t->final, name) : NULL;

	if (!is)
		return last_error();
	return CompareStringOrdinal(is, -1, wanted ? wanted : t->final, -1, TRUE) == CSTR_EQUAL
		       ? 0
		       : -ELOOP;
}

/* @name, which is safe, with the separators of the system; to be freed; NULL where it is not. */
static wchar_t *name_of(const char *name)
{
	bool is_bad = !name[0];
	const char *part = name;
	wchar_t *wide;

	for (const char *at = name; !is_bad; at++) {
		if (*at == '/' || !*at) {
			size_t length = (size_t)(at - part);

			is_bad = !length || (length == 1 && part[0] == '.') ||
				 (length == 2 && !strncmp(part, "..", 2));
			part = at + 1;
		} else {
			is_bad = (unsigned char)*at < 0x20 || strchr("\\:*?\"<>|", *at);
		}
		if (!*at)
			break;
	}
	wide = is_bad ? NULL : wide_of(name);
	for (wchar_t *at = wide; at && *at; at++) {
		if (*at == L'/')
			*at = L'\\';
	}
	return wide;
}

/* A name in a tree on its way to be used. */
struct resolved {
	wchar_t *name, *path;
	HANDLE parent; /* held open */
};

static void resolved_free(struct resolved *r)
{
	free(r->name);
	free(r->path);
	close_handle(&r->parent);
}
#define auto_resolved cleanup(resolved_free)

/* resolve - the path of @name; with @looks, its directory was looked at and is held. Where papers
 * are dropped it may not be opened: what is made in it is looked at then, behind it. */
static int resolve(const struct tree *t, const char *name, bool looks, struct resolved *r)
{
	wchar_t *last;
	int error;

	*r = (struct resolved){ .name = name_of(name), .parent = INVALID_HANDLE_VALUE };
	if (!r->name)
		return -EILSEQ;
	r->path = join(t->root, r->name);
	if (!looks)
		return 0;
	last = wcsrchr(r->name, L'\\');
	if (last)
		*last = 0;
	{
		auto_free wchar_t *parent = last ? join(t->root, r->name) : wcsdup(t->root);

		r->parent = parent ? open_directory(parent, 0) : INVALID_HANDLE_VALUE;
	}
	error = r->parent != INVALID_HANDLE_VALUE ? check_inside(t, r->parent, last ? r->name : L"")
		: GetLastError() == ERROR_ACCESS_DENIED ? 0
							: last_error();
	if (last)
		*last = L'\\';
	return error;
}

int tree_open(const char *path, struct tree **out)
{
	wchar_t *root = wide_path_of(path), *final;
	HANDLE h auto_handle = root ? open_directory(root, 0) : INVALID_HANDLE_VALUE;

	if (h == INVALID_HANDLE_VALUE) {
		int error = root ? last_error() : -EILSEQ;

		free(root);
		return error;
	}
	if (!(GetFileAttributesW(root) & FILE_ATTRIBUTE_DIRECTORY) || !(final = final_path(h))) {
		free(root);
		return -ENOTDIR;
	}
	*out = xalloc(1, sizeof(**out));
	(*out)->root = root;
	(*out)->final = final;
	return 0;
}

void tree_close(struct tree *t)
{
	if (!t)
		return;
	free(t->root);
	free(t->final);
	free(t);
}

int tree_file(const struct tree *t, const char *name, enum file_how how, enum file_access access)
{
	struct resolved r auto_resolved = { 0 };
	int error = resolve(t, name, how != FILE_READ, &r);
	HANDLE h;

	if (error)
		return error;
	h = open_file(r.path, how, access, &error);
	if (error)
		return error;
	error = check_inside(t, h, r.name);
	if (!error)
		return descriptor_of(h, ways[how].flags);
	CloseHandle(h);
	return error;
}

int tree_make_directory(const struct tree *t, const char *name)
{
	struct resolved r auto_resolved = { 0 };
	int error = resolve(t, name, true, &r);

	if (error)
		return error;
	return CreateDirectoryW(r.path, NULL) ? 0 : last_error();
}

int tree_rename(const struct tree *t, const char *from, const char *to, bool durable)
{
	struct resolved source auto_resolved = { 0 }, target auto_resolved = { 0 };
	int error = resolve(t, from, true, &source);

	error = error ? error : resolve(t, to, true, &target);
	if (error)
		return error;
	return move(source.path, target.path,
		    MOVEFILE_REPLACE_EXISTING | (durable ? MOVEFILE_WRITE_THROUGH : 0u));
}

static int remove_in(const struct tree *t, const char *name, bool also_directory)
{
	struct resolved r auto_resolved = { 0 };
	int error = resolve(t, name, true, &r);
	DWORD attributes = error ? 0 : GetFileAttributesW(r.path);

	if (error)
		return error;
	if (attributes == INVALID_FILE_ATTRIBUTES)
		return last_error();
	if ((attributes & FILE_ATTRIBUTE_DIRECTORY) && !also_directory)
		return -EISDIR;
	return remove_one(r.path, attributes & FILE_ATTRIBUTE_DIRECTORY);
}

int tree_remove_file(const struct tree *t, const char *name)
{
	return remove_in(t, name, false);
}

int tree_remove(const struct tree *t, const char *name)
{
	return remove_in(t, name, true);
}

int tree_list(const struct tree *t, const char *name, tree_list_fn *each, void *owner)
{
	struct resolved r auto_resolved = { 0 };
	int error = resolve(t, name, false, &r);
	HANDLE directory auto_handle =
		error ? INVALID_HANDLE_VALUE : open_directory(r.path, FILE_LIST_DIRECTORY);
	struct listing list;

	if (!error && directory == INVALID_HANDLE_VALUE)
		error = last_error();
	error = error ? error : check_inside(t, directory, r.name);
	error = error ? error : listing_begin(&list, r.path);
	if (error)
		return error;
	while (listing_next(&list)) {
		auto_free char *entry = narrow_of(list.entry.cFileName);
		uint64_t size = (uint64_t)list.entry.nFileSizeHigh << 32 | list.entry.nFileSizeLow;

		if (!each(owner, entry, size, entry_is_directory(&list)))
			break;
	}
	listing_end(&list);
	return 0;
}

int tree_lock(const struct tree *t, const char *name, int *fd)
{
	struct resolved r auto_resolved = { 0 };
	int error = resolve(t, name, true, &r);

	return error ? error : lock_wide(r.path, fd);
}

int tree_set_mode(const struct tree *t, const char *name, unsigned mode)
{
	return -EOPNOTSUPP;
}

/* Nothing is left to do: file_close did it, file by file. */
int tree_sync(const struct tree *t)
{
	return 0;
}

int tree_free_bytes(const struct tree *t, uint64_t *bytes)
{
	ULARGE_INTEGER free_bytes;

	if (!GetDiskFreeSpaceExW(t->root, &free_bytes, NULL, NULL))
		return last_error();
	*bytes = free_bytes.QuadPart;
	return 0;
}
