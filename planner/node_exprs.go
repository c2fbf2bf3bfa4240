package planner

import (
	"slices"

	"laminardb/planner/plan"
)

// nodeExprs are the expressions of an operator alone.
func nodeExprs(n plan.Node) []plan.Expr {
	switch n := n.(type) {
	case *plan.Values:
		return slices.Concat(n.Rows...)
	case *plan.Filter:
		return []plan.Expr{n.Predicate}
	case *plan.Project:
		return n.Exprs
	case *plan.TableFunc:
		out := []plan.Expr{n.On}
		for _, c := range n.Calls {
			out = append(out, c.Args...)
		}
		return out
	case *plan.Aggregate:
		return aggregateExprs(n)
	case *plan.Over:
		out := slices.Concat(n.PartitionBy, sortExprs(n.OrderBy))
		for i := range n.Funcs {
			f := &n.Funcs[i]
			out = append(append(out, aggExprs(&f.Agg)...), f.Frame.Start.Value, f.Frame.End.Value)
		}
		return out
	case *plan.TopN:
		return slices.Concat(n.PartitionBy, sortExprs(n.OrderBy))
	case *plan.Sort:
		return sortExprs(n.Keys)
	case *plan.Join:
		return append(slices.Concat(n.LeftKeys, n.RightKeys), n.Residual)
	case *plan.LookupJoin:
		return append(slices.Concat(n.StreamKeys, n.TableKeys), n.Residual)
	case *plan.AsofJoin:
		return append(slices.Concat(n.LeftKeys, n.RightKeys), n.LeftTime, n.RightTime)
	case *plan.IntervalJoin:
		return append(slices.Concat(n.LeftKeys, n.RightKeys), n.LeftTime, n.RightTime, n.Residual)
	case *plan.Apply:
		return append(slices.Clone(n.Args), n.On)
	}
	return nil
}

func aggregateExprs(n *plan.Aggregate) []plan.Expr {
	out := slices.Clone(n.Keys)
	if n.Window != nil {
		out = append(out, n.Window.Time)
	}
	for i := range n.Aggs {
		out = append(out, aggExprs(&n.Aggs[i])...)
	}
	return out
}

func aggExprs(a *plan.Agg) []plan.Expr {
	return append(slices.Concat(a.Args, sortExprs(a.OrderBy)), a.Filter)
}

func sortExprs(keys []plan.SortKey) []plan.Expr {
	out := make([]plan.Expr, len(keys))
	for i, k := range keys {
		out[i] = k.Expr
	}
	return out
}

// ownInputs are an operator's inputs; what an Apply runs for each row is none, as it
// names columns of the Apply's own input.
func ownInputs(n plan.Node) []plan.Node {
	if a, ok := n.(*plan.Apply); ok {
		return []plan.Node{a.Input}
	}
	return n.Inputs()
}

// correlated reports whether something in a plan names a column of the query around it.
func correlated(n plan.Node) bool {
	return slices.ContainsFunc(nodeExprs(n), hasOuter) || slices.ContainsFunc(ownInputs(n), correlated)
}

// scans reports whether a plan reads anything but the row around it.
func scans(n plan.Node) bool {
	_, ok := n.(*plan.Scan)
	return ok || slices.ContainsFunc(n.Inputs(), scans)
}
