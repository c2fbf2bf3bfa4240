package exec

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// joinSlice is a run of one side's rows with the rows of the other side that have
// their key.
type joinSlice struct {
	j    *changelogJoin
	side int
	b    *batch.Batch
	from int // the first row
	// rows and others are the pairs, in row order.
	rows, others []int32
	matches      []int64 // by row of b

	out moves
}

// moves are changes of a join's output: a row of each side, -1 for NULLs, and the
// difference.
type moves struct {
	rows, others []int32
	diffs        []int8
	retracts     bool
}

// add appends a move times times; a negative number turns it around.
func (m *moves) add(row, other int32, diff int8, times int64) {
	if times < 0 {
		diff, times = -diff, -times
	}
	m.retracts = m.retracts || diff < 0 && times > 0
	for range times {
		m.rows, m.others, m.diffs = append(m.rows, row), append(m.others, other), append(m.diffs, diff)
	}
}

// emit sends what the slice up to row to changes.
func (s *joinSlice) emit(ctx context.Context, to int) error {
	j := s.j
	other := j.sides[1-s.side].index
	if err := s.filter(); err != nil {
		return err
	}
	for i, row := range s.rows {
		s.matches[row] += other.counts[s.others[i]]
	}
	s.out = moves{}
	tracks := j.tracks(1 - s.side)
	if tracks {
		s.count(other)
		s.pads(other, true)
	}
	switch {
	case !j.leftOnly():
		s.pairs(other, to)
	case s.side == 0:
		for row := s.from; row < to; row++ {
			if (s.matches[row] > 0) == (j.kind == plan.JoinSemi) {
				s.out.add(int32(row), -1, s.b.Diff(row), 1)
			}
		}
	}
	if tracks {
		s.pads(other, false)
		for _, t := range j.touched {
			j.seen[t.id] = false
		}
		j.touched = j.touched[:0]
	}
	if len(s.out.rows) == 0 {
		return nil
	}
	return j.out.Batch(ctx, s.batch())
}

// filter drops the pairs that fail the residual condition.
func (s *joinSlice) filter() error {
	j := s.j
	if j.residual == nil || len(s.rows) == 0 {
		return nil
	}
	pairs := s.columns(s.rows, s.others)
	j.errs.Reset()
	sel, all, err := j.residual.Select(pairs, &j.errs)
	if err != nil {
		return err
	}
	if _, err := j.faults.rows(pairs, &j.errs); err != nil {
		return err
	}
	if !all {
		s.rows, s.others = picked(s.rows, sel), picked(s.others, sel)
	}
	return nil
}

// count changes the matches of the other side's rows.
func (s *joinSlice) count(other *rowIndex) {
	j := s.j
	for i, row := range s.rows {
		id := s.others[i]
		if !j.seen[id] {
			j.seen[id] = true
			j.touched = append(j.touched, touchedRow{id, other.matches[id] > 0})
		}
		other.matches[id] += int64(s.b.Diff(int(row)))
	}
}

// pads shows or takes back the other side's rows that lost their last match or
// found a first one. What goes is sent before the pairs, what comes after them.
func (s *joinSlice) pads(other *rowIndex, before bool) {
	matchedShown := s.j.kind == plan.JoinSemi
	for _, t := range s.j.touched {
		now := other.matches[t.id] > 0
		if now == t.matched || (now == matchedShown) == before {
			continue
		}
		diff := int8(1)
		if before {
			diff = -1
		}
		s.out.add(-1, t.id, diff, other.counts[t.id])
	}
}

// pairs adds the matches of each row, or the row with NULLs.
func (s *joinSlice) pairs(other *rowIndex, to int) {
	padded, at := s.j.sides[s.side].padded, 0
	for row := int32(s.from); row < int32(to); row++ {
		diff := s.b.Diff(int(row))
		for ; at < len(s.rows) && s.rows[at] == row; at++ {
			s.out.add(row, s.others[at], diff, other.counts[s.others[at]])
		}
		if padded && s.matches[row] <= 0 {
			s.out.add(row, -1, diff, 1)
		}
	}
}

// columns lays pairs out in the order left, right.
func (s *joinSlice) columns(rows, others []int32) *batch.Batch {
	own, opposite := takeColumns(s.b.Cols, rows), s.j.sides[1-s.side].index.columns(others)
	if s.side == 1 {
		own, opposite = opposite, own
	}
	return batch.New(append(append([]arrow.Array(nil), own...), opposite...), len(rows))
}

// batch is the slice's output.
func (s *joinSlice) batch() *batch.Batch {
	var out *batch.Batch
	switch {
	case !s.j.leftOnly():
		out = s.columns(s.out.rows, s.out.others)
	case s.side == 0:
		out = batch.New(takeColumns(s.b.Cols, s.out.rows), len(s.out.rows))
	default:
		out = batch.New(s.j.sides[0].index.columns(s.out.others), len(s.out.rows))
	}
	if s.out.retracts {
		out.Diffs = s.out.diffs
	}
	out.ReadAtNanos, out.ProducedAtMillis = s.b.ReadAtNanos, s.b.ProducedAtMillis
	return out
}
