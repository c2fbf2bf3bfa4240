package session

import (
	"context"
	"errors"
	"time"

	"laminardb/catalog"
	"laminardb/connectors"
	"laminardb/exec"
	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// Defaults of a source's options.
const (
	defaultIdleTimeout = 30 * time.Second
	defaultHistoryRows = 10_000
	// maxHistoryRows keeps a mistyped retain_history from filling the memory.
	maxHistoryRows = 100_000_000
)

// sourceObject checks a CREATE SOURCE or CREATE TABLE and lays out its columns.
func sourceObject(s *ast.CreateRelation, text string) (catalog.Object, error) {
	o := catalog.Object{Kind: catalog.Source, SQL: text, EventTime: -1}
	what := "source"
	if s.Table {
		o.Kind, what = catalog.Table, "table"
	}
	var err error
	if o.Name, err = catalog.FullName(s.Name); err != nil {
		return o, err
	}
	if len(s.Columns) == 0 {
		return o, pgerr.At(int(s.Name.Pos), pgerr.FeatureNotSupported, "a %s needs its columns declared", what)
	}
	if s.Table {
		if err := checkTable(s); err != nil {
			return o, err
		}
	} else if len(s.PrimaryKey) > 0 {
		return o, pgerr.At(int(s.Pos), pgerr.FeatureNotSupported, "PRIMARY KEY is not supported on a source").
			WithHint("Rows of a source are a stream; use CREATE TABLE for rows that replace each other.")
	}
	seen := map[string]bool{}
	add := func(pos ast.Pos, f batch.Field) error {
		if seen[f.Name] {
			return pgerr.At(int(pos), pgerr.DuplicateColumn, "column %q specified more than once", f.Name)
		}
		seen[f.Name] = true
		o.Columns = append(o.Columns, catalog.Column{Field: f})
		return nil
	}
	for _, c := range s.Columns {
		if c.Default != nil && !s.Table {
			return o, pgerr.At(int(c.Default.Position()), pgerr.FeatureNotSupported, "DEFAULT is not supported on a source")
		}
		if err := add(c.Pos, batch.Field{Name: c.Name, Type: c.Type.Type, NotNull: c.NotNull}); err != nil {
			return o, err
		}
	}
	for _, inc := range s.Includes {
		t, ok := includeTypes[inc.What]
		if !ok {
			return o, pgerr.At(int(inc.Pos), pgerr.InvalidParameterValue, "INCLUDE %s is not known", inc.What).
				WithHint("INCLUDE takes key, partition, offset, timestamp or headers.")
		}
		if s.Connector == "" {
			return o, pgerr.At(int(inc.Pos), pgerr.InvalidObjectDefinition, "INCLUDE needs a connector")
		}
		if err := add(inc.Pos, batch.Field{Name: inc.As, Type: t}); err != nil {
			return o, err
		}
	}
	if err := markKey(&o, s); err != nil {
		return o, err
	}
	if s.Watermark != nil {
		schema := o.Schema()
		if o.EventTime, _, err = planner.Watermark(s.Watermark, schema); err != nil {
			return o, err
		}
	}
	for _, opt := range s.Options {
		o.Options = append(o.Options, catalog.Option{Name: opt.Name, Value: opt.Value})
	}
	return o, nil
}

// includeTypes are the types of the metadata columns.
var includeTypes = map[string]types.Type{
	"key": types.Of(types.Bytea), "partition": types.Of(types.Int32), "offset": types.Of(types.Int64),
	"timestamp": types.Of(types.TimestampTZ), "headers": types.Of(types.JSONB),
}

// startSource connects a source and hands it to the engine. At boot a connector
// that does not answer is tried again in the background.
func (db *Database) startSource(ctx context.Context, o *catalog.Object, s *ast.CreateRelation, boot bool) error {
	spec := exec.SourceSpec{ID: o.ID, Version: o.Version, Name: o.Name.String(), Schema: o.Schema(), EventTime: exec.EventTime{Column: -1}}
	if s.Watermark != nil {
		column, delay, err := planner.Watermark(s.Watermark, spec.Schema)
		if err != nil {
			return err
		}
		spec.EventTime = exec.EventTime{Column: column, DelayMillis: delay}
	}
	opts := connectors.NewOptions(s.Options)
	if err := sourceOptions(opts, &spec); err != nil {
		return err
	}
	r := &running{props: plan.Properties{}}
	if s.Connector == "" {
		if err := opts.Unused(); err != nil {
			return err
		}
		pushed, err := exec.OpenPushed(db.pushedDir(o.ID), spec.Schema, db.config.Now)
		if err != nil {
			return err
		}
		r.pushed, spec.Connector, spec.Always = pushed, pushed, true
	} else {
		source, err := db.connectSource(ctx, o, s, opts, boot)
		if err != nil {
			return err
		}
		spec.Connector = source
	}
	if err := db.engine.AddSource(ctx, spec); err != nil {
		return errors.Join(err, spec.Connector.Close())
	}
	db.put(o.ID, r)
	return nil
}

// sourceOptions takes the options that the engine, not the connector, reads.
func sourceOptions(opts connectors.Options, spec *exec.SourceSpec) error {
	var err error
	if spec.EventTime.IdleTimeout, err = opts.Duration("idle_timeout", defaultIdleTimeout); err != nil {
		return err
	}
	if spec.OnError, err = onError(opts); err != nil {
		return err
	}
	rows, err := opts.Int("retain_history", defaultHistoryRows, 0, maxHistoryRows)
	spec.HistoryRows = int(rows)
	return err
}

func onError(opts connectors.Options) (exec.OnError, error) {
	v, err := opts.OneOf("on_error", "dead_letter", "fail", "skip", "dead_letter")
	switch v {
	case "fail":
		return exec.OnErrorFail, err
	case "skip":
		return exec.OnErrorSkip, err
	}
	return exec.OnErrorDeadLetter, err
}

func (db *Database) connectSource(ctx context.Context, o *catalog.Object, s *ast.CreateRelation, opts connectors.Options, boot bool) (connectors.Source, error) {
	connector, ok := db.config.Registry.Sources[s.Connector]
	if !ok {
		return nil, pgerr.At(int(s.Pos), pgerr.UndefinedObject, "there is no source connector %q", s.Connector).
			WithHint("Connectors: %s.", names(db.config.Registry.Sources))
	}
	rel := connectors.Relation{Name: o.Name.Name, Schema: o.Schema(), Declared: len(s.Columns), PrimaryKey: o.PrimaryKey(), Options: opts}
	for i, inc := range s.Includes {
		rel.Includes = append(rel.Includes, connectors.Include{What: inc.What, Column: len(s.Columns) + i})
	}
	connect := func(ctx context.Context) (connectors.Source, error) {
		source, err := connector.NewSource(ctx, rel)
		if err != nil {
			return nil, err
		}
		if err := opts.Unused(); err != nil {
			_ = source.Close() // the user's mistake is the error to report
			return nil, err
		}
		return source, nil
	}
	source, err := connect(ctx)
	if err != nil && boot {
		return &deferredSource{connect: connect}, nil
	}
	return source, err
}
