package session

import (
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"laminardb/exec"
	"laminardb/server/pgwire"
)

// clients is what is known of those who are connected.
type clients struct {
	mu       sync.Mutex
	sessions int
	last     int64 // the last subscription's number
	tails    map[int64]*openTail
}

// openTail is a subscription of a client.
type openTail struct {
	id     int64
	object string // names, separated by commas
	sql    string
	since  time.Time
	client string
	sub    *exec.Subscription
}

func (c *clients) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions++
}

func (c *clients) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions--
}

// add lists a subscription and numbers it.
func (c *clients) add(t *openTail) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tails == nil {
		c.tails = map[int64]*openTail{}
	}
	c.last++
	t.id = c.last
	c.tails[t.id] = t
}

func (c *clients) remove(t *openTail) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tails, t.id)
}

// count returns how many sessions and subscriptions there are.
func (c *clients) count() (sessions, subscriptions int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sessions, len(c.tails)
}

// open returns the subscriptions, oldest first.
func (c *clients) open() []*openTail {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*openTail, 0, len(c.tails))
	for _, t := range c.tails {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *openTail) int { return int(a.id - b.id) })
	return out
}

// clientName says who a client is: user@address, and its application's name.
func clientName(c *pgwire.Client) string {
	name := c.User
	if c.Remote != nil {
		name += "@" + c.Remote.String()
	}
	if app := c.Startup["application_name"]; app != "" {
		name += " " + app
	}
	return name
}

func (db *Database) subscriptionRows() [][]any {
	var rows [][]any
	for _, t := range db.clients.open() {
		n, queued := t.sub.Progress()
		rows = append(rows, []any{t.id, t.object, t.sql, t.since, n, queued, t.client})
	}
	return rows
}

func (db *Database) serverRows() [][]any {
	sessions, subscriptions := db.clients.count()
	row := []any{
		db.config.Version, db.startedAt, db.config.Now().Sub(db.startedAt).Truncate(time.Millisecond), nil, nil, nil, nil,
		sessions, subscriptions, memoryBytes(),
	}
	if db.recovered.Epoch > 0 {
		row[3], row[4] = int64(db.recovered.Epoch), db.startedAt
	}
	if last := db.checkpoints.last(); last != nil {
		row[5], row[6] = int64(last.Epoch), last.CommittedAt
	}
	return [][]any{row}
}

// memoryBytes is what the Go runtime has from the operating system; librdkafka's
// buffers are not in it.
func memoryBytes() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}
