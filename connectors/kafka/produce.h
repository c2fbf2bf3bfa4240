// Producing a batch of messages with one call.
#ifndef LAMINAR_PRODUCE_H
#define LAMINAR_PRODUCE_H

#include "client.h"

enum { LK_SKIP = 0, LK_VALUE = 1, LK_TOMBSTONE = 2, LK_KIND = 3, LK_NULL_KEY = 4 };

// Hands records [from, n) to librdkafka, which copies them, and returns how far
// it came: n, or less where its queue stayed full for timeout_ms, or where *err
// is set by record [result]. keys may be NULL. modes has one byte a record.
int32_t lk_produce(lk_client *, const char *values, const int32_t *value_ends, const char *keys,
	const int32_t *key_ends, const uint8_t *modes, int32_t from, int32_t n, int timeout_ms, int32_t *err);
// Waits at most timeout_ms for the outstanding acknowledgements; 0 when all came.
int lk_flush(lk_client *, int timeout_ms);

#endif
