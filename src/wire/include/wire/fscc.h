// SPDX-License-Identifier: Apache-2.0
/*
 * File information as MS-FSCC lays it out: one struct of facts, and encoders for each class that a
 * client may ask for. The answer to "which classes are there, how long is each at least, does it
 * need a particular access" is a table in each fscc_*.c, read by the server before it does
 * anything.
 */
#ifndef WIRE_FSCC_H
#define WIRE_FSCC_H

#include <base/buf.h>
#include <base/cursor.h>
#include <base/guid.h>
#include <base/nttime.h>
#include <wire/ntstatus.h>

#define FILE_ATTRIBUTE_READONLY		   0x00000001u
#define FILE_ATTRIBUTE_HIDDEN		   0x00000002u
#define FILE_ATTRIBUTE_SYSTEM		   0x00000004u
#define FILE_ATTRIBUTE_DIRECTORY	   0x00000010u
#define FILE_ATTRIBUTE_ARCHIVE		   0x00000020u
#define FILE_ATTRIBUTE_DEVICE		   0x00000040u
#define FILE_ATTRIBUTE_NORMAL		   0x00000080u
#define FILE_ATTRIBUTE_TEMPORARY	   0x00000100u
#define FILE_ATTRIBUTE_SPARSE_FILE	   0x00000200u
#define FILE_ATTRIBUTE_REPARSE_POINT	   0x00000400u
#define FILE_ATTRIBUTE_COMPRESSED	   0x00000800u
#define FILE_ATTRIBUTE_OFFLINE		   0x00001000u
#define FILE_ATTRIBUTE_NOT_CONTENT_INDEXED 0x00002000u
#define FILE_ATTRIBUTE_ENCRYPTED	   0x00004000u
/* What a client may set. */
#define FILE_ATTRIBUTE_SETTABLE                                                                    \
	(FILE_ATTRIBUTE_READONLY | FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM |                 \
	 FILE_ATTRIBUTE_ARCHIVE | FILE_ATTRIBUTE_TEMPORARY | FILE_ATTRIBUTE_OFFLINE |              \
	 FILE_ATTRIBUTE_NOT_CONTENT_INDEXED)

/* How a file is compressed (MS-FSCC 2.3.18, 2.3.67). */
#define COMPRESSION_FORMAT_NONE	   0u
#define COMPRESSION_FORMAT_DEFAULT 1u
#define COMPRESSION_FORMAT_LZNT1   2u

/* File information classes (MS-FSCC 2.4). */
enum file_info_class {
	FileDirectoryInformation = 1,
	FileFullDirectoryInformation = 2,
	FileBothDirectoryInformation = 3,
	FileBasicInformation = 4,
	FileStandardInformation = 5,
	FileInternalInformation = 6,
	FileEaInformation = 7,
	FileAccessInformation = 8,
	FileNameInformation = 9,
	FileRenameInformation = 10,
	FileLinkInformation = 11,
	FileNamesInformation = 12,
	FileDispositionInformation = 13,
	FilePositionInformation = 14,
	FileFullEaInformation = 15,
	FileModeInformation = 16,
	FileAlignmentInformation = 17,
	FileAllInformation = 18,
	FileAllocationInformation = 19,
	FileEndOfFileInformation = 20,
	FileAlternateNameInformation = 21,
	FileStreamInformation = 22,
	FilePipeInformation = 23,
	FilePipeLocalInformation = 24,
	FileCompressionInformation = 28,
	FileNetworkOpenInformation = 34,
	FileAttributeTagInformation = 35,
	FileIdBothDirectoryInformation = 37,
	FileIdFullDirectoryInformation = 38,
	FileValidDataLengthInformation = 39,
	FileNormalizedNameInformation = 48,
	FileIdInformation = 59,
	FileIdExtdDirectoryInformation = 60,
	FileDispositionInformationEx = 64,
	FileRenameInformationEx = 65,
};

/* File system information classes (MS-FSCC 2.5). */
enum fs_info_class {
	FileFsVolumeInformation = 1,
	FileFsLabelInformation = 2,
	FileFsSizeInformation = 3,
	FileFsDeviceInformation = 4,
	FileFsAttributeInformation = 5,
	FileFsControlInformation = 6,
	FileFsFullSizeInformation = 7,
	FileFsObjectIdInformation = 8,
	FileFsSectorSizeInformation = 11,
};

/* All that is known of one file, as the classes want it. */
struct file_facts {
	nttime creation_time, last_access_time, last_write_time, change_time;
	uint64_t allocation_size;
	uint64_t end_of_file;
	uint32_t attributes; /* never 0: FILE_ATTRIBUTE_NORMAL where nothing else is set */
	uint32_t links;
	uint32_t ea_size;
	uint64_t file_id;
	uint64_t volume_serial;
	uint32_t reparse_tag;
	bool is_directory;
	bool delete_pending;
};
struct file_query {
	struct file_facts facts;
	uint32_t granted_access; /* FileAccessInformation, All */
	uint32_t mode;		 /* create options, FileModeInformation */
	uint64_t position;
	const char *name;	/* UTF-8, from the share's root, '/' separated, "" is the root */
	const char *short_name; /* UTF-8 8.3 name or NULL */
};
struct stream_facts {
	const char *name; /* UTF-8 without colons; "" is the data of the file itself */
	uint64_t size, allocation_size;
};

/*
 * fscc_file_query - append class @info_class of @q to @out. At most @room bytes: for what is cut
 * where the class allows it (names), STATUS_BUFFER_OVERFLOW with the part that fits;
 * STATUS_INFO_LENGTH_MISMATCH where not even the fixed part fits; STATUS_INVALID_INFO_CLASS for a
 * class that is not answered here (FileStreamInformation and FileFullEaInformation have functions
 * of their own).
 */
ntstatus fscc_file_query(uint8_t info_class, const struct file_query *q, size_t room,
			 struct buf *out) MUST_CHECK;
ntstatus fscc_stream_list(const struct stream_facts *streams, size_t count, size_t room,
			  struct buf *out) MUST_CHECK;
/* fscc_file_query_access - the access a handle needs for @info_class; 0 where none is needed. */
uint32_t fscc_file_query_access(uint8_t info_class);

/*
 * fscc_directory_entry - append one entry of a directory listing, aligned to 8 behind the entry
 * that begins at
 * *@previous (SIZE_MAX: none yet, @out holds none) whose NextEntryOffset is patched; *@previous
 * moves on. Offsets count from @begin. STATUS_BUFFER_OVERFLOW, and nothing appended, where it does
 * not fit in @room bytes from @begin; STATUS_INVALID_INFO_CLASS for what is no directory class.
 */
ntstatus fscc_directory_entry(uint8_t info_class, const char *name, const char *short_name,
			      const struct file_facts *facts, uint32_t file_index, size_t begin,
			      size_t room, size_t *previous, struct buf *out) MUST_CHECK;

struct fs_facts {
	nttime creation_time;
	uint32_t serial;
	const char *label;	 /* UTF-8 */
	const char *file_system; /* "NTFS": what clients key their behaviour on */
	uint32_t attributes;	 /* FILE_CASE_PRESERVED_NAMES ... (MS-FSCC 2.5.1) */
	uint32_t max_name;	 /* in UTF-16 units */
	uint64_t total_units, caller_free_units, free_units;
	uint32_t sectors_per_unit, bytes_per_sector;
	bool read_only;
	bool trims; /* FSCTL_FILE_LEVEL_TRIM is answered */
	struct guid object_id;
};
ntstatus fscc_fs_query(uint8_t info_class, const struct fs_facts *f, size_t room,
		       struct buf *out) MUST_CHECK;
/* The same, read by a client: what FileFsFullSizeInformation says. */
ntstatus fscc_fs_full_size_decode(struct cursor c, struct fs_facts *f) MUST_CHECK;

#define FILE_RENAME_REPLACE_IF_EXISTS		   0x01u
#define FILE_RENAME_POSIX_SEMANTICS		   0x02u

#define FILE_DISPOSITION_DELETE			   0x01u
#define FILE_DISPOSITION_POSIX_SEMANTICS	   0x02u
#define FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK 0x04u
#define FILE_DISPOSITION_ON_CLOSE		   0x08u
#define FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE 0x10u

/* What SET_INFO sends (MS-FSCC 2.4), decoded. */
struct file_set {
	/* Basic: 0 leaves a time alone, UINT64_MAX (-1) stops, UINT64_MAX-1 (-2) resumes updating
	 * it */
	uint64_t creation_time, last_access_time, last_write_time, change_time;
	uint32_t attributes; /* 0: leave */
	uint64_t size;	     /* end of file, allocation, valid data length, position */
	uint32_t mode;
	bool delete_file; /* Disposition */
	uint32_t flags;	  /* DispositionEx, RenameEx (FILE_RENAME_*, FILE_DISPOSITION_*) */
	bool replace;	  /* Rename, Link */
	uint64_t root_directory;
	struct cursor name; /* UTF-16: Rename, Link */
	struct cursor ea;   /* FullEa */
};
/* STATUS_INVALID_INFO_CLASS, STATUS_INFO_LENGTH_MISMATCH (too short), STATUS_INVALID_PARAMETER. */
ntstatus fscc_set_decode(uint8_t info_class, struct cursor c, struct file_set *s) MUST_CHECK;
uint32_t fscc_file_set_access(uint8_t info_class); /* access a handle needs for it */

/*
 * Extended attributes. The names are bytes, compared without case as ASCII; what an ea points to is
 * in the list that it was read from.
 */
#define FILE_NEED_EA 0x80u
struct ea {
	uint8_t flags;
	uint8_t name_length;
	uint16_t value_length; /* 0 in a change: it goes */
	const char *name;
	const uint8_t *value;
};
/* fscc_ea_next - the next of a FILE_FULL_EA_INFORMATION list; false at the end or where it does not
 * parse (list->bad). */
bool fscc_ea_next(struct cursor *list, struct ea *ea);
/* fscc_ea_ask_next - the same of a FILE_GET_EA_INFORMATION list, which has names alone. */
bool fscc_ea_ask_next(struct cursor *list, struct ea *ea);
bool fscc_ea_is_valid(const struct ea *ea);
bool fscc_ea_same_name(const struct ea *a, const struct ea *b);
uint32_t fscc_ea_packed_size(const struct ea *ea); /* what it adds to EaSize */
/* fscc_ea_entry - as fscc_directory_entry, aligned to 4. */
ntstatus fscc_ea_entry(const struct ea *ea, size_t begin, size_t room, size_t *previous,
		       struct buf *out) MUST_CHECK;

/* A directory entry as a client reads it: FileIdBothDirectoryInformation and
 * FileDirectoryInformation. */
struct directory_entry {
	struct file_facts facts;
	struct cursor name; /* UTF-16 */
};
/* fscc_directory_next - the next entry of @list; false at the end or where it does not parse
 * (list->bad). */
bool fscc_directory_next(uint8_t info_class, struct cursor *list, struct directory_entry *entry);

/* Change notification (MS-FSCC 2.7.1). */
#define FILE_ACTION_ADDED		1u
#define FILE_ACTION_REMOVED		2u
#define FILE_ACTION_MODIFIED		3u
#define FILE_ACTION_RENAMED_OLD_NAME	4u
#define FILE_ACTION_RENAMED_NEW_NAME	5u
#define FILE_ACTION_ADDED_STREAM	6u
#define FILE_ACTION_REMOVED_STREAM	7u
#define FILE_ACTION_MODIFIED_STREAM	8u
#define FILE_NOTIFY_CHANGE_FILE_NAME	0x001u
#define FILE_NOTIFY_CHANGE_DIR_NAME	0x002u
#define FILE_NOTIFY_CHANGE_ATTRIBUTES	0x004u
#define FILE_NOTIFY_CHANGE_SIZE		0x008u
#define FILE_NOTIFY_CHANGE_LAST_WRITE	0x010u
#define FILE_NOTIFY_CHANGE_LAST_ACCESS	0x020u
#define FILE_NOTIFY_CHANGE_CREATION	0x040u
#define FILE_NOTIFY_CHANGE_EA		0x080u
#define FILE_NOTIFY_CHANGE_SECURITY	0x100u
#define FILE_NOTIFY_CHANGE_STREAM_NAME	0x200u
#define FILE_NOTIFY_CHANGE_STREAM_SIZE	0x400u
#define FILE_NOTIFY_CHANGE_STREAM_WRITE 0x800u
/* fscc_notify_entry - as fscc_directory_entry, aligned to 4; @name relative to the watched
 * directory. */
ntstatus fscc_notify_entry(uint32_t action, const char *name, size_t begin, size_t room,
			   size_t *previous, struct buf *out) MUST_CHECK;

#endif
