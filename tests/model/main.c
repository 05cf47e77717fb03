// SPDX-License-Identifier: Apache-2.0
/*
 * Random steps of several clients, done to the model and to a server, and compared one by one. The
 * same seed draws the same steps, as long as the server does as the model says.
 */
#include "drive.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <wire/dtyp.h>

#define STEPS_A_TREE 2000 /* then everything is deleted and begun anew */
#define HISTORY	     40	  /* steps told where there is a difference */

static uint64_t state;

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
	static const char *const stream_names[] = { ":one", ":ONE", ":two" };

	snprintf(path, MODEL_PATH, "%s%s%s", PICK(directories), PICK(names),
		 streams && chance(20) ? PICK(stream_names) : "");
}

static uint32_t draw_attributes(void)
{
	static const uint32_t attributes[] = {
		FILE_ATTRIBUTE_NORMAL,	 FILE_ATTRIBUTE_NORMAL,
		FILE_ATTRIBUTE_NORMAL,	 FILE_ATTRIBUTE_ARCHIVE,
		FILE_ATTRIBUTE_HIDDEN,	 FILE_ATTRIBUTE_SYSTEM,
		FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM
	};

	return PICK(attributes);
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
}

static void draw_use(struct op *op, const struct model *model)
{
	op->offset = draw(MODEL_DATA / 2);
	op->length = draw(MODEL_DATA / 2);
	op->byte = (uint8_t)draw(256);
	op->flag = chance(70);
	op->attributes = draw_attributes();
	if (op->kind == OP_RENAME)
		draw_path(op->path, false);
	if (op->kind == OP_LOCK || op->kind == OP_UNLOCK) {
		const struct model_open *open = &model->opens[op->slot];

		op->offset &= ~63u;
		op->length = 64 + (op->length & 192u);
		if (op->kind == OP_UNLOCK && open->lock_count && chance(80)) {
			const struct model_lock *lock = &open->locks[draw(open->lock_count)];

			op->offset = lock->offset;
			op->length = lock->length;
		}
		if (op->kind == OP_LOCK && open->lock_count == MODEL_LOCKS)
			op->kind = OP_QUERY;
	}
}

static int find_slot(const struct model *model, bool used)
{
	unsigned from = draw(MODEL_OPENS);

	for (unsigned i = 0; i < MODEL_OPENS; i++) {
		unsigned slot = (from + i) % MODEL_OPENS;

		if ((model->opens[slot].node != NULL) == used)
			return (int)slot;
	}
	return -1;
}

/* How often each kind is drawn among the steps that use an open. */
static const struct {
	enum kind kind;
	uint32_t weight;
} weights[] = {
	{ OP_CLOSE, 30 },	  { OP_READ, 10 },	 { OP_WRITE, 14 },  { OP_SET_SIZE, 4 },
	{ OP_SET_ATTRIBUTES, 6 }, { OP_DISPOSITION, 5 }, { OP_RENAME, 12 }, { OP_LOCK, 8 },
	{ OP_UNLOCK, 6 },	  { OP_QUERY, 12 },	 { OP_LIST, 6 },    { OP_STREAMS, 5 },
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

static void draw_op(const struct model *model, struct op *op)
{
	int slot = find_slot(model, chance(60));

	memset(op, 0, sizeof(*op));
	if (chance(1) && chance(40)) {
		op->kind = OP_LEAVE;
		op->client = draw(MODEL_CLIENTS);
		return;
	}
	if (slot < 0)
		slot = find_slot(model, true) < 0 ? find_slot(model, false)
						  : find_slot(model, true);
	op->slot = (unsigned)slot;
	if (model->opens[slot].node) {
		op->kind = draw_kind();
		op->client = model->opens[slot].client;
		draw_use(op, model);
	} else {
		op->kind = OP_CREATE;
		op->client = draw(MODEL_CLIENTS);
		draw_create(op);
	}
}

/* ---- telling ---- */

static void print_op(FILE *to, unsigned long step, const struct op *op)
{
	fprintf(to, "%7lu client %u slot %2u %-14s", step, op->client, op->slot,
		kind_names[op->kind]);
	if (op->kind == OP_CREATE)
		fprintf(to, " '%s' access %x share %x disposition %u options %x attributes %x",
			op->path, op->access, op->share, op->disposition, op->options,
			op->attributes);
	else if (op->kind == OP_RENAME)
		fprintf(to, " to '%s' replace %d", op->path, op->flag);
	else
		fprintf(to, " offset %u length %u flag %d attributes %x", op->offset, op->length,
			op->flag, op->attributes);
}

static void print_outcome(FILE *to, const char *whose, const struct outcome *o)
{
	fprintf(to, "  %-7s %s action %u attributes %x size %lu links %u%s%s name '%s'\n%s", whose,
		ntstatus_name(o->status), o->action, o->attributes, o->size, o->links,
		o->is_directory ? " directory" : "", o->delete_pending ? " delete-pending" : "",
		o->name, o->listing);
}

static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->status == b->status && a->action == b->action && a->attributes == b->attributes &&
	       a->size == b->size && a->links == b->links && a->is_directory == b->is_directory &&
	       a->delete_pending == b->delete_pending && !strcmp(a->name, b->name) &&
	       !strcmp(a->listing, b->listing) && !memcmp(a->data, b->data, sizeof(a->data));
}

struct run {
	struct drive_options drive;
	unsigned long steps;
	uint64_t seed;
	unsigned long counts[OP_KINDS], good[OP_KINDS];
};

struct past {
	struct op op;
	ntstatus status;
};

static void difference(const struct run *run, const struct model *model, const struct past *history,
		       unsigned long step, const struct op *op, const struct outcome *expected,
		       const struct outcome *seen)
{
	unsigned long first =
		step % STEPS_A_TREE < HISTORY ? step - step % STEPS_A_TREE : step - HISTORY;

	printf("difference at step %lu of seed %lu\n", step, run->seed);
	for (unsigned long i = first; i < step; i++) {
		print_op(stdout, i, &history[i % STEPS_A_TREE].op);
		printf(" = %s\n", ntstatus_name(history[i % STEPS_A_TREE].status));
	}
	print_op(stdout, step, op);
	printf("\n");
	print_outcome(stdout, "model", expected);
	print_outcome(stdout, "server", seen);
	printf("the model, after the step:\n");
	model_print(model);
}

static bool run_steps(struct run *run, struct drive *drive)
{
	static struct model model;
	static struct past history[STEPS_A_TREE];
	static struct outcome expected, seen;
	struct op op;
	bool good = true;

	for (unsigned long step = 0; good && step < run->steps; step++) {
		if (step % STEPS_A_TREE == 0) {
			model_clear(&model);
			/* Each tree has a seed of its own, so that it can be run alone. */
			state = run->seed + step / STEPS_A_TREE;
			if (!drive_empty(drive)) {
				printf("the share cannot be emptied before step %lu\n", step);
				return false;
			}
		}
		draw_op(&model, &op);
		model_apply(&model, &op, &expected);
		good = drive_apply(drive, &op, &seen) && same(&expected, &seen);
		if (!good)
			difference(run, &model, history, step, &op, &expected, &seen);
		history[step % STEPS_A_TREE] = (struct past){ op, seen.status };
		run->counts[op.kind]++;
		run->good[op.kind] += seen.status == STATUS_SUCCESS;
	}
	model_clear(&model);
	return good;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: model --address A --port P --server NAME --share SHARE --user U\n"
		"             [--seed N] [--steps N]      the password in MODEL_PASSWORD\n");
	return 2;
}

static bool parse(int argc, char **argv, struct run *run)
{
	static const struct option names[] = {
		{ "address", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },
		{ "server", required_argument, NULL, 'n' },
		{ "share", required_argument, NULL, 's' },
		{ "user", required_argument, NULL, 'u' },
		{ "seed", required_argument, NULL, 'r' },
		{ "steps", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'a':
			run->drive.address = optarg;
			break;
		case 'p':
			run->drive.port = (uint16_t)atoi(optarg);
			break;
		case 'n':
			run->drive.server = optarg;
			break;
		case 's':
			run->drive.share = optarg;
			break;
		case 'u':
			run->drive.user = optarg;
			break;
		case 'r':
			run->seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			run->steps = strtoul(optarg, NULL, 0);
			break;
		default:
			return false;
		}
	}
	run->drive.password = getenv("MODEL_PASSWORD");
	return optind == argc && run->drive.address && run->drive.server && run->drive.share &&
	       run->drive.user && run->drive.password;
}

int main(int argc, char **argv)
{
	struct run run = { .steps = 2000, .seed = 1, .drive.port = 445 };
	struct drive *drive;
	bool good;

	if (!parse(argc, argv, &run))
		return usage();
	drive = drive_new(&run.drive);
	if (!drive)
		return 1;
	good = run_steps(&run, drive);
	for (unsigned i = 0; good && i < OP_KINDS; i++)
		printf("%-15s %7lu, %lu of them successful\n", kind_names[i], run.counts[i],
		       run.good[i]);
	drive_free(drive);
	return good ? 0 : 1;
}
