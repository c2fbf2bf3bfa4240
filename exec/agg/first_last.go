package agg

import (
	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/types"
)

// place is where a row stands in its group: by event time, then by arrival.
type place struct{ order, seq int64 }

func (p place) after(o place) bool {
	return p.order > o.order || p.order == o.order && p.seq >= o.seq
}

// edge is first_value or last_value of a type of up to 8 bytes. NULL is a value
// like any other unless skipNulls (any_value).
type edge struct {
	place
	bits uint64
	has  edgeHas
}

// edgeHas says whether a group has had a row, and whether its value is NULL.
type edgeHas uint8

const (
	edgeNone edgeHas = iota
	edgeValue
	edgeNull
)

// arrivals numbers the rows that an Accumulator has seen.
type arrivals struct{ next int64 }

// edges is first_value, last_value and any_value over rows that stay.
type edges struct {
	cells[edge]
	arrivals
	arg             types.Type
	last, skipNulls bool
	wide            *byteStore // the values as rows, where they don't fit edge.bits
	encoder         *rowcodec.Encoder
	decoder         *rowcodec.Decoder
	rows            rowcodec.Rows
	values          []uint64 // scratch of narrow types
}

func newEdges(s *Spec, last, skipNulls bool) *edges {
	a := &edges{arg: s.Args[0], last: last, skipNulls: skipNulls}
	if w := rowcodec.Width(a.arg); w <= 0 || w > 8 {
		ts := s.Args[:1]
		a.wide, a.encoder, a.decoder = &byteStore{}, rowcodec.NewEncoder(ts), rowcodec.NewDecoder(ts)
	}
	return a
}

func (a *edges) Grow(groups int) {
	a.cells.Grow(groups)
	if a.wide != nil {
		a.wide.grow(groups)
	}
}

func (a *edges) Update(in *Input) {
	col := rowcodec.View(a.arg, in.Args[0])
	var values []uint64
	if a.wide == nil {
		values = a.widen(&col, len(in.IDs))
	}
	winners := a.pick(in, &col, values)
	if a.wide == nil || len(winners) == 0 {
		return
	}
	a.rows.Reset()
	a.encoder.Encode(in.Args[:1], len(in.IDs), winners, &a.rows)
	for i, row := range winners {
		a.wide.set(in.IDs[row], a.rows.Row(i))
	}
}

// widen returns the values as 8 bytes each, to be read only.
func (a *edges) widen(col *rowcodec.Column, n int) []uint64 {
	a.values = a.values[:0]
	switch rowcodec.Width(a.arg) {
	case 8:
		return fixed[uint64](col, n)
	case 4:
		for _, v := range fixed[uint32](col, n) {
			a.values = append(a.values, uint64(v))
		}
	case 2:
		for _, v := range fixed[uint16](col, n) {
			a.values = append(a.values, uint64(v))
		}
	case 1:
		for i := range n {
			a.values = append(a.values, uint64(flag(col.Bool(i))))
		}
	}
	return a.values
}

// pick moves the cells to the rows of the batch that win. For wide values it
// returns the rows that won when they came, in order.
func (a *edges) pick(in *Input, col *rowcodec.Column, values []uint64) []int32 {
	var winners []int32
	for i, id := range in.IDs {
		null := col.Nulls != nil && col.Null(i)
		if null && a.skipNulls {
			continue
		}
		at := place{seq: a.next + int64(i)}
		if in.Order != nil {
			at.order = in.Order[i]
		}
		s := &a.state[id]
		if s.has != edgeNone && at.after(s.place) != a.last {
			continue
		}
		s.place, s.has = at, edgeValue
		if null {
			s.has = edgeNull
		}
		if a.wide == nil {
			s.bits = values[i]
		} else {
			winners = append(winners, int32(i))
		}
	}
	a.next += int64(len(in.IDs))
	return winners
}

func (a *edges) Merge(from Accumulator, fromIDs, toIDs []uint32) {
	other := from.(*edges)
	shift := int64(0)
	if other != a { // what arrives now comes after all of both
		shift = a.next
		a.next += other.next
	}
	for i, id := range fromIDs {
		s, to := other.state[id], &a.state[toIDs[i]]
		s.seq += shift
		if s.has == edgeNone || to.has != edgeNone && s.place.after(to.place) != a.last {
			continue
		}
		*to = s
		if a.wide != nil {
			v, _ := other.wide.get(id)
			a.wide.set(toIDs[i], v)
		}
	}
}

func (a *edges) Result(ids []uint32) (arrow.Array, error) {
	if a.wide != nil {
		return a.wideResult(ids)
	}
	out := newOutput(a.arg, len(ids))
	for i, id := range ids {
		s := &a.state[id]
		if s.has != edgeValue {
			out.null(i)
		}
		out.bits(i, s.bits)
	}
	return out.array(), nil
}

func (a *edges) wideResult(ids []uint32) (arrow.Array, error) {
	rows := make([][]byte, len(ids))
	for i, id := range ids {
		if row, ok := a.wide.get(id); ok {
			rows[i] = row
		} else {
			rows[i] = nullRow
		}
	}
	cols, err := a.decoder.Decode(rows)
	if err != nil {
		return nil, err
	}
	return cols[0], nil
}

// nullRow is a row of one column that is NULL.
var nullRow = []byte{1}

func (a *edges) Clear(ids []uint32) {
	a.cells.Clear(ids)
	if a.wide == nil {
		return
	}
	for _, id := range ids {
		a.wide.clear(id)
	}
	a.wide.compact()
}

func (a *edges) SizeBytes() int64 {
	size := a.cells.SizeBytes() + int64(8*cap(a.values)) + a.rows.SizeBytes()
	if a.wide != nil {
		size += a.wide.sizeBytes()
	}
	return size
}

func (a *edges) Snapshot(w *rowcodec.StateWriter) {
	w.Int64(a.next)
	w.Uvarint(uint64(len(a.state)))
	for _, s := range a.state {
		w.Byte(byte(s.has))
		if s.has != edgeNone {
			w.Int64(s.order)
			w.Int64(s.seq)
			w.Uint64(s.bits)
		}
	}
	if a.wide != nil {
		a.wide.snapshot(w)
	}
}

func (a *edges) Restore(r *rowcodec.StateReader) error {
	a.next = r.Int64()
	a.state = a.state[:0]
	for range r.Count(maxGroups) {
		s := edge{has: edgeHas(r.Byte())}
		if s.has != edgeNone {
			s.order, s.seq, s.bits = r.Int64(), r.Int64(), r.Uint64()
		}
		if s.has > edgeNull {
			r.Corrupt("first_value with flag %d", s.has)
		}
		if r.Err() != nil {
			break
		}
		a.state = append(rowcodec.Doubled(a.state), s)
	}
	if a.wide == nil || r.Err() != nil {
		return r.Err()
	}
	return a.restoreWide(r)
}

func (a *edges) restoreWide(r *rowcodec.StateReader) error {
	if err := a.wide.restore(r); err != nil {
		return err
	}
	if len(a.wide.refs) != len(a.state) {
		return r.Corrupt("%d values of %d groups", len(a.wide.refs), len(a.state))
	}
	for id := range a.state {
		row, ok := a.wide.get(uint32(id))
		if ok != (a.state[id].has != edgeNone) {
			return r.Corrupt("group %d has no value", id)
		}
		if ok {
			if _, err := a.decoder.Decode([][]byte{row}); err != nil {
				return r.Corrupt("%v", err)
			}
		}
	}
	return nil
}
