package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"laminardb/catalog"
	"laminardb/connectors"
	"laminardb/exec"
	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/server/pgwire"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// tableState is a table at work.
type tableState struct {
	*exec.Table
	// defaults are the columns' DEFAULTs, nil for none.
	defaults []ast.Expr
	// written says that statements fill the table, not a connector.
	written bool
}

// checkTable refuses what a CREATE TABLE cannot have.
func checkTable(s *ast.CreateRelation) error {
	switch {
	case s.OrReplace:
		return pgerr.At(int(s.Pos), pgerr.FeatureNotSupported, "CREATE OR REPLACE TABLE is not supported").
			WithHint("Drop the table first.")
	case s.Watermark != nil && len(s.PrimaryKey) == 0:
		return pgerr.At(int(s.Watermark.Pos), pgerr.FeatureNotSupported, "a table with event time needs a PRIMARY KEY").
			WithHint("Its rows are versions of the row with their key, for FOR SYSTEM_TIME AS OF.")
	case s.Connector != "" && len(s.PrimaryKey) == 0:
		return pgerr.At(int(s.Name.Pos), pgerr.InvalidTableDefinition, "a table that is read from a connector needs a PRIMARY KEY").
			WithHint("A record replaces the row with its key. Use CREATE SOURCE for rows that do not replace each other.")
	}
	for _, c := range s.Columns {
		if c.Default == nil {
			continue
		}
		if s.Connector != "" {
			return pgerr.At(int(c.Default.Position()), pgerr.FeatureNotSupported, "DEFAULT is supported on tables that INSERT fills")
		}
		f := batch.Field{Name: c.Name, Type: c.Type.Type}
		if _, err := (&planner.Query{}).Default(c.Default, f); err != nil {
			return err
		}
	}
	return nil
}

// markKey marks the primary key's columns, which cannot be NULL.
func markKey(o *catalog.Object, s *ast.CreateRelation) error {
	for i, name := range s.PrimaryKey {
		at := slices.IndexFunc(o.Columns, func(c catalog.Column) bool { return c.Name == name })
		if at < 0 {
			return pgerr.At(int(s.Pos), pgerr.UndefinedColumn, "column %q named in key does not exist", name)
		}
		if slices.Contains(s.PrimaryKey[:i], name) {
			return pgerr.At(int(s.Pos), pgerr.DuplicateColumn, "column %q appears twice in primary key constraint", name)
		}
		o.Columns[at].PrimaryKey, o.Columns[at].NotNull = true, true
	}
	if s.Table && s.Watermark != nil { // a version without a time would never be valid
		for i := range o.Columns {
			o.Columns[i].NotNull = o.Columns[i].NotNull || o.Columns[i].Name == s.Watermark.Column
		}
	}
	return nil
}

// startRelation starts a source or a table.
func (db *Database) startRelation(ctx context.Context, o *catalog.Object, s *ast.CreateRelation, boot bool) error {
	if s.Table {
		return db.startTable(ctx, o, s, boot)
	}
	return db.startSource(ctx, o, s, boot)
}

// startTable connects a table, or opens its log, and hands it to the engine.
func (db *Database) startTable(ctx context.Context, o *catalog.Object, s *ast.CreateRelation, boot bool) error {
	spec := exec.TableSpec{ID: o.ID, Name: o.Name.String(), Schema: o.Schema(), Key: o.PrimaryKey()}
	spec.Schema.EventTime = -1 // current rows have no place in event time
	opts := connectors.NewOptions(s.Options)
	var err error
	if spec.Versions, err = tableVersions(o, s, opts); err != nil {
		return err
	}
	if s.Connector == "" {
		if err := opts.Unused(); err != nil {
			return err
		}
		pushed, err := exec.OpenPushed(db.pushedDir(o.ID), spec.Schema, db.config.Now)
		if err != nil {
			return err
		}
		spec.Connector, spec.Log = pushed, pushed
	} else {
		if err := tableOptions(opts, &spec); err != nil {
			return err
		}
		source, err := db.connectSource(ctx, o, s, opts, boot)
		if err != nil {
			return err
		}
		spec.Connector = source
	}
	table, err := db.engine.AddTable(ctx, spec)
	if err != nil {
		return errors.Join(err, spec.Connector.Close())
	}
	state := &tableState{Table: table, written: spec.Log != nil}
	for _, c := range s.Columns {
		state.defaults = append(state.defaults, c.Default)
	}
	props := plan.Properties{Changelog: true, Key: spec.Key, HasKey: len(spec.Key) > 0}
	db.put(o.ID, &running{props: props, table: state})
	return nil
}

// tableVersions is how the versions of a table with event time are read, nil for
// one without.
func tableVersions(o *catalog.Object, s *ast.CreateRelation, opts connectors.Options) (*exec.Versions, error) {
	if s.Watermark == nil {
		return nil, nil
	}
	column, delay, err := planner.Watermark(s.Watermark, o.Schema())
	if err != nil {
		return nil, err
	}
	v := &exec.Versions{EventTime: exec.EventTime{Column: column, DelayMillis: delay}}
	if at := column - len(s.Columns); at >= 0 {
		v.RecordTime = s.Includes[at].What == "timestamp"
	}
	if v.EventTime.IdleTimeout, err = opts.Duration("idle_timeout", defaultIdleTimeout); err != nil {
		return nil, err
	}
	rows, err := opts.Int("retain_history", defaultHistoryRows, 0, maxHistoryRows)
	v.HistoryRows = int(rows)
	return v, err
}

// tableOptions takes the options that the engine reads, and refuses those of a
// source that mean nothing to a table.
func tableOptions(opts connectors.Options, spec *exec.TableSpec) error {
	names := []string{"dead_letter_topic"}
	if spec.Versions == nil {
		names = append(names, "idle_timeout", "retain_history")
	}
	for _, name := range names {
		if opts.Has(name) {
			return opts.Invalid(name, "is not an option of a table")
		}
	}
	if opts.Has("offset_reset") {
		if _, err := opts.OneOf("offset_reset", "earliest", "earliest"); err != nil {
			return err
		}
	}
	var err error
	spec.OnError, err = onError(opts)
	return err
}

// writable returns the table that a statement changes.
func (s *Session) writable(name ast.Name) (*tableState, *catalog.Object, error) {
	o, err := s.db.catalog.Snapshot().Relation(name)
	if err != nil {
		return nil, nil, at(err, name.Pos)
	}
	state := s.db.state(o.ID)
	if state.problem != nil {
		return nil, nil, pgerr.At(int(name.Pos), pgerr.ObjectNotInPrerequisite, "%s %q is not running: %v", o.Kind, o.Name, state.problem)
	}
	if state.table == nil || !state.table.written {
		return nil, nil, pgerr.At(int(name.Pos), pgerr.WrongObjectType, "cannot change %s %q", o.Kind, o.Name).
			WithHint("Rows can be changed in a table that was created without a connector.")
	}
	return state.table, o, nil
}

// insertTable plans INSERT into a table.
func (s *Session) insertTable(in *ast.Insert, o *catalog.Object, params *planner.Params) (*statement, error) {
	table, _, err := s.writable(in.Table)
	if err != nil {
		return nil, err
	}
	columns, err := insertColumns(in, o)
	if err != nil {
		return nil, err
	}
	if in.Query == nil {
		return nil, pgerr.At(int(in.Pos), pgerr.FeatureNotSupported, "INSERT .. DEFAULT VALUES is not supported")
	}
	schema := table.Schema()
	fields := make([]batch.Field, len(columns))
	for i, c := range columns {
		fields[i] = schema.Fields[c]
	}
	q := s.planner(planner.Once, params)
	r, err := q.PlanInsert(table.fillDefaults(in.Query, columns), fields)
	if err != nil {
		return nil, err
	}
	if columns, err = table.addDefaults(q, r, columns[:len(r.Root.Schema().Fields)]); err != nil {
		return nil, err
	}
	target := &tableInsert{db: s.db, table: table}
	if in.OnConflict != nil {
		if err := target.plan(s.planner(planner.Once, params), in, o); err != nil {
			return nil, err
		}
	}
	return &statement{command: func(ctx context.Context, _ *pgwire.Results) (string, error) {
		rows, err := s.insertRows(ctx, r, schema, columns)
		if err != nil {
			return "", err
		}
		if s.status == pgwire.InTransaction {
			if in.OnConflict != nil {
				return "", pgerr.At(int(in.OnConflict.Pos), pgerr.FeatureNotSupported, "ON CONFLICT is not supported in a transaction block")
			}
			if rows.Rows > 0 {
				s.block.later(table, func(ctx context.Context) error { return target.Insert(ctx, rows) })
			}
			return fmt.Sprintf("INSERT 0 %d", rows.Rows), nil
		}
		n, err := target.run(ctx, rows)
		return fmt.Sprintf("INSERT 0 %d", n), err
	}}, nil
}

// fillDefaults replaces DEFAULT in VALUES.
func (t *tableState) fillDefaults(q *ast.Query, columns []int) *ast.Query {
	v, ok := q.Body.(*ast.Values)
	if !ok {
		return q
	}
	body := &ast.Values{Pos: v.Pos, Rows: make([][]ast.Expr, len(v.Rows))}
	for i, row := range v.Rows {
		body.Rows[i] = slices.Clone(row)
		for c, e := range row {
			if _, ok := e.(*ast.Default); ok && c < len(columns) {
				body.Rows[i][c] = t.defaultOf(columns[c], e.Position())
			}
		}
	}
	out := *q
	out.Body = body
	return &out
}

// defaultOf is a column's DEFAULT, NULL where it has none.
func (t *tableState) defaultOf(column int, pos ast.Pos) ast.Expr {
	if column < len(t.defaults) && t.defaults[column] != nil {
		return t.defaults[column]
	}
	return &ast.Literal{At: ast.At{Pos: pos}, Kind: ast.NullLiteral}
}

// addDefaults computes the columns that an INSERT does not name.
func (t *tableState) addDefaults(q *planner.Query, r *planner.Result, columns []int) ([]int, error) {
	var fields []batch.Field
	var values []plan.Expr
	for c, e := range t.defaults {
		if e == nil || slices.Contains(columns, c) {
			continue
		}
		f := t.Schema().Fields[c]
		v, err := q.Default(e, f)
		if err != nil {
			return nil, err
		}
		columns, fields, values = append(slices.Clip(columns), c), append(fields, f), append(values, v)
	}
	if len(fields) > 0 {
		planner.WithColumns(r, fields, values)
	}
	return columns, nil
}

// tableInsert puts rows into a table.
type tableInsert struct {
	db    *Database
	table *tableState
	// skip is ON CONFLICT DO NOTHING; update is DO UPDATE, nil for none, with the
	// columns that it sets.
	skip   bool
	update *planner.Result
	set    []int
}

// plan takes the ON CONFLICT of a statement.
func (t *tableInsert) plan(q *planner.Query, in *ast.Insert, o *catalog.Object) error {
	c, schema := in.OnConflict, t.table.Schema()
	key := make([]string, 0, len(t.table.Key()))
	for _, k := range t.table.Key() {
		key = append(key, schema.Fields[k].Name)
	}
	target := slices.Clone(c.Columns)
	slices.Sort(target)
	sorted := slices.Sorted(slices.Values(key))
	if len(key) == 0 || len(target) > 0 && !slices.Equal(target, sorted) || len(target) == 0 && len(c.Update) > 0 {
		return pgerr.At(int(c.Pos), pgerr.InvalidColumnReference, "there is no unique or exclusion constraint matching the ON CONFLICT specification")
	}
	if len(c.Update) == 0 {
		t.skip = true
		return nil
	}
	var err error
	t.set = columnsOfSet(c.Update, schema)
	t.update, err = q.PlanConflict(o.Name.Name, schema, t.table.setDefaults(c.Update), c.Where)
	return err
}

// Insert returns when the rows are durable and applied.
func (t *tableInsert) Insert(ctx context.Context, rows *batch.Batch) error {
	_, err := t.run(ctx, rows)
	return err
}

// run inserts rows and returns how many were inserted or updated.
func (t *tableInsert) run(ctx context.Context, rows *batch.Batch) (n int, err error) {
	if rows.Rows == 0 {
		return 0, nil
	}
	err = t.table.Change(ctx, func(ctx context.Context) (exec.TableChange, error) {
		if !t.skip && t.update == nil {
			n = rows.Rows
			return exec.TableChange{Come: rows}, nil
		}
		fresh, taken, repeated, current := t.table.Conflicts(rows)
		c := exec.TableChange{Come: exec.Rows(rows, fresh)}
		n = len(fresh)
		if t.skip || len(taken)+len(repeated) == 0 {
			return c, nil
		}
		if len(repeated) > 0 {
			return c, pgerr.Newf(pgerr.CardinalityViolation, "ON CONFLICT DO UPDATE command cannot affect row a second time").
				WithHint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
		}
		excluded := exec.Rows(rows, taken)
		both := batch.New(append(slices.Clone(current.Cols), excluded.Cols...), len(taken))
		system := func(context.Context, *plan.Scan) (*batch.Batch, error) { return both, nil }
		old, changed, err := t.table.changed(ctx, t.db, t.update, t.set, system)
		if err != nil || old == nil {
			return c, err
		}
		n += old.Rows
		c.Gone = old
		c.Come, err = exec.ConcatRows([]*batch.Batch{c.Come, changed})
		return c, err
	})
	return n, err
}

// readers are the objects that read from outside: sources, then tables.
func (db *Database) readers() []*catalog.Object {
	snapshot := db.catalog.Snapshot()
	return append(snapshot.OfKind(catalog.Source), snapshot.OfKind(catalog.Table)...)
}

// readerState is how a source or a table stands with what it reads.
func (db *Database) readerState(o *catalog.Object) exec.SourceState {
	if st, ok := db.engine.TableState(o.ID); ok {
		return st.SourceState
	}
	st, _ := db.engine.SourceState(o.ID)
	return st
}

// tableStatus says whether a table is complete, and why not.
func tableStatus(st exec.TableState) string {
	switch {
	case st.Problem != "":
		return "retrying: " + st.Problem
	case st.Ready:
		return "ready"
	case st.Rest < 0:
		return "loading"
	}
	return fmt.Sprintf("loading: %d records to be read", st.Rest)
}
