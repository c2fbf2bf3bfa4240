package exec

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// sessions is an aggregate over session windows: the rows of a key of which each
// is less than the gap behind the one before. A session [first row, last row +
// gap) has an id, by which its state is kept; the sessions of a key are a list.
//
// S1: sessions of a key neither overlap nor touch: a row belongs to the one
// that it is inside of, or less than the gap in front of, and a row between two
// makes them one.
// S2: a session is closed when the watermark has reached its end; it stays for
// the allowed lateness more. A row that no session takes is late if a session of
// its own would be gone.
type sessions struct {
	Receiver
	windowTime
	faults faults
	errs   expr.RowErrors
	gap    int64
	// final emits a session when it closes, and later only corrections; otherwise
	// every batch emits what it changed.
	final bool

	// groups has the keys in its table and, by session, the aggregates.
	groups *pane
	heads  []int32 // by key: its first session, noSession for none
	list   []session
	free   []uint32 // ids
	ends   sessionQueue
	// readAt and producedAt are those of the latest batch.
	readAt, producedAt int64

	pass sessionPass
}

// session is the state of one session without its aggregates.
type session struct {
	first, last int64 // event times
	due         int64 // when ends looks at it next
	key         uint32
	next        int32 // of the same key
	// into is the session that took this one over in the current batch.
	into    int32
	status  sessionStatus
	shown   bool // has a row downstream
	touched bool // by the current batch
}

type sessionStatus uint8

const (
	sessionFree sessionStatus = iota
	sessionOpen
	sessionClosed
)

const noSession = -1

// sessionPass is what a batch did before the aggregates took it.
type sessionPass struct {
	ids     []uint32 // of each row
	keys    []uint32
	merges  []uint32 // sessions that were taken over, in that order
	touched []uint32
	old     []session // as they were before the batch, for touched
	empty   []uint32  // keys of late rows
}

func newSessions(n *plan.Aggregate, b *builder, out Receiver) (*sessions, error) {
	c, err := newCalls(n, b)
	if err != nil {
		return nil, err
	}
	p, err := newPane(c)
	if err != nil {
		return nil, err
	}
	s := &sessions{Receiver: out, windowTime: newWindowTime(n), faults: b.faults, final: n.Emit.Mode == plan.EmitFinal, groups: p}
	s.gap = n.Window.SizeMillis * s.perMilli
	return s, nil
}

// Batch implements Receiver.
func (s *sessions) Batch(ctx context.Context, b *batch.Batch) error {
	in, raw, err := evaluateTimed(s.groups.calls, b, &s.errs, s.faults)
	if err != nil || in.Rows == 0 {
		return err
	}
	if late := s.assign(in, raw); len(late) > 0 {
		s.faults.late(s.groups.calls.input(in), late)
		in = s.without(in, late)
	}
	defer s.settle()
	s.readAt, s.producedAt = in.ReadAtNanos, in.ProducedAtMillis
	for _, a := range s.groups.accs {
		a.Grow(len(s.list))
	}
	if s.final && s.lateness == 0 {
		s.update(in)
		return nil
	}
	before, had, err := s.shownRows()
	if err != nil {
		return err
	}
	s.update(in)
	out, err := s.moved(before, had)
	if err != nil || out == nil {
		return err
	}
	out.ReadAtNanos, out.ProducedAtMillis = in.ReadAtNanos, in.ProducedAtMillis
	return s.Receiver.Batch(ctx, out)
}

// assign gives every row its session and returns the rows that are late, whose
// place in pass.ids means nothing.
func (s *sessions) assign(in *batch.Batch, raw []int64) (late []int32) {
	p := &s.pass
	p.keys, p.ids = resized(p.keys, in.Rows), resized(p.ids, in.Rows)
	s.groups.table.Lookup(in.Cols[:len(s.groups.calls.keyTypes)], in.Rows, nil, p.keys)
	for len(s.heads) < s.groups.table.Bound() {
		s.heads = append(s.heads, noSession)
	}
	gone := s.forgotten()
	for i, t := range raw {
		id := s.heads[p.keys[i]]
		for id != noSession && (t <= s.list[id].first-s.gap || t >= s.list[id].last+s.gap) {
			id = s.list[id].next
		}
		switch {
		case id != noSession:
			s.extend(id, t)
		case t+s.gap <= gone:
			late = append(late, int32(i))
			if s.heads[p.keys[i]] == noSession {
				p.empty = append(p.empty, p.keys[i])
			}
			continue
		default:
			id = s.open(p.keys[i], t)
		}
		p.ids[i] = uint32(id)
	}
	return late
}

func resized(list []uint32, n int) []uint32 {
	if cap(list) < n {
		return make([]uint32, n)
	}
	return list[:n]
}

// open starts a session with a row.
func (s *sessions) open(key uint32, t int64) int32 {
	var id int32
	if n := len(s.free); n > 0 {
		id, s.free = int32(s.free[n-1]), s.free[:n-1]
	} else {
		id = int32(len(s.list))
		s.list = append(s.list, session{})
	}
	s.list[id] = session{
		first: t, last: t, key: key, next: s.heads[key], into: noSession,
		status: sessionOpen, touched: true, due: math.MaxInt64,
	}
	s.heads[key] = id
	s.pass.touched, s.pass.old = append(s.pass.touched, uint32(id)), append(s.pass.old, session{})
	s.schedule(id)
	return id
}

// schedule makes ends look at a session when it closes or is gone.
func (s *sessions) schedule(id int32) {
	x := &s.list[id]
	x.due = s.end(x)
	if !s.final || x.status == sessionClosed {
		x.due += s.lateness
	}
	if s.closes {
		s.ends.push(sessionEnd{x.due, uint32(id)})
	}
}

func (s *sessions) end(x *session) int64 { return x.last + s.gap }

// touch remembers a session as it was before the batch.
func (s *sessions) touch(id int32) {
	if x := &s.list[id]; !x.touched {
		s.pass.touched, s.pass.old = append(s.pass.touched, uint32(id)), append(s.pass.old, *x)
		x.touched = true
	}
}

// extend takes a row into a session, and with it the sessions that it now meets.
func (s *sessions) extend(id int32, t int64) {
	s.touch(id)
	x := &s.list[id]
	if t >= x.first && t <= x.last {
		return
	}
	x.first, x.last = min(x.first, t), max(x.last, t)
	if s.heads[x.key] == id && x.next == noSession {
		return
	}
	link := &s.heads[x.key]
	for *link != noSession {
		o := *link
		y := &s.list[o]
		if o == id || y.first >= x.last+s.gap || x.first >= y.last+s.gap {
			link = &y.next
			continue
		}
		s.touch(o)
		x.first, x.last = min(x.first, y.first), max(x.last, y.last)
		*link = y.next
		y.into = id
		s.pass.merges = append(s.pass.merges, uint32(o))
	}
}

// root returns the session that took a session over in this batch, or itself.
func (s *sessions) root(id int32) int32 {
	for s.list[id].into != noSession {
		id = s.list[id].into
	}
	return id
}

// without drops the late rows.
func (s *sessions) without(in *batch.Batch, late []int32) *batch.Batch {
	keep := make([]int32, 0, in.Rows-len(late))
	ids := s.pass.ids[:0]
	for i := range int32(in.Rows) {
		if len(late) > 0 && late[0] == i {
			late = late[1:]
			continue
		}
		keep, ids = append(keep, i), append(ids, s.pass.ids[i])
	}
	s.pass.ids = ids
	return expr.Take(in, keep)
}

// update merges the aggregates of merged sessions and takes the rows.
func (s *sessions) update(in *batch.Batch) {
	p := &s.pass
	if len(p.merges) > 0 {
		to := make([]uint32, len(p.merges))
		for i, id := range p.merges {
			to[i] = uint32(s.list[id].into)
		}
		for _, a := range s.groups.accs {
			a.Merge(a, p.merges, to)
			a.Clear(p.merges)
		}
		for i, id := range p.ids {
			p.ids[i] = uint32(s.root(int32(id)))
		}
	}
	if in.Rows > 0 {
		s.groups.update(in, p.ids)
	}
}

// settle ends the batch: merged sessions and keys without sessions go.
func (s *sessions) settle() {
	p := &s.pass
	for _, id := range p.touched {
		s.list[id].touched = false
	}
	for _, id := range p.merges {
		s.list[id].status = sessionFree
	}
	s.free = append(s.free, p.merges...)
	s.dropKeys(p.empty)
	p.merges, p.touched, p.old, p.empty = p.merges[:0], p.touched[:0], p.old[:0], p.empty[:0]
}

// dropKeys forgets the keys of the list, with repetitions, that have no session.
func (s *sessions) dropKeys(keys []uint32) {
	slices.Sort(keys)
	keys = slices.DeleteFunc(slices.Compact(keys), func(k uint32) bool { return s.heads[k] != noSession })
	if len(keys) > 0 {
		s.groups.table.Delete(keys)
	}
}

// rows returns the results of sessions, with the bounds that list gives.
func (s *sessions) rows(ids []uint32, list []session) ([]arrow.Array, error) {
	keys, starts, ends, marks := make([]uint32, len(ids)), make([]int64, len(ids)), make([]int64, len(ids)), make([]int64, len(ids))
	for i := range ids {
		x := &list[i]
		end := s.end(x)
		keys[i], starts[i], ends[i] = x.key, x.first, end
		marks[i] = -floorDiv(-end, s.perMilli)*s.perMilli - s.perMilli // not below a watermark that has not closed it
	}
	cols := append(s.groups.table.Keys(keys), s.column(starts), s.column(ends))
	for _, a := range s.groups.accs {
		r, err := a.Result(ids)
		if err != nil {
			return nil, err
		}
		cols = append(cols, r)
	}
	return append(cols, s.column(marks)), nil
}

func (s *sessions) types() []types.Type {
	c := s.groups.calls
	k := len(c.keyTypes)
	out := append(slices.Clone(c.outTypes[:k]), s.timeType, s.timeType)
	return append(append(out, c.outTypes[k:]...), s.timeType)
}

// shownRows returns the rows downstream of the sessions that the batch touches,
// and their ids. The aggregates have not changed yet.
func (s *sessions) shownRows() (cols []arrow.Array, had []uint32, err error) {
	var was []session
	for i, id := range s.pass.touched {
		if s.pass.old[i].shown {
			had, was = append(had, id), append(was, s.pass.old[i])
		}
	}
	cols, err = s.rows(had, was)
	return cols, had, err
}

// moved returns how the rows of touched sessions changed, nil if they did not.
// Sessions that were taken over go first, since the one that took them may now
// start where one of them did, and window_start is in the key.
func (s *sessions) moved(before []arrow.Array, had []uint32) (*batch.Batch, error) {
	passed := s.passed()
	var live []uint32
	var is []session
	var taken, moves []change
	was := int32(0)
	for i, id := range s.pass.touched {
		m := change{before: -1, after: -1}
		if s.pass.old[i].shown {
			m.before = was
			was++
		}
		x := &s.list[id]
		if x.into != noSession {
			x.shown = false
			taken = append(taken, m)
			continue
		}
		x.shown = !s.final || s.end(x) <= passed
		if x.shown {
			m.after = int32(len(live))
			live, is = append(live, id), append(is, *x)
		}
		moves = append(moves, m)
		s.reconsider(int32(id), s.end(x) <= passed)
	}
	after, err := s.rows(live, is)
	if err != nil {
		return nil, err
	}
	return changelog(s.types(), before, after, append(taken, moves...))
}

// reconsider closes a session that a late row opened, or opens one again that
// was closed.
func (s *sessions) reconsider(id int32, closed bool) {
	x := &s.list[id]
	if !s.final || closed == (x.status == sessionClosed) {
		return
	}
	x.status = sessionOpen
	if closed {
		x.status = sessionClosed
	}
	s.schedule(id)
}

// Watermark implements Receiver: it closes sessions.
func (s *sessions) Watermark(ctx context.Context, millis int64) error {
	s.watermark = millis
	var closing, gone []uint32
	for len(s.ends) > 0 && s.ends[0].at <= s.passed() {
		e := s.ends.pop()
		x := &s.list[e.id]
		switch {
		case x.status == sessionFree || x.due != e.at: // another entry stands for it, if it is still there
		case x.status == sessionOpen && s.final && s.end(x) <= s.passed():
			closing = append(closing, e.id)
			x.status, x.shown = sessionClosed, true
			if s.lateness == 0 {
				x.due = math.MaxInt64
				gone = append(gone, e.id)
				continue
			}
			s.schedule(int32(e.id))
		case (x.status == sessionClosed || !s.final) && s.end(x) <= s.forgotten():
			x.due = math.MaxInt64
			gone = append(gone, e.id)
		default: // rows have come since
			s.schedule(int32(e.id))
		}
	}
	if err := s.emit(ctx, closing); err != nil {
		return err
	}
	s.drop(gone)
	if out, ok := s.promise(); ok {
		return s.Receiver.Watermark(ctx, out)
	}
	return nil
}

// End implements Receiver.
func (s *sessions) End(ctx context.Context) error {
	var open []uint32
	for id := range s.list {
		if s.list[id].status == sessionOpen && s.final {
			open = append(open, uint32(id))
		}
	}
	if err := s.emit(ctx, open); err != nil {
		return err
	}
	return s.Receiver.End(ctx)
}

// emit emits sessions in the order of their end (W2).
func (s *sessions) emit(ctx context.Context, ids []uint32) error {
	slices.SortFunc(ids, func(a, b uint32) int {
		x, y := &s.list[a], &s.list[b]
		return cmp.Or(cmp.Compare(x.last, y.last), cmp.Compare(x.key, y.key))
	})
	for part := range slices.Chunk(ids, batch.MaxRows) {
		list := make([]session, len(part))
		for i, id := range part {
			list[i] = s.list[id]
		}
		cols, err := s.rows(part, list)
		if err != nil {
			return err
		}
		out := batch.New(cols, len(part))
		out.ReadAtNanos, out.ProducedAtMillis = s.readAt, s.producedAt
		if err := s.Receiver.Batch(ctx, out); err != nil {
			return err
		}
	}
	return nil
}

// drop forgets sessions.
func (s *sessions) drop(ids []uint32) {
	if len(ids) == 0 {
		return
	}
	keys := make([]uint32, 0, len(ids))
	for _, id := range ids {
		x := &s.list[id]
		link := &s.heads[x.key]
		for *link != int32(id) {
			link = &s.list[*link].next
		}
		*link = x.next
		x.status = sessionFree
		keys = append(keys, x.key)
	}
	for _, a := range s.groups.accs {
		a.Clear(ids)
	}
	s.free = append(s.free, ids...)
	s.dropKeys(keys)
}
