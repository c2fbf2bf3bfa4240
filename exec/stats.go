package exec

import (
	"time"

	"laminardb/connectors"
)

// SourceState is how a source stands.
type SourceState struct {
	// Reading says that somebody uses it, so that it is read at all.
	Reading                        bool
	Records, Rows, Bytes, Rejected int64
	Watermark                      int64 // milliseconds, NoWatermark before the first
	// Problem is why it is not reading, "" if it is.
	Problem string
	Splits  []SplitState
	// Passes is how many readers it has: one, and one for each query that is
	// catching up.
	Passes int
	// Over the last seconds, and Blocked the share of the time in which consumers
	// that are behind kept it from reading.
	RowsPerSecond, BytesPerSecond, Blocked float64
	// BlockedFor is that time since the source has been read.
	BlockedFor time.Duration
}

// SplitState is how a source stands in one split.
type SplitState struct {
	connectors.SplitStatus
	Watermark int64 // milliseconds, NoWatermark before the first row
	Idle      bool
	// What was read since the start; Bytes is 0 where the connector does not tell
	// the splits' apart.
	Rows, Bytes, Rejected int64
}

// SourceState returns how a source stands; ok is false if there is none.
func (e *Engine) SourceState(id uint64) (st SourceState, ok bool) {
	s := e.source(id)
	if s == nil {
		return st, false
	}
	st = s.counted()
	s.mu.Lock()
	main := s.main
	st.Passes = len(s.passes)
	s.mu.Unlock()
	if main == nil {
		return st, true
	}
	st.Reading, st.Watermark = true, main.hub.Watermark()
	st.BlockedFor = main.hub.pressure.total(e.env.Now())
	main.mu.Lock()
	defer main.mu.Unlock()
	st.Splits = append([]SplitState(nil), main.states...)
	s.stats.splits.fill(st.Splits)
	return st, true
}

// counted is what the source's counters say.
func (s *Source) counted() SourceState {
	st := SourceState{
		Records: s.stats.Records.Load(), Rows: s.stats.Rows.Load(), Bytes: s.stats.Bytes.Load(),
		Rejected: s.stats.Rejected.Load(), Watermark: NoWatermark,
		RowsPerSecond: s.rates.perSecond(sourceRows), BytesPerSecond: s.rates.perSecond(sourceBytes),
		Blocked: share(s.rates.perSecond(sourceBlocked)),
	}
	if p := s.stats.Problem.Load(); p != nil {
		st.Problem = *p
	}
	return st
}

// share turns nanoseconds a second into a share of the time.
func share(nanosPerSecond float64) float64 { return min(1, nanosPerSecond/float64(time.Second)) }

// Retained says what SELECT can read of an append-only object: whether it is read
// at all, and whether all of its rows are still there.
func (e *Engine) Retained(id uint64) (reading, complete bool) {
	hub := e.hub(id)
	if s := e.source(id); s != nil {
		s.mu.Lock()
		if s.main != nil {
			hub = s.main.hub
		}
		s.mu.Unlock()
	}
	if hub == nil {
		return false, false
	}
	hub.mu.Lock()
	defer hub.mu.Unlock()
	h, ok := hub.store.(*history)
	return true, !ok || hub.rows.Load() <= int64(h.rowCount())
}

// TableState is how a table stands.
type TableState struct {
	SourceState
	// Ready says that the rows are complete; before, Rest records are known to be
	// missing, -1 if that is not known.
	Ready       bool
	Rest        int64
	StoredRows  int
	StoredBytes int64
}

// TableState returns how a table stands; ok is false if there is none.
func (e *Engine) TableState(id uint64) (st TableState, ok bool) {
	t := e.table(id)
	if t == nil {
		return st, false
	}
	st = TableState{Ready: t.isReady(), Rest: -1, SourceState: t.source.counted()}
	st.Reading, st.Passes = true, 1
	t.mu.Lock()
	st.Splits = append(st.Splits, t.states...)
	t.source.stats.splits.fill(st.Splits)
	if t.targets != nil {
		st.Rest = 0
		for _, s := range t.states {
			st.Rest += max(0, t.targets[s.Split]-s.Position)
		}
	}
	t.mu.Unlock()
	t.hub.mu.Lock()
	defer t.hub.mu.Unlock()
	if t.hub.store != nil {
		st.StoredRows, st.StoredBytes = t.hub.store.rowCount(), t.hub.store.sizeBytes()
	}
	return st, true
}
