package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"laminardb/catalog"
	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

func (s *Session) planner(mode planner.Mode, params *planner.Params) *planner.Query {
	return &planner.Query{
		Relations: relations{s.db, s.db.catalog.Snapshot()}, Mode: mode,
		Params: params, Session: s.sessionValues(),
	}
}

// selectStatement plans a query that runs once.
func (s *Session) selectStatement(q *ast.Query, params *planner.Params) (*statement, error) {
	q, assign, err := s.setConfig(q)
	if err != nil {
		return nil, err
	}
	r, err := s.planner(planner.Once, params).Plan(q)
	if err != nil {
		return nil, err
	}
	return &statement{
		columns: columnsOf(r.Root.Schema()), word: "SELECT", notices: s.db.retention(r.Reads),
		open: func(ctx context.Context) (rowSource, error) {
			rows, err := s.runQuery(ctx, r.Root)
			for _, a := range assign {
				err = errors.Join(err, s.assign(a.name, a.value, a.local))
			}
			return rows, err
		},
	}, nil
}

// assignment is a call of set_config.
type assignment struct {
	name, value string
	local       bool
}

// setConfig takes calls of set_config with constants out of a select list without
// FROM, where clients put them, and leaves the values in their place.
func (s *Session) setConfig(q *ast.Query) (*ast.Query, []assignment, error) {
	body, ok := q.Body.(*ast.Select)
	if !ok || len(body.From) > 0 {
		return q, nil, nil
	}
	var list []assignment
	items := slices.Clone(body.Items)
	for i, item := range items {
		call, ok := item.Expr.(*ast.FuncCall)
		if !ok || call.Name.Last() != "set_config" || len(call.Args) != 3 {
			continue
		}
		name, known := call.Args[0].(*ast.Literal)
		value, given := call.Args[1].(*ast.Literal)
		local, said := call.Args[2].(*ast.Literal)
		if !known || !given || !said || local.Kind != ast.BoolLiteral {
			return nil, nil, pgerr.At(int(call.Pos), pgerr.FeatureNotSupported, "set_config is supported with constants only")
		}
		a := assignment{name: settingName(name.Text), local: local.Text == "true"}
		var err error
		if a.value, err = s.settingValue(a.name, value.Text, value.Kind == ast.NullLiteral); err != nil {
			return nil, nil, at(err, call.Pos)
		}
		if a.local && s.block == nil {
			a.value = s.settings[a.name] // over at once
		}
		list = append(list, a)
		if item.Alias == "" {
			items[i].Alias = "set_config"
		}
		items[i].Expr = &ast.Literal{At: call.At, Kind: ast.StringLiteral, Text: a.value}
	}
	if len(list) == 0 {
		return q, nil, nil
	}
	out, changed := *q, *body
	changed.Items = items
	out.Body = &changed
	return &out, list, nil
}

// retention says what a query does not see of the append-only objects it reads.
func (db *Database) retention(reads []uint64) (notices []string) {
	for _, id := range reads {
		o := db.catalog.Snapshot().Object(id)
		if o == nil || o.Kind != catalog.Source && o.Kind != catalog.Stream {
			continue
		}
		reading, complete := db.engine.Retained(id)
		switch {
		case !reading:
			notices = append(notices, fmt.Sprintf("%s %q is not being read, because nothing uses it yet", o.Kind, o.Name))
		case !complete:
			notices = append(notices, fmt.Sprintf("%s %q keeps its most recent rows only (option retain_history); a materialized view keeps all", o.Kind, o.Name))
		}
	}
	return notices
}

// runQuery runs a plan to its end and returns its visible columns.
func (s *Session) runQuery(ctx context.Context, root plan.Node) (rowSource, error) {
	visible := root.Schema().Visible()
	rows := &batchRows{}
	err := s.db.engine.Query(ctx, root, s.system, func(b *batch.Batch) error {
		rows.list = append(rows.list, b.Pick(visible))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// explain shows the plan of a query, or of the query of a CREATE.
func (s *Session) explain(e *ast.Explain, params *planner.Params) (*statement, error) {
	if e.Analyze {
		return nil, pgerr.At(int(e.Pos), pgerr.FeatureNotSupported, "EXPLAIN ANALYZE is not supported yet")
	}
	for _, o := range e.Options {
		return nil, pgerr.At(int(o.Pos), pgerr.FeatureNotSupported, "EXPLAIN option %q is not supported", o.Name)
	}
	var r *planner.Result
	var err error
	switch stmt := e.Statement.(type) {
	case *ast.SelectStatement:
		r, err = s.planner(planner.Once, params).Plan(stmt.Query)
	case *ast.CreateQuery:
		r, err = s.db.planQuery(stmt, s.db.catalog.Snapshot())
	case *ast.CreateSink:
		r, err = s.db.planSink(stmt, s.db.catalog.Snapshot())
	case *ast.Subscribe:
		r, err = s.planner(planner.View, params).Plan(sourceQuery(stmt.From, stmt.Query, stmt.Where))
	default:
		return nil, pgerr.At(int(e.Pos), pgerr.FeatureNotSupported, "EXPLAIN is supported for queries, SUBSCRIBE and CREATE of them")
	}
	if err != nil {
		return nil, err
	}
	lines := plan.Explain(r.Root)
	for _, n := range r.Notices {
		lines = append(lines, "NOTICE: "+n)
	}
	rows := make([][]any, len(lines))
	for i, l := range lines {
		rows[i] = []any{l}
	}
	return static("EXPLAIN", []string{"QUERY PLAN"}, rows), nil
}

// static is a statement whose rows are known: SHOW and its like. The columns are
// of type text, or what the first row's values say.
func static(word string, columns []string, rows [][]any) *statement {
	schema := batch.NewSchema()
	for _, name := range columns {
		schema.Fields = append(schema.Fields, batch.Field{Name: name, Type: types.Of(types.Text)})
	}
	return &statement{
		columns: columnsOf(schema), word: word, noCount: true,
		open: func(context.Context) (rowSource, error) {
			b, err := rowsBatch(schema, rows)
			if err != nil {
				return nil, err
			}
			return &batchRows{[]*batch.Batch{b}}, nil
		},
	}
}
