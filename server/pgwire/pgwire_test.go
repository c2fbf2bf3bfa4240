package pgwire

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"laminardb/sql/pgerr"
)

// serve runs a server over the fake until the test ends.
func serve(t testing.TB, fake *fakeSessions, change func(*Config)) (addr string, s *Server) {
	t.Helper()
	config := Config{Sessions: fake, Auth: Trust{}, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&config)
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, ln) }()
	t.Cleanup(func() {
		ended, end := context.WithCancel(ctx)
		end()
		_ = s.Shutdown(ended)
		cancel()
		if err := <-done; !errors.Is(err, ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
		fake.mu.Lock()
		defer fake.mu.Unlock()
		if fake.opened != fake.closed {
			t.Errorf("%d sessions opened, %d closed", fake.opened, fake.closed)
		}
	})
	return ln.Addr().String(), s
}

func connect(t testing.TB, addr, more string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), "postgres://laminar@"+addr+"/laminar?sslmode=disable"+more)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// state is the SQLSTATE of a client's error.
func state(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestPgx(t *testing.T) {
	addr, _ := serve(t, newFake(), nil)
	for _, mode := range []string{"simple_protocol", "exec", "cache_statement", "describe_exec", "cache_describe"} {
		c := connect(t, addr, "&default_query_exec_mode="+mode)
		rows, err := c.Query(t.Context(), "rows 3")
		if err != nil {
			t.Fatal(mode, err)
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[string])
		_ = got
		if err == nil || !strings.Contains(err.Error(), "number of field descriptions") {
			t.Errorf("%s: two columns into one: %v", mode, err)
		}
		if _, err := c.Exec(t.Context(), "fail"); state(err) != "22012" {
			t.Errorf("%s: %v", mode, err)
		}
		if tag, err := c.Exec(t.Context(), "begin"); err != nil || tag.String() != "BEGIN" {
			t.Errorf("%s: %v %v", mode, tag, err)
		}
		if _, err := c.Exec(t.Context(), "fail"); state(err) != "22012" || c.PgConn().TxStatus() != 'E' {
			t.Errorf("%s: %v %c", mode, err, c.PgConn().TxStatus())
		}
	}
}

func TestPgxBatch(t *testing.T) {
	addr, _ := serve(t, newFake(), nil)
	c := connect(t, addr, "")
	var b pgx.Batch
	for range 5000 {
		b.Queue("echo $1", "hello")
	}
	r := c.SendBatch(t.Context(), &b)
	for range 5000 {
		var s string
		if err := r.QueryRow().Scan(&s); err != nil || s != "hello" {
			t.Fatal(s, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPanic(t *testing.T) {
	var log bytes.Buffer
	addr, s := serve(t, newFake(), func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	c := connect(t, addr, "")
	if _, err := c.Exec(t.Context(), "panic"); state(err) != "XX000" {
		t.Error(err)
	}
	if _, err := c.Exec(t.Context(), "commit"); err != nil {
		t.Error("after a panic:", err)
	}
	_ = c.Close(t.Context())
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "a bug") {
		t.Errorf("log: %s", log.String())
	}
}

func TestCancel(t *testing.T) {
	fake := newFake()
	addr, _ := serve(t, fake, nil)
	c := connect(t, addr, "")
	for _, statement := range []string{"wait", "stream 2"} {
		done := make(chan error, 1)
		go func() {
			_, err := c.Exec(context.Background(), statement, pgx.QueryExecModeSimpleProtocol)
			done <- err
		}()
		<-fake.waiting
		if err := c.PgConn().CancelRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; state(err) != "57014" {
			t.Errorf("%s: %v", statement, err)
		}
		if cause := <-fake.ended; !pgerr.Is(cause, pgerr.QueryCanceled) {
			t.Errorf("%s: cause %v", statement, cause)
		}
	}
	if _, err := c.Exec(t.Context(), "commit"); err != nil {
		t.Error("after a cancel:", err)
	}
}

func TestDisconnect(t *testing.T) {
	fake := newFake()
	addr, _ := serve(t, fake, nil)
	for _, statement := range []string{"wait", "stream 2", "flood"} {
		c := connect(t, addr, "")
		c.PgConn().Frontend().Send(&pgproto3.Query{String: statement})
		if err := c.PgConn().Frontend().Flush(); err != nil {
			t.Fatal(err)
		}
		<-fake.waiting
		_ = c.PgConn().Conn().Close()
		if cause := <-fake.ended; !pgerr.Is(cause, pgerr.ConnectionFailure) {
			t.Errorf("%s: cause %v", statement, cause)
		}
	}
}

// TestWriteTimeout holds that a client that takes nothing does not keep its
// statement running.
func TestWriteTimeout(t *testing.T) {
	fake := newFake()
	addr, _ := serve(t, fake, func(c *Config) { c.WriteTimeout = 20 * time.Millisecond })
	c := connect(t, addr, "")
	c.PgConn().Frontend().Send(&pgproto3.Query{String: "flood"})
	if err := c.PgConn().Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	if cause := <-fake.ended; !pgerr.Is(cause, pgerr.ConnectionFailure) {
		t.Errorf("cause %v", cause)
	}
	_ = c.PgConn().Conn().Close()
}

// TestShutdownBlockedWrite holds that shutdown ends a statement whose client does
// not read.
func TestShutdownBlockedWrite(t *testing.T) {
	fake := newFake()
	addr, s := serve(t, fake, nil)
	c := connect(t, addr, "")
	c.PgConn().Frontend().Send(&pgproto3.Query{String: "flood"})
	if err := c.PgConn().Frontend().Flush(); err != nil {
		t.Fatal(err)
	}
	<-fake.waiting
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if cause := <-fake.ended; !pgerr.Is(cause, pgerr.AdminShutdown) {
		t.Errorf("cause %v", cause)
	}
	_ = c.PgConn().Conn().Close()
}

func TestTooManyConnections(t *testing.T) {
	addr, _ := serve(t, newFake(), func(c *Config) { c.MaxConns = 2 })
	connect(t, addr, "")
	c := connect(t, addr, "")
	_, err := pgx.Connect(t.Context(), "postgres://laminar@"+addr+"/laminar?sslmode=disable")
	if state(err) != "53300" {
		t.Error(err)
	}
	_ = c.Close(t.Context())
	// The place is free when the server has seen the connection end.
	for {
		c, err := pgx.Connect(t.Context(), "postgres://laminar@"+addr+"/laminar?sslmode=disable")
		if err == nil {
			_ = c.Close(t.Context())
			break
		}
		if state(err) != "53300" {
			t.Fatal(err)
		}
	}
}

func TestShutdown(t *testing.T) {
	fake := newFake()
	addr, s := serve(t, fake, nil)
	idle, busy := connect(t, addr, ""), connect(t, addr, "")
	done := make(chan error, 1)
	go func() {
		_, err := busy.Exec(context.Background(), "wait", pgx.QueryExecModeSimpleProtocol)
		done <- err
	}()
	<-fake.waiting
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(ctx) }()
	if _, err := idle.PgConn().ReceiveMessage(t.Context()); state(err) != "57P01" {
		t.Errorf("idle: %v", err)
	}
	select {
	case err := <-done:
		t.Errorf("the running statement was not waited for: %v", err)
	default:
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-done; state(err) != "57P01" {
		t.Errorf("busy: %v", err)
	}
	if _, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
		t.Error("still listening")
	}
}

func TestPsql(t *testing.T) {
	psql, err := exec.LookPath("psql")
	if err != nil {
		t.Skip("psql is not installed")
	}
	addr, _ := serve(t, newFake(), nil)
	host, port, _ := net.SplitHostPort(addr)
	out, err := exec.Command(psql, "-X", "-h", host, "-p", port, "-U", "laminar", "laminar",
		"-c", "rows 2", "-c", "notice; rows 1", "-c", "fail", "-c", "copyout").CombinedOutput()
	if err != nil {
		t.Log(err)
	}
	const want = ` n |  t  
---+-----
 1 | row
 2 | row
(2 rows)

NOTICE:  take note
NOTICE
 n |  t  
---+-----
 1 | row
(1 row)

ERROR:  division by zero
LINE 1: fail
          ^
DETAIL:  a detail
HINT:  a hint
1	a
2	b
`
	if string(out) != want {
		t.Errorf("psql printed\n%s", out)
	}
}
