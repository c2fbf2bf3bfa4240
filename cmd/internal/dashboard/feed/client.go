package feed

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// minInterval is the least time between two batches: ten frames a second are
	// as many as an eye reads.
	minInterval = 100 * time.Millisecond
	// pollStep is how often due queries are looked for.
	pollStep = 250 * time.Millisecond
	// statementLimit is how long a query may take; a server that takes longer
	// counts as gone.
	statementLimit = 15 * time.Second
	// checkpointLimit is how long a statement of the user may take.
	checkpointLimit = 2 * time.Minute
	firstBackOff    = 250 * time.Millisecond
	lastBackOff     = 5 * time.Second
	// maxOutcomes bounds the results of statements that wait for a reader.
	maxOutcomes = 20
)

// Client follows one database. Run makes the connections; the other methods may
// be called from any goroutine.
type Client struct {
	config *pgconn.Config
	now    func() time.Time

	mu       sync.Mutex
	link     Link
	tables   map[string]Table
	tails    map[string]*pending
	outcomes []Outcome
	watch    Watch
	dirty    chan struct{} // holds a token if a batch waits
	rewatch  chan struct{} // holds a token if watch changed
	execute  chan string
	last     time.Time // when the last batch was taken
}

// New returns a client of the database of a connection string, a URL or keywords
// as libpq takes them.
func New(dsn, applicationName string, now func() time.Time) (*Client, error) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = applicationName
	}
	return &Client{
		config: config, now: now, tables: map[string]Table{}, tails: map[string]*pending{},
		dirty: make(chan struct{}, 1), rewatch: make(chan struct{}, 1), execute: make(chan string, 1),
	}, nil
}

// Address is where the client connects to: "host:port/database".
func (c *Client) Address() string {
	return fmt.Sprintf("%s:%d/%s", c.config.Host, c.config.Port, c.config.Database)
}

// Run connects, asks and listens until ctx ends, and connects again whenever the
// connection is lost. It returns when all its goroutines have ended.
func (c *Client) Run(ctx context.Context) {
	wait := firstBackOff
	for ctx.Err() == nil {
		began := c.now()
		err := c.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if c.now().Sub(began) > lastBackOff {
			wait = firstBackOff
		}
		c.mu.Lock()
		c.link = Link{Err: message(err), RetryAt: c.now().Add(wait), Attempts: c.link.Attempts + 1, Connects: c.link.Connects}
		c.mark()
		c.mu.Unlock()
		sleep(ctx, wait)
		wait = min(2*wait, lastBackOff)
	}
}

// sleep waits for a while or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// mark says that a batch waits; c.mu is held.
func (c *Client) mark() {
	select {
	case c.dirty <- struct{}{}:
	default:
	}
}

// Watch replaces what is asked for.
func (c *Client) Watch(w Watch) {
	c.mu.Lock()
	c.watch = w
	c.mu.Unlock()
	select {
	case c.rewatch <- struct{}{}:
	default:
	}
}

// Execute runs a statement on a connection of its own; its outcome comes with a
// batch. While one runs, others are not taken.
func (c *Client) Execute(sql string) {
	select {
	case c.execute <- sql:
	default:
	}
}

// Next waits for something new, at most ten times a second, and returns it. ok
// is false when ctx has ended.
func (c *Client) Next(ctx context.Context) (b Batch, ok bool) {
	c.mu.Lock()
	wait := minInterval - c.now().Sub(c.last)
	c.mu.Unlock()
	sleep(ctx, wait)
	select {
	case <-ctx.Done():
		return Batch{}, false
	case <-c.dirty:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.now()
	b = Batch{At: c.last, Link: c.link, Tables: c.tables, Outcomes: c.outcomes}
	c.tables, c.outcomes = map[string]Table{}, nil
	for name, p := range c.tails {
		if chunk, any := p.take(name); any {
			b.Chunks = append(b.Chunks, chunk)
		}
	}
	return b, true
}

func (c *Client) putTable(name string, t Table) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tables[name] = t
	c.mark()
}

func (c *Client) putOutcome(o Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.outcomes) < maxOutcomes {
		c.outcomes = append(c.outcomes, o)
	}
	c.mark()
}

func (c *Client) currentWatch() Watch {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.watch
}
