package generator

import (
	"context"
	"io"
	"math"
	"time"

	"laminardb/connectors"
	"laminardb/sql/batch"
)

// reader walks the splits in turn.
type reader struct {
	src    *source
	opened time.Time
	at     []int64 // by split: the next offset
	base   []int64 // by split: the offset at opened
	turn   int32   // the split that comes next
	rows   rows    // reused
}

// Poll implements connectors.Reader.
func (r *reader) Poll(ctx context.Context, wait time.Duration) (*connectors.Chunk, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		split, n := r.next()
		switch {
		case n > 0:
			c := r.src.fill(&r.rows, split, r.at[split], n)
			r.at[split] += int64(n)
			r.turn = (split + 1) % int32(r.src.splits)
			return c, nil
		case n < 0:
			return nil, io.EOF
		case wait <= 0:
			return nil, nil
		}
		pause := min(wait, r.pause())
		wait -= pause
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// next returns a split with rows that are due and their number: 0 where none are
// due yet, -1 where all splits are at their end.
func (r *reader) next() (split int32, n int) {
	ended := true
	for i := range int32(r.src.splits) {
		split := (r.turn + i) % int32(r.src.splits)
		left := r.src.end(split) - r.at[split]
		if left == 0 {
			continue
		}
		ended = false
		left = min(left, r.due(split)-(r.at[split]-r.base[split]), batch.MaxRows)
		if left > 0 {
			return split, int(left)
		}
	}
	if ended {
		return 0, -1
	}
	return 0, 0
}

// due returns how many rows of the split have come due since the reader was opened.
func (r *reader) due(split int32) int64 {
	if r.src.rate == 0 {
		return math.MaxInt64
	}
	all := float64(r.src.rate) * r.src.now().Sub(r.opened).Seconds()
	return int64((all + float64(r.src.splits-1-int64(split))) / float64(r.src.splits))
}

// pause returns how long to wait for the next row.
func (r *reader) pause() time.Duration {
	return max(tick, time.Duration(float64(time.Second)/float64(r.src.rate)))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Splits implements connectors.Reader. Without an end the high position is what
// was generated, since nothing waits outside.
func (r *reader) Splits() []connectors.SplitStatus {
	out := make([]connectors.SplitStatus, r.src.splits)
	for i := range out {
		high := r.at[i]
		if r.src.Bounded() {
			high = r.src.end(int32(i))
		}
		out[i] = connectors.SplitStatus{Split: int32(i), Position: r.at[i], High: high, Empty: r.src.end(int32(i)) == 0}
	}
	return out
}

// Close implements connectors.Reader.
func (r *reader) Close() error { return nil }
