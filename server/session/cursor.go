package session

import (
	"context"
	"fmt"

	"laminardb/connectors"
	"laminardb/planner"
	"laminardb/server/pgwire"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// maxCursors bounds what one client can leave open.
const maxCursors = 1000

// declare opens a cursor. Outside of a transaction block it lives as long as the
// session, as WITH HOLD does.
func (s *Session) declare(ctx context.Context, d *ast.Declare, params *planner.Params) (string, error) {
	if _, ok := s.cursors[d.Name]; ok {
		return "", pgerr.At(int(d.Pos), pgerr.DuplicateCursor, "cursor %q already exists", d.Name)
	}
	if len(s.cursors) >= maxCursors {
		return "", pgerr.At(int(d.Pos), pgerr.ConfigurationLimit, "too many open cursors, the limit is %d", maxCursors)
	}
	var st *statement
	var err error
	if d.Subscribe != nil {
		st, err = s.subscribe(d.Subscribe, params)
	} else {
		st, err = s.selectStatement(d.Query, params)
	}
	if err != nil {
		return "", err
	}
	rows, err := st.open(ctx)
	if err != nil {
		return "", err
	}
	hold := d.Hold || s.status == pgwire.Idle
	s.cursors[d.Name] = &cursor{rows: rows, columns: st.columns, hold: hold}
	s.client.Cursors()[d.Name] = st.columns
	return "DECLARE CURSOR", nil
}

func (s *Session) fetch(f *ast.Fetch) (*statement, error) {
	c, ok := s.cursors[f.Name]
	if !ok {
		return nil, pgerr.At(int(f.Pos), pgerr.InvalidCursorName, "cursor %q does not exist", f.Name)
	}
	opts := connectors.NewOptions(f.Options)
	timeout, err := opts.Duration("timeout", 0)
	if err != nil {
		return nil, err
	}
	hasTimeout := opts.Has("timeout")
	if err := opts.Unused(); err != nil {
		return nil, err
	}
	return &statement{columns: c.columns, word: "FETCH", open: func(ctx context.Context) (rowSource, error) {
		if hasTimeout {
			timed, cancel := context.WithTimeoutCause(ctx, timeout, errTimeout)
			defer cancel()
			ctx = timed
		}
		list, err := c.take(ctx, f.Count)
		if err != nil {
			return nil, err
		}
		return &batchRows{list}, nil
	}}, nil
}

func (s *Session) closeCursor(c *ast.Close) (string, error) {
	if c.Name == "" {
		s.closeCursors(false)
		return "CLOSE CURSOR ALL", nil
	}
	open, ok := s.cursors[c.Name]
	if !ok {
		return "", pgerr.At(int(c.Pos), pgerr.InvalidCursorName, "cursor %q does not exist", c.Name)
	}
	s.closeOne(c.Name, open)
	return "CLOSE CURSOR", nil
}

// copyDefaults are the options of COPY with the only values that they take.
var copyDefaults = map[string]string{"format": "text", "delimiter": "\t", "null": `\N`}

// copy runs COPY .. TO STDOUT of a query, a relation or a SUBSCRIBE.
func (s *Session) copy(c *ast.Copy, params *planner.Params) (*statement, error) {
	if c.From {
		return nil, pgerr.At(int(c.Pos), pgerr.FeatureNotSupported, "COPY FROM STDIN is not supported yet").
			WithHint("Use INSERT.")
	}
	for _, o := range c.Options {
		if usual, ok := copyDefaults[o.Name]; !ok || o.Value != usual {
			return nil, pgerr.At(int(o.Pos), pgerr.FeatureNotSupported, "COPY option %q is not supported", o.Name)
		}
	}
	var st *statement
	var err error
	if c.Subscribe != nil {
		st, err = s.subscribe(c.Subscribe, params)
	} else {
		st, err = s.selectStatement(copyQuery(c), params)
	}
	if err != nil {
		return nil, err
	}
	return &statement{command: func(ctx context.Context, w *pgwire.Results) (string, error) {
		return copyOut(ctx, st, w)
	}}, nil
}

func copyQuery(c *ast.Copy) *ast.Query {
	if c.Query != nil {
		return c.Query
	}
	items := []ast.SelectItem{{Pos: c.Pos, Star: true}}
	if len(c.Columns) > 0 {
		items = items[:0]
		for _, name := range c.Columns {
			col := &ast.Column{At: ast.At{Pos: c.Pos}, Name: ast.Name{Pos: c.Pos, Parts: []string{name}}}
			items = append(items, ast.SelectItem{Pos: c.Pos, Expr: col})
		}
	}
	return &ast.Query{Pos: c.Pos, Body: &ast.Select{
		Pos: c.Pos, Items: items, From: []ast.TableExpr{&ast.TableName{Pos: c.Table.Pos, Name: *c.Table}},
	}}
}

func copyOut(ctx context.Context, st *statement, w *pgwire.Results) (string, error) {
	rows, err := st.open(ctx)
	if err != nil {
		return "", err
	}
	defer rows.close()
	if err := w.CopyOut(pgwire.Text, len(st.columns)); err != nil {
		return "", err
	}
	out, err := newOutput(w, st.columns, nil)
	if err != nil {
		return "", err
	}
	out.copyText = true
	if _, err := out.drain(ctx, rows, 0); err != nil {
		return "", err
	}
	if err := w.CopyDone(); err != nil {
		return "", err
	}
	return fmt.Sprintf("COPY %d", out.sent), nil
}
