package session

import (
	"context"

	"laminardb/catalog"
	"laminardb/connectors"
	"laminardb/exec"
	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// createLate makes the stream of LATE DATA TO in the edit that makes the stream or
// view whose late rows it gives. Its statement is the same text; the two come and go
// together.
func (c *change) createLate(ctx context.Context, parent *catalog.Object, s *ast.CreateQuery, text string, r *planner.Result) error {
	if r.Late == nil {
		return nil
	}
	want := catalog.Object{Kind: catalog.Stream, SQL: text, EventTime: -1, DependsOn: []uint64{parent.ID}}
	var err error
	if want.Name, err = catalog.FullName(*s.LateTo); err != nil {
		return at(err, s.LateTo.Pos)
	}
	for _, f := range r.Late.Fields {
		want.Columns = append(want.Columns, catalog.Column{Field: f})
	}
	late, err := c.edit.Create(want)
	if err != nil {
		return at(err, s.LateTo.Pos)
	}
	if err := c.db.startLate(ctx, late, parent, s, r.Late); err != nil {
		return err
	}
	c.late = late
	c.notice("late rows of %s %q go to stream %q", parent.Kind, parent.Name, late.Name)
	return nil
}

// startLate starts the stream of an object's late rows.
func (db *Database) startLate(ctx context.Context, late, parent *catalog.Object, s *ast.CreateQuery, schema *batch.Schema) error {
	scan := &plan.Scan{Object: parent.ID, Name: parent.Name.String(), Late: true}
	scan.Out = schema
	for i := range schema.Fields {
		scan.Columns = append(scan.Columns, i)
	}
	spec := exec.FlowSpec{ID: late.ID, Version: late.Version, Name: late.Name.String(), Root: scan, HistoryRows: defaultHistoryRows}
	if parent.Kind == catalog.Stream {
		rows, err := connectors.NewOptions(s.Options).Int("retain_history", defaultHistoryRows, 0, maxHistoryRows)
		if err != nil {
			return err
		}
		spec.HistoryRows = int(rows)
	}
	db.put(late.ID, &running{})
	if err := db.engine.AddFlow(ctx, spec); err != nil {
		db.forget(late.ID)
		return err
	}
	return nil
}

// isLate reports whether an object is the stream of LATE DATA TO of its statement.
func isLate(o *catalog.Object, s *ast.CreateQuery) bool {
	if s.LateTo == nil {
		return false
	}
	name, err := catalog.FullName(*s.LateTo)
	return err == nil && name == o.Name
}

// lateParent returns the object whose late rows a stream gives, nil for any other.
func (db *Database) lateParent(snapshot *catalog.Snapshot, o *catalog.Object) *catalog.Object {
	if o.Kind != catalog.Stream || len(o.DependsOn) != 1 {
		return nil
	}
	stmt, _, err := db.parseOne(o.SQL)
	if err != nil {
		return nil
	}
	if s, ok := stmt.(*ast.CreateQuery); ok && isLate(o, s) {
		return snapshot.Object(o.DependsOn[0])
	}
	return nil
}

// withLateParents adds to the objects to be dropped those whose late rows they give;
// without CASCADE that is an error.
func (c *change) withLateParents(ids []uint64, cascade bool) ([]uint64, error) {
	snapshot := c.edit.Snapshot()
	given := map[uint64]bool{}
	for _, id := range ids {
		given[id] = true
	}
	for _, id := range ids {
		o := snapshot.Object(id)
		parent := c.db.lateParent(snapshot, o)
		if parent == nil || given[parent.ID] {
			continue
		}
		if !cascade {
			return nil, pgerr.Newf(pgerr.DependentObjects, "cannot drop %s %s because the late rows of %s %s go there", o.Kind, o.Name, parent.Kind, parent.Name).
				WithHint("Use DROP ... CASCADE to drop both.")
		}
		given[parent.ID] = true
		ids = append(ids, parent.ID)
	}
	return ids, nil
}
