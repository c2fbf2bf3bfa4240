package pgwire

import (
	"context"
	"net"
	"net/netip"

	"github.com/jackc/pgproto3/v2"

	"laminardb/sql/pgerr"
)

// Authenticator decides whether a client may connect as the user that it names.
type Authenticator interface {
	// Authenticate asks the client what it needs to know. It returns nil to let
	// the client in; AuthenticationOk is then sent for it. It may block on the
	// client, whose connection has a deadline.
	Authenticate(ctx context.Context, client *Client, x *Exchange) error
}

// Exchange is the conversation of an authentication.
type Exchange struct {
	conn    *conn
	backend *pgproto3.Backend
}

// Send sends a message that the client does not answer, such as
// AuthenticationSASLFinal.
func (x *Exchange) Send(m pgproto3.BackendMessage) error { return x.conn.out.send(m) }

// Ask sends a request, one of pgproto3's Authentication messages, and returns
// the answer: a PasswordMessage, SASLInitialResponse or SASLResponse after the
// request's kind.
func (x *Exchange) Ask(request pgproto3.BackendMessage) (pgproto3.FrontendMessage, error) {
	if err := x.conn.out.send(request); err != nil {
		return nil, err
	}
	if err := x.conn.out.flush(); err != nil {
		return nil, err
	}
	if err := x.backend.SetAuthType(authType(request)); err != nil {
		return nil, err
	}
	answer, err := receive(x.backend)
	switch {
	case x.conn.frames.ioErr != nil:
		return nil, x.conn.frames.ioErr
	case err != nil:
		return nil, pgerr.Newf(pgerr.ProtocolViolation, "%w", err)
	}
	switch answer.(type) {
	case *pgproto3.PasswordMessage, *pgproto3.SASLInitialResponse, *pgproto3.SASLResponse, *pgproto3.GSSResponse:
		return answer, nil
	}
	return nil, pgerr.Newf(pgerr.ProtocolViolation, "expected password response, got %s", messageName(answer))
}

func authType(m pgproto3.BackendMessage) uint32 {
	switch m.(type) {
	case *pgproto3.AuthenticationMD5Password:
		return pgproto3.AuthTypeMD5Password
	case *pgproto3.AuthenticationSASL:
		return pgproto3.AuthTypeSASL
	case *pgproto3.AuthenticationSASLContinue:
		return pgproto3.AuthTypeSASLContinue
	}
	return pgproto3.AuthTypeCleartextPassword
}

// Trust lets the clients of these networks in, under any name. The zero value has
// the server's own machine alone.
type Trust struct{ Networks []netip.Prefix }

// Authenticate implements Authenticator.
func (t Trust) Authenticate(_ context.Context, client *Client, _ *Exchange) error {
	tcp, ok := client.Remote.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() {
		return nil // a Unix socket or a pipe is local too
	}
	ip, _ := netip.AddrFromSlice(tcp.IP)
	for _, n := range t.Networks {
		if n.Contains(ip.Unmap()) {
			return nil
		}
	}
	return pgerr.Newf(pgerr.InvalidAuthorization, "no authentication is set up for host \"%s\"", tcp.IP).
		WithHint("Without passwords the server accepts connections from its own machine and the networks of --trust.")
}
