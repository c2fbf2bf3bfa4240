package kafka

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// encodeRows is how many rows are encoded before they are handed over: it bounds
// the buffer, whose ends are int32, at 2 MiB for each row.
const encodeRows = 1024

// sendWait bounds one wait for room in librdkafka's send queue, after which the
// context is looked at.
const sendWait = 100 * time.Millisecond

// lookAfter is how long a delivery may take until the sink looks whether its topic
// is still there: librdkafka waits for one that is gone as for one that is slow.
const lookAfter = 5 * time.Second

type sinks struct {
	formats format.Registry
	logger  *slog.Logger
	now     func() time.Time
}

// sink writes rows to one topic.
type sink struct {
	name, topic string
	client      *client
	values      format.Encoder
	keys        keyEncoder // nil: no keys
	changelog   bool
	latest      *latest // of upserts, nil for plain rows
	health      health
	failed      error // sticky: librdkafka's producer is dead
	closed      bool
	bytes       atomic.Int64 // handed over so far

	out outgoing // reused
}

// NewSink implements connectors.SinkConnector.
func (k *sinks) NewSink(ctx context.Context, spec connectors.SinkSpec) (connectors.Sink, error) {
	set, err := parseSink(spec, k.formats)
	if err != nil {
		return nil, err
	}
	s := &sink{
		name: spec.Name, topic: set.topic, changelog: spec.Changelog,
		health: health{logger: k.logger.With("object", spec.Name), now: k.now},
	}
	if set.upsert {
		s.latest = newLatest()
	}
	if err := set.check(ctx, spec.Options); err != nil {
		return nil, err
	}
	if s.values, err = set.format.NewEncoder(ctx, spec, set.topic+"-value", spec.Schema.Visible()); err != nil {
		return nil, err
	}
	if s.keys, err = set.keyEncoder(ctx, spec); err != nil {
		return nil, err
	}
	if set.progress != nil {
		if err := set.progress.ensure(ctx, s.health.logger); err != nil {
			return nil, err
		}
	}
	if s.client, err = newClient(producer, set.properties, set.topic); err != nil {
		return nil, settingsError(spec.Options, err)
	}
	if set.progress != nil {
		return &exactSink{sink: s, properties: set.properties, progress: set.progress, nonce: rand.Text()}, nil
	}
	return s, nil
}

// Write implements connectors.Sink.
func (s *sink) Write(ctx context.Context, b *batch.Batch) error {
	if err := s.usable(); err != nil {
		return err
	}
	if b.Diffs != nil && !s.changelog {
		return pgerr.Newf(pgerr.Internal, "sink %q got a changelog that it was not made for", s.name)
	}
	keys, err := s.encodeKeys(b)
	if err != nil {
		return err
	}
	modes, err := s.modes(b, keys)
	if err != nil {
		return err
	}
	for from := 0; from < b.Rows; from += encodeRows {
		to := min(from+encodeRows, b.Rows)
		s.out.valueEnds = append(s.out.valueEnds[:0], 0)
		s.out.values, s.out.valueEnds, err = s.values.Append(s.out.values[:0], s.out.valueEnds, b, from, to)
		if err != nil {
			return err
		}
		s.out.modes = modes[from:to]
		if keys != nil {
			s.out.keys, s.out.keyEnds = keys.data, keys.ends[from:to+1]
		}
		if err := s.send(ctx); err != nil {
			return err
		}
		s.bytes.Add(s.out.sizeBytes())
	}
	return nil
}

func (s *sink) encodeKeys(b *batch.Batch) (*keyColumn, error) {
	if s.keys == nil {
		return nil, nil
	}
	return s.keys.encode(b)
}

// modes decides what becomes of each row.
func (s *sink) modes(b *batch.Batch, keys *keyColumn) ([]uint8, error) {
	modes := make([]uint8, b.Rows)
	for i := range modes {
		modes[i] = sendValue
	}
	if s.latest != nil {
		s.latest.mark(modes, b, keys)
	}
	for i := range modes {
		if keys == nil || !keys.isNull(i) {
			continue
		}
		if s.latest != nil {
			return nil, pgerr.Newf(pgerr.NullNotAllowed, "sink %q: a row's key is NULL, which an upsert cannot have", s.name)
		}
		modes[i] |= nullKey
	}
	return modes, nil
}

// send hands over what is in out, waiting for room as long as it takes.
func (s *sink) send(ctx context.Context) error {
	for at := 0; at < len(s.out.modes); {
		next, err := s.client.produce(&s.out, at, sendWait)
		if err != nil {
			return pgerr.Newf(pgerr.IOError, "sink %q: topic %q refused a record: %w", s.name, s.topic, err)
		}
		at = next
		if err := s.usable(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// usable takes librdkafka's events and returns the first lasting failure. A
// failed delivery is left to Flush.
func (s *sink) usable() error {
	if s.closed {
		return pgerr.Newf(pgerr.Internal, "sink %q is closed", s.name)
	}
	none := func(int32) int64 { return -1 }
	if e := s.health.observe(s.client, s.topic, none); e != nil && s.failed == nil {
		s.failed = e
	}
	return s.failed
}

// attend is usable for one that waits for a delivery: now and then, look being the
// next time, it finds out whether the topic was deleted.
func (s *sink) attend(look *time.Time) error {
	if err := s.usable(); err != nil || s.health.now().Before(*look) {
		return err
	}
	*look = s.health.now().Add(lookAfter)
	_, _, err := s.client.describe(txnSlice)
	var kerr ckafka.Error
	if errors.As(err, &kerr) && topicMissing(kerr.Code()) {
		s.failed = faultError(s.topic, event{code: kerr.Code(), partition: -1, text: kerr.Error()})
	}
	return s.failed
}

// Flush implements connectors.Sink.
func (s *sink) Flush(ctx context.Context) error {
	look := s.health.now().Add(lookAfter)
	for !s.client.flush(sendWait) {
		if err := s.attend(&look); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if n, reason := s.client.failures(); n > 0 {
		return s.deliveryError(n, reason)
	}
	if err := s.usable(); err != nil {
		return err
	}
	s.health.clear()
	return nil
}

func (s *sink) deliveryError(n int64, reason ckafka.ErrorCode) error {
	err := pgerr.Newf(pgerr.IOError, "sink %q: %d records were not delivered to topic %q: %s", s.name, n, s.topic, reason)
	if topicMissing(reason) {
		return err.WithHint("The topic was deleted.")
	}
	if trouble := s.health.text(); trouble != "" {
		return err.WithDetail("%s", trouble)
	}
	return err
}

// BytesWritten implements connectors.Counted.
func (s *sink) BytesWritten() int64 { return s.bytes.Load() }

// Health says what is wrong with the connection at the moment, "" for nothing.
func (s *sink) Health() string { return s.health.text() }

// Close implements connectors.Sink. What was not flushed is dropped.
func (s *sink) Close() error {
	if !s.closed {
		s.closed = true
		s.client.close()
	}
	return nil
}
