#include "produce.h"

int32_t lk_produce(lk_client *c, const char *values, const int32_t *value_ends, const char *keys,
	const int32_t *key_ends, const uint8_t *modes, int32_t from, int32_t n, int timeout_ms, int32_t *err) {
	*err = 0;
	rd_kafka_poll(c->rk, 0);
	for (int32_t i = from; i < n; i++) {
		if ((modes[i] & LK_KIND) == LK_SKIP) {
			continue;
		}
		const char *value = NULL, *key = NULL;
		size_t len = 0, key_len = 0;
		if ((modes[i] & LK_KIND) == LK_VALUE) {
			value = values + value_ends[i];
			len = value_ends[i + 1] - value_ends[i];
		}
		if (keys && !(modes[i] & LK_NULL_KEY)) {
			key = keys + key_ends[i];
			key_len = key_ends[i + 1] - key_ends[i];
		}
		// A NULL opaque: delivery reports are only counted.
		if (rd_kafka_produce(c->rkt, LK_PARTITION_ANY, LK_MSG_COPY, (void *)value, len, key, key_len, NULL) == 0) {
			c->sent++;
			continue;
		}
		int e = rd_kafka_last_error();
		if (e != LK_ERR_QUEUE_FULL) {
			*err = e;
			return i;
		}
		if (timeout_ms <= 0) {
			return i;
		}
		rd_kafka_poll(c->rk, 10); // serves the reports that make room
		timeout_ms -= 10;
		i--;
	}
	return n;
}

int lk_flush(lk_client *c, int timeout_ms) {
	return rd_kafka_flush(c->rk, timeout_ms);
}
