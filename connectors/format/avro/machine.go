package avro

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"laminardb/connectors/format/column"
)

// opcode says what an op does; opCall does anything that is not in the hot loop.
type opcode uint8

const (
	opLong       opcode = iota // int or long -> Ints64
	opDouble                   // double -> Floats64
	opText                     // string -> Data, checked
	opInt                      // int -> Ints32
	opFloat                    // float -> Floats32
	opBool                     // boolean -> Bools
	opSkipVarint               // one varint
	opSkipBytes                // a length and that many bytes
	opSkipFixed                // n bytes
	opCall                     // fn
)

// op is one step of a program: it reads one value of the writer's schema and
// appends it to col, or skips it.
type op struct {
	code opcode
	// nullable says that a union of null and the value's type stands here;
	// nullByte is the encoded branch of null. A NULL is appended to col.
	nullable bool
	nullByte byte
	notNull  bool // NULL is refused
	// converter's parameters, see there
	mul, div int64
	n        int
	col      *column.Column
	fn       func(m *machine, o *op, b []byte, pos int) int
	sub      *program
	alts     []program // of a union, by branch
	node     *node
	data     []byte // of a constant
	path     string // the column or field, for reasons
}

// program reads one value.
type program struct{ ops []op }

const (
	// maxDepth bounds nested values: hostile data can nest a recursive schema
	// with one byte a level.
	maxDepth = 100
	// maxEmptyItems bounds array items that take no bytes, which the data's
	// length does not bound.
	maxEmptyItems = 1024
)

// machine runs programs. A step returns the position behind its value, or -1
// with the reason set. b is one record; its capacity may reach into the records
// behind, so that whole words can be loaded.
type machine struct {
	reason string
	depth  int
}

func (m *machine) fail(o *op, format string, args ...any) int {
	m.reason = fmt.Sprintf(format, args...)
	if o != nil && o.path != "" {
		m.reason = fmt.Sprintf("%q: %s", o.path, m.reason)
	}
	return -1
}

func (m *machine) short(o *op) int { return m.fail(o, "the record ends too early") }

const badVarint = "an integer has more than 64 bits"

func (m *machine) badVarint(o *op, n int) int {
	if n == 0 {
		return m.short(o)
	}
	return m.fail(o, badVarint)
}

// run executes the ops of one value.
func (m *machine) run(ops []op, b []byte, pos int) int {
	for i := range ops {
		o := &ops[i]
		if o.nullable {
			var isNull bool
			if pos, isNull = m.branchIsNull(o, b, pos); pos < 0 {
				return -1
			} else if isNull {
				continue
			}
		}
		switch o.code {
		case opDouble:
			if len(b)-pos < 8 {
				return m.short(o)
			}
			o.col.Floats64 = append(o.col.Floats64, math.Float64frombits(binary.LittleEndian.Uint64(b[pos:])))
			pos += 8
		case opLong:
			v, n := varint(b, pos)
			if n <= 0 {
				return m.badVarint(o, n)
			}
			o.col.Ints64 = append(o.col.Ints64, v)
			pos += n
		case opText:
			if pos = m.text(o, b, pos); pos < 0 {
				return -1
			}
		case opSkipFixed:
			if len(b)-pos < o.n {
				return m.short(o)
			}
			pos += o.n
		case opSkipVarint:
			_, n := varint(b, pos)
			if n <= 0 {
				return m.badVarint(o, n)
			}
			pos += n
		case opSkipBytes:
			_, end := m.bytes(o, b, pos)
			if end < 0 {
				return -1
			}
			pos = end
		default:
			if pos = m.seldom(o, b, pos); pos < 0 {
				return -1
			}
		}
	}
	return pos
}

// seldom runs the simple ops that are not worth a case in run's loop.
func (m *machine) seldom(o *op, b []byte, pos int) int {
	switch o.code {
	case opInt:
		v, n := varint(b, pos)
		if n <= 0 {
			return m.badVarint(o, n)
		}
		if v != int64(int32(v)) {
			return m.fail(o, "an int of more than 32 bits: %d", v)
		}
		o.col.Ints32 = append(o.col.Ints32, int32(v))
		return pos + n
	case opFloat:
		if len(b)-pos < 4 {
			return m.short(o)
		}
		o.col.Floats32 = append(o.col.Floats32, math.Float32frombits(binary.LittleEndian.Uint32(b[pos:])))
		return pos + 4
	case opBool:
		if pos >= len(b) {
			return m.short(o)
		}
		if b[pos] > 1 {
			return m.fail(o, "a boolean is the byte %d", b[pos])
		}
		o.col.Bools = append(o.col.Bools, b[pos] == 1)
		return pos + 1
	}
	return o.fn(m, o, b, pos)
}

// branchIsNull reads the branch of a union of two, and appends the NULL.
func (m *machine) branchIsNull(o *op, b []byte, pos int) (next int, isNull bool) {
	if pos >= len(b) {
		return m.short(o), false
	}
	branch, size := int64(b[pos]>>1), 1
	if b[pos]&^2 != 0 {
		if branch, size = varint(b, pos); size <= 0 {
			return m.badVarint(o, size), false
		}
		if branch < 0 || branch > 1 {
			return m.fail(o, "union branch %d of 2", branch), false
		}
	}
	if byte(branch<<1) != o.nullByte {
		return pos + size, false
	}
	if o.col == nil {
		return pos + size, true
	}
	if o.notNull {
		return m.null(o), false
	}
	o.col.AppendNull()
	return pos + size, true
}

func (m *machine) null(o *op) int {
	return m.fail(o, "NULL in a column that is NOT NULL")
}

// text reads a string into a Text column.
func (m *machine) text(o *op, b []byte, pos int) int {
	const high, low = 0x8080808080808080, 0x0101010101010101
	c := o.col
	// Most strings are short: one load, one check, one store.
	if at := pos + 1; at+8 <= cap(b) && pos < len(b) && b[pos]&1 == 0 && b[pos] <= 16 {
		n := int(b[pos] >> 1)
		w := binary.LittleEndian.Uint64(b[at : at+8])
		mask := uint64(1)<<(8*n) - 1
		have := len(c.Data)
		if (w|(w-low))&high&mask == 0 && at+n <= len(b) && have+8 <= cap(c.Data) && o.n == 0 {
			binary.LittleEndian.PutUint64(c.Data[have:have+8], w)
			c.Data = c.Data[:have+n]
			c.Ends = append(c.Ends, int32(have+n))
			return at + n
		}
	}
	start, end := m.bytes(o, b, pos)
	if end < 0 {
		return -1
	}
	v := b[start:end]
	if o.n > 0 || !column.ValidText(v) {
		if reason := column.CheckText(v, c.Type); reason != "" {
			return m.fail(o, "%s", reason)
		}
	}
	c.AppendBytes(v)
	return end
}

// bytes reads a length and returns where the bytes are; end is -1 on failure.
func (m *machine) bytes(o *op, b []byte, pos int) (start, end int) {
	n, size := varint(b, pos)
	if size <= 0 {
		return 0, m.badVarint(o, size)
	}
	pos += size
	if n < 0 {
		return 0, m.fail(o, "a negative length: %d", n)
	}
	if n > int64(len(b)-pos) {
		return 0, m.short(o)
	}
	return pos, pos + int(n)
}

// varint reads a zigzag integer at pos. n is its size, 0 if b ends before it
// does, -1 if it has more than 64 bits.
func varint(b []byte, pos int) (v int64, n int) {
	if pos < len(b) && b[pos] < 0x80 {
		u := uint64(b[pos])
		return int64(u>>1) ^ -int64(u&1), 1
	}
	if pos+8 <= cap(b) {
		w := binary.LittleEndian.Uint64(b[pos : pos+8])
		if stop := ^w & 0x8080808080808080; stop != 0 {
			n = bits.TrailingZeros64(stop)>>3 + 1
			if pos+n > len(b) {
				return 0, 0
			}
			// Keep the bits below the last byte's top bit and close the gaps
			// that the top bits leave: 7+7 bits, 14+14, 28+28.
			w &= (stop ^ (stop - 1)) & 0x7f7f7f7f7f7f7f7f
			w = w&0x007f007f007f007f | w&0x7f007f007f007f00>>1
			w = w&0x00003fff00003fff | w&0x3fff00003fff0000>>2
			w = w&0x000000000fffffff | w&0x0fffffff00000000>>4
			return int64(w>>1) ^ -int64(w&1), n
		}
	}
	u, n := binary.Uvarint(b[min(pos, len(b)):])
	if n < 0 {
		return 0, -1
	}
	return int64(u>>1) ^ -int64(u&1), n
}
