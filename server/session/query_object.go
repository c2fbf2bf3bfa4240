package session

import (
	"context"
	"fmt"

	"laminardb/catalog"
	"laminardb/connectors"
	"laminardb/exec"
	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// planQuery plans CREATE STREAM and CREATE MATERIALIZED VIEW.
func (db *Database) planQuery(s *ast.CreateQuery, snapshot *catalog.Snapshot) (*planner.Result, error) {
	mode := planner.Stream
	switch s.Kind {
	case "materialized view":
		mode = planner.View
	case "view":
		return nil, pgerr.At(int(s.Pos), pgerr.FeatureNotSupported, "CREATE VIEW is not supported yet").
			WithHint("Use CREATE MATERIALIZED VIEW.")
	}
	lateness, err := planner.Lateness(s.Lateness)
	if err != nil {
		return nil, err
	}
	retention, err := planner.Retention(s.Options)
	if err != nil {
		return nil, err
	}
	q := &planner.Query{Relations: relations{db, snapshot}, Mode: mode, Emit: s.Emit, LatenessMillis: lateness, RetentionMillis: retention, LateTo: s.LateTo}
	r, err := q.Plan(s.Query)
	if err != nil {
		return nil, err
	}
	if err := nameColumns(r, s); err != nil {
		return nil, err
	}
	return r, nil
}

// nameColumns applies the column list of the statement and checks that the names
// can be told apart.
func nameColumns(r *planner.Result, s *ast.CreateQuery) error {
	schema := r.Root.Schema()
	visible := schema.Visible()
	if len(s.Columns) > len(visible) {
		return pgerr.At(int(s.Name.Pos), pgerr.SyntaxError, "too many column names were specified")
	}
	seen := map[string]bool{}
	for i, at := range visible {
		if i < len(s.Columns) {
			schema.Fields[at].Name = s.Columns[i]
		}
		name := schema.Fields[at].Name
		if seen[name] {
			return pgerr.At(int(s.Name.Pos), pgerr.DuplicateColumn, "column %q specified more than once", name).
				WithHint("Give each column a name of its own with AS.")
		}
		seen[name] = true
	}
	return nil
}

// queryObject is the catalog entry of a planned stream or view.
func queryObject(s *ast.CreateQuery, text string, r *planner.Result) (catalog.Object, error) {
	o := catalog.Object{Kind: catalog.Stream, SQL: text, EventTime: r.Root.Schema().EventTime, DependsOn: r.Reads}
	if s.Kind == "materialized view" {
		o.Kind = catalog.MaterializedView
	}
	var err error
	if o.Name, err = catalog.FullName(s.Name); err != nil {
		return o, err
	}
	for _, f := range r.Root.Schema().Fields {
		o.Columns = append(o.Columns, catalog.Column{Field: f})
	}
	for _, opt := range s.Options {
		o.Options = append(o.Options, catalog.Option{Name: opt.Name, Value: opt.Value})
	}
	return o, nil
}

// startQuery starts the dataflow of a stream or a view.
func (db *Database) startQuery(ctx context.Context, o *catalog.Object, s *ast.CreateQuery, r *planner.Result) error {
	props := r.Root.Props()
	spec := exec.FlowSpec{ID: o.ID, Version: o.Version, Name: o.Name.String(), Root: r.Root, Keep: o.Kind == catalog.MaterializedView || props.Changelog, Late: r.Late != nil}
	opts := connectors.NewOptions(s.Options)
	var err error
	if spec.OnError, err = onError(opts); err != nil {
		return err
	}
	if o.Kind == catalog.Stream {
		rows, err := opts.Int("retain_history", defaultHistoryRows, 0, maxHistoryRows)
		if err != nil {
			return err
		}
		spec.HistoryRows = int(rows)
	}
	opts.String("retention", "") // the planner has read it
	if err := opts.Unused(); err != nil {
		return err
	}
	// Known before the dataflow runs, so that whoever reads it next can plan.
	db.put(o.ID, &running{props: props, upsert: r.Upsert, versions: versionsRead(r)})
	if err := db.engine.AddFlow(ctx, spec); err != nil {
		db.forget(o.ID)
		return err
	}
	return nil
}

// versionsRead returns the tables whose versions a plan scans.
func versionsRead(r *planner.Result) (tables []uint64) {
	var walk func(n plan.Node)
	walk = func(n plan.Node) {
		for _, id := range r.Reads {
			if s, ok := n.(*plan.Scan); ok && s.Versions && s.Object == exec.VersionsID(id) {
				tables = append(tables, id)
			}
		}
		for _, in := range n.Inputs() {
			walk(in)
		}
	}
	walk(r.Root)
	return tables
}

// planSink plans what a sink reads.
func (db *Database) planSink(s *ast.CreateSink, snapshot *catalog.Snapshot) (*planner.Result, error) {
	q := &planner.Query{Relations: relations{db, snapshot}, Mode: planner.Stream}
	return q.Plan(sourceQuery(s.From, s.Query, s.Where))
}

// sourceQuery is FROM obj [WHERE ..] or FROM (query) [WHERE ..] as a query.
func sourceQuery(from *ast.Name, query *ast.Query, where ast.Expr) *ast.Query {
	var table ast.TableExpr
	var pos ast.Pos
	if from != nil {
		pos = from.Pos
		table = &ast.TableName{Pos: pos, Name: *from}
	} else {
		if where == nil {
			return query
		}
		pos = query.Pos
		table = &ast.Subquery{Pos: pos, Query: query}
	}
	return &ast.Query{Pos: pos, Body: &ast.Select{
		Pos: pos, Items: []ast.SelectItem{{Pos: pos, Star: true}}, From: []ast.TableExpr{table}, Where: where,
	}}
}

// sinkObject is the catalog entry of a sink.
func sinkObject(s *ast.CreateSink, text string, r *planner.Result) (catalog.Object, error) {
	o := catalog.Object{Kind: catalog.Sink, SQL: text, EventTime: -1, DependsOn: r.Reads}
	var err error
	if o.Name, err = catalog.FullName(s.Name); err != nil {
		return o, err
	}
	schema := r.Root.Schema()
	for _, at := range schema.Visible() {
		o.Columns = append(o.Columns, catalog.Column{Field: schema.Fields[at]})
	}
	for _, opt := range s.Options {
		o.Options = append(o.Options, catalog.Option{Name: opt.Name, Value: opt.Value})
	}
	return o, nil
}

// startSink connects a sink and starts its dataflow.
func (db *Database) startSink(ctx context.Context, o *catalog.Object, s *ast.CreateSink, r *planner.Result, boot bool) error {
	connect, err := db.sinkConnector(o, s, r)
	if err != nil {
		return err
	}
	sink, err := connect(ctx)
	if err != nil && !boot {
		return err
	}
	err = db.engine.AddSink(ctx, exec.SinkFlowSpec{ID: o.ID, Version: o.Version, Name: o.Name.String(), Root: r.Root, Sink: sink, Connect: connect})
	if err != nil {
		if sink != nil {
			_ = sink.Close() // nothing was written
		}
		return err
	}
	db.put(o.ID, &running{sink: sinkOf(s), versions: versionsRead(r)})
	return nil
}

// tryConnect checks that a sink can be connected, before anything is given up for it.
func (db *Database) tryConnect(ctx context.Context, o *catalog.Object, s *ast.CreateSink, r *planner.Result) error {
	connect, err := db.sinkConnector(o, s, r)
	if err != nil {
		return err
	}
	sink, err := connect(ctx)
	if err != nil {
		return err
	}
	return sink.Close()
}

// sinkConnector returns what connects a sink.
func (db *Database) sinkConnector(o *catalog.Object, s *ast.CreateSink, r *planner.Result) (func(ctx context.Context) (connectors.Sink, error), error) {
	connector, ok := db.config.Registry.Sinks[s.Connector]
	if !ok {
		return nil, pgerr.At(int(s.Pos), pgerr.UndefinedObject, "there is no sink connector %q", s.Connector).
			WithHint("Connectors: %s.", names(db.config.Registry.Sinks))
	}
	opts := connectors.NewOptions(s.Options)
	props := r.Root.Props()
	spec := connectors.SinkSpec{Name: o.Name.Name, Schema: o.Schema(), Changelog: props.Changelog, Options: opts, ID: db.sinkID(o.ID)}
	if props.HasKey {
		spec.Key = visibleKey(r, props.Key)
	}
	return func(ctx context.Context) (connectors.Sink, error) {
		sink, err := connector.NewSink(ctx, spec)
		if err != nil {
			return nil, err
		}
		if err := opts.Unused(); err != nil {
			_ = sink.Close() // the user's mistake is the error to report
			return nil, err
		}
		return sink, nil
	}, nil
}

// visibleKey translates key columns to positions among the visible columns; nil
// if one of them is hidden.
func visibleKey(r *planner.Result, key []int) []int {
	place := map[int]int{}
	for i, at := range r.Root.Schema().Visible() {
		place[at] = i
	}
	out := make([]int, 0, len(key))
	for _, k := range key {
		p, ok := place[k]
		if !ok {
			return nil
		}
		out = append(out, p)
	}
	return out
}

// missedRows says which streams no longer have all the rows that a query created
// now would read.
func (db *Database) missedRows(reads []uint64) (notices []string) {
	for _, id := range reads {
		o := db.catalog.Snapshot().Object(id)
		if o == nil || o.Kind != catalog.Stream {
			continue
		}
		if _, complete := db.engine.Retained(id); !complete {
			notices = append(notices, fmt.Sprintf("stream %q keeps its most recent rows only, so earlier ones are not read", o.Name))
		}
	}
	return notices
}
