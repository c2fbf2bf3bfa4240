package expr

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// errLogZero and the others are the domain errors of mathematics.
var (
	errLogZero       error = pgerr.Newf(pgerr.InvalidArgumentForLog, "cannot take logarithm of zero")
	errLogNegative   error = pgerr.Newf(pgerr.InvalidArgumentForLog, "cannot take logarithm of a negative number")
	errSqrt          error = pgerr.Newf(pgerr.InvalidArgumentForPower, "cannot take square root of a negative number")
	errPowerZero     error = pgerr.Newf(pgerr.InvalidArgumentForPower, "zero raised to a negative power is undefined")
	errPowerNegative error = pgerr.Newf(pgerr.InvalidArgumentForPower, "a negative number raised to a non-integer power yields a complex result")
	errInput         error = pgerr.Newf(pgerr.NumericOutOfRange, "input is out of range")
)

// total is a function of a double that cannot fail.
func total(fn func(float64) float64) kernel {
	return kernel{eval: func(f *frame, n *node) *vector {
		a := f.eval(n.args[0])
		out, dst := newFixed[float64](n.t, f.n)
		out.valid = a.valid
		for i, v := range values[float64](a) {
			dst[i] = fn(v)
		}
		return out
	}}
}

// partial is a function of a double that is not defined everywhere.
func partial(fn func(x float64) (float64, error)) kernel {
	return fixedFn(func(r *row) (float64, error) { return fn(r.float64(0)) })
}

func double2(fn func(x, y float64) (float64, error)) kernel {
	return fixedFn(func(r *row) (float64, error) { return fn(r.float64(0), r.float64(1)) })
}

// overflows turns an infinite result of a finite argument into an error.
func overflows(fn func(float64) float64) kernel {
	return partial(func(x float64) (float64, error) {
		v := fn(x)
		if math.IsInf(v, 0) && !math.IsInf(x, 0) {
			return 0, errOverflow
		}
		return v, nil
	})
}

// domain refuses an infinite argument, or one that gives NaN.
func domain(fn func(float64) float64) kernel {
	return partial(func(x float64) (float64, error) {
		v := fn(x)
		if math.IsNaN(v) && !math.IsNaN(x) {
			return 0, errInput
		}
		return v, nil
	})
}

func logOf(fn func(float64) float64) func(float64) (float64, error) {
	return func(x float64) (float64, error) {
		switch {
		case x == 0:
			return 0, errLogZero
		case x < 0:
			return 0, errLogNegative
		}
		return fn(x), nil
	}
}

func sqrt(x float64) (float64, error) {
	if x < 0 {
		return 0, errSqrt
	}
	return math.Sqrt(x), nil
}

func power(x, y float64) (float64, error) {
	switch {
	case x == 0 && y < 0:
		return 0, errPowerZero
	case x < 0 && y != math.Trunc(y) && !math.IsInf(y, 0) && !math.IsInf(x, 0):
		return 0, errPowerNegative
	}
	v := math.Pow(x, y)
	if !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		switch {
		case math.IsInf(v, 0):
			return 0, errOverflow
		case v == 0 && x != 0:
			return 0, errUnderflow
		}
	}
	return v, nil
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

func degrees(x float64) float64 { return x * (180 / math.Pi) }

func radians(x float64) float64 { return x * (math.Pi / 180) }

func exp(x float64) (float64, error) {
	v := math.Exp(x)
	switch {
	case math.IsInf(v, 0) && !math.IsInf(x, 0):
		return 0, errOverflow
	case v == 0 && !math.IsInf(x, 0):
		return 0, errUnderflow
	}
	return v, nil
}

func mathFunctions() map[string]kernel {
	m := map[string]kernel{
		"ceil(double)": total(math.Ceil), "ceiling(double)": total(math.Ceil), "floor(double)": total(math.Floor),
		"round(double)": total(math.RoundToEven), "trunc(double)": total(math.Trunc), "sign(double)": total(sign),
		"cbrt(double)": total(math.Cbrt), "degrees(double)": overflows(degrees), "radians(double)": total(radians),
		"sin(double)": domain(math.Sin), "cos(double)": domain(math.Cos), "tan(double)": domain(math.Tan),
		"cot(double)":  domain(func(x float64) float64 { return 1 / math.Tan(x) }),
		"asin(double)": domain(math.Asin), "acos(double)": domain(math.Acos), "atan(double)": total(math.Atan),
		"sinh(double)": total(math.Sinh), "cosh(double)": total(math.Cosh), "tanh(double)": total(math.Tanh),
		"asinh(double)": total(math.Asinh), "acosh(double)": domain(math.Acosh), "atanh(double)": domain(math.Atanh),
		"atan2(double,double)": double2(func(y, x float64) (float64, error) { return math.Atan2(y, x), nil }),
		"sqrt(double)":         partial(sqrt), "exp(double)": partial(exp), "ln(double)": partial(logOf(math.Log)),
		"log(double)": partial(logOf(math.Log10)), "log10(double)": partial(logOf(math.Log10)),
		"log2(double)": partial(logOf(math.Log2)), "power(double,double)": double2(power), "pow(double,double)": double2(power),
		"isnan(double)": boolFn(func(r *row) (bool, error) { return math.IsNaN(r.float64(0)), nil }),
		"isinf(double)": boolFn(func(r *row) (bool, error) { return math.IsInf(r.float64(0), 0), nil }),
		"isfinite(double)": boolFn(func(r *row) (bool, error) {
			return !math.IsInf(r.float64(0), 0) && !math.IsNaN(r.float64(0)), nil
		}),
		"isfinite(date)": boolFn(func(r *row) (bool, error) {
			return r.int32(0) != pgtext.DateInfinity && r.int32(0) != pgtext.DateNegativeInfinity, nil
		}),
		"isfinite(timestamp)": boolFn(isFinite), "isfinite(timestamptz)": boolFn(isFinite),
		"isfinite(interval)": boolFn(func(*row) (bool, error) { return true, nil }),

		"pi()":                                       fixedFn(func(*row) (float64, error) { return math.Pi, nil }),
		"round(numeric,integer)":                     fixedFn(roundTo),
		"trunc(numeric,integer)":                     fixedFn(truncTo),
		"gcd(integer,integer)":                       fixedFn(func(r *row) (int32, error) { return narrow(gcd(int64(r.int32(0)), int64(r.int32(1)))) }),
		"gcd(bigint,bigint)":                         fixedFn(func(r *row) (int64, error) { return wide(gcd(r.int64(0), r.int64(1))) }),
		"lcm(integer,integer)":                       fixedFn(func(r *row) (int32, error) { return lcm32(int64(r.int32(0)), int64(r.int32(1))) }),
		"lcm(bigint,bigint)":                         fixedFn(func(r *row) (int64, error) { return lcm(r.int64(0), r.int64(1)) }),
		"width_bucket(double,double,double,integer)": fixedFn(widthBucket),
	}
	for name, fn := range map[string]func(float64) (float64, error){
		"sqrt": sqrt, "exp": exp, "ln": logOf(math.Log), "log": logOf(math.Log10), "log10": logOf(math.Log10),
	} {
		m[name+"(numeric)"] = viaFloat(func(_ *row, x float64) (float64, error) { return fn(x) })
	}
	second := func(r *row) float64 { return numericFloat(r.numeric(1), r.args[1].t.StoredScale()) }
	pow := viaFloat(func(r *row, x float64) (float64, error) { return power(x, second(r)) })
	m["power(numeric,numeric)"], m["pow(numeric,numeric)"] = pow, pow
	m["log(numeric,numeric)"] = viaFloat(func(r *row, base float64) (float64, error) {
		a, err := logOf(math.Log)(base)
		if err != nil {
			return 0, err
		}
		b, err := logOf(math.Log)(second(r))
		if err == nil && a == 0 {
			err = errDivision
		}
		return b / a, err
	})
	random := fixedFn(func(r *row) (float64, error) { return float64(r.f.p.env.Random()>>11) / (1 << 53), nil })
	random.volatile, random.lazy = true, true
	m["random()"] = random
	return m
}

func isFinite(r *row) (bool, error) {
	return r.int64(0) != pgtext.TimestampInfinity && r.int64(0) != pgtext.TimestampNegativeInfinity, nil
}

// roundTo rounds to a number of places, which may be negative.
func roundTo(r *row) (num, error) {
	return atPlaces(r, func(v num, from, to int32) (num, bool) { return rescale(v, from, to) })
}

func truncTo(r *row) (num, error) {
	return atPlaces(r, func(v num, from, to int32) (num, bool) { return truncateTo(v, from, to), true })
}

func atPlaces(r *row, cut func(v num, from, to int32) (num, bool)) (num, error) {
	v, from := r.numeric(0), r.args[0].t.StoredScale()
	places := int32(max(-types.NumericPrecision, min(r.int32(1), types.NumericPrecision)))
	if places < from {
		var ok bool
		if v, ok = cut(v, from, places); !ok {
			return num{}, errNumeric
		}
		if v, ok = rescale(v, places, r.n.t.StoredScale()); !ok {
			return num{}, errNumeric
		}
		return v, nil
	}
	return checked(rescale(v, from, r.n.t.StoredScale()))
}

func gcd(a, b int64) int64 {
	for b != 0 {
		if b == -1 {
			return 1
		}
		a, b = b, a%b
	}
	if a < 0 {
		return -a
	}
	return a
}

func lcm(a, b int64) (int64, error) {
	if a == 0 || b == 0 {
		return 0, nil
	}
	a /= gcd(a, b)
	if !mulChecked(a, b) || a*b == math.MinInt64 {
		return 0, errBigint
	}
	return max(a*b, -(a * b)), nil
}

func lcm32(a, b int64) (int32, error) {
	v, err := lcm(a, b)
	if err != nil {
		return 0, errInteger
	}
	return narrow(v)
}

func narrow(v int64) (int32, error) {
	if v < math.MinInt32 || v > math.MaxInt32 {
		return 0, errInteger
	}
	return int32(v), nil
}

func wide(v int64) (int64, error) {
	if v < 0 { // the negation of the least bigint
		return 0, errBigint
	}
	return v, nil
}

func widthBucket(r *row) (int32, error) {
	x, low, high, count := r.float64(0), r.float64(1), r.float64(2), r.int32(3)
	switch {
	case count <= 0:
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "count must be greater than zero")
	case math.IsNaN(x) || math.IsNaN(low) || math.IsNaN(high):
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "operand, lower bound, and upper bound cannot be NaN")
	case low == high:
		return 0, pgerr.Newf(pgerr.InvalidParameterValue, "lower bound cannot equal upper bound")
	case low > high:
		x, low, high = -x, -low, -high
	}
	switch {
	case x < low:
		return 0, nil
	case x >= high:
		return narrow(int64(count) + 1)
	}
	return int32(min(float64(count)*((x-low)/(high-low)), float64(count-1))) + 1, nil
}

// decimalInt makes a numeric with scale 0.
func decimalInt(v int64) num { return decimal128.FromI64(v) }

// arrowInterval gives an interval its Arrow form, or the error that it has none.
func arrowInterval(v types.IntervalValue) (arrow.MonthDayNanoInterval, error) {
	return packInterval(v), checkInterval(v)
}
