// Package exectest holds the engine to its one principle, stream = batch: a
// query that runs continuously must show what the same SELECT returns once over
// the same rows.
//
// Nouns: World (sources with their rows, and queries over them), Variant (one way
// to deliver the rows: batch size, splits, order), Result (what came out).
//
// Rule: Check runs a query once, then continuously in every variant, and reports
// the first difference. Rows that are final are compared at every watermark: what
// has left must be what the SELECT returns below the watermark. Rows that are kept
// current are compared after the end and over prefixes of the input. Floats must
// be equal to the bit where the rows come in the order of the SELECT, and within a
// relative 1e-12 where another order or a retraction changes the order of summation.
package exectest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/connectors"
	"laminardb/exec"
	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/parser"
	"laminardb/sql/pgerr"
)

// World is sources with their rows and the continuous queries over them. One
// goroutine uses it.
type World struct {
	env     *exec.Env
	sources map[string]*Source
	queries map[string]*query
	// order is the names of the queries as they were defined.
	order []string
	next  uint64
}

// Source is a source and all its rows, in the order in which they arrive.
type Source struct {
	ID        uint64
	Name      string
	Schema    *batch.Schema
	EventTime exec.EventTime
	Rows      *batch.Batch
	// Table says that it is a table, which a bounded connector fills; its Rows have
	// different keys, except where it has event time: then they are the versions of
	// the rows. Key is its primary key, nil for none.
	Table bool
	Key   []int
}

// query is a CREATE STREAM or CREATE MATERIALIZED VIEW.
type query struct {
	id   uint64
	name string
	stmt *ast.CreateQuery
	plan *planner.Result
	// retentionMillis is the option retention, 0 for none.
	retentionMillis int64
}

// New returns an empty world; env is what its engines run in.
func New(env *exec.Env) *World {
	return &World{env: env, sources: map[string]*Source{}, queries: map[string]*query{}, next: 1}
}

// Source adds a source by its CREATE SOURCE statement, or a table by its CREATE
// TABLE, without rows.
func (w *World) Source(sql string) (*Source, error) {
	stmt, err := one[*ast.CreateRelation](sql)
	if err != nil {
		return nil, err
	}
	s := &Source{ID: w.id(), Name: stmt.Name.Last(), Schema: batch.NewSchema(), Table: stmt.Table}
	for i, c := range stmt.Columns {
		s.Schema.Fields = append(s.Schema.Fields, batch.Field{Name: c.Name, Type: c.Type.Type, NotNull: c.NotNull})
		if slices.Contains(stmt.PrimaryKey, c.Name) {
			s.Key, s.Schema.Fields[i].NotNull = append(s.Key, i), true
		}
	}
	s.EventTime = exec.EventTime{Column: -1}
	if stmt.Watermark != nil {
		column, delay, err := planner.Watermark(stmt.Watermark, s.Schema)
		if err != nil {
			return nil, err
		}
		if !s.Table { // a table's current rows have no place in event time
			s.Schema.EventTime = column
		}
		s.EventTime = exec.EventTime{Column: column, DelayMillis: delay, IdleTimeout: neverIdle}
	}
	w.sources[s.Name] = s
	return s, w.Insert(s, nil)
}

func (s *Source) props() plan.Properties {
	return plan.Properties{Changelog: true, Key: s.Key, HasKey: len(s.Key) > 0}
}

// Insert makes rows of text cells the source's rows; the cell NULL is null.
func (w *World) Insert(s *Source, rows [][]string) error {
	v := &ast.Values{}
	for _, cells := range rows {
		if len(cells) != len(s.Schema.Fields) {
			return fmt.Errorf("row %q has %d cells, not %d", cells, len(cells), len(s.Schema.Fields))
		}
		row := make([]ast.Expr, len(cells))
		for i, cell := range cells {
			row[i] = &ast.Literal{Kind: ast.StringLiteral, Text: cell}
			if cell == "NULL" {
				row[i] = &ast.Literal{Kind: ast.NullLiteral}
			}
		}
		v.Rows = append(v.Rows, row)
	}
	if len(rows) == 0 {
		s.Rows = emptyBatch(s.Schema)
		return nil
	}
	q := &planner.Query{Mode: planner.Once}
	r, err := q.PlanInsert(&ast.Query{Body: v}, s.Schema.Fields)
	if err != nil {
		return err
	}
	s.Rows, err = w.collect(r.Root, nil)
	return err
}

// Query adds a CREATE STREAM or CREATE MATERIALIZED VIEW and returns its name.
func (w *World) Query(sql string) (string, error) {
	stmt, err := one[*ast.CreateQuery](sql)
	if err != nil {
		return "", err
	}
	mode := planner.Stream
	if stmt.Kind == "materialized view" {
		mode = planner.View
	}
	lateness, err := planner.Lateness(stmt.Lateness)
	if err != nil {
		return "", err
	}
	retention, err := planner.Retention(stmt.Options)
	if err != nil {
		return "", err
	}
	p := &planner.Query{Relations: relations{w, false}, Mode: mode, Emit: stmt.Emit, LatenessMillis: lateness, RetentionMillis: retention}
	r, err := p.Plan(stmt.Query)
	if err != nil {
		return "", err
	}
	q := &query{id: w.id(), name: stmt.Name.Last(), stmt: stmt, plan: r, retentionMillis: retention}
	if w.queries[q.name] == nil {
		w.order = append(w.order, q.name)
	}
	w.queries[q.name] = q
	return q.name, nil
}

// Plan returns the continuous plan of a query.
func (w *World) Plan(name string) plan.Node { return w.queries[name].plan.Root }

func (w *World) id() uint64 {
	w.next++
	return w.next
}

func one[S ast.Statement](sql string) (stmt S, err error) {
	list, err := parser.Parse(sql)
	if err != nil {
		return stmt, err
	}
	if len(list) != 1 {
		return stmt, fmt.Errorf("%d statements in %q", len(list), sql)
	}
	stmt, ok := list[0].Statement.(S)
	if !ok {
		return stmt, fmt.Errorf("%T is not what is asked for", list[0].Statement)
	}
	return stmt, nil
}

// relations are the world's names. For a SELECT a query is planned in place of
// its name, and a source is a virtual relation.
type relations struct {
	w    *World
	once bool
}

// Relation implements planner.Relations.
func (r relations) Relation(name ast.Name) (*planner.Relation, error) {
	if s := r.w.sources[name.Last()]; s != nil {
		rel := &planner.Relation{ID: s.ID, Name: s.Name, Kind: "source", Schema: s.Schema}
		if s.Table {
			rel.Kind, rel.Props = "table", s.props()
			if s.EventTime.Column >= 0 {
				rel.Versions = &planner.Versions{ID: exec.VersionsID(s.ID), Schema: exec.VersionsSchema(s.Schema, s.EventTime.Column)}
			}
		}
		if r.once && rel.Versions != nil {
			rel.Versions.ID = 0
		}
		if r.once {
			rel.ID = 0
		}
		return rel, nil
	}
	q := r.w.queries[name.Last()]
	if q == nil {
		return nil, pgerr.Newf(pgerr.UndefinedTable, "relation %q does not exist", name.Last())
	}
	if r.once {
		return &planner.Relation{Name: q.name, View: q.stmt.Query}, nil
	}
	schema := q.plan.Root.Schema()
	return &planner.Relation{
		ID: q.id, Name: q.name, Kind: q.stmt.Kind, Schema: schema,
		Props: q.plan.Root.Props(),
	}, nil
}

// Once runs the query of a stream or view as a SELECT. limit cuts each source to
// its first rows, negative for none.
func (w *World) Once(name string, limit int) (*Result, error) {
	p := &planner.Query{Relations: relations{w, true}, Mode: planner.Once}
	r, err := p.Plan(w.queries[name].stmt.Query)
	if err != nil {
		return nil, fmt.Errorf("planning the SELECT: %w", err)
	}
	rows, err := w.collect(r.Root, func(_ context.Context, scan *plan.Scan) (*batch.Batch, error) {
		rows := prefix(w.sources[scan.Name].Rows, limit)
		if scan.Versions {
			rows = asVersions(rows)
		}
		return rows, nil
	})
	if err != nil {
		return nil, fmt.Errorf("running the SELECT: %w", err)
	}
	res := newResult(r.Root.Schema())
	return res, res.add(rows)
}

// asVersions adds that no row is deleted.
func asVersions(b *batch.Batch) *batch.Batch {
	deleted := array.NewBooleanBuilder(memory.DefaultAllocator)
	deleted.AppendValues(make([]bool, b.Rows), nil)
	return batch.New(append(slices.Clip(b.Cols), deleted.NewArray()), b.Rows)
}

func prefix(b *batch.Batch, limit int) *batch.Batch {
	if limit < 0 || limit > b.Rows {
		return b
	}
	return b.Slice(0, limit)
}

// collect runs a plan once.
func (w *World) collect(root plan.Node, system exec.System) (*batch.Batch, error) {
	var list []*batch.Batch
	err := exec.NewEngine(w.env).Query(context.Background(), root, system, func(b *batch.Batch) error {
		list = append(list, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	list = append(list, emptyBatch(root.Schema()))
	return exec.ConcatRows(list)
}

// ParseRows splits a text table: a row a line, cells between bars.
func ParseRows(text string) [][]string {
	var out [][]string
	for _, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out = append(out, cells)
	}
	return out
}

var _ connectors.Source = (*delivery)(nil)
