package exec

import (
	"time"

	"laminardb/connectors"
)

// FlowState is how a stream, a view or a sink stands.
type FlowState struct {
	RowsIn, RowsOut, Late, DeadLetters int64
	Watermark                          int64 // milliseconds, NoWatermark before the first
	StoredRows                         int
	StoredBytes                        int64
	// What waits in the queues before it.
	QueuedMessages int
	QueuedBytes    int64
	// Over the last seconds, and Blocked the share of the time in which consumers
	// that are behind kept it from working.
	RowsInPerSecond, RowsOutPerSecond, Blocked float64
	// BlockedFor is that time since the start.
	BlockedFor time.Duration
	// Latency is from the reading of a row to what it leads to leaving, Production
	// from the producer's timestamp.
	Latency, Production LatencyState
	// What the operators hold, at most a second ago.
	StateBytes, StateKeys int64
	Inputs                []InputState
	// Sink is nil for streams and views.
	Sink *SinkState
	// Hold is the row that keeps the output from going on, nil for none.
	Hold *Hold
	// Failure is why it stopped, nil while it runs. Restart is how it will be started
	// again, nil if it will not; Restarts is how often it was.
	Failure  error
	Restart  *Restart
	Restarts int64
}

// InputState is how a dataflow stands with one thing that it reads.
type InputState struct {
	Object        uint64
	Rows          int64
	RowsPerSecond float64
	QueuedBytes   int64
}

// SinkState is how a sink stands with the outside.
type SinkState struct {
	// Bytes is what was written, -1 if the connector does not count them.
	Bytes int64
	// Problem is why it cannot write at the moment, "" if it can.
	Problem string
	// Outbox says that rows wait in an outbox: PendingRows and PendingBytes of them.
	Outbox                    bool
	PendingRows, PendingBytes int64
	// Committed is the last epoch whose rows are out, of a sink that writes exactly
	// once; else 0.
	Committed int64
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
		DeadLetters: f.stats.DeadLetters.Load(), Hold: f.stats.Hold.Load(), Watermark: NoWatermark, Failure: f.Failure(),
	}
	st.Restarts, st.Restart = e.supervisor.state(f)
	f.measured(&st, e.env.Now())
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

// measured fills in what is measured, not counted.
func (f *flow) measured(st *FlowState, now time.Time) {
	st.RowsInPerSecond, st.RowsOutPerSecond = f.rates.perSecond(flowRowsIn), f.rates.perSecond(flowRowsOut)
	st.Blocked = share(f.rates.perSecond(flowBlocked))
	st.Latency, st.Production = f.times.read.state(now), f.times.production.state(now)
	st.StateBytes, st.StateKeys = f.size.bytes.Load(), f.size.keys.Load()
	if f.hub != nil {
		st.BlockedFor = f.hub.pressure.total(now)
	}
	for i, p := range f.ports {
		messages, bytes := p.consumer.q.depth()
		st.QueuedMessages += messages
		st.QueuedBytes += bytes
		st.Inputs = append(st.Inputs, InputState{p.scan.Object, p.rows.Load(), f.rates.perSecond(flowPorts + i), bytes})
	}
	if f.sender != nil {
		st.Sink = f.sender.state()
	}
	if f.sink != nil {
		st.Sink = &SinkState{Bytes: -1, Problem: sinkTrouble(f.sink)}
		if c, ok := f.sink.(connectors.Counted); ok {
			st.Sink.Bytes = c.BytesWritten()
		}
	}
}

// sinkTrouble is why a sink cannot write at the moment, "" if it can.
func sinkTrouble(s connectors.Sink) string {
	if h, ok := s.(connectors.Healthy); ok {
		return h.Health()
	}
	return ""
}
