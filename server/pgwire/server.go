package pgwire

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"laminardb/sql/pgerr"
)

// startupSlack is how many connections beyond MaxConns may be in their startup:
// they must be let in far enough to be told that there are too many, or to hand
// in a cancel request.
const startupSlack = 64

// ErrServerClosed is what Serve returns after Shutdown.
var ErrServerClosed = errors.New("pgwire: server closed")

// clientGone is the cause of a statement's end when its client went away. Each
// use gets an error of its own, since a session may add to what it is given.
func clientGone() error { return pgerr.Newf(pgerr.ConnectionFailure, "connection to client lost") }

// canceled is the cause of a statement's end by a cancel request.
func canceled() error {
	return pgerr.Newf(pgerr.QueryCanceled, "canceling statement due to user request")
}

// shuttingDown is what clients get when the server stops.
func shuttingDown() error {
	return pgerr.Newf(pgerr.AdminShutdown, "terminating connection due to administrator command")
}

// Server accepts connections and runs a session for each.
type Server struct {
	config Config

	mu        sync.Mutex
	conns     map[*conn]struct{}
	byPID     map[uint32]*conn
	admitted  int // connections past their startup
	lastPID   uint32
	listeners map[net.Listener]struct{}

	stopOnce sync.Once
	stop     chan struct{} // closed by Shutdown
	running  sync.WaitGroup
}

// New returns a server that listens nowhere yet.
func New(config Config) (*Server, error) {
	if config.Sessions == nil || config.Auth == nil || config.Rand == nil {
		return nil, errors.New("pgwire: Config needs Sessions, Auth and Rand")
	}
	return &Server{
		config:    config.withDefaults(),
		conns:     make(map[*conn]struct{}),
		byPID:     make(map[uint32]*conn),
		listeners: make(map[net.Listener]struct{}),
		stop:      make(chan struct{}),
	}, nil
}

// Serve accepts connections from ln until Shutdown, which makes it return
// ErrServerClosed, or until ln fails for good. ctx is the parent of every
// connection's context; Serve does not wait for them, Shutdown does.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	if !s.track(ln) {
		_ = ln.Close()
		return ErrServerClosed
	}
	for {
		nc, err := ln.Accept()
		if err == nil {
			s.start(ctx, nc)
			continue
		}
		select {
		case <-s.stop:
			return ErrServerClosed
		default:
		}
		if !outOfDescriptors(err) {
			return fmt.Errorf("accepting a connection: %w", err)
		}
		s.config.Log.Warn("connection could not be accepted", slog.Any("error", err))
		if !sleep(ctx, acceptBackoff) {
			return ctx.Err()
		}
	}
}

// acceptBackoff is the pause when the process has no file descriptor left.
const acceptBackoff = 50 * time.Millisecond

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) track(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping() {
		return false
	}
	s.listeners[ln] = struct{}{}
	return true
}

func (s *Server) stopping() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// start runs a connection on its own goroutine.
func (s *Server) start(ctx context.Context, nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	if s.stopping() || len(s.conns) >= s.config.MaxConns+startupSlack {
		s.mu.Unlock()
		_ = nc.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.running.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.running.Done()
		defer s.forget(c)
		c.run(ctx)
	}()
}

func (s *Server) forget(c *conn) {
	_ = c.net.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if c.admitted {
		s.admitted--
		delete(s.byPID, c.client.pid)
	}
}

// admit counts a connection that is past its startup and gives it its identity
// for cancel requests.
func (s *Server) admit(c *conn) error {
	var secret [4]byte
	if _, err := io.ReadFull(s.config.Rand, secret[:]); err != nil {
		return fmt.Errorf("making a cancel key: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.admitted >= s.config.MaxConns {
		return pgerr.Newf(pgerr.TooManyConnections, "sorry, too many clients already")
	}
	s.admitted++
	c.admitted = true
	for {
		// Process ids are positive 32-bit integers to clients.
		if s.lastPID = (s.lastPID + 1) & 0x7fffffff; s.lastPID != 0 && s.byPID[s.lastPID] == nil {
			break
		}
	}
	c.client.pid, c.client.secret = s.lastPID, binary.BigEndian.Uint32(secret[:])
	s.byPID[s.lastPID] = c
	return nil
}

// cancel serves a cancel request; one with a wrong key is ignored, as it must not
// tell which ids exist. ok is for tests.
func (s *Server) cancel(pid, secret uint32) (ok bool) {
	s.mu.Lock()
	c := s.byPID[pid]
	s.mu.Unlock()
	if c == nil {
		return false
	}
	var want, got [4]byte
	binary.BigEndian.PutUint32(want[:], c.client.secret)
	binary.BigEndian.PutUint32(got[:], secret)
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return false
	}
	c.cancelStatement(canceled())
	return true
}

// Shutdown stops listening, ends idle connections at once and the others when
// their statement is done or ctx ends, whichever is first. It returns when every
// connection has ended, with ctx's error if any had to be cut.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopOnce.Do(func() { close(s.stop) })
	for ln := range s.listeners {
		_ = ln.Close()
		delete(s.listeners, ln)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := range s.conns {
		c.abort()
	}
	s.mu.Unlock()
	<-done
	return ctx.Err()
}
