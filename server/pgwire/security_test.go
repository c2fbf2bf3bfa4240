package pgwire

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgproto3/v2"
	"github.com/jackc/pgx/v5"

	"laminardb/sql/pgerr"
)

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func TestTLS(t *testing.T) {
	fake := newFake()
	addr, _ := serve(t, fake, func(c *Config) {
		c.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	})
	c, err := pgx.Connect(t.Context(), "postgres://laminar@"+addr+"/laminar?sslmode=require")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := c.PgConn().Conn().(*tls.Conn); !ok {
		t.Errorf("the connection is %T", c.PgConn().Conn())
	}
	if tag, err := c.Exec(t.Context(), "rows 3"); err != nil || tag.String() != "SELECT 3" {
		t.Error(tag, err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), "wait", pgx.QueryExecModeSimpleProtocol)
		done <- err
	}()
	<-fake.waiting
	if err := c.PgConn().CancelRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; state(err) != "57014" {
		t.Error(err)
	}
	_ = c.Close(t.Context())
}

// TestTLSInjection holds that what comes in the clear behind an SSLRequest is not
// taken for encrypted.
func TestTLSInjection(t *testing.T) {
	addr, _ := serve(t, newFake(), func(c *Config) {
		c.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
	})
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	if _, err := nc.Write([]byte{0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f, 'Q'}); err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(nc); err != nil || len(b) == 0 || b[0] != 'E' {
		t.Errorf("%q %v", b, err)
	}
}

// password asks for one word in the clear.
type password string

func (p password) Authenticate(_ context.Context, client *Client, x *Exchange) error {
	answer, err := x.Ask(&pgproto3.AuthenticationCleartextPassword{})
	if err != nil {
		return err
	}
	if m, ok := answer.(*pgproto3.PasswordMessage); !ok || m.Password != string(p) {
		return pgerr.Newf(pgerr.InvalidPassword, "password authentication failed for user \"%s\"", client.User)
	}
	return nil
}

func TestAuthenticator(t *testing.T) {
	addr, _ := serve(t, newFake(), func(c *Config) { c.Auth = password("secret") })
	c, err := pgx.Connect(t.Context(), "postgres://laminar:secret@"+addr+"/laminar?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close(t.Context())
	_, err = pgx.Connect(t.Context(), "postgres://laminar:wrong@"+addr+"/laminar?sslmode=disable")
	if state(err) != "28P01" {
		t.Error(err)
	}
}

func TestTrust(t *testing.T) {
	for ip, want := range map[string]bool{"127.0.0.1": true, "::1": true, "10.0.0.1": false, "2001:db8::1": false} {
		err := Trust{}.Authenticate(t.Context(), &Client{Remote: &net.TCPAddr{IP: net.ParseIP(ip)}}, nil)
		if (err == nil) != want {
			t.Errorf("%s: %v", ip, err)
		}
	}
	some := Trust{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}}
	for ip, want := range map[string]bool{"127.0.0.1": true, "10.200.0.1": true, "11.0.0.1": false, "2001:db8::1": true, "2001:db9::1": false} {
		err := some.Authenticate(t.Context(), &Client{Remote: &net.TCPAddr{IP: net.ParseIP(ip)}}, nil)
		if (err == nil) != want {
			t.Errorf("%s: %v", ip, err)
		}
	}
}

// TestCancelKey holds that a wrong key cancels nothing.
func TestCancelKey(t *testing.T) {
	fake := newFake()
	addr, s := serve(t, fake, nil)
	c := connect(t, addr, "")
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), "wait", pgx.QueryExecModeSimpleProtocol)
		done <- err
	}()
	<-fake.waiting
	s.mu.Lock()
	secret := s.byPID[c.PgConn().PID()].client.secret
	s.mu.Unlock()
	if s.cancel(c.PgConn().PID(), secret+1) || s.cancel(c.PgConn().PID()+1, secret) {
		t.Error("a wrong key was taken")
	}
	if !s.cancel(c.PgConn().PID(), secret) {
		t.Error("the right key was refused")
	}
	if err := <-done; state(err) != "57014" {
		t.Error(err)
	}
}

// TestFrames holds that a length is not believed before its bytes are there.
func TestFrames(t *testing.T) {
	f := newFrames(bytes.NewReader(make([]byte, 100)), 64<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := f.Next(64 << 20); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d bytes were allocated for 100", got)
	}
	f = newFrames(bytes.NewReader(make([]byte, 300_000)), 300_000)
	for _, n := range []int{1, 20_000, 5, 250_000} {
		if b, err := f.Next(n); err != nil || len(b) != n || cap(b) != n {
			t.Error(n, len(b), err)
		}
	}
}
