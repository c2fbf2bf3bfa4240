package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/connectors"
	"laminardb/sql/batch"
)

// feedSQL is the source that a feed reads for: a key, a value, and when the row was
// due, in microseconds and in milliseconds of Unix time.
const feedSQL = "CREATE SOURCE f (k BIGINT, v DOUBLE PRECISION, at BIGINT, ms BIGINT, WATERMARK FOR ms AS ms) WITH (connector = 'feed')"

// feedStep is how often a feed looks whether rows are due: much shorter than what is
// measured with it, and long enough for batches not to be tiny.
const feedStep = 2 * time.Millisecond

// feed is a source whose rows come when the benchmark lets them. Row n has the key n
// while there are new keys, and then a random one, the same for every reader.
type feed struct {
	keys int64

	mu sync.Mutex
	// released rows may be read, and from began on so many a second more.
	released int64
	perSec   float64
	began    time.Time
}

// release lets so many rows more be read at once.
func (f *feed) release(rows int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.released += rows
}

// pace lets so many rows more be read each second.
func (f *feed) pace(perSec float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.began, f.perSec = time.Now(), perSec
}

// due returns how many rows may be read by now.
func (f *feed) due() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.perSec == 0 {
		return f.released
	}
	return f.released + int64(f.perSec*time.Since(f.began).Seconds())
}

// dueMicros returns when a row was due, 0 for one that was released.
func (f *feed) dueMicros(row int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if row < f.released {
		return 0
	}
	return f.began.UnixMicro() + int64(float64(row-f.released)/f.perSec*1e6)
}

// NewSource implements connectors.SourceConnector.
func (f *feed) NewSource(_ context.Context, rel connectors.Relation) (connectors.Source, error) {
	rel.Options.String("connector", "")
	return f, nil
}

// Open implements connectors.Source.
func (f *feed) Open(_ context.Context, from connectors.Positions) (connectors.Reader, error) {
	return &feedReader{f: f, at: from[0]}, nil
}

// Bounded implements connectors.Source.
func (f *feed) Bounded() bool { return false }

// Close implements connectors.Source.
func (f *feed) Close() error { return nil }

type feedReader struct {
	f  *feed
	at int64
}

// Poll implements connectors.Reader.
func (r *feedReader) Poll(ctx context.Context, wait time.Duration) (*connectors.Chunk, error) {
	for until := time.Now().Add(wait); ; {
		if n := min(r.f.due()-r.at, batch.MaxRows); n > 0 {
			return r.chunk(int(n)), nil
		}
		if time.Now().After(until) {
			return nil, nil
		}
		select {
		case <-time.After(feedStep):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (r *feedReader) chunk(n int) *connectors.Chunk {
	c := &connectors.Chunk{Splits: make([]int32, n), Offsets: make([]int64, n), Records: int64(n), Bytes: 32 * int64(n)}
	keys, values, at, ms := make([]int64, n), make([]float64, n), make([]int64, n), make([]int64, n)
	for i := range n {
		row := r.at + int64(i)
		random := rand.New(rand.NewPCG(uint64(row), 0)) //nolint:gosec // numbers to measure with
		keys[i], values[i], c.Offsets[i] = row, random.Float64(), row
		if row >= r.f.keys {
			keys[i] = random.Int64N(r.f.keys)
		}
		at[i] = r.f.dueMicros(row)
		ms[i] = at[i] / 1000
	}
	r.at += int64(n)
	c.Next = connectors.Positions{0: r.at}
	c.Batch = batch.New([]arrow.Array{int64s(keys), float64s(values), int64s(at), int64s(ms)}, n)
	c.Batch.ReadAtNanos = time.Now().UnixNano()
	return c
}

func int64s(v []int64) arrow.Array {
	return array.NewInt64Data(array.NewData(arrow.PrimitiveTypes.Int64, len(v),
		[]*memory.Buffer{nil, memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(v))}, nil, 0, 0))
}

func float64s(v []float64) arrow.Array {
	return array.NewFloat64Data(array.NewData(arrow.PrimitiveTypes.Float64, len(v),
		[]*memory.Buffer{nil, memory.NewBufferBytes(arrow.Float64Traits.CastToBytes(v))}, nil, 0, 0))
}

// Splits implements connectors.Reader.
func (r *feedReader) Splits() []connectors.SplitStatus {
	return []connectors.SplitStatus{{Position: r.at, High: r.f.due()}}
}

// Close implements connectors.Reader.
func (r *feedReader) Close() error { return nil }
