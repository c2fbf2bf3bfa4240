package planner

import (
	"strings"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// sets are the calls of set-returning functions met in a select list, GROUP BY and
// ORDER BY. They run side by side once everything below them is known.
type sets struct {
	calls []setItem
	names map[string]int // calls by what they compute
}

type setItem struct {
	call *plan.SetCall
	sig  *function.TableSignature
	ref  *setRef
}

// setRef stands for the value of a call until the layout is known.
type setRef struct {
	index int
	t     types.Type
	name  string
	print string // of the call, so that equal calls of two lists are equal
}

// Type implements plan.Expr.
func (s *setRef) Type() types.Type { return s.t }

// String implements plan.Expr.
func (s *setRef) String() string { return s.name }

// setValue is a call of a set-returning function in an expression.
func (r *resolver) setValue(e *ast.FuncCall, name string) (plan.Expr, error) {
	switch {
	case r.inAggregate:
		return nil, unsupported(e.Pos, "aggregate function calls cannot contain set-returning function calls").
			WithHint("You might be able to move the set-returning function into a LATERAL FROM item.")
	case r.sets == nil:
		return nil, unsupported(e.Pos, "set-returning functions are not allowed in %s", r.clause)
	}
	if err := plainCall(e, name); err != nil {
		return nil, err
	}
	inner := *r
	inner.sets, inner.clause = nil, "the arguments of another"
	args, err := inner.exprs(e.Args)
	if err != nil {
		return nil, err
	}
	sig, call, err := r.q.setCall(name, e, args, 0)
	if err != nil {
		return nil, err
	}
	ref := &setRef{t: sig.Result, name: name + "(" + plan.ExprList(call.Args) + ")"}
	if len(sig.Columns) == 1 {
		ref.t = sig.Columns[0].Type
	}
	var b strings.Builder
	b.WriteString("@set " + sig.ID)
	for _, a := range call.Args {
		b.WriteString("|" + fingerprint(a))
	}
	ref.print = b.String()
	return r.sets.add(setItem{call, sig, ref}), nil
}

// add returns the reference to a call, one for calls that are the same.
func (s *sets) add(item setItem) plan.Expr {
	if at, ok := s.names[item.ref.print]; ok {
		return s.calls[at].ref
	}
	if s.names == nil {
		s.names = map[string]int{}
	}
	item.ref.index = len(s.calls)
	s.names[item.ref.print] = item.ref.index
	s.calls = append(s.calls, item)
	return item.ref
}

// rewriteSets applies f to the arguments of the calls that are used. One that is not
// is a key of the groups.
func (c *core) rewriteSets(f func(plan.Expr) (plan.Expr, error)) error {
	used := setsIn(c.selected())
	for _, call := range c.sets.calls {
		if !used[call.ref.index] {
			continue
		}
		for i, a := range call.call.Args {
			var err error
			if call.call.Args[i], err = f(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// selected are the expressions of the select list and of ORDER BY.
func (c *core) selected() []plan.Expr {
	list := append([]plan.Expr(nil), c.exprs...)
	for _, k := range c.order {
		list = append(list, k.Expr)
	}
	return list
}

// setsIn returns the calls that expressions refer to.
func setsIn(list []plan.Expr) map[int]bool {
	used := map[int]bool{}
	for _, e := range list {
		plan.Rewrite(e, func(x plan.Expr) plan.Expr {
			if ref, ok := x.(*setRef); ok {
				used[ref.index] = true
			}
			return x
		})
	}
	return used
}

// run puts the calls that the expressions use on top of a node and returns what the
// references to them become.
func (s *sets) run(node plan.Node, used []plan.Expr) (plan.Node, func(plan.Expr) plan.Expr) {
	needed := setsIn(used)
	if len(needed) == 0 {
		return node, func(e plan.Expr) plan.Expr { return e }
	}
	out := &plan.TableFunc{Input: node}
	values := make([]plan.Expr, len(s.calls))
	at := len(node.Schema().Fields)
	var fields []batch.Field
	for i, c := range s.calls {
		if !needed[i] {
			continue
		}
		out.Calls = append(out.Calls, *c.call)
		var columns []plan.Expr
		for _, f := range c.sig.Columns {
			columns = append(columns, &plan.Column{Index: at + len(fields), Name: c.ref.name, T: f.Type, Pos: -1})
			fields = append(fields, batch.Field{Name: f.Name, Type: f.Type})
		}
		values[i] = recordValue(columns, c.ref.t)
	}
	setRows(out, fields)
	return out, func(e plan.Expr) plan.Expr {
		return plan.Rewrite(e, func(x plan.Expr) plan.Expr {
			if ref, ok := x.(*setRef); ok {
				return values[ref.index]
			}
			return x
		})
	}
}

// recordValue is a call's value: its column, or a record of several. A call that has
// no more rows than others gives NULL, not a record of NULLs; a first column is never
// NULL otherwise.
func recordValue(columns []plan.Expr, t types.Type) plan.Expr {
	if len(columns) == 1 {
		return columns[0]
	}
	row := &plan.Call{Func: "row(variadic any)", Args: columns, T: t, Name: "row", Pos: -1}
	return &plan.Case{
		Whens: []plan.When{{Cond: &plan.IsNull{Arg: columns[0]}, Result: &plan.Const{T: t}}},
		Else:  row, T: t,
	}
}

// expandGroups runs the set-returning functions of GROUP BY below the aggregate.
func (c *core) expandGroups() {
	if len(c.group.expands.calls) == 0 {
		return
	}
	var settle func(plan.Expr) plan.Expr
	c.node, settle = c.group.expands.run(c.node, c.group.keys)
	for i, k := range c.group.keys {
		c.group.keys[i] = settle(k)
	}
}

// expand runs the set-returning functions of the select list and ORDER BY.
func (c *core) expand() error {
	if len(c.sets.calls) == 0 {
		return nil
	}
	if len(c.distinct) > 0 {
		return unsupported(c.sel.DistinctOn[0].Position(), "set-returning functions beside DISTINCT ON are not supported")
	}
	var settle func(plan.Expr) plan.Expr
	c.node, settle = c.sets.run(c.node, c.selected())
	for i, e := range c.exprs {
		c.exprs[i] = settle(e)
	}
	for i, k := range c.order {
		c.order[i].Expr = settle(k.Expr)
	}
	return nil
}

// withoutSets resolves something where set-returning functions are not allowed.
func (r *resolver) withoutSets(clause string) *resolver {
	inner := *r
	inner.sets, inner.clause = nil, clause
	return &inner
}
