package plan

// LookupJoin joins each row of an append-only input with the rows that a table has
// when the row arrives. Changes of the table do not change what was given. Its
// output columns are the stream's, then (except for semi and anti) the table's.
type LookupJoin struct {
	Base
	Stream, Table Node
	// Kind is JoinInner, JoinLeft, JoinSemi or JoinAnti.
	Kind                  JoinKind
	StreamKeys, TableKeys []Expr // over the stream and the table
	// Residual is evaluated over stream columns then table columns, nil for none.
	Residual Expr
}

// Inputs implements Node.
func (n *LookupJoin) Inputs() []Node { return []Node{n.Stream, n.Table} }

// Label implements Node.
func (n *LookupJoin) Label() string {
	s := map[JoinKind]string{JoinInner: "Lookup", JoinLeft: "Left lookup", JoinSemi: "Semi lookup", JoinAnti: "Anti lookup"}[n.Kind] + " join"
	for i := range n.StreamKeys {
		sep := " on "
		if i > 0 {
			sep = " and "
		}
		s += sep + n.StreamKeys[i].String() + " = " + n.TableKeys[i].String()
	}
	if n.Residual != nil {
		s += " where " + n.Residual.String()
	}
	return s
}
