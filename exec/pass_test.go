package exec

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"laminardb/connectors"
)

func tapeSource(t *tape, policy OnError) *Source {
	spec := SourceSpec{
		ID: 1, Name: "tape", Schema: int64Schema("split", "value"), EventTime: EventTime{Column: -1},
		OnError: policy, HistoryRows: 1 << 20, Connector: t,
	}
	return newSource(spec, testEnv())
}

// P1, P2: whenever a consumer comes, it sees every row of every split once and in
// order, while records are written and other consumers come and go.
func TestPassesMerge(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { passesMerge(t, seed) })
	}
}

func passesMerge(t *testing.T, seed uint64) {
	const splits, steps = 3, 120
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(seed, 1))
	tp := newTape(splits, seed)
	s := tapeSource(tp, OnErrorDeadLetter)
	results := map[*taker][][]int64{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var present []*taker
	add := func() {
		c := newTaker()
		if err := s.attach(ctx, c.consumer); err != nil {
			t.Fatal(err)
		}
		present = append(present, c)
		wg.Go(func() {
			got := bySplit(c.take(t, nil), splits)
			mu.Lock()
			defer mu.Unlock()
			results[c] = got
		})
	}
	add()
	if seed%4 == 0 {
		add()
	}
	if err := s.start(ctx); err != nil {
		t.Fatal(err)
	}
	next := int64(0)
	var gone []*taker
	for range steps {
		var list []record
		for range rng.IntN(20) {
			list = append(list, record{value: next, reject: rng.IntN(10) == 0})
			next++
		}
		tp.append(rng.IntN(splits), list...)
		switch rng.IntN(12) {
		case 0, 1:
			add()
		case 2:
			if seed%2 == 1 && len(present) > 1 { // often the one with the main pass
				c := present[0]
				present = present[1:]
				s.detach(c.consumer)
				c.onFail(ErrStopped)
				gone = append(gone, c)
			}
		}
	}
	tp.finish()
	wg.Wait()
	want := tp.good()
	for i, c := range present {
		checkWhole(t, i, results[c], want)
	}
	for _, c := range gone {
		checkPrefix(t, results[c], want)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if len(gone) > 0 {
		return
	}
	checkCounted(t, s, next)
}

// checkWhole: a consumer that stayed saw every split.
func checkWhole(t *testing.T, consumer int, got, want [][]int64) {
	t.Helper()
	for split, values := range got {
		if !slices.Equal(values, want[split]) {
			t.Errorf("consumer %d, split %d: %s", consumer, split, firstDifference(values, want[split]))
		}
	}
}

// checkPrefix: a consumer that left saw the beginning of every split.
func checkPrefix(t *testing.T, got, want [][]int64) {
	t.Helper()
	for split, values := range got {
		if len(values) > len(want[split]) || !slices.Equal(values, want[split][:len(values)]) {
			t.Errorf("a consumer that left, split %d: %s", split, firstDifference(values, want[split]))
		}
	}
}

// checkCounted: every record was counted once.
func checkCounted(t *testing.T, s *Source, records int64) {
	t.Helper()
	if got := s.stats.Rows.Load() + s.stats.Rejected.Load(); got != records {
		t.Errorf("%d records counted, want %d", got, records)
	}
	if _, total := s.env.DeadLetters.Recent(); total != s.stats.Rejected.Load() {
		t.Errorf("%d dead letters of %d rejected records", total, s.stats.Rejected.Load())
	}
}

func firstDifference(got, want []int64) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	return fmt.Sprintf("%d rows, want %d; they differ from row %d on: %v, want %v", len(got), len(want), i,
		got[i:min(len(got), i+3)], want[i:min(len(want), i+3)])
}

// A chunk is cut where the main pass stands: nothing is lost, and no position goes
// back.
func TestSplitChunk(t *testing.T) {
	chunk := func() *connectors.Chunk {
		return &connectors.Chunk{
			Batch:  int64Batch([]int64{0, 1, 0, 1, 0}, []int64{10, 20, 11, 21, 12}),
			Splits: []int32{0, 1, 0, 1, 0}, Offsets: []int64{5, 8, 6, 9, 7},
			Next: connectors.Positions{0: 8, 1: 10}, Records: 5,
		}
	}
	c := chunk()
	if before, after := splitChunk(c, connectors.Positions{0: 8, 1: 10}); before != c || after != nil {
		t.Error("a chunk below the limit is not passed whole")
	}
	before, after := splitChunk(chunk(), connectors.Positions{0: 7, 1: 9})
	if got := fmt.Sprint(int64Rows(before.Batch), before.Next); got != "[[0 10] [1 20] [0 11]] map[0:7 1:9]" {
		t.Errorf("before: %s", got)
	}
	if got := fmt.Sprint(int64Rows(after.Batch), after.Next, after.Offsets, after.Splits); got != "[[1 21] [0 12]] map[0:8 1:10] [9 7] [1 0]" {
		t.Errorf("after: %s", got)
	}
}

// A pass that reaches the main one stands where that does, whatever its reader has
// read beyond: the place goes into a checkpoint.
func TestPlaceBehindLimit(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(10) {
		tp := newTape(2, seed)
		for i := range int64(20) {
			tp.append(int(i%2), record{value: i})
		}
		s := tapeSource(tp, OnErrorDeadLetter)
		c := newTaker()
		p := newPass(s, nil)
		p.hub.attach(c.consumer, false)
		r, err := tp.Open(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		limit := connectors.Positions{0: 4, 1: 2}
		for behind(p.positions(), limit) > 0 {
			if err := p.stepBelow(ctx, r, limit, true); err != nil {
				t.Fatal(err)
			}
		}
		if at := p.place().positions; !maps.Equal(at, limit) {
			t.Errorf("seed %d: the place is %v, want %v", seed, at, limit)
		}
		if got := fmt.Sprint(bySplit(c.q.take(nil), 2)); got != "[[0 2 4 6] [1 3]]" {
			t.Errorf("seed %d: rows %s", seed, got)
		}
	}
}

// Whoever reads a source's retained rows gets each of them once, whatever became
// of the passes that read them.
func TestHistoryOfPasses(t *testing.T) {
	ctx := context.Background()
	tp := newTape(1, 1)
	for i := range int64(10) {
		tp.append(0, record{value: i})
	}
	s := tapeSource(tp, OnErrorDeadLetter)
	if err := s.start(ctx); err != nil {
		t.Fatal(err)
	}
	all := func(list []message) bool { return len(bySplit(list, 1)[0]) == 10 }
	stored := func() (n int) {
		for _, b := range s.Snapshot() {
			n += b.Rows
		}
		return n
	}
	for range 2 { // the second reads from the start again
		c := newTaker()
		if err := s.attach(ctx, c.consumer); err != nil {
			t.Fatal(err)
		}
		c.take(t, all)
		if n := stored(); n != 10 {
			t.Errorf("%d rows are retained, want 10", n)
		}
		s.detach(c.consumer)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if err := s.attach(ctx, newTaker().consumer); err == nil {
		t.Error("a closed source takes a consumer")
	}
}

// With on_error = 'fail' no consumer gets past the bad record.
func TestFailingRecord(t *testing.T) {
	ctx := context.Background()
	tp := newTape(1, 1)
	tp.append(0, record{value: 1})
	tp.append(0, record{value: 2, reject: true}, record{value: 3})
	s := tapeSource(tp, OnErrorFail)
	first := newTaker()
	if err := s.attach(ctx, first.consumer); err != nil {
		t.Fatal(err)
	}
	if err := s.start(ctx); err != nil {
		t.Fatal(err)
	}
	<-s.main.done
	if s.stats.Problem.Load() == nil {
		t.Error("the source does not say what is wrong")
	}
	second := newTaker()
	if err := s.attach(ctx, second.consumer); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	p := s.passes[1]
	s.mu.Unlock()
	<-p.done
	for i, c := range []*taker{first, second} {
		for _, v := range bySplit(c.q.take(nil), 1)[0] {
			if v > 1 {
				t.Errorf("consumer %d got row %d, behind the bad record", i, v)
			}
		}
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
