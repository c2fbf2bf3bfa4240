package avro

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"laminardb/connectors/format/column"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// runJSON renders any value as JSON, the way PostgreSQL's to_json renders the
// SQL value that it would become: times in ISO 8601, bytes as "\\x..", NaN and
// the infinities as strings, decimals as numbers.
func runJSON(m *machine, o *op, b []byte, pos int) int {
	before := len(o.col.Data)
	pos = m.appendJSON(o, o.node, b, pos)
	if pos < 0 {
		o.col.Data = o.col.Data[:before]
		return -1
	}
	if len(o.col.Data) > column.MaxData {
		return m.fail(o, "the batch has more than %d bytes of JSON", column.MaxData)
	}
	if o.col.Type.Kind == types.JSONB {
		canonical, err := pgtext.ParseJSONB(string(o.col.Data[before:]))
		if err != nil {
			return m.fail(o, "%s", reasonOf(err))
		}
		o.col.Data = append(o.col.Data[:before], canonical...)
	}
	o.col.Ends = append(o.col.Ends, int32(len(o.col.Data)))
	return pos
}

func (m *machine) appendJSON(o *op, n *node, b []byte, pos int) int {
	if m.depth++; m.depth > maxDepth {
		return m.fail(o, "values are nested more than %d deep", maxDepth)
	}
	defer func() { m.depth-- }()
	switch n.kind {
	case kindRecord:
		return m.jsonRecord(o, n, b, pos)
	case kindArray, kindMap:
		return m.jsonBlocks(o, n, b, pos)
	case kindUnion:
		branch, next := m.integer(o, b, pos)
		if next < 0 {
			return -1
		}
		if branch < 0 || branch >= int64(len(n.branches)) {
			return m.fail(o, "union branch %d of %d", branch, len(n.branches))
		}
		return m.appendJSON(o, n.branches[branch], b, next)
	}
	return m.jsonScalar(o, n, b, pos)
}

func (m *machine) jsonRecord(o *op, n *node, b []byte, pos int) int {
	sep := byte('{')
	for _, f := range n.fields {
		o.col.Data = append(o.col.Data, sep)
		sep = ','
		o.col.Data = append(column.AppendQuoted(o.col.Data, []byte(f.name)), ':')
		if pos = m.appendJSON(o, f.node, b, pos); pos < 0 {
			return -1
		}
	}
	if sep == '{' {
		o.col.Data = append(o.col.Data, '{')
	}
	o.col.Data = append(o.col.Data, '}')
	return pos
}

func (m *machine) jsonBlocks(o *op, n *node, b []byte, pos int) int {
	first, last := byte('['), byte(']')
	if n.kind == kindMap {
		first, last = '{', '}'
	}
	o.col.Data = append(o.col.Data, first)
	items := int64(0)
	for {
		count, _, next := m.block(o, b, pos)
		if next < 0 {
			return -1
		}
		if pos = next; count == 0 {
			o.col.Data = append(o.col.Data, last)
			return pos
		}
		if n.items.width == 0 && n.kind == kindArray && (count > maxEmptyItems || items > maxEmptyItems) {
			return m.fail(o, "more than %d items without bytes", maxEmptyItems)
		}
		for ; count > 0; count-- {
			if items++; items > 1 {
				o.col.Data = append(o.col.Data, ',')
			}
			if n.kind == kindMap {
				if pos = m.jsonString(o, b, pos); pos < 0 {
					return -1
				}
				o.col.Data = append(o.col.Data, ':')
			}
			if pos = m.appendJSON(o, n.items, b, pos); pos < 0 {
				return -1
			}
		}
	}
}

func (m *machine) jsonString(o *op, b []byte, pos int) int {
	start, end := m.bytes(o, b, pos)
	if end < 0 {
		return -1
	}
	if !column.ValidText(b[start:end]) {
		return m.fail(o, "%s", column.CheckText(b[start:end], types.Of(types.Text)))
	}
	o.col.Data = column.AppendQuoted(o.col.Data, b[start:end])
	return end
}

func (m *machine) jsonScalar(o *op, n *node, b []byte, pos int) int {
	dst := &o.col.Data
	switch n.kind {
	case kindNull:
		*dst = append(*dst, "null"...)
		return pos
	case kindBoolean:
		if pos >= len(b) {
			return m.short(o)
		}
		if b[pos] > 1 {
			return m.fail(o, "a boolean is the byte %d", b[pos])
		}
		*dst = strconv.AppendBool(*dst, b[pos] == 1)
		return pos + 1
	case kindInt, kindLong:
		v, next := m.integer(o, b, pos)
		if next >= 0 {
			*dst = appendJSONInteger(*dst, n.logical, v)
		}
		return next
	case kindFloat:
		if len(b)-pos < 4 {
			return m.short(o)
		}
		*dst = appendJSONFloat(*dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b[pos:]))), 32)
		return pos + 4
	case kindDouble:
		if len(b)-pos < 8 {
			return m.short(o)
		}
		*dst = appendJSONFloat(*dst, math.Float64frombits(binary.LittleEndian.Uint64(b[pos:])), 64)
		return pos + 8
	case kindString:
		return m.jsonString(o, b, pos)
	case kindEnum:
		v, next := m.integer(o, b, pos)
		if next < 0 {
			return -1
		}
		if v < 0 || v >= int64(len(n.symbols)) {
			return m.fail(o, "enum symbol %d of %d", v, len(n.symbols))
		}
		*dst = column.AppendQuoted(*dst, []byte(n.symbols[v]))
		return next
	}
	return m.jsonBytes(o, n, b, pos)
}

func (m *machine) jsonBytes(o *op, n *node, b []byte, pos int) int {
	start, end := pos, pos+n.size
	if n.kind == kindBytes {
		start, end = m.bytes(o, b, pos)
	} else if len(b)-pos < n.size {
		end = m.short(o)
	}
	if end < 0 {
		return -1
	}
	v, dst := b[start:end], o.col.Data
	switch {
	case n.logical == "decimal":
		dst = appendJSONDecimal(dst, v, n.scale)
	case n.logical == "uuid" && len(v) == 16:
		dst = append(pgtext.AppendUUID(append(dst, '"'), v), '"')
	case n.logical == "duration" && len(v) == 12:
		iv := types.IntervalValue{
			Months: int32(binary.LittleEndian.Uint32(v)), Days: int32(binary.LittleEndian.Uint32(v[4:])),
			Micros: int64(binary.LittleEndian.Uint32(v[8:])) * 1000,
		}
		dst = append(pgtext.AppendInterval(append(dst, '"'), iv), '"')
	default:
		dst = append(hex.AppendEncode(append(dst, `"\\x`...), v), '"')
	}
	o.col.Data = dst
	return end
}

// appendJSONDecimal renders decimals of any length.
func appendJSONDecimal(dst, v []byte, scale int) []byte {
	n := new(big.Int).SetBytes(v)
	if len(v) > 0 && v[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(v)*8)))
	}
	if n.Sign() < 0 {
		dst = append(dst, '-')
		n.Neg(n)
	}
	digits := n.String()
	if missing := scale + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	if scale > 0 {
		dst = append(append(dst, '.'), digits[len(digits)-scale:]...)
	}
	return dst
}

func appendJSONFloat(dst []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(pgtext.AppendFloat64(append(dst, '"'), v), '"')
	}
	if bits == 32 {
		return pgtext.AppendFloat32(dst, float32(v))
	}
	return pgtext.AppendFloat64(dst, v)
}

func appendJSONInteger(dst []byte, logical string, v int64) []byte {
	var t time.Time
	layout := "2006-01-02T15:04:05.999999"
	switch logical {
	case "date":
		t, layout = time.Unix(0, 0).AddDate(0, 0, int(v)), "2006-01-02"
	case "time-millis":
		t, layout = time.UnixMilli(v), "15:04:05.999999"
	case "time-micros":
		t, layout = time.UnixMicro(v), "15:04:05.999999"
	case "timestamp-millis", "local-timestamp-millis":
		t = time.UnixMilli(v)
	case "timestamp-micros", "local-timestamp-micros":
		t = time.UnixMicro(v)
	case "timestamp-nanos", "local-timestamp-nanos":
		t = time.Unix(0, v)
	default:
		return strconv.AppendInt(dst, v, 10)
	}
	if logical[0] == 't' && logical[4] == 's' {
		layout += "-07:00"
	}
	return append(t.UTC().AppendFormat(append(dst, '"'), layout), '"')
}
