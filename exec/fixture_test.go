package exec

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/connectors"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// patience turns a lost message into a failure instead of a hang.
const patience = 20 * time.Second

func testEnv() *Env {
	return &Env{Now: time.Now, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), DeadLetters: &DeadLetters{}}
}

// int64Schema is columns of type bigint.
func int64Schema(names ...string) *batch.Schema {
	s := batch.NewSchema()
	for _, n := range names {
		s.Fields = append(s.Fields, batch.Field{Name: n, Type: types.Of(types.Int64)})
	}
	return s
}

// int64Batch makes a batch of columns; null stands for NULL.
func int64Batch(columns ...[]int64) *batch.Batch {
	cols := make([]arrow.Array, len(columns))
	for c, values := range columns {
		b := array.NewInt64Builder(memory.DefaultAllocator)
		for _, v := range values {
			if v == null {
				b.AppendNull()
			} else {
				b.Append(v)
			}
		}
		cols[c] = b.NewArray()
	}
	return batch.New(cols, len(columns[0]))
}

const null = -1 << 40

// int64Rows reads a batch back, row by row.
func int64Rows(b *batch.Batch) [][]int64 {
	rows := make([][]int64, b.Rows)
	for i := range rows {
		for _, c := range b.Cols {
			v := int64(null)
			if c.IsValid(i) {
				v = c.(*array.Int64).Value(i)
			}
			rows[i] = append(rows[i], v)
		}
	}
	return rows
}

// record is one record of a tape.
type record struct {
	value  int64
	reject bool
}

// tape is a source that tests write while it is read: its readers give (split,
// value) rows in chunks of random size and mixture.
type tape struct {
	mu      sync.Mutex
	splits  [][]record
	closed  bool
	changed chan struct{} // closed and replaced at every change
	seed    uint64
}

func newTape(splits int, seed uint64) *tape {
	return &tape{splits: make([][]record, splits), changed: make(chan struct{}), seed: seed}
}

func (t *tape) append(split int, r ...record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.splits[split] = append(t.splits[split], r...)
	close(t.changed)
	t.changed = make(chan struct{})
}

// finish makes the tape bounded: its readers come to an end.
func (t *tape) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	close(t.changed)
	t.changed = make(chan struct{})
}

// good returns the values that become rows, by split.
func (t *tape) good() [][]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([][]int64, len(t.splits))
	for i, list := range t.splits {
		for _, r := range list {
			if !r.reject {
				out[i] = append(out[i], r.value)
			}
		}
	}
	return out
}

// Open implements connectors.Source.
func (t *tape) Open(context.Context, connectors.Positions) (connectors.Reader, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seed++
	return &tapeReader{t: t, at: make([]int, len(t.splits)), rng: rand.New(rand.NewPCG(t.seed, 3))}, nil
}

// Bounded implements connectors.Source.
func (*tape) Bounded() bool { return false }

// Close implements connectors.Source.
func (*tape) Close() error { return nil }

type tapeReader struct {
	t   *tape
	at  []int
	rng *rand.Rand
}

// Poll implements connectors.Reader.
func (r *tapeReader) Poll(ctx context.Context, wait time.Duration) (*connectors.Chunk, error) {
	r.t.mu.Lock()
	c, closed, changed := r.read(), r.t.closed, r.t.changed
	r.t.mu.Unlock()
	switch {
	case c != nil:
		return c, nil
	case closed:
		return nil, io.EOF
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return nil, nil
}

// read takes some records of some splits, nil if there are none.
func (r *tapeReader) read() *connectors.Chunk {
	c := &connectors.Chunk{Next: connectors.Positions{}}
	var values, splits []int64
	for _, split := range r.rng.Perm(len(r.at)) {
		left := r.t.splits[split][r.at[split]:]
		n := min(len(left), r.rng.IntN(8))
		if n == 0 && c.Records == 0 {
			n = min(len(left), 1)
		}
		for _, rec := range left[:n] {
			offset := int64(r.at[split])
			r.at[split]++
			c.Records++
			c.Next[int32(split)] = offset + 1
			if rec.reject {
				c.Rejected = append(c.Rejected, connectors.Rejected{Split: int32(split), Offset: offset, Reason: "bad"})
				continue
			}
			values, splits = append(values, rec.value), append(splits, int64(split))
			c.Splits, c.Offsets = append(c.Splits, int32(split)), append(c.Offsets, offset)
		}
	}
	if c.Records == 0 {
		return nil
	}
	c.Batch = int64Batch(splits, values)
	return c
}

// Splits implements connectors.Reader.
func (r *tapeReader) Splits() []connectors.SplitStatus {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	out := make([]connectors.SplitStatus, len(r.at))
	for i := range out {
		n := len(r.t.splits[i])
		out[i] = connectors.SplitStatus{Split: int32(i), Position: int64(r.at[i]), High: int64(n), Empty: n == 0}
	}
	return out
}

// Close implements connectors.Reader.
func (*tapeReader) Close() error { return nil }

// taker is a consumer that a test reads.
type taker struct {
	*consumer
	wake   chan struct{}
	failed chan error
}

func newTaker() *taker {
	t := &taker{wake: make(chan struct{}, 1), failed: make(chan error, 1)}
	t.consumer = &consumer{q: newQueue(queueBytes, t.wake), onFail: func(err error) {
		select {
		case t.failed <- err:
		default:
		}
	}}
	return t
}

// take returns what comes until stop says so, the end is there, or the consumer
// has failed.
func (t *taker) take(tb testing.TB, stop func([]message) bool) []message {
	tb.Helper()
	var got []message
	timeout := time.After(patience)
	for {
		got = t.q.take(got)
		if n := len(got); n > 0 && got[n-1].kind == messageEnd || stop != nil && stop(got) {
			return got
		}
		select {
		case <-t.wake:
		case <-t.failed:
			return t.q.take(got)
		case <-timeout:
			tb.Errorf("after %v: only %d messages", patience, len(got))
			return got
		}
	}
}

// bySplit returns the values of (split, value) rows for each split.
func bySplit(list []message, splits int) [][]int64 {
	out := make([][]int64, splits)
	for _, m := range list {
		if m.kind != messageBatch {
			continue
		}
		for _, row := range int64Rows(m.batch) {
			out[row[0]] = append(out[row[0]], row[1])
		}
	}
	return out
}
