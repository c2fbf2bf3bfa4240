package expr

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// series is generate_series over the kind of its bounds.
func series(k types.Kind) (setKernel, bool) {
	switch k {
	case types.Int32:
		return setKernel{rows: func(r *row, w *setWriter) (int, error) {
			out := w.columns[0].(*array.Int32Builder)
			return integers(r, func(k int) int64 { return int64(r.int32(k)) }, func(v int64) { out.Append(int32(v)) })
		}}, true
	case types.Int64:
		return setKernel{rows: func(r *row, w *setWriter) (int, error) {
			return integers(r, r.int64, w.columns[0].(*array.Int64Builder).Append)
		}}, true
	case types.Numeric:
		return setKernel{rows: numericSeries}, true
	case types.Timestamp, types.TimestampTZ:
		return setKernel{rows: timeSeries}, true
	}
	return setKernel{}, false
}

// What generate_series refuses.
var (
	errZeroStep      error = pgerr.Newf(pgerr.InvalidParameterValue, "step size cannot equal zero")
	errTooManyOfThem error = pgerr.Newf(pgerr.ProgramLimitExceeded, "generate_series gives more than %d rows", maxSetRows)
)

func integers(r *row, arg func(k int) int64, put func(v int64)) (int, error) {
	from, to, step := arg(0), arg(1), int64(1)
	if len(r.args) > 2 {
		step = arg(2)
	}
	if step == 0 {
		return 0, errZeroStep
	}
	if step > 0 && from > to || step < 0 && from < to {
		return 0, nil
	}
	// The distance of any two fits in 64 bits without a sign.
	n := uint64(to-from) / uint64(step)
	if step < 0 {
		n = uint64(from-to) / uint64(-step)
	}
	if n >= maxSetRows {
		return 0, errTooManyOfThem
	}
	for i := range n + 1 {
		put(from + int64(i)*step)
	}
	return int(n) + 1, nil
}

// numericSeries has its arguments at one scale, and in the order of its result.
func numericSeries(r *row, w *setWriter) (int, error) {
	v, to := r.numeric(0), r.numeric(1)
	t := r.args[0].t
	m, ok := magnitude{0, 1}.times10(t.StoredScale())
	step, _ := join(false, m)
	if len(r.args) > 2 {
		step, ok = r.numeric(2), true
	}
	if !ok {
		return 0, pgerr.Newf(pgerr.NumericOutOfRange, "numeric field overflow")
	}
	if step.Sign() == 0 {
		return 0, errZeroStep
	}
	var list []num
	for step.Sign() > 0 && v.LessEqual(to) || step.Sign() < 0 && v.GreaterEqual(to) {
		if len(list) == maxSetRows {
			return 0, errTooManyOfThem
		}
		list = append(list, v)
		if v, ok = numericSum(v, step); !ok {
			break
		}
	}
	out := w.columns[0].(*array.Decimal128Builder)
	for _, x := range list {
		out.Append(x)
	}
	return len(list), nil
}

func timeSeries(r *row, w *setWriter) (int, error) {
	v, to, step := r.int64(0), r.int64(1), r.interval(2)
	// PostgreSQL compares intervals by months of 30 days.
	sign := int64(step.Months)*30*types.MicrosPerDay + int64(step.Days)*types.MicrosPerDay + step.Micros
	if sign == 0 {
		return 0, errZeroStep
	}
	var list []int64
	for sign > 0 && v <= to || sign < 0 && v >= to {
		if len(list) == maxSetRows {
			return 0, errTooManyOfThem
		}
		list = append(list, v)
		next, err := addInterval(v, step, r.f.p.env.zone())
		if err != nil {
			return 0, err
		}
		v = next
	}
	out := w.columns[0].(*array.TimestampBuilder)
	for _, x := range list {
		out.Append(arrow.Timestamp(x))
	}
	return len(list), nil
}
