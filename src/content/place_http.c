// SPDX-License-Identifier: Apache-2.0
/*
 * A place behind a web server, to read from: each request is a GET of a range (RFC 9110, 14). A
 * server that ignores ranges answers with the whole file, of which only the wanted part is kept;
 * what is longer than was asked for is not read. Redirections are not followed, and no
 * protocol but HTTP is spoken, in TLS from 1.2 on where it is HTTPS. Where the server lets it, a
 * new file is made with PUT (RFC 9110, 9.3.4), which is to fail where one is there (13.1.2).
 */
#include "place_http.h"
#include "place_impl.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>

struct http {
	struct place place;
	CURLM *multi;
	CURL *idle[HTTP_DEPTH];
	char *base, *ca_file;
	long connect_ms, stall_s;
};

struct fetch {
	struct http *http;
	struct place_request *rq;
	CURL *easy;
	uint64_t skip; /* bytes in front of the wanted ones that the server sends anyway */
	size_t got;    /* GET: that are here; PUT: that are sent */
	struct curl_slist *headers;
	char error[CURL_ERROR_SIZE];
	bool started, complete;
};

static struct http *of(struct place *place)
{
	return container_of(place, struct http, place);
}

static const struct {
	CURLcode code;
	ntstatus status;
} failures[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, STATUS_BAD_NETWORK_PATH },
	{ CURLE_COULDNT_CONNECT, STATUS_CONNECTION_REFUSED },
	{ CURLE_OPERATION_TIMEDOUT, STATUS_IO_TIMEOUT },
	{ CURLE_PEER_FAILED_VERIFICATION, STATUS_INVALID_SIGNATURE },
	{ CURLE_SSL_CACERT_BADFILE, STATUS_INVALID_PARAMETER },
	{ CURLE_OUT_OF_MEMORY, STATUS_NO_MEMORY },
	{ CURLE_PARTIAL_FILE, STATUS_CONNECTION_DISCONNECTED },
	{ CURLE_GOT_NOTHING, STATUS_CONNECTION_DISCONNECTED },
	{ CURLE_RECV_ERROR, STATUS_CONNECTION_RESET },
	{ CURLE_SEND_ERROR, STATUS_CONNECTION_RESET },
};

static ntstatus status_of_curl(CURLcode code)
{
	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (failures[i].code == code)
			return failures[i].status;
	return code ? STATUS_UNEXPECTED_NETWORK_ERROR : STATUS_SUCCESS;
}

static size_t take(char *data, size_t size, size_t count, void *owner)
{
	struct fetch *fetch = owner;
	size_t length = size * count, use = length, skipped;
	long code = 0;

	if (!fetch->started) {
		curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &code);
		fetch->started = true;
		if (code == 200)
			fetch->skip = fetch->rq->offset;
	}
	skipped = (size_t)min_u64(fetch->skip, use);
	fetch->skip -= skipped;
	data += skipped;
	use = (size_t)min_u64(use - skipped, fetch->rq->length - fetch->got);
	memcpy(fetch->rq->data + fetch->got, data, use);
	fetch->got += use;
	/* All that was asked for is here: what a server sends beyond it is not read. */
	fetch->complete = fetch->got == fetch->rq->length;
	return fetch->complete && skipped + use < length ? 0 : length;
}

/* The bytes of a file that is made. */
static size_t give(char *data, size_t size, size_t count, void *owner)
{
	struct fetch *fetch = owner;
	size_t length = (size_t)min_u64(size * count, fetch->rq->length - fetch->got);

	memcpy(data, fetch->rq->data + fetch->got, length);
	fetch->got += length;
	return length;
}

/* What a server says to a PUT is of no use to us. */
static size_t drop_answer(char *data, size_t size, size_t count, void *owner)
{
	return size * count;
}

static void set_up_get(struct fetch *fetch)
{
	const struct place_request *rq = fetch->rq;
	char range[64];

	snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)rq->offset,
		 (unsigned long long)(rq->offset + rq->length - 1));
	curl_easy_setopt(fetch->easy, CURLOPT_RANGE, range);
	curl_easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(fetch->easy, CURLOPT_WRITEDATA, fetch);
}

static void set_up_put(struct fetch *fetch)
{
	fetch->headers = curl_slist_append(NULL, "If-None-Match: *");
	curl_easy_setopt(fetch->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(fetch->easy, CURLOPT_HTTPHEADER, fetch->headers);
	curl_easy_setopt(fetch->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)fetch->rq->length);
	curl_easy_setopt(fetch->easy, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(fetch->easy, CURLOPT_READDATA, fetch);
	curl_easy_setopt(fetch->easy, CURLOPT_WRITEFUNCTION, drop_answer);
}

static void set_up(struct http *h, struct fetch *fetch, const char *url)
{
	CURL *easy = fetch->easy;

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->error);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, h->connect_ms);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, FLOOR_BYTES_S);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, h->stall_s);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
	if (h->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, h->ca_file);
	if (fetch->rq->verb == PLACE_PUT)
		set_up_put(fetch);
	else
		set_up_get(fetch);
}

static CURL *take_handle(struct http *h)
{
	for (size_t i = 0; i < HTTP_DEPTH; i++) {
		CURL *easy = h->idle[i];

		if (easy) {
			h->idle[i] = NULL;
			return easy;
		}
	}
	return curl_easy_init();
}

static void give_handle(struct http *h, CURL *easy)
{
	for (size_t i = 0; i < HTTP_DEPTH; i++)
		if (!h->idle[i]) {
			h->idle[i] = easy;
			return;
		}
	curl_easy_cleanup(easy);
}

static void http_begin(struct place *place, struct place_request *rq)
{
	struct http *h = of(place);
	struct fetch *fetch;
	auto_free char *url = xasprintf("%s/%s", h->base, rq->name);

	if (!rq->length) {
		place_finish(place, rq, STATUS_SUCCESS, 0);
		return;
	}
	fetch = xalloc(1, sizeof(*fetch));
	fetch->http = h;
	fetch->rq = rq;
	fetch->easy = take_handle(h);
	if (!fetch->easy) {
		free(fetch);
		place_finish(place, rq, STATUS_NO_MEMORY, 0);
		return;
	}
	set_up(h, fetch, url);
	if (!curl_multi_add_handle(h->multi, fetch->easy))
		return;
	curl_easy_cleanup(fetch->easy);
	curl_slist_free_all(fetch->headers);
	free(fetch);
	place_finish(place, rq, STATUS_INTERNAL_ERROR, 0);
}

static void note_reason(struct http *h, const struct fetch *fetch, CURLcode result, long code)
{
	char *reason = h->place.reason;

	if (code)
		http_reason(reason, PLACE_REASON, code);
	else
		snprintf(reason, PLACE_REASON, "%s",
			 fetch->error[0] ? fetch->error : curl_easy_strerror(result));
}

static void finish(struct http *h, CURL *easy, CURLcode result)
{
	struct fetch *fetch = NULL;
	long code = 0;
	ntstatus status;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &fetch);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
	curl_multi_remove_handle(h->multi, easy);
	curl_easy_reset(easy); /* it is kept, and what it points at is not */
	give_handle(h, easy);
	/* The body of an error is no content, and a transfer that take() ended is no failure. */
	status = code ? http_status(fetch->rq->verb, code) : STATUS_SUCCESS;
	if (!status && result && !(result == CURLE_WRITE_ERROR && fetch->complete))
		status = status_of_curl(result);
	if (code == HTTP_ANSWER_NO_RANGE)
		fetch->got = 0;
	if (status)
		note_reason(h, fetch, result, http_status(fetch->rq->verb, code) ? code : 0);
	place_finish(&h->place, fetch->rq, status, status ? 0 : fetch->got);
	curl_slist_free_all(fetch->headers);
	free(fetch);
}

static void http_turn(struct place *place, int timeout_ms)
{
	struct http *h = of(place);
	unsigned before = place->in_flight;
	uint64_t end = timeout_ms < 0 ? UINT64_MAX : monotonic_ms() + (unsigned)timeout_ms;
	CURLMsg *message;
	int running, left;

	do {
		curl_multi_perform(h->multi, &running);
		while ((message = curl_multi_info_read(h->multi, &left)))
			if (message->msg == CURLMSG_DONE)
				finish(h, message->easy_handle, message->data.result);
		if (place->in_flight < before || monotonic_ms() >= end)
			return;
		curl_multi_poll(h->multi, NULL, 0, timeout_ms < 0 ? 1000 : timeout_ms, NULL);
	} while (true);
}

static void http_close(struct place *place)
{
	struct http *h = of(place);

	for (size_t i = 0; i < HTTP_DEPTH; i++)
		if (h->idle[i])
			curl_easy_cleanup(h->idle[i]);
	curl_multi_cleanup(h->multi);
	free(h->base);
	free(h->ca_file);
	free(h);
}

static const struct place_ops operations = {
	.begin = http_begin,
	.turn = http_turn,
	.close = http_close,
	.creates = true,
};

static CURLcode curl_state = CURLE_FAILED_INIT;

static void start_curl(void)
{
	curl_state = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool curl_is_ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	return !pthread_once(&once, start_curl) && curl_state == CURLE_OK;
}

struct place *place_open_http(const struct place_http_options *options, struct content_failure *why)
{
	struct http *h;
	size_t length = strlen(options->url);

	if ((strncmp(options->url, "http://", 7) != 0 &&
	     strncmp(options->url, "https://", 8) != 0) ||
	    !curl_is_ready()) {
		content_fail(why, CONTENT_UNREADABLE, STATUS_INVALID_PARAMETER, options->url,
			     "not a place of http:// or https://");
		return NULL;
	}
	h = xalloc(1, sizeof(*h));
	h->multi = curl_multi_init();
	BUG_ON(!h->multi);
	while (length && options->url[length - 1] == '/')
		length--;
	h->place.ops = &operations;
	h->place.title = xstrdup(options->url);
	h->place.depth = HTTP_DEPTH;
	h->base = xasprintf("%.*s", (int)length, options->url);
	h->ca_file = options->ca_file ? xstrdup(options->ca_file) : NULL;
	h->connect_ms = options->connect_timeout_ms ? (long)options->connect_timeout_ms
						    : CONNECT_TIMEOUT_MS;
	h->stall_s =
		(long)((options->stall_timeout_ms ? options->stall_timeout_ms : STALL_TIMEOUT_MS) +
		       999) /
		1000;
	return &h->place;
}
