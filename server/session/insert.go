package session

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/catalog"
	"laminardb/exec"
	"laminardb/planner"
	"laminardb/server/pgwire"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// insert plans INSERT into a source that takes pushed rows.
func (s *Session) insert(in *ast.Insert, params *planner.Params) (*statement, error) {
	if len(in.Returning) > 0 {
		return nil, pgerr.At(int(in.Returning[0].Pos), pgerr.FeatureNotSupported, "RETURNING is not supported yet")
	}
	o, err := s.db.catalog.Snapshot().Relation(in.Table)
	if err != nil {
		return nil, at(err, in.Table.Pos)
	}
	if o.Kind == catalog.Table {
		return s.insertTable(in, o, params)
	}
	if in.OnConflict != nil {
		return nil, pgerr.At(int(in.OnConflict.Pos), pgerr.FeatureNotSupported, "ON CONFLICT needs a table with a primary key")
	}
	target := s.db.state(o.ID).pushed
	if target == nil {
		return nil, pgerr.At(int(in.Table.Pos), pgerr.WrongObjectType, "cannot insert into %s %q", o.Kind, o.Name).
			WithHint("Rows can be inserted into a table or a source that was created without a connector.")
	}
	columns, err := insertColumns(in, o)
	if err != nil {
		return nil, err
	}
	if in.Query == nil {
		return nil, pgerr.At(int(in.Pos), pgerr.FeatureNotSupported, "INSERT .. DEFAULT VALUES is not supported")
	}
	schema := o.Schema()
	q := s.planner(planner.Once, params)
	fields := make([]batch.Field, len(columns))
	for i, c := range columns {
		fields[i] = schema.Fields[c]
	}
	r, err := q.PlanInsert(in.Query, fields)
	if err != nil {
		return nil, err
	}
	columns = columns[:len(r.Root.Schema().Fields)]
	return &statement{command: func(ctx context.Context, _ *pgwire.Results) (string, error) {
		rows, err := s.insertRows(ctx, r, schema, columns)
		if err != nil {
			return "", err
		}
		tag := fmt.Sprintf("INSERT 0 %d", rows.Rows)
		if rows.Rows == 0 {
			return tag, nil
		}
		if s.status == pgwire.InTransaction {
			s.block.later(target, func(ctx context.Context) error { return target.Insert(ctx, rows) })
			return tag, nil
		}
		return tag, target.Insert(ctx, rows)
	}}, nil
}

// insertColumns returns the target column of each inserted value.
func insertColumns(in *ast.Insert, o *catalog.Object) ([]int, error) {
	schema := o.Schema()
	if len(in.Columns) == 0 {
		return schema.Visible(), nil
	}
	out := make([]int, 0, len(in.Columns))
	seen := map[int]bool{}
	for _, name := range in.Columns {
		i := schema.Index(name.Last())
		if i < 0 {
			return nil, pgerr.At(int(name.Pos), pgerr.UndefinedColumn, "column %q of relation %q does not exist", name.Last(), o.Name)
		}
		if seen[i] {
			return nil, pgerr.At(int(name.Pos), pgerr.DuplicateColumn, "column %q specified more than once", name.Last())
		}
		seen[i] = true
		out = append(out, i)
	}
	return out, nil
}

// insertRows runs the INSERT's query and lays its rows out as the target's.
func (s *Session) insertRows(ctx context.Context, r *planner.Result, schema *batch.Schema, columns []int) (*batch.Batch, error) {
	var list []*batch.Batch
	err := s.db.engine.Query(ctx, r.Root, s.system, func(b *batch.Batch) error {
		list = append(list, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return &batch.Batch{}, nil
	}
	b, err := exec.ConcatRows(list)
	if err != nil {
		return nil, err
	}
	cols := make([]arrow.Array, len(schema.Fields))
	for i, c := range columns {
		cols[c] = b.Cols[i]
	}
	for i, f := range schema.Fields {
		if cols[i] == nil {
			cols[i] = array.MakeArrayOfNull(memory.DefaultAllocator, f.Type.Arrow(), b.Rows)
		}
		if f.NotNull && cols[i].NullN() > 0 {
			return nil, pgerr.Newf(pgerr.NotNullViolation, "null value in column %q violates not-null constraint", f.Name)
		}
	}
	return batch.New(cols, b.Rows), nil
}
