// The part of librdkafka's public C API that this package calls, declared here
// because cgo cannot reach the header inside confluent-kafka-go's module. The
// library keeps this ABI stable across its 2.x releases.
#ifndef LAMINAR_RDKAFKA_H
#define LAMINAR_RDKAFKA_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_headers_s rd_kafka_headers_t;
typedef int rd_kafka_resp_err_t;

enum { LK_PRODUCER = 0, LK_CONSUMER = 1 };
enum { LK_CONF_UNKNOWN = -2, LK_CONF_INVALID = -1, LK_CONF_OK = 0 };
enum {
	LK_ERR_PARTITION_EOF = -191,
	LK_ERR_TIMED_OUT = -185,
	LK_ERR_UNKNOWN_TOPIC = -188,
	LK_ERR_QUEUE_FULL = -184,
	LK_ERR_FATAL = -150,
	LK_ERR_NO_OFFSET = -168,
};
enum { LK_PARTITION_ANY = -1, LK_MSG_COPY = 2 };
enum { LK_V_END = 0, LK_V_RKT = 2, LK_V_VALUE = 4, LK_V_KEY = 5, LK_V_MSGFLAGS = 7, LK_V_HEADERS = 10 };
enum { LK_ADMIN_ANY = 0 };
enum { LK_PURGE_ALL = 3, LK_DESTROY_NO_CLOSE = 8 };

typedef struct {
	rd_kafka_resp_err_t err;
	rd_kafka_topic_t *rkt;
	int32_t partition;
	void *payload; // the error's text where err is set
	size_t len;
	void *key;
	size_t key_len;
	int64_t offset;
	void *private_;
} rd_kafka_message_t;

typedef struct {
	char *topic;
	int32_t partition;
	int64_t offset;
	void *metadata;
	size_t metadata_size;
	void *opaque;
	rd_kafka_resp_err_t err;
	void *private_;
} rd_kafka_topic_partition_t;

typedef struct {
	int cnt;
	int size;
	rd_kafka_topic_partition_t *elems;
} rd_kafka_topic_partition_list_t;

struct rd_kafka_metadata_partition {
	int32_t id;
	rd_kafka_resp_err_t err;
	int32_t leader;
	int replica_cnt;
	int32_t *replicas;
	int isr_cnt;
	int32_t *isrs;
};

struct rd_kafka_metadata_topic {
	char *topic;
	int partition_cnt;
	struct rd_kafka_metadata_partition *partitions;
	rd_kafka_resp_err_t err;
};

struct rd_kafka_metadata {
	int broker_cnt;
	void *brokers;
	int topic_cnt;
	struct rd_kafka_metadata_topic *topics;
	int32_t orig_broker_id;
	char *orig_broker_name;
};

rd_kafka_conf_t *rd_kafka_conf_new(void);
void rd_kafka_conf_destroy(rd_kafka_conf_t *);
int rd_kafka_conf_set(rd_kafka_conf_t *, const char *, const char *, char *, size_t);
void rd_kafka_conf_set_opaque(rd_kafka_conf_t *, void *);
void rd_kafka_conf_set_log_cb(rd_kafka_conf_t *, void (*)(const rd_kafka_t *, int, const char *, const char *));
void rd_kafka_conf_set_error_cb(rd_kafka_conf_t *, void (*)(rd_kafka_t *, int, const char *, void *));
void rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *, void (*)(rd_kafka_t *, const rd_kafka_message_t *, void *));
void rd_kafka_conf_set_offset_commit_cb(rd_kafka_conf_t *, void (*)(rd_kafka_t *, rd_kafka_resp_err_t,
	rd_kafka_topic_partition_list_t *, void *));

rd_kafka_t *rd_kafka_new(int, rd_kafka_conf_t *, char *, size_t);
void *rd_kafka_opaque(const rd_kafka_t *);
int rd_kafka_poll(rd_kafka_t *, int);
void rd_kafka_destroy_flags(rd_kafka_t *, int);
rd_kafka_resp_err_t rd_kafka_fatal_error(rd_kafka_t *, char *, size_t);
rd_kafka_resp_err_t rd_kafka_last_error(void);
const char *rd_kafka_err2str(rd_kafka_resp_err_t);

rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *, const char *, void *);
void rd_kafka_topic_destroy(rd_kafka_topic_t *);
rd_kafka_resp_err_t rd_kafka_metadata(rd_kafka_t *, int, rd_kafka_topic_t *, const struct rd_kafka_metadata **, int);
void rd_kafka_metadata_destroy(const struct rd_kafka_metadata *);

rd_kafka_topic_partition_list_t *rd_kafka_topic_partition_list_new(int);
void rd_kafka_topic_partition_list_destroy(rd_kafka_topic_partition_list_t *);
rd_kafka_topic_partition_t *rd_kafka_topic_partition_list_add(rd_kafka_topic_partition_list_t *, const char *, int32_t);

rd_kafka_resp_err_t rd_kafka_poll_set_consumer(rd_kafka_t *);
rd_kafka_queue_t *rd_kafka_queue_get_consumer(rd_kafka_t *);
void rd_kafka_queue_destroy(rd_kafka_queue_t *);
void rd_kafka_queue_yield(rd_kafka_queue_t *);
rd_kafka_resp_err_t rd_kafka_assign(rd_kafka_t *, const rd_kafka_topic_partition_list_t *);
void *rd_kafka_incremental_assign(rd_kafka_t *, const rd_kafka_topic_partition_list_t *);
const char *rd_kafka_error_string(const void *);
void rd_kafka_error_destroy(void *);
rd_kafka_resp_err_t rd_kafka_error_code(const void *);
int rd_kafka_error_is_retriable(const void *);
ssize_t rd_kafka_consume_batch_queue(rd_kafka_queue_t *, int, rd_kafka_message_t **, size_t);
void rd_kafka_message_destroy(rd_kafka_message_t *);
int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *, int *);
rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *, rd_kafka_headers_t **);
rd_kafka_resp_err_t rd_kafka_header_get_all(const rd_kafka_headers_t *, size_t, const char **, const void **, size_t *);
rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t *, rd_kafka_topic_partition_list_t *, int);
rd_kafka_resp_err_t rd_kafka_get_watermark_offsets(rd_kafka_t *, const char *, int32_t, int64_t *, int64_t *);
rd_kafka_resp_err_t rd_kafka_commit(rd_kafka_t *, const rd_kafka_topic_partition_list_t *, int);

int rd_kafka_produce(rd_kafka_topic_t *, int32_t, int, void *, size_t, const void *, size_t, void *);
rd_kafka_resp_err_t rd_kafka_flush(rd_kafka_t *, int);
rd_kafka_resp_err_t rd_kafka_purge(rd_kafka_t *, int);
rd_kafka_headers_t *rd_kafka_headers_new(size_t);
void rd_kafka_headers_destroy(rd_kafka_headers_t *);
rd_kafka_resp_err_t rd_kafka_header_add(rd_kafka_headers_t *, const char *, ssize_t, const void *, ssize_t);
// Takes pairs of LK_V_ and what belongs to it, and LK_V_END.
rd_kafka_resp_err_t rd_kafka_producev(rd_kafka_t *, ...);

void *rd_kafka_init_transactions(rd_kafka_t *, int);
void *rd_kafka_begin_transaction(rd_kafka_t *);
void *rd_kafka_commit_transaction(rd_kafka_t *, int);
void *rd_kafka_abort_transaction(rd_kafka_t *, int);

typedef struct rd_kafka_event_s rd_kafka_event_t;
rd_kafka_queue_t *rd_kafka_queue_new(rd_kafka_t *);
rd_kafka_event_t *rd_kafka_queue_poll(rd_kafka_queue_t *, int);
rd_kafka_resp_err_t rd_kafka_event_error(rd_kafka_event_t *);
void rd_kafka_event_destroy(rd_kafka_event_t *);
void *rd_kafka_AdminOptions_new(rd_kafka_t *, int);
void rd_kafka_AdminOptions_destroy(void *);
rd_kafka_resp_err_t rd_kafka_AdminOptions_set_request_timeout(void *, int, char *, size_t);
void *rd_kafka_TopicCollection_of_topic_names(const char **, size_t);
void rd_kafka_TopicCollection_destroy(void *);
void rd_kafka_DescribeTopics(rd_kafka_t *, const void *, const void *, rd_kafka_queue_t *);
const void *rd_kafka_event_DescribeTopics_result(rd_kafka_event_t *);
const void **rd_kafka_DescribeTopics_result_topics(const void *, size_t *);
const void *rd_kafka_TopicDescription_error(const void *);
const void *rd_kafka_TopicDescription_topic_id(const void *);
const void **rd_kafka_TopicDescription_partitions(const void *, size_t *);
const char *rd_kafka_Uuid_base64str(const void *);

#endif
