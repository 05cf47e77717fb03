// SPDX-License-Identifier: Apache-2.0
/*
 * Random steps of several clients, done to the model and to a server, and compared one by one. The
 * same seed draws the same steps, as long as the server does as the model says.
 */
#include "draw.h"
#include "drive.h"

#include <base/nttime.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <wire/dtyp.h>

#define STEPS_A_TREE 2000 /* then everything is deleted and begun anew */
#define HISTORY	     40	  /* steps told where there is a difference */

/* ---- telling ---- */

static void print_op(FILE *to, unsigned long step, const struct op *op)
{
	fprintf(to, "%7lu client %u slot %2u %-14s", step, op->client, op->slot,
		kind_names[op->kind]);
	if (op->kind == OP_CREATE)
		fprintf(to,
			" '%s' access %x share %x disposition %u options %x attributes %x oplock "
			"%x "
			"lease %u state %x parent %u%s",
			op->path, op->access, op->share, op->disposition, op->options,
			op->attributes, op->oplock, op->lease_key, op->lease_state, op->parent_key,
			op->durable ? " durable" : "");
	else if (op->kind == OP_SET_TIMES)
		fprintf(to, " creation %lu last access %lu last write %lu", op->times[0],
			op->times[1], op->times[2]);
	else if (op->kind == OP_CANCEL)
		fprintf(to, " request %u", op->wait);
	else if (op->kind == OP_ACK)
		fprintf(to, " lease %u state %x oplock %x", op->lease_key, op->lease_state,
			op->oplock);
	else if (op->kind == OP_COPY)
		fprintf(to, " from slot %u offset %u length %u to offset %u%s", op->from,
			op->offset, op->length, op->target_offset, op->flag ? " write" : "");
	else if (op->kind == OP_RENAME)
		fprintf(to, " to '%s' replace %d", op->path, op->flag);
	else
		fprintf(to, " offset %u length %u flag %d attributes %x%s", op->offset, op->length,
			op->flag, op->attributes, op->waits ? " waits" : "");
	if (op->kind == OP_CREATE || op->kind == OP_RENAME || op->kind == OP_LOCK ||
	    op->kind == OP_DISPOSITION)
		fprintf(to, " request %u", op->wait);
}

/* When each step of the tree at hand was under way, in NT ticks. */
static uint64_t began[STEPS_A_TREE], ended[STEPS_A_TREE];

static void print_time(FILE *to, const struct model_time *time)
{
	if (time->kind == TIME_KNOWN)
		fprintf(to, " %lu", time->value);
	else if (time->kind == TIME_MOVED)
		fprintf(to, " moved-at-%lu(%lu..%lu)", time->step, began[time->step % STEPS_A_TREE],
			ended[time->step % STEPS_A_TREE]);
	else
		fprintf(to, " any");
}

static void print_outcome(FILE *to, const char *whose, const struct outcome *o)
{
	fprintf(to,
		"  %-7s %s action %u attributes %x size %lu links %u%s%s name '%s' oplock %x lease "
		"%x epoch "
		"%u%s\n%s%s",
		whose, ntstatus_name(o->status), o->action, o->attributes, o->size, o->links,
		o->is_directory ? " directory" : "", o->delete_pending ? " delete-pending" : "",
		o->name, o->oplock, o->lease_state, o->lease_epoch,
		o->durable	    ? " durable"
		: o->lease_breaking ? " breaking"
				    : "",
		o->listing, o->events);
	fprintf(to, "          times");
	for (size_t i = 0; i < MODEL_TIMES; i++)
		print_time(to, &o->times[i]);
	fprintf(to, "\n");
}

/* File systems take the time from a clock that ticks every few milliseconds. */
#define CLOCK_SLACK 200000u

static bool same_times(const struct outcome *expected, const struct outcome *seen)
{
	for (size_t i = 0; i < MODEL_TIMES; i++) {
		const struct model_time *e = &expected->times[i];
		uint64_t value = seen->times[i].value;

		if (e->kind == TIME_KNOWN && value != e->value)
			return false;
		if (e->kind == TIME_MOVED && (value + CLOCK_SLACK < began[e->step % STEPS_A_TREE] ||
					      value > ended[e->step % STEPS_A_TREE] + CLOCK_SLACK))
			return false;
	}
	return true;
}

/* @a is the model's, @b the server's. */
static bool same(const struct outcome *a, const struct outcome *b)
{
	return a->status == b->status && a->action == b->action && a->attributes == b->attributes &&
	       a->size == b->size && a->links == b->links && a->is_directory == b->is_directory &&
	       a->delete_pending == b->delete_pending && !strcmp(a->name, b->name) &&
	       !strcmp(a->listing, b->listing) && a->oplock == b->oplock &&
	       a->lease_state == b->lease_state && a->lease_epoch == b->lease_epoch &&
	       a->lease_breaking == b->lease_breaking && a->durable == b->durable &&
	       !strcmp(a->events, b->events) && same_times(a, b) &&
	       !memcmp(a->data, b->data, sizeof(a->data));
}

struct run {
	struct drive_options drive;
	unsigned long steps;
	uint64_t seed;
	unsigned long counts[OP_KINDS], good[OP_KINDS], waited[OP_KINDS], breaks;
};

struct past {
	struct op op;
	ntstatus status;
	char events[256]; /* the first of them */
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
		printf(" = %s\n%s", ntstatus_name(history[i % STEPS_A_TREE].status),
		       history[i % STEPS_A_TREE].events);
	}
	print_op(stdout, step, op);
	printf("\n");
	print_outcome(stdout, "model", expected);
	print_outcome(stdout, "server", seen);
	printf("the model, after the step:\n");
	model_print(model);
}

static unsigned breaks_of(const char *events)
{
	unsigned breaks = 0;

	for (const char *at = events; (at = strstr(at, " goes ")); at++)
		breaks++;
	return breaks;
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
			draw_seed(run->seed + step / STEPS_A_TREE);
			if (!drive_empty(drive)) {
				printf("the share cannot be emptied before step %lu\n", step);
				return false;
			}
		}
		model.step = step;
		do {
			draw_op(&model, &op);
		} while (!model_apply(&model, &op, &expected));
		began[step % STEPS_A_TREE] = nttime_now().ticks;
		good = drive_apply(drive, &op, &expected, &seen);
		ended[step % STEPS_A_TREE] = nttime_now().ticks;
		good = good && same(&expected, &seen);
		if (good && op.kind == OP_QUERY && !seen.status)
			model_learn(&model, &op, &seen);
		if (!good)
			difference(run, &model, history, step, &op, &expected, &seen);
		history[step % STEPS_A_TREE] = (struct past){ .op = op, .status = seen.status };
		snprintf(history[step % STEPS_A_TREE].events, sizeof(history[0].events), "%.250s",
			 seen.events);
		run->counts[op.kind]++;
		run->good[op.kind] += seen.status == STATUS_SUCCESS;
		run->waited[op.kind] += seen.status == STATUS_PENDING;
		run->breaks += breaks_of(seen.events);
	}
	model_clear(&model);
	return good;
}

static int usage(void)
{
	fprintf(stderr, "usage: model --address A --port P --server NAME --share SHARE "
			"--other-share SHARE\n"
			"             --user U [--seed N] [--steps N]      the password in "
			"MODEL_PASSWORD\n");
	return 2;
}

static bool parse(int argc, char **argv, struct run *run)
{
	static const struct option names[] = {
		{ "address", required_argument, NULL, 'a' },
		{ "port", required_argument, NULL, 'p' },
		{ "server", required_argument, NULL, 'n' },
		{ "share", required_argument, NULL, 's' },
		{ "other-share", required_argument, NULL, 'o' },
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
		case 'o':
			run->drive.other_share = optarg;
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
	       run->drive.other_share && run->drive.user && run->drive.password;
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
		printf("%-15s %7lu, %lu of them successful, %lu waited\n", kind_names[i],
		       run.counts[i], run.good[i], run.waited[i]);
	printf("breaks          %7lu\n", run.breaks);
	drive_free(drive);
	return good ? 0 : 1;
}
