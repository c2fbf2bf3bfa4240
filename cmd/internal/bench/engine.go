package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"laminardb/connectors"
	"laminardb/server/session"
)

// engine is a server with a client, in this process.
type engine struct {
	db     *session.Database
	conn   *pgx.Conn
	hangUp func() error
}

// openEngine opens a data directory; interval is that of checkpoints, 0 for none but
// those that are asked for.
func openEngine(ctx context.Context, dir string, registry connectors.Registry, vars map[string]string, interval time.Duration) (*engine, error) {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := session.Open(ctx, session.Config{
		DataDir: dir, Version: "bench", Now: time.Now, Logger: logger, Vars: vars, Registry: registry, CheckpointInterval: interval,
	})
	if err != nil {
		return nil, err
	}
	conn, hangUp, err := dial(ctx, db, logger)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &engine{db, conn, hangUp}, nil
}

func (e *engine) close() error { return errors.Join(e.hangUp(), e.db.Close()) }

func (e *engine) exec(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if _, err := e.conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// until runs a query until its one value is true.
func (e *engine) until(ctx context.Context, sql string, args ...any) error {
	for began := time.Now(); time.Since(began) < stuckAfter; {
		var ok bool
		if err := e.conn.QueryRow(ctx, sql, args...).Scan(&ok); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		if ok {
			return nil
		}
		time.Sleep(look)
	}
	return fmt.Errorf("%s is not true after %v", sql, stuckAfter)
}

// taken returns when a dataflow has taken so many rows.
func (e *engine) taken(ctx context.Context, name string, rows int64) error {
	return e.until(ctx, "SELECT rows_in >= $2 FROM laminar.streams WHERE name = $1", name, rows)
}

// tempEngine opens an engine on a directory that ends with it.
func tempEngine(ctx context.Context, registry connectors.Registry, vars map[string]string, interval time.Duration) (*engine, func() error, error) {
	dir, err := os.MkdirTemp("", "laminardb-bench-")
	if err != nil {
		return nil, nil, err
	}
	e, err := openEngine(ctx, dir, registry, vars, interval)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return e, func() error { return errors.Join(e.close(), os.RemoveAll(dir)) }, nil
}

func fed(f *feed, sinks map[string]connectors.SinkConnector) connectors.Registry {
	return connectors.Registry{Sources: map[string]connectors.SourceConnector{"feed": f}, Sinks: sinks}
}
