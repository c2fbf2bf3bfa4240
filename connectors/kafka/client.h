// One librdkafka client with the events that its callbacks left behind. No
// callback enters Go: they run on librdkafka's threads, and a Go call from there
// for every message would cost more than the message.
#ifndef LAMINAR_CLIENT_H
#define LAMINAR_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "rdkafka.h"

// Kept between two looks of Go; what comes on top of that is counted only.
#define LK_EVENTS 32
#define LK_TEXT 480

enum { LK_EVENT_LOG = 1, LK_EVENT_ERROR = 2, LK_EVENT_FATAL = 3, LK_EVENT_COMMIT = 4 };

typedef struct {
	int32_t kind;
	int32_t code; // librdkafka's error code, the syslog level for a log line
	int32_t partition; // -1 where it is not about one
	int64_t offset;
	char text[LK_TEXT];
} lk_event;

// Messages taken from librdkafka's queue in one go: enough to amortise its lock.
#define LK_PULL 1024

typedef struct {
	rd_kafka_t *rk;
	rd_kafka_queue_t *queue; // consumers only
	rd_kafka_topic_t *rkt; // producers only
	char *topic;

	pthread_mutex_t mu; // guards the events
	lk_event events[LK_EVENTS];
	int32_t n_events;
	int64_t lost_events;
	atomic_int has_events;

	// Pulled but not yet in a batch; touched by the polling goroutine only.
	rd_kafka_message_t *pulled[LK_PULL];
	int32_t pulled_from, pulled_to;

	// Producers: the delivery reports, served on the goroutine that polls.
	int64_t sent, acked, failed;
	int32_t fail_code;
} lk_client;

rd_kafka_conf_t *lk_conf(void);
lk_client *lk_client_new(int type, rd_kafka_conf_t *conf, const char *topic, char *err, size_t errlen);
void lk_client_destroy(lk_client *);
int lk_has_events(lk_client *);
int lk_take_events(lk_client *, lk_event *out, int64_t *lost);
void lk_serve(lk_client *);
void lk_yield(lk_client *);
int lk_partitions(lk_client *, int timeout_ms, int32_t *count);
int lk_offsets(lk_client *, const int32_t *parts, int64_t *times_in_offsets_out, int32_t n, int timeout_ms,
	int32_t *bad_part);
int64_t lk_cached_high(lk_client *, int32_t partition);
int lk_assign(lk_client *, const int32_t *parts, const int64_t *offsets, int32_t n, int incremental, char *err,
	size_t errlen);
int lk_commit(lk_client *, const int32_t *parts, const int64_t *offsets, int32_t n);
void lk_note(lk_client *, int kind, int code, int32_t partition, int64_t offset, const char *text, size_t len);

#endif
