// SPDX-License-Identifier: Apache-2.0
/*
 * NDR 2.0, little-endian (C706 chapter 14, MS-RPCE 2.2.4): how RPC calls write their parameters.
 *
 * Everything is aligned to its own size, counted from the beginning of the stub. A pointer that may
 * be NULL is a referent id in place; what it points to follows, behind the parameter for a pointer
 * that is a parameter itself, and behind the whole structure for one inside a structure
 * ("deferred").
 *
 * The levels of the LAN Manager calls (SHARE_INFO_502, WKSTA_INFO_100 ...) are structures of
 * DWORDs, strings and counted bytes, so a level is a row of a table (struct ndr_level) that serves
 * reading and writing, on both ends.
 */
#ifndef WIRE_NDR_H
#define WIRE_NDR_H

#include <base/buf.h>
#include <base/cursor.h>
#include <wire/dtyp.h>

#define NDR_MAX_COUNT		    65536u     /* elements of one array, characters of one string */
#define NDR_MAX_MEMORY		    (4u << 20) /* bytes that one decoded stub may take */

/* What a reader refuses with: the status of the fault PDU (MS-RPCE 3.3.3.5, C706 appendix E). */
#define RPC_FAULT_NONE		    0x00000000u
#define RPC_FAULT_ACCESS_DENIED	    0x00000005u
#define RPC_FAULT_BAD_STUB_DATA	    0x000006f7u /* RPC_X_BAD_STUB_DATA */
#define RPC_FAULT_INVALID_TAG	    0x1c000006u /* nca_s_fault_invalid_tag */
#define RPC_FAULT_OUT_OF_MEMORY	    0x1c00001bu /* nca_s_fault_remote_no_memory */
#define RPC_FAULT_OP_RANGE	    0x1c010002u /* nca_s_op_rng_error */
#define RPC_FAULT_UNKNOWN_INTERFACE 0x1c010003u /* nca_s_unk_if */
#define RPC_FAULT_PROTOCOL	    0x1c01000bu /* nca_s_proto_error */
#define RPC_FAULT_SERVER_TOO_BUSY   0x1c010014u /* nca_s_server_too_busy */

/*
 * Reads one stub. Strings and rows that it gives live in its memory until ndr_reader_free; bytes
 * are in the stub itself. The first thing that is wrong is kept in fault, and everything after it
 * reads as zero.
 */
struct ndr_reader {
	struct cursor c;
	uint32_t fault;
	struct ndr_block *blocks;
	size_t memory_left;
};
struct ndr_reader ndr_reader_of(struct cursor stub);
void ndr_reader_free(struct ndr_reader *r);
/* ndr_refuse - mark the stub as wrong; the first reason stays. */
void ndr_refuse(struct ndr_reader *r, uint32_t fault);
/* ndr_fault - RPC_FAULT_NONE where all that was read was there and well-formed. */
uint32_t ndr_fault(struct ndr_reader *r) MUST_CHECK;
/* ndr_alloc - zeroed memory of the reader, or NULL and a fault over NDR_MAX_MEMORY. */
void *ndr_alloc(struct ndr_reader *r, size_t count, size_t size);

uint8_t ndr_get_u8(struct ndr_reader *r);
uint16_t ndr_get_u16(struct ndr_reader *r);
uint32_t ndr_get_u32(struct ndr_reader *r);
uint64_t ndr_get_u64(struct ndr_reader *r);
/* ndr_get_pointer - a referent id: is there something to follow? */
bool ndr_get_pointer(struct ndr_reader *r);
/* ndr_get_count - the count before a conformant array of elements that take at least @element_bytes
 * each. */
uint32_t ndr_get_count(struct ndr_reader *r, size_t element_bytes);
/* ndr_get_string - [string] WCHAR*: conformant and varying, as UTF-8. Its last unit must be NUL; it
 * ends at the first. */
const char *ndr_get_string(struct ndr_reader *r);
/* ndr_get_unique_string - [string, unique] as a parameter: referent id and string; NULL where it is
 * NULL. */
const char *ndr_get_unique_string(struct ndr_reader *r);
/* ndr_get_unique_u32 - [unique] DWORD*; false where it is NULL. */
bool ndr_get_unique_u32(struct ndr_reader *r, uint32_t *value);
/* ndr_get_bytes - a conformant array of bytes that must have @length of them; in the stub. */
const uint8_t *ndr_get_bytes(struct ndr_reader *r, size_t length);

/* Writes one stub behind what @out holds when the writer is made. */
struct ndr_writer {
	struct buf *out;
	size_t start;
	uint32_t referents;
};
struct ndr_writer ndr_writer_of(struct buf *out);
void ndr_put_u8(struct ndr_writer *w, uint8_t v);
void ndr_put_u16(struct ndr_writer *w, uint16_t v);
void ndr_put_u32(struct ndr_writer *w, uint32_t v);
void ndr_put_u64(struct ndr_writer *w, uint64_t v);
void ndr_put_pointer(struct ndr_writer *w, bool present);
void ndr_put_string(struct ndr_writer *w, const char *text);
void ndr_put_unique_string(struct ndr_writer *w, const char *text); /* NULL: a null pointer */
void ndr_put_unique_u32(struct ndr_writer *w, const uint32_t *value);
void ndr_put_bytes(struct ndr_writer *w, const void *data, size_t length);

/*
 * What the calls of MS-LSAT, MS-SAMR and MS-RRP share: strings that carry their length, SIDs, and
 * context handles. A string inside a structure is its counts in place and its characters behind the
 * structure, so it is read and written in two steps.
 */
struct ndr_unicode {
	uint16_t length, maximum; /* bytes */
	bool present;
};
/* ndr_get_unicode - the counts and the referent of an RPC_UNICODE_STRING (MS-DTYP 2.3.10). */
struct ndr_unicode ndr_get_unicode(struct ndr_reader *r);
/* ndr_get_unicode_text - what it refers to, as UTF-8 without terminators; "" where that is nothing.
 */
const char *ndr_get_unicode_text(struct ndr_reader *r, const struct ndr_unicode *s);
void ndr_put_unicode(struct ndr_writer *w, const char *text); /* NULL: no characters at all */
void ndr_put_unicode_text(struct ndr_writer *w, const char *text);
/* ndr_get_unicode_whole, ndr_put_unicode_whole - both steps, where nothing stands between them. */
const char *ndr_get_unicode_whole(struct ndr_reader *r);
void ndr_put_unicode_whole(struct ndr_writer *w, const char *text);
/* ndr_get_unicode_array, ndr_put_unicode_array - the elements of an array of @count, whose bounds
 * were read (and checked) or written before. NULL: no memory. */
const char **ndr_get_unicode_array(struct ndr_reader *r, uint32_t count);
void ndr_put_unicode_array(struct ndr_writer *w, const char *const *texts, uint32_t count);
/* ndr_get_sid, ndr_put_sid - what a PRPC_SID refers to (MS-DTYP 2.4.2.3). */
void ndr_get_sid(struct ndr_reader *r, struct sid *sid);
void ndr_put_sid(struct ndr_writer *w, const struct sid *sid);

#define NDR_HANDLE_LENGTH 20 /* a context handle: attributes and a UUID */
void ndr_get_handle(struct ndr_reader *r, uint8_t handle[NDR_HANDLE_LENGTH]);
void ndr_put_handle(struct ndr_writer *w, const uint8_t handle[NDR_HANDLE_LENGTH]);

/* One member of a structure, and where its value is in the C struct. */
enum ndr_kind {
	NDR_U32,    /* DWORD */
	NDR_STRING, /* [string] WCHAR*: const char * */
	NDR_BYTES,  /* DWORD length, [size_is(length)] PUCHAR: const uint8_t *, uint32_t at
		       length_offset */
};
#define NDR_NOWHERE                                                                                \
	UINT16_MAX /* a member without a place: written as 0 or NULL, skipped in reading */

struct ndr_field {
	uint8_t kind;
	uint16_t offset;
	uint16_t length_offset;
};
#define NDR_LEVEL_FIELDS 20
struct ndr_level {
	uint32_t level;
	uint32_t count;
	struct ndr_field fields[NDR_LEVEL_FIELDS];
};

/* The levels of one kind of thing; row_size is that of the C struct that every level reads and
 * fills. */
struct ndr_levels {
	size_t row_size;
	size_t count;
	bool has_default; /* the union of one row ([switch_is(Level)] LPSHARE_INFO) takes unknown
			     levels as an empty arm */
	const struct ndr_level *levels;
};
const struct ndr_level *ndr_level_find(const struct ndr_levels *levels, uint32_t level);
/* ndr_level_bytes - what one row takes on the wire, strings included (what PreferedMaximumLength
 * counts). */
size_t ndr_level_bytes(const struct ndr_level *level, const void *row);

/* ndr_put_rows / ndr_get_rows - @count structures one after the other, and what they point to
 * behind them. */
void ndr_put_rows(struct ndr_writer *w, const struct ndr_level *level, const void *rows,
		  size_t row_size, size_t count);
void ndr_get_rows(struct ndr_reader *r, const struct ndr_level *level, void *rows, size_t row_size,
		  size_t count);

/*
 * A union of pointers to one structure by level, as NetrShareGetInfo answers and NetrShareAdd
 * takes. The tag must be @level. A level that has no row in the table is an empty arm (has_default)
 * or refused; *present says whether @row was filled.
 */
void ndr_put_choice(struct ndr_writer *w, const struct ndr_levels *levels, uint32_t level,
		    const void *row);
void ndr_get_choice(struct ndr_reader *r, const struct ndr_levels *levels, uint32_t level,
		    void *row, bool *present);

/*
 * A list by level (SHARE_ENUM_STRUCT and its sisters): level, tag, container with its count and
 * array.
 * @rows, in the reader's memory, is NULL where the list is empty.
 */
struct ndr_list {
	uint32_t level;
	bool has_container;
	uint32_t count;
	const void *rows;
};
void ndr_put_list(struct ndr_writer *w, const struct ndr_levels *levels,
		  const struct ndr_list *list);
void ndr_get_list(struct ndr_reader *r, const struct ndr_levels *levels, struct ndr_list *list);

#endif
