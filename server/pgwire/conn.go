package pgwire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/jackc/pgproto3/v2"

	"laminardb/sql/pgerr"
)

// lastWords is how long an aborted connection may take to receive why.
const lastWords = time.Second

// conn is one connection: the state of the protocol.
type conn struct {
	server *Server
	net    net.Conn // without TLS
	frames *frames
	out    *output
	inbox  *inbox
	client *Client

	admitted bool // guarded by server.mu
	session  Session
	names    Names
	portals  portals
	cursors  map[string][]Column // see Client.Cursors
	results  Results
	// skipping is true from an error in the extended protocol to its Sync.
	skipping bool

	mu sync.Mutex
	// statement ends the running statement's context, nil when none runs.
	statement context.CancelCauseFunc
	// everything ends the connection's context, nil before there is one.
	everything context.CancelCauseFunc
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{
		server: s,
		net:    nc,
		frames: newFrames(nc, maxStartupBytes),
		out:    &output{raw: nc, w: nc, timeout: s.config.WriteTimeout},
		inbox:  newInbox(),

		cursors: map[string][]Column{},
	}
	c.out.lost = func() { c.abortWith(clientGone()) }
	c.results.conn = c
	c.client = &Client{conn: c, Remote: nc.RemoteAddr()}
	return c
}

// run serves the connection to its end.
func (c *conn) run(parent context.Context) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	c.mu.Lock()
	c.everything = cancel
	c.mu.Unlock()
	ready, err := c.guardStartup(ctx)
	if err != nil {
		c.fatal(err)
	}
	if !ready || err != nil {
		return
	}
	defer c.endSession()
	var reading sync.WaitGroup
	reading.Add(1)
	go func() {
		defer reading.Done()
		c.read(ctx)
	}()
	err = c.loop(ctx)
	if err != nil && !pgerr.Is(err, pgerr.ConnectionFailure) {
		c.fatal(err)
	}
	cancel(clientGone())
	_ = c.net.Close()
	reading.Wait()
}

// guardStartup turns a panic while starting into an error.
func (c *conn) guardStartup(ctx context.Context) (ready bool, err error) {
	err = c.guard(func() error {
		ready, err = c.startup(ctx)
		return err
	})
	return ready, err
}

// read takes messages off the connection until it fails or ends, and cancels
// what runs when it does.
func (c *conn) read(ctx context.Context) {
	backend := pgproto3.NewBackend(c.frames, io.Discard)
	for {
		c.frames.taken = 0
		m, err := receive(backend)
		bad := message{body: m, bytes: c.frames.taken}
		switch {
		case c.frames.ioErr != nil:
			c.readFailed(c.frames.ioErr)
			return
		case err != nil && m == nil:
			c.inbox.close(pgerr.Newf(pgerr.ProtocolViolation, "%w", err))
			return
		case err != nil:
			bad.malformed = pgerr.Newf(pgerr.ProtocolViolation, "invalid message format")
		}
		if !c.inbox.put(ctx, bad) {
			return
		}
	}
}

func (c *conn) readFailed(err error) {
	if errors.Is(err, errMessageTooLong) {
		c.inbox.close(pgerr.Newf(pgerr.ProtocolViolation, "%w", err))
		return
	}
	c.inbox.close(clientGone())
	c.abortWith(clientGone())
}

// receive reads a message and copies what pgproto3 would reuse. A panic in a
// decoder, which bad bytes can cause, is an error in the message. m is nil if
// the frame itself was bad.
func receive(b *pgproto3.Backend) (m pgproto3.FrontendMessage, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = &pgproto3.FunctionCall{}, fmt.Errorf("decoding a message: %v", r)
		}
	}()
	m, err = b.Receive()
	return own(m), err
}

// own copies a message out of the Backend that will reuse it. The slices in it
// are the frame's, which nobody writes again.
func own(m pgproto3.FrontendMessage) pgproto3.FrontendMessage {
	switch m := m.(type) {
	case *pgproto3.Bind:
		return keep(m)
	case *pgproto3.Close:
		return keep(m)
	case *pgproto3.CopyData:
		return keep(m)
	case *pgproto3.CopyFail:
		return keep(m)
	case *pgproto3.Describe:
		return keep(m)
	case *pgproto3.Execute:
		return keep(m)
	case *pgproto3.Parse:
		return keep(m)
	case *pgproto3.Query:
		return keep(m)
	}
	return m // has no fields, or is refused without a look at them
}

func keep[M any](m *M) *M {
	c := *m
	return &c
}

// loop handles messages until the client leaves or an error ends the connection.
func (c *conn) loop(ctx context.Context) error {
	for {
		m, ok, err := c.inbox.get(ctx, c.server.stop)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		case !ok:
			return shuttingDown()
		}
		if _, ok := m.body.(*pgproto3.Terminate); ok {
			return nil
		}
		if err := c.handle(ctx, m); err != nil {
			return err
		}
	}
}

// handle serves one message. Its error ends the connection.
func (c *conn) handle(ctx context.Context, m message) error {
	switch body := m.body.(type) {
	case *pgproto3.Query:
		return c.query(ctx, body, m.malformed)
	case *pgproto3.Parse, *pgproto3.Bind, *pgproto3.Describe, *pgproto3.Execute, *pgproto3.Close:
		if c.skipping {
			return nil
		}
		if m.malformed != nil {
			return c.failExtended(ctx, m.malformed)
		}
		err := c.statementScope(ctx, func(ctx context.Context) error { return c.extended(ctx, body) })
		if err != nil {
			return c.failExtended(ctx, err)
		}
		return nil
	case *pgproto3.Sync:
		return c.sync(ctx)
	case *pgproto3.Flush:
		return c.out.flush()
	case *pgproto3.FunctionCall:
		if c.skipping {
			return nil
		}
		if err := c.fail(ctx, pgerr.Newf(pgerr.FeatureNotSupported, "function call messages are not supported")); err != nil {
			return err
		}
		return c.ready()
	case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
		return nil // what is left of a COPY that failed
	}
	return pgerr.Newf(pgerr.ProtocolViolation, "unexpected message %s", messageName(m.body))
}

// ready ends a cycle: the client may send its next command.
func (c *conn) ready() error {
	status := Idle
	if err := c.guard(func() error { status = c.session.Status(); return nil }); err != nil {
		return err
	}
	if status == Idle {
		c.portals.closeAll(c)
	}
	if err := c.out.send(&pgproto3.ReadyForQuery{TxStatus: byte(status)}); err != nil {
		return clientGone()
	}
	if err := c.out.flush(); err != nil {
		return clientGone()
	}
	return nil
}

// statementScope runs f in a context that a cancel request ends.
func (c *conn) statementScope(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	c.mu.Lock()
	c.statement = cancel
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.statement = nil
		c.mu.Unlock()
		cancel(nil)
	}()
	err := c.guard(func() error { return f(ctx) })
	if cause := context.Cause(ctx); err != nil && cause != nil && isContextError(err) {
		return cause
	}
	return err
}

func isContextError(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (c *conn) cancelStatement(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.statement != nil {
		c.statement(cause)
	}
}

func (c *conn) abortWith(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.everything != nil {
		c.everything(cause)
	}
}

// abort ends the connection at shutdown: its statement is cancelled, and a write
// that waits for the client is given a moment.
func (c *conn) abort() {
	c.abortWith(shuttingDown())
	_ = c.net.SetReadDeadline(time.Now())
	c.out.hurry(lastWords)
}

// guard calls into the session; a panic there becomes an error.
func (c *conn) guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			c.server.config.Log.Error("panic while serving a client",
				"remote", c.client.Remote, "panic", r, "stack", string(debug.Stack()))
			err = pgerr.Newf(pgerr.Internal, "internal error: %v", r)
		}
	}()
	return f()
}

// endSession closes what the client left open.
func (c *conn) endSession() {
	c.portals.closeAll(c)
	c.names.closeAll(c)
	_ = c.guard(func() error { c.session.Close(); return nil })
}
