#include "txn.h"

#include <string.h>

void lk_txn(lk_client *c, int step, int timeout_ms, lk_failure *out) {
	void *e = NULL;
	switch (step) {
	case LK_TXN_INIT:
		e = rd_kafka_init_transactions(c->rk, timeout_ms);
		break;
	case LK_TXN_BEGIN:
		e = rd_kafka_begin_transaction(c->rk);
		break;
	case LK_TXN_COMMIT:
		e = rd_kafka_commit_transaction(c->rk, timeout_ms);
		break;
	case LK_TXN_ABORT:
		e = rd_kafka_abort_transaction(c->rk, timeout_ms);
		break;
	}
	memset(out, 0, sizeof *out);
	if (!e) {
		return;
	}
	out->code = rd_kafka_error_code(e);
	out->retriable = rd_kafka_error_is_retriable(e);
	strncpy(out->text, rd_kafka_error_string(e), LK_TEXT - 1);
	rd_kafka_error_destroy(e);
}

int lk_produce_to(lk_client *c, const char *topic, int32_t partition, const char *key, size_t key_len,
	const char *value, size_t len) {
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(c->rk, topic, NULL);
	if (!rkt) {
		return rd_kafka_last_error();
	}
	int err = 0;
	if (rd_kafka_produce(rkt, partition, LK_MSG_COPY, (void *)value, len, key, key_len, NULL) == 0) {
		c->sent++;
	} else {
		err = rd_kafka_last_error();
	}
	rd_kafka_topic_destroy(rkt); // messages hold the topic until they are delivered
	return err;
}
