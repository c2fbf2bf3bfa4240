package exec

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sampleEvery is how often the counters are read, and sampleWindow how many of
// these steps a rate is taken over: long enough to be steady for batches of a
// second, short enough to follow a change.
const (
	sampleEvery  = time.Second
	sampleWindow = 5
)

// rates remembers what a few counters were during the last seconds. Counting
// costs the dataflows nothing more than the counters themselves.
type rates struct {
	mu   sync.Mutex
	ring [sampleWindow + 1]sample
	next int
	n    int // of the ring in use
}

type sample struct {
	at     time.Time
	counts []int64
}

// take notes the counters, always the same ones in the same order; their number
// may grow.
func (r *rates) take(at time.Time, counts ...int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring[r.next] = sample{at, counts}
	r.next = (r.next + 1) % len(r.ring)
	r.n = min(r.n+1, len(r.ring))
}

// perSecond is how fast a counter grew, 0 while that is not known. A counter that
// fell was begun anew.
func (r *rates) perSecond(counter int) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n < 2 {
		return 0
	}
	last := r.ring[(r.next+len(r.ring)-1)%len(r.ring)]
	first := r.ring[(r.next+len(r.ring)-r.n)%len(r.ring)]
	if counter >= len(first.counts) || counter >= len(last.counts) {
		return 0
	}
	span := last.at.Sub(first.at).Seconds()
	if span <= 0 {
		return 0
	}
	return max(0, float64(last.counts[counter]-first.counts[counter])/span)
}

// sampler reads all counters of an engine, on one goroutine.
type sampler struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// startSampling reads the counters every second until stop is called.
func (e *Engine) startSampling(ctx context.Context) *sampler {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &sampler{cancel, make(chan struct{})}
	go func() {
		defer close(s.done)
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			e.sample(e.env.Now())
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return s
}

func (s *sampler) stop() {
	if s != nil {
		s.cancel()
		<-s.done
	}
}

// sample notes all counters.
func (e *Engine) sample(at time.Time) {
	e.mu.Lock()
	sources := make([]*Source, 0, len(e.sources)+len(e.tables))
	for _, s := range e.sources {
		sources = append(sources, s)
	}
	for _, t := range e.tables {
		sources = append(sources, t.source)
	}
	flows := make([]*flow, 0, len(e.flows))
	for _, f := range e.flows {
		flows = append(flows, f)
	}
	e.mu.Unlock()
	for _, s := range sources {
		s.rates.take(at, s.stats.Rows.Load(), s.stats.Bytes.Load(), int64(s.blocked(at)))
	}
	for _, f := range flows {
		counts := []int64{f.stats.RowsIn.Load(), f.stats.RowsOut.Load(), 0}
		if f.hub != nil {
			counts[flowBlocked] = int64(f.hub.pressure.total(at))
		}
		for _, p := range f.ports {
			counts = append(counts, p.rows.Load())
		}
		f.rates.take(at, counts...)
		e.checkSink(f)
	}
}

// checkSink reports what has become of a sink since the last time.
func (e *Engine) checkSink(f *flow) {
	if f.sink == nil && f.sender == nil {
		return
	}
	was := f.trouble
	if f.sender != nil {
		f.trouble = f.sender.trouble()
	} else {
		f.trouble = sinkTrouble(f.sink)
	}
	switch {
	case was != "" && f.trouble == "":
		e.env.Report(slog.LevelInfo, EventSinkRecovered, f.name, "it writes again; before: "+was)
	case was == "" && f.trouble != "": // its words change with every attempt
		e.env.Report(slog.LevelWarn, EventSinkTrouble, f.name, f.trouble)
	}
}

// The places of the counters of a source and of a dataflow among its rates.
const (
	sourceRows = iota
	sourceBytes
	sourceBlocked
)

const (
	flowRowsIn = iota
	flowRowsOut
	flowBlocked
	flowPorts // and then a counter for each port
)

// blocked is how long the source's main pass has waited for its consumers.
func (s *Source) blocked(at time.Time) time.Duration {
	if main := s.mainPass(); main != nil {
		return main.hub.pressure.total(at)
	}
	return 0
}
