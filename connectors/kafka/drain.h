// A batch of consumed messages in Arrow's shape: values end to end with int32
// ends, and one flat array for each other property.
#ifndef LAMINAR_DRAIN_H
#define LAMINAR_DRAIN_H

#include "client.h"

typedef struct {
	char *data;
	int32_t *ends; // n + 1
	uint8_t *null; // n
	int64_t cap;
	int32_t nulls;
} lk_bytes;

typedef struct {
	int32_t max_rows;
	int32_t want_headers;
	int32_t n;
	lk_bytes values, keys;
	// Headers of one record: for each a name length, value length (-1: null),
	// both int32 in the machine's order, name, value.
	lk_bytes headers;
	int32_t *partitions;
	int64_t *offsets;
	int64_t *timestamps; // ms, -1 unknown
	int64_t oldest_timestamp; // ms, -1 unknown
	int32_t n_eof;
	int32_t *eof_partitions;
	int64_t *eof_offsets;
} lk_batch;

lk_batch *lk_batch_new(int32_t max_rows, int want_headers);
void lk_batch_free(lk_batch *);
// Waits at most timeout_ms for the first message, end of partition or event,
// and takes whatever is there then, to max_rows records or max_bytes.
void lk_drain(lk_client *, lk_batch *, int timeout_ms, int64_t max_bytes);

#endif
