package column

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// MaxData is the most bytes that the texts of one batch can have: Arrow's
// offsets are 32-bit.
const MaxData = math.MaxInt32

// AppendBytes appends one value to Data. The caller has checked UTF-8 and
// length.
func (c *Column) AppendBytes(v []byte) {
	c.Data = append(c.Data, v...)
	c.Ends = append(c.Ends, int32(len(c.Data)))
}

// ValidText reports whether v is UTF-8 without a zero byte, which PostgreSQL
// cannot hold either.
func ValidText(v []byte) bool {
	const high, low = 0x8080808080808080, 0x0101010101010101
	rest := v
	for len(rest) >= 8 {
		w := binary.LittleEndian.Uint64(rest)
		// A zero byte borrows into its high bit; the other bytes are ASCII here.
		if (w|(w-low))&high != 0 {
			return validSlow(v)
		}
		rest = rest[8:]
	}
	for _, c := range rest {
		if c-1 >= 0x7F {
			return validSlow(v)
		}
	}
	return true
}

func validSlow(v []byte) bool {
	for _, c := range v {
		if c == 0 {
			return false
		}
	}
	return utf8.Valid(v)
}

// CheckText returns why v cannot be a value of the Text type t, "" if it can.
func CheckText(v []byte, t types.Type) string {
	if !ValidText(v) {
		if utf8.Valid(v) {
			return "a zero byte in text"
		}
		return "not valid UTF-8 text"
	}
	if t.Precision > 0 && len(v) > int(t.Precision) && utf8.RuneCount(v) > int(t.Precision) {
		return "value too long for type " + t.String()
	}
	return ""
}

// AppendParsed appends the value that the text stands for, as PostgreSQL's
// input function of the type reads it. It takes every type but arrays, structs
// and maps.
func (c *Column) AppendParsed(v []byte) error {
	if !ValidText(v) {
		return pgerr.Newf(pgerr.CharacterNotInRepertoire, "not valid UTF-8 text")
	}
	s := unsafe.String(unsafe.SliceData(v), len(v)) // read only while v stands
	switch c.Type.Kind {
	case types.Bool:
		return appendTo(&c.Bools, pgtext.ParseBool, s)
	case types.Int16:
		return appendTo(&c.Ints16, pgtext.ParseInt16, s)
	case types.Int32:
		return appendTo(&c.Ints32, pgtext.ParseInt32, s)
	case types.Int64:
		return appendTo(&c.Ints64, pgtext.ParseInt64, s)
	case types.OID:
		return appendTo(&c.Ints64, pgtext.ParseOID, s)
	case types.Float32:
		return appendTo(&c.Floats32, pgtext.ParseFloat32, s)
	case types.Float64:
		return appendTo(&c.Floats64, pgtext.ParseFloat64, s)
	case types.Date:
		return appendTo(&c.Ints32, pgtext.ParseDate, s)
	case types.Time:
		return appendTo(&c.Ints64, pgtext.ParseTime, s)
	case types.Timestamp:
		return appendTo(&c.Ints64, pgtext.ParseTimestamp, s)
	}
	return c.appendParsedWide(v, s)
}

func (c *Column) appendParsedWide(v []byte, s string) error {
	switch c.Type.Kind {
	case types.TimestampTZ:
		micros, err := pgtext.ParseTimestampTZ(s, time.UTC)
		if err == nil {
			c.Ints64 = append(c.Ints64, micros)
		}
		return err
	case types.Numeric:
		n, err := pgtext.ParseNumeric(s, c.Type)
		if err == nil {
			c.Decimals = append(c.Decimals, n)
		}
		return err
	case types.UUID:
		id, err := pgtext.ParseUUID(s)
		if err == nil {
			c.Fixed = append(c.Fixed, id[:]...)
		}
		return err
	case types.Interval:
		iv, err := pgtext.ParseInterval(s, "")
		if err == nil {
			c.AppendInterval(iv)
		}
		return err
	case types.Bytea:
		raw, err := pgtext.ParseBytea(s)
		if err == nil {
			c.AppendBytes(raw)
		}
		return err
	case types.JSONB:
		canonical, err := pgtext.ParseJSONB(s)
		if err == nil {
			c.Data = append(c.Data, canonical...)
			c.Ends = append(c.Ends, int32(len(c.Data)))
		}
		return err
	case types.JSON:
		if !json.Valid(v) {
			return pgerr.Newf(pgerr.InvalidText, "invalid input syntax for type json")
		}
		c.AppendBytes(v)
		return nil
	case types.Text:
		if reason := CheckText(v, c.Type); reason != "" {
			return pgerr.Newf(pgerr.StringTruncation, "%s", reason)
		}
		c.AppendBytes(v)
		return nil
	}
	return pgerr.Newf(pgerr.DatatypeMismatch, "text cannot be read as %s", c.Type)
}

func appendTo[T any](dst *[]T, parse func(string) (T, error), s string) error {
	v, err := parse(s)
	if err == nil {
		*dst = append(*dst, v)
	}
	return err
}

// AppendInterval appends an interval.
func (c *Column) AppendInterval(v types.IntervalValue) {
	c.Intervals = append(c.Intervals, arrow.MonthDayNanoInterval{
		Months: v.Months, Days: v.Days, Nanoseconds: v.Micros * 1000,
	})
}

// AppendQuoted appends v, which is UTF-8, as a JSON string.
func AppendQuoted(dst, v []byte) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i, c := range v {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, v[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	return append(append(dst, v[start:]...), '"')
}
