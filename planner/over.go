package planner

import (
	"fmt"
	"slices"
	"strings"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// overs are the OVER calls met while one SELECT's expressions were resolved.
type overs struct {
	named []ast.NamedWindow
	specs []*overSpec
	calls []overCall
	names map[string]int // calls by what they compute
}

// overSpec is a partitioning with an order.
type overSpec struct {
	partition []plan.Expr
	order     []plan.SortKey
	orderPos  []ast.Pos
	print     string
	pos       ast.Pos
}

type overCall struct {
	spec int
	fn   plan.OverFunc
}

// overRef stands for the result of an OVER call until the layout is known.
type overRef struct {
	index int
	t     types.Type
	name  string
}

// Type implements plan.Expr.
func (o *overRef) Type() types.Type { return o.t }

// String implements plan.Expr.
func (o *overRef) String() string { return o.name }

// overCall collects f(..) OVER (..).
func (r *resolver) overCall(e *ast.FuncCall, name string) (plan.Expr, error) {
	switch {
	case r.inAggregate:
		return nil, pgerr.At(int(e.Pos), pgerr.GroupingError, "aggregate function calls cannot contain window function calls")
	case r.over == nil:
		return nil, pgerr.At(int(e.Pos), pgerr.WindowingError, "window functions are not allowed in %s", r.clause)
	}
	inner := *r
	inner.over, inner.scalars, inner.sets, inner.clause = nil, nil, nil, "window definitions"
	spec, frame, err := inner.windowSpec(r.over, e.Over, 0)
	if err != nil {
		return nil, err
	}
	inner.clause = "the arguments of a window function"
	fn, err := inner.overFunc(e, name)
	if err != nil {
		return nil, err
	}
	if fn.Frame, err = inner.frame(frame, spec); err != nil {
		return nil, err
	}
	return r.over.add(spec, *fn), nil
}

// add returns the reference to a call, one for calls that are the same.
func (o *overs) add(spec *overSpec, fn plan.OverFunc) plan.Expr {
	at := slices.IndexFunc(o.specs, func(s *overSpec) bool { return s.print == spec.print })
	if at < 0 {
		at = len(o.specs)
		o.specs = append(o.specs, spec)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %s %d %s", at, fn.Func, fn.Agg.Func, fn.Offset, fn.Frame)
	for _, a := range fn.Agg.Args {
		b.WriteString("|" + fingerprint(a))
	}
	if fn.Agg.Filter != nil {
		b.WriteString("|filter " + fingerprint(fn.Agg.Filter))
	}
	for _, bound := range []plan.FrameBound{fn.Frame.Start, fn.Frame.End} {
		if bound.Value != nil {
			b.WriteString("|bound " + fingerprint(bound.Value))
		}
	}
	i, ok := o.names[b.String()]
	if !ok {
		i = len(o.calls)
		o.calls = append(o.calls, overCall{at, fn})
		o.names[b.String()] = i
	}
	return &overRef{index: i, t: fn.Agg.Type, name: fn.Agg.Label}
}

// windowSpec resolves OVER (..), following the window that it names.
func (r *resolver) windowSpec(o *overs, w *ast.WindowSpec, depth int) (*overSpec, *ast.Frame, error) {
	spec, frame := &overSpec{pos: w.Pos}, w.Frame
	if w.Ref != "" {
		i := slices.IndexFunc(o.named, func(n ast.NamedWindow) bool { return n.Name == w.Ref })
		if i < 0 || depth > len(o.named) {
			return nil, nil, pgerr.At(int(w.Pos), pgerr.UndefinedObject, "window %q does not exist", w.Ref)
		}
		base, baseFrame, err := r.windowSpec(o, o.named[i].Spec, depth+1)
		if err != nil {
			return nil, nil, err
		}
		plain := len(w.PartitionBy) == 0 && len(w.OrderBy) == 0 && w.Frame == nil
		switch {
		case len(w.PartitionBy) > 0:
			return nil, nil, pgerr.At(int(w.Pos), pgerr.WindowingError, "cannot override PARTITION BY clause of window %q", w.Ref)
		case len(w.OrderBy) > 0 && len(base.order) > 0:
			return nil, nil, pgerr.At(int(w.Pos), pgerr.WindowingError, "cannot override ORDER BY clause of window %q", w.Ref)
		case baseFrame != nil && !plain:
			return nil, nil, pgerr.At(int(w.Pos), pgerr.WindowingError, "cannot copy window %q because it has a frame clause", w.Ref)
		case plain:
			frame = baseFrame
		}
		spec.partition, spec.order, spec.orderPos = base.partition, base.order, base.orderPos
	}
	var b strings.Builder
	for _, p := range w.PartitionBy {
		e, err := r.expr(p)
		if err != nil {
			return nil, nil, err
		}
		spec.partition = append(spec.partition, r.q.settle(e))
	}
	keys, err := r.sortKeys(w.OrderBy)
	if err != nil {
		return nil, nil, err
	}
	spec.order = append(spec.order, keys...)
	for _, item := range w.OrderBy {
		spec.orderPos = append(spec.orderPos, item.Expr.Position())
	}
	for _, e := range spec.partition {
		b.WriteString("|" + fingerprint(e))
	}
	for _, k := range spec.order {
		fmt.Fprintf(&b, "|order %s %v %v", fingerprint(k.Expr), k.Desc, k.NullsFirst)
	}
	spec.print = b.String()
	return spec, frame, nil
}

// overFunc resolves the function and its arguments.
func (r *resolver) overFunc(e *ast.FuncCall, name string) (*plan.OverFunc, error) {
	class := function.Classify(name)
	isWindow := class&function.Window != 0
	switch {
	case !isWindow && class&function.Aggregate == 0:
		return nil, pgerr.At(int(e.Pos), pgerr.WrongObjectType, "OVER specified, but %s is not a window function nor an aggregate function", name)
	case e.Distinct:
		return nil, unsupported(e.Pos, "DISTINCT is not implemented for window functions")
	case len(e.OrderBy) > 0:
		return nil, unsupported(e.Pos, "aggregate ORDER BY is not implemented for window functions")
	case len(e.WithinGroup) > 0:
		return nil, unsupported(e.Pos, "OVER is not supported for ordered-set aggregate %s", name)
	case e.IgnoreNulls:
		return nil, unsupported(e.Pos, "IGNORE NULLS is not supported yet")
	case isWindow && e.Filter != nil:
		return nil, unsupported(e.Pos, "FILTER is not implemented for non-aggregate window functions")
	}
	args, err := r.exprs(e.Args)
	if err != nil {
		return nil, err
	}
	sig, err := function.ResolveWindow(name, typesOf(args))
	if err != nil {
		return nil, placed(err, e.Pos)
	}
	if sig.OrderedSet {
		return nil, unsupported(e.Pos, "OVER is not supported for ordered-set aggregate %s", name)
	}
	fn := &plan.OverFunc{Agg: plan.Agg{Func: sig.ID, Type: sig.Result, EventTime: -1}}
	for i, a := range args {
		if a, err = r.q.coerce(a, sig.Args[i], function.Explicit, e.Args[i].Position()); err != nil {
			return nil, err
		}
		fn.Agg.Args = append(fn.Agg.Args, r.q.settle(a))
	}
	if e.Filter != nil {
		f, err := r.expr(e.Filter)
		if err != nil {
			return nil, err
		}
		if fn.Agg.Filter, err = r.q.boolean(f, e.Filter.Position(), "FILTER"); err != nil {
			return nil, err
		}
	}
	fn.Agg.Label = aggLabel(name, e, &fn.Agg)
	if isWindow {
		fn.Func, fn.Agg.Func = name, ""
		return fn, constantArgument(fn, e)
	}
	return fn, nil
}

// constantArgument takes the argument that counts rows out of the others.
func constantArgument(fn *plan.OverFunc, e *ast.FuncCall) error {
	at, least, code := -1, int64(1), pgerr.InvalidArgumentForNth
	switch fn.Func {
	case "lag", "lead":
		at, least = 1, -1<<31
		if fn.Offset = 1; len(e.Args) < 2 {
			return nil
		}
	case "nth_value":
		at = 1
	case "ntile":
		at, code = 0, pgerr.InvalidArgumentForNtile
	case "first_value":
		fn.Offset = 1
		return nil
	default:
		return nil
	}
	c, ok := fn.Agg.Args[at].(*plan.Const)
	v, isInt := int64(0), false
	if ok {
		v, isInt = c.Value.(int64)
	}
	if _, isParam := fn.Agg.Args[at].(*plan.Param); isParam {
		v, isInt = least, true // the plan is made again with its value
	}
	if !isInt {
		return unsupported(e.Args[at].Position(), "argument %d of %s must be a constant that is not NULL", at+1, fn.Func)
	}
	if v < least {
		return pgerr.At(int(e.Args[at].Position()), code, "argument of %s must be greater than zero", fn.Func)
	}
	fn.Offset = v
	fn.Agg.Args = slices.Delete(slices.Clone(fn.Agg.Args), at, at+1)
	return nil
}

// frame resolves a frame clause, nil for the default one.
func (r *resolver) frame(f *ast.Frame, spec *overSpec) (plan.Frame, error) {
	current := plan.FrameBound{Label: "current row"}
	if f == nil {
		return plan.Frame{Mode: plan.FrameRange, Start: plan.FrameBound{Unbounded: true, Label: "unbounded preceding"}, End: current}, nil
	}
	modes := map[string]plan.FrameMode{"rows": plan.FrameRows, "range": plan.FrameRange, "groups": plan.FrameGroups}
	excludes := map[string]plan.FrameExclude{"current row": plan.ExcludeCurrent, "group": plan.ExcludeGroup, "ties": plan.ExcludeTies}
	out := plan.Frame{Mode: modes[f.Mode], Exclude: excludes[f.Exclude]}
	order := []string{"unbounded preceding", "preceding", "current row", "following", "unbounded following"}
	first, last := slices.Index(order, f.Start.Kind), slices.Index(order, f.End.Kind)
	if first == 4 {
		return out, pgerr.At(int(f.Pos), pgerr.WindowingError, "frame start cannot be UNBOUNDED FOLLOWING")
	}
	if last == 0 {
		return out, pgerr.At(int(f.Pos), pgerr.WindowingError, "frame end cannot be UNBOUNDED PRECEDING")
	}
	if first > last {
		return out, pgerr.At(int(f.Pos), pgerr.WindowingError, "frame starting from %s cannot end with %s", order[first], order[last])
	}
	if out.Mode == plan.FrameGroups && len(spec.order) == 0 {
		return out, pgerr.At(int(f.Pos), pgerr.WindowingError, "GROUPS mode requires an ORDER BY clause")
	}
	var err error
	if out.Start, err = r.frameBound(out.Mode, f.Start, spec, "starting"); err != nil {
		return out, err
	}
	out.End, err = r.frameBound(out.Mode, f.End, spec, "ending")
	return out, err
}

func (r *resolver) frameBound(mode plan.FrameMode, b ast.FrameBound, spec *overSpec, which string) (plan.FrameBound, error) {
	out := plan.FrameBound{Label: b.Kind, Unbounded: strings.HasPrefix(b.Kind, "unbounded")}
	if b.Offset == nil {
		return out, nil
	}
	e, err := r.expr(b.Offset)
	if err != nil {
		return out, err
	}
	pos := b.Offset.Position()
	preceding := b.Kind == "preceding"
	if mode == plan.FrameRange {
		out.Value, err = r.rangeBound(e, pos, preceding, spec)
		out.Label = e.String() + " " + b.Kind
		return out, err
	}
	if e, err = r.q.coerce(e, types.Of(types.Int64), function.Implicit, pos); err != nil {
		return out, err
	}
	if _, ok := e.(*plan.Param); ok {
		return out, nil
	}
	c, ok := e.(*plan.Const)
	v, isInt := int64(0), false
	if ok {
		v, isInt = c.Value.(int64)
	}
	if !isInt {
		return out, unsupported(pos, "the offset of a frame must be a constant that is not NULL")
	}
	if v < 0 {
		return out, pgerr.At(int(pos), pgerr.InvalidWindowSize, "frame %s offset must not be negative", which)
	}
	out.Label = fmt.Sprintf("%d %s", v, b.Kind)
	if out.Rows = min(v, 1<<40); preceding {
		out.Rows = -out.Rows
	}
	return out, nil
}

// rangeBound is the value of the order key at the end of a RANGE frame.
func (r *resolver) rangeBound(offset plan.Expr, pos ast.Pos, preceding bool, spec *overSpec) (plan.Expr, error) {
	if len(spec.order) != 1 {
		return nil, pgerr.At(int(spec.pos), pgerr.WindowingError, "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column")
	}
	key := spec.order[0]
	t := key.Expr.Type()
	switch t.Kind {
	case types.Int16, types.Int32, types.Int64, types.Float32, types.Float64, types.Date, types.Timestamp, types.TimestampTZ:
	default:
		return nil, unsupported(pos, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s", t)
	}
	c, ok := offset.(*plan.Const)
	if !ok || c.Value == nil {
		return nil, unsupported(pos, "the offset of a frame must be a constant that is not NULL")
	}
	if c.T.Kind == types.Unknown && (t.Kind == types.Timestamp || t.Kind == types.TimestampTZ || t.Kind == types.Int64) {
		var err error
		if offset, err = r.q.coerce(c, types.Of(types.Interval), function.Implicit, pos); err != nil {
			return nil, err
		}
		c, _ = offset.(*plan.Const)
	}
	if negative(c) {
		return nil, pgerr.At(int(pos), pgerr.InvalidWindowSize, "invalid preceding or following size in window function")
	}
	op := "+"
	if preceding != key.Desc {
		op = "-"
	}
	e, err := r.operator(op, pos, []plan.Expr{key.Expr, offset}, []ast.Pos{pos, pos})
	if err != nil {
		return nil, err
	}
	switch {
	case e.Type().Equal(t):
		return e, nil
	case t.IsInteger() && e.Type().IsInteger(), t.IsFloat() && e.Type().IsFloat():
		return &plan.Cast{Arg: e, T: t, Implicit: true, Pos: int(pos)}, nil
	}
	return nil, unsupported(pos, "RANGE with offset PRECEDING/FOLLOWING is not supported for column type %s and offset type %s", t, offset.Type())
}

// negative reports whether a constant distance is below zero.
func negative(c *plan.Const) bool {
	if c == nil {
		return false
	}
	switch v := c.Value.(type) {
	case int64:
		return v < 0
	case float64:
		return v < 0
	case types.IntervalValue:
		return int64(v.Months)*30*types.MicrosPerDay+int64(v.Days)*types.MicrosPerDay+v.Micros < 0
	}
	return false
}
