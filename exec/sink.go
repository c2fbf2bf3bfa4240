package exec

import (
	"context"
	"path/filepath"
	"strconv"

	"laminardb/connectors"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
	"laminardb/storage/outbox"
)

// SinkFlowSpec describes a sink to the engine.
type SinkFlowSpec struct {
	ID   uint64
	Name string
	// Version is as in FlowSpec.
	Version uint64
	Root    plan.Node
	// Sink is connected; nil if the outside did not answer.
	Sink connectors.Sink
	// Connect makes it anew.
	Connect func(ctx context.Context) (connectors.Sink, error)
}

// AddSink starts the dataflow of a sink. Rows for a sink that may be out of reach
// go through an outbox on disk.
func (e *Engine) AddSink(ctx context.Context, spec SinkFlowSpec) error {
	make := func(context.Context) (*flow, error) { return e.outboxFlow(spec) }
	if _, remote := spec.Sink.(connectors.Healthy); e.checkpoints == nil || spec.Sink != nil && !remote {
		make = func(ctx context.Context) (*flow, error) { return e.directFlow(ctx, spec) }
	}
	err := e.add(ctx, spec.ID, make)
	spec.Sink = nil // a dataflow that is made anew connects anew
	return err
}

// directFlow makes a dataflow that writes to a sink that is always there.
func (e *Engine) directFlow(ctx context.Context, spec SinkFlowSpec) (f *flow, err error) {
	sink := spec.Sink
	if sink == nil {
		if sink, err = spec.Connect(ctx); err != nil {
			return nil, err
		}
	}
	out := sinkReceiver{sink: sink, visible: spec.Root.Schema().Visible()}
	d, err := newDataflow(spec.Name, spec.Root, out, e.env, OnErrorDeadLetter)
	if err != nil {
		return nil, err
	}
	d.version = spec.Version
	return &flow{Dataflow: d, sink: sink}, nil
}

// outboxFlow makes a dataflow that fills an outbox, and what empties it.
func (e *Engine) outboxFlow(spec SinkFlowSpec) (*flow, error) {
	box, err := outbox.Open(filepath.Join(e.checkpoints.outboxes, strconv.FormatUint(spec.ID, 10)))
	if err != nil {
		return nil, err
	}
	visible := spec.Root.Schema().Visible()
	ts := make([]types.Type, len(visible))
	for i, c := range visible {
		ts[i] = spec.Root.Schema().Fields[c].Type
	}
	s := newSender(spec.Name, box, ts, e.env)
	s.sink, s.connect, s.aheadOf = spec.Sink, spec.Connect, e.checkpoints.passMark
	out := &outboxReceiver{box: box, visible: visible, encoder: rowcodec.NewEncoder(ts), sender: s}
	d, err := newDataflow(spec.Name, spec.Root, out, e.env, OnErrorDeadLetter)
	if err != nil {
		return nil, err
	}
	d.version = spec.Version
	s.onFenced = d.fail
	return &flow{Dataflow: d, sender: s}, nil
}

// sinkReceiver writes a dataflow's output to a sink.
type sinkReceiver struct {
	sink    connectors.Sink
	visible []int
}

// Batch implements Receiver.
func (s sinkReceiver) Batch(ctx context.Context, b *batch.Batch) error {
	return s.sink.Write(ctx, b.Pick(s.visible))
}

// Watermark implements Receiver.
func (s sinkReceiver) Watermark(context.Context, int64) error { return nil }

// Idle implements Receiver.
func (s sinkReceiver) Idle(context.Context, bool) error { return nil }

// End implements Receiver.
func (s sinkReceiver) End(ctx context.Context) error { return s.sink.Flush(ctx) }
