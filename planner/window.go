package planner

import (
	"strings"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// isWindowCall reports whether a call in GROUP BY assigns rows to time windows.
func isWindowCall(e *ast.FuncCall) bool {
	switch e.Name.Last() {
	case "tumble", "hop", "session", "cumulate":
		return true
	}
	return false
}

// groupWindow makes a call in GROUP BY the group's window.
func (q *Query) groupWindow(g *grouping, call *ast.FuncCall) error {
	if g.window != nil {
		return pgerr.At(int(call.Pos), pgerr.WindowingError, "GROUP BY has two time windows")
	}
	w, name, err := q.timeWindowCall(g.input, call)
	if err != nil {
		return err
	}
	g.window, g.windowName, g.windowType = w, name, w.Time.Type()
	return nil
}

// timeWindowCall resolves tumble(time, size [, offset]), hop(time, slide, size [,
// offset]), session(time, gap) or cumulate(time, step, max [, offset]).
func (q *Query) timeWindowCall(input *scope, call *ast.FuncCall) (*plan.Window, string, error) {
	name, _ := windowBase(call.Name.Last())
	least, most := 2, 3
	switch name {
	case "hop", "cumulate":
		least, most = 3, 4
	case "session":
		most = 2
	}
	if len(call.Args) < least || len(call.Args) > most {
		return nil, "", pgerr.At(int(call.Pos), pgerr.UndefinedFunction, "%s takes %s", name, windowUsage[name])
	}
	r := &resolver{q: q, scope: input, clause: "GROUP BY"}
	at, err := r.expr(call.Args[0])
	if err != nil {
		return nil, "", err
	}
	if !at.Type().IsTime() {
		return nil, "", pgerr.At(int(call.Args[0].Position()), pgerr.DatatypeMismatch,
			"%s needs an event time: bigint (epoch milliseconds), timestamp or timestamptz, not %s", name, at.Type())
	}
	lengths := make([]int64, 0, 3)
	for _, a := range call.Args[1:] {
		e, err := r.expr(a)
		if err != nil {
			return nil, "", err
		}
		if c, ok := e.(*plan.Const); ok && c.T.Kind == types.Unknown && c.Value != nil {
			if e, err = q.coerce(e, types.Of(types.Interval), function.Implicit, a.Position()); err != nil {
				return nil, "", err
			}
		}
		millis, err := durationMillis(e, a.Position())
		if err != nil {
			return nil, "", err
		}
		lengths = append(lengths, millis)
	}
	w := &plan.Window{Time: at, SizeMillis: lengths[0]}
	rest := lengths[1:]
	switch name {
	case "tumble":
		w.Kind = plan.Tumble
	case "session":
		w.Kind = plan.Session
	case "hop", "cumulate":
		w.Kind, w.SlideMillis, w.SizeMillis = plan.Hop, lengths[0], lengths[1]
		if name == "cumulate" {
			w.Kind = plan.Cumulate
		}
		rest = lengths[2:]
	}
	if len(rest) > 0 {
		w.OffsetMillis = rest[0]
	}
	if err := checkLengths(w, call, name); err != nil {
		return nil, "", err
	}
	return w, windowFingerprint(w), nil
}

// windowUsage is what each window function takes, for errors.
var windowUsage = map[string]string{
	"tumble":   "(time, size [, offset])",
	"hop":      "(time, slide, size [, offset])",
	"session":  "(time, gap)",
	"cumulate": "(time, step, max [, offset])",
}

// maxLengthMillis bounds lengths, so that times of microseconds never overflow:
// 35 thousand years.
const maxLengthMillis = 1 << 50

// maxOverlap bounds how many windows a row is in: each is a result of its own.
const maxOverlap = 10_000

func checkLengths(w *plan.Window, call *ast.FuncCall, name string) error {
	pos := int(call.Args[1].Position())
	if max(w.SizeMillis, w.SlideMillis, w.OffsetMillis) > maxLengthMillis {
		return pgerr.At(pos, pgerr.InvalidParameterValue, "the lengths of %s must be below %d ms", name, int64(maxLengthMillis))
	}
	if w.SizeMillis <= 0 || w.Kind == plan.Hop && w.SlideMillis <= 0 || w.Kind == plan.Cumulate && w.SlideMillis <= 0 {
		return pgerr.At(pos, pgerr.InvalidParameterValue, "the lengths of %s must be positive", name)
	}
	if w.Kind == plan.Cumulate && w.SizeMillis%w.SlideMillis != 0 {
		return pgerr.At(pos, pgerr.InvalidParameterValue, "cumulate's max must be a multiple of its step")
	}
	if w.SlideMillis > 0 && w.SizeMillis/w.SlideMillis > maxOverlap {
		return pgerr.At(pos, pgerr.FeatureNotSupported, "a row would be in %d windows, which is more than %d", w.SizeMillis/w.SlideMillis, maxOverlap)
	}
	return nil
}

// Lateness reads ALLOW LATENESS, in milliseconds; 0 for nil.
func Lateness(l *ast.IntervalLiteral) (int64, error) {
	if l == nil {
		return 0, nil
	}
	millis, err := intervalMillis(l)
	if err == nil && millis > maxLengthMillis {
		err = pgerr.At(int(l.Pos), pgerr.InvalidParameterValue, "ALLOW LATENESS must be below %d ms", int64(maxLengthMillis))
	}
	return millis, err
}

func windowFingerprint(w *plan.Window) string {
	c := *w
	c.Time = &plan.Column{Name: fingerprint(w.Time)}
	return c.String()
}

// windowBase splits tumble_end into tumble and true.
func windowBase(name string) (base string, end bool) {
	if b, ok := strings.CutSuffix(name, "_end"); ok {
		return b, true
	}
	return strings.TrimSuffix(name, "_start"), false
}

// timeWindow resolves a window function outside GROUP BY: the bounds of the
// group's window, or of a row's own tumbling window.
func (r *resolver) timeWindow(e *ast.FuncCall, name string) (plan.Expr, error) {
	base, end := windowBase(name)
	bound := "window_start"
	if end {
		bound = "window_end"
	}
	if base == "window" {
		if ref := r.windowColumn(bound); ref != nil {
			return ref, nil
		}
		return nil, pgerr.At(int(e.Pos), pgerr.WindowingError, "%s() needs a time window in GROUP BY", name)
	}
	input := r.scope
	w, print, err := r.q.timeWindowCall(input, e)
	if err != nil {
		return nil, err
	}
	if r.group != nil && print == r.group.windowName {
		if ref := r.windowColumn(bound); ref != nil {
			return ref, nil
		}
	}
	if w.Kind != plan.Tumble {
		return nil, unsupported(e.Pos, "%s is not a function of a row alone: group by the same window", name)
	}
	return r.tumbleBound(e, w, end)
}

// tumbleBound computes the tumbling window of each row.
func (r *resolver) tumbleBound(e *ast.FuncCall, w *plan.Window, end bool) (plan.Expr, error) {
	bigint := types.Of(types.Int64)
	size := &plan.Const{Value: w.SizeMillis, T: bigint}
	offset := &plan.Const{Value: w.OffsetMillis, T: bigint}
	none := ast.Pos(-1)
	sig, err := function.Resolve("window_start_of", []types.Type{w.Time.Type(), bigint, bigint})
	if err != nil {
		return nil, placed(err, e.Pos)
	}
	start, err := r.apply(sig, "tumble", e.Pos, []plan.Expr{w.Time, size, offset}, []ast.Pos{none, none, none})
	if err != nil || !end {
		return start, err
	}
	length := &plan.Const{Value: types.IntervalValue{Micros: w.SizeMillis * 1000}, T: types.Of(types.Interval)}
	return r.operator("+", e.Pos, []plan.Expr{start, length}, []ast.Pos{none, none})
}
