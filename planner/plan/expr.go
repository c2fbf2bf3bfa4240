package plan

import "laminardb/sql/types"

// Expr is a typed scalar expression over the columns of one input.
type Expr interface {
	Type() types.Type
	// String returns the expression in SQL's spelling, for EXPLAIN and for column
	// names.
	String() string
}

// Column is an input column.
type Column struct {
	Index int
	Name  string
	T     types.Type
	// Pos is the byte offset in the statement, -1 for none.
	Pos int
}

// Const is a constant. Value is nil for NULL, else: bool; int64 for integers,
// oid, date (days since 1970-01-01), time and timestamps (microseconds); float64
// for both floats; decimal128.Num at the type's stored scale for numeric; string
// for text, json and jsonb; []byte for bytea; types.IntervalValue; [16]byte for
// uuid; []any for arrays and structs (elements in these forms).
type Const struct {
	Value any
	T     types.Type
}

// Call applies a scalar function or operator.
type Call struct {
	// Func is the id of the overload in planner/function: "add(bigint,bigint)".
	Func string
	Args []Expr
	T    types.Type
	// Name is how the user spelt it, for EXPLAIN: "+", "abs".
	Name string
	// Pos is the byte offset in the statement, -1 for none.
	Pos int
}

// Cast converts between types by PostgreSQL's rules. Try gives NULL instead of
// an error.
type Cast struct {
	Arg Expr
	T   types.Type
	Try bool
	// Implicit casts are not shown by EXPLAIN.
	Implicit bool
	Pos      int
}

// Logic is AND or OR over two or more arguments, with SQL's three values.
type Logic struct {
	Or   bool
	Args []Expr
}

// Not is SQL's NOT.
type Not struct{ Arg Expr }

// IsNull is IS [NOT] NULL.
type IsNull struct {
	Arg Expr
	Not bool
}

// Case is a searched CASE. A branch is evaluated only for the rows that reach it.
type Case struct {
	Whens []When
	Else  Expr // never nil; a NULL constant where ELSE was left out
	T     types.Type
}

// When is one branch of a Case.
type When struct{ Cond, Result Expr }

// Coalesce is the first argument that is not NULL; later ones are evaluated only
// for the rows that need them.
type Coalesce struct {
	Args []Expr
	T    types.Type
}

// InList is Arg IN (constants and expressions), all of one type.
type InList struct {
	Arg  Expr
	List []Expr
	Not  bool
}

// Param is a parameter of an extended query; it is replaced by a Const before
// the plan runs.
type Param struct {
	Index int // from 1
	T     types.Type
	Pos   int
}

// Type implements Expr.
func (e *Column) Type() types.Type { return e.T }

// Type implements Expr.
func (e *Const) Type() types.Type { return e.T }

// Type implements Expr.
func (e *Call) Type() types.Type { return e.T }

// Type implements Expr.
func (e *Cast) Type() types.Type { return e.T }

// Type implements Expr.
func (e *Logic) Type() types.Type { return types.Of(types.Bool) }

// Type implements Expr.
func (e *Not) Type() types.Type { return types.Of(types.Bool) }

// Type implements Expr.
func (e *IsNull) Type() types.Type { return types.Of(types.Bool) }

// Type implements Expr.
func (e *Case) Type() types.Type { return e.T }

// Type implements Expr.
func (e *Coalesce) Type() types.Type { return e.T }

// Type implements Expr.
func (e *InList) Type() types.Type { return types.Of(types.Bool) }

// Type implements Expr.
func (e *Param) Type() types.Type { return e.T }

// Children returns the operands of an expression.
func Children(e Expr) []Expr {
	switch e := e.(type) {
	case *Call:
		return e.Args
	case *Cast:
		return []Expr{e.Arg}
	case *Logic:
		return e.Args
	case *Not:
		return []Expr{e.Arg}
	case *IsNull:
		return []Expr{e.Arg}
	case *Case:
		out := make([]Expr, 0, 2*len(e.Whens)+1)
		for _, w := range e.Whens {
			out = append(out, w.Cond, w.Result)
		}
		return append(out, e.Else)
	case *Coalesce:
		return e.Args
	case *InList:
		return append([]Expr{e.Arg}, e.List...)
	}
	return nil
}

// WithChildren returns a copy of e over other operands, given in the order of
// Children.
func WithChildren(e Expr, list []Expr) Expr {
	switch n := e.(type) {
	case *Call:
		c := *n
		c.Args = list
		return &c
	case *Cast:
		c := *n
		c.Arg = list[0]
		return &c
	case *Logic:
		return &Logic{Or: n.Or, Args: list}
	case *Not:
		return &Not{Arg: list[0]}
	case *IsNull:
		return &IsNull{Arg: list[0], Not: n.Not}
	case *Case:
		c := &Case{T: n.T, Whens: make([]When, len(n.Whens)), Else: list[len(list)-1]}
		for i := range n.Whens {
			c.Whens[i] = When{Cond: list[2*i], Result: list[2*i+1]}
		}
		return c
	case *Coalesce:
		return &Coalesce{Args: list, T: n.T}
	case *InList:
		return &InList{Arg: list[0], List: list[1:], Not: n.Not}
	}
	return e
}

// Rewrite rebuilds an expression bottom-up: f gets each node with its operands
// already rewritten and returns what takes its place. The original is not
// changed.
func Rewrite(e Expr, f func(Expr) Expr) Expr {
	children := Children(e)
	if len(children) == 0 {
		return f(e)
	}
	done := make([]Expr, len(children))
	for i, c := range children {
		done[i] = Rewrite(c, f)
	}
	return f(WithChildren(e, done))
}
