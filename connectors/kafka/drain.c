#include "drain.h"

#include <stdlib.h>
#include <string.h>

static void *must(void *p) {
	if (!p) {
		abort(); // as Go does when it is out of memory
	}
	return p;
}

static void bytes_init(lk_bytes *b, int32_t rows, int64_t cap) {
	b->ends = must(calloc(rows + 1, sizeof *b->ends));
	b->null = must(calloc(rows + 1, 1));
	b->data = must(malloc(cap));
	b->cap = cap;
}

static void bytes_free(lk_bytes *b) {
	free(b->data);
	free(b->ends);
	free(b->null);
}

static void reserve(lk_bytes *b, int64_t need) {
	if (need <= b->cap) {
		return;
	}
	while (b->cap < need) {
		b->cap *= 2;
	}
	b->data = must(realloc(b->data, b->cap));
}

static void append(lk_bytes *b, int32_t row, const void *p, size_t len) {
	int64_t at = b->ends[row];
	b->null[row] = p == NULL;
	if (p) {
		reserve(b, at + len);
		memcpy(b->data + at, p, len);
	} else {
		b->nulls++;
		len = 0;
	}
	b->ends[row + 1] = at + len;
}

lk_batch *lk_batch_new(int32_t max_rows, int want_headers) {
	lk_batch *b = must(calloc(1, sizeof *b));
	b->max_rows = max_rows;
	b->want_headers = want_headers;
	bytes_init(&b->values, max_rows, 1 << 20);
	bytes_init(&b->keys, max_rows, 1 << 16);
	bytes_init(&b->headers, max_rows, 1 << 12);
	b->partitions = must(malloc(max_rows * sizeof *b->partitions));
	b->offsets = must(malloc(max_rows * sizeof *b->offsets));
	b->timestamps = must(malloc(max_rows * sizeof *b->timestamps));
	b->eof_partitions = must(malloc(max_rows * sizeof *b->eof_partitions));
	b->eof_offsets = must(malloc(max_rows * sizeof *b->eof_offsets));
	return b;
}

void lk_batch_free(lk_batch *b) {
	bytes_free(&b->values);
	bytes_free(&b->keys);
	bytes_free(&b->headers);
	free(b->partitions);
	free(b->offsets);
	free(b->timestamps);
	free(b->eof_partitions);
	free(b->eof_offsets);
	free(b);
}

static void put(lk_bytes *b, int64_t *at, const void *p, size_t len) {
	reserve(b, *at + len);
	memcpy(b->data + *at, p, len);
	*at += len;
}

static void append_headers(lk_bytes *b, int32_t row, const rd_kafka_message_t *m) {
	int64_t at = b->ends[row];
	rd_kafka_headers_t *hdrs = NULL;
	if (rd_kafka_message_headers(m, &hdrs) == 0) {
		const char *name;
		const void *value;
		size_t len;
		for (size_t i = 0; rd_kafka_header_get_all(hdrs, i, &name, &value, &len) == 0; i++) {
			int32_t lens[2] = {(int32_t)strlen(name), value ? (int32_t)len : -1};
			put(b, &at, lens, sizeof lens);
			put(b, &at, name, lens[0]);
			if (value) {
				put(b, &at, value, len);
			}
		}
	}
	b->ends[row + 1] = at;
}

// Takes one message into the batch, or returns 0 where the batch is full.
static int take(lk_client *c, lk_batch *b, const rd_kafka_message_t *m) {
	if (m->err == LK_ERR_PARTITION_EOF) {
		if (b->n_eof == b->max_rows) {
			return 0;
		}
		b->eof_partitions[b->n_eof] = m->partition;
		b->eof_offsets[b->n_eof++] = m->offset;
		return 1;
	}
	if (m->err) {
		lk_note(c, LK_EVENT_ERROR, m->err, m->partition, m->offset, m->payload ? m->payload : "", m->len);
		return 1;
	}
	int32_t row = b->n;
	// int32 ends hold 2 GiB; a record alone is at most 1 GiB (librdkafka's limit).
	if (row == b->max_rows || (int64_t)b->values.ends[row] + (int64_t)m->len > INT32_MAX ||
		(int64_t)b->keys.ends[row] + (int64_t)m->key_len > INT32_MAX) {
		return 0;
	}
	append(&b->values, row, m->payload, m->len);
	append(&b->keys, row, m->key, m->key_len);
	if (b->want_headers) {
		append_headers(&b->headers, row, m);
	}
	int type;
	int64_t ts = rd_kafka_message_timestamp(m, &type);
	b->partitions[row] = m->partition;
	b->offsets[row] = m->offset;
	b->timestamps[row] = ts;
	if (ts >= 0 && (b->oldest_timestamp < 0 || ts < b->oldest_timestamp)) {
		b->oldest_timestamp = ts;
	}
	b->n = row + 1;
	return 1;
}

// Refills pulled, blocking only for a first message; 0 where nothing is there.
// Asking librdkafka for many with a timeout would wait for all of them.
static int pull(lk_client *c, int timeout_ms) {
	ssize_t got = rd_kafka_consume_batch_queue(c->queue, timeout_ms, c->pulled, timeout_ms ? 1 : LK_PULL);
	c->pulled_from = 0;
	c->pulled_to = got > 0 ? (int32_t)got : 0;
	return c->pulled_to;
}

void lk_drain(lk_client *c, lk_batch *b, int timeout_ms, int64_t max_bytes) {
	b->n = b->n_eof = 0;
	b->values.nulls = b->keys.nulls = 0;
	b->oldest_timestamp = -1;
	for (;;) {
		if (c->pulled_from == c->pulled_to && !pull(c, 0)) {
			int idle = !b->n && !b->n_eof && !atomic_load(&c->has_events);
			if (!idle || !timeout_ms || !pull(c, timeout_ms)) {
				return;
			}
			timeout_ms = 0;
		}
		while (c->pulled_from < c->pulled_to) {
			rd_kafka_message_t *m = c->pulled[c->pulled_from];
			if ((int64_t)b->values.ends[b->n] + b->keys.ends[b->n] >= max_bytes || !take(c, b, m)) {
				return;
			}
			rd_kafka_message_destroy(m);
			c->pulled_from++;
		}
	}
}
