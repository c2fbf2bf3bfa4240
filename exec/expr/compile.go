package expr

import (
	"fmt"
	"strings"

	"laminardb/planner/plan"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// node is a compiled expression.
type node struct {
	t    types.Type
	args []*node
	// eval computes the values. Rows outside the frame's mask may hold anything
	// and must not fail.
	eval func(f *frame, n *node) *vector
	// konst is the value of a constant, else nil.
	konst *vector
	// column is the input column that this node is, -1 for none.
	column int
	// guarded nodes may fail or are dear, so that they are evaluated only where a
	// row reaches them.
	guarded  bool
	volatile bool
	stable   bool // the value depends on the Env
	slot     int
}

// kernel is the implementation of one overload for the types of a call.
type kernel struct {
	eval func(f *frame, n *node) *vector
	// safe says that it cannot fail and is cheap.
	safe bool
	// lazy says that it handles constant and NULL arguments itself.
	lazy             bool
	volatile, stable bool
}

type compiler struct {
	env   Env
	seen  map[string]*node
	slots int
}

func (c *compiler) compile(e plan.Expr) (*node, error) {
	children := plan.Children(e)
	n := &node{t: e.Type(), args: make([]*node, len(children)), column: -1}
	for i, child := range children {
		arg, err := c.compile(child)
		if err != nil {
			return nil, err
		}
		n.args[i] = arg
		n.guarded = n.guarded || arg.guarded
		n.volatile = n.volatile || arg.volatile
		n.stable = n.stable || arg.stable
	}
	if err := c.bind(n, e); err != nil {
		return nil, err
	}
	key := describe(n, e)
	if same, ok := c.seen[key]; ok && !n.volatile {
		return same, nil
	}
	if c.foldable(n) {
		c.fold(n)
	}
	n.slot = c.slots
	c.slots++
	c.seen[key] = n
	return n, nil
}

// bind gives the node its evaluation.
func (c *compiler) bind(n *node, e plan.Expr) (err error) {
	switch e := e.(type) {
	case *plan.Column:
		n.column = e.Index
		n.eval = func(f *frame, n *node) *vector { return f.loadColumn(n.column, n.t) }
	case *plan.Const:
		n.konst, err = constVector(e)
	case *plan.Outer:
		n.konst = load(e.T, c.env.Outer[e.Index])
		n.konst.konst = true
	case *plan.Call:
		return c.bindCall(n, e)
	case *plan.Cast:
		return c.bindCast(n, e)
	case *plan.Logic:
		n.eval = evalAnd
		if e.Or {
			n.eval = evalOr
		}
	case *plan.Not:
		n.eval = evalNot
	case *plan.IsNull:
		n.eval = evalIsNull
		if e.Not {
			n.eval = evalIsNotNull
		}
	case *plan.Case:
		n.eval = evalCase
	case *plan.Coalesce:
		n.eval = evalCoalesce
	case *plan.InList:
		return c.bindIn(n, e.Not)
	case *plan.Param:
		return fmt.Errorf("compiling an expression: parameter $%d has no value", e.Index)
	default:
		return fmt.Errorf("compiling an expression: unknown node %T", e)
	}
	return err
}

func (c *compiler) bindCall(n *node, e *plan.Call) error {
	k, ok := find(e.Func, n)
	if !ok {
		return pgerr.At(e.Pos, pgerr.FeatureNotSupported, "function %s is not supported yet", e.Func)
	}
	c.install(n, k)
	return nil
}

// install makes a node evaluate a kernel: NULL constants and constant arguments
// are seen to first, unless the kernel is lazy.
func (c *compiler) install(n *node, k kernel) {
	n.guarded = n.guarded || !k.safe
	n.volatile = n.volatile || k.volatile
	n.stable = n.stable || k.stable
	if k.lazy {
		n.eval = k.eval
		return
	}
	n.eval = func(f *frame, n *node) *vector {
		allConst := true
		for _, a := range n.args {
			v := f.eval(a)
			if v.nullNow() {
				return nullConst(n.t)
			}
			allConst = allConst && v.konst
		}
		if allConst {
			return evalOnce(f, n, k)
		}
		return k.eval(f, n)
	}
}

// evalOnce evaluates a kernel of constants: a failure is one of every row.
func evalOnce(f *frame, n *node, k kernel) *vector {
	if f.n == 0 {
		return nullConst(n.t)
	}
	args := f.args(n)
	errs := &RowErrors{}
	one := *f
	one.n, one.mask, one.errs = 1, nil, errs
	one.parent, one.cache = nil, make([]*vector, len(f.cache))
	inner := *n
	inner.args = make([]*node, len(args))
	for i, a := range args {
		plain := *a
		plain.konst = false
		inner.args[i] = &node{t: a.t, konst: &plain}
	}
	v := k.eval(&one, &inner)
	if errs.Len() > 0 {
		return f.failAll(n.t, errs.First())
	}
	out := *v
	out.konst = true
	return &out
}

// foldable reports whether a node has the same value for every row of every
// evaluation.
func (c *compiler) foldable(n *node) bool {
	if n.konst != nil || n.column >= 0 || n.volatile || n.stable {
		return false
	}
	for _, a := range n.args {
		if a.konst == nil {
			return false
		}
	}
	return true
}

// fold evaluates a constant expression. One that fails is left to fail for each
// row that reaches it.
func (c *compiler) fold(n *node) {
	errs := &RowErrors{}
	f := newFrame(&Program{env: c.env, slots: c.slots + 1}, oneRow, errs)
	n.slot = c.slots
	v := f.eval(n)
	if errs.Len() > 0 {
		return
	}
	if !v.konst {
		one := *v
		one.konst = true
		v = &one
	}
	n.konst = v
}

// describe returns a text that is equal for equal expressions only.
func describe(n *node, e plan.Expr) string {
	var b strings.Builder
	switch e := e.(type) {
	case *plan.Column:
		fmt.Fprintf(&b, "column %d", e.Index)
	case *plan.Const:
		fmt.Fprintf(&b, "const %T %#v", e.Value, e.Value)
	case *plan.Outer:
		fmt.Fprintf(&b, "outer %d", e.Index)
	case *plan.Call:
		b.WriteString("call " + e.Func)
	case *plan.Cast:
		fmt.Fprintf(&b, "cast %v", e.Try)
	case *plan.Logic:
		fmt.Fprintf(&b, "logic %v", e.Or)
	case *plan.IsNull:
		fmt.Fprintf(&b, "null %v", e.Not)
	case *plan.InList:
		fmt.Fprintf(&b, "in %v", e.Not)
	default:
		fmt.Fprintf(&b, "%T", e)
	}
	b.WriteString(" :" + n.t.String())
	for _, a := range n.args {
		fmt.Fprintf(&b, " %p", a)
	}
	return b.String()
}
