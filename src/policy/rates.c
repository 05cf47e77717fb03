// SPDX-License-Identifier: Apache-2.0
/* Rates by hour of day: read, looked up, kept. */
#include <policy/rates.h>

#define WAIT_MOST_MS 1000 /* then the hour may be another */

/* "2M" at the end of @text, which is cut there. */
static bool take_rate(char *text, uint64_t *bytes_s)
{
	char *word = strrchr(text, ' '), *end;
	unsigned long long number;
	unsigned shift = 0;

	word = word ? word + 1 : text;
	if (*word < '0' || *word > '9')
		return false;
	number = strtoull(word, &end, 10);
	if (*end == 'K' || *end == 'k')
		shift = 10;
	else if (*end == 'M' || *end == 'm')
		shift = 20;
	else if (*end == 'G' || *end == 'g')
		shift = 30;
	if (end[shift > 0] || number > (UINT64_MAX >> 1 >> shift))
		return false;
	*bytes_s = (uint64_t)number << shift;
	*word = '\0';
	return true;
}

static bool take_one(char *text, struct rates *out)
{
	size_t length;

	if (out->count == RATES_MAX || !take_rate(text, &out->list[out->count].bytes_s))
		return false;
	length = strlen(text);
	if (length)
		text[length - 1] = '\0'; /* the space before the rate */
	out->list[out->count].always = !length;
	if (length && !window_parse(text, &out->list[out->count].window))
		return false;
	out->count++;
	return true;
}

bool rates_parse(const char *text, struct rates *out)
{
	auto_free char *copy = xstrdup(text);
	char *saved = NULL;

	*out = (struct rates){ .count = 0 };
	if (strlen(copy) > RATES_TEXT_MAX)
		return false;
	for (char *one = strtok_r(copy, ";", &saved); one; one = strtok_r(NULL, ";", &saved)) {
		size_t length;

		one += strspn(one, " ");
		for (length = strlen(one); length && one[length - 1] == ' '; length--)
			one[length - 1] = '\0';
		if (!take_one(one, out))
			return false;
	}
	return true;
}

uint64_t rates_now(const struct rates *r, int64_t now)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->list[i].always || windows_left(&r->list[i].window, 1, now) > 0)
			return r->list[i].bytes_s;
	}
	return RATE_FREE;
}

bool throttle_bind(struct throttle *t, const char *rates)
{
	t->is_closed = false;
	return rates_parse(rates, &t->rates);
}

uint64_t throttle_wait_ms(struct throttle *t, uint64_t now_ms, int64_t now_s, uint64_t bytes)
{
	uint64_t rate = t->rates.count ? rates_now(&t->rates, now_s) : RATE_FREE;
	double wait_ms;

	if (rate == RATE_FREE || !rate) { /* closed: what is on its way ends, and then all does */
		t->is_closed = !rate;
		return 0;
	}
	if (t->last_ms)
		t->spare += (double)(now_ms - t->last_ms) * (double)rate / 1000;
	t->last_ms = now_ms;
	if (t->spare > (double)rate)
		t->spare = (double)rate;
	if (t->spare >= 0) {
		t->spare -= (double)bytes;
		return 0;
	}
	wait_ms = -t->spare * 1000 / (double)rate + 1;
	return wait_ms > WAIT_MOST_MS ? WAIT_MOST_MS : (uint64_t)wait_ms;
}
