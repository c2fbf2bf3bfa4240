// Package column holds the buffers that a decoder fills: typed Go slices in
// Arrow's layout, so that a finished column is an Arrow array without a copy.
//
// Nouns: Column (the values of one declared column, or of one field, element or
// key inside it).
//
// Rule: one value is appended to exactly one of a column's slices, the one that
// its type names (see Column); NULL goes through AppendNull. A decoder that
// fails inside a row truncates every column to the rows before it.
package column

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/sql/types"
)

// Column is the buffer of one column. The exported slices are for decoders to
// append to; which one a type uses:
//
//	Bools      boolean                    Ints16     smallint
//	Ints32     integer, date              Ints64     bigint, oid, time, timestamp[tz]
//	Floats32   real                       Floats64   double precision
//	Decimals   numeric                    Fixed      uuid, 16 bytes each
//	Intervals  interval
//	Data, Ends text, bytea, json[b]: the bytes, then their end in Ends
//	Ends, Kids arrays and maps: elements (or keys and values) into Kids, then
//	           the number of elements in Ends
//	Kids, Rows structs: each field into its Kid, then Rows++
type Column struct {
	Type types.Type

	Bools     []bool
	Ints16    []int16
	Ints32    []int32
	Ints64    []int64
	Floats32  []float32
	Floats64  []float64
	Decimals  []decimal128.Num
	Intervals []arrow.MonthDayNanoInterval
	Fixed     []byte
	Data      []byte
	Ends      []int32 // starts with a 0
	Kids      []*Column
	Rows      int // of a struct

	arrow arrow.DataType
	// valid is Arrow's validity bitmap as far as there was a NULL: bits that it
	// does not reach are set. nulls counts its zeros.
	valid    []byte
	nulls    int
	dataHint int // bytes of Data in the last batch
	kidHint  int // elements in the last batch
}

// uuidSize is the width of a uuid.
const uuidSize = 16

// New returns an empty column for values of the type.
func New(t types.Type) *Column {
	c := &Column{Type: t, arrow: t.Arrow()}
	switch t.Kind {
	case types.Array:
		c.Kids = []*Column{New(*t.Elem)}
	case types.Map:
		c.Kids = []*Column{New(*t.Key), New(*t.Elem)}
	case types.Struct:
		for _, f := range t.Fields {
			c.Kids = append(c.Kids, New(f.Type))
		}
	}
	c.Reset(0)
	return c
}

// Reset gives the column new buffers with room for so many rows. What Finish
// returned before keeps the old ones.
func (c *Column) Reset(rows int) {
	c.valid, c.nulls, c.Rows = nil, 0, 0
	kidRows := rows
	switch c.Type.Kind {
	case types.Bool:
		c.Bools = c.Bools[:0] // Finish packs them into a new buffer
	case types.Int16:
		c.Ints16 = make([]int16, 0, rows)
	case types.Int32, types.Date:
		c.Ints32 = make([]int32, 0, rows)
	case types.Int64, types.OID, types.Time, types.Timestamp, types.TimestampTZ:
		c.Ints64 = make([]int64, 0, rows)
	case types.Float32:
		c.Floats32 = make([]float32, 0, rows)
	case types.Float64:
		c.Floats64 = make([]float64, 0, rows)
	case types.Numeric:
		c.Decimals = make([]decimal128.Num, 0, rows)
	case types.Interval:
		c.Intervals = make([]arrow.MonthDayNanoInterval, 0, rows)
	case types.UUID:
		c.Fixed = make([]byte, 0, rows*uuidSize)
	case types.Array, types.Map:
		c.resetEnds(rows)
		kidRows = c.kidHint
	case types.Struct:
	default:
		c.resetEnds(rows)
		c.Data = make([]byte, 0, c.dataHint)
	}
	for _, kid := range c.Kids {
		kid.Reset(kidRows)
	}
}

func (c *Column) resetEnds(rows int) {
	c.Ends = append(make([]int32, 0, rows+1), 0)
}

// Len returns the number of values.
func (c *Column) Len() int {
	switch c.Type.Kind {
	case types.Bool:
		return len(c.Bools)
	case types.Int16:
		return len(c.Ints16)
	case types.Int32, types.Date:
		return len(c.Ints32)
	case types.Int64, types.OID, types.Time, types.Timestamp, types.TimestampTZ:
		return len(c.Ints64)
	case types.Float32:
		return len(c.Floats32)
	case types.Float64:
		return len(c.Floats64)
	case types.Numeric:
		return len(c.Decimals)
	case types.Interval:
		return len(c.Intervals)
	case types.UUID:
		return len(c.Fixed) / uuidSize
	case types.Struct:
		return c.Rows
	}
	return len(c.Ends) - 1
}

// AppendNull appends a NULL.
func (c *Column) AppendNull() {
	c.setNull(c.Len())
	c.appendZero()
}

func (c *Column) appendZero() {
	switch c.Type.Kind {
	case types.Bool:
		c.Bools = append(c.Bools, false)
	case types.Int16:
		c.Ints16 = append(c.Ints16, 0)
	case types.Int32, types.Date:
		c.Ints32 = append(c.Ints32, 0)
	case types.Int64, types.OID, types.Time, types.Timestamp, types.TimestampTZ:
		c.Ints64 = append(c.Ints64, 0)
	case types.Float32:
		c.Floats32 = append(c.Floats32, 0)
	case types.Float64:
		c.Floats64 = append(c.Floats64, 0)
	case types.Numeric:
		c.Decimals = append(c.Decimals, decimal128.Num{})
	case types.Interval:
		c.Intervals = append(c.Intervals, arrow.MonthDayNanoInterval{})
	case types.UUID:
		c.Fixed = append(c.Fixed, make([]byte, uuidSize)...)
	case types.Struct:
		for _, kid := range c.Kids {
			kid.AppendNull()
		}
		c.Rows++
	default:
		c.Ends = append(c.Ends, c.Ends[len(c.Ends)-1])
	}
}

func (c *Column) setNull(i int) {
	for len(c.valid) <= i/8 {
		c.valid = append(c.valid, 0xFF)
	}
	c.valid[i/8] &^= 1 << (i % 8)
	c.nulls++
}

// Truncate drops the values from n on, half appended ones included.
func (c *Column) Truncate(n int) {
	for i := n; i < len(c.valid)*8; i++ {
		if c.valid[i/8]&(1<<(i%8)) == 0 {
			c.valid[i/8] |= 1 << (i % 8)
			c.nulls--
		}
	}
	switch c.Type.Kind {
	case types.Bool:
		c.Bools = c.Bools[:n]
	case types.Int16:
		c.Ints16 = c.Ints16[:n]
	case types.Int32, types.Date:
		c.Ints32 = c.Ints32[:n]
	case types.Int64, types.OID, types.Time, types.Timestamp, types.TimestampTZ:
		c.Ints64 = c.Ints64[:n]
	case types.Float32:
		c.Floats32 = c.Floats32[:n]
	case types.Float64:
		c.Floats64 = c.Floats64[:n]
	case types.Numeric:
		c.Decimals = c.Decimals[:n]
	case types.Interval:
		c.Intervals = c.Intervals[:n]
	case types.UUID:
		c.Fixed = c.Fixed[:n*uuidSize]
	case types.Struct:
		c.Rows = n
		c.truncateKids(n)
	case types.Array, types.Map:
		c.Ends = c.Ends[:n+1]
		c.truncateKids(int(c.Ends[n]))
	default:
		c.Ends = c.Ends[:n+1]
		c.Data = c.Data[:c.Ends[n]]
	}
}

func (c *Column) truncateKids(n int) {
	for _, kid := range c.Kids {
		kid.Truncate(n)
	}
}

// Finish returns the column as an Arrow array, which takes the buffers over;
// Reset must follow before more is appended.
func (c *Column) Finish() arrow.Array { return array.MakeFromData(c.finish()) }

func (c *Column) finish() arrow.ArrayData {
	n := c.Len()
	buffers := []*memory.Buffer{c.validity(n)}
	var kids []arrow.ArrayData
	switch c.Type.Kind {
	case types.Struct:
		kids = c.finishKids()
	case types.Array:
		c.kidHint = c.Kids[0].Len()
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.Ends)))
		kids = c.finishKids()
	case types.Map:
		c.kidHint = c.Kids[0].Len()
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.Ends)))
		entries := array.NewData(c.arrow.(*arrow.MapType).Elem(), c.kidHint, []*memory.Buffer{nil}, c.finishKids(), 0, 0)
		kids = []arrow.ArrayData{entries}
	case types.Text, types.Bytea, types.JSON, types.JSONB:
		c.dataHint = len(c.Data) + len(c.Data)/8
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.Ends)), memory.NewBufferBytes(c.Data))
	default:
		buffers = append(buffers, memory.NewBufferBytes(c.values()))
	}
	return array.NewData(c.arrow, n, buffers, kids, c.nulls, 0)
}

func (c *Column) finishKids() []arrow.ArrayData {
	kids := make([]arrow.ArrayData, len(c.Kids))
	for i, kid := range c.Kids {
		kids[i] = kid.finish()
	}
	return kids
}

// validity returns the bitmap, nil where nothing is NULL.
func (c *Column) validity(n int) *memory.Buffer {
	if c.nulls == 0 {
		return nil
	}
	for len(c.valid) < (n+7)/8 {
		c.valid = append(c.valid, 0xFF)
	}
	return memory.NewBufferBytes(c.valid)
}

// values returns the bytes of a column of fixed width.
func (c *Column) values() []byte {
	switch c.Type.Kind {
	case types.Bool:
		packed := make([]byte, (len(c.Bools)+7)/8)
		for i, v := range c.Bools {
			if v {
				packed[i/8] |= 1 << (i % 8)
			}
		}
		return packed
	case types.Int16:
		return arrow.Int16Traits.CastToBytes(c.Ints16)
	case types.Int32, types.Date:
		return arrow.Int32Traits.CastToBytes(c.Ints32)
	case types.Float32:
		return arrow.Float32Traits.CastToBytes(c.Floats32)
	case types.Float64:
		return arrow.Float64Traits.CastToBytes(c.Floats64)
	case types.Numeric:
		return arrow.Decimal128Traits.CastToBytes(c.Decimals)
	case types.Interval:
		return arrow.MonthDayNanoIntervalTraits.CastToBytes(c.Intervals)
	case types.UUID:
		return c.Fixed
	}
	return arrow.Int64Traits.CastToBytes(c.Ints64)
}
