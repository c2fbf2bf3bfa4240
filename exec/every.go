package exec

import (
	"bytes"
	"context"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// ticker is an operator that has something to do at a time of the wall clock.
type ticker interface {
	// Due returns when Tick is to be called, the zero time for not at all. It is
	// asked again after every message.
	Due() time.Time
	Tick(ctx context.Context, now time.Time) error
}

// every passes the changes of an interval of the wall clock as one change a key:
// from the key's row as it was downstream to its row now. Its state is the keys
// that have changed since the last time.
type every struct {
	Receiver
	interval time.Duration
	now      func() time.Time
	key      []int // columns; no two current rows agree on them
	encoder  *rowcodec.Encoder
	decoder  *rowcodec.Decoder
	table    *hashtable.Table
	// before and after are, by key, references into arena, noRow for none.
	before, after []uint64
	arena         rowcodec.Arena
	// next is when changes may leave, the zero time before the first.
	next time.Time
	// held is the watermark that waits for the changes in front of it, NoWatermark
	// for none.
	held       int64
	readAt     int64 // of the oldest change
	producedAt int64

	rows rowcodec.Rows // scratch
	ids  []uint32      // scratch
}

// noRow is a reference to no row.
const noRow = ^uint64(0)

func newEvery(n *plan.Aggregate, now func() time.Time, out Receiver) *every {
	ts := schemaTypes(n.Out)
	key := n.Properties.Key
	keyTypes := make([]types.Type, len(key))
	for i, k := range key {
		keyTypes[i] = ts[k]
	}
	return &every{
		Receiver: out, interval: time.Duration(n.Emit.EveryMillis) * time.Millisecond, now: now, key: key,
		encoder: rowcodec.NewEncoder(ts), decoder: rowcodec.NewDecoder(ts), table: hashtable.New(keyTypes), held: NoWatermark,
	}
}

// Batch implements Receiver.
func (e *every) Batch(_ context.Context, b *batch.Batch) error {
	if b.Rows == 0 {
		return nil
	}
	if e.next.IsZero() {
		e.next = e.now().Add(e.interval)
	}
	if e.table.Len() == 0 {
		e.readAt, e.producedAt = b.ReadAtNanos, b.ProducedAtMillis
	}
	keys := make([]arrow.Array, len(e.key))
	for i, k := range e.key {
		keys[i] = b.Cols[k]
	}
	e.ids = resized(e.ids, b.Rows)
	e.table.Lookup(keys, b.Rows, nil, e.ids)
	for len(e.before) < e.table.Bound() {
		e.before, e.after = append(e.before, noRow), append(e.after, noRow)
	}
	e.rows.Reset()
	e.encoder.Encode(b.Cols, b.Rows, nil, &e.rows)
	// The first change of a key says what was downstream.
	for i, id := range e.ids {
		row := e.rows.Row(i)
		switch {
		case b.Diff(i) > 0:
			e.drop(e.after[id])
			e.after[id] = e.arena.Add(row)
		case e.after[id] == noRow:
			e.before[id] = e.arena.Add(row)
		default:
			e.drop(e.after[id])
			e.after[id] = noRow
		}
	}
	if e.arena.Wasteful() {
		e.compact()
	}
	return nil
}

// drop forgets the row that came after another in the interval.
func (e *every) drop(ref uint64) {
	if ref != noRow {
		e.arena.Drop(ref)
	}
}

// compact moves the rows that are left into a new arena.
func (e *every) compact() {
	var a rowcodec.Arena
	for _, refs := range [][]uint64{e.before, e.after} {
		for i, ref := range refs {
			if ref != noRow {
				refs[i] = a.Add(e.arena.Get(ref))
			}
		}
	}
	e.arena = a
}

// Due implements ticker.
func (e *every) Due() time.Time {
	if e.table.Len() == 0 && e.held == NoWatermark {
		return time.Time{}
	}
	return e.next
}

// Tick implements ticker.
func (e *every) Tick(ctx context.Context, now time.Time) error {
	e.next = now.Add(e.interval)
	if err := e.flush(ctx); err != nil {
		return err
	}
	millis := e.held
	e.held = NoWatermark
	if millis == NoWatermark {
		return nil
	}
	return e.Receiver.Watermark(ctx, millis)
}

// Watermark implements Receiver: a watermark does not overtake changes.
func (e *every) Watermark(ctx context.Context, millis int64) error {
	if e.table.Len() > 0 {
		e.held = millis
		return nil
	}
	return e.Receiver.Watermark(ctx, millis)
}

// End implements Receiver.
func (e *every) End(ctx context.Context) error {
	if err := e.Tick(ctx, e.now()); err != nil {
		return err
	}
	return e.Receiver.End(ctx)
}

// flush emits what has changed.
func (e *every) flush(ctx context.Context) error {
	e.rows.Reset()
	var diffs []int8
	for i, before := range e.before {
		after := e.after[i]
		if before != noRow && after != noRow && bytes.Equal(e.arena.Get(before), e.arena.Get(after)) {
			continue
		}
		if before != noRow {
			e.rows.Append(e.arena.Get(before))
			diffs = append(diffs, -1)
		}
		if after != noRow {
			e.rows.Append(e.arena.Get(after))
			diffs = append(diffs, 1)
		}
	}
	e.table.Reset()
	e.arena.Reset()
	e.before, e.after = e.before[:0], e.after[:0]
	if len(diffs) == 0 {
		return nil
	}
	cols, err := e.decoder.Rows(&e.rows, nil)
	if err != nil {
		return err
	}
	out := batch.New(cols, len(diffs))
	out.Diffs, out.ReadAtNanos, out.ProducedAtMillis = diffs, e.readAt, e.producedAt
	return e.Receiver.Batch(ctx, out)
}
