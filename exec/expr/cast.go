package expr

import (
	"math"
	"unicode/utf8"

	"laminardb/planner/plan"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

func (c *compiler) bindCast(n *node, e *plan.Cast) error {
	from := n.args[0].t
	k, ok := castKernel(from, e.T, e.Implicit)
	if !ok {
		return pgerr.At(e.Pos, pgerr.CannotCoerce, "cannot cast type %s to %s", from, e.T)
	}
	if e.Try {
		k = try(k)
	}
	c.install(n, k)
	return nil
}

// try turns a kernel's errors into NULLs. Its arguments' errors stay errors.
func try(k kernel) kernel {
	out := k
	out.eval = func(f *frame, n *node) *vector {
		for _, a := range n.args {
			f.eval(a)
		}
		quiet := *f
		quiet.errs = &RowErrors{}
		return k.eval(&quiet, n)
	}
	return out
}

// castKernel returns the conversion between two types; implicit ones do not cut
// text short.
func castKernel(from, to types.Type, implicit bool) (kernel, bool) {
	switch {
	case to.Kind == types.Text:
		return toText(from, to, implicit), true
	case from.Kind == types.Text || from.Kind == types.Unknown:
		return fromText(to)
	case from.Kind == types.Array && to.Kind == types.Array:
		return castArray(*from.Elem, *to.Elem, implicit)
	case from.Kind == types.Numeric && to.Kind == types.Numeric:
		return castNumeric(from, to), true
	case from.Kind == to.Kind:
		return identity(), true
	}
	if k, ok := castInteger(from.Kind, to); ok {
		return k, true
	}
	if k, ok := castFloat(from, to); ok {
		return k, true
	}
	if k, ok := castTime(from.Kind, to.Kind); ok {
		return k, true
	}
	return castJSON(from.Kind, to)
}

// identity passes its argument on under another type.
func identity() kernel {
	return kernel{safe: true, lazy: true, eval: func(f *frame, n *node) *vector {
		v := *f.eval(n.args[0])
		v.t = n.t
		return &v
	}}
}

// castInteger converts smallint, integer, bigint and oid, and boolean's casts.
func castInteger(from types.Kind, to types.Type) (kernel, bool) {
	switch from {
	case types.Int16:
		return integerTo[int16](to)
	case types.Int32:
		if to.Kind == types.Bool {
			return boolFn(func(r *row) (bool, error) { return r.int32(0) != 0, nil }), true
		}
		return integerTo[int32](to)
	case types.Int64, types.OID:
		return integerTo[int64](to)
	case types.Bool:
		if to.Kind == types.Int32 {
			return fixedFn(func(r *row) (int32, error) { return int32(flag(r.bool(0))), nil }), true
		}
	}
	return kernel{}, false
}

func integerTo[F integer](to types.Type) (kernel, bool) {
	switch to.Kind {
	case types.Int16:
		return narrowing[F, int16](), true
	case types.Int32:
		return narrowing[F, int32](), true
	case types.Int64:
		return widening[F, int64](), true
	case types.OID:
		return fixedFn(func(r *row) (int64, error) {
			v, i := r.at(0)
			id := int64(values[F](v)[i])
			if id < math.MinInt32 || id > math.MaxUint32 {
				return 0, pgerr.Newf(pgerr.NumericOutOfRange, "OID out of range")
			}
			return int64(uint32(id)), nil
		}), true
	case types.Float32:
		return widening[F, float32](), true
	case types.Float64:
		return widening[F, float64](), true
	case types.Numeric:
		return fixedFn(func(r *row) (num, error) {
			v, i := r.at(0)
			return toNumeric(decimalInt(int64(values[F](v)[i])), 0, to)
		}), true
	}
	return kernel{}, false
}

// widening converts where every value has a counterpart.
func widening[F integer | float, T integer | float]() kernel {
	return kernel{safe: true, eval: func(f *frame, n *node) *vector {
		a := f.eval(n.args[0])
		out, dst := newFixed[T](n.t, f.n)
		out.valid = a.valid
		for i, v := range values[F](a) {
			dst[i] = T(v)
		}
		return out
	}}
}

func narrowing[F, T integer]() kernel {
	return kernel{eval: func(f *frame, n *node) *vector {
		a := f.eval(n.args[0])
		out, dst := newFixed[T](n.t, f.n)
		out.valid = a.valid
		x := values[F](a)
		bad := false
		for i, v := range x {
			dst[i] = T(v)
			bad = bad || F(dst[i]) != v
		}
		if bad {
			f.failWhere(out, func(i int) error {
				if F(dst[i]) != x[i] {
					return outOfRange(n.t.Kind)
				}
				return nil
			})
		}
		return out
	}}
}

// castFloat converts floats and numeric to numbers.
func castFloat(from, to types.Type) (kernel, bool) {
	scale := from.StoredScale()
	var read func(r *row) float64
	bits := 64
	switch from.Kind {
	case types.Float32:
		if to.Kind == types.Float64 {
			return widening[float32, float64](), true
		}
		bits = 32
		read = func(r *row) float64 { v, i := r.at(0); return float64(values[float32](v)[i]) }
	case types.Float64:
		read = func(r *row) float64 { return r.float64(0) }
	case types.Numeric:
		if k, ok := numericToInteger(scale, to.Kind); ok {
			return k, true
		}
		read = func(r *row) float64 { return numericFloat(r.numeric(0), scale) }
	default:
		return kernel{}, false
	}
	switch to.Kind {
	case types.Int16:
		return roundTo16(read), true
	case types.Int32:
		return fixedFn(func(r *row) (int32, error) {
			v, err := roundFloat(read(r), -1<<31, 1<<31, errInteger)
			return int32(v), err
		}), true
	case types.Int64:
		return fixedFn(func(r *row) (int64, error) { return roundFloat(read(r), -1<<63, 1<<63, errBigint) }), true
	case types.Float32:
		return fixedFn(func(r *row) (float32, error) { return toReal(read(r)) }), true
	case types.Float64:
		return fixedFn(func(r *row) (float64, error) { return read(r), nil }), true
	case types.Numeric:
		return fixedFn(func(r *row) (num, error) { return floatNumeric(read(r), bits, to) }), true
	}
	return kernel{}, false
}

func roundTo16(read func(r *row) float64) kernel {
	return fixedFn(func(r *row) (int16, error) {
		v, err := roundFloat(read(r), -1<<15, 1<<15, errSmallint)
		return int16(v), err
	})
}

// roundFloat rounds half to even, as PostgreSQL's float to integer casts do.
func roundFloat(v, least, limit float64, err error) (int64, error) {
	v = math.RoundToEven(v)
	if !(v >= least && v < limit) {
		return 0, err
	}
	return int64(v), nil
}

func toReal(v float64) (float32, error) {
	f := float32(v)
	switch {
	case math.IsInf(float64(f), 0) && !math.IsInf(v, 0):
		return 0, errOverflow
	case f == 0 && v != 0:
		return 0, errUnderflow
	}
	return f, nil
}

// numericToInteger rounds half away from zero.
func numericToInteger(scale int32, to types.Kind) (kernel, bool) {
	whole := func(r *row, least, most int64, err error) (int64, error) {
		v, ok := rescale(r.numeric(0), scale, 0)
		n := int64(v.LowBits())
		if !ok || v.HighBits() != n>>63 || n < least || n > most {
			return 0, err
		}
		return n, nil
	}
	switch to {
	case types.Int16:
		return fixedFn(func(r *row) (int16, error) {
			v, err := whole(r, math.MinInt16, math.MaxInt16, errSmallint)
			return int16(v), err
		}), true
	case types.Int32:
		return fixedFn(func(r *row) (int32, error) {
			v, err := whole(r, math.MinInt32, math.MaxInt32, errInteger)
			return int32(v), err
		}), true
	case types.Int64:
		return fixedFn(func(r *row) (int64, error) { return whole(r, math.MinInt64, math.MaxInt64, errBigint) }), true
	}
	return kernel{}, false
}

func castNumeric(from, to types.Type) kernel {
	scale := from.StoredScale()
	if scale == to.StoredScale() && (to.Precision == 0 || from.Precision > 0 && from.Precision <= to.Precision) {
		return identity()
	}
	return fixedFn(func(r *row) (num, error) { return toNumeric(r.numeric(0), scale, to) })
}

// cutText keeps the first `most` characters.
func cutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	at := 0
	for range most {
		if at >= len(s) {
			return s
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		at += size
	}
	return s[:at]
}
