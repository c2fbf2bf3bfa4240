#include "client.h"

#include <stdlib.h>
#include <string.h>

void lk_note(lk_client *c, int kind, int code, int32_t partition, int64_t offset, const char *text, size_t len) {
	pthread_mutex_lock(&c->mu);
	if (c->n_events == LK_EVENTS) {
		c->lost_events++;
	} else {
		lk_event *e = &c->events[c->n_events++];
		e->kind = kind;
		e->code = code;
		e->partition = partition;
		e->offset = offset;
		if (len >= LK_TEXT) {
			len = LK_TEXT - 1;
		}
		memcpy(e->text, text, len);
		e->text[len] = 0;
	}
	pthread_mutex_unlock(&c->mu);
	atomic_store(&c->has_events, 1);
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
	(void)facility;
	lk_client *c = rk ? rd_kafka_opaque(rk) : NULL;
	if (c) {
		lk_note(c, LK_EVENT_LOG, level, -1, 0, text, strlen(text));
	}
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque) {
	if (err != LK_ERR_FATAL) {
		lk_note(opaque, LK_EVENT_ERROR, err, -1, 0, reason, strlen(reason));
		return;
	}
	char why[LK_TEXT];
	err = rd_kafka_fatal_error(rk, why, sizeof why);
	lk_note(opaque, LK_EVENT_FATAL, err, -1, 0, why, strlen(why));
}

static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *l, void *opaque) {
	(void)rk;
	for (int i = 0; !err && l && i < l->cnt; i++) {
		err = l->elems[i].err;
	}
	if (err && err != LK_ERR_NO_OFFSET) {
		const char *text = rd_kafka_err2str(err);
		lk_note(opaque, LK_EVENT_COMMIT, err, -1, 0, text, strlen(text));
	}
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
	(void)rk;
	lk_client *c = opaque;
	if (!m->err) {
		c->acked++;
		return;
	}
	if (c->failed++ == 0) {
		c->fail_code = m->err;
	}
}

rd_kafka_conf_t *lk_conf(void) {
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_error_cb(conf, on_error);
	return conf;
}

lk_client *lk_client_new(int type, rd_kafka_conf_t *conf, const char *topic, char *err, size_t errlen) {
	lk_client *c = calloc(1, sizeof *c);
	if (!c) {
		abort();
	}
	pthread_mutex_init(&c->mu, NULL);
	c->topic = strdup(topic);
	rd_kafka_conf_set_opaque(conf, c);
	if (type == LK_PRODUCER) {
		rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	} else {
		rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
	}
	c->rk = rd_kafka_new(type, conf, err, errlen);
	if (!c->rk) {
		rd_kafka_conf_destroy(conf);
		lk_client_destroy(c);
		return NULL;
	}
	if (type == LK_PRODUCER) {
		c->rkt = rd_kafka_topic_new(c->rk, topic, NULL);
	} else {
		rd_kafka_poll_set_consumer(c->rk);
		c->queue = rd_kafka_queue_get_consumer(c->rk);
	}
	return c;
}

// Everything that librdkafka lent must be back before its destroy, which waits
// for it.
void lk_client_destroy(lk_client *c) {
	while (c->pulled_from < c->pulled_to) {
		rd_kafka_message_destroy(c->pulled[c->pulled_from++]);
	}
	if (c->queue) {
		rd_kafka_queue_destroy(c->queue);
	}
	if (c->rkt) {
		rd_kafka_purge(c->rk, LK_PURGE_ALL);
		rd_kafka_topic_destroy(c->rkt);
	}
	if (c->rk) {
		rd_kafka_destroy_flags(c->rk, LK_DESTROY_NO_CLOSE);
	}
	pthread_mutex_destroy(&c->mu);
	free(c->topic);
	free(c);
}

int lk_has_events(lk_client *c) {
	return atomic_load(&c->has_events);
}

int lk_take_events(lk_client *c, lk_event *out, int64_t *lost) {
	if (!atomic_exchange(&c->has_events, 0)) {
		return 0;
	}
	pthread_mutex_lock(&c->mu);
	int n = c->n_events;
	memcpy(out, c->events, n * sizeof *out);
	*lost = c->lost_events;
	c->n_events = 0;
	c->lost_events = 0;
	pthread_mutex_unlock(&c->mu);
	return n;
}

// Serves the callbacks of a client that consumes nothing.
void lk_serve(lk_client *c) {
	if (!c->queue) {
		rd_kafka_poll(c->rk, 0);
		return;
	}
	rd_kafka_message_t *m;
	while (rd_kafka_consume_batch_queue(c->queue, 0, &m, 1) == 1) {
		rd_kafka_message_destroy(m);
	}
}

void lk_yield(lk_client *c) {
	rd_kafka_queue_yield(c->queue);
}

int lk_partitions(lk_client *c, int timeout_ms, int32_t *count) {
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(c->rk, c->topic, NULL);
	if (!rkt) {
		return rd_kafka_last_error();
	}
	const struct rd_kafka_metadata *md = NULL;
	int err = rd_kafka_metadata(c->rk, 0, rkt, &md, timeout_ms);
	if (!err) {
		*count = 0;
		for (int i = 0; i < md->topic_cnt; i++) {
			err = md->topics[i].err;
			*count = md->topics[i].partition_cnt;
		}
		rd_kafka_metadata_destroy(md);
	}
	rd_kafka_topic_destroy(rkt);
	return err;
}

static rd_kafka_topic_partition_list_t *list(lk_client *c, const int32_t *parts, const int64_t *offsets, int32_t n) {
	rd_kafka_topic_partition_list_t *l = rd_kafka_topic_partition_list_new(n);
	for (int32_t i = 0; i < n; i++) {
		rd_kafka_topic_partition_list_add(l, c->topic, parts[i])->offset = offsets[i];
	}
	return l;
}

// Looks the offsets of timestamps up; -2 is the beginning and -1 the end, as in
// the ListOffsets request.
int lk_offsets(lk_client *c, const int32_t *parts, int64_t *io, int32_t n, int timeout_ms, int32_t *bad_part) {
	rd_kafka_topic_partition_list_t *l = list(c, parts, io, n);
	int err = rd_kafka_offsets_for_times(c->rk, l, timeout_ms);
	*bad_part = -1;
	for (int i = 0; !err && i < n; i++) {
		err = l->elems[i].err;
		*bad_part = err ? l->elems[i].partition : -1;
		io[i] = l->elems[i].offset;
	}
	rd_kafka_topic_partition_list_destroy(l);
	return err;
}

int64_t lk_cached_high(lk_client *c, int32_t partition) {
	int64_t low, high;
	return rd_kafka_get_watermark_offsets(c->rk, c->topic, partition, &low, &high) ? -1 : high;
}

int lk_assign(lk_client *c, const int32_t *parts, const int64_t *offsets, int32_t n, int incremental, char *err,
	size_t errlen) {
	rd_kafka_topic_partition_list_t *l = list(c, parts, offsets, n);
	int failed = 0;
	const char *why = "";
	void *e = NULL;
	if (incremental) {
		e = rd_kafka_incremental_assign(c->rk, l);
		failed = e != NULL;
		why = e ? rd_kafka_error_string(e) : "";
	} else {
		failed = rd_kafka_assign(c->rk, l);
		why = rd_kafka_err2str(failed);
	}
	strncpy(err, why, errlen - 1);
	err[errlen - 1] = 0;
	if (e) {
		rd_kafka_error_destroy(e);
	}
	rd_kafka_topic_partition_list_destroy(l);
	return failed;
}

int lk_commit(lk_client *c, const int32_t *parts, const int64_t *offsets, int32_t n) {
	rd_kafka_topic_partition_list_t *l = list(c, parts, offsets, n);
	int err = rd_kafka_commit(c->rk, l, 1);
	rd_kafka_topic_partition_list_destroy(l);
	return err;
}
