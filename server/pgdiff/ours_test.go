package pgdiff

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"laminardb/server/pgwire"
	"laminardb/server/session"
)

// openOurs starts a LaminarDB of its own and connects to it without a network.
func openOurs(t *testing.T) *pgx.Conn {
	log := slog.New(slog.DiscardHandler)
	db, err := session.Open(t.Context(), session.Config{DataDir: t.TempDir(), Now: time.Now, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	server, err := pgwire.New(pgwire.Config{Sessions: db, Auth: pgwire.Trust{}, Rand: zeros{}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	pipe := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- server.Serve(context.Background(), pipe) }()
	conn, err := pgx.ConnectConfig(t.Context(), clientConfig(t, pipe))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closing := errors.Join(conn.Close(context.Background()), server.Shutdown(context.Background()), db.Close())
		if err := <-done; closing != nil || !errors.Is(err, pgwire.ErrServerClosed) {
			t.Errorf("closing: %v, serving: %v", closing, err)
		}
	})
	return conn
}

func clientConfig(t *testing.T, pipe *pipeListener) *pgx.ConnConfig {
	config, err := pgx.ParseConfig("host=laminar user=laminar sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"laminar"}, nil }
	config.DialFunc = func(context.Context, string, string) (net.Conn, error) { return pipe.dial() }
	return config
}

// pipeListener accepts connections from the same process.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) dial() (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Accept implements net.Listener.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

// Addr implements net.Listener.
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// zeros are cancel keys that nobody uses.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
