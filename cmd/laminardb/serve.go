package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"laminardb/connectors"
	"laminardb/connectors/blackhole"
	"laminardb/connectors/format"
	"laminardb/connectors/format/avro"
	"laminardb/connectors/format/json"
	"laminardb/connectors/generator"
	"laminardb/connectors/kafka"
	laminarhttp "laminardb/server/http"
	"laminardb/server/pgwire"
	"laminardb/server/session"
)

// shutdownGrace is how long running statements may take to end after a signal.
const shutdownGrace = 5 * time.Second

// defaultCheckpointInterval bounds what is read again after a crash, and how long
// an exactly-once sink holds its rows back.
const defaultCheckpointInterval = 30 * time.Second

// serveOptions are the flags of serve.
type serveOptions struct {
	listen, httpListen, dataDir, initSQL string
	logFormat, logLevel                  string
	vars                                 variables
	// trust are the networks whose clients are let in.
	trust networks
	// pprof serves profiles over HTTP.
	pprof              bool
	checkpointInterval time.Duration
	// failpoint is called at named steps, for tests; nil for what the environment says.
	failpoint func(string) error
}

// networks collects --trust.
type networks []netip.Prefix

// String implements flag.Value.
func (n *networks) String() string { return "" }

// Set implements flag.Value.
func (n *networks) Set(s string) error {
	p, err := netip.ParsePrefix(s)
	if err == nil {
		*n = append(*n, p.Masked())
	}
	return err
}

// variables collects --var NAME=value and --var NAME.
type variables map[string]string

// String implements flag.Value.
func (v variables) String() string { return "" }

// Set implements flag.Value.
func (v variables) Set(s string) error {
	name, value, given := strings.Cut(s, "=")
	if name == "" {
		return errors.New("a variable needs a name")
	}
	if !given {
		var ok bool
		if value, ok = os.LookupEnv(name); !ok {
			return fmt.Errorf("%s is not in the environment", name)
		}
	}
	v[name] = value
	return nil
}

// flags returns serve's flags, which set o.
func (o *serveOptions) flags(stderr io.Writer) *flag.FlagSet {
	o.vars = variables{}
	fs := flag.NewFlagSet("laminardb serve", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.listen, "listen", "127.0.0.1:5433", "address for PostgreSQL clients")
	fs.StringVar(&o.httpListen, "http-listen", "127.0.0.1:8090", "address for health checks and metrics, empty for none")
	fs.BoolVar(&o.pprof, "pprof", false, "serve the Go runtime's profiles at /debug/pprof/ of --http-listen")
	fs.StringVar(&o.dataDir, "data-dir", "./data", "directory for the catalog and the pushed rows")
	fs.StringVar(&o.initSQL, "init-sql", "", "file of statements to run at the start; what exists already is left as it is")
	fs.DurationVar(&o.checkpointInterval, "checkpoint-interval", defaultCheckpointInterval, "time between checkpoints, 0 for only those that CHECKPOINT asks for and the one at the end")
	fs.Var(&o.trust, "trust", "network whose clients need no password, such as 10.0.0.0/8; the server's own machine always is (repeatable)")
	fs.StringVar(&o.logFormat, "log-format", "text", "text or json")
	fs.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	fs.Var(o.vars, "var", "NAME=value replaces ${NAME} in statements; NAME alone takes it from the environment (repeatable)")
	return fs
}

func serveCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o serveOptions
	fs := o.flags(stderr)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	logger, err := newLogger(stderr, o.logFormat, o.logLevel)
	if err != nil {
		fmt.Fprintln(stderr, "laminardb:", err)
		return errUsage
	}
	srv, err := startServer(ctx, o, logger)
	if err != nil {
		return err
	}
	if o.initSQL != "" {
		if err := runScript(ctx, srv.dsn(), o.initSQL, logger); err != nil {
			return errors.Join(err, srv.close())
		}
	}
	fmt.Fprintf(stdout, "ready: psql -h %s -p %d -U laminar laminar\n", srv.host(), srv.port())
	<-ctx.Done()
	return srv.close()
}

func newLogger(w io.Writer, logFormat, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("unknown log level %q", level)
	}
	opts := &slog.HandlerOptions{Level: l}
	switch logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, fmt.Errorf("unknown log format %q", logFormat)
}

// server is a running LaminarDB.
type server struct {
	db    *session.Database
	wire  *pgwire.Server
	ln    net.Listener
	http  *http.Server
	hln   net.Listener // of http
	ready atomic.Bool  // db and wire are there
	// metrics are those of /metrics.
	metrics *prometheus.Registry
	done    chan error
	log     *slog.Logger
}

// registry builds the connectors and formats.
func registry(logger *slog.Logger) connectors.Registry {
	formats := format.Registry{"avro": avro.New(time.Now), "json": json.New()}
	return connectors.Registry{
		Sources: map[string]connectors.SourceConnector{
			"kafka":     kafka.New(formats, logger, time.Now),
			"generator": generator.New(time.Now),
		},
		Sinks: map[string]connectors.SinkConnector{
			"kafka":     kafka.NewSinks(formats, logger, time.Now),
			"blackhole": blackhole.New(nil),
		},
	}
}

// startServer listens, restores the catalog and accepts clients.
func startServer(ctx context.Context, o serveOptions, logger *slog.Logger) (*server, error) {
	ln, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, fmt.Errorf("listening for PostgreSQL clients: %w", err)
	}
	s := &server{ln: ln, done: make(chan error, 1), log: logger, metrics: session.NewMetrics()}
	if o.httpListen != "" {
		if err := s.serveHTTP(o); err != nil {
			return nil, errors.Join(err, ln.Close())
		}
	}
	if o.failpoint == nil {
		o.failpoint = failpoint(os.Getenv(failpointVariable), logger)
	}
	s.db, err = session.Open(ctx, session.Config{
		DataDir: o.dataDir, Registry: registry(logger), Vars: o.vars, Version: version, Now: time.Now, Logger: logger,
		Metrics:            s.metrics,
		CheckpointInterval: o.checkpointInterval, Failpoint: o.failpoint,
	})
	if err != nil {
		return nil, errors.Join(err, ln.Close(), s.closeHTTP())
	}
	s.wire, err = pgwire.New(pgwire.Config{Sessions: s.db, Auth: pgwire.Trust{Networks: o.trust}, Rand: rand.Reader, Log: logger})
	if err != nil {
		return nil, errors.Join(err, ln.Close(), s.closeHTTP(), s.db.Close())
	}
	go func() { s.done <- s.wire.Serve(context.WithoutCancel(ctx), ln) }()
	s.ready.Store(true)
	return s, nil
}

// serveHTTP answers from now on; what needs the database says that it is starting.
func (s *server) serveHTTP(o serveOptions) error {
	var err error
	if s.hln, err = net.Listen("tcp", o.httpListen); err != nil {
		return fmt.Errorf("listening for HTTP: %w", err)
	}
	handler := laminarhttp.NewHandler(laminarhttp.Config{Ready: s.isReady, Metrics: s.metrics, Pprof: o.pprof, Logger: s.log})
	s.http = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := s.http.Serve(s.hln); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("HTTP server stopped", slog.Any("error", err))
		}
	}()
	return nil
}

// isReady reports whether statements are taken, and if not, why.
func (s *server) isReady() (ok bool, why string) {
	if !s.ready.Load() {
		return false, "starting or stopping"
	}
	return s.db.Ready()
}

func (s *server) closeHTTP() error {
	if s.http == nil {
		return nil
	}
	return s.http.Close()
}

// close stops taking clients, ends statements, then dataflows.
func (s *server) close() error {
	s.ready.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	err := s.wire.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // the rest was cut off
	}
	if served := <-s.done; !errors.Is(served, pgwire.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, s.db.Close(), s.closeHTTP())
}

func (s *server) host() string { return s.ln.Addr().(*net.TCPAddr).IP.String() }

func (s *server) port() int { return s.ln.Addr().(*net.TCPAddr).Port }

func (s *server) dsn() string {
	return fmt.Sprintf("postgres://laminar@%s/laminar", s.ln.Addr())
}
