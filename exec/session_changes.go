package exec

import (
	"context"
	"math"
	"slices"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// sessionChanges is an aggregate over session windows of rows that come and go: one
// that goes can split a session. It keeps the current rows, finds the sessions of the
// keys that a batch touches before and after it, and emits how they moved. As in
// sessions (S2), one whose end the watermark has reached keeps its result and loses its
// rows.
type sessionChanges struct {
	Receiver
	windowTime
	calls  *calls
	gap    int64
	faults faults
	errs   expr.RowErrors
	layout *sessions // of the output rows; it has no state
	table  *hashtable.Table
	rows   *sortedRows // evaluated rows by time
	due    []int64     // by key: when its first session is gone, or before
	seen   []bool      // by key, all false between batches
	ids    []uint32
}

// keySession is a session of one of the keys that a batch touches.
type keySession struct {
	key  int // which of them
	from int // its first row
	session
}

func newSessionChanges(n *plan.Aggregate, b *builder, out Receiver) (*sessionChanges, error) {
	c, err := newCalls(n, b)
	if err != nil {
		return nil, err
	}
	s := &sessionChanges{Receiver: out, windowTime: newWindowTime(n), calls: c, faults: b.faults, table: hashtable.New(c.keyTypes)}
	s.gap = n.Window.SizeMillis * s.perMilli
	s.rows = newSortedRows(c.columns, len(c.columns), []int{c.time}, []rowcodec.OrderKey{{Type: s.timeType}}, -1)
	p, err := newPane(c)
	if err != nil {
		return nil, err
	}
	s.layout = &sessions{windowTime: s.windowTime, gap: s.gap, groups: p}
	return s, nil
}

// Batch implements Receiver.
func (s *sessionChanges) Batch(ctx context.Context, b *batch.Batch) error {
	in, raw, err := evaluateTimed(s.calls, b, &s.errs, s.faults)
	if err != nil || in.Rows == 0 {
		return err
	}
	s.ids = sized(s.ids, in.Rows)
	s.table.Lookup(in.Cols[:len(s.calls.keyTypes)], in.Rows, nil, s.ids)
	s.grow()
	touched := distinctIDs(s.ids, s.seen)
	s.rows.load(in, s.table.Bound())
	was, before, err := s.compute(touched)
	if err != nil {
		return err
	}
	if err := s.apply(in, raw); err != nil {
		return err
	}
	is, after, err := s.compute(touched)
	if err != nil {
		return err
	}
	s.rows.release()
	s.expect(touched, is)
	s.dropKeys(touched)
	out, err := changelog(s.layout.types(), before, after, sessionMoves(was, is))
	if err != nil || out == nil {
		return err
	}
	out.ReadAtNanos, out.ProducedAtMillis = in.ReadAtNanos, in.ProducedAtMillis
	return s.Receiver.Batch(ctx, out)
}

func (s *sessionChanges) grow() {
	for n := s.table.Bound(); len(s.seen) < n; {
		s.seen, s.due = append(s.seen, false), append(s.due, math.MinInt64)
	}
}

// apply takes the rows of a batch in and out. One that belongs to what is gone is late.
func (s *sessionChanges) apply(in *batch.Batch, raw []int64) error {
	var late []int32
	gone := s.forgotten()
	for i, key := range s.ids {
		if in.Diff(i) < 0 {
			if _, ok := s.rows.remove(key, i); ok {
				continue
			}
			if raw[i]+s.gap > gone {
				return pgerr.Newf(pgerr.Internal, "a row that was never there went away from a session")
			}
		}
		if raw[i]+s.gap <= gone {
			near, err := s.near(key, raw[i])
			if err != nil {
				return err
			}
			if !near || in.Diff(i) < 0 {
				late = append(late, int32(i))
				continue
			}
		}
		s.rows.add(key, i)
	}
	if len(late) > 0 {
		s.faults.late(in, late)
	}
	return nil
}

// near reports whether a session of the key takes a row of the time.
func (s *sessionChanges) near(key uint32, t int64) (bool, error) {
	times, _, err := s.timesOf(s.rows.parts[key])
	if err != nil {
		return false, err
	}
	at := sort.Search(len(times), func(i int) bool { return times[i] >= t })
	return at < len(times) && times[at]-t < s.gap || at > 0 && t-times[at-1] < s.gap, nil
}

func (s *sessionChanges) timesOf(slots []int32) ([]int64, []arrow.Array, error) {
	if len(slots) == 0 {
		return nil, nil, nil
	}
	cols, err := s.rows.columns(slots)
	if err != nil {
		return nil, nil, err
	}
	times, _ := timeValues(cols[s.calls.time])
	return times, cols, nil
}

// compute returns the sessions of keys in their order, with their rows of output.
func (s *sessionChanges) compute(keys []uint32) ([]keySession, []arrow.Array, error) {
	var slots []int32
	var ends []int
	for _, key := range keys {
		slots = append(slots, s.rows.parts[key]...)
		ends = append(ends, len(slots))
	}
	times, cols, err := s.timesOf(slots)
	if err != nil {
		return nil, nil, err
	}
	var list []keySession
	ids, row := make([]uint32, len(slots)), 0
	for k, end := range ends {
		for first := true; row < end; row, first = row+1, false {
			t := times[row]
			if first || t-list[len(list)-1].last >= s.gap {
				list = append(list, keySession{k, row, session{first: t, key: keys[k]}})
			}
			list[len(list)-1].last = t
			ids[row] = uint32(len(list) - 1)
		}
	}
	p, err := newPane(s.calls)
	if err != nil {
		return nil, nil, err
	}
	p.table, p.rows = s.table, make([]int64, len(list))
	for _, a := range p.accs {
		a.Grow(len(list))
	}
	if len(slots) > 0 {
		p.update(batch.New(cols, len(slots)), ids)
	}
	all, plain := make([]uint32, len(list)), make([]session, len(list))
	for i := range list {
		all[i], plain[i] = uint32(i), list[i].session
	}
	s.layout.groups = p
	out, err := s.layout.rows(all, plain)
	return list, out, err
}

// sessionMoves pairs the sessions of the same key and start.
func sessionMoves(was, is []keySession) []change {
	var moves []change
	for i, k := 0, 0; i < len(was) || k < len(is); {
		switch {
		case k == len(is) || i < len(was) && (was[i].key < is[k].key || was[i].key == is[k].key && was[i].first < is[k].first):
			moves = append(moves, change{int32(i), -1})
			i++
		case i == len(was) || is[k].key < was[i].key || is[k].first < was[i].first:
			moves = append(moves, change{-1, int32(k)})
			k++
		default:
			moves = append(moves, change{int32(i), int32(k)})
			i, k = i+1, k+1
		}
	}
	return moves
}

// expect notes when the first sessions of keys are gone.
func (s *sessionChanges) expect(keys []uint32, list []keySession) {
	for _, key := range keys {
		s.due[key] = math.MaxInt64
	}
	for i := len(list) - 1; i >= 0; i-- {
		s.due[list[i].session.key] = list[i].last + s.gap
	}
}

// dropKeys forgets keys that have no row.
func (s *sessionChanges) dropKeys(keys []uint32) {
	var empty []uint32
	for _, key := range keys {
		if len(s.rows.parts[key]) == 0 {
			empty = append(empty, key)
		}
	}
	if len(empty) > 0 {
		s.table.Delete(empty)
	}
}

// Watermark implements Receiver: sessions that are gone keep their results and lose
// their rows.
func (s *sessionChanges) Watermark(ctx context.Context, millis int64) error {
	s.watermark = millis
	gone := s.forgotten()
	var keys []uint32
	if gone > math.MinInt64 {
		keys = slices.DeleteFunc(s.table.IDs(nil), func(key uint32) bool { return s.due[key] > gone })
	}
	for _, key := range keys {
		if err := s.forget(key, gone); err != nil {
			return err
		}
	}
	s.rows.release()
	s.dropKeys(keys)
	if out, ok := s.promise(); ok {
		return s.Receiver.Watermark(ctx, out)
	}
	return nil
}

// forget drops the rows of a key's sessions that are gone.
func (s *sessionChanges) forget(key uint32, gone int64) error {
	times, _, err := s.timesOf(s.rows.parts[key])
	if err != nil {
		return err
	}
	n := 0
	s.due[key] = math.MaxInt64
	for i, t := range times {
		if i+1 < len(times) && times[i+1]-t < s.gap {
			continue
		}
		if t+s.gap > gone {
			s.due[key] = t + s.gap
			break
		}
		n = i + 1
	}
	s.rows.behead(key, n)
	return nil
}

// Snapshot writes the watermark and the rows by key.
func (s *sessionChanges) Snapshot(w *rowcodec.StateWriter) {
	writeInts(w, s.watermark)
	s.table.Snapshot(w)
	s.rows.Snapshot(w)
}

// Restore reads what Snapshot wrote into a new operator.
func (s *sessionChanges) Restore(r *rowcodec.StateReader) error {
	readInts(r, &s.watermark)
	if err := s.table.Restore(r); err != nil {
		return err
	}
	s.grow() // due before anything: the next watermark looks at all keys
	return s.rows.Restore(r, s.table)
}
