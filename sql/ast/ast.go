// Package ast is the tree of a parsed statement: what the user wrote, with the
// place of every name, before anything is looked up.
//
// Nouns: Statement, Query (SELECT and what combines them), TableExpr, Expr,
// Name. Every node carries Pos, the 0-based byte offset of its first token in
// the text that was parsed, -1 if it has none.
//
// Rule: the tree is data. It knows no catalog and no grammar; only sql/parser
// makes it, and nobody changes it afterwards.
package ast

import "laminardb/sql/types"

// Pos is a 0-based byte offset in the statement's text, -1 for no place.
type Pos int

// Name is a possibly qualified name, already folded to lower case unless it was
// quoted: [catalog, schema, object] with missing leading parts left out.
type Name struct {
	Pos   Pos
	Parts []string
}

// Last returns the unqualified name.
func (n Name) Last() string { return n.Parts[len(n.Parts)-1] }

// Option is one k = v of WITH (...), KAFKA (...), SET (...).
type Option struct {
	Pos  Pos
	Name string // lower case, may contain dots: kafka.linger.ms
	// Value is the literal's text: the unquoted string, number, word (true,
	// earliest) or INTERVAL body. A bare name without '=' has the value "true".
	Value    string
	ValuePos Pos
}

// Statement is one SQL statement.
type Statement interface{ statement() }

// Expr is a scalar expression.
type Expr interface {
	expr()
	// Position is the offset of the expression's first token.
	Position() Pos
}

// TableExpr is an item of FROM.
type TableExpr interface {
	tableExpr()
	Position() Pos
}

// Query is a SELECT, VALUES, or a set operation over queries, with what may
// surround it.
type Query struct {
	Pos     Pos
	With    []CTE
	Body    QueryBody
	OrderBy []OrderItem
	Limit   Expr // nil for none (LIMIT ALL too)
	Offset  Expr // nil for none
}

// QueryBody is a *Select, *SetOp, *Values or a parenthesised *Query.
type QueryBody interface{ queryBody() }

// CTE is one WITH name AS (query).
type CTE struct {
	Pos       Pos
	Name      string
	Columns   []string
	Query     *Query
	Recursive bool
}

// Select is one SELECT core.
type Select struct {
	Pos        Pos
	Distinct   bool
	DistinctOn []Expr
	Items      []SelectItem
	From       []TableExpr // a comma list; joins are inside
	Where      Expr
	GroupBy    []GroupItem
	Having     Expr
	Windows    []NamedWindow
}

// SelectItem is expr [AS alias], * or t.*.
type SelectItem struct {
	Pos   Pos
	Expr  Expr   // nil for a star
	Alias string // "" for none
	// Star is set for * (Qualifier empty) and t.*.
	Star      bool
	Qualifier []string
}

// GroupItem is one item of GROUP BY: Exprs of length 1 for a plain expression.
type GroupItem struct {
	Pos  Pos
	Kind GroupKind
	// Sets holds the grouping sets of ROLLUP, CUBE and GROUPING SETS as written:
	// each element is one parenthesised list (or a single expression).
	Sets [][]Expr
	Expr Expr // for GroupExpr
}

// GroupKind tells the forms of a GROUP BY item apart.
type GroupKind uint8

// The forms of a GROUP BY item.
const (
	GroupExpr GroupKind = iota
	GroupRollup
	GroupCube
	GroupSets
)

// NamedWindow is one WINDOW name AS (spec).
type NamedWindow struct {
	Pos  Pos
	Name string
	Spec *WindowSpec
}

// SetOp is left UNION|INTERSECT|EXCEPT [ALL] right.
type SetOp struct {
	Pos         Pos
	Op          string // "union", "intersect", "except"
	All         bool
	Left, Right QueryBody
}

// Values is VALUES (..), (..).
type Values struct {
	Pos  Pos
	Rows [][]Expr
}

func (*Select) queryBody() {}
func (*SetOp) queryBody()  {}
func (*Values) queryBody() {}
func (*Query) queryBody()  {}

// OrderItem is one item of ORDER BY.
type OrderItem struct {
	Pos  Pos
	Expr Expr
	Desc bool
	// NullsFirst is resolved: PostgreSQL's default is NULLS LAST for ASC and
	// NULLS FIRST for DESC.
	NullsFirst bool
}

// TableName is a named relation: t [AS alias [(columns)]] [FOR SYSTEM_TIME AS OF e].
type TableName struct {
	Pos     Pos
	Name    Name
	Alias   string
	Columns []string
	// AsOf is the expression of FOR SYSTEM_TIME AS OF, nil for none.
	AsOf Expr
}

// Subquery is (query) [AS] alias [(columns)].
type Subquery struct {
	Pos     Pos
	Query   *Query
	Alias   string
	Columns []string
	Lateral bool
}

// TableFunc is f(args) in FROM: unnest, generate_series, tumble(TABLE t, ..).
type TableFunc struct {
	Pos     Pos
	Call    *FuncCall
	Alias   string
	Columns []string
	Lateral bool
	// WithOrdinality adds a bigint column that counts from 1.
	WithOrdinality bool
}

// Join is left kind JOIN right.
type Join struct {
	Pos         Pos
	Kind        JoinKind
	Left, Right TableExpr
	On          Expr     // nil for CROSS, NATURAL and USING
	Using       []string // nil for none
	Natural     bool
	// Asof is set for ASOF joins: Match is MATCH_CONDITION(..), or nil where the
	// inequality stands in ON. A plain ASOF JOIN has Kind LeftJoin, ASOF INNER
	// JOIN has InnerJoin.
	Asof  bool
	Match Expr
	// Nearest is set for MATCH_CONDITION(NEAREST l.ts, r.ts) forms.
	Nearest bool
}

// JoinKind is which rows a join keeps.
type JoinKind uint8

// The kinds of joins.
const (
	InnerJoin JoinKind = iota
	LeftJoin
	RightJoin
	FullJoin
	CrossJoin
)

func (*TableName) tableExpr() {}
func (*Subquery) tableExpr()  {}
func (*TableFunc) tableExpr() {}
func (*Join) tableExpr()      {}

// Position implements TableExpr.
func (t *TableName) Position() Pos { return t.Pos }

// Position implements TableExpr.
func (t *Subquery) Position() Pos { return t.Pos }

// Position implements TableExpr.
func (t *TableFunc) Position() Pos { return t.Pos }

// Position implements TableExpr.
func (t *Join) Position() Pos { return t.Pos }

// TypeName is a type as written, resolved by sql/types.
type TypeName struct {
	Pos  Pos
	Type types.Type
	// Name is the spelling, folded and without schema, parameters and []:
	// "regclass" is to be told from "oid", though their Type is the same.
	Name string
}
