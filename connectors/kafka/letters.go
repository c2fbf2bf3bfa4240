package kafka

/*
#include "letter.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unsafe"

	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"laminardb/connectors/format"
)

// letterWait bounds how long one poll waits for the dead letter topic.
const letterWait = time.Second

// largestLetter is librdkafka's limit of a message: the brokers' is the one that
// counts.
const largestLetter = "1000000000"

// letters sends a reader's rejected records to another topic, with the headers
// laminardb.topic, .partition, .offset and .reason. The reader does not get past a
// record that is not acknowledged there, so that none is lost; after a restart, and
// for each further reader, some or all are sent again. A nil one does nothing.
type letters struct {
	src    *source
	topic  string
	client *client
	health health
	queued int // rejects of the batch that are handed over
}

// newLetters returns nil where the source has no dead letter topic.
func (s *source) newLetters() (*letters, error) {
	if s.deadLetters == "" {
		return nil, nil
	}
	c, err := newClient(producer, append(producerProperties(s.brokers, partitioners[0], s.user),
		property{"message.max.bytes", largestLetter}), s.deadLetters)
	if err != nil {
		return nil, settingsError(s.rel.Options, err)
	}
	return &letters{src: s, topic: s.deadLetters, client: c, health: health{logger: s.logger, now: s.now}}, nil
}

// checkLetters asks whether the dead letter topic is there.
func (s *source) checkLetters(ctx context.Context) error {
	o := s.rel.Options
	policy := strings.ToLower(o.String("on_error", "dead_letter"))
	switch {
	case s.deadLetters == "":
		return nil
	case policy != "dead_letter":
		return o.Invalid("dead_letter_topic", "needs on_error = 'dead_letter'")
	case s.deadLetters == s.topic:
		return o.Invalid("dead_letter_topic", "must be another topic than the source's")
	}
	c, err := newClient(consumer, s.properties, s.deadLetters)
	if err != nil {
		return settingsError(o, err)
	}
	defer c.close()
	_, err = countPartitions(ctx, c, s.brokers, s.deadLetters)
	return err
}

// post sends the rejects of a batch and returns when they are acknowledged, or with
// an error: it is called again for the same batch then.
func (l *letters) post(ctx context.Context, b *drained, rejects []format.Reject) error {
	if l == nil || len(rejects) == 0 {
		return nil
	}
	for ; l.queued < len(rejects); l.queued++ {
		err := l.send(b, rejects[l.queued])
		var full ckafka.Error
		if errors.As(err, &full) && full.Code() == ckafka.ErrQueueFull {
			break // flush makes room
		}
		if err != nil {
			return fmt.Errorf("topic %q refused a rejected record: %w", l.topic, err)
		}
	}
	for left := letterWait; !l.client.flush(sendWait); left -= sendWait {
		if err := l.observe(); err != nil {
			return err
		}
		if ctx.Err() != nil || left <= 0 {
			return fmt.Errorf("topic %q does not take rejected records: %s", l.topic, l.health.text())
		}
	}
	if n, reason := l.client.failures(); n > 0 {
		l.queued = 0 // which ones is not known
		return fmt.Errorf("topic %q did not take %d rejected records: %s", l.topic, n, reason)
	}
	if l.queued < len(rejects) {
		return fmt.Errorf("topic %q takes rejected records slowly", l.topic)
	}
	l.queued = 0
	l.health.clear()
	return l.observe()
}

func (l *letters) observe() error {
	if e := l.health.observe(l.client, l.topic, func(int32) int64 { return -1 }); e != nil {
		return e
	}
	return nil
}

func (l *letters) send(b *drained, r format.Reject) error {
	headers := []string{
		"laminardb.topic", l.src.topic,
		"laminardb.partition", strconv.Itoa(int(b.partitions[r.Record])),
		"laminardb.offset", strconv.FormatInt(b.offsets[r.Record], 10),
		"laminardb.reason", strings.ReplaceAll(r.Reason, "\x00", ""),
	}
	text := []byte(strings.Join(headers, "\x00") + "\x00")
	key, keyLen := bytesOrNull(b.records.Key(r.Record))
	value, valueLen := bytesOrNull(b.records.Value(r.Record))
	if rc := C.lk_letter(l.client.c, chars(text), C.int32_t(len(headers)/2), key, keyLen, value, valueLen); rc != 0 {
		return codeError(rc)
	}
	return nil
}

// bytesOrNull points at bytes that may be in C memory; nil stays NULL.
func bytesOrNull(b []byte) (*C.char, C.size_t) {
	if b == nil {
		return nil, 0
	}
	if len(b) == 0 {
		return chars(b), 0
	}
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(b))), C.size_t(len(b))
}

func (l *letters) close() {
	if l != nil {
		l.client.close()
	}
}
