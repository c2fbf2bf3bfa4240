package rowcodec

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/sql/types"
)

// Encoder writes columns of given types as rows. It keeps scratch memory, so one
// goroutine uses it at a time.
//
// A row is a bitmap of one bit per column (bit i%8 of byte i/8, set where column
// i is NULL), then the values that are not NULL in column order, little-endian:
//
//	boolean                       1 byte, 0 or 1
//	smallint                      2 bytes
//	integer, real, date           4 bytes
//	bigint, double, time,         8 bytes; times are microseconds
//	timestamp, timestamptz, oid
//	numeric                       16 bytes: two's complement at the type's stored scale
//	interval                      16 bytes: int32 months, int32 days, int64 nanoseconds
//	uuid                          16 bytes
//	text, bytea, json, jsonb      uvarint length, bytes
//	array                         uvarint n, bitmap of n NULLs, the elements
//	map                           uvarint n, bitmap of n NULL values, n times key, value
//	struct                        bitmap of NULL fields, the fields
type Encoder struct {
	types  []types.Type
	key    bool
	cols   []Column
	pos    []int
	nested []Rows // one for each column of a nested type
}

// NewEncoder returns an Encoder of exact rows: each value keeps its bits.
func NewEncoder(ts []types.Type) *Encoder { return newEncoder(ts, false) }

// NewKeyEncoder returns an Encoder of canonical rows: values that are NOT
// DISTINCT give equal bytes. Entries of maps are sorted by key.
func NewKeyEncoder(ts []types.Type) *Encoder { return newEncoder(ts, true) }

func newEncoder(ts []types.Type, key bool) *Encoder {
	return &Encoder{types: ts, key: key, cols: make([]Column, len(ts)), nested: make([]Rows, len(ts))}
}

// Encode appends one row to out for each row number in sel, or for each of n
// rows where sel is nil. The columns are of the Encoder's types.
func (e *Encoder) Encode(cols []arrow.Array, n int, sel []int32, out *Rows) {
	if sel != nil {
		n = len(sel)
	}
	if n == 0 {
		return
	}
	if cap(e.pos) < n {
		e.pos = make([]int, n)
	}
	e.pos = e.pos[:n]
	e.measure(cols, sel)
	start := len(out.Data)
	end := start
	for i, size := range e.pos {
		e.pos[i] = end
		end += size
		out.Ends = append(out.Ends, end)
	}
	out.Data = extend(out.Data, end-start)
	e.writeNulls(sel, out.Data)
	for c := range e.cols {
		e.writeColumn(c, sel, out.Data)
	}
	clear(e.cols)
}

// measure leaves each row's size in e.pos.
func (e *Encoder) measure(cols []arrow.Array, sel []int32) {
	fixed := (len(e.types) + 7) / 8
	for c, t := range e.types {
		e.cols[c] = View(t, cols[c])
		if w := Width(t); w > 0 && e.cols[c].Nulls == nil {
			fixed += w
		}
	}
	for i := range e.pos {
		e.pos[i] = fixed
	}
	for c, t := range e.types {
		switch w := Width(t); {
		case w < 0:
			e.encodeNested(c, t, sel)
		case w == 0 || e.cols[c].Nulls != nil:
			measureColumn(&e.cols[c], w, sel, e.pos)
		}
	}
}

func measureColumn(c *Column, w int, sel []int32, sizes []int) {
	for i := range sizes {
		row := rowAt(sel, i)
		switch {
		case c.Null(row):
		case w > 0:
			sizes[i] += w
		default:
			from, to := c.Span(row)
			sizes[i] += to - from + uvarintLen(uint64(to-from))
		}
	}
}

func (e *Encoder) encodeNested(c int, t types.Type, sel []int32) {
	rows, col := &e.nested[c], &e.cols[c]
	rows.Reset()
	for i := range e.pos {
		row := rowAt(sel, i)
		start := len(rows.Data)
		if !col.Null(row) {
			rows.Data = appendValue(rows.Data, t, col.arr, row, e.key)
		}
		rows.Ends = append(rows.Ends, len(rows.Data))
		e.pos[i] += len(rows.Data) - start
	}
}

func (e *Encoder) writeNulls(sel []int32, data []byte) {
	for c := range e.cols {
		col := &e.cols[c]
		if col.Nulls == nil {
			continue
		}
		for i, p := range e.pos {
			if col.Null(rowAt(sel, i)) {
				data[p+c/8] |= 1 << (c % 8)
			}
		}
	}
	for i := range e.pos {
		e.pos[i] += (len(e.types) + 7) / 8
	}
}

func (e *Encoder) writeColumn(c int, sel []int32, data []byte) {
	col, t := &e.cols[c], e.types[c]
	switch w := Width(t); {
	case w < 0:
		for i := range e.pos {
			e.pos[i] += copy(data[e.pos[i]:], e.nested[c].Row(i))
		}
	case w == 0:
		e.writeBytes(col, sel, data)
	case w == 8 && col.Nulls == nil && !(e.key && t.Kind == types.Float64):
		for i, p := range e.pos {
			binary.LittleEndian.PutUint64(data[p:], binary.LittleEndian.Uint64(col.Raw[8*rowAt(sel, i):]))
			e.pos[i] = p + 8
		}
	default:
		e.writeFixed(col, t, sel, data)
	}
}

func (e *Encoder) writeBytes(col *Column, sel []int32, data []byte) {
	for i, p := range e.pos {
		row := rowAt(sel, i)
		if col.Null(row) {
			continue
		}
		b := col.Bytes(row)
		if len(b) < 0x80 {
			data[p] = byte(len(b))
			p++
		} else {
			p += binary.PutUvarint(data[p:], uint64(len(b)))
		}
		e.pos[i] = p + copy(data[p:], b)
	}
}

func (e *Encoder) writeFixed(col *Column, t types.Type, sel []int32, data []byte) {
	w := Width(t)
	for i, p := range e.pos {
		row := rowAt(sel, i)
		if col.Null(row) {
			continue
		}
		if t.Kind == types.Bool {
			data[p] = col.boolByte(row)
		} else {
			copy(data[p:p+w], col.Raw[w*row:])
		}
		if e.key {
			Canonical(t.Kind, data[p:p+w])
		}
		e.pos[i] = p + w
	}
}

func rowAt(sel []int32, i int) int {
	if sel == nil {
		return i
	}
	return int(sel[i])
}

// extend lengthens b by n zero bytes.
func extend(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(b, make([]byte, n)...)
		return b
	}
	end := len(b) + n
	clear(b[len(b):end:end])
	return b[:end]
}
