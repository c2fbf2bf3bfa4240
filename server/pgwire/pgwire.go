// Package pgwire speaks the PostgreSQL wire protocol, version 3, to clients. It
// knows messages, not SQL: what a statement means is its Session's affair.
//
// Nouns: Server (listens, counts and ends connections), Session, Statement and
// Portal (what the consumer implements), Client (a session's way to its client
// outside of a result), Results (where a statement's results are written),
// Authenticator.
//
// Rule: one goroutine a connection runs the session, one reads ahead so that a
// client that goes away cancels what it started. Only this package turns an
// error into bytes. (PostgreSQL manual, part IX, "Frontend/Backend Protocol".)
package pgwire

import (
	"crypto/tls"
	"io"
	"log/slog"
	"time"
)

// Defaults of a Config, for fields left zero.
const (
	// DefaultMaxMessageBytes bounds what one message can make the server
	// allocate; a COPY or an INSERT that needs more is sent in pieces.
	DefaultMaxMessageBytes = 64 << 20
	// DefaultMaxConns is PostgreSQL's order of magnitude: a connection costs two
	// goroutines and its buffers.
	DefaultMaxConns = 500
	// DefaultStartupTimeout is PostgreSQL's authentication_timeout.
	DefaultStartupTimeout = 60 * time.Second
	// DefaultWriteTimeout is how long a client may take no bytes at all while a
	// result waits; then it is taken for dead.
	DefaultWriteTimeout = 5 * time.Minute
)

// Config is what a Server needs. Zero values take the defaults above.
type Config struct {
	// Sessions makes a session for each client. Required.
	Sessions Sessions
	// Auth decides who may connect. Required.
	Auth Authenticator
	// Rand gives the secrets of cancel requests (crypto/rand.Reader). Required.
	Rand io.Reader
	// Log gets a connection's failures; nil discards them.
	Log *slog.Logger
	// TLS answers an SSLRequest; nil refuses it and the client goes on in the
	// clear or not at all, as it chooses.
	TLS *tls.Config
	// Version is what server_version reports. Drivers parse its leading number.
	Version string

	MaxMessageBytes int
	MaxConns        int
	StartupTimeout  time.Duration
	WriteTimeout    time.Duration
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Version == "" {
		c.Version = "15.8"
	}
	if c.MaxMessageBytes == 0 {
		c.MaxMessageBytes = DefaultMaxMessageBytes
	}
	if c.MaxConns == 0 {
		c.MaxConns = DefaultMaxConns
	}
	if c.StartupTimeout == 0 {
		c.StartupTimeout = DefaultStartupTimeout
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = DefaultWriteTimeout
	}
	return c
}
