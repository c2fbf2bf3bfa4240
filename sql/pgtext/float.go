package pgtext

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"laminardb/sql/pgerr"
)

// AppendFloat64 appends the shortest text that reads back as v, laid out as
// PostgreSQL's float8out does: an exponent below 1e-4 and from 1e15 on.
func AppendFloat64(dst []byte, v float64) []byte {
	return appendFloat(dst, v, 64, 1e-4, 1e15)
}

// AppendFloat32 is AppendFloat64 for real: an exponent from 1e6 on.
func AppendFloat32(dst []byte, v float32) []byte {
	return appendFloat(dst, float64(v), 32, float64(float32(1e-4)), 1e6)
}

func appendFloat(dst []byte, v float64, bits int, low, high float64) []byte {
	abs := math.Abs(v)
	switch {
	case v == 0 || abs >= low && abs < high:
		return strconv.AppendFloat(dst, v, 'f', -1, bits)
	case math.IsNaN(v):
		return append(dst, "NaN"...)
	case v > math.MaxFloat64:
		return append(dst, "Infinity"...)
	case v < -math.MaxFloat64:
		return append(dst, "-Infinity"...)
	}
	return strconv.AppendFloat(dst, v, 'e', -1, bits)
}

// ParseFloat64 reads a double precision.
func ParseFloat64(s string) (float64, error) { return parseFloat(s, 64, "double precision") }

// ParseFloat32 reads a real.
func ParseFloat32(s string) (float32, error) {
	v, err := parseFloat(s, 32, "real")
	return float32(v), err
}

func parseFloat(s string, bits int, typeName string) (float64, error) {
	t := strings.Trim(s, space)
	if v, ok := floatWord(t); ok {
		return v, nil
	}
	// ParseFloat also takes hexadecimal, underscores and its own words.
	if strings.IndexFunc(t, notFloatRune) >= 0 {
		return 0, invalid(typeName, s)
	}
	v, err := strconv.ParseFloat(t, bits)
	if errors.Is(err, strconv.ErrRange) || err == nil && v == 0 && underflowed(t) {
		return 0, pgerr.Newf(pgerr.NumericOutOfRange, "%v is out of range for type %s", quotable(t), typeName)
	}
	if err != nil {
		return 0, invalid(typeName, s)
	}
	return v, nil
}

func floatWord(s string) (v float64, ok bool) {
	switch strings.ToLower(s) {
	case "nan":
		return math.NaN(), true
	case "inf", "infinity", "+inf", "+infinity":
		return math.Inf(1), true
	case "-inf", "-infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

func notFloatRune(r rune) bool {
	return !(r >= '0' && r <= '9' || r == '.' || r == '+' || r == '-' || r == 'e' || r == 'E')
}

// underflowed reports whether the mantissa of s has a digit other than zero, so
// that a result of zero is an underflow.
func underflowed(s string) bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
	return strings.ContainsAny(mantissa, "123456789")
}
