package plan

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/sql/types"
)

// String implements Expr.
func (e *Column) String() string { return e.Name }

// String implements Expr.
func (e *Const) String() string {
	switch v := e.Value.(type) {
	case nil:
		return "NULL"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		if e.T.IsInteger() || e.T.Kind == types.OID {
			return strconv.FormatInt(v, 10)
		}
		return e.T.String() + " " + strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case decimal128.Num:
		return v.ToString(e.T.StoredScale())
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	case []byte:
		return `'\x` + hex.EncodeToString(v) + "'"
	case types.IntervalValue:
		return "INTERVAL '" + v.String() + "'"
	}
	return fmt.Sprint(e.Value)
}

// String implements Expr.
func (e *Call) String() string {
	isOperator := e.Name != "" && !isWord(e.Name[0])
	if isOperator && len(e.Args) == 2 {
		return "(" + e.Args[0].String() + " " + e.Name + " " + e.Args[1].String() + ")"
	}
	if isOperator && len(e.Args) == 1 {
		return "(" + e.Name + e.Args[0].String() + ")"
	}
	return e.Name + "(" + ExprList(e.Args) + ")"
}

func isWord(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// String implements Expr.
func (e *Cast) String() string {
	if e.Implicit {
		return e.Arg.String()
	}
	return e.Arg.String() + "::" + e.T.String()
}

// String implements Expr.
func (e *Logic) String() string {
	op := " AND "
	if e.Or {
		op = " OR "
	}
	parts := make([]string, len(e.Args))
	for i, a := range e.Args {
		parts[i] = a.String()
	}
	return "(" + strings.Join(parts, op) + ")"
}

// String implements Expr.
func (e *Not) String() string { return "(NOT " + e.Arg.String() + ")" }

// String implements Expr.
func (e *IsNull) String() string {
	if e.Not {
		return "(" + e.Arg.String() + " IS NOT NULL)"
	}
	return "(" + e.Arg.String() + " IS NULL)"
}

// String implements Expr.
func (e *Case) String() string {
	var b strings.Builder
	b.WriteString("CASE")
	for _, w := range e.Whens {
		fmt.Fprintf(&b, " WHEN %s THEN %s", w.Cond, w.Result)
	}
	fmt.Fprintf(&b, " ELSE %s END", e.Else)
	return b.String()
}

// String implements Expr.
func (e *Coalesce) String() string { return "COALESCE(" + ExprList(e.Args) + ")" }

// String implements Expr.
func (e *InList) String() string {
	op := " IN ("
	if e.Not {
		op = " NOT IN ("
	}
	return "(" + e.Arg.String() + op + ExprList(e.List) + "))"
}

// String implements Expr.
func (e *Param) String() string { return "$" + strconv.Itoa(e.Index) }

// ExprList returns the expressions separated by commas.
func ExprList(list []Expr) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = e.String()
	}
	return strings.Join(parts, ", ")
}
