package session

import (
	"context"
	"errors"
	"unicode/utf8"

	"laminardb/server/pgwire"
	"laminardb/sql/ast"
	"laminardb/sql/parser"
	"laminardb/sql/pgerr"
)

// Session is one client's. It implements pgwire.Session.
type Session struct {
	db       *Database
	client   *pgwire.Client
	settings settings
	cursors  map[string]*cursor

	status pgwire.TxStatus
	block  *block // nil outside of a transaction block
	// text is the statement that is being planned, as it was sent.
	text string
}

// NewSession implements pgwire.Sessions.
func (db *Database) NewSession(_ context.Context, client *pgwire.Client) (pgwire.Session, error) {
	s := &Session{db: db, client: client, cursors: map[string]*cursor{}, status: pgwire.Idle}
	if err := s.initSettings(); err != nil {
		return nil, err
	}
	db.clients.enter()
	return s, nil
}

// Simple implements pgwire.Session.
func (s *Session) Simple(ctx context.Context, text string, w *pgwire.Results) error {
	list, src, err := s.parse(text)
	if err != nil {
		return s.failed(err)
	}
	if len(list) == 0 {
		return w.Empty()
	}
	for _, p := range list {
		err := s.timed(ctx, func(ctx context.Context) error { return s.runSimple(ctx, p, src, w) })
		if err != nil {
			return s.failed(src.place(err))
		}
	}
	return nil
}

// timed runs a statement under statement_timeout.
func (s *Session) timed(ctx context.Context, run func(ctx context.Context) error) error {
	limit, err := timeoutOf(s.settings["statement_timeout"])
	if err != nil || limit == 0 {
		return run(ctx)
	}
	timed, cancel := context.WithTimeoutCause(ctx, limit,
		pgerr.Newf(pgerr.QueryCanceled, "canceling statement due to statement timeout"))
	defer cancel()
	err = run(timed)
	if err != nil && timed.Err() != nil && errors.Is(err, timed.Err()) {
		return context.Cause(timed)
	}
	return err
}

// failed turns an open transaction into a failed one.
func (s *Session) failed(err error) error {
	if s.status == pgwire.InTransaction {
		s.status = pgwire.Failed
	}
	return err
}

// source is a text as the client sent it, for positions.
type source struct {
	text string // as sent
	m    parser.OffsetMap
}

// parse expands and parses a text.
func (s *Session) parse(text string) ([]parser.Parsed, *source, error) {
	src := &source{text: text}
	if !utf8.ValidString(text) {
		return nil, src, pgerr.Newf(pgerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\"")
	}
	expanded, m, err := s.db.expand(text)
	if err != nil {
		return nil, src, src.place(err)
	}
	src.m = m
	list, err := parser.Parse(expanded)
	if err != nil {
		return nil, src, src.place(err)
	}
	return list, src, nil
}

// original is the part of the sent text that a statement was parsed from.
func (src *source) original(p parser.Parsed) string {
	return src.text[src.m.Original(p.Offset):src.m.Original(p.Offset+len(p.Text))]
}

// place turns an error's byte position in the expanded text into the character
// position in the sent one, which is what the protocol wants.
func (src *source) place(err error) error {
	var e *pgerr.Error
	if !errors.As(err, &e) || e.Position == 0 {
		return err
	}
	offset := min(src.m.Original(e.Position-1), len(src.text))
	c := *e
	c.Position = utf8.RuneCountInString(src.text[:offset]) + 1
	return &c
}

func (s *Session) runSimple(ctx context.Context, p parser.Parsed, src *source, w *pgwire.Results) error {
	if _, isPrepare := p.Statement.(*ast.Prepare); p.NumParams > 0 && !isPrepare {
		return pgerr.Newf(pgerr.UndefinedParameter, "there is no parameter $1").
			WithHint("Parameters need the extended query protocol.")
	}
	if err := s.allowed(p.Statement); err != nil {
		return err
	}
	st, err := s.statement(ctx, p, src, nil)
	if err != nil {
		return err
	}
	if st.command != nil {
		return s.runCommand(ctx, st, w)
	}
	if err := st.notify(w); err != nil {
		return err
	}
	if err := w.Columns(st.columns, nil); err != nil {
		return err
	}
	rows, err := st.open(ctx)
	if err != nil {
		return err
	}
	defer rows.close()
	out, err := newOutput(w, st.columns, nil)
	if err != nil {
		return err
	}
	if _, err := out.drain(ctx, rows, 0); err != nil {
		return err
	}
	return w.Complete(st.tag(out.sent))
}

func (s *Session) runCommand(ctx context.Context, st *statement, w *pgwire.Results) error {
	tag, err := st.command(ctx, w)
	if err != nil {
		return err
	}
	return w.Complete(tag)
}

// Sync implements pgwire.Session. Statements outside a block take effect one by
// one, so there is nothing to commit.
func (s *Session) Sync(_ context.Context, failed bool) error {
	if failed {
		_ = s.failed(nil)
	}
	return nil
}

// Status implements pgwire.Session.
func (s *Session) Status() pgwire.TxStatus { return s.status }

// Close implements pgwire.Session.
func (s *Session) Close() {
	s.closeCursors(false)
	s.db.clients.leave()
}

// sessionValues answers current_user and its like.
func (s *Session) sessionValues() map[string]string {
	values := map[string]string{
		"current_user": s.client.User, "session_user": s.client.User, "user": s.client.User,
		"current_role": s.client.User, "current_database": s.client.Database,
		"current_catalog": s.client.Database, "current_schema": "public",
		"pg_advisory_unlock_all": "", // there is nothing to unlock
		"version":                "PostgreSQL 15.8 (LaminarDB " + s.db.config.Version + ")",
	}
	for name, v := range s.settings {
		values["setting "+name] = v
	}
	return values
}
