package exec

import "laminardb/connectors"

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
}

// SplitState is how a source stands in one split.
type SplitState struct {
	connectors.SplitStatus
	Watermark int64 // milliseconds, NoWatermark before the first row
	Idle      bool
}

// SourceState returns how a source stands; ok is false if there is none.
func (e *Engine) SourceState(id uint64) (st SourceState, ok bool) {
	s := e.source(id)
	if s == nil {
		return st, false
	}
	st = SourceState{
		Records: s.stats.Records.Load(), Rows: s.stats.Rows.Load(), Bytes: s.stats.Bytes.Load(),
		Rejected: s.stats.Rejected.Load(), Watermark: NoWatermark,
	}
	if p := s.stats.Problem.Load(); p != nil {
		st.Problem = *p
	}
	s.mu.Lock()
	main := s.main
	st.Passes = len(s.passes)
	s.mu.Unlock()
	if main == nil {
		return st, true
	}
	st.Reading, st.Watermark = true, main.hub.Watermark()
	main.mu.Lock()
	defer main.mu.Unlock()
	st.Splits = append([]SplitState(nil), main.states...)
	return st, true
}

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

// FlowState is how a stream, a view or a sink stands.
type FlowState struct {
	RowsIn, RowsOut, Late, DeadLetters int64
	Watermark                          int64 // milliseconds, NoWatermark before the first
	StoredRows                         int
	StoredBytes                        int64
	QueuedBytes                        int64
	// Failure is why it stopped, nil while it runs.
	Failure error
}

// FlowState returns how a dataflow stands; ok is false if there is none.
func (e *Engine) FlowState(id uint64) (st FlowState, ok bool) {
	e.mu.Lock()
	f := e.flows[id]
	e.mu.Unlock()
	if f == nil {
		return st, false
	}
	st = FlowState{
		RowsIn: f.stats.RowsIn.Load(), RowsOut: f.stats.RowsOut.Load(), Late: f.stats.Late.Load(),
		DeadLetters: f.stats.DeadLetters.Load(), Watermark: NoWatermark, Failure: f.Failure(),
	}
	for _, p := range f.ports {
		_, bytes := p.consumer.q.depth()
		st.QueuedBytes += bytes
	}
	if f.hub == nil {
		return st, true
	}
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	st.Watermark = f.hub.watermark
	if f.hub.store != nil {
		st.StoredRows, st.StoredBytes = f.hub.store.rowCount(), f.hub.store.sizeBytes()
	}
	return st, true
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
	c := &t.source.stats
	st = TableState{Ready: t.isReady(), Rest: -1, SourceState: SourceState{
		Reading: true, Records: c.Records.Load(), Rows: c.Rows.Load(), Bytes: c.Bytes.Load(),
		Rejected: c.Rejected.Load(), Watermark: NoWatermark, Passes: 1,
	}}
	if p := c.Problem.Load(); p != nil {
		st.Problem = *p
	}
	t.mu.Lock()
	st.Splits = append(st.Splits, t.states...)
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
