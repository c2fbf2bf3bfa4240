package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/sql/pgerr"
)

// retryDecode is the wait after the schema registry could not be reached.
const retryDecode = 500 * time.Millisecond

// errClosed answers a poll after Close.
var errClosed = errors.New("the Kafka reader is closed")

// split is where the reader stands in one partition.
type split struct {
	number   int32
	position int64
	high     int64 // the last known high watermark
	// endHigh is the high watermark at which the partition's end was reached, -1
	// before. Behind the last record there may be transaction markers, which no
	// reader sees: the end is then reached below the high watermark.
	endHigh int64
	empty   bool
}

// reader reads the assigned partitions of a topic.
type reader struct {
	src     *source
	client  *client
	decoder format.Decoder
	// tombstones is nil for a source.
	tombstones *tombstones
	letters    *letters // nil where rejected records go nowhere else
	batch      *drained
	identity   string // of the topic when the reader was opened
	// health is the connection's; decoding is the decoder's.
	health, decoding health

	splits []split // by partition; holes have number -1
	failed error   // sticky: what no further poll can mend
	closed bool

	// undecoded says that batch holds records that the decoder could not take.
	undecoded bool
	retryAt   time.Time

	found     discovery
	stop      context.CancelFunc
	discovers sync.WaitGroup
}

// add makes room for the split, whose number is at most a few thousand.
func (r *reader) add(s split) {
	for int32(len(r.splits)) <= s.number {
		r.splits = append(r.splits, split{number: -1})
	}
	s.endHigh = -1
	r.splits[s.number] = s
}

// Poll implements connectors.Reader.
func (r *reader) Poll(ctx context.Context, wait time.Duration) (*connectors.Chunk, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.closed {
		return nil, errClosed
	}
	if r.failed == nil {
		r.failed = r.adopt()
	}
	if r.failed != nil {
		return nil, r.failed
	}
	if r.undecoded {
		return r.decodeAgain(ctx, wait)
	}
	if !r.fill(ctx, wait) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, r.failed
	}
	return r.decode(ctx)
}

// fill drains into batch and reports whether there are records.
func (r *reader) fill(ctx context.Context, wait time.Duration) bool {
	if r.drain(0) {
		return true
	}
	yielded := make(chan struct{})
	calm := context.AfterFunc(ctx, func() { defer close(yielded); r.client.yield() })
	defer func() {
		if !calm() {
			<-yielded // the client may be closed after this poll
		}
	}()
	deadline := r.src.now().Add(wait)
	for r.failed == nil && ctx.Err() == nil && wait > 0 {
		if r.drain(min(wait, maxWait)) {
			return true
		}
		if r.failed == nil {
			r.failed = r.adopt()
		}
		wait = deadline.Sub(r.src.now()).Truncate(time.Millisecond)
	}
	return false
}

// drain takes one batch, its ends of partitions and the client's events. An error
// that came behind records is returned by the poll after them.
func (r *reader) drain(wait time.Duration) bool {
	r.client.drain(r.batch, wait)
	if r.batch.records.N == 0 {
		r.reachEnds()
	}
	if r.batch.records.N > 0 || len(r.batch.endPartitions) > 0 {
		r.health.clear()
	}
	if e := r.health.observe(r.client, r.src.topic, r.position); e != nil {
		r.failed = e
	}
	return r.batch.records.N > 0
}

func (r *reader) position(partition int32) int64 {
	if partition < 0 || int(partition) >= len(r.splits) {
		return -1
	}
	return r.splits[partition].position
}

// decodeAgain tries the records that the decoder could not take, after a wait.
func (r *reader) decodeAgain(ctx context.Context, wait time.Duration) (*connectors.Chunk, error) {
	if left := r.retryAt.Sub(r.src.now()); left > 0 {
		t := time.NewTimer(min(left, wait))
		defer t.Stop()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-t.C:
		}
		if left > wait {
			return nil, nil
		}
	}
	return r.decode(ctx)
}

// decode turns the drained records into a chunk; nil where the decoder cannot
// work at present.
func (r *reader) decode(ctx context.Context) (*connectors.Chunk, error) {
	d, err := r.decoder.Decode(ctx, &r.batch.records)
	var gone *deletes
	if err == nil {
		gone, err = r.deletes(ctx, d)
	}
	if err == nil {
		err = r.letters.post(ctx, r.batch, gone.rejects)
	}
	if err != nil {
		r.undecoded = true
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.decoding.set(fmt.Sprintf("decoding topic %q: %v", r.src.topic, err), 0)
		r.retryAt = r.src.now().Add(retryDecode)
		return nil, nil
	}
	if r.undecoded {
		r.undecoded = false
		r.decoding.clear()
	}
	if len(d.Cols) != r.src.rel.Declared {
		r.failed = pgerr.Newf(pgerr.Internal, "the decoder of %q returned %d columns of %d", r.src.rel.Name, len(d.Cols), r.src.rel.Declared)
		return nil, r.failed
	}
	return r.chunk(d, gone), nil
}

// deletes are what the rejects of a batch delete.
func (r *reader) deletes(ctx context.Context, d *format.Decoded) (*deletes, error) {
	if r.tombstones == nil || len(d.Rejects) == 0 {
		return &deletes{rejects: d.Rejects}, nil
	}
	return r.tombstones.read(ctx, &r.batch.records, d.Rejects)
}

// reachEnds moves the positions to the partition ends of the batch. It comes after
// advance: a position must not pass records that nobody has decoded yet.
func (r *reader) reachEnds() {
	for i, p := range r.batch.endPartitions {
		s := &r.splits[p]
		if at := r.batch.endOffsets[i]; at >= s.position {
			s.position = at
			s.endHigh = r.client.cachedHigh(p)
		}
	}
}

// advance moves the positions behind the drained records and returns them, and how
// many bytes each split's records have.
func (r *reader) advance() (next connectors.Positions, bytes map[int32]int64) {
	next, bytes = make(connectors.Positions, len(r.splits)), make(map[int32]int64, len(r.splits))
	records := &r.batch.records
	parts, offsets := r.batch.partitions, r.batch.offsets
	for i := 0; i < len(parts); {
		p, from := parts[i], i
		for i < len(parts) && parts[i] == p {
			i++
		}
		s := &r.splits[p]
		s.position = max(s.position, offsets[i-1]+1)
		s.empty = false
		next[p] = s.position
		bytes[p] += int64(records.ValueEnds[i]-records.ValueEnds[from]) + int64(records.KeyEnds[i]-records.KeyEnds[from])
	}
	return next, bytes
}

// Splits implements connectors.Reader.
func (r *reader) Splits() []connectors.SplitStatus {
	out := make([]connectors.SplitStatus, 0, len(r.splits))
	for i := range r.splits {
		s := &r.splits[i]
		if s.number < 0 {
			continue
		}
		if high := r.client.cachedHigh(s.number); high > s.high {
			s.high, s.empty = high, false
		}
		high := max(s.high, s.position)
		if s.endHigh == s.high {
			high = s.position
		}
		out = append(out, connectors.SplitStatus{Split: s.number, Position: s.position, High: high, Empty: s.empty})
	}
	return out
}

// Commit tells the brokers how far the group is, for tools that show its lag; the
// reader itself never asks for it. It does not wait: a failure shows in Health.
func (r *reader) Commit(at connectors.Positions) error {
	if err := r.client.commit(at); err != nil {
		return fmt.Errorf("committing positions of topic %q: %w", r.src.topic, err)
	}
	return nil
}

// Health says what is wrong with the connection or the decoder at the moment, ""
// for nothing. It may be called from any goroutine.
func (r *reader) Health() string {
	if trouble := r.health.text(); trouble != "" {
		return trouble
	}
	return r.decoding.text()
}

// Close implements connectors.Reader. A second Close does nothing.
func (r *reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.stop()
	r.discovers.Wait()
	r.batch.close()
	r.client.close()
	r.letters.close()
	return nil
}
