package json

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/connectors/format/column"
	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// object reads the object at pos into the row of its members.
func (s *scanner) object(o *object, row, depth int) bool {
	if depth > maxDepth {
		return s.fail("values are nested more than %d deep", maxDepth)
	}
	o.start()
	s.pos++
	if s.space(); s.peek() == '}' {
		s.pos++
		return s.missing(o)
	}
	for k := 0; ; k++ {
		s.space()
		i := o.guess(s, k, row)
		if i < 0 {
			key, ok := s.key()
			if !ok {
				return false
			}
			i = o.find(k, row, key)
		}
		if i >= 0 && !s.member(&o.members[i], row, depth) || i < 0 && !s.skip(depth+1) {
			return false
		}
		if more, ok := s.next(); !ok {
			return false
		} else if !more {
			return s.missing(o)
		}
	}
}

// missing makes the members that were not there NULL.
func (s *scanner) missing(o *object) bool {
	if o.count == len(o.members) {
		return true
	}
	for i := range o.members {
		if o.seen[i] != notFound {
			continue
		}
		if name := o.members[i].null(); name != "" {
			return s.fail("%q: missing in a column that is NOT NULL", name)
		}
	}
	return true
}

func (s *scanner) member(m *member, row, depth int) bool {
	if m.inner == nil {
		return s.value(m.leaf, depth)
	}
	start := s.pos
	if m.leaf != nil {
		if !s.value(m.leaf, depth) {
			return false
		}
		s.pos = start
	}
	switch s.peek() {
	case '{':
		return s.object(m.inner, row, depth+1)
	case 'n':
		for i := range m.inner.members {
			if name := m.inner.members[i].null(); name != "" {
				return s.fail("%q: NULL in a column that is NOT NULL", name)
			}
		}
		return s.literal("null")
	}
	if !s.skip(depth + 1) {
		return false
	}
	return s.fail("%q: not an object", m.name)
}

// value reads the value at pos into the leaf's column.
func (s *scanner) value(l *leaf, depth int) bool {
	c := s.peek()
	switch {
	case c == 'n':
		if !s.literal("null") {
			return false
		}
		if l.notNull {
			return s.fail("%q: NULL in a column that is NOT NULL", l.name)
		}
		l.col.AppendNull()
		return true
	case l.col.Type.Kind == types.JSON || l.col.Type.Kind == types.JSONB:
		return s.json(l, depth)
	case c == '"':
		return s.stringValue(l)
	case c-'0' <= 9 || c == '-':
		return s.numberValue(l)
	case c == 't' || c == 'f':
		return s.boolValue(l, c)
	case c == '[' && l.col.Type.Kind == types.Array:
		return s.array(l, depth)
	case c == '{' && l.col.Type.Kind == types.Struct:
		row := l.col.Rows
		ok := s.object(l.fields, row, depth+1)
		l.col.Rows = row + 1
		return ok
	case c == '{' && l.col.Type.Kind == types.Map && l.col.Type.Key.Kind == types.Text:
		return s.mapping(l, depth)
	case c == '{':
		return s.mismatch(l, "an object")
	case c == '[':
		return s.mismatch(l, "an array")
	}
	return s.unexpected("a value")
}

func (s *scanner) mismatch(l *leaf, what string) bool {
	return s.fail("%q: %s cannot be stored as %s", l.name, what, l.col.Type)
}

func (s *scanner) json(l *leaf, depth int) bool {
	start := s.pos
	if !s.skip(depth + 1) {
		return false
	}
	raw := s.b[start:s.pos]
	if l.col.Type.Kind == types.JSONB {
		if err := l.col.AppendParsed(raw); err != nil {
			return s.invalid(l, err)
		}
		return true
	}
	l.col.AppendBytes(raw)
	return true
}

func (s *scanner) boolValue(l *leaf, c byte) bool {
	if c == 't' && !s.literal("true") || c == 'f' && !s.literal("false") {
		return false
	}
	if l.col.Type.Kind != types.Bool {
		return s.mismatch(l, "a boolean")
	}
	l.col.Bools = append(l.col.Bools, c == 't')
	return true
}

func (s *scanner) stringValue(l *leaf) bool {
	v, escaped, ok := s.text()
	if !ok {
		return false
	}
	switch l.col.Type.Kind {
	case types.Text:
		// The record is valid text; only \u0000 can make a string that is not.
		if l.col.Type.Precision > 0 || escaped {
			if reason := column.CheckText(v, l.col.Type); reason != "" {
				return s.fail("%q: %s", l.name, reason)
			}
		}
		l.col.AppendBytes(v)
		return true
	case types.Array, types.Map, types.Struct:
		return s.mismatch(l, "a string")
	}
	if err := l.col.AppendParsed(v); err != nil {
		return s.invalid(l, err)
	}
	return true
}

// invalid fails with the text of an input function's error.
func (s *scanner) invalid(l *leaf, err error) bool {
	reason := err.Error()
	var e *pgerr.Error
	if errors.As(err, &e) {
		reason = e.Message
	}
	return s.fail("%q: %s", l.name, reason)
}

func (s *scanner) array(l *leaf, depth int) bool {
	elem := leaf{col: l.col.Kids[0], name: l.name}
	if l.fields == nil && elem.col.Type.Kind == types.Struct {
		elem.open()
		l.fields = elem.fields
	}
	elem.fields = l.fields
	if !s.eachItem(depth, func() bool { return s.value(&elem, depth+1) }) {
		return false
	}
	l.col.Ends = append(l.col.Ends, int32(elem.col.Len()))
	return true
}

func (s *scanner) numberValue(l *leaf) bool {
	n, ok := s.number()
	if !ok {
		return false
	}
	return s.storeNumber(l, &n)
}

func (s *scanner) storeNumber(l *leaf, n *number) bool {
	switch c := l.col; c.Type.Kind {
	case types.Float64:
		v, err := n.float(64, s.textOf(n))
		if err != nil {
			return s.outOfRange(l, n)
		}
		c.Floats64 = append(c.Floats64, v)
	case types.Int64:
		v, ok := s.integer(l, n, math.MinInt64, math.MaxInt64)
		if !ok {
			return false
		}
		c.Ints64 = append(c.Ints64, v)
	case types.Int32:
		v, ok := s.integer(l, n, math.MinInt32, math.MaxInt32)
		if !ok {
			return false
		}
		c.Ints32 = append(c.Ints32, int32(v))
	case types.Int16:
		v, ok := s.integer(l, n, math.MinInt16, math.MaxInt16)
		if !ok {
			return false
		}
		c.Ints16 = append(c.Ints16, int16(v))
	case types.OID:
		v, ok := s.integer(l, n, 0, math.MaxUint32)
		if !ok {
			return false
		}
		c.Ints64 = append(c.Ints64, v)
	case types.Float32:
		v, err := n.float(32, s.textOf(n))
		if err != nil {
			return s.outOfRange(l, n)
		}
		c.Floats32 = append(c.Floats32, float32(v))
	case types.Numeric:
		return s.numeric(l, n)
	default:
		return s.mismatch(l, "a number")
	}
	return true
}

func (s *scanner) outOfRange(l *leaf, n *number) bool {
	return s.fail("%q: %.60s is out of range for type %s", l.name, s.textOf(n), l.col.Type)
}

// powersOfTen are exact as doubles.
var powersOfTen = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// float returns the nearest double or, for 32 bits, float. If the digits and
// the power of ten are both exact as doubles, so is one rounding (Clinger 1990).
func (n *number) float(bitSize int, text []byte) (float64, error) {
	if n.exact && n.digits < 1<<53 && n.exp >= -22 && n.exp <= 22 && bitSize == 64 {
		v := float64(n.digits)
		if n.exp < 0 {
			v /= powersOfTen[-n.exp]
		} else {
			v *= powersOfTen[n.exp]
		}
		if n.negative {
			v = -v
		}
		return v, nil
	}
	return strconv.ParseFloat(unsafe.String(unsafe.SliceData(text), len(text)), bitSize)
}

// integer returns the number as an integer within the bounds; 1.0 and 1e3 are
// integers, 1.5 is none.
func (s *scanner) integer(l *leaf, n *number, low, high int64) (int64, bool) {
	digits, exact := n.digits, n.exact
	if !n.whole || !exact {
		digits, exact = n.wholeDigits(s.textOf(n))
		if !exact {
			if n.isWhole(s.textOf(n)) {
				return 0, s.outOfRange(l, n)
			}
			return 0, s.fail("%q: %.60s is not a whole number", l.name, s.textOf(n))
		}
	}
	v := int64(digits)
	if n.negative {
		v = -v
	}
	if digits > 1<<63 || digits == 1<<63 && !n.negative || v < low || v > high {
		return 0, s.outOfRange(l, n)
	}
	return v, true
}

// wholeDigits returns |n| if it is a whole number of 64 bits.
func (n *number) wholeDigits(text []byte) (digits uint64, ok bool) {
	if !n.exact {
		// More than 19 digits: leading zeros after the point, or too large.
		f, err := pgtext.ParseNumeric(string(text), types.DecimalOf(types.NumericPrecision, 0))
		if err != nil || !n.isWhole(text) {
			return 0, false
		}
		f = f.Abs()
		return f.LowBits(), f.HighBits() == 0
	}
	digits = n.digits
	for e := n.exp; e > 0 && digits != 0; e-- {
		hi, lo := bits.Mul64(digits, 10)
		if hi != 0 {
			return 0, false
		}
		digits = lo
	}
	for e := n.exp; e < 0 && digits != 0; e++ {
		if digits%10 != 0 {
			return 0, false
		}
		digits /= 10
	}
	return digits, true
}

// isWhole reports whether the number has no fraction, whatever its size.
func (n *number) isWhole(text []byte) bool {
	zeros := 0 // trailing ones of the digits
	nonZero := false
	for _, c := range text {
		switch {
		case c == 'e' || c == 'E':
			return !nonZero || zeros+n.exp >= 0
		case c == '0':
			zeros++
		case c >= '1' && c <= '9':
			zeros, nonZero = 0, true
		}
	}
	return !nonZero || zeros+n.exp >= 0
}

// numeric appends the number at the column's scale.
func (s *scanner) numeric(l *leaf, n *number) bool {
	t := l.col.Type
	up := int(t.StoredScale()) + n.exp
	if n.exact && n.digits < 1<<63 && up >= 0 && up <= 18 {
		v := decimal128.FromU64(n.digits).Mul(decimal128.GetScaleMultiplier(up))
		precision := t.Precision
		if precision == 0 {
			precision = types.NumericPrecision
		}
		if v.FitsInPrecision(precision) {
			if n.negative {
				v = v.Negate()
			}
			l.col.Decimals = append(l.col.Decimals, v)
			return true
		}
	}
	if err := l.col.AppendParsed(s.textOf(n)); err != nil {
		return s.invalid(l, err)
	}
	return true
}
