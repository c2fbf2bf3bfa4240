package exectest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/connectors"
	"laminardb/exec"
	"laminardb/sql/batch"
)

// neverIdle keeps the wall clock out of the watermark.
const neverIdle = 24 * time.Hour

// Variant is one way to deliver the rows of all sources.
type Variant struct {
	// BatchRows is how many rows come at a time, 0 for as many as fit.
	BatchRows int
	// Splits is over how many splits the rows are spread.
	Splits int
	// Seed permutes the rows within what the watermark allows, so that none is
	// late; 0 keeps their order. Rows of the same event time keep theirs.
	Seed uint64
	// Limit cuts each source to its first rows, negative for none. The cut is made
	// before the permutation.
	Limit int
	// Between is called before every batch with the running queries, nil for
	// nothing. An error fails the query.
	Between func(ctx context.Context, e *exec.Engine, queries []uint64) error
	// gate, if not nil, says when rows may come.
	gate *gate
}

// Rebuild is a Between that replaces every operator by one restored from its
// saved state.
func Rebuild(ctx context.Context, e *exec.Engine, queries []uint64) error {
	for _, id := range queries {
		if err := e.Rebuild(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// String describes the variant in a failure.
func (v Variant) String() string {
	text := fmt.Sprintf("batches of %d, %d splits, permutation %d, first %d rows", v.BatchRows, v.Splits, v.Seed, v.Limit)
	if v.Between != nil {
		text += ", rebuilt between batches"
	}
	return text
}

// inOrder reports whether rows come in the order of the table.
func (v Variant) inOrder() bool { return v.Seed == 0 }

// delivery is a source's rows on their way: a bounded connectors.Source.
type delivery struct {
	rows    *batch.Batch
	between func() // before every batch, nil for nothing
	gate    *gate
	size    int
	// order and splits are the rows as they arrive.
	order  []int32
	splits []int32
	count  int // of splits
	// given is how many rows have come to any reader.
	given atomic.Int64
}

func newDelivery(s *Source, v Variant, between func()) *delivery {
	d := &delivery{rows: prefix(s.Rows, v.Limit), between: between, gate: v.gate, size: v.BatchRows, count: max(1, v.Splits)}
	if d.size == 0 {
		d.size = batch.MaxRows
	}
	if s.Table && v.Seed%2 == 0 {
		d.gate = nil // it is complete before the streams that read it
	}
	times, step := eventTimes(s.EventTime.Column, d.rows)
	keys := make([]int64, len(times))
	splitOf := make([]int32, len(times))
	rng := rand.New(rand.NewPCG(v.Seed, 1))
	jitter, skew := map[int64]int64{}, make([]int64, d.count)
	for i := range skew {
		skew[i] = rng.Int64N(10*s.EventTime.DelayMillis*step + 1)
	}
	for i, t := range times {
		splitOf[i] = int32(uint64(t) * 0x9e3779b97f4a7c15 >> 33 % uint64(d.count))
		if _, ok := jitter[t]; !ok {
			jitter[t] = rng.Int64N(s.EventTime.DelayMillis*step + 1)
		}
		keys[i] = t + jitter[t] + skew[splitOf[i]]
		d.order = append(d.order, int32(i))
	}
	if v.Seed != 0 && s.EventTime.Column >= 0 {
		slices.SortStableFunc(d.order, func(a, b int32) int { return int(min(max(keys[a]-keys[b], -1), 1)) })
	}
	for _, row := range d.order {
		d.splits = append(d.splits, splitOf[row])
	}
	return d
}

// eventTimes returns each row's event time and how many of its units make a
// millisecond: a row without one has that of the row before, and without a column
// for it the number of the row.
func eventTimes(column int, b *batch.Batch) (times []int64, step int64) {
	times, last := make([]int64, b.Rows), int64(0)
	for i := range times {
		times[i] = int64(i)
	}
	if column < 0 {
		return times, 1
	}
	step = 1
	for i := range times {
		switch col := b.Cols[column].(type) {
		case *array.Int64:
			if col.IsValid(i) {
				last = col.Value(i)
			}
		case *array.Timestamp:
			step = 1000
			if col.IsValid(i) {
				last = int64(col.Value(i))
			}
		}
		times[i] = last
	}
	return times, step
}

// Open implements connectors.Source.
func (d *delivery) Open(_ context.Context, from connectors.Positions) (connectors.Reader, error) {
	r := &deliveryReader{d: d, status: make([]connectors.SplitStatus, d.count)}
	for i := range r.status {
		r.status[i] = connectors.SplitStatus{Split: int32(i), Position: from[int32(i)], Empty: !slices.Contains(d.splits, int32(i))}
	}
	for i, split := range d.splits {
		st := &r.status[split]
		if st.High >= st.Position {
			r.rest = append(r.rest, int32(i))
		}
		st.High++
	}
	return r, nil
}

// Bounded implements connectors.Source.
func (*delivery) Bounded() bool { return true }

// Close implements connectors.Source.
func (*delivery) Close() error { return nil }

type deliveryReader struct {
	d *delivery
	// rest are the rows that are still to come, by their place in the order.
	rest   []int32
	status []connectors.SplitStatus
}

// Poll implements connectors.Reader.
func (r *deliveryReader) Poll(ctx context.Context, _ time.Duration) (*connectors.Chunk, error) {
	if r.d.between != nil {
		r.d.between()
	}
	if r.d.gate != nil && !r.again() && !r.d.gate.pass() {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
		}
		return nil, ctx.Err()
	}
	now := r.rest[:min(r.d.size, len(r.rest))]
	if len(now) == 0 {
		return nil, io.EOF
	}
	last := int64(now[len(now)-1]) + 1
	for given := r.d.given.Load(); given < last && !r.d.given.CompareAndSwap(given, last); {
		given = r.d.given.Load()
	}
	r.rest = r.rest[len(now):]
	c := &connectors.Chunk{Next: connectors.Positions{}, Records: int64(len(now))}
	rows := make([]int32, len(now))
	for i, at := range now {
		rows[i] = r.d.order[at]
		split := r.d.splits[at]
		st := &r.status[split]
		c.Splits, c.Offsets = append(c.Splits, split), append(c.Offsets, st.Position)
		st.Position++
		c.Next[split] = st.Position
	}
	c.Batch = exec.Rows(r.d.rows, rows)
	return c, nil
}

// again reports whether the next rows have come to another reader: one that catches
// up is not held, since the others may be waiting for it.
func (r *deliveryReader) again() bool {
	next := min(r.d.size, len(r.rest))
	return next > 0 && int64(r.rest[next-1]) < r.d.given.Load()
}

// Splits implements connectors.Reader.
func (r *deliveryReader) Splits() []connectors.SplitStatus { return r.status }

// Close implements connectors.Reader.
func (*deliveryReader) Close() error { return nil }

func emptyBatch(s *batch.Schema) *batch.Batch {
	cols := make([]arrow.Array, len(s.Fields))
	for i, f := range s.Fields {
		cols[i] = array.NewBuilder(memory.DefaultAllocator, f.Type.Arrow()).NewArray()
	}
	return batch.New(cols, 0)
}
