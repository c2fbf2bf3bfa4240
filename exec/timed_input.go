package exec

import (
	"context"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// The inputs of a join by time.
const (
	leftInput = iota
	rightInput
)

// timedInput reads one input of a join by time.
type timedInput struct {
	program *expr.Program // the keys, then the time
	types   []types.Type  // of the input's columns
	faults  faults
	errs    expr.RowErrors
	// before and after are the types of the other input's columns, on whose side they
	// are, where late rows are to be seen.
	before, after []types.Type
}

// timedBatch is a batch of such an input.
type timedBatch struct {
	// rows are not late and have keys and a time.
	rows  *batch.Batch
	keys  []uint32
	times []int64
	// never are rows with a NULL among them, which match nothing; nil for none.
	never *batch.Batch
}

func newTimedInput(b *builder, n plan.Node, keys []plan.Expr, time plan.Expr) (timedInput, error) {
	p, err := b.compile(append(append([]plan.Expr(nil), keys...), time))
	return timedInput{program: p, types: schemaTypes(n.Schema()), faults: b.faults}, err
}

func keyTypes(keys []plan.Expr) []types.Type {
	ts := make([]types.Type, len(keys))
	for i, k := range keys {
		ts[i] = k.Type()
	}
	return ts
}

// read evaluates keys and times, and takes out the rows that fail, those below
// the watermark (in the unit of the times), which are late, and those that can
// match nothing.
func (in *timedInput) read(b *batch.Batch, table *hashtable.Table, watermark int64) (*timedBatch, error) {
	in.errs.Reset()
	cols, err := in.program.Eval(b, &in.errs)
	if err != nil {
		return nil, err
	}
	if in.errs.Len() > 0 {
		keep, err := in.faults.rows(b, &in.errs)
		if err != nil {
			return nil, err
		}
		b, cols = expr.Take(b, keep), takeAll(cols, keep)
	}
	out := &timedBatch{}
	if b, cols = in.split(b, cols, watermark, out); b.Rows == 0 {
		out.rows = b
		return out, nil
	}
	out.rows, out.keys = b, make([]uint32, b.Rows)
	table.Lookup(cols[:len(cols)-1], b.Rows, nil, out.keys)
	out.times, _ = timeValues(cols[len(cols)-1])
	return out, nil
}

// split counts late rows and sets out.never; it returns the other rows.
func (in *timedInput) split(b *batch.Batch, cols []arrow.Array, watermark int64, out *timedBatch) (*batch.Batch, []arrow.Array) {
	nullable := false
	for _, c := range cols {
		nullable = nullable || c.NullN() > 0
	}
	times, _ := timeValues(cols[len(cols)-1])
	time := cols[len(cols)-1]
	low := int64(math.MaxInt64)
	for _, t := range times {
		low = min(low, t)
	}
	if !nullable && low >= watermark {
		return b, cols
	}
	var late, never, good []int32
	for i, t := range times {
		switch {
		case !time.IsNull(i) && t < watermark:
			late = append(late, int32(i))
		case nullable && anyNull(cols, i):
			never = append(never, int32(i))
		default:
			good = append(good, int32(i))
		}
	}
	if len(late) > 0 {
		in.faults.late(in.beside(b), late)
	}
	if len(never) > 0 {
		out.never = expr.Take(b, never)
	}
	if len(good) == b.Rows {
		return b, cols
	}
	return expr.Take(b, good), takeAll(cols, good)
}

// beside puts NULLs in the place of the other input's columns.
func (in *timedInput) beside(b *batch.Batch) *batch.Batch {
	return b.With(slices.Concat(nullColumns(in.before, b.Rows), b.Cols, nullColumns(in.after, b.Rows)))
}

func takeAll(cols []arrow.Array, sel []int32) []arrow.Array {
	out := make([]arrow.Array, len(cols))
	for i, c := range cols {
		out[i] = expr.TakeArray(c, sel)
	}
	return out
}

// timedMarks are the watermarks of a join's two inputs. An input that is idle
// follows the other one: rows that it sends behind it when it wakes are late.
type timedMarks struct {
	in       *inputMarks
	perMilli int64
	millis   [2]int64
	ended    [2]bool
	sent     int64 // the output's
}

func newTimedMarks(time types.Type) timedMarks {
	m := timedMarks{in: newInputMarks(2), perMilli: 1, millis: [2]int64{NoWatermark, NoWatermark}, sent: NoWatermark}
	if time.Kind != types.Int64 {
		m.perMilli = 1000
	}
	return m
}

// update takes over what the inputs' marks have come to.
func (m *timedMarks) update() {
	for i := range m.millis {
		m.millis[i] = max(m.millis[i], m.in.marks[i])
		if m.in.idle[i] {
			m.millis[i] = max(m.millis[i], m.in.current)
		}
	}
}

// end notes that an input is over, and reports whether both are.
func (m *timedMarks) end(input int) (all bool) {
	m.ended[input] = true
	all = m.in.end(input)
	m.in.setIdle(input, true)
	m.update()
	m.millis[input] = endOfTime
	return all
}

// time is an input's watermark in the unit of the times.
func (m *timedMarks) time(input int) int64 {
	w := m.millis[input]
	switch {
	case w > math.MaxInt64/m.perMilli:
		return math.MaxInt64
	case w < math.MinInt64/m.perMilli:
		return math.MinInt64
	}
	return w * m.perMilli
}

// millisOf is a time in milliseconds; the ends of time stay what they are.
func (m *timedMarks) millisOf(t int64) int64 {
	if t == math.MaxInt64 || t == math.MinInt64 {
		return t
	}
	return floorDiv(t, m.perMilli)
}

// plus adds without overflow; the ends of time stay what they are.
func plus(t, by int64) int64 {
	switch s := t + by; {
	case t == math.MaxInt64 || t == math.MinInt64:
		return t
	case by > 0 && s < t:
		return math.MaxInt64
	case by < 0 && s > t:
		return math.MinInt64
	default:
		return s
	}
}

// minus is plus of -by, where by may be an open bound.
func minus(t, by int64) int64 {
	if by == math.MinInt64 {
		return plus(t, math.MaxInt64)
	}
	return plus(t, -by)
}

// timedSide is what an input of a join by time does with everything but rows.
type timedSide struct {
	marks   *timedMarks
	side    int
	out     Receiver
	advance func(ctx context.Context) error // the join's, when the marks moved
}

// Watermark implements Receiver.
func (s timedSide) Watermark(ctx context.Context, millis int64) error {
	s.marks.in.watermark(s.side, millis)
	s.marks.update()
	return s.advance(ctx)
}

// Idle implements Receiver.
func (s timedSide) Idle(ctx context.Context, idle bool) error {
	s.marks.in.setIdle(s.side, idle)
	s.marks.update()
	if err := s.advance(ctx); err != nil {
		return err
	}
	return s.marks.in.passIdle(ctx, s.out)
}

// End implements Receiver.
func (s timedSide) End(ctx context.Context) error {
	all := s.marks.end(s.side)
	if err := s.advance(ctx); err != nil {
		return err
	}
	if all {
		return s.out.End(ctx)
	}
	return s.marks.in.passIdle(ctx, s.out)
}
