#include "identity.h"

#include <string.h>

static int take(rd_kafka_event_t *ev, char *id, size_t len, int32_t *partitions) {
	int err = rd_kafka_event_error(ev);
	if (err) {
		return err;
	}
	size_t n = 0;
	const void **topics = rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(ev), &n);
	if (n != 1) {
		return LK_ERR_UNKNOWN_TOPIC;
	}
	const void *e = rd_kafka_TopicDescription_error(topics[0]);
	if (e && rd_kafka_error_code(e)) {
		return rd_kafka_error_code(e);
	}
	const char *text = rd_kafka_Uuid_base64str(rd_kafka_TopicDescription_topic_id(topics[0]));
	strncpy(id, text ? text : "", len - 1);
	id[len - 1] = 0;
	rd_kafka_TopicDescription_partitions(topics[0], &n);
	*partitions = (int32_t)n;
	return 0;
}

int lk_describe(lk_client *c, int timeout_ms, char *id, size_t len, int32_t *partitions) {
	char why[LK_TEXT];
	const char *name = c->topic;
	rd_kafka_queue_t *queue = rd_kafka_queue_new(c->rk);
	void *topics = rd_kafka_TopicCollection_of_topic_names(&name, 1);
	void *options = rd_kafka_AdminOptions_new(c->rk, LK_ADMIN_ANY);
	int err = rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, why, sizeof why);
	if (!err) {
		rd_kafka_DescribeTopics(c->rk, topics, options, queue);
		// The answer comes at the timeout at the latest: an error of its own.
		rd_kafka_event_t *ev = rd_kafka_queue_poll(queue, timeout_ms + 1000);
		err = ev ? take(ev, id, len, partitions) : LK_ERR_TIMED_OUT;
		if (ev) {
			rd_kafka_event_destroy(ev);
		}
	}
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_TopicCollection_destroy(topics);
	rd_kafka_queue_destroy(queue);
	return err;
}
