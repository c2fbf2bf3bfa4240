package kafka

import (
	"encoding/hex"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/connectors"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// includeColumn is one metadata column: INCLUDE key|partition|offset|timestamp|headers.
type includeColumn struct {
	what   string
	column int
	typ    types.Type
	build  func(b *drained, record []int32, rows int) arrow.Array
}

// includeTypes are the column types that each kind of metadata can have, the
// natural one first.
var includeTypes = map[string][]types.Kind{
	"key":       {types.Bytea, types.Text},
	"partition": {types.Int32, types.Int64},
	"offset":    {types.Int64},
	"timestamp": {types.TimestampTZ, types.Timestamp, types.Int64},
	"headers":   {types.JSONB, types.JSON, types.Text},
}

func includeColumns(rel connectors.Relation) ([]includeColumn, error) {
	var out []includeColumn
	for _, inc := range rel.Includes {
		f := rel.Schema.Fields[inc.Column]
		kinds, known := includeTypes[inc.What]
		if !known {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "a Kafka source has no metadata %q", inc.What).
				WithHint("INCLUDE takes key, partition, offset, timestamp or headers.")
		}
		fits := false
		for _, k := range kinds {
			fits = fits || k == f.Type.Kind
		}
		if !fits {
			return nil, pgerr.Newf(pgerr.DatatypeMismatch, "INCLUDE %s cannot be a column of type %s", inc.What, f.Type).
				WithHint("Its type is %s.", types.Of(kinds[0]))
		}
		c := includeColumn{what: inc.What, column: inc.Column, typ: f.Type}
		c.build = c.builder()
		out = append(out, c)
	}
	return out, nil
}

func (c includeColumn) builder() func(b *drained, record []int32, rows int) arrow.Array {
	switch c.what {
	case "partition":
		return c.partitions
	case "offset":
		return func(b *drained, record []int32, rows int) arrow.Array {
			return fixed(c.typ, arrow.Int64Traits.CastToBytes(pick(b.offsets, record, rows)), nil, rows)
		}
	case "timestamp":
		return c.timestamps
	case "headers":
		return c.headers
	}
	return c.keys
}

func (c includeColumn) partitions(b *drained, record []int32, rows int) arrow.Array {
	narrow := pick(b.partitions, record, rows)
	if c.typ.Kind == types.Int32 {
		return fixed(c.typ, arrow.Int32Traits.CastToBytes(narrow), nil, rows)
	}
	wide := make([]int64, rows)
	for i, p := range narrow {
		wide[i] = int64(p)
	}
	return fixed(c.typ, arrow.Int64Traits.CastToBytes(wide), nil, rows)
}

// timestamps gives the record's time, NULL where the broker keeps none.
func (c includeColumn) timestamps(b *drained, record []int32, rows int) arrow.Array {
	millis := pick(b.timestamps, record, rows)
	unit := int64(1000)
	if c.typ.Kind == types.Int64 {
		unit = 1
	}
	nulls := newNulls(rows)
	for i, ms := range millis {
		if ms < 0 {
			nulls.set(i)
		}
		millis[i] = ms * unit
	}
	return fixed(c.typ, arrow.Int64Traits.CastToBytes(millis), nulls, rows)
}

func (c includeColumn) keys(b *drained, record []int32, rows int) arrow.Array {
	data := make([]byte, 0, len(b.records.Keys))
	ends := make([]int32, rows+1)
	nulls := newNulls(rows)
	for i := range rows {
		key := b.records.Key(recordOf(record, i))
		switch {
		case key == nil:
			nulls.set(i)
		case c.typ.Kind == types.Bytea:
			data = append(data, key...)
		default:
			data = appendText(data, key)
		}
		ends[i+1] = int32(len(data))
	}
	return variable(c.typ, data, ends, nulls, rows)
}

func recordOf(record []int32, row int) int {
	if record == nil {
		return row
	}
	return int(record[row])
}

// appendText appends bytes as text: as they are where they are UTF-8 without a
// zero byte, else as PostgreSQL writes a bytea.
func appendText(dst, b []byte) []byte {
	if utf8.Valid(b) && !hasZero(b) {
		return append(dst, b...)
	}
	return hex.AppendEncode(append(dst, '\\', 'x'), b)
}

func hasZero(b []byte) bool {
	for _, c := range b {
		if c == 0 {
			return true
		}
	}
	return false
}

// nulls is an Arrow validity bitmap that starts all valid.
type nulls struct {
	bits  []byte
	count int
}

func newNulls(rows int) *nulls {
	n := &nulls{bits: make([]byte, (rows+7)/8)}
	for i := range n.bits {
		n.bits[i] = 0xff
	}
	return n
}

func (n *nulls) set(i int) {
	n.bits[i/8] &^= 1 << (i % 8)
	n.count++
}

// buffer returns the bitmap, nil where nothing is null.
func (n *nulls) buffer() (*memory.Buffer, int) {
	if n == nil || n.count == 0 {
		return nil, 0
	}
	return memory.NewBufferBytes(n.bits), n.count
}

func fixed(t types.Type, values []byte, n *nulls, rows int) arrow.Array {
	valid, count := n.buffer()
	return array.MakeFromData(array.NewData(t.Arrow(), rows, []*memory.Buffer{valid, memory.NewBufferBytes(values)}, nil, count, 0))
}

func variable(t types.Type, data []byte, ends []int32, n *nulls, rows int) arrow.Array {
	valid, count := n.buffer()
	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(ends))
	return array.MakeFromData(array.NewData(t.Arrow(), rows, []*memory.Buffer{valid, offsets, memory.NewBufferBytes(data)}, nil, count, 0))
}
