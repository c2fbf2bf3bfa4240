package session

import (
	"context"
	"fmt"

	"laminardb/planner"
	"laminardb/server/pgwire"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/parser"
	"laminardb/sql/pgerr"
)

// statement is one statement, planned and ready to run once. It is a command or
// it returns rows.
type statement struct {
	// command runs a statement without rows and returns its tag; nil if it has
	// rows. It may write to w itself (COPY).
	command func(ctx context.Context, w *pgwire.Results) (tag string, err error)
	// columns and open are for a statement with rows.
	columns []pgwire.Column
	open    func(ctx context.Context) (rowSource, error)
	word    string // of the tag: "SELECT"
	noCount bool   // the tag has no row count: SHOW, EXPLAIN
	notices []string
}

func (st *statement) tag(rows int64) string {
	if st.noCount {
		return st.word
	}
	return fmt.Sprintf("%s %d", st.word, rows)
}

// notify sends the statement's notices.
func (st *statement) notify(w *pgwire.Results) error {
	for _, n := range st.notices {
		if err := w.Notice("NOTICE", pgerr.Newf(pgerr.SuccessfulCompletion, "%s", n)); err != nil {
			return err
		}
	}
	return nil
}

// rowSource gives the rows of a result, batch by batch, in the statement's
// columns.
type rowSource interface {
	// next returns rows; nil if there are none now and block is false. io.EOF
	// says that there are no more.
	next(ctx context.Context, block bool) (*batch.Batch, error)
	close()
}

// statement plans a parsed statement. params is nil in the simple protocol.
func (s *Session) statement(ctx context.Context, p parser.Parsed, src *source, params *planner.Params) (*statement, error) {
	s.text = src.original(p)
	switch stmt := p.Statement.(type) {
	case *ast.SelectStatement:
		return s.selectStatement(stmt.Query, params)
	case *ast.Subscribe:
		return s.subscribe(stmt, params)
	case *ast.Explain:
		return s.explain(stmt, params)
	case *ast.Show:
		return s.show(stmt)
	case *ast.Describe:
		return s.describe(stmt)
	case *ast.Fetch:
		return s.fetch(stmt)
	case *ast.Insert:
		return s.insert(stmt, params)
	case *ast.Update:
		return s.update(stmt, params)
	case *ast.Delete:
		return s.delete(stmt, params)
	case *ast.Copy:
		return s.copy(stmt, params)
	case *ast.Prepare:
		return s.prepare(stmt, p, src)
	case *ast.Execute:
		return s.execute(ctx, stmt)
	}
	return s.simpleCommand(p, src, params)
}

// simpleCommand is a statement that returns nothing but its tag.
func (s *Session) simpleCommand(p parser.Parsed, src *source, params *planner.Params) (*statement, error) {
	var run func(ctx context.Context, w *pgwire.Results) (string, error)
	switch stmt := p.Statement.(type) {
	case *ast.CreateRelation, *ast.CreateQuery, *ast.CreateSink, *ast.Drop:
		run = func(ctx context.Context, w *pgwire.Results) (string, error) {
			return s.ddl(ctx, stmt, src.original(p), w)
		}
	case *ast.Transaction:
		run = func(ctx context.Context, w *pgwire.Results) (string, error) { return s.transaction(ctx, stmt, w) }
	case *ast.Set:
		run = func(_ context.Context, w *pgwire.Results) (string, error) { return s.set(stmt, w) }
	case *ast.Unlisten: // nothing can be listened to
		run = func(context.Context, *pgwire.Results) (string, error) { return "UNLISTEN", nil }
	case *ast.Declare:
		run = func(ctx context.Context, _ *pgwire.Results) (string, error) { return s.declare(ctx, stmt, params) }
	case *ast.Close:
		run = func(context.Context, *pgwire.Results) (string, error) { return s.closeCursor(stmt) }
	case *ast.Deallocate:
		run = func(context.Context, *pgwire.Results) (string, error) { return s.deallocate(stmt) }
	case *ast.Discard:
		run = func(context.Context, *pgwire.Results) (string, error) { return s.discard(stmt) }
	case *ast.Checkpoint:
		run = s.checkpoint
	default:
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "%s is not supported yet", statementName(p.Statement))
	}
	return &statement{command: run}, nil
}

func statementName(stmt ast.Statement) string {
	if _, ok := stmt.(*ast.Alter); ok {
		return "ALTER"
	}
	return "this statement"
}

func (s *Session) ddl(ctx context.Context, stmt ast.Statement, text string, w *pgwire.Results) (string, error) {
	if s.status == pgwire.InTransaction {
		warning := pgerr.Newf(pgerr.FeatureNotSupported, "the statement takes effect at once and is not undone by ROLLBACK")
		if err := w.Notice("WARNING", warning); err != nil {
			return "", err
		}
	}
	tag, notices, err := s.db.ddl(ctx, stmt, text)
	for _, n := range notices {
		if err := w.Notice("NOTICE", n); err != nil {
			return "", err
		}
	}
	return tag, err
}
