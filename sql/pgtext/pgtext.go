// Package pgtext reads and writes the text form of SQL values, following
// PostgreSQL's input and output functions (DateStyle ISO MDY, IntervalStyle
// postgres, extra_float_digits 1).
//
// Nouns: a Parse function takes the text of one value and gives its canonical
// Go value; an Append function adds a value's text to a byte slice. Dates are
// days and times are microseconds, both since 1970-01-01; timestamps keep
// PostgreSQL's infinities (DateInfinity, TimestampInfinity and their negatives).
//
// Rule: casts, parameters, results and COPY all go through here, so one value
// has one text everywhere. Nothing reads the clock: 'now' and its kin are
// refused.
package pgtext

import (
	"fmt"
	"strconv"
	"strings"

	"laminardb/sql/pgerr"
)

// invalid is PostgreSQL's message for text that is no value of the type.
func invalid(typeName, s string) error {
	return pgerr.Newf(pgerr.InvalidText, "invalid input syntax for type %s: %v", typeName, quotable(s))
}

// maxQuoted keeps an error about a huge value readable.
const maxQuoted = 200

// quotable is s as far as an error message shows it.
type quotable string

// Format writes s between plain double quotes, as PostgreSQL does: %q would
// escape what the client sent.
func (q quotable) Format(f fmt.State, _ rune) {
	s := string(q)
	if len(s) > maxQuoted {
		s = strings.ToValidUTF8(s[:maxQuoted], "") + "..."
	}
	_, _ = f.Write([]byte(`"` + s + `"`))
}

// space is what PostgreSQL's isspace skips around a value.
const space = " \t\n\r\v\f"

// AppendBool appends t or f, the text of a boolean in a result.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, 't')
	}
	return append(dst, 'f')
}

// ParseBool reads a boolean: any unique prefix of true, false, yes, no, on, off,
// or 1 or 0, in any case.
func ParseBool(s string) (bool, error) {
	w := strings.ToLower(strings.Trim(s, space))
	if w == "" {
		return false, invalid("boolean", s)
	}
	switch {
	case strings.HasPrefix("true", w), strings.HasPrefix("yes", w), w == "on", w == "1":
		return true, nil
	case strings.HasPrefix("false", w), strings.HasPrefix("no", w), w == "of", w == "off", w == "0":
		return false, nil
	}
	return false, invalid("boolean", s)
}

// ParseInt16 reads a smallint.
func ParseInt16(s string) (int16, error) {
	v, err := parseInt(s, 16, "smallint")
	return int16(v), err
}

// ParseInt32 reads an integer.
func ParseInt32(s string) (int32, error) {
	v, err := parseInt(s, 32, "integer")
	return int32(v), err
}

// ParseInt64 reads a bigint.
func ParseInt64(s string) (int64, error) { return parseInt(s, 64, "bigint") }

// ParseOID reads an oid, an unsigned 32-bit number.
func ParseOID(s string) (int64, error) {
	v, err := parseInt(s, 64, "oid")
	if err == nil && (v < -1<<31 || v > 1<<32-1) {
		return 0, outOfRange("oid", s)
	}
	return int64(uint32(v)), err
}

func parseInt(s string, bits int, typeName string) (int64, error) {
	t := strings.Trim(s, space)
	v, err := strconv.ParseInt(t, 10, bits)
	if err == nil {
		return v, nil
	}
	if isInteger(t) {
		return 0, outOfRange(typeName, s)
	}
	return 0, invalid(typeName, s)
}

func outOfRange(typeName, s string) error {
	return pgerr.Newf(pgerr.NumericOutOfRange, "value %v is out of range for type %s", quotable(s), typeName)
}

func isInteger(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	return s != "" && allDigits(s)
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
