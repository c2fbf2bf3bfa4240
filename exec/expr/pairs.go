package expr

import (
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// chunk is how many times a constant operand is repeated, so that kernels have
// one loop for columns and constants. It is a multiple of a bitmap's word and
// stays in the first-level cache.
const chunk = 512

// pairs calls do with runs of the operands' values; at is the row of the first.
// at is a multiple of 64.
func pairs[T any](n int, a, b *vector, do func(at int, x, y []T)) {
	x, y := values[T](a), values[T](b)
	switch {
	case !a.konst && !b.konst:
		do(0, x[:n], y[:n])
	case a.konst:
		same := repeatOf(x[0], n)
		for at := 0; at < n; at += chunk {
			m := min(chunk, n-at)
			do(at, same[:m], y[at:at+m])
		}
	default:
		same := repeatOf(y[0], n)
		for at := 0; at < n; at += chunk {
			m := min(chunk, n-at)
			do(at, x[at:at+m], same[:m])
		}
	}
}

func repeatOf[T any](v T, n int) []T {
	same := make([]T, min(n, chunk))
	for i := range same {
		same[i] = v
	}
	return same
}

// failWhere fails the live rows for which check returns an error. It is run only
// when a kernel has seen that there may be some.
func (f *frame) failWhere(out *vector, check func(i int) error) {
	valid := out.valid
	out.valid = own(valid)
	for i := range f.n {
		if !f.live(valid, i) {
			continue
		}
		if err := check(i); err != nil {
			f.fail(out, i, err)
		}
	}
}

// errDivision and the others are the errors of arithmetic; rows share them.
var (
	errDivision  error = pgerr.Newf(pgerr.DivisionByZero, "division by zero")
	errOverflow  error = pgerr.Newf(pgerr.NumericOutOfRange, "value out of range: overflow")
	errUnderflow error = pgerr.Newf(pgerr.NumericOutOfRange, "value out of range: underflow")
	errSmallint  error = pgerr.Newf(pgerr.NumericOutOfRange, "smallint out of range")
	errInteger   error = pgerr.Newf(pgerr.NumericOutOfRange, "integer out of range")
	errBigint    error = pgerr.Newf(pgerr.NumericOutOfRange, "bigint out of range")
	errNumeric   error = pgerr.Newf(pgerr.NumericOutOfRange, "value overflows numeric format")
	errTimestamp error = pgerr.Newf(pgerr.DatetimeFieldOverflow, "timestamp out of range")
	errDate      error = pgerr.Newf(pgerr.DatetimeFieldOverflow, "date out of range")
	errInterval  error = pgerr.Newf(pgerr.DatetimeFieldOverflow, "interval out of range")
)

func outOfRange(k types.Kind) error {
	switch k {
	case types.Int16:
		return errSmallint
	case types.Int32:
		return errInteger
	}
	return errBigint
}
