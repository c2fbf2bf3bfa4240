package exec

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"laminardb/connectors"
	"laminardb/sql/pgerr"
)

// stored reads a store of two bigint columns, k and v.
func stored(s store) map[int64]int64 {
	out := map[int64]int64{}
	for _, b := range s.batches() {
		for _, row := range int64Rows(b) {
			out[row[0]] = row[1]
		}
	}
	return out
}

func TestKeyedTakesTheLastOfAKey(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		k := newKeyed(int64Schema("k", "v"), []int{0})
		want, seen := map[int64]int64{}, map[int64]int64{}
		for step := range 100 {
			u := randomUpserts(rnd, want)
			changes, err := k.changes(u)
			if err != nil {
				t.Fatal(err)
			}
			if changes != nil {
				k.apply(changes)
				for i, row := range int64Rows(changes) {
					v, has := seen[row[0]]
					if changes.Diff(i) < 0 {
						if !has || v != row[1] {
							t.Fatalf("seed %d step %d: %v went away, but there is %d", seed, step, row, v)
						}
						delete(seen, row[0])
						continue
					}
					if has {
						t.Fatalf("seed %d step %d: %v appeared beside %d", seed, step, row, v)
					}
					seen[row[0]] = row[1]
				}
			}
			if got := stored(k); !maps.Equal(got, want) || !maps.Equal(seen, want) || k.rowCount() != len(want) {
				t.Fatalf("seed %d step %d: got %v (%d rows), changes %v, want %v", seed, step, got, k.rowCount(), seen, want)
			}
		}
		if k.table.Len() != len(want) {
			t.Fatalf("%d keys are kept for %d rows", k.table.Len(), len(want))
		}
	}
}

// randomUpserts makes rows and tombstones in a random order and applies them to
// want.
func randomUpserts(rnd *rand.Rand, want map[int64]int64) upserts {
	var u upserts
	var k, v, gone []int64
	var diffs []int8
	for range rnd.IntN(12) {
		key := rnd.Int64N(6)
		if rnd.IntN(3) == 0 {
			gone, u.deleteAt = append(gone, key), append(u.deleteAt, int32(len(k)))
			delete(want, key)
			continue
		}
		value := rnd.Int64N(3)
		k, v, diffs = append(k, key), append(v, value), append(diffs, 1)
		if rnd.IntN(6) == 0 {
			diffs[len(diffs)-1] = -1
			delete(want, key)
		} else {
			want[key] = value
		}
	}
	u.rows = int64Batch(k, v)
	u.rows.Diffs = diffs
	if gone != nil {
		u.deletes = int64Batch(gone)
	}
	return u
}

func openTable(t *testing.T, dir string, key []int) *Table {
	t.Helper()
	schema := int64Schema("k", "v")
	log, err := OpenPushed(dir, schema, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	e := NewEngine(testEnv())
	tb, err := e.AddTable(t.Context(), TableSpec{ID: 1, Name: "t", Schema: schema, Key: key, Connector: log, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return tb
}

func insert(tb *Table, rows ...int64) error {
	var k, v []int64
	for i := 0; i < len(rows); i += 2 {
		k, v = append(k, rows[i]), append(v, rows[i+1])
	}
	return tb.Change(context.Background(), func(context.Context) (TableChange, error) {
		return TableChange{Come: int64Batch(k, v)}, nil
	})
}

func tableRows(tb *Table) [][]int64 {
	rows, _ := tb.hub.Snapshot()
	var out [][]int64
	for _, b := range rows {
		out = append(out, int64Rows(b)...)
	}
	slices.SortFunc(out, slices.Compare[[]int64])
	return out
}

func TestTableKeepsItsChangesOverARestart(t *testing.T) {
	for _, key := range [][]int{{0}, nil} {
		dir := t.TempDir()
		tb := openTable(t, dir, key)
		if err := insert(tb, 1, 10, 2, 20, 3, 30); err != nil {
			t.Fatal(err)
		}
		err := tb.Change(t.Context(), func(context.Context) (TableChange, error) {
			// Keys change places, which a check row by row would refuse.
			return TableChange{Gone: int64Batch([]int64{1, 2, 3}, []int64{10, 20, 30}), Come: int64Batch([]int64{2, 1}, []int64{10, 21})}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if key != nil {
			for _, rows := range [][]int64{{1, 0}, {5, 1, 5, 2}} {
				if err := insert(tb, rows...); !pgerr.Is(err, pgerr.UniqueViolation) {
					t.Fatalf("inserting %v: %v", rows, err)
				}
			}
		} else if err := insert(tb, 1, 21); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprint(tableRows(tb))
		if err := tb.close(); err != nil {
			t.Fatal(err)
		}
		if err := insert(tb, 9, 9); err == nil {
			t.Fatal("a closed table takes rows")
		}
		again := openTable(t, dir, key)
		if err := again.await(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(tableRows(again)); got != want || want == "[]" {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

func TestTableChangesOneAtATime(t *testing.T) {
	tb := openTable(t, t.TempDir(), []int{0})
	const writers, keys = 8, 20
	inserted := make(chan int, writers)
	for w := range writers {
		go func() {
			n := 0
			for k := range int64(keys) {
				if insert(tb, k, int64(w)) == nil {
					n++
				}
			}
			inserted <- n
		}()
	}
	total := 0
	for range writers {
		total += <-inserted
	}
	if total != keys || len(tableRows(tb)) != keys {
		t.Fatalf("%d inserts of %d keys, %d rows", total, keys, len(tableRows(tb)))
	}
}

// staged is a connector with a table's first chunk, and a second one that comes
// when more is closed.
type staged struct{ more chan struct{} }

func (s staged) Open(context.Context, connectors.Positions) (connectors.Reader, error) {
	return &stagedReader{staged: s}, nil
}
func (staged) Bounded() bool { return false }
func (staged) Close() error  { return nil }

type stagedReader struct {
	staged
	at int64
}

func (r *stagedReader) Poll(ctx context.Context, wait time.Duration) (*connectors.Chunk, error) {
	c := &connectors.Chunk{Batch: int64Batch([]int64{1, 2}, []int64{10, 20}), Records: 2}
	switch r.at {
	case 0:
	case 2:
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-r.more:
		case <-timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		c.Batch, c.Deletes, c.DeleteAt = int64Batch([]int64{1}, []int64{11}), int64Batch([]int64{2}), []int32{1}
	default:
		<-ctx.Done()
		return nil, ctx.Err()
	}
	r.at += 2
	c.Next = connectors.Positions{0: r.at}
	return c, nil
}

func (r *stagedReader) Splits() []connectors.SplitStatus {
	return []connectors.SplitStatus{{Split: 0, Position: r.at, High: 4}}
}
func (*stagedReader) Close() error { return nil }

func TestTableIsSeenWhenItIsComplete(t *testing.T) {
	connector := staged{make(chan struct{})}
	e := NewEngine(testEnv())
	defer e.Close() //nolint:errcheck // nothing to fail
	tb, err := e.AddTable(t.Context(), TableSpec{ID: 1, Name: "t", Schema: int64Schema("k", "v"), Key: []int{0}, Connector: connector})
	if err != nil {
		t.Fatal(err)
	}
	before := &consumer{q: newQueue(queueBytes, make(chan struct{}, 1))}
	tb.hub.attach(before, true)
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*pollWait)
	defer cancel()
	if err := tb.await(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a table that is half read is ready: %v", err)
	}
	for _, m := range before.q.take(nil) {
		if m.kind == messageBatch || m.kind == messageWatermark {
			t.Fatalf("a table that is half read has sent %+v", m)
		}
	}
	close(connector.more)
	ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := tb.await(ctx); err != nil {
		t.Fatal(err)
	}
	after := &consumer{q: newQueue(queueBytes, make(chan struct{}, 1))}
	tb.hub.attach(after, true)
	for _, c := range []*consumer{before, after} {
		var rows [][]int64
		complete := false
		for _, m := range c.q.take(nil) {
			if m.kind == messageBatch {
				rows = append(rows, int64Rows(m.batch)...)
			}
			complete = complete || m.kind == messageWatermark && m.watermark == endOfTime
		}
		if fmt.Sprint(rows) != "[[1 11]]" || !complete {
			t.Fatalf("got %v, complete: %v", rows, complete)
		}
	}
}
