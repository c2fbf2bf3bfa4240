package session

import (
	"context"

	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/server/pgvalue"
	"laminardb/server/pgwire"
	"laminardb/sql/ast"
	"laminardb/sql/parser"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// prepared is a prepared statement: the parsed text with the types of its
// parameters. It is planned again for every binding, so that it always sees the
// catalog as it is.
type prepared struct {
	session *Session
	empty   bool
	parsed  parser.Parsed
	src     *source
	types   []types.Type
	oids    []uint32 // of types, or what the client called them
	columns []pgwire.Column
}

// Prepare implements pgwire.Session.
func (s *Session) Prepare(ctx context.Context, text string, oids []uint32) (pgwire.Statement, error) {
	list, src, err := s.parse(text)
	if err != nil {
		return nil, s.failed(err)
	}
	switch len(list) {
	case 0:
		return &prepared{session: s, empty: true}, nil
	case 1:
	default:
		return nil, s.failed(pgerr.Newf(pgerr.SyntaxError, "cannot insert multiple commands into a prepared statement"))
	}
	given := make([]types.Type, 0, len(oids))
	for i, oid := range oids {
		t, ok := types.FromOID(oid)
		if !ok {
			return nil, s.failed(pgerr.Newf(pgerr.UndefinedObject, "parameter $%d has the unknown type OID %d", i+1, oid))
		}
		given = append(given, t)
	}
	p, err := s.newPrepared(ctx, list[0], src, given)
	if err != nil {
		return nil, s.failed(src.place(err))
	}
	for i, oid := range oids { // varchar stays varchar: drivers check what they said
		if oid != 0 && i < len(p.oids) {
			p.oids[i] = oid
		}
	}
	return p, nil
}

func (s *Session) newPrepared(ctx context.Context, p parser.Parsed, src *source, given []types.Type) (*prepared, error) {
	if err := s.allowed(p.Statement); err != nil {
		return nil, err
	}
	out := &prepared{session: s, parsed: p, src: src}
	params := &planner.Params{Types: append([]types.Type(nil), given...)}
	st, err := s.statement(ctx, p, src, params)
	if err != nil {
		return nil, err
	}
	for len(params.Types) < p.NumParams {
		params.Types = append(params.Types, types.Type{})
	}
	for i, t := range params.Types {
		if t.Kind == types.Unknown {
			params.Types[i] = types.Of(types.Text)
		}
	}
	out.types, out.columns = params.Types, st.columns
	for _, t := range out.types {
		out.oids = append(out.oids, t.OID())
	}
	return out, nil
}

// Describe implements pgwire.Statement.
func (p *prepared) Describe() ([]uint32, []pgwire.Column) {
	return p.oids, p.columns
}

// Close implements pgwire.Statement.
func (*prepared) Close() {}

// Bind implements pgwire.Statement.
func (p *prepared) Bind(_ context.Context, b pgwire.Binding) (pgwire.Portal, error) {
	if p.empty {
		return &portal{prepared: p}, nil
	}
	params := &planner.Params{Types: append([]types.Type(nil), p.types...), Values: make([]any, len(p.types))}
	for i, data := range b.Params {
		if data == nil || i >= len(p.types) {
			continue
		}
		v, err := pgvalue.DecodeParam(p.types[i], b.ParamFormats[i], data)
		if err != nil {
			return nil, p.session.failed(err)
		}
		params.Values[i] = v
	}
	return &portal{prepared: p, params: params, formats: b.ResultFormats}, nil
}

// portal is a prepared statement with its parameters.
type portal struct {
	*prepared
	params  *planner.Params
	formats []pgwire.Format
	// rows and out are there once a result has begun.
	st   *statement
	rows rowSource
	out  *output
	done bool
}

// Execute implements pgwire.Portal.
func (p *portal) Execute(ctx context.Context, w *pgwire.Results, maxRows int) (bool, error) {
	if p.empty {
		return false, w.Empty()
	}
	s := p.session
	var more bool
	err := s.timed(ctx, func(ctx context.Context) (err error) {
		more, err = p.run(ctx, w, maxRows)
		return err
	})
	if err != nil {
		return false, s.failed(p.src.place(err))
	}
	return more, nil
}

func (p *portal) run(ctx context.Context, w *pgwire.Results, maxRows int) (bool, error) {
	s := p.session
	if err := s.allowed(p.parsed.Statement); err != nil {
		return false, err
	}
	if p.done {
		return false, w.Complete(p.st.tag(0))
	}
	if p.st == nil {
		st, err := s.statement(ctx, p.parsed, p.src, p.params)
		if err != nil {
			return false, err
		}
		p.st = st
	}
	if p.st.command != nil {
		return false, s.runCommand(ctx, p.st, w)
	}
	if p.rows == nil {
		if err := sameColumns(p.st.columns, p.columns); err != nil {
			return false, err
		}
		if err := p.st.notify(w); err != nil {
			return false, err
		}
		rows, err := p.st.open(ctx)
		if err != nil {
			return false, err
		}
		p.rows = rows
	}
	out, err := newOutput(w, p.st.columns, p.formats)
	if err != nil {
		return false, err
	}
	if p.out != nil {
		out.rest = p.out.rest
	}
	p.out = out
	more, err := out.drain(ctx, p.rows, maxRows)
	if err != nil || more {
		return more, err
	}
	p.done = true
	return false, w.Complete(p.st.tag(out.sent))
}

// sameColumns refuses a statement whose result changed since it was described.
func sameColumns(now, before []pgwire.Column) error {
	ok := len(now) == len(before)
	for i := 0; ok && i < len(now); i++ {
		ok = now[i].Type.Equal(before[i].Type)
	}
	if !ok {
		return pgerr.Newf(pgerr.FeatureNotSupported, "cached plan must not change result type").
			WithHint("Prepare the statement again.")
	}
	return nil
}

// Close implements pgwire.Portal.
func (p *portal) Close() {
	if p.rows != nil {
		p.rows.close()
		p.rows = nil
	}
}

// prepare is SQL's PREPARE.
func (s *Session) prepare(stmt *ast.Prepare, p parser.Parsed, src *source) (*statement, error) {
	return &statement{command: func(ctx context.Context, _ *pgwire.Results) (string, error) {
		if err := s.client.Names().Free(stmt.Name); err != nil {
			return "", at(err, stmt.Pos)
		}
		given := make([]types.Type, len(stmt.Types))
		for i, t := range stmt.Types {
			given[i] = t.Type
		}
		inner := p
		inner.Statement = stmt.Statement
		made, err := s.newPrepared(ctx, inner, src, given)
		if err != nil {
			return "", err
		}
		s.client.Names().Put(stmt.Name, made)
		return "PREPARE", nil
	}}, nil
}

// execute is SQL's EXECUTE.
func (s *Session) execute(ctx context.Context, stmt *ast.Execute) (*statement, error) {
	named, err := s.client.Names().Get(stmt.Name)
	if err != nil {
		return nil, at(err, stmt.Pos)
	}
	p, ok := named.(*prepared)
	if !ok || p.empty {
		return nil, pgerr.At(int(stmt.Pos), pgerr.InvalidStatementName, "prepared statement %q cannot be executed", stmt.Name)
	}
	if len(stmt.Args) != len(p.types) {
		return nil, pgerr.At(int(stmt.Pos), pgerr.SyntaxError, "wrong number of parameters for prepared statement %q", stmt.Name).
			WithDetail("Expected %d parameters but got %d.", len(p.types), len(stmt.Args))
	}
	params := &planner.Params{Types: append([]types.Type(nil), p.types...), Values: make([]any, len(p.types))}
	for i, a := range stmt.Args {
		e, err := s.planner(planner.Once, nil).Constant(a, p.types[i])
		if err != nil {
			return nil, err
		}
		c, ok := e.(*plan.Const)
		if !ok {
			return nil, pgerr.At(int(a.Position()), pgerr.FeatureNotSupported, "EXECUTE takes constants only")
		}
		params.Values[i] = c.Value
	}
	return s.statement(ctx, p.parsed, p.src, params)
}
