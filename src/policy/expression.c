// SPDX-License-Identifier: Apache-2.0
/* Expressions over facts: parsed by descent into an array of nodes, evaluated by walking it. */
#include <policy/expression.h>

#include <base/utf16.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

enum kind {
	TRUE,
	FALSE,
	AND,
	OR,
	NOT,
	EXISTS,
	EQUAL,
	UNEQUAL,
	LESS,
	AT_MOST,
	MORE,
	AT_LEAST,
	LIKE,
	IN
};

struct node {
	enum kind kind;
	uint16_t left,
		right; /* of AND, OR, NOT: nodes. Of IN: the first of its values, and the next */
	const char *fact;
	const char *value; /* as text, whatever it was written as */
};

struct expression {
	struct node nodes[EXPRESSION_NODES_MAX];
	uint16_t count, root;
	char *texts; /* names and values, each with its terminator */
};

struct parser {
	struct expression *e;
	const char *text, *at;
	char *free_text; /* where the next name or value goes; as long as the text is enough */
	unsigned depth;
	char *why;
};

static bool refuse(struct parser *p, const char *format, ...) PRINTF_LIKE(2, 3);
static bool refuse(struct parser *p, const char *format, ...)
{
	char what[96];
	va_list args;

	if (*p->why)
		return false;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(p->why, EXPRESSION_WHY, "%s at character %zu", what,
		 (size_t)(p->at - p->text) + 1);
	return false;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

static void skip_space(struct parser *p)
{
	p->at += strspn(p->at, " \t\r\n");
}

/* The next word, without taking it. */
static bool next_is(struct parser *p, const char *word)
{
	size_t length = strlen(word);

	skip_space(p);
	return !strncmp(p->at, word, length) && !(is_name(word[0]) && is_name(p->at[length]));
}

static bool take(struct parser *p, const char *word)
{
	if (!next_is(p, word))
		return false;
	p->at += strlen(word);
	return true;
}

static bool new_node(struct parser *p, enum kind kind, uint16_t *out)
{
	struct expression *e = p->e;

	if (e->count == EXPRESSION_NODES_MAX)
		return refuse(p, "more than %d parts", EXPRESSION_NODES_MAX);
	e->nodes[e->count].kind = kind;
	*out = e->count++;
	return true;
}

static const char *keep(struct parser *p, const char *from, size_t length)
{
	char *to = p->free_text;

	memcpy(to, from, length);
	to[length] = 0;
	p->free_text += length + 1;
	return to;
}

static bool take_fact(struct parser *p, const char **out)
{
	size_t length = 0;

	skip_space(p);
	while (is_name(p->at[length]))
		length++;
	if (!length || !isalpha((unsigned char)p->at[0]))
		return refuse(p, "the name of a fact is missing");
	if (length > FACT_NAME_MAX)
		return refuse(p, "a name of more than %d bytes", FACT_NAME_MAX);
	*out = keep(p, p->at, length);
	p->at += length;
	return true;
}

static bool take_text(struct parser *p, const char **out)
{
	size_t length;

	skip_space(p);
	if (*p->at != '"')
		return refuse(p, "a text in double quotes is missing");
	length = strcspn(p->at + 1, "\"");
	if (p->at[1 + length] != '"')
		return refuse(p, "a text has no end");
	*out = keep(p, p->at + 1, length);
	p->at += length + 2;
	return true;
}

static bool take_value(struct parser *p, const char **out)
{
	size_t length;

	skip_space(p);
	if (*p->at == '"')
		return take_text(p, out);
	for (size_t i = 0; i < 2; i++) {
		if (take(p, i ? "false" : "true")) {
			*out = i ? "false" : "true";
			return true;
		}
	}
	length = *p->at == '-';
	length += strspn(p->at + length, "0123456789");
	if (!length || !isdigit((unsigned char)p->at[length - 1]) || is_name(p->at[length]))
		return refuse(p,
			      "a value is missing: a text in quotes, a whole number, true, false");
	*out = keep(p, p->at, length);
	p->at += length;
	return true;
}

/* Longer signs first. */
static const struct {
	const char *sign;
	enum kind kind;
} comparisons[] = {
	{ "!=", UNEQUAL }, { "<=", AT_MOST }, { ">=", AT_LEAST }, { "=", EQUAL },
	{ "<", LESS },	   { ">", MORE },     { "like", LIKE },	  { "in", IN },
};

/* The values of IN are nodes of their own, chained by right. */
static bool take_list(struct parser *p, uint16_t in)
{
	uint16_t last = in;

	if (!take(p, "("))
		return refuse(p, "\"in\" needs a list in parentheses");
	do {
		uint16_t value = 0;

		if (!new_node(p, EQUAL, &value) || !take_value(p, &p->e->nodes[value].value))
			return false;
		if (last == in)
			p->e->nodes[in].left = value;
		else
			p->e->nodes[last].right = value;
		last = value;
	} while (take(p, ","));
	return take(p, ")") || refuse(p, "a list has no end");
}

static bool take_comparison(struct parser *p, uint16_t *out)
{
	const char *fact;

	if (!take_fact(p, &fact))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(comparisons); i++) {
		if (!take(p, comparisons[i].sign))
			continue;
		if (!new_node(p, comparisons[i].kind, out))
			return false;
		p->e->nodes[*out].fact = fact;
		if (comparisons[i].kind == IN)
			return take_list(p, *out);
		return comparisons[i].kind == LIKE ? take_text(p, &p->e->nodes[*out].value)
						   : take_value(p, &p->e->nodes[*out].value);
	}
	return refuse(p, "a comparison is missing");
}

static bool take_or(struct parser *p, uint16_t *out);

static bool take_one(struct parser *p, uint16_t *out)
{
	bool good;

	if (++p->depth > EXPRESSION_DEPTH_MAX)
		return refuse(p, "nested more than %d deep", EXPRESSION_DEPTH_MAX);
	if (take(p, "not")) {
		good = new_node(p, NOT, out) && take_one(p, &p->e->nodes[*out].left);
	} else if (take(p, "(")) {
		good = take_or(p, out) && (take(p, ")") || refuse(p, "\")\" is missing"));
	} else if (take(p, "exists")) {
		good = new_node(p, EXISTS, out) && take_fact(p, &p->e->nodes[*out].fact);
	} else if (next_is(p, "true") || next_is(p, "false")) {
		good = new_node(p, take(p, "true") ? TRUE : FALSE, out);
		if (good && p->e->nodes[*out].kind == FALSE)
			good = take(p, "false");
	} else {
		good = take_comparison(p, out);
	}
	p->depth--;
	return good;
}

/* A chain of parts joined by @word, which leans to the left. */
static bool take_chain(struct parser *p, const char *word, enum kind kind,
		       bool (*part)(struct parser *p, uint16_t *out), uint16_t *out)
{
	if (!part(p, out))
		return false;
	while (take(p, word)) {
		uint16_t joined = 0;

		if (!new_node(p, kind, &joined))
			return false;
		p->e->nodes[joined].left = *out;
		if (!part(p, &p->e->nodes[joined].right))
			return false;
		*out = joined;
	}
	return true;
}

static bool take_and(struct parser *p, uint16_t *out)
{
	return take_chain(p, "and", AND, take_one, out);
}

static bool take_or(struct parser *p, uint16_t *out)
{
	return take_chain(p, "or", OR, take_and, out);
}

static bool parse(struct parser *p)
{
	skip_space(p);
	if (!*p->at)
		return new_node(p, TRUE, &p->e->root);
	if (!take_or(p, &p->e->root))
		return false;
	skip_space(p);
	return !*p->at || refuse(p, "something is left over");
}

struct expression *expression_parse(const char *text, char why[EXPRESSION_WHY])
{
	struct parser p = { .text = text, .at = text, .why = why };

	*why = 0;
	if (strlen(text) > EXPRESSION_BYTES_MAX) {
		snprintf(why, EXPRESSION_WHY, "an expression has at most %d bytes",
			 EXPRESSION_BYTES_MAX);
		return NULL;
	}
	p.e = xalloc(1, sizeof(*p.e));
	/* A name or value takes its bytes and a terminator; what follows it takes one at least. */
	p.e->texts = xalloc(2, strlen(text) + 1);
	p.free_text = p.e->texts;
	if (parse(&p))
		return p.e;
	expression_free(p.e);
	return NULL;
}

void expression_free(struct expression *e)
{
	if (e)
		free(e->texts);
	free(e);
}

static const char *without_zeros(const char *digits)
{
	while (*digits == '0' && isdigit((unsigned char)digits[1]))
		digits++;
	return digits;
}

/* Two runs of digits: the longer one, without leading zeros, is the larger number. */
static int compare_digits(const char **a, const char **b)
{
	const char *x = without_zeros(*a), *y = without_zeros(*b);
	size_t m = strspn(x, "0123456789"), n = strspn(y, "0123456789");

	*a = x + m;
	*b = y + n;
	return m != n ? (m < n ? -1 : 1) : strncmp(x, y, m);
}

int text_compare(const char *a, const char *b)
{
	while (*a && *b) {
		int order;

		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			order = compare_digits(&a, &b);
		} else {
			order = tolower((unsigned char)*a) - tolower((unsigned char)*b);
			a++;
			b++;
		}
		if (order)
			return order;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

/* Numbers: also negative ones, which are texts with a sign in front here. */
static int compare(const char *a, const char *b)
{
	bool below = *a == '-' && isdigit((unsigned char)a[1]);

	if (below != (*b == '-' && isdigit((unsigned char)b[1])))
		return below ? -1 : 1;
	return below ? text_compare(b + 1, a + 1) : text_compare(a, b);
}

/* A fact as text; NULL where there is none. */
static const char *fact_text(const json_t *facts, const char *name, char number[32])
{
	const json_t *fact = json_object_get(facts, name);

	if (json_is_string(fact))
		return json_string_value(fact);
	if (json_is_boolean(fact))
		return json_is_true(fact) ? "true" : "false";
	if (!json_is_integer(fact))
		return NULL;
	snprintf(number, 32, "%lld", (long long)json_integer_value(fact));
	return number;
}

static bool is_in(const struct expression *e, const struct node *in, const char *text)
{
	for (uint16_t i = in->left; i; i = e->nodes[i].right) {
		if (!compare(text, e->nodes[i].value))
			return true;
	}
	return false;
}

static bool compares(const struct expression *e, const struct node *n, const json_t *facts)
{
	char number[32];
	const char *text = fact_text(facts, n->fact, number);

	if (!text)
		return false;
	switch (n->kind) {
	case EXISTS:
		return true;
	case EQUAL:
		return compare(text, n->value) == 0;
	case UNEQUAL:
		return compare(text, n->value) != 0;
	case LESS:
		return compare(text, n->value) < 0;
	case AT_MOST:
		return compare(text, n->value) <= 0;
	case MORE:
		return compare(text, n->value) > 0;
	case AT_LEAST:
		return compare(text, n->value) >= 0;
	case LIKE:
		return name_match(n->value, text);
	case IN:
		return is_in(e, n, text);
	default:
		return false;
	}
}

/* A chain leans to the left and may be as long as there are nodes; only that many calls nest. */
static bool holds(const struct expression *e, uint16_t at, const json_t *facts)
{
	const struct node *n = &e->nodes[at];

	switch (n->kind) {
	case TRUE:
	case FALSE:
		return n->kind == TRUE;
	case AND:
		return holds(e, n->left, facts) && holds(e, n->right, facts);
	case OR:
		return holds(e, n->left, facts) || holds(e, n->right, facts);
	case NOT:
		return !holds(e, n->left, facts);
	default:
		return compares(e, n, facts);
	}
}

bool expression_holds(const struct expression *e, const json_t *facts)
{
	return holds(e, e->root, facts);
}
