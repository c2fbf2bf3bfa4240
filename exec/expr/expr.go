// Package expr evaluates plan.Expr over batches, a column at a time.
//
// Nouns: Program (compiled expressions), Predicate (a compiled condition), Env
// (the clock, zone and randomness of an evaluation), RowErrors (rows that
// failed). Inside: vector (the values of one expression, or one constant for all
// rows), node (a compiled expression), frame (one evaluation: a batch and which
// of its rows count).
//
// Rule: an error belongs to its row. A row that fails is NULL in the output and
// is recorded in RowErrors; the other rows are not touched by it. Operands that
// CASE, COALESCE, AND or OR do not reach for a row cannot fail for it. Output
// arrays are fresh or are input columns themselves; nothing is written twice.
package expr

import (
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// Env is what evaluation takes from outside. The zero Env is good for
// expressions that are immutable.
type Env struct {
	// Now is read at most once in an evaluation, for now() and its kin; a
	// statement passes a clock that stands still.
	Now func() time.Time
	// Zone is the session's time zone, nil for UTC.
	Zone *time.Location
	// Random gives 64 random bits a call, for random() and gen_random_uuid().
	Random func() uint64
	// Outer has the values of plan.Outer by index: arrays of one row.
	Outer []arrow.Array
}

func (e *Env) zone() *time.Location {
	if e.Zone == nil {
		return time.UTC
	}
	return e.Zone
}

// RowErrors collects the rows that failed, in the order of evaluation: a row
// may be there more than once.
type RowErrors struct {
	Rows []int32
	Errs []error
}

// Len returns how many failures there are; 0 for a nil RowErrors.
func (e *RowErrors) Len() int {
	if e == nil {
		return 0
	}
	return len(e.Rows)
}

// First returns the error of the first row that failed, nil if none did.
func (e *RowErrors) First() error {
	var first error
	row := int32(-1)
	for i, r := range e.Rows {
		if row < 0 || r < row {
			row, first = r, e.Errs[i]
		}
	}
	return first
}

// Reset forgets all errors and keeps the memory.
func (e *RowErrors) Reset() { e.Rows, e.Errs = e.Rows[:0], e.Errs[:0] }

func (e *RowErrors) add(row int, err error) {
	e.Rows = append(e.Rows, int32(row))
	e.Errs = append(e.Errs, err)
}

// Program is compiled expressions. It keeps scratch memory and is for one
// goroutine at a time.
type Program struct {
	env   Env
	roots []*node
	slots int
}

// Compile prepares expressions. Subexpressions that are equal are evaluated
// once. The error is 0A000 for a function that has no implementation.
func Compile(exprs []plan.Expr, env Env) (*Program, error) {
	c := &compiler{env: env, seen: map[string]*node{}}
	p := &Program{env: env, roots: make([]*node, len(exprs))}
	for i, e := range exprs {
		n, err := c.compile(e)
		if err != nil {
			return nil, err
		}
		p.roots[i] = n
	}
	p.slots = c.slots
	return p, nil
}

// Passes returns, for each expression, the input column that it is, -1 for one that
// is computed.
func (p *Program) Passes() []int {
	out := make([]int, len(p.roots))
	for i, n := range p.roots {
		out[i] = n.column
	}
	return out
}

// Reads returns the input columns that the computed expressions read, in no order.
// Eval looks at no others; what it gives for the rest is what the batch has there,
// even if that is nil.
func (p *Program) Reads() []int {
	var out []int
	seen := map[*node]bool{}
	var walk func(n *node)
	walk = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if n.column >= 0 && !slices.Contains(out, n.column) {
			out = append(out, n.column)
		}
		for _, a := range n.args {
			walk(a)
		}
	}
	for _, n := range p.roots {
		for _, a := range n.args {
			walk(a)
		}
	}
	return out
}

// Eval computes the expressions over the rows of b. Failed rows are added to
// errs; with a nil errs the first of them is the returned error. A column
// reference gives b's own array.
func (p *Program) Eval(b *batch.Batch, errs *RowErrors) ([]arrow.Array, error) {
	own := errs
	if own == nil {
		own = &RowErrors{}
	}
	f := newFrame(p, b, own)
	out := make([]arrow.Array, len(p.roots))
	for i, n := range p.roots {
		if n.column >= 0 {
			if n.column >= len(b.Cols) {
				return nil, fmt.Errorf("expression refers to column %d of %d", n.column, len(b.Cols))
			}
			out[i] = b.Cols[n.column]
			continue
		}
		out[i] = f.eval(n).array(b.Rows)
	}
	if errs == nil && own.Len() > 0 {
		return nil, own.First()
	}
	return out, nil
}

// Predicate is a compiled condition.
type Predicate struct{ p *Program }

// Reads returns the input columns that the condition reads, in no order.
func (p *Predicate) Reads() []int {
	out := p.p.Reads()
	if c := p.p.roots[0].column; c >= 0 {
		out = append(out, c)
	}
	return out
}

// CompilePredicate prepares a boolean expression.
func CompilePredicate(e plan.Expr, env Env) (*Predicate, error) {
	p, err := Compile([]plan.Expr{e}, env)
	if err != nil {
		return nil, err
	}
	return &Predicate{p}, nil
}

// Select returns the rows for which the condition is true, in order. all says
// that it is true for every row; sel is nil then. A row that fails is recorded
// in errs and not selected; with a nil errs it is the error.
func (p *Predicate) Select(b *batch.Batch, errs *RowErrors) (sel []int32, all bool, err error) {
	own := errs
	if own == nil {
		own = &RowErrors{}
	}
	v := newFrame(p.p, b, own).eval(p.p.roots[0])
	if errs == nil && own.Len() > 0 {
		return nil, false, own.First()
	}
	if v.konst {
		return []int32{}, b.Rows > 0 && v.isTrue(0), nil
	}
	hits := v.trueBits()
	count := popcount(hits, b.Rows)
	if count == b.Rows {
		return nil, true, nil
	}
	return indexes(hits, b.Rows, count), false, nil
}
