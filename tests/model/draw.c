// SPDX-License-Identifier: Apache-2.0
/* Steps drawn at random, so that they meet: few names, many opens, every kind of use. */
#include "draw.h"

#include <stdio.h>
#include <wire/dtyp.h>

static uint64_t state;

void draw_seed(uint64_t seed)
{
	state = seed;
}

/* splitmix64: small, and the same everywhere. */
static uint32_t draw(uint32_t below)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (uint32_t)((z ^ (z >> 31)) >> 11) % below;
}

static bool chance(uint32_t percent)
{
	return draw(100) < percent;
}

#define PICK(array) ((array)[draw(ARRAY_LEN(array))])

static void draw_path(char *path, bool streams)
{
	static const char *const directories[] = {
		"", "", "", "sub\\", "Sub\\", "other\\", "sub\\deep\\", "OTHER\\deep\\"
	};
	static const char *const names[] = { "alpha", "Alpha",	      "BETA",	      "beta",
					     "gamma", "g\xc3\xa4mma", "G\xc3\x84MMA", "sub",
					     "other", "deep" };
	static const char *const stream_names[] = { ":one", ":ONE", ":two", ":three" };

	snprintf(path, MODEL_PATH, "%s%s%s", PICK(directories), PICK(names),
		 streams && chance(20) ? PICK(stream_names) : "");
}

static uint32_t draw_attributes(void)
{
	static const uint32_t attributes[] = {
		FILE_ATTRIBUTE_NORMAL,	 FILE_ATTRIBUTE_NORMAL,
		FILE_ATTRIBUTE_NORMAL,	 FILE_ATTRIBUTE_NORMAL,
		FILE_ATTRIBUTE_NORMAL,	 FILE_ATTRIBUTE_NORMAL,
		FILE_ATTRIBUTE_NORMAL,	 FILE_ATTRIBUTE_ARCHIVE,
		FILE_ATTRIBUTE_HIDDEN,	 FILE_ATTRIBUTE_SYSTEM,
		FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM
	};

	return PICK(attributes);
}

static const uint32_t lease_states[] = {
	0x01, 0x03, 0x03, 0x05, 0x07, 0x07, 0x07, 0x00, 0x02, 0x04
};

/* A key is mostly asked for with a name of one length, so that it often fits the file. */
static void draw_caching(struct op *op)
{
	static const uint8_t levels[] = { SMB2_OPLOCK_LEVEL_II, SMB2_OPLOCK_LEVEL_EXCLUSIVE,
					  SMB2_OPLOCK_LEVEL_BATCH, SMB2_OPLOCK_LEVEL_BATCH };

	if (chance(50))
		return;
	if (chance(45)) {
		op->oplock = PICK(levels);
		op->durable = op->oplock == SMB2_OPLOCK_LEVEL_BATCH && chance(80);
		return;
	}
	op->oplock = SMB2_OPLOCK_LEVEL_LEASE;
	op->lease_state = PICK(lease_states);
	op->lease_key =
		1 + (chance(85) ? (uint32_t)strlen(op->path) : draw(MODEL_KEYS)) % MODEL_KEYS;
	op->parent_key = chance(30) ? 1 + draw(MODEL_KEYS) : 0;
}

/* What programs do most: a plain file, shared with everyone. On few of them, many meet. */
static void draw_common(struct op *op)
{
	static const char *const hot[] = { "alpha", "ALPHA", "beta", "sub\\alpha", "alpha:one" };
	static const uint32_t accesses[] = {
		FILE_READ_DATA | FILE_READ_ATTRIBUTES,
		FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES,
		FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES |
			DELETE_ACCESS,
	};
	static const uint32_t dispositions[] = { FILE_OPEN_IF, FILE_OPEN_IF, FILE_OPEN_IF,
						 FILE_OVERWRITE_IF };

	snprintf(op->path, sizeof(op->path), "%s", PICK(hot));
	op->access = PICK(accesses);
	op->share = chance(85) ? 7 : 3;
	op->disposition = PICK(dispositions);
	op->options = 0;
	op->attributes = FILE_ATTRIBUTE_NORMAL;
}

static void draw_create(struct op *op)
{
	static const uint32_t accesses[] = {
		FILE_READ_ATTRIBUTES,
		FILE_READ_DATA | FILE_READ_ATTRIBUTES,
		FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES,
		FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | DELETE_ACCESS,
		FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES |
			DELETE_ACCESS,
		FILE_APPEND_DATA | FILE_READ_ATTRIBUTES,
		DELETE_ACCESS | FILE_READ_ATTRIBUTES,
		FILE_WRITE_ATTRIBUTES | FILE_READ_ATTRIBUTES,
		FILE_EXECUTE,
	};
	static const uint32_t shares[] = { 7, 7, 7, 7, 3, 1, 0, 5 };
	static const uint32_t options[] = {
		0, 0, 0, FILE_DIRECTORY_FILE, FILE_DIRECTORY_FILE, FILE_NON_DIRECTORY_FILE
	};

	static const char *const skeleton[] = { "sub", "other", "sub\\deep", "Other\\Deep" };

	draw_path(op->path, true);
	op->access = PICK(accesses);
	op->share = PICK(shares);
	op->disposition = chance(60) ? FILE_OPEN_IF : draw(6);
	op->options = PICK(options) | (chance(8) ? FILE_DELETE_ON_CLOSE : 0);
	op->attributes = draw_attributes();
	if (chance(45))
		draw_common(op);
	if (chance(12)) { /* so that there are directories for the others to be in */
		snprintf(op->path, sizeof(op->path), "%s", PICK(skeleton));
		op->access = FILE_READ_DATA | FILE_READ_ATTRIBUTES;
		op->share = 7;
		op->disposition = FILE_OPEN_IF;
		op->options = FILE_DIRECTORY_FILE;
		op->attributes = FILE_ATTRIBUTE_NORMAL;
	}
	if (chance(3)) {
		op->path[0] = 0; /* the share itself */
		op->disposition = FILE_OPEN;
	}
	draw_caching(op);
}

static unsigned waiting_locks(const struct model *model, const struct model_open *open)
{
	unsigned count = 0;

	for (size_t i = 0; i < MODEL_WAITS; i++)
		count += model->waits[i].is_used && model->waits[i].op.kind == OP_LOCK &&
			 (!open || model->waits[i].serial == open->serial);
	return count;
}

static void draw_lock(struct op *op, const struct model *model)
{
	const struct model_open *open = &model->opens[op->slot];

	op->offset &= ~63u;
	op->length = chance(10) ? 0 : 64 + (op->length & 192u);
	if (op->kind == OP_UNLOCK && open->lock_count && chance(80)) {
		const struct model_lock *lock = &open->locks[draw(open->lock_count)];

		op->offset = lock->offset;
		op->length = lock->length;
	}
	/* One place stays free for a request that waits for a break, and one for the next. */
	op->waits = chance(50) && waiting_locks(model, NULL) < MODEL_WAITS - 2;
	if (op->kind == OP_LOCK && open->lock_count + waiting_locks(model, open) >= MODEL_LOCKS)
		op->kind = OP_QUERY;
}

static uint64_t draw_time(void)
{
	if (chance(40))
		return 0;
	if (chance(30))
		return chance(50) ? TIME_STOPS : TIME_RESUMES;
	/* Some day in these thirty years, to the tick. */
	return 122000000000000000u + (uint64_t)draw(1u << 20) * 7000000003u;
}

static void draw_times(struct op *op, const struct model *model)
{
	const struct model_open *open = &model->opens[op->slot];

	op->times[0] = draw_time();
	if (op->times[0] >= TIME_RESUMES) /* nothing moves it, so nothing is stopped */
		op->times[0] = 0;
	/* Of a directory the times move with its names, whoever holds them. */
	if (open->node->is_directory)
		return;
	op->times[1] = draw_time();
	op->times[2] = draw_time();
}

static void draw_new_name(struct op *op, const struct model_open *open)
{
	static const char *const in_file[] = { ":one",	 ":ONE",	 ":two",   ":two:$DATA",
					       ":three", ":Three:$data", "::$DATA" };

	if (chance(*open->stream->name ? 75 : 3))
		snprintf(op->path, sizeof(op->path), "%s", PICK(in_file));
	else
		draw_path(op->path, false);
}

/* From any handle of the same client, its own included. */
static void draw_copy(struct op *op, const struct model *model)
{
	unsigned from = draw(MODEL_OPENS);

	op->from = op->slot;
	for (unsigned i = 0; i < MODEL_OPENS; i++) {
		unsigned slot = (from + i) % MODEL_OPENS;

		if (model->opens[slot].node && !model->opens[slot].is_kept &&
		    model->opens[slot].client == op->client) {
			op->from = slot;
			break;
		}
	}
	op->target_offset = draw(MODEL_DATA / 2);
	/* Most files are short. */
	if (chance(60)) {
		op->offset %= 64;
		op->length %= 128;
	}
}

static void draw_use(struct op *op, const struct model *model)
{
	op->offset = draw(MODEL_DATA / 2);
	op->length = draw(MODEL_DATA / 2);
	op->byte = (uint8_t)draw(256);
	op->flag = chance(70);
	op->attributes = draw_attributes();
	if (op->kind == OP_RENAME)
		draw_new_name(op, &model->opens[op->slot]);
	if (op->kind == OP_LOCK || op->kind == OP_UNLOCK)
		draw_lock(op, model);
	if (op->kind == OP_SET_TIMES)
		draw_times(op, model);
	if (op->kind == OP_COPY)
		draw_copy(op, model);
}

static int find_slot(const struct model *model, bool used)
{
	unsigned from = draw(MODEL_OPENS);

	for (unsigned i = 0; i < MODEL_OPENS; i++) {
		unsigned slot = (from + i) % MODEL_OPENS;

		if (used ? model->opens[slot].node != NULL : model_slot_is_free(model, slot))
			return (int)slot;
	}
	return -1;
}

/* How often each kind is drawn among the steps that use an open. */
static const struct {
	enum kind kind;
	uint32_t weight;
} weights[] = {
	{ OP_CLOSE, 30 },	  { OP_READ, 10 },     { OP_WRITE, 14 },      { OP_SET_SIZE, 4 },
	{ OP_SET_ATTRIBUTES, 6 }, { OP_SET_TIMES, 6 }, { OP_DISPOSITION, 5 }, { OP_RENAME, 12 },
	{ OP_LOCK, 8 },		  { OP_UNLOCK, 6 },    { OP_QUERY, 12 },      { OP_LIST, 6 },
	{ OP_STREAMS, 5 },	  { OP_ZERO, 4 },      { OP_COPY, 8 },
};

static enum kind draw_kind(void)
{
	uint32_t total = 0, at;

	for (size_t i = 0; i < ARRAY_LEN(weights); i++)
		total += weights[i].weight;
	at = draw(total);
	for (size_t i = 0; i < ARRAY_LEN(weights); i++) {
		if (at < weights[i].weight)
			return weights[i].kind;
		at -= weights[i].weight;
	}
	return OP_QUERY;
}

/* ---- breaks and waits ---- */

static bool draw_acknowledgement(const struct model *model, struct op *op)
{
	unsigned from = draw(MODEL_LEASES + MODEL_OPENS);
	bool is_wanted = !chance(2); /* or one that nobody asked for */

	op->kind = OP_ACK;
	for (unsigned n = 0; n < MODEL_LEASES + MODEL_OPENS; n++) {
		unsigned i = (from + n) % (MODEL_LEASES + MODEL_OPENS);
		const struct model_lease *lease = &model->leases[i % MODEL_LEASES];
		const struct model_open *open = &model->opens[i % MODEL_OPENS];

		if (i < MODEL_LEASES && lease->opens && (lease->breaking || !is_wanted)) {
			op->client = lease->client;
			op->lease_key = lease->key;
			op->lease_state = chance(85) ? lease->break_to : PICK(lease_states);
			return true;
		}
		if (i >= MODEL_LEASES && open->node && !open->is_kept && !open->lease &&
		    (open->oplock_breaking || !is_wanted)) {
			op->client = open->client;
			op->slot = i % MODEL_OPENS;
			op->oplock = chance(85)	  ? open->oplock_break_to
				     : chance(50) ? SMB2_OPLOCK_LEVEL_NONE
						  : SMB2_OPLOCK_LEVEL_II;
			return true;
		}
	}
	return false;
}

static bool draw_cancel(const struct model *model, struct op *op)
{
	unsigned wait = draw(MODEL_WAITS);

	if (!model->waits[wait].is_used)
		return false;
	op->kind = OP_CANCEL;
	op->wait = wait;
	op->client = model->waits[wait].op.client;
	return true;
}

static unsigned free_wait(const struct model *model)
{
	unsigned wait = 0;

	while (wait < MODEL_WAITS - 1 && model->waits[wait].is_used)
		wait++;
	return wait;
}

/* Mostly of a connection with something that is kept. */
static bool draw_loss(const struct model *model, struct op *op)
{
	unsigned from = draw(MODEL_OPENS);

	op->kind = OP_LOSE;
	op->client = draw(MODEL_CLIENTS);
	for (unsigned i = 0; i < MODEL_OPENS; i++) {
		const struct model_open *open = &model->opens[(from + i) % MODEL_OPENS];

		if (!open->node || open->is_kept || !open->durable)
			continue;
		op->client = open->client;
		return true;
	}
	return chance(10);
}

void draw_op(const struct model *model, struct op *op)
{
	int slot = find_slot(model, chance(60));

	memset(op, 0, sizeof(*op));
	if (chance(20) && draw_acknowledgement(model, op))
		return;
	memset(op, 0, sizeof(*op));
	if (chance(10) && draw_cancel(model, op))
		return;
	op->wait = free_wait(model);
	if (chance(2) && draw_loss(model, op))
		return;
	if (chance(1) && chance(40)) {
		op->kind = OP_LEAVE;
		op->client = draw(MODEL_CLIENTS);
		return;
	}
	if (slot < 0)
		slot = find_slot(model, true) < 0 ? find_slot(model, false)
						  : find_slot(model, true);
	if (model->opens[slot].is_kept && chance(50) && find_slot(model, false) >= 0)
		slot = find_slot(model, false); /* let others meet it */
	op->slot = (unsigned)slot;
	if (model->opens[slot].node && model->opens[slot].is_kept) {
		op->kind = OP_RETURN;
		op->client = model->opens[slot].client;
	} else if (model->opens[slot].node) {
		op->kind = draw_kind();
		op->client = model->opens[slot].client;
		draw_use(op, model);
	} else {
		op->kind = OP_CREATE;
		op->client = draw(MODEL_CLIENTS);
		draw_create(op);
	}
}
