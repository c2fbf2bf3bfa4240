package expr

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// row is what a function that works row by row sees: its arguments at row i, and
// where its text result goes.
type row struct {
	i    int
	n    *node
	args []*vector
	f    *frame
	// out is where a text result is appended.
	out []byte
	// null is set by a function whose result is NULL for the row.
	null bool
}

// maxTextBytes bounds the text that one function makes for one batch, so that no
// expression takes the server's memory.
const maxTextBytes = 1 << 28

// errTooLong is the error of text beyond maxTextBytes.
var errTooLong error = pgerr.Newf(pgerr.ProgramLimitExceeded, "requested length too large")

// room checks that n more bytes may be made.
func (r *row) room(n int) error {
	if n < 0 || n > maxTextBytes-len(r.out) {
		return errTooLong
	}
	return nil
}

func (r *row) at(k int) (*vector, int) {
	v := r.args[k]
	if v.konst {
		return v, 0
	}
	return v, r.i
}

func (r *row) isNull(k int) bool { return r.args[k].isNull(r.i) }

// text returns an argument's text; it lives as long as the batch.
func (r *row) text(k int) string { return r.args[k].str(r.i) }

func (r *row) bytes(k int) []byte { return r.args[k].bytes(r.i) }

func (r *row) bool(k int) bool { return r.args[k].isTrue(r.i) }

func (r *row) int32(k int) int { v, i := r.at(k); return int(values[int32](v)[i]) }

func (r *row) int64(k int) int64 { v, i := r.at(k); return values[int64](v)[i] }

func (r *row) float64(k int) float64 { v, i := r.at(k); return values[float64](v)[i] }

func (r *row) numeric(k int) decimal128.Num { v, i := r.at(k); return values[decimal128.Num](v)[i] }

func (r *row) interval(k int) types.IntervalValue {
	v, i := r.at(k)
	return unpackInterval(values[arrow.MonthDayNanoInterval](v)[i])
}

// value returns an argument in plan.Const's form.
func (r *row) value(k int) any { return r.args[k].value(r.i) }

func (r *row) put(s string) error {
	if err := r.room(len(s)); err != nil {
		return err
	}
	r.out = append(r.out, s...)
	return nil
}

func (r *row) setNull() error {
	r.null = true
	return nil
}

// each runs fn for the rows that count. Rows with a NULL argument are skipped
// unless the function is called for NULLs too; rows that fail or are set NULL
// are NULL in out. after is called after each row, for functions that make text.
func (f *frame) each(n *node, out *vector, called bool, fn func(r *row) error, after func(r *row)) *row {
	r := &row{n: n, args: f.args(n), f: f}
	if after != nil {
		r.out = make([]byte, 0, textGuess(r.args))
	}
	var valid []uint64
	if !called {
		valid = validWith(f.n, r.args...)
		out.valid = own(valid)
	}
	for i := range f.n {
		r.i = i
		if f.live(valid, i) {
			r.null = false
			start := len(r.out)
			err := fn(r)
			if err != nil || r.null {
				r.out = r.out[:start]
			}
			switch {
			case err != nil:
				f.fail(out, i, err)
			case r.null:
				if out.valid == nil {
					out.valid = fullBits(f.n)
				}
				clearBit(out.valid, i)
			}
		}
		if after != nil {
			after(r)
		}
	}
	return r
}

// textGuess is about how much text a function of the arguments makes: as much as
// it gets.
func textGuess(args []*vector) int {
	size := 0
	for _, v := range args {
		if len(v.ends) > 0 {
			size += int(v.ends[v.n] - v.ends[0])
		} else {
			size += v.n
		}
	}
	return size
}

// textFn is a function whose result is appended to r.out.
func textFn(fn func(r *row) error) kernel { return textKernel(fn, false) }

// textCalled is textFn for a function that is called for NULLs.
func textCalled(fn func(r *row) error) kernel { return textKernel(fn, true) }

func textKernel(fn func(r *row) error, called bool) kernel {
	return kernel{lazy: called, eval: func(f *frame, n *node) *vector {
		out := &vector{t: n.t, n: f.n, ends: make([]int32, f.n+1)}
		r := f.each(n, out, called, fn, func(r *row) { out.ends[r.i+1] = int32(len(r.out)) })
		out.text = r.out
		return out
	}}
}

// fixedFn is a function with a result of fixed width, T being its Arrow type.
func fixedFn[T any](fn func(r *row) (T, error)) kernel { return fixedKernel(fn, false) }

// fixedCalled is fixedFn for a function that is called for NULLs.
func fixedCalled[T any](fn func(r *row) (T, error)) kernel { return fixedKernel(fn, true) }

func fixedKernel[T any](fn func(r *row) (T, error), called bool) kernel {
	return kernel{lazy: called, eval: func(f *frame, n *node) *vector {
		out, dst := newFixed[T](n.t, f.n)
		f.each(n, out, called, func(r *row) (err error) {
			dst[r.i], err = fn(r)
			return err
		}, nil)
		return out
	}}
}

// boolFn is a function with a boolean result.
func boolFn(fn func(r *row) (bool, error)) kernel { return boolKernel(fn, false) }

func boolKernel(fn func(r *row) (bool, error), called bool) kernel {
	return kernel{lazy: called, eval: func(f *frame, n *node) *vector {
		out := newBool(f.n)
		f.each(n, out, called, func(r *row) error {
			hit, err := fn(r)
			if hit {
				setBit(out.bits, r.i)
			}
			return err
		}, nil)
		return out
	}}
}

// anyFn is a function whose result is given in plan.Const's form, nil for NULL:
// for arrays and other types where speed is not the point.
func anyFn(fn func(r *row) (any, error)) kernel { return anyKernel(fn, false) }

// anyCalled is anyFn for a function that is called for NULLs.
func anyCalled(fn func(r *row) (any, error)) kernel { return anyKernel(fn, true) }

func anyKernel(fn func(r *row) (any, error), called bool) kernel {
	return kernel{lazy: called, eval: func(f *frame, n *node) *vector {
		list := make([]any, f.n)
		marks := &vector{t: n.t, n: f.n}
		f.each(n, marks, called, func(r *row) (err error) {
			list[r.i], err = fn(r)
			if err != nil {
				list[r.i] = nil
			}
			return err
		}, nil)
		arr, err := ValuesArray(n.t, list)
		if err != nil { // a function that gives what is no value of its type
			panic(err)
		}
		return load(n.t, arr)
	}}
}
