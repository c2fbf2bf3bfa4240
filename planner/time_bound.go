package planner

import (
	"math"

	"laminardb/planner/plan"
	"laminardb/sql/types"
)

// timeTest is a condition on how far two times are apart: right - left is within
// reach, in the unit of the times.
type timeTest struct {
	left, right *plan.Column // over the columns of both inputs
	reach       plan.TimeRange
	// plain says that an expression over one input was compared with one over the
	// other (l.ts >= r.ts), not a difference with a constant.
	plain bool
}

// timeTestOf reads a comparison that bounds the time between a left column (below
// n) and a right one: l.ts >= r.ts, r.ts <= l.ts + INTERVAL '1' SECOND, l.ts - r.ts
// < 5000, abs(l.ts - r.ts) <= 5000 and their like. It returns nil for any other
// condition.
func timeTestOf(e plan.Expr, n int) *timeTest {
	call, ok := e.(*plan.Call)
	if !ok || len(call.Args) != 2 {
		return nil
	}
	op, a, b := call.Name, call.Args[0], call.Args[1]
	if flipped[op] == "" {
		return nil
	}
	if abs, limit, op := absolute(op, a, b); abs != nil {
		return absoluteTest(abs, limit, op, n)
	}
	x, okX := timeSum(a, n)
	y, okY := timeSum(b, n)
	if !okX || !okY {
		return nil
	}
	t := testOf(x.minus(y), op)
	if t != nil {
		s, u := side(a, n), side(b, n)
		t.plain = s|u == sideBoth && s != sideBoth && u != sideBoth
	}
	return t
}

// flipped is what a comparison becomes when its sides are exchanged.
var flipped = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}

// absolute recognises abs(x) < limit and limit > abs(x).
func absolute(op string, a, b plan.Expr) (arg, limit plan.Expr, _ string) {
	isAbs := func(e plan.Expr) plan.Expr {
		if c, ok := e.(*plan.Call); ok && c.Name == "abs" && len(c.Args) == 1 {
			return c.Args[0]
		}
		return nil
	}
	if x := isAbs(a); x != nil {
		return x, b, op
	}
	if x := isAbs(b); x != nil {
		return x, a, flipped[op]
	}
	return nil, nil, op
}

// absoluteTest is -limit <= arg <= limit.
func absoluteTest(arg, limit plan.Expr, op string, n int) *timeTest {
	if op != "<" && op != "<=" {
		return nil
	}
	x, okX := timeSum(arg, n)
	y, okY := timeSum(limit, n)
	if !okX || !okY || y.left != nil || y.right != nil {
		return nil
	}
	high := testOf(x.minus(y), op)
	y.constant = -y.constant
	low := testOf(x.minus(y), flipped[op])
	if low == nil || high == nil {
		return nil
	}
	high.reach = intersect(low.reach, high.reach)
	return high
}

func intersect(a, b plan.TimeRange) plan.TimeRange {
	return plan.TimeRange{Low: max(a.Low, b.Low), High: min(a.High, b.High)}
}

// testOf turns "sum op 0" into a bound on right - left.
func testOf(s sum, op string) *timeTest {
	if s.left == nil || s.right == nil || s.leftTimes*s.rightTimes != -1 || s.constant == math.MinInt64 {
		return nil
	}
	at := -s.constant // right - left compared with it
	if s.leftTimes > 0 {
		at, op = s.constant, flipped[op]
	}
	t := &timeTest{left: s.left, right: s.right, reach: plan.TimeRange{Low: plan.NoLow, High: plan.NoHigh}}
	switch op {
	case "=":
		t.reach = plan.TimeRange{Low: at, High: at}
	case "<":
		t.reach.High = at - 1
	case "<=":
		t.reach.High = at
	case ">":
		t.reach.Low = at + 1
	case ">=":
		t.reach.Low = at
	}
	return t
}

// sum is leftTimes*left + rightTimes*right + constant. The constant is in the
// columns' unit where there are any, else still without one.
type sum struct {
	left, right           *plan.Column
	leftTimes, rightTimes int
	constant              int64
}

// maxTimeConstant bounds constants so that sums of several cannot overflow.
const maxTimeConstant = math.MaxInt64 / 4

func (s sum) minus(o sum) sum {
	if s.left == nil {
		s.left = o.left
	}
	if s.right == nil {
		s.right = o.right
	}
	s.leftTimes -= o.leftTimes
	s.rightTimes -= o.rightTimes
	s.constant -= o.constant
	return s
}

func (s sum) negated() sum { return sum{}.minus(s) }

// timeSum reads an expression as a sum. ok is false if it is none, if it names
// two columns of the same input, or if its constants are not whole units.
func timeSum(e plan.Expr, n int) (s sum, ok bool) {
	switch e := e.(type) {
	case *plan.Column:
		if !isMatchTime(e.T) {
			return s, false
		}
		if e.Index < n {
			return sum{left: e, leftTimes: 1}, true
		}
		return sum{right: e, rightTimes: 1}, true
	case *plan.Const:
		return constantSum(e)
	case *plan.Cast: // between integers, and between timestamps in UTC
		if e.Try || !isMatchTime(e.T) || isStamp(e.T) != isStamp(e.Arg.Type()) {
			return s, false
		}
		return timeSum(e.Arg, n)
	case *plan.Call:
		return callSum(e, n)
	}
	return s, false
}

func callSum(e *plan.Call, n int) (s sum, ok bool) {
	if e.Name != "+" && e.Name != "-" {
		return s, false
	}
	terms := make([]sum, len(e.Args))
	for i, a := range e.Args {
		if terms[i], ok = timeSum(a, n); !ok {
			return s, false
		}
		if _, isConst := a.(*plan.Const); isConst && a.Type().Kind == types.Interval && e.T.Kind == types.Int64 {
			if terms[i].constant%1000 != 0 {
				return s, false
			}
			terms[i].constant /= 1000
		}
	}
	switch {
	case len(terms) == 1 && e.Name == "-":
		return terms[0].negated(), true
	case len(terms) != 2:
		return s, false
	case e.Name == "+":
		terms[1] = terms[1].negated()
	}
	a, b := terms[0], terms[1]
	if twoColumns(a.left, b.left) || twoColumns(a.right, b.right) {
		return s, false
	}
	s = a.minus(b)
	return s, s.constant > -maxTimeConstant && s.constant < maxTimeConstant
}

func twoColumns(a, b *plan.Column) bool { return a != nil && b != nil && a.Index != b.Index }

// constantSum is a whole number or the microseconds of a fixed interval.
func constantSum(c *plan.Const) (s sum, ok bool) {
	switch v := c.Value.(type) {
	case int64:
		s.constant, ok = v, c.T.IsInteger()
	case types.IntervalValue:
		s.constant, ok = int64(v.Days)*types.MicrosPerDay+v.Micros, v.Months == 0
	}
	return s, ok && s.constant > -maxTimeConstant && s.constant < maxTimeConstant
}

// isMatchTime reports whether joins can match by times of the type.
func isMatchTime(t types.Type) bool { return t.IsInteger() || isStamp(t) }

func isStamp(t types.Type) bool { return t.Kind == types.Timestamp || t.Kind == types.TimestampTZ }

// intervalArgs lets a difference of times be compared with a length in either
// spelling: epoch milliseconds with an interval, and a difference of timestamps
// with a number of milliseconds.
func intervalArgs(op string, args []plan.Expr) []plan.Expr {
	if len(args) != 2 || flipped[op] == "" && op != "<>" {
		return args
	}
	for i, a := range args {
		c, ok := a.(*plan.Const)
		if !ok {
			continue
		}
		out := []plan.Expr{args[0], args[1]}
		other := args[1-i].Type().Kind
		switch v := c.Value.(type) {
		case types.IntervalValue:
			millis, whole := v.FixedMillis()
			if other != types.Int64 || !whole {
				return args
			}
			out[i] = &plan.Const{Value: millis, T: types.Of(types.Int64)}
		case int64:
			if other != types.Interval || !c.T.IsInteger() || v > math.MaxInt64/1000 || v < math.MinInt64/1000 {
				return args
			}
			out[i] = &plan.Const{Value: types.IntervalValue{Micros: v * 1000}, T: types.Of(types.Interval)}
		default:
			return args
		}
		return out
	}
	return args
}

// bare reports whether a comparison has no constant: l.ts >= r.ts, l.ts < r.ts.
func bare(r plan.TimeRange) bool {
	return r.Low == plan.NoLow && (r.High == 0 || r.High == -1) || r.High == plan.NoHigh && (r.Low == 0 || r.Low == 1)
}
