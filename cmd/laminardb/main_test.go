package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// childEnv makes the test binary be laminardb itself, so that a test can kill a
// real process.
const childEnv = "LAMINARDB_TEST_CHILD"

// testDeadline bounds every wait for something that the server does by itself.
const testDeadline = 30 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() { // a child does not outlive the test that holds its stdin
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// testLogger drops what servers log, or shows it with LAMINARDB_TEST_LOG.
func testLogger() *slog.Logger {
	if os.Getenv("LAMINARDB_TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil))
}

// testServer is a server on a data directory that can go and come back, in this
// process or as a child.
type testServer struct {
	dataDir string
	vars    variables
	child   bool
	listen  string // of a child that shall come back where it was; empty for any port
	// failpoint is that of a server that is no child.
	failpoint func(string) error

	inside  *server
	process *exec.Cmd
	stdin   io.Closer
	address string // of the child: its DSN
}

func newTestServer(t *testing.T, child bool, vars variables) *testServer {
	t.Helper()
	s := &testServer{dataDir: t.TempDir(), vars: vars, child: child}
	t.Cleanup(func() { s.stop(t) })
	s.start(t)
	return s
}

func (s *testServer) start(t *testing.T) {
	t.Helper()
	if s.child {
		s.startChild(t)
		return
	}
	var err error
	s.inside, err = startServer(t.Context(), serveOptions{listen: "127.0.0.1:0", dataDir: s.dataDir, vars: s.vars, failpoint: s.failpoint}, testLogger())
	if err != nil {
		t.Fatalf("starting the server: %v", err)
	}
}

// readyLine is what serve prints when it takes connections.
var readyLine = regexp.MustCompile(`^ready: psql -h (\S+) -p (\d+) -U laminar laminar$`)

func (s *testServer) startChild(t *testing.T) {
	t.Helper()
	listen := s.listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	args := []string{"serve", "--listen", listen, "--http-listen", "", "--data-dir", s.dataDir, "--log-level", "error"}
	for name, value := range s.vars {
		args = append(args, "--var", name+"="+value)
	}
	s.process = exec.Command(os.Args[0], args...)
	s.process.Env = append(os.Environ(), childEnv+"=1")
	if os.Getenv("LAMINARDB_TEST_LOG") != "" {
		s.process.Stderr = os.Stderr
	}
	stdin, err := s.process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	s.stdin = stdin
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			s.address = "postgres://laminar@" + m[1] + ":" + m[2] + "/laminar"
			return
		}
	}
	t.Fatalf("the child ended before it was ready: %v", s.process.Wait())
}

func (s *testServer) dsn() string {
	if s.child {
		return s.address
	}
	return s.inside.dsn()
}

// stop ends the server as a signal does; it may be stopped already.
func (s *testServer) stop(t *testing.T) {
	t.Helper()
	if s.inside != nil {
		if err := s.inside.close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
		s.inside = nil
	}
	if s.process != nil {
		_ = s.process.Process.Signal(syscall.SIGTERM) // it may have ended by itself; Wait tells
		if err := s.process.Wait(); err != nil {
			t.Errorf("the child: %v", err)
		}
		_ = s.stdin.Close() // Wait may have closed it
		s.process = nil
	}
}

// kill is kill -9. It needs a child.
func (s *testServer) kill(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.process.Wait() // "signal: killed"
	_ = s.stdin.Close()  // Wait may have closed it
	s.process = nil
}
