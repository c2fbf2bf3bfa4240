package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"laminardb/sql/parser"
	"laminardb/sql/pgerr"
)

// connect opens a client connection that prints the server's notices to nowhere.
func connect(ctx context.Context, dsn string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {}
	return pgx.ConnectConfig(ctx, config)
}

// runScript sends a file of statements, one by one. \ir lines are followed, as
// psql does. What a statement would create and is there already stays as it is,
// so that a server may be started with the same file again.
func runScript(ctx context.Context, dsn, path string, logger *slog.Logger) error {
	conn, err := connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connecting for %s: %w", path, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return runFile(ctx, conn, path, logger)
}

func runFile(ctx context.Context, conn *pgx.Conn, path string, logger *slog.Logger) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var sql strings.Builder
	for line := range strings.Lines(string(data)) {
		included, ok := strings.CutPrefix(strings.TrimSpace(line), `\ir `)
		if !ok {
			sql.WriteString(line)
			continue
		}
		if err := runStatements(ctx, conn, path, sql.String(), logger); err != nil {
			return err
		}
		sql.Reset()
		if err := runFile(ctx, conn, siblingPath(path, strings.TrimSpace(included)), logger); err != nil {
			return err
		}
	}
	return runStatements(ctx, conn, path, sql.String(), logger)
}

// runStatements runs each statement of a text. One that cannot be parsed here may
// have a variable where the server knows better: then the text is sent as a whole.
func runStatements(ctx context.Context, conn *pgx.Conn, path, sql string, logger *slog.Logger) error {
	list, err := parser.Parse(sql)
	if err != nil {
		return execute(ctx, conn, path, sql)
	}
	for _, p := range list {
		err := execute(ctx, conn, path, p.Text)
		var e *pgconn.PgError
		if errors.As(err, &e) && (e.Code == pgerr.DuplicateTable.SQLSTATE() || e.Code == pgerr.DuplicateObject.SQLSTATE()) {
			logger.Info("exists already", "file", path, "detail", e.Message)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func execute(ctx context.Context, conn *pgx.Conn, path, sql string) error {
	if strings.TrimSpace(sql) == "" {
		return nil
	}
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// siblingPath is a path relative to the file that names it.
func siblingPath(file, name string) string { return filepath.Join(filepath.Dir(file), name) }
