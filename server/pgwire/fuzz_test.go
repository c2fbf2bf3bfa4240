package pgwire

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgproto3/v2"
)

// talk gives a server bytes from a client that then goes away, and returns what
// it answered. Anything left running would keep it from returning.
func talk(t *testing.T, sent []byte) []byte {
	s, err := New(Config{
		Sessions: quietSessions{}, Auth: Trust{}, Rand: sevens{}, MaxMessageBytes: maxStartupBytes, StartupTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	client, server := net.Pipe()
	s.start(t.Context(), server)
	answer := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(client)
		answer <- b
	}()
	_, _ = client.Write(sent)
	// The pipe has no half-close. Terminate ends the connection, and enough of
	// them do so behind any message that claims to be longer than it is: what
	// does not read as a Terminate reads as a broken message.
	_, _ = client.Write(bytes.Repeat([]byte{'X', 0, 0, 0, 4}, 2*maxStartupBytes/5))
	got := <-answer
	_ = client.Close()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return got
}

// quietSessions answer statements without waiting for anything.
type quietSessions struct{}

func (quietSessions) NewSession(_ context.Context, client *Client) (Session, error) {
	return &fakeSession{f: &fakeSessions{}, client: client, status: Idle, quiet: true}, nil
}

// FuzzStartup holds that no first bytes break a connection.
func FuzzStartup(f *testing.F) {
	startup, _ := (&pgproto3.StartupMessage{
		ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: map[string]string{"user": "u", "options": "-c a=b"},
	}).Encode(nil)
	f.Add(startup)
	f.Add([]byte{0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f})
	f.Add([]byte{0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 0, 0, 0, 1, 7, 7, 7, 7})
	f.Fuzz(func(t *testing.T, sent []byte) { checkAnswer(t, talk(t, sent), true) })
}

// FuzzMessages holds the same for what comes after the startup.
func FuzzMessages(f *testing.F) {
	startup, _ := (&pgproto3.StartupMessage{
		ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: map[string]string{"user": "u"},
	}).Encode(nil)
	add := func(messages ...pgproto3.FrontendMessage) {
		var b []byte
		for _, m := range messages {
			b, _ = m.Encode(b)
		}
		f.Add(b)
	}
	add(&pgproto3.Query{String: "begin; rows 2; fail"}, &pgproto3.Query{String: "copyin"},
		&pgproto3.CopyData{Data: []byte("x")}, &pgproto3.CopyDone{})
	add(&pgproto3.Parse{Name: "s", Query: "echo $1"}, &pgproto3.Describe{ObjectType: 'S', Name: "s"},
		&pgproto3.Bind{PreparedStatement: "s", Parameters: [][]byte{nil}}, &pgproto3.Execute{MaxRows: 1},
		&pgproto3.Close{ObjectType: 'S'}, &pgproto3.Flush{}, &pgproto3.Sync{})
	add(&pgproto3.FunctionCall{}, &pgproto3.Query{String: "panic"}, &pgproto3.CopyFail{})
	f.Fuzz(func(t *testing.T, sent []byte) {
		checkAnswer(t, talk(t, append(bytes.Clone(startup), sent...)), false)
	})
}

// checkAnswer holds that the answer is made of whole messages.
func checkAnswer(t *testing.T, b []byte, startup bool) {
	for startup && len(b) > 0 && b[0] == 'N' && (len(b) == 1 || b[1] != 0) {
		b = b[1:] // to SSLRequest; a NoticeResponse has a length behind its N
	}
	for len(b) >= 5 {
		size := int(b[1])<<24 | int(b[2])<<16 | int(b[3])<<8 | int(b[4])
		if size < 4 || size+1 > len(b) {
			t.Fatalf("a broken message: %q", b)
		}
		b = b[size+1:]
	}
	if len(b) > 0 {
		t.Fatalf("a broken message: %q", b)
	}
}
