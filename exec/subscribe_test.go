package exec

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// subscription is one to a hub of its own.
func subscription(limit int64) (*Subscription, *Hub) {
	h := newHub(int64Schema("v"), nil, time.Now)
	s := &Subscription{hub: h, wake: make(chan struct{}, 1)}
	s.c = &consumer{q: newQueue(limit, s.wake), onFail: s.fail}
	s.c.onLag = func() { s.fail(pgerr.Newf(pgerr.ProgramLimitExceeded, "too slow")) }
	h.attach(s.c, false)
	return s, h
}

// skipIdle returns the next update with rows.
func skipIdle(ctx context.Context, s *Subscription, block bool) (*batch.Batch, error) {
	for {
		u, ok, err := s.Next(ctx, block)
		if err != nil || !ok || u.Batch != nil {
			return u.Batch, err
		}
	}
}

func TestSubscriptionWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		s, h := subscription(1 << 20)
		if b, err := skipIdle(ctx, s, false); b != nil || err != nil {
			t.Errorf("%v, %v before the first row", b, err)
		}
		go func() {
			time.Sleep(time.Minute)
			_ = h.publish(ctx, one(7)) // the context does not end
			_ = h.publish(ctx, message{kind: messageEnd})
		}()
		start := time.Now()
		if b, err := skipIdle(ctx, s, true); err != nil || int64Rows(b)[0][0] != 7 || time.Since(start) != time.Minute {
			t.Errorf("%v, %v after %v", b, err, time.Since(start))
		}
		if _, err := skipIdle(ctx, s, true); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
		s.Close()
	})
}

// A waiting subscriber ends with its context, and with what it reads.
func TestSubscriptionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h := subscription(1 << 20)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := skipIdle(ctx, s, true); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		go func() {
			time.Sleep(time.Second)
			h.fail(ErrStopped)
		}()
		if _, err := skipIdle(context.Background(), s, true); !errors.Is(err, ErrStopped) {
			t.Error(err)
		}
		s.Close()
		if h.consumerCount() != 0 {
			t.Error("a closed subscription is still there")
		}
	})
}

func TestSubscriptionLags(t *testing.T) {
	s, h := subscription(1000)
	for v := range int64(100) {
		if err := h.publish(context.Background(), one(v)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := skipIdle(context.Background(), s, true); !pgerr.Is(err, pgerr.ProgramLimitExceeded) {
		t.Error(err)
	}
	s.Close()
}

// Rows that were pushed are read again in their order after the log is reopened,
// a row of NULLs among them.
func TestPushed(t *testing.T) {
	ctx, dir, schema := context.Background(), t.TempDir(), int64Schema("a", "b")
	read := func(p *Pushed) (rows [][]int64, offsets []int64) {
		r, err := p.Open(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close() //nolint:errcheck // it only reads
		for {
			c, err := r.Poll(ctx, 0)
			if err != nil {
				t.Fatal(err)
			}
			if c == nil {
				return rows, offsets
			}
			rows, offsets = append(rows, int64Rows(c.Batch)...), append(offsets, c.Offsets...)
		}
	}
	for round := range 3 {
		p, err := OpenPushed(dir, schema, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range []*batch.Batch{int64Batch([]int64{1, null}, []int64{int64(round), null}), int64Batch([]int64{2}, []int64{int64(round)})} {
			if err := p.Insert(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
		rows, offsets := read(p)
		if len(rows) != 3*(round+1) {
			t.Fatalf("round %d: %v", round, rows)
		}
		for i, row := range rows {
			want := [][]int64{{1, int64(i / 3)}, {null, null}, {2, int64(i / 3)}}[i%3]
			if row[0] != want[0] || row[1] != want[1] {
				t.Errorf("round %d, row %d: %v, want %v", round, i, row, want)
			}
			if i%3 == 1 && offsets[i] != offsets[i-1] || i%3 == 2 && offsets[i] <= offsets[i-1] {
				t.Errorf("offsets %v", offsets)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
