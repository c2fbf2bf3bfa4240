package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// runScript sends a file of statements. \ir lines are followed, as psql does.
func runScript(ctx context.Context, dsn, path string) error {
	conn, err := connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connecting for %s: %w", path, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return runFile(ctx, conn, path)
}

func runFile(ctx context.Context, conn *pgx.Conn, path string) error {
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
		if err := execute(ctx, conn, path, sql.String()); err != nil {
			return err
		}
		sql.Reset()
		if err := runFile(ctx, conn, siblingPath(path, strings.TrimSpace(included))); err != nil {
			return err
		}
	}
	return execute(ctx, conn, path, sql.String())
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
