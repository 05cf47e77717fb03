// SPDX-License-Identifier: Apache-2.0
/*
 * The language that collections and run conditions are written in: questions about the facts of a
 * client, and nothing else. It has no loops, no calls and no side effects, and an expression is
 * bounded in length, size and depth, so that evaluating one costs at most its length.
 *
 *   os.id = "debian" and (memory_mb >= 2048 or name like "build-*") and not exists laptop
 *   site in ("Bonn", "Berlin")
 *
 *   expression  := all { "or" all }          all := one { "and" one }
 *   one         := "not" one | "(" expression ")" | "true" | "false" | "exists" FACT
 *                | FACT ("=" | "!=" | "<" | "<=" | ">" | ">=") VALUE
 *                | FACT "like" TEXT | FACT "in" "(" VALUE { "," VALUE } ")"
 *   VALUE       := TEXT | whole number | "true" | "false"        TEXT := '"' ... '"'
 *
 * Texts compare without case, and runs of digits in them by number, so that "12.10" > "12.9". A
 * number and a text of digits compare as texts. What is asked of a fact that a client does not
 * have is false, "!=" too. In "like", * and ? are wildcards.
 */
#ifndef POLICY_EXPRESSION_H
#define POLICY_EXPRESSION_H

#include <base/base.h>
#include <jansson.h>

#define EXPRESSION_BYTES_MAX 4096
#define EXPRESSION_NODES_MAX 256
#define EXPRESSION_DEPTH_MAX 32
#define FACT_NAME_MAX	     64

struct expression;

/*
 * expression_parse - NULL where @text is none: a sentence for people in @why, which is at least
 * EXPRESSION_WHY bytes, with the place counted from 1. The empty text is "true".
 */
#define EXPRESSION_WHY 160
struct expression *expression_parse(const char *text, char why[EXPRESSION_WHY]) MUST_CHECK;
void expression_free(struct expression *e); /* NULL is good */
static inline void expression_free_ptr(struct expression **e)
{
	expression_free(*e);
}
#define auto_expression cleanup(expression_free_ptr)

/* expression_holds - for the facts in @facts, an object of texts, whole numbers and booleans. */
bool expression_holds(const struct expression *e, const json_t *facts);

/* text_compare - the order of two texts as described above. */
int text_compare(const char *a, const char *b);

#endif
