package agg

import (
	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/types"
)

// newCount is count(*) and count(x).
func newCount(s *Spec) Accumulator {
	return &cells[int64]{kind: cellKind[int64]{
		update: func(state []int64, in *Input) { updateCount(s, state, in) },
		merge:  func(to, from *int64) { *to += *from },
		result: func(state []int64, ids []uint32) (arrow.Array, error) {
			out := newOutput(s.Result, len(ids))
			for i, id := range ids {
				out.bits(i, uint64(state[id]))
			}
			return out.array(), nil
		},
		write: func(w *rowcodec.StateWriter, n *int64) { w.Int64(*n) },
		read:  func(r *rowcodec.StateReader, n *int64) { *n = r.Int64() },
	}}
}

func updateCount(s *Spec, state []int64, in *Input) {
	nulls := len(s.Args) == 1 && in.Args[0].NullN() > 0
	switch {
	case nulls:
		col := rowcodec.View(s.Args[0], in.Args[0])
		for i, id := range in.IDs {
			if !col.Null(i) {
				state[id] += in.diff(i)
			}
		}
	case in.Diffs != nil:
		for i, id := range in.IDs {
			state[id] += int64(in.Diffs[i])
		}
	case in.oneGroup():
		state[in.IDs[0]] += int64(len(in.IDs))
	default:
		for _, id := range in.IDs {
			state[id]++
		}
	}
}

// tally counts true and false, for bool_and and bool_or.
type tally struct{ yes, no int64 }

func newBool(s *Spec, and bool) Accumulator {
	return &cells[tally]{kind: cellKind[tally]{
		update: updateTally,
		merge:  func(to, from *tally) { to.yes, to.no = to.yes+from.yes, to.no+from.no },
		result: func(state []tally, ids []uint32) (arrow.Array, error) {
			out := newOutput(s.Result, len(ids))
			for i, id := range ids {
				t := state[id]
				switch {
				case t.yes <= 0 && t.no <= 0:
					out.null(i)
				case and && t.no <= 0, !and && t.yes > 0:
					out.bits(i, 1)
				}
			}
			return out.array(), nil
		},
		write: func(w *rowcodec.StateWriter, t *tally) { w.Int64(t.yes); w.Int64(t.no) },
		read:  func(r *rowcodec.StateReader, t *tally) { t.yes, t.no = r.Int64(), r.Int64() },
	}}
}

func updateTally(state []tally, in *Input) {
	col := rowcodec.View(types.Of(types.Bool), in.Args[0])
	for i, id := range in.IDs {
		switch {
		case col.Null(i):
		case col.Bool(i):
			state[id].yes += in.diff(i)
		default:
			state[id].no += in.diff(i)
		}
	}
}
