// SPDX-License-Identifier: Apache-2.0
/*
 * A place behind a web server, on Windows: by WinHTTP, so that proxies, certificates
 * and TLS (from 1.2 on) are those of the machine. Each request is a GET of a range (RFC 9110, 14).
 * A server that ignores ranges answers with the whole file, of which only the wanted part is kept.
 * Redirections are not followed, and nobody is logged in. Where the server lets it, a new file is
 * made with PUT (9.3.4), which is to fail where one is there (13.1.2).
 *
 * Locks: a request waits in "waiting", is worked on by one of the workers, and lies in "over" until
 * the owner's turn; both lists and the counts are guarded by http->lock. While a worker has a
 * request, its room belongs to that worker. Nothing is called with the lock held.
 */
#include "place_http.h"
#include "place_http_windows.h"
#include "place_impl.h"

#include <base/wide.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#define SKIP_BYTES 65536

struct fetch {
	struct place_request *rq;
	ntstatus status;
	size_t got;
	DWORD faults; /* of the certificate */
	char reason[PLACE_REASON];
	struct fetch *next;
};

struct http {
	struct place place;
	HINTERNET session, connection;
	char *base; /* path of the root, without the last '/' */
	DWORD flags;
	uint64_t stall_ms;
	pthread_mutex_t lock;
	pthread_cond_t has_work, has_answer;
	struct fetch *waiting, *over;
	unsigned worker_count, idle_count;
	bool is_closing;
	pthread_t workers[HTTP_DEPTH];
};

static struct http *of(struct place *place)
{
	return container_of(place, struct http, place);
}

static void close_internet(HINTERNET *h)
{
	if (*h)
		WinHttpCloseHandle(*h);
}
#define auto_internet cleanup(close_internet)

/* Nothing is followed and nobody is logged in. A server that would like to see a certificate of the
 * client is told that there is none; without that, WinHTTP ends there. */
static bool prepare(const struct http *h, HINTERNET request)
{
	DWORD off = WINHTTP_DISABLE_REDIRECTS | WINHTTP_DISABLE_COOKIES |
		    WINHTTP_DISABLE_AUTHENTICATION;

	return WinHttpSetOption(request, WINHTTP_OPTION_DISABLE_FEATURE, &off, sizeof(off)) &&
	       (!(h->flags & WINHTTP_FLAG_SECURE) ||
		WinHttpSetOption(request, WINHTTP_OPTION_CLIENT_CERT_CONTEXT,
				 WINHTTP_NO_CLIENT_CERT_CONTEXT, 0));
}

/* A request for the part that is wanted, or with its file, sent; what came as its first line in
 * *@code. Returns an error of the system, 0 where there is an answer. */
static DWORD ask(const struct http *h, HINTERNET request, struct fetch *fetch, DWORD *code)
{
	const struct place_request *rq = fetch->rq;
	DWORD size = sizeof(*code);
	bool puts = rq->verb == PLACE_PUT;
	DWORD length = puts ? (DWORD)rq->length : 0;
	wchar_t header[80] = L"If-None-Match: *";

	if (!puts)
		swprintf(header, ARRAY_LEN(header), L"Range: bytes=%llu-%llu",
			 (unsigned long long)rq->offset,
			 (unsigned long long)(rq->offset + rq->length - 1));
	if (!prepare(h, request) ||
	    !WinHttpSendRequest(request, header, (DWORD)-1, puts ? rq->data : NULL, length, length,
				(DWORD_PTR)&fetch->faults) ||
	    !WinHttpReceiveResponse(request, NULL) ||
	    !WinHttpQueryHeaders(request, WINHTTP_QUERY_STATUS_CODE | WINHTTP_QUERY_FLAG_NUMBER,
				 WINHTTP_HEADER_NAME_BY_INDEX, code, &size,
				 WINHTTP_NO_HEADER_INDEX))
		return GetLastError();
	return ERROR_SUCCESS;
}

/* How many bytes the answer is to have; UINT64_MAX: it does not say. */
static uint64_t promised(HINTERNET request)
{
	wchar_t text[32] = L"";
	DWORD size = sizeof(text) - sizeof(*text);

	if (!WinHttpQueryHeaders(request, WINHTTP_QUERY_CONTENT_LENGTH,
				 WINHTTP_HEADER_NAME_BY_INDEX, text, &size,
				 WINHTTP_NO_HEADER_INDEX))
		return UINT64_MAX;
	return wcstoull(text, NULL, 10);
}

/* The body, of which the first @skip bytes are not wanted; not read further than it must be. */
static ntstatus take_body(struct http *h, HINTERNET request, uint64_t skip, struct fetch *fetch)
{
	struct place_request *rq = fetch->rq;
	uint64_t total = 0, length = promised(request), since = monotonic_ms(), in_window = 0;
	auto_free uint8_t *unwanted = skip ? xalloc(1, SKIP_BYTES) : NULL;

	while (fetch->got < rq->length) {
		uint64_t left = total < skip ? skip - total : 0, now;
		DWORD want = (DWORD)min_u64(left ? left : rq->length - fetch->got, SKIP_BYTES);
		DWORD n = 0;

		if (!WinHttpReadData(request, left ? unwanted : rq->data + fetch->got, want, &n))
			return winhttp_status(GetLastError(), 0);
		if (!n)
			break;
		total += n;
		in_window += n;
		fetch->got += left ? 0 : n;
		now = monotonic_ms();
		if (now - since < h->stall_ms)
			continue;
		if (in_window < (now - since) / 1000 * FLOOR_BYTES_S)
			return STATUS_IO_TIMEOUT;
		since = now;
		in_window = 0;
	}
	return fetch->got < rq->length && length != UINT64_MAX && total < length
		       ? STATUS_CONNECTION_DISCONNECTED
		       : STATUS_SUCCESS;
}

static void work_on(struct http *h, struct fetch *fetch)
{
	const wchar_t *verb = fetch->rq->verb == PLACE_PUT ? L"PUT" : L"GET";
	auto_free char *path = xasprintf("%s/%s", h->base, fetch->rq->name);
	auto_free wchar_t *wide = wide_of(path);
	HINTERNET request auto_internet = NULL;
	DWORD code = 0, error;

	request = wide ? WinHttpOpenRequest(h->connection, verb, wide, NULL, WINHTTP_NO_REFERER,
					    WINHTTP_DEFAULT_ACCEPT_TYPES, h->flags)
		       : NULL;
	if (!request) {
		fetch->status = STATUS_INVALID_PARAMETER;
		winhttp_reason(fetch->reason, PLACE_REASON, GetLastError(), 0);
		return;
	}
	error = ask(h, request, fetch, &code);
	fetch->status =
		error ? winhttp_status(error, fetch->faults) : http_status(fetch->rq->verb, code);
	if (error)
		winhttp_reason(fetch->reason, PLACE_REASON, error, fetch->faults);
	else if (fetch->status)
		http_reason(fetch->reason, PLACE_REASON, (long)code);
	else if (fetch->rq->verb == PLACE_GET && code != HTTP_ANSWER_NO_RANGE)
		fetch->status = take_body(h, request, code == 200 ? fetch->rq->offset : 0, fetch);
}

static void *worker(void *owner)
{
	struct http *h = owner;

	pthread_mutex_lock(&h->lock);
	while (!h->is_closing) {
		struct fetch *fetch = h->waiting;

		if (!fetch) {
			h->idle_count++;
			pthread_cond_wait(&h->has_work, &h->lock);
			h->idle_count--;
			continue;
		}
		h->waiting = fetch->next;
		pthread_mutex_unlock(&h->lock);
		work_on(h, fetch);
		pthread_mutex_lock(&h->lock);
		fetch->next = h->over;
		h->over = fetch;
		pthread_cond_signal(&h->has_answer);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* Another worker where all have something to do; with the lock held. False: there is none. */
static bool have_worker(struct http *h)
{
	if (!h->idle_count && h->worker_count < HTTP_DEPTH &&
	    !pthread_create(&h->workers[h->worker_count], NULL, worker, h))
		h->worker_count++;
	return h->worker_count > 0;
}

static void http_begin(struct place *place, struct place_request *rq)
{
	struct http *h = of(place);
	struct fetch *fetch;
	bool good;

	if (!rq->length) {
		place_finish(place, rq, STATUS_SUCCESS, 0);
		return;
	}
	BUG_ON(rq->length > UINT32_MAX);
	fetch = xalloc(1, sizeof(*fetch));
	fetch->rq = rq;
	pthread_mutex_lock(&h->lock);
	good = have_worker(h);
	if (good) {
		fetch->next = h->waiting;
		h->waiting = fetch;
		pthread_cond_signal(&h->has_work);
	}
	pthread_mutex_unlock(&h->lock);
	if (good)
		return;
	free(fetch);
	place_finish(place, rq, STATUS_INSUFFICIENT_RESOURCES, 0);
}

static struct timespec time_in(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static void http_turn(struct place *place, int timeout_ms)
{
	struct http *h = of(place);
	struct timespec until = time_in(timeout_ms < 0 ? 0 : timeout_ms);
	struct fetch *over;
	int error = 0;

	pthread_mutex_lock(&h->lock);
	while (!h->over && error != ETIMEDOUT)
		error = timeout_ms < 0 ? pthread_cond_wait(&h->has_answer, &h->lock)
				       : pthread_cond_timedwait(&h->has_answer, &h->lock, &until);
	over = h->over;
	h->over = NULL;
	pthread_mutex_unlock(&h->lock);
	while (over) {
		struct fetch *next = over->next;

		if (over->status)
			memcpy(place->reason, over->reason, sizeof(over->reason));
		place_finish(place, over->rq, over->status, over->status ? 0 : over->got);
		free(over);
		over = next;
	}
}

static void http_close(struct place *place)
{
	struct http *h = of(place);

	pthread_mutex_lock(&h->lock);
	h->is_closing = true;
	pthread_cond_broadcast(&h->has_work);
	pthread_mutex_unlock(&h->lock);
	for (unsigned i = 0; i < h->worker_count; i++)
		pthread_join(h->workers[i], NULL);
	close_internet(&h->connection);
	close_internet(&h->session);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->has_work);
	pthread_cond_destroy(&h->has_answer);
	free(h->base);
	free(h);
}

static const struct place_ops operations = {
	.begin = http_begin,
	.turn = http_turn,
	.close = http_close,
	.creates = true,
};

/* Nothing older than TLS 1.2, which Windows would take too, or (Server 2012) takes alone; of 1.3
 * older systems know nothing, and refuse to be asked for it. */
static bool set_protocols(HINTERNET session)
{
	static const DWORD choices[] = {
		WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_2 | WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_3,
		WINHTTP_FLAG_SECURE_PROTOCOL_TLS1_2,
	};

	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		DWORD wanted = choices[i];

		if (WinHttpSetOption(session, WINHTTP_OPTION_SECURE_PROTOCOLS, &wanted,
				     sizeof(wanted)))
			return true;
	}
	return false;
}

/* What is wrong with a certificate is to be told to the request (winhttp_note_faults). */
static bool listen_for_faults(HINTERNET session)
{
	return WinHttpSetStatusCallback(session, winhttp_note_faults,
					WINHTTP_CALLBACK_FLAG_SECURE_FAILURE,
					0) != WINHTTP_INVALID_STATUS_CALLBACK;
}

/* Take the address apart, and make ready to ask it. */
static bool connect_to(struct http *h, const struct place_http_options *o)
{
	wchar_t host[256], path[1024];
	URL_COMPONENTSW parts = { .dwStructSize = sizeof(parts),
				  .lpszHostName = host,
				  .dwHostNameLength = ARRAY_LEN(host),
				  .lpszUrlPath = path,
				  .dwUrlPathLength = ARRAY_LEN(path) };
	int connect_ms = (int)(o->connect_timeout_ms ? o->connect_timeout_ms : CONNECT_TIMEOUT_MS);
	auto_free wchar_t *url = wide_of(o->url);
	size_t length;

	if (!url || !WinHttpCrackUrl(url, 0, 0, &parts))
		return false;
	length = wcslen(path);
	while (length && path[length - 1] == L'/')
		path[--length] = 0;
	h->base = narrow_of(path);
	h->flags = parts.nScheme == INTERNET_SCHEME_HTTPS ? WINHTTP_FLAG_SECURE : 0;
	h->stall_ms = o->stall_timeout_ms ? o->stall_timeout_ms : STALL_TIMEOUT_MS;
	h->session = WinHttpOpen(L"berth-agent", WINHTTP_ACCESS_TYPE_DEFAULT_PROXY,
				 WINHTTP_NO_PROXY_NAME, WINHTTP_NO_PROXY_BYPASS, 0);
	if (!h->session || !set_protocols(h->session) || !listen_for_faults(h->session) ||
	    !WinHttpSetTimeouts(h->session, connect_ms, connect_ms, (int)h->stall_ms,
				(int)h->stall_ms))
		return false;
	h->connection = WinHttpConnect(h->session, host, parts.nPort, 0);
	return h->connection != NULL;
}

struct place *place_open_http(const struct place_http_options *options, struct content_failure *why)
{
	struct http *h;

	if (options->ca_file) {
		content_fail(why, CONTENT_UNREADABLE, STATUS_NOT_SUPPORTED, options->url,
			     "on Windows the certificates that are trusted are the machine's");
		return NULL;
	}
	h = xalloc(1, sizeof(*h));
	h->place.ops = &operations;
	h->place.title = xstrdup(options->url);
	h->place.depth = HTTP_DEPTH;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->has_work, NULL);
	pthread_cond_init(&h->has_answer, NULL);
	if (connect_to(h, options))
		return &h->place;
	place_close(&h->place);
	content_fail(why, CONTENT_UNREADABLE, STATUS_INVALID_PARAMETER, options->url,
		     "not a place of http:// or https://");
	return NULL;
}
