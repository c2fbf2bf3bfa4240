package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// statementWait bounds one statement of the pusher: a server that was stopped or
// killed does not answer.
const statementWait = 20 * time.Second

// pusher inserts rows into a source without connector and into a table, changes and
// deletes some of the table's, and remembers what the server has acknowledged.
type pusher struct {
	// at returns the address of the server.
	at func() string

	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	next    int64
	pushed  []group           // of the source
	kept    map[int64]outcome // of the table, by id
	wrong   []string          // what did not hold between kills
	refused int               // statements that the server answered with an error
	// tolerant says that errors of the disk are to be expected.
	tolerant bool
}

// group is the rows of one INSERT: all or none of them are there.
type group struct {
	from, to int64 // ids, to exclusive
	acked    bool
}

// outcome is what a row of the table may be: each value that is possible, none for a
// row that is not there.
type outcome struct {
	values []int64
	absent bool // is possible
	unsure bool // a statement was not acknowledged: the row is left alone
}

func newPusher(at func() string) *pusher {
	return &pusher{at: at, next: 1, kept: map[int64]outcome{}}
}

func (p *pusher) start(ctx context.Context) {
	ctx, p.cancel = context.WithCancel(ctx)
	p.done = make(chan struct{})
	go func() {
		defer close(p.done)
		for ctx.Err() == nil {
			p.session(ctx)
			_ = sleep(ctx, 20*time.Millisecond) // the loop looks at ctx
		}
	}()
}

func (p *pusher) stop() {
	if p.cancel != nil {
		p.cancel()
		<-p.done
		p.cancel = nil
	}
}

// session works until the server is gone.
func (p *pusher) session(ctx context.Context) {
	at := p.at()
	if at == "" {
		return
	}
	conn, err := connect(ctx, at)
	if err != nil {
		return
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it may be gone
	if err := p.checkLast(ctx, conn); err != nil {
		return
	}
	for ctx.Err() == nil {
		for _, work := range []func(context.Context, *pgx.Conn) error{p.push, p.insert, p.change} {
			if err := work(ctx, conn); err != nil {
				return
			}
		}
		_ = sleep(ctx, 15*time.Millisecond) // the loop looks at ctx
	}
}

// connect is a connection whose statements are sent as text.
func connect(ctx context.Context, dsn string) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, statementWait)
	defer cancel()
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	return pgx.ConnectConfig(ctx, config)
}

// do runs a statement. sure says that it is known whether it had an effect: the
// server answered. A statement under way is not cut off by the end of ctx.
func (p *pusher) do(ctx context.Context, conn *pgx.Conn, sql string) (sure bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementWait)
	defer cancel()
	_, err = conn.Exec(ctx, sql)
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.refused++
		disk := answer.Code == "53100" || answer.Code == "58030"
		stopping := strings.HasPrefix(answer.Code, "57P")
		if !(p.tolerant && disk) && !stopping {
			p.wrong = append(p.wrong, sql+": "+answer.Error())
		}
		return !stopping, err
	}
	return err == nil, err
}

// push inserts one to three rows into the source.
func (p *pusher) push(ctx context.Context, conn *pgx.Conn) error {
	g := group{from: p.next, to: p.next + 1 + p.next%3}
	p.next = g.to
	var rows []string
	for id := g.from; id < g.to; id++ {
		rows = append(rows, fmt.Sprintf("(%d, %d)", id, 3*id))
	}
	sure, err := p.do(ctx, conn, "INSERT INTO pushed VALUES "+strings.Join(rows, ", "))
	p.mu.Lock()
	defer p.mu.Unlock()
	if g.acked = err == nil; g.acked || !sure {
		p.pushed = append(p.pushed, g)
	}
	return unanswered(sure, err)
}

// unanswered is the error after which a connection is of no more use.
func unanswered(sure bool, err error) error {
	if sure {
		return nil
	}
	return err
}

func (p *pusher) insert(ctx context.Context, conn *pgx.Conn) error {
	id := p.next
	p.next++
	sure, err := p.do(ctx, conn, fmt.Sprintf("INSERT INTO kept VALUES (%d, %d)", id, id))
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.kept[id] = outcome{values: []int64{id}}
	case !sure:
		p.kept[id] = outcome{values: []int64{id}, absent: true, unsure: true}
	}
	return unanswered(sure, err)
}

// change updates or deletes a row that was inserted a while ago.
func (p *pusher) change(ctx context.Context, conn *pgx.Conn) error {
	id := p.next - 100
	p.mu.Lock()
	old, known := p.kept[id]
	p.mu.Unlock()
	if !known || old.unsure {
		return nil
	}
	sql, then := fmt.Sprintf("UPDATE kept SET v = v + 1 WHERE id = %d", id), outcome{values: []int64{id + 1}}
	if id%3 == 0 {
		sql, then = fmt.Sprintf("DELETE FROM kept WHERE id = %d", id), outcome{absent: true}
	}
	sure, err := p.do(ctx, conn, sql)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.kept[id] = then
	case !sure:
		p.kept[id] = outcome{values: append(then.values, old.values...), absent: then.absent || old.absent, unsure: true}
	}
	return unanswered(sure, err)
}

// checkLast finds, after a restart, what was acknowledged last before it.
func (p *pusher) checkLast(ctx context.Context, conn *pgx.Conn) error {
	p.mu.Lock()
	var last int64
	for i := len(p.pushed) - 1; i >= 0; i-- {
		if p.pushed[i].acked {
			last = p.pushed[i].from
			break
		}
	}
	p.mu.Unlock()
	if last == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementWait)
	defer cancel()
	var n int64
	err := conn.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM pushed_counts WHERE id = %d AND n = 1", last)).Scan(&n)
	if err == nil && n != 1 {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wrong = append(p.wrong, fmt.Sprintf("the pushed row %d was acknowledged, and is not there after a restart", last))
	}
	return err
}

// compare says what of the pushed rows and of the table is not as it was acknowledged.
func (p *pusher) compare(counts, table map[int64]int64) tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := tally{name: "pushed rows and table"}
	for _, w := range p.wrong {
		t.note(&t.wrong, w)
	}
	known := map[int64]bool{}
	for _, g := range p.pushed {
		here := int64(0)
		for id := g.from; id < g.to; id++ {
			known[id] = true
			here += min(counts[id], 1)
			if counts[id] > 1 {
				t.note(&t.doubled, fmt.Sprintf("pushed row %d is there %d times", id, counts[id]))
			}
		}
		if g.acked && here < g.to-g.from {
			t.note(&t.lost, fmt.Sprintf("%d of the pushed rows %d to %d are there", here, g.from, g.to-1))
		}
		if !g.acked && here > 0 && here < g.to-g.from {
			t.note(&t.wrong, fmt.Sprintf("%d of the rows %d to %d of one INSERT are there", here, g.from, g.to-1))
		}
		t.rows += here
	}
	for id := range counts {
		if !known[id] {
			t.note(&t.wrong, fmt.Sprintf("there is a pushed row %d", id))
		}
	}
	for id, want := range p.kept {
		v, there := table[id]
		switch {
		case !there && !want.absent:
			t.note(&t.lost, fmt.Sprintf("row %d of the table", id))
		case there && !contains(want.values, v):
			t.note(&t.wrong, fmt.Sprintf("row %d of the table is %d, possible is %v", id, v, want.values))
		}
	}
	for id := range table {
		if _, ok := p.kept[id]; !ok {
			t.note(&t.wrong, fmt.Sprintf("there is a row %d in the table", id))
		}
	}
	t.rows += int64(len(table))
	return t
}

func contains(list []int64, v int64) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// tolerate says that the disk will be full.
func (p *pusher) tolerate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tolerant = true
}

func (p *pusher) refusals() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}
