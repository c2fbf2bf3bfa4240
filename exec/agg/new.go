package agg

import (
	"math"

	"laminardb/exec/rowcodec"
	"laminardb/sql/types"
)

// canonicalNames maps other names of aggregates to the ones used here.
var canonicalNames = map[string]string{
	"any": "bool_or", "every": "bool_and", "variance": "var_samp", "stddev": "stddev_samp",
	"listagg": "string_agg", "group_concat": "string_agg", "min_by": "arg_min", "max_by": "arg_max",
	"jsonb_agg": "json_agg", "jsonb_object_agg": "json_object_agg",
}

// New returns an empty Accumulator, or a 0A000 error for an aggregate that does
// not exist here.
func New(s Spec) (Accumulator, error) {
	s.spelt = s.Func
	if name, ok := canonicalNames[s.Func]; ok {
		s.Func = name
	}
	if s.Func == "approx_count_distinct" { // exactly, and so under every bound of error
		s.Func, s.Distinct = "count", true
	}
	if s.Distinct && !distinctChangesNothing(s.Func) {
		return newDistinct(s)
	}
	return newOne(&s)
}

// newOne makes an aggregate that takes rows as they are.
func newOne(s *Spec) (Accumulator, error) {
	if a := newPlain(s); a != nil {
		return a, nil
	}
	if err := s.checkFraction(); err != nil {
		return nil, err
	}
	if a := newOrdered(s); a != nil {
		return a, nil
	}
	return nil, s.unsupported()
}

// distinctChangesNothing names the aggregates for which a value twice is as good
// as once.
func distinctChangesNothing(name string) bool {
	switch name {
	case "min", "max", "bool_and", "bool_or", "bit_and", "bit_or", "any_value":
		return true
	}
	return false
}

// newPlain makes an aggregate over all rows in order of arrival, nil if there is
// none.
func newPlain(s *Spec) Accumulator {
	if s.Func == "count" {
		return newCount(s)
	}
	if len(s.Args) == 0 {
		return nil
	}
	switch s.Func {
	case "sum":
		return newSum(s, false)
	case "avg":
		return newSum(s, true)
	case "min":
		return newMinMax(s, false)
	case "max":
		return newMinMax(s, true)
	}
	if s.Retractable || len(s.OrderBy) > 0 {
		return newInvertible(s)
	}
	switch s.Func {
	case "first_value":
		return newEdges(s, false, false)
	case "last_value":
		return newEdges(s, true, false)
	case "any_value":
		return newEdges(s, false, true)
	}
	return newInvertible(s)
}

// newInvertible makes those that can take rows back, and for which no order
// matters.
func newInvertible(s *Spec) Accumulator {
	switch k := s.Args[0].Kind; s.Func {
	case "bool_and", "bool_or":
		return newBool(s, s.Func == "bool_and")
	case "bit_and":
		return newBitOf(s, bitAnd)
	case "bit_or":
		return newBitOf(s, bitOr)
	case "bit_xor":
		return newBitOf(s, bitXor)
	case "var_samp", "var_pop", "stddev_samp", "stddev_pop":
		if k == types.Float64 {
			return newVariance(s, spread{sample: s.Func == "var_samp" || s.Func == "stddev_samp", root: s.Func[0] == 's'})
		}
	default:
		value := regressions(s.Func)
		if value != nil && len(s.Args) == 2 && k == types.Float64 && s.Args[1].Kind == types.Float64 {
			return newRegression(s, value)
		}
	}
	return nil
}

func newSum(s *Spec, avg bool) Accumulator {
	switch s.Args[0].Kind {
	case types.Int16:
		return newIntSum[int16](s, avg)
	case types.Int32:
		return newIntSum[int32](s, avg)
	case types.Int64:
		return newIntSum[int64](s, avg)
	case types.Float32:
		return newFloatSum[float32](s, avg)
	case types.Float64:
		return newFloatSum[float64](s, avg)
	case types.Numeric:
		return newNumericSum(s, avg)
	case types.Interval:
		return newIntervalSum(s, avg)
	}
	return nil
}

func newBitOf(s *Spec, op bitOp) Accumulator {
	switch s.Args[0].Kind {
	case types.Int16:
		return newBit[int16](s, op)
	case types.Int32:
		return newBit[int32](s, op)
	case types.Int64:
		return newBit[int64](s, op)
	}
	return nil
}

func newMinMax(s *Spec, greatest bool) Accumulator {
	k := s.Args[0].Kind
	switch {
	case k == types.Bool: // the least of booleans is their AND; it can take rows back
		return newBool(s, !greatest)
	case s.Retractable:
		return nil
	case k == types.Text || k == types.Bytea:
		return &textExtreme{arg: s.Args[0], greatest: greatest}
	}
	switch k {
	case types.Float64:
		return newExtreme(s, greatest, math.Float64bits, math.Float64frombits)
	case types.Float32:
		return newExtreme(s, greatest,
			func(v float32) uint64 { return uint64(math.Float32bits(v)) },
			func(v uint64) float32 { return math.Float32frombits(uint32(v)) })
	case types.Numeric, types.Interval, types.UUID:
		return newWideExtreme(s, greatest)
	}
	switch rowcodec.Width(s.Args[0]) {
	case 2:
		return newIntExtreme[int16](s, greatest)
	case 4:
		return newIntExtreme[int32](s, greatest)
	case 8:
		return newIntExtreme[int64](s, greatest)
	}
	return nil
}

func newIntExtreme[T integer](s *Spec, greatest bool) Accumulator {
	return newExtreme(s, greatest,
		func(v T) uint64 { return uint64(int64(v)) },
		func(v uint64) T { return T(v) })
}
