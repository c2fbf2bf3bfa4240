package planner

import (
	"slices"
	"strings"

	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// scope is the columns that an expression can name, in the order of the node
// that it is evaluated over.
type scope struct {
	columns []scopeColumn
	// prefer is where the columns of a subquery begin that hide those of the query
	// around it, 0 for none.
	prefer int
	// order is the columns as SELECT * shows them, nil for as they are: what USING
	// merged comes first.
	order []int
}

// scopeColumn is one column with the relation it came from.
type scopeColumn struct {
	table string // alias, or "" for a computed relation without one
	field batch.Field
	// merged columns of USING are shown once and found without a qualifier.
	shadowed bool
}

// scopeOf gives every column of a node one qualifier.
func scopeOf(table string, schema *batch.Schema) *scope {
	s := &scope{columns: make([]scopeColumn, len(schema.Fields))}
	for i, f := range schema.Fields {
		s.columns[i] = scopeColumn{table: table, field: f}
	}
	return s
}

// find returns the index of the column that the name means. Visible columns
// hide hidden ones of the same name. missing is true where there is none.
func (s *scope) find(name ast.Name) (index int, missing bool, err error) {
	column := name.Last()
	table := ""
	if len(name.Parts) > 1 {
		table = name.Parts[len(name.Parts)-2]
	}
	var visible, hidden []int
	for i, c := range s.columns {
		if c.field.Name != column || table != "" && c.table != table || table == "" && c.shadowed {
			continue
		}
		if c.field.Hidden {
			hidden = append(hidden, i)
		} else {
			visible = append(visible, i)
		}
	}
	found := visible
	if len(found) == 0 {
		found = hidden
	}
	if inner := slices.IndexFunc(found, func(i int) bool { return i >= s.prefer }); s.prefer > 0 && inner > 0 {
		found = found[inner:]
	}
	switch {
	case len(found) == 1:
		return found[0], false, nil
	case len(found) > 1:
		return 0, false, pgerr.At(int(name.Pos), pgerr.AmbiguousColumn, "column reference %q is ambiguous", column)
	}
	return 0, true, nil
}

// undefined is the error for a name that no scope has.
func (s *scope) undefined(name ast.Name) error {
	column := name.Last()
	if len(name.Parts) > 1 {
		table := name.Parts[len(name.Parts)-2]
		if !slices.ContainsFunc(s.columns, func(c scopeColumn) bool { return c.table == table }) {
			return pgerr.At(int(name.Pos), pgerr.UndefinedTable, "missing FROM-clause entry for table %q", table)
		}
		return pgerr.At(int(name.Pos), pgerr.UndefinedColumn, "column %s.%s does not exist", table, column)
	}
	err := pgerr.At(int(name.Pos), pgerr.UndefinedColumn, "column %q does not exist", column)
	if best := s.nearest(column); best != "" {
		return err.WithHint("Perhaps you meant to reference the column %q.", best)
	}
	return err
}

// nearest returns the column whose name is most like the one given, "" if none
// is like it.
func (s *scope) nearest(name string) string {
	best, bestDistance := "", len(name)/2+1
	for _, c := range s.columns {
		if d := pgerr.EditDistance(name, c.field.Name); d < bestDistance {
			bestDistance = d
			best = c.field.Name
			if c.table != "" {
				best = c.table + "." + best
			}
		}
	}
	return best
}

// column returns the reference to column i of the scope.
func (s *scope) column(i int, pos ast.Pos) *plan.Column {
	c := s.columns[i]
	return &plan.Column{Index: i, Name: c.field.Name, T: c.field.Type, Pos: int(pos)}
}

// star returns the visible columns, of one table if qualifier is not empty.
func (s *scope) star(qualifier []string, pos ast.Pos) ([]*plan.Column, error) {
	var out []*plan.Column
	table := ""
	if len(qualifier) > 0 {
		table = qualifier[len(qualifier)-1]
	}
	known := table == ""
	order := s.starOrder()
	if table != "" {
		slices.Sort(order) // a table's own columns stay where they are
	}
	for _, i := range order {
		c := s.columns[i]
		if table != "" && c.table != table {
			continue
		}
		known = true
		if !c.field.Hidden && (table != "" || !c.shadowed) {
			out = append(out, s.column(i, pos))
		}
	}
	if !known {
		return nil, pgerr.At(int(pos), pgerr.UndefinedTable, "missing FROM-clause entry for table %q", strings.Join(qualifier, "."))
	}
	return out, nil
}

// join is the scope of two inputs side by side.
func (s *scope) join(right *scope) *scope {
	both := &scope{columns: append(slices.Clip(s.columns), right.columns...)}
	if s.order != nil || right.order != nil {
		both.order = s.starOrder()
		for _, i := range right.starOrder() {
			both.order = append(both.order, len(s.columns)+i)
		}
	}
	return both
}

// starOrder returns all columns in the order of SELECT *. The slice is new.
func (s *scope) starOrder() []int {
	if s.order != nil {
		return slices.Clone(s.order)
	}
	all := make([]int, len(s.columns))
	for i := range all {
		all[i] = i
	}
	return all
}

// merge hides one of two columns that USING equates and shows the other one behind
// the first n, which were merged before it.
func (s *scope) merge(show, hide, n int) {
	s.columns[hide].shadowed = true
	order := s.starOrder()
	at := slices.Index(order, show)
	s.order = slices.Insert(slices.Delete(order, at, at+1), n, show)
}
