package agg

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/types"
)

// number is what the types of up to 8 bytes that have an order are stored as.
type number interface {
	int16 | int32 | int64 | float32 | float64
}

// extreme is the least or the greatest value of a group.
type extreme[T number] struct {
	v   T
	set bool
}

// newExtreme is min and max of a type that is stored as a T; bits gives a value's
// bytes.
func newExtreme[T number](s *Spec, greatest bool, bits func(T) uint64, from func(uint64) T) Accumulator {
	arg := s.Args[0]
	update := updateMin[T]
	if greatest {
		update = updateMax[T]
	}
	return &cells[extreme[T]]{kind: cellKind[extreme[T]]{
		update: func(state []extreme[T], in *Input) {
			col := rowcodec.View(arg, in.Args[0])
			update(state, in, &col)
		},
		merge: func(to, from *extreme[T]) {
			if from.set && (!to.set || greatest && above(from.v, to.v) || !greatest && above(to.v, from.v)) {
				*to = *from
			}
		},
		result: func(state []extreme[T], ids []uint32) (arrow.Array, error) {
			out := newOutput(s.Result, len(ids))
			for i, id := range ids {
				if !state[id].set {
					out.null(i)
				}
				out.bits(i, bits(state[id].v))
			}
			return out.array(), nil
		},
		write: func(w *rowcodec.StateWriter, s *extreme[T]) {
			w.Byte(flag(s.set))
			if s.set {
				w.Uint64(bits(s.v))
			}
		},
		read: func(r *rowcodec.StateReader, s *extreme[T]) {
			if s.set = r.Byte() != 0; s.set {
				s.v = from(r.Uint64())
			}
		},
	}}
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// above is a > b where NaN is above everything else.
func above[T number](a, b T) bool { return a > b || a != a && b == b }

func updateMin[T number](state []extreme[T], in *Input, col *rowcodec.Column) {
	for i, v := range fixed[T](col, len(in.IDs)) {
		if col.Nulls != nil && col.Null(i) {
			continue
		}
		if s := &state[in.IDs[i]]; !s.set || above(s.v, v) {
			s.v, s.set = v, true
		}
	}
}

func updateMax[T number](state []extreme[T], in *Input, col *rowcodec.Column) {
	for i, v := range fixed[T](col, len(in.IDs)) {
		if col.Nulls != nil && col.Null(i) {
			continue
		}
		if s := &state[in.IDs[i]]; !s.set || above(v, s.v) {
			s.v, s.set = v, true
		}
	}
}

// wideExtreme is the least or greatest value of 16 bytes: the value, and words
// that compare as it does.
type wideExtreme struct {
	hi    int64
	lo    uint64
	value [2]uint64
	set   bool
}

func (e *wideExtreme) above(o *wideExtreme) bool {
	return e.hi > o.hi || e.hi == o.hi && e.lo > o.lo
}

// wideOrder returns value i of a column of 16 bytes.
func wideOrder(k types.Kind, raw []byte) wideExtreme {
	lo, hi := binary.LittleEndian.Uint64(raw), binary.LittleEndian.Uint64(raw[8:])
	e := wideExtreme{hi: int64(hi), lo: lo, value: [2]uint64{lo, hi}, set: true}
	switch k {
	case types.UUID:
		e.hi, e.lo = int64(binary.BigEndian.Uint64(raw)^1<<63), binary.BigEndian.Uint64(raw[8:])
	case types.Interval:
		days, nanos := rowcodec.IntervalLength(raw)
		e.hi, e.lo = days, uint64(nanos)^1<<63
	}
	return e
}

// newWideExtreme is min and max of numeric, interval and uuid.
func newWideExtreme(s *Spec, greatest bool) Accumulator {
	arg := s.Args[0]
	merge := func(to, from *wideExtreme) {
		if from.set && (!to.set || greatest && from.above(to) || !greatest && to.above(from)) {
			*to = *from
		}
	}
	return &cells[wideExtreme]{kind: cellKind[wideExtreme]{
		update: func(state []wideExtreme, in *Input) {
			col := rowcodec.View(arg, in.Args[0])
			for i, id := range in.IDs {
				if !col.Null(i) {
					v := wideOrder(arg.Kind, col.Raw[16*i:])
					merge(&state[id], &v)
				}
			}
		},
		merge: merge,
		result: func(state []wideExtreme, ids []uint32) (arrow.Array, error) {
			out := newOutput(s.Result, len(ids))
			for i, id := range ids {
				if !state[id].set {
					out.null(i)
				}
				out.wide(i, state[id].value[0], state[id].value[1])
			}
			return out.array(), nil
		},
		write: func(w *rowcodec.StateWriter, s *wideExtreme) {
			w.Byte(flag(s.set))
			if s.set {
				w.Uint64(s.value[0])
				w.Uint64(s.value[1])
			}
		},
		read: func(r *rowcodec.StateReader, s *wideExtreme) {
			if r.Byte() != 0 {
				var raw [16]byte
				binary.LittleEndian.PutUint64(raw[:], r.Uint64())
				binary.LittleEndian.PutUint64(raw[8:], r.Uint64())
				*s = wideOrder(arg.Kind, raw[:])
			}
		},
	}}
}
