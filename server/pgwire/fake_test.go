package pgwire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgproto3/v2"

	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// fakeSessions makes sessions whose statements are the verbs of fakeSession.run.
type fakeSessions struct {
	mu     sync.Mutex
	opened int
	closed int
	// waiting gets the verb of each statement that waits for its context.
	waiting chan string
	// ended gets the cause of the end of each such statement.
	ended chan error
}

func newFake() *fakeSessions {
	return &fakeSessions{waiting: make(chan string, 16), ended: make(chan error, 16)}
}

func (f *fakeSessions) NewSession(_ context.Context, client *Client) (Session, error) {
	if client.Database == "missing" {
		return nil, pgerr.Newf(pgerr.InvalidCatalogName, "database \"missing\" does not exist")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	return &fakeSession{f: f, client: client, status: Idle}, nil
}

type fakeSession struct {
	f      *fakeSessions
	client *Client
	status TxStatus
	quiet  bool     // for fuzzing: no verb that waits
	log    []string // what the extended protocol did, shown by "log"
}

func (s *fakeSession) Status() TxStatus { return s.status }

func (s *fakeSession) Close() {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	s.f.closed++
}

func (s *fakeSession) Sync(_ context.Context, failed bool) error {
	s.log = append(s.log, fmt.Sprintf("sync(%t)", failed))
	return nil
}

func (s *fakeSession) Simple(ctx context.Context, text string, w *Results) error {
	if strings.TrimSpace(text) == "" {
		return w.Empty()
	}
	for _, part := range strings.Split(text, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		st := &fakeStatement{s: s, words: strings.Fields(part)}
		if columns := st.columns(); columns != nil {
			if err := w.Columns(columns, nil); err != nil {
				return err
			}
		}
		p := &fakePortal{fakeStatement: st}
		if _, err := p.Execute(ctx, w, 0); err != nil {
			return err
		}
	}
	return nil
}

func (s *fakeSession) Prepare(_ context.Context, text string, oids []uint32) (Statement, error) {
	words := strings.Fields(text)
	if len(words) > 0 && words[0] == "syntax" {
		return nil, pgerr.At(3, pgerr.SyntaxError, "syntax error at or near \"%s\"", words[0])
	}
	params := make([]uint32, strings.Count(text, "$"))
	for i := range params {
		params[i] = types.Of(types.Text).OID()
		if i < len(oids) && oids[i] != 0 {
			params[i] = oids[i]
		}
	}
	return &fakeStatement{s: s, words: words, params: params}, nil
}

type fakeStatement struct {
	s      *fakeSession
	words  []string
	params []uint32
}

func (st *fakeStatement) columns() []Column {
	switch st.verb() {
	case "rows", "stream", "share":
		return []Column{{Name: "n", Type: types.Of(types.Int64)}, {Name: "t", Type: types.Of(types.Text)}}
	case "echo", "log":
		return []Column{{Name: "value", Type: types.Of(types.Text)}}
	}
	return nil
}

func (st *fakeStatement) verb() string {
	if len(st.words) == 0 {
		return ""
	}
	return st.words[0]
}

func (st *fakeStatement) Describe() ([]uint32, []Column) { return st.params, st.columns() }
func (st *fakeStatement) Close()                         { st.s.log = append(st.s.log, "drop("+st.verb()+")") }

func (st *fakeStatement) Bind(_ context.Context, b Binding) (Portal, error) {
	return &fakePortal{fakeStatement: st, b: b}, nil
}

type fakePortal struct {
	*fakeStatement
	b    Binding
	sent int
}

func (p *fakePortal) Close() { p.s.log = append(p.s.log, "close("+p.verb()+")") }

func (p *fakePortal) arg() int {
	if len(p.words) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(p.words[1])
	if p.s.quiet {
		return min(n, 10)
	}
	return n
}

func dataRow(values ...string) []byte {
	row := pgproto3.DataRow{}
	for _, v := range values {
		row.Values = append(row.Values, []byte(v))
	}
	b, err := row.Encode(nil)
	if err != nil {
		panic(err)
	}
	return b
}

func (p *fakePortal) Execute(ctx context.Context, w *Results, maxRows int) (bool, error) {
	if v := p.verb(); p.s.quiet && (v == "wait" || v == "flood" || v == "stream") {
		return false, w.Complete("QUIET")
	}
	switch p.verb() {
	case "":
		return false, w.Empty()
	case "rows":
		return p.rows(w, maxRows)
	case "echo":
		for _, v := range p.b.Params {
			if err := w.Rows(dataRow(string(v))); err != nil {
				return false, err
			}
		}
	case "log":
		if err := w.Rows(dataRow(strings.Join(p.s.log, " "))); err != nil {
			return false, err
		}
	case "begin":
		p.s.status = InTransaction
	case "fail":
		if p.s.status == InTransaction {
			p.s.status = Failed
		}
		return false, pgerr.At(2, pgerr.DivisionByZero, "division by zero").WithHint("a hint").WithDetail("a detail")
	case "plain":
		return false, errors.New("a plain error")
	case "commit":
		p.s.status = Idle
	case "notice":
		if err := w.Notice(Notice, pgerr.Newf(pgerr.SuccessfulCompletion, "take note")); err != nil {
			return false, err
		}
	case "set":
		if err := p.s.client.SetParameter(p.words[1], p.words[2]); err != nil {
			return false, err
		}
	case "panic":
		panic("a bug")
	case "wait":
		p.s.f.waiting <- p.verb()
		<-ctx.Done()
		p.s.f.ended <- context.Cause(ctx)
		return false, ctx.Err()
	case "flood":
		return false, p.flood(ctx, w)
	case "stream":
		return false, p.stream(ctx, w)
	case "copyout":
		return false, p.copyOut(w)
	case "copyin":
		return false, p.copyIn(ctx, w)
	default:
		return false, pgerr.At(0, pgerr.SyntaxError, "unknown verb \"%s\"", p.verb())
	}
	return false, w.Complete(strings.ToUpper(p.verb()))
}

func (p *fakePortal) rows(w *Results, maxRows int) (bool, error) {
	for n := 0; p.sent < p.arg(); n++ {
		if maxRows > 0 && n == maxRows {
			return true, nil
		}
		p.sent++
		if err := w.Rows(dataRow(strconv.Itoa(p.sent), "row")); err != nil {
			return false, err
		}
	}
	return false, w.Complete(fmt.Sprintf("SELECT %d", p.sent))
}

// stream sends some rows, flushes, and has nothing more to say.
func (p *fakePortal) stream(ctx context.Context, w *Results) error {
	for i := range p.arg() {
		if err := w.Rows(dataRow(strconv.Itoa(i), "live")); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	p.s.f.waiting <- "stream"
	<-ctx.Done()
	p.s.f.ended <- context.Cause(ctx)
	return ctx.Err()
}

// flood writes until it is stopped, whether or not anybody reads.
func (p *fakePortal) flood(ctx context.Context, w *Results) error {
	block := dataRow(strings.Repeat("x", 100_000))
	p.s.f.waiting <- "flood"
	for {
		err := w.Rows(block)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			p.s.f.ended <- context.Cause(ctx)
			return err
		}
	}
}

func (p *fakePortal) copyOut(w *Results) error {
	if err := w.CopyOut(Text, 2); err != nil {
		return err
	}
	if err := w.CopyData(AppendCopyData(AppendCopyData(nil, []byte("1\ta\n")), []byte("2\tb\n"))); err != nil {
		return err
	}
	if err := w.CopyDone(); err != nil {
		return err
	}
	return w.Complete("COPY 2")
}

func (p *fakePortal) copyIn(ctx context.Context, w *Results) error {
	r, err := w.CopyIn(Text, 2)
	if err != nil {
		return err
	}
	var data []byte
	for {
		piece, err := r.Next(ctx)
		if err == io.EOF {
			return w.Complete(fmt.Sprintf("COPY %q", data))
		}
		if err != nil {
			return err
		}
		if data = append(data, piece...); strings.Contains(string(data), "bad") {
			return pgerr.Newf(pgerr.BadCopyFormat, "bad data")
		}
	}
}
