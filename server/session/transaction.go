package session

import (
	"context"
	"maps"
	"strings"

	"laminardb/server/pgwire"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// block is an open transaction block. Changes of rows wait in it for COMMIT,
// which makes them in their order; until then nobody sees them, the transaction
// itself included.
type block struct {
	changes []pendingChange
	// before are the settings that ROLLBACK brings back; of those in local,
	// COMMIT does too.
	before     settings
	local      map[string]bool
	savepoints []savepoint
}

// pendingChange changes a table or a source without a connector, the target.
type pendingChange struct {
	target any
	run    func(ctx context.Context) error
}

// savepoint is where ROLLBACK TO goes back to.
type savepoint struct {
	name     string
	changes  int
	settings settings
	cursors  map[string]*cursor
}

// maxSavepoints bounds what one transaction can leave open.
const maxSavepoints = 1000

// transaction runs BEGIN, COMMIT, ROLLBACK, savepoints and SET TRANSACTION.
func (s *Session) transaction(ctx context.Context, t *ast.Transaction, w *pgwire.Results) (string, error) {
	switch t.Kind {
	case "begin":
		return s.begin(t, w)
	case "set", "characteristics":
		return s.setModes(t, w)
	case "commit", "rollback":
		return s.end(ctx, t.Kind, w)
	case "savepoint":
		return "SAVEPOINT", s.savepoint(t)
	case "release":
		i, err := s.findSavepoint(t)
		if err == nil {
			s.block.savepoints = s.block.savepoints[:i]
		}
		return "RELEASE", err
	}
	i, err := s.findSavepoint(t)
	if err == nil {
		s.status = pgwire.InTransaction
		err = s.rollbackTo(i)
	}
	return "ROLLBACK", err
}

func (s *Session) begin(t *ast.Transaction, w *pgwire.Results) (string, error) {
	if err := checkIsolation(t.Modes.Isolation); err != nil {
		return "", at(err, t.Pos)
	}
	if s.status != pgwire.Idle {
		if err := w.Notice("WARNING", pgerr.Newf(pgerr.ActiveTransaction, "there is already a transaction in progress")); err != nil {
			return "", err
		}
	} else {
		s.status = pgwire.InTransaction
		s.block = &block{before: maps.Clone(s.settings), local: map[string]bool{}}
	}
	s.applyModes(t.Modes, "transaction_")
	return "BEGIN", nil
}

// applyModes sets the settings that begin with the prefix.
func (s *Session) applyModes(m ast.Modes, prefix string) {
	if m.Isolation != "" {
		s.settings[prefix+"isolation"] = m.Isolation
	}
	switch {
	case m.ReadOnly:
		s.settings[prefix+"read_only"] = "on"
	case m.ReadWrite:
		s.settings[prefix+"read_only"] = "off"
	}
}

// setModes is SET TRANSACTION and SET SESSION CHARACTERISTICS AS TRANSACTION.
func (s *Session) setModes(t *ast.Transaction, w *pgwire.Results) (string, error) {
	if err := checkIsolation(t.Modes.Isolation); err != nil {
		return "", at(err, t.Pos)
	}
	switch {
	case t.Kind == "characteristics":
		s.applyModes(t.Modes, "default_transaction_")
		s.followDefaults()
	case s.block == nil:
		return "SET", w.Notice("WARNING", pgerr.Newf(pgerr.NoActiveTransaction, "SET TRANSACTION can only be used in transaction blocks"))
	default:
		s.applyModes(t.Modes, "transaction_")
	}
	return "SET", nil
}

// followDefaults gives the modes of the next transaction, outside of a block.
func (s *Session) followDefaults() {
	if s.block == nil {
		s.settings["transaction_isolation"] = s.settings["default_transaction_isolation"]
		s.settings["transaction_read_only"] = s.settings["default_transaction_read_only"]
	}
}

// checkIsolation refuses levels that promise more than there is: a statement sees
// what is committed when it begins.
func checkIsolation(level string) error {
	switch level {
	case "", "read committed", "read uncommitted": // the same, as in PostgreSQL
		return nil
	}
	return pgerr.Newf(pgerr.FeatureNotSupported, "isolation level %s is not supported", strings.ToUpper(level)).
		WithHint("Transactions are READ COMMITTED.")
}

// end is COMMIT and ROLLBACK.
func (s *Session) end(ctx context.Context, kind string, w *pgwire.Results) (string, error) {
	was, b := s.status, s.block
	s.status, s.block = pgwire.Idle, nil
	s.closeCursors(true)
	if b == nil {
		return strings.ToUpper(kind), w.Notice("WARNING", pgerr.Newf(pgerr.NoActiveTransaction, "there is no transaction in progress"))
	}
	undo := kind == "rollback" || was == pgwire.Failed
	back := maps.Clone(s.settings)
	for name := range s.settings {
		if undo || b.local[name] {
			back[name] = b.before[name]
		}
	}
	if err := s.restore(back); err != nil {
		return "", err
	}
	s.followDefaults()
	if undo {
		return "ROLLBACK", nil
	}
	for _, c := range b.changes {
		if err := c.run(ctx); err != nil {
			return "", err
		}
	}
	return "COMMIT", nil
}

func (s *Session) savepoint(t *ast.Transaction) error {
	if s.block == nil {
		return pgerr.At(int(t.Pos), pgerr.NoActiveTransaction, "SAVEPOINT can only be used in transaction blocks")
	}
	if len(s.block.savepoints) >= maxSavepoints {
		return pgerr.At(int(t.Pos), pgerr.ConfigurationLimit, "too many savepoints, the limit is %d", maxSavepoints)
	}
	s.block.savepoints = append(s.block.savepoints, savepoint{
		name: t.Name, changes: len(s.block.changes), settings: maps.Clone(s.settings), cursors: maps.Clone(s.cursors),
	})
	return nil
}

// findSavepoint returns the place of the newest savepoint with the name.
func (s *Session) findSavepoint(t *ast.Transaction) (int, error) {
	if s.block == nil {
		return 0, pgerr.At(int(t.Pos), pgerr.NoActiveTransaction, "%s SAVEPOINT can only be used in transaction blocks", strings.ToUpper(t.Kind))
	}
	for i := len(s.block.savepoints) - 1; i >= 0; i-- {
		if s.block.savepoints[i].name == t.Name {
			return i, nil
		}
	}
	return 0, pgerr.At(int(t.Pos), pgerr.InvalidSavepoint, "savepoint %q does not exist", t.Name)
}

// rollbackTo undoes what came behind a savepoint, which stays.
func (s *Session) rollbackTo(i int) error {
	at := s.block.savepoints[i]
	s.block.savepoints = s.block.savepoints[:i+1]
	s.block.changes = s.block.changes[:at.changes:at.changes]
	for name, c := range s.cursors {
		if at.cursors[name] != c {
			s.closeOne(name, c)
		}
	}
	return s.restore(maps.Clone(at.settings))
}

// closeCursors closes the cursors of the transaction, or all of them.
func (s *Session) closeCursors(ofTransaction bool) {
	for name, c := range s.cursors {
		if !ofTransaction || !c.hold {
			s.closeOne(name, c)
		}
	}
}

func (s *Session) closeOne(name string, c *cursor) {
	c.rows.close()
	delete(s.cursors, name)
	delete(s.client.Cursors(), name)
}

// later keeps a change for COMMIT.
func (b *block) later(target any, run func(ctx context.Context) error) {
	b.changes = append(b.changes, pendingChange{target, run})
}

// changed says whether a change of the target waits.
func (b *block) changed(target any) bool {
	for _, c := range b.changes {
		if c.target == target {
			return true
		}
	}
	return false
}

// writes says whether a statement changes rows or objects.
func writes(stmt ast.Statement) string {
	switch stmt.(type) {
	case *ast.Insert:
		return "INSERT"
	case *ast.Update:
		return "UPDATE"
	case *ast.Delete:
		return "DELETE"
	case *ast.CreateRelation, *ast.CreateQuery, *ast.CreateSink:
		return "CREATE"
	case *ast.Drop:
		return "DROP"
	case *ast.Alter:
		return "ALTER"
	}
	return ""
}

// allowed refuses statements in a failed transaction, and writes in one that only
// reads.
func (s *Session) allowed(stmt ast.Statement) error {
	if s.status == pgwire.Failed {
		if t, ok := stmt.(*ast.Transaction); ok && (t.Kind == "rollback" || t.Kind == "commit" || t.Kind == "rollback to") {
			return nil
		}
		return pgerr.Newf(pgerr.InFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")
	}
	if word := writes(stmt); word != "" && s.settings["transaction_read_only"] == "on" {
		return pgerr.Newf(pgerr.ReadOnlyTransaction, "cannot execute %s in a read-only transaction", word)
	}
	return nil
}
