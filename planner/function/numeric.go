package function

import "laminardb/sql/types"

// The type of a numeric result. A value's scale is its column's, so results get
// the scale that PostgreSQL would show where that does not depend on the values:
//
//	+ -   the larger scale of the two
//	*     the sum of the scales
//	/     the larger of the two and 16 (PostgreSQL shows 16 or more digits)
//	%     the larger scale of the two
//
// each in numeric(38, scale). If an operand is an unconstrained numeric, or if
// the scale would leave fewer than 18 digits before the point, the result is an
// unconstrained numeric, which has 12 places and shows no trailing zeros.
// Integers count as numeric(5|10|19, 0).

// divScale is the least scale of a quotient.
const divScale = 16

// maxScale keeps 18 digits before the point.
const maxScale = types.NumericPrecision - 18

// NumericLiteral returns the type of a numeric literal as written, such as 1.50
// (numeric(3,2)) or 1e-3: one that holds its value exactly, or unconstrained
// numeric if none does; such a literal is rounded, or is out of range.
func NumericLiteral(text string) types.Type {
	digits, scale, exp := int32(0), int32(0), int32(0)
	point := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '.':
			point = true
		case c == 'e' || c == 'E':
			exp = exponent(text[i+1:])
			i = len(text)
		case c >= '0' && c <= '9':
			digits++
			if point {
				scale++
			}
		}
	}
	scale -= exp
	if scale < 0 {
		digits, scale = digits-scale, 0
	}
	if precision := max(digits, scale, 1); precision <= types.NumericPrecision {
		return types.DecimalOf(precision, scale)
	}
	return types.Of(types.Numeric)
}

// exponent reads the digits after an e; what is absurd is clamped.
func exponent(s string) int32 {
	const clamp = 1000
	negative, n := false, int32(0)
	for i := 0; i < len(s); i++ {
		if s[i] == '-' {
			negative = true
		}
		if s[i] >= '0' && s[i] <= '9' && n < clamp {
			n = n*10 + int32(s[i]-'0')
		}
	}
	if negative {
		return -n
	}
	return n
}

// asNumeric is the numeric type that holds every value of an integer type; other
// types give unconstrained numeric.
func asNumeric(t types.Type) types.Type {
	switch t.Kind {
	case types.Numeric:
		return t
	case types.Int16:
		return types.DecimalOf(5, 0)
	case types.Int32:
		return types.DecimalOf(10, 0)
	case types.Int64:
		return types.DecimalOf(19, 0)
	}
	return types.Of(types.Numeric)
}

// commonNumeric holds the values of both types.
func commonNumeric(a, b types.Type) types.Type {
	if a.Precision == 0 || b.Precision == 0 {
		return types.Of(types.Numeric)
	}
	scale := max(a.Scale, b.Scale)
	whole := max(a.Precision-a.Scale, b.Precision-b.Scale)
	return types.DecimalOf(min(whole+scale, types.NumericPrecision), scale)
}

// numericResult applies the rule that stands after "numeric:" in a spec line.
func numericResult(rule string, args []types.Type) types.Type {
	a := args[0]
	b := args[len(args)-1]
	if rule == "same" {
		return a
	}
	if rule == "int" {
		return types.DecimalOf(types.NumericPrecision, 0)
	}
	if a.Precision == 0 || b.Precision == 0 {
		return types.Of(types.Numeric)
	}
	scale := max(a.Scale, b.Scale)
	switch rule {
	case "mul":
		scale = a.Scale + b.Scale
	case "div":
		scale = max(scale, divScale)
	}
	if scale > maxScale {
		return types.Of(types.Numeric)
	}
	return types.DecimalOf(types.NumericPrecision, scale)
}
