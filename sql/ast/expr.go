package ast

// At is embedded in every expression and holds its place:
// &Column{At: ast.At{Pos: p}, Name: n}.
type At struct{ Pos Pos }

// Position implements Expr.
func (a At) Position() Pos { return a.Pos }
func (At) expr()           {}

// LiteralKind tells literals apart before they have a type.
type LiteralKind uint8

// The kinds of literals.
const (
	NullLiteral LiteralKind = iota
	BoolLiteral
	IntLiteral    // digits only
	NumberLiteral // with a point or an exponent
	StringLiteral // its type is found from the context, as in PostgreSQL
)

// Literal is a constant as written.
type Literal struct {
	At
	Kind LiteralKind
	Text string // unquoted; "true" or "false" for a BoolLiteral
}

// IntervalLiteral is INTERVAL '5' SECOND or INTERVAL '5 seconds'.
type IntervalLiteral struct {
	At
	Text string // '5', or '1 day 2 hours'
	Unit string // lower case "second", "day to second", or "" for none
}

// Column is a possibly qualified column reference.
type Column struct {
	At
	Name Name
}

// Param is $n; Index counts from 1.
type Param struct {
	At
	Index int
}

// Unary is op operand: "-", "+", "~", "not".
type Unary struct {
	At
	Op      string
	Operand Expr
}

// Binary is left op right. Op is lower case: + - * / % ^ || = <> < <= > >= and
// or, is [not] distinct from, ~ ~* !~ !~* , [not] like, [not] ilike, [not]
// similar to, & | # << >>, -> ->> #> #>> @> <@ ? ?| ?& , at time zone, collate.
type Binary struct {
	At
	Op          string
	OpPos       Pos // of the operator token
	Left, Right Expr
	Escape      Expr // LIKE .. ESCAPE, else nil
}

// IsTest is operand IS [NOT] NULL|TRUE|FALSE|UNKNOWN.
type IsTest struct {
	At
	Operand Expr
	What    string // "null", "true", "false", "unknown"
	Not     bool
}

// Between is operand [NOT] BETWEEN [SYMMETRIC] low AND high.
type Between struct {
	At
	Operand, Low, High Expr
	Not, Symmetric     bool
}

// In is operand [NOT] IN (list) or IN (query). A row operand is a RowExpr.
type In struct {
	At
	Operand Expr
	List    []Expr
	Query   *Query // nil for a list
	Not     bool
}

// Exists is EXISTS (query).
type Exists struct {
	At
	Query *Query
}

// ScalarSubquery is (query) as a value.
type ScalarSubquery struct {
	At
	Query *Query
}

// ArraySubquery is ARRAY(query).
type ArraySubquery struct {
	At
	Query *Query
}

// Quantified is left op ANY|ALL (array or query).
type Quantified struct {
	At
	Op    string
	All   bool
	Left  Expr
	Right Expr   // an array expression, or nil
	Query *Query // or a query
}

// Case is CASE [operand] WHEN .. THEN .. [ELSE ..] END.
type Case struct {
	At
	Operand Expr // nil for the searched form
	Whens   []When
	Else    Expr // nil for NULL
}

// When is one branch of a Case.
type When struct{ Cond, Result Expr }

// Cast is CAST(x AS t), x::t or t 'literal'; Try is TRY_CAST.
type Cast struct {
	At
	Operand Expr
	Type    TypeName
	Try     bool
}

// FuncCall is f([DISTINCT] args [ORDER BY ..]) [WITHIN GROUP (..)] [FILTER (..)]
// [OVER ..]. COALESCE, NULLIF, GREATEST, LEAST, EXTRACT (field first, as a string
// literal), SUBSTRING, POSITION, TRIM (as btrim, ltrim, rtrim), OVERLAY and CURRENT_* arrive as calls with
// the lower-case name and PostgreSQL's function argument order.
type FuncCall struct {
	At
	Name        Name
	Args        []Expr
	Star        bool // count(*)
	Distinct    bool
	OrderBy     []OrderItem // inside the parentheses
	WithinGroup []OrderItem
	Filter      Expr
	Over        *WindowSpec
	IgnoreNulls bool
}

// WindowSpec is OVER (..) or OVER name.
type WindowSpec struct {
	Pos         Pos
	Ref         string // the named window it starts from, or ""
	PartitionBy []Expr
	OrderBy     []OrderItem
	Frame       *Frame // nil for the default frame
}

// Frame is ROWS|RANGE|GROUPS BETWEEN start AND end [EXCLUDE ..].
type Frame struct {
	Pos        Pos
	Mode       string // "rows", "range", "groups"
	Start, End FrameBound
	Exclude    string // "", "current row", "group", "ties"
}

// FrameBound is one end of a Frame.
type FrameBound struct {
	Pos Pos
	// Kind is "unbounded preceding", "preceding", "current row", "following" or
	// "unbounded following".
	Kind   string
	Offset Expr // for preceding and following
}

// ArrayExpr is ARRAY[..].
type ArrayExpr struct {
	At
	Elems []Expr
}

// RowExpr is ROW(..) or (a, b).
type RowExpr struct {
	At
	Elems []Expr
}

// Subscript is operand[index] or operand[from:to].
type Subscript struct {
	At
	Operand  Expr
	Index    Expr
	From, To Expr // for a slice; Index is nil
	Slice    bool
}

// FieldAccess is (operand).field.
type FieldAccess struct {
	At
	Operand Expr
	Field   string
}

// Default is DEFAULT in VALUES and SET.
type Default struct{ At }

// NamedArg is name => value among the arguments of a call.
type NamedArg struct {
	At
	Name  string
	Value Expr
}

// TableArg is TABLE name among the arguments of a table function.
type TableArg struct {
	At
	Name Name
}
