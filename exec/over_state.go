package exec

import (
	"fmt"
	"slices"

	"laminardb/exec/agg"
	"laminardb/exec/expr"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
)

// overState is the partitions of an Over: the rows that wait for later ones or that
// later ones look back to, and where each function stands.
//
// V1: the rows of a partition come in order, all rows of a peer group in one run.
// V2: a row is given out once, in the order of its partition, when no later row can
// change it; afterwards it is kept only as far as a later row reaches back.
type overState struct {
	calls   *overCalls
	parts   []overPart // by partition
	accs    []agg.Accumulator
	cursors [][]overCursor // by function and partition

	rows    overRows
	latest  []int32 // by partition, -1 between runs: the number of its last result
	seq     int64
	sweepAt int // rows at which sweep looks for partitions to drop
	run     *overRun
	touched []bool // by partition, all false between runs
	// waits are the partitions whose rows the watermark alone may settle; waiting
	// marks them.
	waits   []uint32
	waiting []bool
	ahead   bool // a function looks at later rows
	ranges  bool // and by their order key, so that the watermark alone settles it
}

// overPart is one partition. Positions count its rows from 0.
type overPart struct {
	base   int64   // position of slots[0]
	slots  []int32 // of overRows
	done   int64   // rows before it are given out
	groups int64   // number of peer groups
	peer   int64   // position at which the last group starts
	order  int64   // of the last group
}

func (p *overPart) total() int64         { return p.base + int64(len(p.slots)) }
func (p *overPart) slot(pos int64) int32 { return p.slots[pos-p.base] }

// overCursor is the frame of the last row that was given out.
type overCursor struct{ start, end int64 }

// overRows are rows in slots that are used again, their fields in columns.
type overRows struct {
	peer, group, seq []int64
	key              []int64   // the order key, where a frame counts by it
	bounds           [][]int64 // by overCalls.bounds
	at               []int32   // the row's number in the run's batch, -1 for none
	ref              []uint64  // in the arena
	stored           []bool
	free             []int32
	arena            rowcodec.Arena
	live             int
}

func newOverState(c *overCalls) (*overState, error) {
	s := &overState{calls: c, sweepAt: minSweepRows, accs: make([]agg.Accumulator, len(c.funcs)), cursors: make([][]overCursor, len(c.funcs))}
	s.rows.bounds = make([][]int64, len(c.bounds))
	for i := range c.funcs {
		f := &c.funcs[i]
		if f.kind == overFold {
			a, err := agg.New(f.spec)
			if err != nil {
				return nil, err
			}
			s.accs[i] = a
		}
		s.ranges = s.ranges || f.framed() && f.high >= 0
		s.ahead = s.ahead || f.kind == overShift && f.Offset > 0 || f.framed() && (f.high >= 0 || f.Frame.End.Rows > 0)
	}
	return s, nil
}

func (s *overState) grow(parts int) {
	for len(s.parts) < parts {
		s.parts = append(s.parts, overPart{})
		s.latest = append(s.latest, -1)
		s.touched, s.waiting = append(s.touched, false), append(s.waiting, false)
	}
	for i, a := range s.accs {
		if a != nil {
			a.Grow(parts)
		}
		for len(s.cursors[i]) < parts {
			s.cursors[i] = append(s.cursors[i], overCursor{})
		}
	}
}

// slot makes a row's slot.
func (r *overRows) slot(keyed bool) int32 {
	r.live++
	if n := len(r.free); n > 0 {
		s := r.free[n-1]
		r.free = r.free[:n-1]
		return s
	}
	r.peer, r.group, r.seq = append(r.peer, 0), append(r.group, 0), append(r.seq, 0)
	r.at, r.ref, r.stored = append(r.at, -1), append(r.ref, 0), append(r.stored, false)
	for i := range r.bounds {
		r.bounds[i] = append(r.bounds[i], 0)
	}
	if keyed {
		r.key = append(r.key, 0)
	}
	return int32(len(r.at) - 1)
}

func (r *overRows) drop(slot int32) {
	if r.stored[slot] {
		r.arena.Drop(r.ref[slot])
	}
	r.stored[slot], r.at[slot] = false, -1
	r.free = append(r.free, slot)
	r.live--
}

// overInput is rows on their way into the partitions, in order.
type overInput struct {
	rows *batch.Batch // evaluated
	ids  []uint32     // the partition of each row
	// order is equal for peers and larger for later groups.
	order []int64
	// until is the order below which all rows have come; final says that all have.
	until int64
	final bool
}

// add puts rows at the end of their partitions.
func (s *overState) add(in *overInput) {
	if in.rows.Rows == 0 {
		return
	}
	c, r := s.calls, &s.rows
	var key []int64
	bounds := make([][]int64, len(c.bounds))
	if len(bounds) > 0 {
		key = orderInts(in.rows.Cols[c.order[0]], c.keys[0])
		for i, col := range c.bounds {
			bounds[i] = orderInts(in.rows.Cols[col], c.keys[0])
		}
	}
	for i, id := range in.ids {
		p := &s.parts[id]
		if p.groups == 0 || p.order != in.order[i] {
			p.order, p.peer = in.order[i], p.total()
			p.groups++
		}
		slot := r.slot(key != nil)
		r.peer[slot], r.group[slot], r.seq[slot], r.at[slot] = p.peer, p.groups-1, s.seq, int32(i)
		s.seq++
		if key != nil {
			r.key[slot] = key[i]
			for k := range bounds {
				r.bounds[k][slot] = bounds[k][i]
			}
		}
		p.slots = append(p.slots, slot)
		s.run.touch(id)
	}
}

// step takes rows in and returns the rows that are settled now: the input's columns
// and the results, in the order in which they came. at has the number of each in
// the input, counted on for rows of earlier steps.
func (s *overState) step(in *overInput, bound int) (out *batch.Batch, at []int32, err error) {
	s.grow(bound)
	s.run = &overRun{s: s, in: in}
	s.add(in)
	if in.final {
		for id := range s.parts {
			if p := &s.parts[id]; p.done < p.total() {
				s.run.touch(uint32(id))
			}
		}
	}
	for _, id := range s.waits {
		s.run.touch(id)
	}
	s.run.settle()
	for i := range s.calls.funcs {
		s.run.plan(i)
	}
	if err := s.run.load(); err != nil {
		return nil, nil, err
	}
	out, at, err = s.run.results()
	if err != nil {
		return nil, nil, err
	}
	s.keep()
	return out, at, nil
}

// keep drops the rows that nobody reaches any more and stores the others (V2).
func (s *overState) keep() {
	run, r := s.run, &s.rows
	var fresh, at []int32
	for _, slot := range run.loaded {
		r.at[slot] = -1
	}
	for _, id := range run.parts {
		s.touched[id] = false
		p := &s.parts[id]
		drop := s.reach(id) - p.base
		for _, slot := range p.slots[:drop] {
			r.drop(slot)
		}
		p.slots = slices.Delete(p.slots, 0, int(drop))
		p.base += drop
		for i := len(p.slots) - 1; i >= 0 && r.at[p.slots[i]] >= 0; i-- {
			slot := p.slots[i]
			fresh, at = append(fresh, slot), append(at, r.at[slot])
			r.at[slot] = -1
		}
		if s.ranges && p.done < p.total() && !s.waiting[id] {
			s.waiting[id] = true
			s.waits = append(s.waits, id)
		}
	}
	s.waits = slices.DeleteFunc(s.waits, func(id uint32) bool {
		s.waiting[id] = s.parts[id].done < s.parts[id].total()
		return !s.waiting[id]
	})
	s.store(fresh, at)
	s.run = nil
}

// store encodes rows of the run's input.
func (s *overState) store(slots, at []int32) {
	r := &s.rows
	if len(slots) > 0 {
		var rows rowcodec.Rows
		rowcodec.NewEncoder(s.calls.types).Encode(s.run.in.rows.Cols, s.run.in.rows.Rows, at, &rows)
		for i, slot := range slots {
			r.ref[slot], r.stored[slot] = r.arena.Add(rows.Row(i)), true
		}
	}
	if !r.arena.Wasteful() {
		return
	}
	var compact rowcodec.Arena
	for slot, stored := range r.stored {
		if stored {
			r.ref[slot] = compact.Add(r.arena.Get(r.ref[slot]))
		}
	}
	r.arena = compact
}

// reach returns the first position that a partition's later rows look at.
func (s *overState) reach(id uint32) int64 {
	p := &s.parts[id]
	least := p.done
	for i := range s.calls.funcs {
		f := &s.calls.funcs[i]
		cur := s.cursors[i][id]
		switch f.kind {
		case overShift:
			least = min(least, p.done+min(f.Offset, 0))
		case overFold:
			least = min(least, cur.end)
			if f.retracts() && !f.Frame.Start.Unbounded {
				least = min(least, cur.start)
			}
		case overPick:
			if least = min(least, cur.end-1); !f.Frame.Start.Unbounded {
				least = min(least, cur.start)
			}
		}
		if f.framed() && f.Frame.Exclude != 0 && p.done < p.total() {
			least = min(least, s.rows.peer[p.slot(p.done)])
		}
	}
	return max(least, p.base)
}

// load decodes the stored rows that the run needs and joins them with the input.
func (r *overRun) load() error {
	s, rows := r.s, &r.s.rows
	slices.SortFunc(r.loaded, func(a, b int32) int { return int(min(max(rows.seq[a]-rows.seq[b], -1), 1)) })
	if len(r.loaded) == 0 {
		r.all = r.in.rows
		return nil
	}
	encoded := make([][]byte, len(r.loaded))
	for i, slot := range r.loaded {
		encoded[i] = rows.arena.Get(rows.ref[slot])
		rows.at[slot] = int32(r.in.rows.Rows + i)
	}
	cols, err := rowcodec.NewDecoder(s.calls.types).Decode(encoded)
	if err != nil {
		return fmt.Errorf("reading rows of a window: %w", err)
	}
	old := batch.New(cols, len(encoded))
	if r.in.rows.Rows == 0 {
		r.all = old
		return nil
	}
	r.all, err = expr.Concat([]*batch.Batch{{Cols: r.in.rows.Cols, Rows: r.in.rows.Rows, ReadAtNanos: r.in.rows.ReadAtNanos, ProducedAtMillis: r.in.rows.ProducedAtMillis}, old})
	return err
}
