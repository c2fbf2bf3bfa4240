package exec

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/connectors"
	"laminardb/exec/hashtable"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// TableSpec describes a table to the engine.
type TableSpec struct {
	ID     uint64
	Name   string
	Schema *batch.Schema
	// Key holds the columns of the primary key, nil for none.
	Key     []int
	OnError OnError
	// Versions makes the versions of the rows known as the source with the id
	// VersionsID, nil for a table without event time.
	Versions *Versions
	// Connector gives the rows; for a table that statements fill it is Log.
	Connector connectors.Source
	Log       *Pushed
}

// Table keeps the current rows of a table. One goroutine reads its connector, or
// the log of what statements changed, and publishes what that changes.
//
// T1: nothing is published before the table is ready, that is, before it has read
// what was there when it began; then all its rows are, with a watermark at the end
// of time, which says that they are complete (a table has no place in event time).
// T2: a statement's change is checked against the rows, made durable and applied
// before the next statement looks at them.
type Table struct {
	spec TableSpec
	env  *Env
	// source polls the connector and counts; it has no passes.
	source *Source
	hub    *Hub
	store  store
	keyed  *keyed // the store of a table with a primary key, else nil
	wg     sync.WaitGroup
	// ready is closed when the table is, ended when nothing more is read.
	ready, ended chan struct{}
	// writing holds one token: its owner changes the table.
	writing chan struct{}
	// from is where a checkpoint left the table, nil for none.
	from    *placement
	barrier barrierRequest

	mu       sync.Mutex
	cancel   context.CancelFunc
	position connectors.Positions
	identity string               // of what is read, once it is open
	targets  connectors.Positions // the table is ready behind these; nil while unknown
	states   []SplitState
	moved    chan struct{} // closed when position moves
}

func newTable(spec TableSpec, env *Env) *Table {
	t := &Table{
		spec: spec, env: env,
		source: newSource(SourceSpec{ID: spec.ID, Name: spec.Name, Schema: spec.Schema, OnError: spec.OnError, Connector: spec.Connector}, env),
		hub:    newHub(spec.Schema, nil, env.Now),
		ready:  make(chan struct{}), ended: make(chan struct{}), moved: make(chan struct{}),
		writing: make(chan struct{}, 1), position: connectors.Positions{},
	}
	if len(spec.Key) > 0 {
		t.keyed = newKeyed(spec.Schema, spec.Key)
		t.store = t.keyed
	} else {
		t.store = newView(spec.Schema)
	}
	return t
}

// start reads until close is called.
func (t *Table) start(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	t.mu.Lock()
	t.cancel = cancel
	t.mu.Unlock()
	t.wg.Go(func() {
		defer t.env.checkpointMoved()
		defer cancel()
		defer close(t.ended)
		if err := t.run(ctx); err != nil && ctx.Err() == nil {
			t.source.problem(err)
			t.hub.fail(err)
		}
	})
}

func (t *Table) run(ctx context.Context) error {
	reader, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err := reader.Close(); err != nil {
			t.env.Logger.Warn("reader could not be closed", slog.String("object", t.spec.Name), slog.Any("error", err))
		}
	}()
	for {
		t.observe(reader.Splits())
		if t.caughtUp() {
			t.publishAll()
		}
		if err := t.sendBarrier(ctx); err != nil {
			return err
		}
		if t.env.halted.Load() {
			if err := sleep(ctx, pollWait/10); err != nil {
				return err
			}
			continue
		}
		t.barrier.commit(reader, t.env.Logger, t.spec.Name)
		c, err := t.source.poll(ctx, reader, &t.barrier)
		if errors.Is(err, io.EOF) {
			t.publishAll()
			return t.hub.publish(ctx, message{kind: messageEnd})
		}
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		if err := t.take(ctx, c); err != nil {
			return err
		}
	}
}

// open opens the connector, trying again while it cannot be reached.
func (t *Table) open(ctx context.Context) (connectors.Reader, error) {
	r, identity, err := t.source.openAgain(ctx, t.from, t.sendBarrier)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.identity = identity
	return r, nil
}

// observe notes where the reader stands, and the first time that the ends of all
// splits are known, how far the table must be read to be ready.
func (t *Table) observe(status []connectors.SplitStatus) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.states = t.states[:0]
	known := len(status) > 0
	for _, s := range status {
		t.states = append(t.states, SplitState{SplitStatus: s, Watermark: NoWatermark})
		known = known && s.High >= 0
	}
	if t.targets == nil && known {
		t.targets = connectors.Positions{}
		for _, s := range status {
			t.targets[s.Split] = s.High
		}
	}
}

func (t *Table) caughtUp() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.targets == nil {
		return false
	}
	for _, s := range t.states {
		// The last records of a split may be invisible (transaction markers): it is
		// read to the end where the reader says so.
		if s.Position < t.targets[s.Split] && s.Position < s.High {
			return false
		}
	}
	return true
}

// isReady reports whether the rows are complete.
func (t *Table) isReady() bool {
	select {
	case <-t.ready:
		return true
	default:
		return false
	}
}

// publishAll gives all rows to those who wait for the table, once.
func (t *Table) publishAll() {
	if t.isReady() {
		return
	}
	t.hub.open(t.store)
	t.env.Report(slog.LevelInfo, EventTableReady, t.spec.Name, strconv.Itoa(t.store.rowCount())+" rows")
	close(t.ready)
}

// open starts a hub that has held everything back: the store's rows are queued,
// and those who attach later get them too.
func (h *Hub) open(s store) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.store, h.watermark = s, endOfTime
	h.atMillis = max(h.atMillis, h.now().UnixMilli())
	rows := s.batches()
	for _, c := range h.consumers {
		for _, b := range rows {
			c.q.put(message{kind: messageBatch, batch: b, atMillis: h.atMillis})
		}
		c.q.put(message{kind: messageWatermark, watermark: endOfTime, atMillis: h.atMillis})
	}
}

// take applies a chunk.
func (t *Table) take(ctx context.Context, c *connectors.Chunk) error {
	st := &t.source.stats
	st.Records.Add(c.Records)
	st.Bytes.Add(c.Bytes)
	st.splits.add(c)
	if err := t.source.reject(c); err != nil {
		return err
	}
	changes, err := t.changes(c)
	if err != nil {
		return err
	}
	if changes != nil && changes.Rows > 0 {
		st.Rows.Add(int64(changes.Rows))
		if !t.isReady() {
			t.store.apply(changes)
		} else if err := t.hub.publish(ctx, message{kind: messageBatch, batch: changes}); err != nil {
			return err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for split, next := range c.Next {
		t.position[split] = next
	}
	close(t.moved)
	t.moved = make(chan struct{})
	return nil
}

// changes turns a chunk into what it changes.
func (t *Table) changes(c *connectors.Chunk) (*batch.Batch, error) {
	if t.keyed == nil {
		return c.Batch, nil
	}
	t.hub.mu.Lock() // a SELECT may read the rows
	defer t.hub.mu.Unlock()
	out, err := t.keyed.changes(upserts{rows: c.Batch, deletes: c.Deletes, deleteAt: c.DeleteAt})
	if out != nil {
		out.ReadAtNanos, out.ProducedAtMillis = c.Batch.ReadAtNanos, c.Batch.ProducedAtMillis
	}
	return out, err
}

// close stops reading and waits for it.
func (t *Table) close() error {
	t.mu.Lock()
	cancel := t.cancel
	t.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	t.wg.Wait()
	t.hub.fail(ErrStopped)
	return t.spec.Connector.Close()
}

// tableCheck is how often a waiting statement looks whether the table has become
// unreachable.
const tableCheck = 200 * time.Millisecond

// await returns when the table is ready. The error is 55000 if it cannot be read
// at the moment.
func (t *Table) await(ctx context.Context) error {
	if t.isReady() {
		return nil
	}
	tick := time.NewTicker(tableCheck)
	defer tick.Stop()
	for {
		if p := t.source.stats.Problem.Load(); p != nil {
			return pgerr.Newf(pgerr.ObjectNotInPrerequisite, "table %q is not ready: %s", t.spec.Name, *p)
		}
		select {
		case <-t.ready:
			return nil
		case <-t.ended:
			return t.stopped()
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// stopped is 55000 with the reason for which nothing is read any more.
func (t *Table) stopped() error {
	reason := ErrStopped.Error()
	if p := t.source.stats.Problem.Load(); p != nil {
		reason = *p
	}
	return pgerr.Newf(pgerr.ObjectNotInPrerequisite, "table %q is not running: %s", t.spec.Name, reason)
}

// TableChange is what a statement changes: rows that go away, then rows that
// appear, in the table's columns; nil for none.
type TableChange struct{ Gone, Come *batch.Batch }

func (c TableChange) rows() int {
	n := 0
	for _, b := range []*batch.Batch{c.Gone, c.Come} {
		if b != nil {
			n += b.Rows
		}
	}
	return n
}

// Change runs one statement's change: decide returns it, from the rows as they
// are, which stay so until Change returns. It is durable and applied when Change
// returns; a duplicate key is 23505. If ctx ends while others hold up a durable
// change, it is not waited for.
func (t *Table) Change(ctx context.Context, decide func(ctx context.Context) (TableChange, error)) error {
	if err := t.await(ctx); err != nil {
		return err
	}
	select {
	case t.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-t.writing }()
	_, end := t.spec.Log.log.Bounds()
	if err := t.awaitApplied(ctx, end); err != nil {
		return err
	}
	c, err := decide(ctx)
	if err != nil || c.rows() == 0 {
		return err
	}
	if err := t.checkKeys(c); err != nil {
		return err
	}
	seq, err := t.spec.Log.change(ctx, c.Gone, c.Come)
	if err != nil {
		return err
	}
	if err := t.awaitApplied(ctx, seq+1); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// awaitApplied returns when the records of the log below end are applied.
func (t *Table) awaitApplied(ctx context.Context, end uint64) error {
	first, _ := t.spec.Log.log.Bounds()
	for {
		t.mu.Lock()
		at, moved := max(uint64(t.position[0]), first), t.moved
		t.mu.Unlock()
		if at >= end {
			return nil
		}
		select {
		case <-moved:
		case <-t.ended:
			return t.stopped()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Current returns, for each row of b, the row of the table with its key: NULLs
// where found is false. decide may call it.
func (t *Table) Current(b *batch.Batch) (cols []arrow.Array, found []bool) {
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	return t.keyed.current(b)
}

// checkKeys refuses rows whose key the table has, or has twice.
func (t *Table) checkKeys(c TableChange) error {
	if t.keyed == nil || c.Come == nil {
		return nil
	}
	keys := hashtable.New(t.keyed.table.Types())
	gone := 0
	if c.Gone != nil {
		keys.Lookup(t.keyed.keyColumns(c.Gone.Cols), c.Gone.Rows, nil, make([]uint32, c.Gone.Rows))
		gone = keys.Len()
	}
	ids := make([]uint32, c.Come.Rows)
	keys.Lookup(t.keyed.keyColumns(c.Come.Cols), c.Come.Rows, nil, ids)
	_, exists := t.Current(c.Come)
	seen := make([]bool, keys.Bound())
	for row, id := range ids {
		if seen[id] || exists[row] && int(id) >= gone {
			return t.duplicate(c.Come, row)
		}
		seen[id] = true
	}
	return nil
}

func (t *Table) duplicate(b *batch.Batch, row int) error {
	names, values := "", ""
	for i, k := range t.spec.Key {
		if i > 0 {
			names, values = names+", ", values+", "
		}
		names += t.spec.Schema.Fields[k].Name
		values += b.Cols[k].ValueStr(row)
	}
	return pgerr.Newf(pgerr.UniqueViolation, "duplicate key value violates unique constraint \"%s_pkey\"", t.spec.Name).
		WithDetail("Key (%s)=(%s) already exists.", names, values)
}

// Schema returns the table's columns.
func (t *Table) Schema() *batch.Schema { return t.spec.Schema }

// Key returns the columns of the primary key, nil for none.
func (t *Table) Key() []int { return t.spec.Key }
