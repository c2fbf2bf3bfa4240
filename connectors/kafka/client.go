package kafka

/*
#cgo CFLAGS: -std=gnu11 -O2
#cgo LDFLAGS: -Wl,--unresolved-symbols=ignore-all
#include <stdlib.h>
#include "client.h"
*/
import "C"

import (
	"fmt"
	"sort"
	"time"
	"unsafe"

	// confluent-kafka-go carries the static librdkafka whose symbols rdkafka.h
	// declares: cgo links this package alone first, where they are unresolved,
	// and the whole program with that library at the end.
	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// role says which kind of librdkafka client is made.
type role C.int

const (
	producer role = C.LK_PRODUCER
	consumer role = C.LK_CONSUMER
)

// The logical offsets that a lookup understands, as in the ListOffsets request.
const (
	offsetEnd       int64 = -1
	offsetBeginning int64 = -2
)

// errorText holds librdkafka's explanation of one failure.
const errorText = 512

// property is one librdkafka setting.
type property struct{ name, value string }

// propertyError is a setting that librdkafka refused.
type propertyError struct{ name, reason string }

func (e *propertyError) Error() string { return fmt.Sprintf("property %s: %s", e.name, e.reason) }

// event is what a librdkafka callback or an error message of a partition said.
type event struct {
	kind      int
	code      ckafka.ErrorCode // of a log line, its syslog level
	partition int32            // -1 where the event is not about one
	offset    int64
	text      string
}

const (
	eventLog    = C.LK_EVENT_LOG
	eventError  = C.LK_EVENT_ERROR
	eventFatal  = C.LK_EVENT_FATAL
	eventCommit = C.LK_EVENT_COMMIT
)

// client is one librdkafka instance for one topic. Its calls may come from
// several goroutines, drain and produce from one at a time; nothing may be called
// after close.
type client struct{ c *C.lk_client }

func newClient(as role, properties []property, topic string) (*client, error) {
	conf := C.lk_conf()
	var reason [errorText]C.char
	for _, p := range properties {
		name, value := C.CString(p.name), C.CString(p.value)
		rc := C.rd_kafka_conf_set(conf, name, value, &reason[0], errorText)
		C.free(unsafe.Pointer(name))
		C.free(unsafe.Pointer(value))
		if rc != C.LK_CONF_OK {
			C.rd_kafka_conf_destroy(conf)
			return nil, &propertyError{p.name, C.GoString(&reason[0])}
		}
	}
	t := C.CString(topic)
	defer C.free(unsafe.Pointer(t))
	c := C.lk_client_new(C.int(as), conf, t, &reason[0], errorText)
	if c == nil {
		return nil, fmt.Errorf("%s", C.GoString(&reason[0]))
	}
	return &client{c}, nil
}

// close blocks until librdkafka's threads have ended. Unsent messages are gone.
func (c *client) close() { C.lk_client_destroy(c.c) }

// events returns what happened since the last call, and how many more events
// there were than were kept.
func (c *client) events() (events []event, lost int64) {
	if C.lk_has_events(c.c) == 0 {
		return nil, 0
	}
	var raw [C.LK_EVENTS]C.lk_event
	var dropped C.int64_t
	n := int(C.lk_take_events(c.c, &raw[0], &dropped))
	for i := range raw[:n] {
		e := &raw[i]
		events = append(events, event{
			kind: int(e.kind), code: ckafka.ErrorCode(e.code), partition: int32(e.partition),
			offset: int64(e.offset), text: C.GoString(&e.text[0]),
		})
	}
	return events, int64(dropped)
}

// serve lets librdkafka run its callbacks and drops any message.
func (c *client) serve() { C.lk_serve(c.c) }

// yield makes a drain that waits in another goroutine, or the next one, return.
func (c *client) yield() { C.lk_yield(c.c) }

// partitions asks the brokers for the topic's number of partitions.
func (c *client) partitions(timeout time.Duration) (int32, error) {
	var n C.int32_t
	if rc := C.lk_partitions(c.c, millis(timeout), &n); rc != 0 {
		return 0, codeError(rc)
	}
	return int32(n), nil
}

// offsets looks up, for each partition, the first offset at or after the time in
// ms, offsetBeginning or offsetEnd; offsetEnd is also the answer where there is none.
func (c *client) offsets(parts []int32, at int64, timeout time.Duration) ([]int64, error) {
	out := make([]int64, len(parts))
	for i := range out {
		out[i] = at
	}
	if len(parts) == 0 {
		return out, nil
	}
	var bad C.int32_t
	rc := C.lk_offsets(c.c, int32s(parts), int64s(out), C.int32_t(len(parts)), millis(timeout), &bad)
	if rc != 0 && bad >= 0 {
		return nil, fmt.Errorf("partition %d: %w", bad, codeError(rc))
	}
	if rc != 0 {
		return nil, codeError(rc)
	}
	return out, nil
}

// cachedHigh returns the high watermark of the last fetch response, negative
// while there was none. It does not block.
func (c *client) cachedHigh(partition int32) int64 {
	return int64(C.lk_cached_high(c.c, C.int32_t(partition)))
}

// assign starts reading the partitions at the positions, in addition to those
// assigned before.
func (c *client) assign(at map[int32]int64, first bool) error {
	if len(at) == 0 {
		return nil
	}
	parts, offsets := flatten(at)
	var reason [errorText]C.char
	incremental := C.int(1)
	if first {
		incremental = 0
	}
	if C.lk_assign(c.c, int32s(parts), int64s(offsets), C.int32_t(len(parts)), incremental, &reason[0], errorText) != 0 {
		return fmt.Errorf("%s", C.GoString(&reason[0]))
	}
	return nil
}

// commit starts to commit the positions to the group and does not wait.
func (c *client) commit(at map[int32]int64) error {
	if len(at) == 0 {
		return nil
	}
	parts, offsets := flatten(at)
	if rc := C.lk_commit(c.c, int32s(parts), int64s(offsets), C.int32_t(len(parts))); rc != 0 {
		return codeError(rc)
	}
	return nil
}

func flatten(at map[int32]int64) (parts []int32, offsets []int64) {
	for p := range at {
		parts = append(parts, p)
	}
	sort.Slice(parts, func(i, j int) bool { return parts[i] < parts[j] })
	for _, p := range parts {
		offsets = append(offsets, at[p])
	}
	return parts, offsets
}

func codeError(rc C.int) error { return ckafka.NewError(ckafka.ErrorCode(rc), "", false) }

func millis(d time.Duration) C.int { return C.int(d.Milliseconds()) }

func int32s(s []int32) *C.int32_t { return (*C.int32_t)(unsafe.Pointer(unsafe.SliceData(s))) }

func int64s(s []int64) *C.int64_t { return (*C.int64_t)(unsafe.Pointer(unsafe.SliceData(s))) }
