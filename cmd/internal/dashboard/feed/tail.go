package feed

import (
	"context"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// maxPending is how many rows of a tail wait for a reader. A screen shows far
// fewer; a chart begins with as many.
const maxPending = 1000

// pending holds the newest rows of a tail until they are taken. Its rows are
// copied into buffers that are used again, so that a fast tail whose rows give
// way to newer ones allocates nothing.
type pending struct {
	mu      sync.Mutex
	reset   bool
	columns []Column
	ring    [maxPending]rawRow
	first   int // the oldest row in ring
	count   int
	seen    int64
	err     string
	news    bool
}

// rawRow is a row as it came: the values one after the other.
type rawRow struct {
	bytes []byte
	ends  []int32 // where each value ends in bytes; -1 for NULL
}

func (r *rawRow) set(values [][]byte) {
	r.bytes, r.ends = r.bytes[:0], r.ends[:0]
	for _, v := range values {
		r.bytes = append(r.bytes, v...)
		if v == nil {
			r.ends = append(r.ends, -1)
		} else {
			r.ends = append(r.ends, int32(len(r.bytes)))
		}
	}
}

func (r *rawRow) values() []Value {
	out := make([]Value, len(r.ends))
	start := int32(0)
	for i, end := range r.ends {
		if end < 0 {
			out[i].Null = true
			continue
		}
		out[i].Text = string(r.bytes[start:end])
		start = end
	}
	return out
}

// begin starts the tail anew.
func (p *pending) begin(columns []Column) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reset, p.columns, p.count, p.seen, p.err, p.news = true, columns, 0, 0, "", true
}

// put adds a row and reports whether the reader has not been told yet.
func (p *pending) put(values [][]byte) (tell bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen++
	if p.count == maxPending {
		p.first = (p.first + 1) % maxPending
		p.count--
	}
	p.ring[(p.first+p.count)%maxPending].set(values)
	p.count++
	tell = !p.news
	p.news = true
	return tell
}

func (p *pending) fail(err string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err, p.news = err, true
}

// take returns what came since the last time, any false if nothing did.
func (p *pending) take(name string) (c Chunk, any bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.news {
		return Chunk{}, false
	}
	c = Chunk{Tail: name, Reset: p.reset, Seen: p.seen, Err: p.err, Rows: make([][]Value, p.count)}
	if p.reset {
		c.Columns = p.columns
	}
	for i := range c.Rows {
		c.Rows[i] = p.ring[(p.first+i)%maxPending].values()
	}
	p.reset, p.count, p.seen, p.err, p.news = false, 0, 0, "", false
	return c, true
}

// follow runs a tail until ctx ends, again and again if the server ends it.
func (c *Client) follow(ctx context.Context, tail Tail, p *pending) {
	wait := firstBackOff
	for ctx.Err() == nil {
		began := c.now()
		err := c.subscribe(ctx, tail, p)
		if ctx.Err() != nil {
			return
		}
		if c.now().Sub(began) > lastBackOff {
			wait = firstBackOff
		}
		p.fail(message(err))
		c.tell()
		sleep(ctx, wait)
		wait = min(2*wait, lastBackOff)
	}
}

func (c *Client) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mark()
}

// errEnded says that a subscription ended by itself: that of a bounded input.
var errEnded = errors.New("the subscription has ended")

// subscribe sends the statement and puts its rows until it ends.
func (c *Client) subscribe(ctx context.Context, tail Tail, p *pending) error {
	conn, err := pgconn.ConnectConfig(ctx, c.config)
	if err != nil {
		return err
	}
	defer close(conn)
	results := conn.Exec(ctx, tail.SQL)
	for results.NextResult() {
		rows := results.ResultReader()
		p.begin(columnsOf(rows.FieldDescriptions()))
		c.tell()
		for rows.NextRow() {
			if p.put(rows.Values()) {
				c.tell()
			}
		}
		if _, err := rows.Close(); err != nil {
			return errors.Join(err, results.Close())
		}
	}
	if err := results.Close(); err != nil {
		return err
	}
	return errEnded
}
