package pgwire

import (
	"net"
	"slices"
	"sync"

	"github.com/jackc/pgproto3/v2"

	"laminardb/sql/pgerr"
)

// Client is a session's way to its client outside of a statement's results. Its
// methods may be called from any goroutine; those that send block while the
// client does not read.
type Client struct {
	// Remote is the client's address.
	Remote net.Addr
	// User and Database are what the client asked for; Database is the user's
	// name where the client named none.
	User, Database string
	// Startup has every startup parameter, those of the options string
	// (-c name=value) included, under the names that the client used.
	Startup map[string]string
	// Encrypted says that the connection runs over TLS.
	Encrypted bool

	conn   *conn
	pid    uint32
	secret uint32

	mu       sync.Mutex
	reported []parameter // in the order of the first report
	started  bool        // reported was sent; changes are sent at once
}

type parameter struct{ name, value string }

// PID is the process id that the client knows the connection by.
func (c *Client) PID() uint32 { return c.pid }

// Names holds the client's prepared statements, for SQL's PREPARE and DEALLOCATE.
// Only the session's goroutine may use it.
func (c *Client) Names() *Names { return &c.conn.names }

// Cursors holds the columns of the cursors that SQL's DECLARE has opened, by name.
// The session keeps it, and a client may describe them as portals. Only the
// session's goroutine may use it.
func (c *Client) Cursors() map[string][]Column { return c.conn.cursors }

// SetParameter reports a setting's value to the client if it is new: one of
// those that PostgreSQL reports, such as TimeZone or application_name.
func (c *Client) SetParameter(name, value string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.reported, func(p parameter) bool { return p.name == name })
	switch {
	case i < 0:
		c.reported = append(c.reported, parameter{name, value})
	case c.reported[i].value == value:
		return nil
	default:
		c.reported[i].value = value
	}
	if !c.started {
		return nil
	}
	return c.conn.out.send(&pgproto3.ParameterStatus{Name: field(name), Value: field(value)})
}

// Notify sends a notice, at once if now is set, else with what is sent next.
func (c *Client) Notify(severity Severity, notice *pgerr.Error, now bool) error {
	e := errorResponse(string(severity), notice)
	if err := c.conn.out.send((*pgproto3.NoticeResponse)(e)); err != nil || !now {
		return err
	}
	return c.conn.out.flush()
}

// startReporting sends every parameter known so far.
func (c *Client) startReporting() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = true
	for _, p := range c.reported {
		if err := c.conn.out.send(&pgproto3.ParameterStatus{Name: field(p.name), Value: field(p.value)}); err != nil {
			return err
		}
	}
	return nil
}
