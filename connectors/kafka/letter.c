#include "letter.h"

#include <string.h>

int lk_letter(lk_client *c, const char *headers, int32_t n_headers, const char *key, size_t key_len, const char *value,
	size_t len) {
	rd_kafka_headers_t *list = rd_kafka_headers_new(n_headers);
	for (int32_t i = 0; i < n_headers; i++) {
		const char *name = headers;
		const char *text = name + strlen(name) + 1;
		rd_kafka_header_add(list, name, -1, text, strlen(text));
		headers = text + strlen(text) + 1;
	}
	int err = rd_kafka_producev(c->rk, LK_V_RKT, c->rkt, LK_V_MSGFLAGS, (int)LK_MSG_COPY, LK_V_VALUE, (void *)value, len,
		LK_V_KEY, (void *)key, key_len, LK_V_HEADERS, list, LK_V_END);
	if (err) {
		rd_kafka_headers_destroy(list);
	} else {
		c->sent++;
	}
	return err;
}
