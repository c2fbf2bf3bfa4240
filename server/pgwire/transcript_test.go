package pgwire

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5/pgproto3"
)

// transcript is one client that speaks message by message.
type transcript struct {
	t    *testing.T
	addr string
	net  net.Conn
	fe   *pgproto3.Frontend
}

// sevens makes the cancel keys the same in each run.
type sevens struct{}

func (sevens) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 7
	}
	return len(b), nil
}

// TestTranscripts runs testdata/wire. The commands:
//
//	connect   dials, sends the JSON object as startup parameters, reads to ready
//	dial      dials, sends hex bytes, reads to the end of the connection
//	send      sends messages (a name and a JSON object, or raw and hex), reads until
//	          as many ReadyForQuery came as the messages ask for, or up to the
//	          message named by until=, or to the end of the connection (until=eof)
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/wire", func(t *testing.T, path string) {
		addr, _ := serve(t, newFake(), func(c *Config) { c.MaxMessageBytes, c.Rand = 1000, sevens{} })
		tr := &transcript{t: t, addr: addr}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			tr.t = t
			switch d.Cmd {
			case "connect":
				return tr.connect(d.Input)
			case "dial":
				return tr.raw(d.Input)
			case "send":
				until := "ReadyForQuery"
				if d.HasArg("until") {
					d.ScanArgs(t, "until", &until)
				}
				return tr.send(d.Input, until)
			}
			t.Fatalf("no command %s", d.Cmd)
			return ""
		})
	})
}

func (tr *transcript) dial() {
	var err error
	if tr.net, err = net.Dial("tcp", tr.addr); err != nil {
		tr.t.Fatal(err)
	}
	conn := tr.net
	tr.t.Cleanup(func() { _ = conn.Close() })
	tr.fe = pgproto3.NewFrontend(tr.net, tr.net)
}

func (tr *transcript) connect(params string) string {
	tr.dial()
	m := &pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30}
	if err := json.Unmarshal([]byte(params), &m.Parameters); err != nil {
		tr.t.Fatal(err)
	}
	tr.fe.Send(m)
	return tr.exchange("ReadyForQuery", 1)
}

func (tr *transcript) raw(input string) string {
	tr.dial()
	tr.write(input)
	if err := tr.net.(*net.TCPConn).CloseWrite(); err != nil {
		tr.t.Fatal(err)
	}
	b, err := io.ReadAll(tr.net)
	if err != nil {
		tr.t.Fatal(err)
	}
	return fmt.Sprintf("%q\n", b)
}

func (tr *transcript) write(input string) {
	b, err := hex.DecodeString(strings.Join(strings.Fields(input), ""))
	if err != nil {
		tr.t.Fatal(err)
	}
	if _, err := tr.net.Write(b); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *transcript) send(input, until string) string {
	ready := 0
	for _, line := range strings.Split(input, "\n") {
		name, body, _ := strings.Cut(line, " ")
		if name == "raw" {
			if err := tr.fe.Flush(); err != nil {
				tr.t.Fatal(err)
			}
			tr.write(body)
			if strings.HasPrefix(body, "51") {
				ready++
			}
			continue
		}
		if name == "Query" || name == "Sync" || name == "FunctionCall" {
			ready++
		}
		tr.fe.Send(frontendMessage(tr.t, name, body))
	}
	return tr.exchange(until, max(ready, 1))
}

func frontendMessage(t *testing.T, name, body string) pgproto3.FrontendMessage {
	all := []pgproto3.FrontendMessage{
		&pgproto3.Bind{}, &pgproto3.Close{}, &pgproto3.CopyData{}, &pgproto3.CopyDone{}, &pgproto3.CopyFail{},
		&pgproto3.Describe{}, &pgproto3.Execute{}, &pgproto3.Flush{}, &pgproto3.FunctionCall{}, &pgproto3.Parse{},
		&pgproto3.PasswordMessage{}, &pgproto3.Query{}, &pgproto3.Sync{}, &pgproto3.Terminate{},
	}
	i := slices.IndexFunc(all, func(m pgproto3.FrontendMessage) bool { return fmt.Sprintf("%T", m) == "*pgproto3."+name })
	if i < 0 {
		t.Fatalf("no message %s", name)
	}
	if body != "" {
		if err := json.Unmarshal([]byte(body), all[i]); err != nil {
			t.Fatal(err)
		}
	}
	return all[i]
}

// exchange flushes and prints what comes back, up to the n-th message of the
// name.
func (tr *transcript) exchange(until string, n int) string {
	if err := tr.fe.Flush(); err != nil {
		tr.t.Fatal(err)
	}
	var out strings.Builder
	for n > 0 {
		m, err := tr.fe.Receive()
		if err != nil {
			if until != "eof" || err != io.ErrUnexpectedEOF {
				fmt.Fprintf(&out, "%v\n", err)
			}
			break
		}
		text := show(tr.t, m)
		out.WriteString(text + "\n")
		if strings.HasPrefix(text, until) {
			n--
		}
	}
	return out.String()
}

// show prints the fields of a message that are set.
func show(t *testing.T, m pgproto3.BackendMessage) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3.")
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(b, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "Type")
	for k, v := range fields {
		if v == "" || v == 0.0 || v == nil {
			delete(fields, k)
		}
	}
	if len(fields) == 0 {
		return name
	}
	if b, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	return name + " " + string(b)
}
