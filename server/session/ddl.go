package session

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"

	"laminardb/catalog"
	"laminardb/exec"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

// ddl runs one statement that changes the catalog. text is the statement as the
// user wrote it. notices are for the client, whether or not there is an error.
func (db *Database) ddl(ctx context.Context, stmt ast.Statement, text string) (tag string, notices []*pgerr.Error, err error) {
	edit, err := db.catalog.Edit(ctx)
	if err != nil {
		return "", nil, err
	}
	defer edit.Discard()
	c := &change{db: db, edit: edit}
	switch s := stmt.(type) {
	case *ast.CreateRelation:
		o, err := sourceObject(s, text)
		if err != nil {
			return "", nil, err
		}
		err = c.create(ctx, o, s.Name.Pos, s.IfNotExists, s.OrReplace, nil, func(o *catalog.Object) error {
			return db.startRelation(ctx, o, s, false)
		})
		return "CREATE " + strings.ToUpper(o.Kind.String()), c.notices, err
	case *ast.CreateQuery:
		err := c.createQuery(ctx, s, text)
		return "CREATE " + strings.ToUpper(s.Kind), c.notices, err
	case *ast.CreateSink:
		err := c.createSink(ctx, s, text)
		return "CREATE SINK", c.notices, err
	case *ast.Drop:
		err := c.drop(s)
		return "DROP " + strings.ToUpper(s.Kind), c.notices, err
	}
	return "", nil, pgerr.Newf(pgerr.FeatureNotSupported, "this statement is not supported yet")
}

// change is one catalog edit with what it starts and stops.
type change struct {
	db      *Database
	edit    *catalog.Edit
	notices []*pgerr.Error
	// late is the stream of LATE DATA TO that was made with the object, nil for none.
	late *catalog.Object
}

// undo stops what the edit started and could not commit.
func (c *change) undo(o *catalog.Object) {
	if c.late != nil {
		c.db.stop(c.late)
	}
	c.db.stop(o)
}

func (c *change) notice(format string, args ...any) {
	c.notices = append(c.notices, pgerr.Newf(pgerr.SuccessfulCompletion, format, args...))
}

// create adds or replaces an object: it is checked, started, then committed.
func (c *change) create(ctx context.Context, want catalog.Object, pos ast.Pos, ifNotExists, orReplace bool, check, start func(*catalog.Object) error) error {
	old := c.edit.Snapshot().Named(want.Name)
	if old != nil && ifNotExists {
		c.notice("relation %q already exists, skipping", want.Name)
		return nil
	}
	if old != nil && orReplace {
		return c.replace(ctx, old, want, check, start)
	}
	o, err := c.edit.Create(want)
	if err != nil {
		return at(err, pos)
	}
	if err := start(o); err != nil {
		c.db.discard(o)
		return err
	}
	if err := c.edit.Commit(); err != nil {
		c.undo(o)
		return err
	}
	c.db.report(exec.EventObjectCreated, o)
	return nil
}

// replace stops the old object and starts the new one in its place; if that
// fails, the old one is started again, from the beginning: so check, unless it is
// nil, looks before whether it can be expected to fail.
func (c *change) replace(ctx context.Context, old *catalog.Object, want catalog.Object, check, start func(*catalog.Object) error) error {
	if dependents := c.edit.Snapshot().Dependents(old.ID); len(dependents) > 0 {
		return pgerr.Newf(pgerr.DependentObjects, "cannot replace %s %q because other objects depend on it", old.Kind, old.Name).
			WithDetail("%s %q depends on it.", dependents[0].Kind, dependents[0].Name).
			WithHint("Drop the dependent objects first.")
	}
	o, err := c.edit.Replace(old.ID, want)
	if err != nil {
		return err
	}
	if check != nil {
		if err := check(o); err != nil {
			return err
		}
	}
	if err := c.db.engine.Remove(old.ID); err != nil {
		return err
	}
	err = start(o)
	if err == nil {
		if err = c.edit.Commit(); err == nil {
			c.db.report(exec.EventObjectReplaced, o)
			return nil
		}
		c.undo(o)
	}
	if again := c.db.restore(ctx, old); again != nil {
		c.db.put(old.ID, &running{problem: again})
	}
	return err
}

func (c *change) createQuery(ctx context.Context, s *ast.CreateQuery, text string) error {
	r, err := c.db.planQuery(s, c.edit.Snapshot())
	if err != nil {
		return err
	}
	o, err := queryObject(s, text, r)
	if err != nil {
		return err
	}
	for _, n := range append(r.Notices, c.db.missedRows(r.Reads)...) {
		c.notice("%s", n)
	}
	return c.create(ctx, o, s.Name.Pos, s.IfNotExists, s.OrReplace, nil, func(o *catalog.Object) error {
		if err := c.db.startQuery(ctx, o, s, r); err != nil {
			return err
		}
		err := c.createLate(ctx, o, s, text, r)
		if err != nil {
			c.db.stop(o)
		}
		return err
	})
}

func (c *change) createSink(ctx context.Context, s *ast.CreateSink, text string) error {
	r, err := c.db.planSink(s, c.edit.Snapshot())
	if err != nil {
		return err
	}
	o, err := sinkObject(s, text, r)
	if err != nil {
		return err
	}
	check := func(o *catalog.Object) error { return c.db.tryConnect(ctx, o, s, r) }
	return c.create(ctx, o, s.Name.Pos, s.IfNotExists, s.OrReplace, check, func(o *catalog.Object) error {
		return c.db.startSink(ctx, o, s, r, false)
	})
}

// drop removes objects; the catalog forgets them before they are stopped, so that
// a crash in between does not bring half of them back.
func (c *change) drop(s *ast.Drop) error {
	kind, ok := catalog.KindNamed(s.Kind)
	if !ok {
		return pgerr.At(int(s.Pos), pgerr.FeatureNotSupported, "DROP %s is not supported", strings.ToUpper(s.Kind))
	}
	var ids []uint64
	for _, name := range s.Names {
		o, err := c.edit.Snapshot().RelationOfKind(name, kind, "DROP")
		if err != nil {
			if s.IfExists && pgerr.Is(err, pgerr.UndefinedTable) {
				c.notice("%s %q does not exist, skipping", kind, name.Last())
				continue
			}
			return at(err, name.Pos)
		}
		ids = append(ids, o.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	ids, err := c.withLateParents(ids, s.Cascade)
	if err != nil {
		return err
	}
	dropped, err := c.edit.Drop(ids, s.Cascade)
	if err != nil {
		return err
	}
	if err := c.edit.Commit(); err != nil {
		return err
	}
	for _, o := range dropped {
		c.db.stop(o)
		c.db.report(exec.EventObjectDropped, o)
		if !slices.Contains(ids, o.ID) {
			c.notice("drop cascades to %s %s", o.Kind, o.Name)
		}
	}
	return nil
}

// report keeps a change of the catalog among the events.
func (db *Database) report(kind string, o *catalog.Object) {
	db.env.Report(slog.LevelInfo, kind, o.Name.String(), o.Kind.String())
}

// stop ends an object that the catalog no longer names, and deletes its rows.
func (db *Database) stop(o *catalog.Object) {
	if err := db.engine.Remove(o.ID); err != nil {
		db.config.Logger.Error("object could not be stopped", slog.String("object", o.Name.String()), slog.Any("error", err))
	}
	db.discard(o)
}

// discard forgets an object that does not run, with the rows pushed to it.
func (db *Database) discard(o *catalog.Object) {
	db.forget(o.ID)
	if o.Kind != catalog.Source && o.Kind != catalog.Table {
		return
	}
	if err := os.RemoveAll(db.pushedDir(o.ID)); err != nil {
		db.config.Logger.Error("pushed rows could not be deleted", slog.String("object", o.Name.String()), slog.Any("error", err))
	}
}

// at gives an error a position if it has none.
func at(err error, pos ast.Pos) error {
	e := pgerr.From(err)
	if e.Position == 0 && pos >= 0 {
		c := *e
		c.Position = int(pos) + 1
		return &c
	}
	return e
}
