package rowcodec

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/sql/types"
)

// Decoder turns rows back into columns. It keeps scratch memory, so one goroutine
// uses it at a time.
type Decoder struct {
	types []types.Type
	pos   []int
	rows  [][]byte
}

// NewDecoder returns a Decoder of rows that an Encoder of the same types made.
func NewDecoder(ts []types.Type) *Decoder { return &Decoder{types: ts} }

// Rows decodes all rows of an arena, or those with the given numbers where ids is
// not nil.
func (d *Decoder) Rows(r *Rows, ids []int32) ([]arrow.Array, error) {
	d.rows = d.rows[:0]
	if ids == nil {
		d.rows = r.Slices(d.rows)
	}
	for _, id := range ids {
		d.rows = append(d.rows, r.Row(int(id)))
	}
	return d.Decode(d.rows)
}

// Decode returns one array per type with the values of all rows. The arrays share
// no memory with rows. An error wraps ErrCorrupt; no bytes make it panic.
func (d *Decoder) Decode(rows [][]byte) ([]arrow.Array, error) {
	nullBytes := (len(d.types) + 7) / 8
	d.pos = d.pos[:0]
	for _, row := range rows {
		if len(row) < nullBytes {
			return nil, fmt.Errorf("%w: a row of %d bytes", ErrCorrupt, len(row))
		}
		d.pos = append(d.pos, nullBytes)
	}
	out := make([]arrow.Array, len(d.types))
	for c, t := range d.types {
		var err error
		switch w := Width(t); {
		case w < 0:
			out[c], err = d.nested(c, t, rows)
		case w == 0:
			out[c], err = d.variable(c, t, rows)
		default:
			out[c], err = d.fixed(c, t, w, rows)
		}
		if err != nil {
			return nil, fmt.Errorf("column %d (%s): %w", c, t, err)
		}
	}
	for i, row := range rows {
		if d.pos[i] != len(row) {
			return nil, fmt.Errorf("%w: a row of %d bytes has %d", ErrCorrupt, d.pos[i], len(row))
		}
	}
	return out, nil
}

func isNull(row []byte, c int) bool { return row[c/8]>>(c%8)&1 != 0 }

// Validity is a validity bitmap that is made at the first NULL.
type Validity struct {
	bits  []byte
	nulls int
}

// SetNull makes value i of n NULL.
func (v *Validity) SetNull(i, n int) {
	if v.bits == nil {
		v.bits = make([]byte, bitutil.BytesForBits(int64(n)))
		bitutil.SetBitsTo(v.bits, 0, int64(n), true)
	}
	bitutil.ClearBit(v.bits, i)
	v.nulls++
}

// Array makes an array of n values of type t from the buffers that follow the
// bitmap, which it takes over.
func (v *Validity) Array(t types.Type, n int, buffers ...[]byte) arrow.Array {
	bufs := []*memory.Buffer{nil}
	if v.bits != nil {
		bufs[0] = memory.NewBufferBytes(v.bits)
	}
	for _, b := range buffers {
		bufs = append(bufs, memory.NewBufferBytes(b))
	}
	return array.MakeFromData(array.NewData(t.Arrow(), n, bufs, nil, v.nulls, 0))
}

// List makes an array of n lists: t is an Array type, ends the int32 offsets into
// the elements.
func (v *Validity) List(t types.Type, n int, ends []byte, elements arrow.Array) arrow.Array {
	bufs := []*memory.Buffer{nil, memory.NewBufferBytes(ends)}
	if v.bits != nil {
		bufs[0] = memory.NewBufferBytes(v.bits)
	}
	return array.MakeFromData(array.NewData(t.Arrow(), n, bufs, []arrow.ArrayData{elements.Data()}, v.nulls, 0))
}

func (d *Decoder) fixed(c int, t types.Type, w int, rows [][]byte) (arrow.Array, error) {
	var valid Validity
	size := w * len(rows)
	if t.Kind == types.Bool {
		size = int(bitutil.BytesForBits(int64(len(rows))))
	}
	out := make([]byte, size)
	for i, row := range rows {
		if isNull(row, c) {
			valid.SetNull(i, len(rows))
			continue
		}
		p := d.pos[i]
		if len(row)-p < w {
			return nil, fmt.Errorf("%w: value cut off", ErrCorrupt)
		}
		switch {
		case t.Kind == types.Bool:
			bitutil.SetBitTo(out, i, row[p] != 0)
		case w == 8:
			binary.LittleEndian.PutUint64(out[8*i:], binary.LittleEndian.Uint64(row[p:]))
		default:
			copy(out[w*i:w*i+w], row[p:])
		}
		d.pos[i] = p + w
	}
	return valid.Array(t, len(rows), out), nil
}

func (d *Decoder) variable(c int, t types.Type, rows [][]byte) (arrow.Array, error) {
	var valid Validity
	ends := make([]byte, 4*(len(rows)+1))
	total := 0
	for i, row := range rows {
		if isNull(row, c) {
			valid.SetNull(i, len(rows))
		} else {
			n, used := lengthAt(row, d.pos[i])
			if used <= 0 {
				return nil, fmt.Errorf("%w: value cut off", ErrCorrupt)
			}
			total += n
		}
		if total > math.MaxInt32 {
			return nil, fmt.Errorf("a column of more than %d bytes", math.MaxInt32)
		}
		binary.LittleEndian.PutUint32(ends[4*i+4:], uint32(total))
	}
	out := make([]byte, 0, total)
	for i, row := range rows {
		if !isNull(row, c) {
			n, used := lengthAt(row, d.pos[i])
			from := d.pos[i] + used
			out = append(out, row[from:from+n]...)
			d.pos[i] = from + n
		}
	}
	return valid.Array(t, len(rows), ends, out), nil
}

// lengthAt reads a length and checks that as many bytes follow; used is 0 where
// they do not.
func lengthAt(row []byte, p int) (n, used int) {
	v, used := binary.Uvarint(row[p:])
	if used <= 0 || v > uint64(len(row)-p-used) {
		return 0, 0
	}
	return int(v), used
}

func (d *Decoder) nested(c int, t types.Type, rows [][]byte) (arrow.Array, error) {
	b := array.NewBuilder(memory.DefaultAllocator, t.Arrow())
	b.Reserve(len(rows))
	for i, row := range rows {
		if isNull(row, c) {
			b.AppendNull()
			continue
		}
		r := valueReader{row: row, pos: d.pos[i]}
		r.value(t, b)
		if r.bad {
			return nil, fmt.Errorf("%w: value cut off", ErrCorrupt)
		}
		d.pos[i] = r.pos
	}
	return b.NewArray(), nil
}
