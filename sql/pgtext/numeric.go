package pgtext

import (
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// maxNumericDigits is the most decimal digits of a 128-bit integer.
const maxNumericDigits = 39

// AppendNumeric appends v, a value of the NUMERIC type t at its StoredScale. A
// constrained type shows its scale; an unconstrained one drops trailing zeros.
func AppendNumeric(dst []byte, v decimal128.Num, t types.Type) []byte {
	var buf [maxNumericDigits + 1]byte
	digits := appendMagnitude(buf[:0], v)
	scale := int(t.StoredScale())
	if v.Sign() < 0 {
		dst = append(dst, '-')
	}
	if len(digits) <= scale {
		dst = append(dst, '0')
	} else {
		dst = append(dst, digits[:len(digits)-scale]...)
	}
	frac := min(scale, len(digits))
	tail := digits[len(digits)-frac:]
	leading := scale - frac
	if t.Precision == 0 {
		for len(tail) > 0 && tail[len(tail)-1] == '0' {
			tail = tail[:len(tail)-1]
		}
		if len(tail) == 0 {
			leading = 0
		}
	}
	if leading+len(tail) == 0 {
		return dst
	}
	dst = append(dst, '.')
	for range leading {
		dst = append(dst, '0')
	}
	return append(dst, tail...)
}

// appendMagnitude appends the digits of |v|, none for zero.
func appendMagnitude(dst []byte, v decimal128.Num) []byte {
	const chunk = 1e18
	if v.Sign() < 0 {
		v = v.Negate()
	}
	hi, lo := uint64(v.HighBits()), v.LowBits()
	if hi == 0 {
		if lo == 0 {
			return dst
		}
		return strconv.AppendUint(dst, lo, 10)
	}
	q, r := bits.Div64(hi%chunk, lo, chunk)
	if hi /= chunk; hi != 0 {
		q2, r2 := bits.Div64(hi, q, chunk)
		dst = strconv.AppendUint(dst, q2, 10)
		dst = appendPadded(dst, r2, 18)
	} else {
		dst = strconv.AppendUint(dst, q, 10)
	}
	return appendPadded(dst, r, 18)
}

func appendPadded(dst []byte, v uint64, width int) []byte {
	start := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := start + width - 1; v > 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}

// ParseNumeric reads a NUMERIC of type t: the value at t's StoredScale, rounded
// half away from zero. NaN and the infinities are refused, since decimal128 has
// none.
func ParseNumeric(s string, t types.Type) (decimal128.Num, error) {
	text := strings.Trim(s, space)
	negative := strings.HasPrefix(text, "-")
	if negative || strings.HasPrefix(text, "+") {
		text = text[1:]
	}
	mantissa, exponent, ok := splitExponent(text)
	if !ok {
		return decimal128.Num{}, notNumeric(s)
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	if whole+frac == "" || !allDigits(whole) || !allDigits(frac) {
		return decimal128.Num{}, notNumeric(s)
	}
	v, ok := scaledDigits(strings.TrimLeft(whole+frac, "0"), len(frac)-exponent, int(t.StoredScale()))
	if !ok {
		return decimal128.Num{}, numericOverflow(t)
	}
	if negative {
		v.Neg(v)
	}
	return CheckNumeric(v, t)
}

// CheckNumeric turns an integer at t's StoredScale into a decimal128 and
// refuses one that has more digits than t allows.
func CheckNumeric(v *big.Int, t types.Type) (decimal128.Num, error) {
	precision := t.Precision
	if precision == 0 {
		precision = types.NumericPrecision
	}
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(precision)), nil)
	if v.CmpAbs(limit) >= 0 {
		return decimal128.Num{}, numericOverflow(t)
	}
	return decimal128.FromBigInt(v), nil
}

// scaledDigits returns 0.digits·10^… as an integer at the scale: digits has
// `from` places after the point. ok is false if it surely overflows.
func scaledDigits(digits string, from, scale int) (v *big.Int, ok bool) {
	v = new(big.Int)
	shift := scale - from
	keep := len(digits) + shift
	switch {
	case digits == "" || keep < 0:
		return v, true
	case keep > maxNumericDigits:
		return nil, false
	case shift >= 0:
		v.SetString(digits+strings.Repeat("0", shift), 10)
		return v, true
	}
	v.SetString("0"+digits[:keep], 10)
	if digits[keep] >= '5' {
		v.Add(v, big.NewInt(1))
	}
	return v, true
}

// splitExponent cuts "1.5e3" into its mantissa and exponent. Exponents beyond
// any decimal128 are clamped, so that they cannot overflow the arithmetic.
func splitExponent(s string) (mantissa string, exponent int, ok bool) {
	const clamp = 1 << 20
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s, 0, true
	}
	if !isInteger(s[i+1:]) {
		return "", 0, false
	}
	n, err := strconv.Atoi(s[i+1:])
	if err != nil {
		n = clamp
		if s[i+1] == '-' {
			n = -clamp
		}
	}
	return s[:i], max(-clamp, min(clamp, n)), true
}

func notNumeric(s string) error {
	switch strings.ToLower(strings.TrimLeft(strings.Trim(s, space), "+-")) {
	case "nan", "inf", "infinity":
		return pgerr.Newf(pgerr.FeatureNotSupported, "type numeric does not support the value %v", quotable(s)).
			WithHint("Use double precision for NaN and infinities.")
	}
	return invalid("numeric", s)
}

func numericOverflow(t types.Type) error {
	if t.Precision == 0 {
		return pgerr.Newf(pgerr.NumericOutOfRange, "value overflows numeric format").
			WithDetail("An unconstrained numeric holds %d digits before the point and %d after it.",
				types.NumericPrecision-types.NumericScale, types.NumericScale)
	}
	limit := "1"
	if t.Precision != t.Scale {
		limit = "10^" + strconv.Itoa(int(t.Precision-t.Scale))
	}
	return pgerr.Newf(pgerr.NumericOutOfRange, "numeric field overflow").
		WithDetail("A field with precision %d, scale %d must round to an absolute value less than %s.",
			t.Precision, t.Scale, limit)
}
