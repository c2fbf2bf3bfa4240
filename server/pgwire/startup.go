package pgwire

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgproto3/v2"

	"laminardb/sql/pgerr"
)

// Bounds of what a client that is not yet let in may send: PostgreSQL's
// MAX_STARTUP_PACKET_LENGTH and PG_MAX_AUTH_TOKEN_LENGTH.
const (
	maxStartupBytes = 10_000
	maxAuthBytes    = 65_535
)

// Request codes in the place of a protocol version.
const (
	cancelCode = 80877102
	sslCode    = 80877103
	gssCode    = 80877104
)

// startup brings the connection to its first ReadyForQuery. ready is false if
// there is nothing more to do: a cancel request, or the client left.
func (c *conn) startup(ctx context.Context) (ready bool, err error) {
	if err := c.net.SetReadDeadline(time.Now().Add(c.server.config.StartupTimeout)); err != nil {
		return false, nil
	}
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	code, body, err := c.startupPacket(ctx)
	switch {
	case c.frames.ioErr != nil:
		return false, nil // it went away or took too long: nobody to tell
	case err != nil:
		return false, err
	case code == cancelCode:
		return false, c.serveCancel(body)
	}
	if err := c.parseStartup(code, body); err != nil {
		return false, err
	}
	if err := c.server.admit(c); err != nil {
		return false, err
	}
	c.frames.limit = maxAuthBytes
	x := &Exchange{conn: c, backend: pgproto3.NewBackend(c.frames, io.Discard)}
	if err := c.server.config.Auth.Authenticate(ctx, c.client, x); err != nil {
		return false, err
	}
	if err := c.out.send(&pgproto3.AuthenticationOk{}); err != nil {
		return false, nil
	}
	if err := c.begin(ctx); err != nil {
		return false, err
	}
	c.frames.limit = c.server.config.MaxMessageBytes
	if err := c.net.SetReadDeadline(time.Time{}); err != nil || ctx.Err() != nil {
		c.endSession()
		return false, context.Cause(ctx)
	}
	return true, nil
}

// begin makes the session and says what a client must know of it.
func (c *conn) begin(ctx context.Context) (err error) {
	c.defaultParameters()
	c.session, err = c.server.config.Sessions.NewSession(ctx, c.client)
	if err != nil {
		return err
	}
	err = c.client.startReporting()
	if err == nil {
		err = c.out.send(&pgproto3.BackendKeyData{ProcessID: c.client.pid, SecretKey: c.client.secret})
	}
	if err == nil {
		err = c.ready()
	}
	if err != nil {
		c.endSession()
	}
	return err
}

// startupPacket reads packets until one that is not a request for encryption.
func (c *conn) startupPacket(ctx context.Context) (code uint32, body []byte, err error) {
	for {
		size, err := c.frames.Next(4)
		if err != nil {
			return 0, nil, err
		}
		n := binary.BigEndian.Uint32(size)
		if n < 8 || n > maxStartupBytes {
			return 0, nil, pgerr.Newf(pgerr.ProtocolViolation, "invalid length of startup packet")
		}
		if body, err = c.frames.Next(int(n) - 4); err != nil {
			return 0, nil, err
		}
		switch code = binary.BigEndian.Uint32(body); {
		case code == sslCode && c.server.config.TLS != nil && !c.client.Encrypted:
			if err := c.startTLS(ctx); err != nil {
				return 0, nil, err
			}
		case code == sslCode || code == gssCode:
			if err := c.out.append(func(b []byte) ([]byte, error) { return append(b, 'N'), nil }); err != nil {
				return 0, nil, err
			}
			if err := c.out.flush(); err != nil {
				return 0, nil, err
			}
		default:
			return code, body, nil
		}
	}
}

// startTLS answers an SSLRequest and does the handshake.
func (c *conn) startTLS(ctx context.Context) error {
	// Bytes sent before the handshake could be taken for encrypted ones after it
	// (CVE-2021-23214).
	if len(c.frames.buf) > 0 {
		return pgerr.Newf(pgerr.ProtocolViolation, "received unencrypted data after SSL request")
	}
	if _, err := c.net.Write([]byte{'S'}); err != nil {
		c.frames.ioErr = err
		return err
	}
	t := tls.Server(c.net, c.server.config.TLS)
	if err := t.HandshakeContext(ctx); err != nil {
		c.frames.ioErr = err
		c.server.config.Log.Info("TLS handshake failed", slog.Any("remote", c.client.Remote), slog.Any("error", err))
		return err
	}
	c.frames.r, c.client.Encrypted = t, true
	c.out.mu.Lock()
	c.out.w = t
	c.out.mu.Unlock()
	return nil
}

func (c *conn) serveCancel(body []byte) error {
	var m pgproto3.CancelRequest
	if err := m.Decode(body); err == nil {
		c.server.cancel(m.ProcessID, m.SecretKey)
	}
	return nil // the protocol has no answer
}

// parseStartup reads the parameters of the startup message and negotiates the
// version: any 3.x is served as 3.0.
func (c *conn) parseStartup(code uint32, body []byte) error {
	const major3 = 3
	if code>>16 != major3 {
		return pgerr.Newf(pgerr.FeatureNotSupported,
			"unsupported frontend protocol %d.%d: server supports 3.0 to 3.0", code>>16, code&0xffff)
	}
	plain := binary.BigEndian.AppendUint32(nil, pgproto3.ProtocolVersionNumber)
	var m pgproto3.StartupMessage
	if err := m.Decode(append(plain, body[4:]...)); err != nil {
		return pgerr.Newf(pgerr.ProtocolViolation, "invalid startup packet layout: %w", err)
	}
	var unknown []string
	for name := range m.Parameters {
		if strings.HasPrefix(name, "_pq_.") {
			unknown = append(unknown, name)
			delete(m.Parameters, name)
		}
	}
	if code&0xffff != 0 || len(unknown) > 0 {
		if err := c.negotiate(unknown); err != nil {
			return err
		}
	}
	return c.client.setStartup(m.Parameters)
}

// negotiate sends NegotiateProtocolVersion, which pgproto3 does not have.
func (c *conn) negotiate(unknown []string) error {
	return c.out.append(func(dst []byte) ([]byte, error) {
		// The newest version, major included, as PostgreSQL's own servers send.
		body := binary.BigEndian.AppendUint32(nil, pgproto3.ProtocolVersionNumber)
		body = binary.BigEndian.AppendUint32(body, uint32(len(unknown)))
		for _, name := range unknown {
			body = append(append(body, name...), 0)
		}
		dst = binary.BigEndian.AppendUint32(append(dst, 'v'), uint32(len(body)+4))
		return append(dst, body...), nil
	})
}

// setStartup takes over the startup parameters and refuses what cannot be met.
func (c *Client) setStartup(params map[string]string) error {
	c.Startup = params
	c.User, c.Database = params["user"], params["database"]
	if c.User == "" {
		return pgerr.Newf(pgerr.InvalidAuthorization, "no PostgreSQL user name specified in startup packet")
	}
	if c.Database == "" {
		c.Database = c.User
	}
	if r := strings.ToLower(params["replication"]); r != "" && r != "false" && r != "off" && r != "no" && r != "0" {
		return pgerr.Newf(pgerr.FeatureNotSupported, "replication connections are not supported")
	}
	if err := addOptions(params); err != nil {
		return err
	}
	if e := params["client_encoding"]; e != "" && !isUTF8(e) {
		return pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter \"client_encoding\": \"%s\"", e).
			WithHint("Available values: UTF8.")
	}
	return nil
}

// isUTF8 accepts SQL_ASCII as well: it means that the client converts nothing.
func isUTF8(encoding string) bool {
	switch strings.ToUpper(strings.NewReplacer("-", "", "_", "", "'", "").Replace(encoding)) {
	case "UTF8", "UNICODE", "SQLASCII":
		return true
	}
	return false
}

// addOptions adds the settings of the options parameter, -c name=value or
// --name=value, where a backslash keeps the next character.
func addOptions(params map[string]string) error {
	words := splitOptions(params["options"])
	delete(params, "options")
	for i := 0; i < len(words); i++ {
		setting, ok := strings.CutPrefix(words[i], "--")
		if !ok {
			setting, ok = strings.CutPrefix(words[i], "-c")
			if ok && setting == "" && i+1 < len(words) {
				i++
				setting = words[i]
			}
		}
		name, value, isPair := strings.Cut(setting, "=")
		if !ok || !isPair || name == "" {
			return pgerr.Newf(pgerr.SyntaxError, "invalid command-line argument for server process: %s", words[i])
		}
		params[strings.ReplaceAll(name, "-", "_")] = value
	}
	return nil
}

func splitOptions(s string) (words []string) {
	var word []byte
	in := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			if in {
				words = append(words, string(word))
			}
			word, in = word[:0], false
			continue
		case c == '\\' && i+1 < len(s):
			i++
		}
		word, in = append(word, s[i]), true
	}
	if in {
		words = append(words, string(word))
	}
	return words
}

// defaultParameters is what PostgreSQL reports at startup; the session may
// change any of them before they are sent.
func (c *conn) defaultParameters() {
	p := c.client.Startup
	or := func(name, value string) string {
		if p[name] != "" {
			return p[name]
		}
		return value
	}
	c.client.reported = []parameter{
		{"application_name", p["application_name"]},
		{"client_encoding", "UTF8"},
		{"DateStyle", "ISO, MDY"},
		{"default_transaction_read_only", "off"},
		{"in_hot_standby", "off"},
		{"integer_datetimes", "on"},
		{"IntervalStyle", "postgres"},
		{"is_superuser", "on"},
		{"server_encoding", "UTF8"},
		{"server_version", c.server.config.Version},
		{"session_authorization", c.client.User},
		{"standard_conforming_strings", "on"},
		{"TimeZone", or("TimeZone", "UTC")},
	}
}
