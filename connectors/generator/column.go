package generator

import (
	"math"
	"strconv"
	"strings"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/connectors"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// column makes the values of one declared column for a range of rows.
type column func(r *rows) arrow.Array

// timeNames are the names that make a BIGINT column epoch milliseconds.
var timeNames = map[string]bool{
	"ts": true, "time": true, "timestamp": true, "event_time": true, "ts_ms": true, "created_at": true, "updated_at": true,
}

// words are the values of text columns by their name; other names get the last.
var words = map[string][]string{
	"side":       {"buy", "sell"},
	"exchange":   {"NASDAQ", "NYSE", "ARCA"},
	"currency":   {"USD", "EUR", "GBP", "JPY"},
	"sector":     {"Technology", "Consumer", "Automotive", "Media"},
	"country":    {"US", "DE", "GB", "FR", "JP", "IN"},
	"status":     {"new", "filled", "cancelled", "rejected"},
	"order_type": {"market", "limit", "stop"},
	"":           {"alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel"},
}

func columnsOf(rel connectors.Relation) ([]column, error) {
	out := make([]column, rel.Declared)
	for i, f := range rel.Schema.Fields[:rel.Declared] {
		salt := mix(uint64(i) + 1)
		name := strings.ToLower(f.Name)
		isTime := i == rel.Schema.EventTime || timeNames[name]
		switch f.Type.Kind {
		case types.Int16:
			out[i] = fixed(f.Type, integer[int16](name, salt, math.MaxInt16))
		case types.Int32:
			out[i] = fixed(f.Type, integer[int32](name, salt, math.MaxInt32))
		case types.Int64:
			out[i] = fixed(f.Type, integer[int64](name, salt, math.MaxInt64))
			if isTime {
				out[i] = fixed(f.Type, times(1))
			}
		case types.Float32:
			out[i] = fixed(f.Type, number[float32](name, salt))
		case types.Float64:
			out[i] = fixed(f.Type, number[float64](name, salt))
		default:
			out[i] = otherColumn(f.Type, name, salt)
		}
		if out[i] == nil {
			return nil, pgerr.Newf(pgerr.FeatureNotSupported, "the generator cannot fill column %q of type %s", f.Name, f.Type)
		}
	}
	return out, nil
}

func otherColumn(t types.Type, name string, salt uint64) column {
	switch t.Kind {
	case types.Bool:
		return func(r *rows) arrow.Array { return bools(r, salt) }
	case types.Numeric:
		return fixed(t, decimals(name, salt, t.StoredScale()))
	case types.Text:
		return texts(t, name, salt)
	case types.JSON, types.JSONB:
		return func(r *rows) arrow.Array {
			return variable(t, r, func(dst []byte, i int) []byte {
				dst = strconv.AppendUint(append(dst, `{"value": `...), mix(r.hash[i]^salt)%1000, 10)
				return append(dst, '}')
			})
		}
	case types.Bytea:
		return func(r *rows) arrow.Array {
			return variable(t, r, func(dst []byte, i int) []byte { return appendHash(dst, mix(r.hash[i]^salt)) })
		}
	case types.UUID:
		return fixed(t, uuids(salt))
	case types.Timestamp, types.TimestampTZ:
		return fixed(t, times(1000))
	case types.Date:
		return fixed(t, func(r *rows, out []int32) {
			for i, ms := range r.millis {
				out[i] = int32(ms / 86_400_000)
			}
		})
	case types.Time:
		return fixed(t, func(r *rows, out []int64) {
			for i, ms := range r.millis {
				out[i] = ms % 86_400_000 * 1000
			}
		})
	case types.Interval:
		return fixed(t, func(r *rows, out []arrow.MonthDayNanoInterval) {
			for i := range out {
				out[i].Nanoseconds = int64(mix(r.hash[i]^salt)%3600) * 1_000_000_000
			}
		})
	}
	return nil
}

func times(perMilli int64) func(r *rows, out []int64) {
	return func(r *rows, out []int64) {
		for i, ms := range r.millis {
			out[i] = ms * perMilli
		}
	}
}

// integer fills whole numbers: unique ones for ids, small lots for quantities.
func integer[T int16 | int32 | int64](name string, salt, limit uint64) func(r *rows, out []T) {
	if name == "id" || strings.HasSuffix(name, "_id") {
		return func(r *rows, out []T) {
			for i := range out {
				out[i] = T(uint64(r.id(i)) & limit)
			}
		}
	}
	span, least := uint64(1000), uint64(0)
	switch name {
	case "volume", "quantity", "qty", "size", "amount":
		least = 1
	}
	return func(r *rows, out []T) {
		for i := range out {
			out[i] = T(least + mix(r.hash[i]^salt)%span)
		}
	}
}

// id returns a number that no other row of the source has.
func (r *rows) id(i int) int64 { return (r.from+int64(i))*r.splits + int64(r.split) }

// number fills doubles: a price that wanders by the row's symbol, bid and ask
// around it, and other walks for other names.
func number[T float32 | float64](name string, salt uint64) func(r *rows, out []T) {
	return func(r *rows, out []T) {
		for i := range out {
			out[i] = T(math.Round(r.number(name, salt, i)*10_000) / 10_000)
		}
	}
}

func (r *rows) number(name string, salt uint64, i int) float64 {
	const halfSpread = 0.0002
	switch name {
	case "price", "mid", "last", "close":
		return r.price[i]
	case "bid":
		return r.price[i] * (1 - halfSpread*(1+unit(r.hash[i])))
	case "ask":
		return r.price[i] * (1 + halfSpread*(1+unit(r.hash[i])))
	}
	return 100 * walk(r.seed^salt, offsetAt(r.from, i))
}

func decimals(name string, salt uint64, scale int32) func(r *rows, out []decimal128.Num) {
	const digits = 4 // of the double that it is made from
	return func(r *rows, out []decimal128.Num) {
		for i := range out {
			n := decimal128.FromI64(int64(math.Round(r.number(name, salt, i) * 10_000)))
			if scale >= digits {
				out[i] = n.IncreaseScaleBy(scale - digits)
			} else {
				out[i] = n.ReduceScaleBy(digits-scale, true)
			}
		}
	}
}

func uuids(salt uint64) func(r *rows, out [][16]byte) {
	return func(r *rows, out [][16]byte) {
		for i := range out {
			u := appendHash(appendHash(out[i][:0], mix(r.hash[i]^salt)), mix(r.hash[i]+salt))
			u[6] = u[6]&0x0f | 0x40 // version 4
			u[8] = u[8]&0x3f | 0x80 // variant of RFC 9562
		}
	}
}

func appendHash(dst []byte, h uint64) []byte {
	for range 8 {
		dst = append(dst, byte(h))
		h >>= 8
	}
	return dst
}

// texts fills text columns: symbols, words by the column's name, unique ids.
func texts(t types.Type, name string, salt uint64) column {
	limit := int(t.Precision)
	if limit == 0 {
		limit = math.MaxInt
	}
	cut := func(s string) string { return s[:min(len(s), limit)] }
	if name == "symbol" || name == "ticker" {
		return func(r *rows) arrow.Array {
			return variable(t, r, func(dst []byte, i int) []byte { return append(dst, cut(symbols[r.symbol[i]].name)...) })
		}
	}
	if name == "id" || strings.HasSuffix(name, "_id") {
		return func(r *rows) arrow.Array {
			return variable(t, r, func(dst []byte, i int) []byte {
				from := len(dst)
				dst = strconv.AppendInt(dst, r.id(i), 10)
				return dst[:min(len(dst), from+min(limit, len(dst)))]
			})
		}
	}
	list, ok := words[name]
	if !ok {
		list = words[""]
	}
	return func(r *rows) arrow.Array {
		return variable(t, r, func(dst []byte, i int) []byte {
			return append(dst, cut(list[mix(r.hash[i]^salt)%uint64(len(list))])...)
		})
	}
}

func bools(r *rows, salt uint64) arrow.Array {
	bits := make([]byte, (r.n+7)/8)
	for i, h := range r.hash {
		bits[i/8] |= byte(mix(h^salt)&1) << (i % 8)
	}
	data := array.NewData(arrow.FixedWidthTypes.Boolean, r.n, []*memory.Buffer{nil, memory.NewBufferBytes(bits)}, nil, 0, 0)
	return array.NewBooleanData(data)
}

// fixed makes a column of a fixed width from a function that fills its values.
func fixed[T any](t types.Type, fill func(r *rows, out []T)) column {
	at := t.Arrow()
	return func(r *rows) arrow.Array {
		out := make([]T, r.n)
		fill(r, out)
		var one T
		bytes := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(out))), len(out)*int(unsafe.Sizeof(one)))
		buf := memory.NewBufferBytes(bytes)
		return array.MakeFromData(array.NewData(at, r.n, []*memory.Buffer{nil, buf}, nil, 0, 0))
	}
}

// variable makes a column of texts or bytes from a function that appends one.
func variable(t types.Type, r *rows, add func(dst []byte, i int) []byte) arrow.Array {
	const usual = 8 // bytes a value, to begin with
	data := make([]byte, 0, r.n*usual)
	ends := make([]int32, r.n+1)
	for i := range r.n {
		data = add(data, i)
		ends[i+1] = int32(len(data))
	}
	offsets := memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(ends))
	return array.MakeFromData(array.NewData(t.Arrow(), r.n, []*memory.Buffer{nil, offsets, memory.NewBufferBytes(data)}, nil, 0, 0))
}
