package exec

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"laminardb/connectors"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// Engine runs all sources and dataflows of a server, by catalog id. Its methods
// may be called from any goroutine; adding and removing is serialised by the
// caller (the catalog's edit).
type Engine struct {
	env *Env

	mu      sync.Mutex
	sources map[uint64]*Source
	tables  map[uint64]*Table
	flows   map[uint64]*flow
	started bool
	sampler *sampler
}

// flow is a dataflow with its output.
type flow struct {
	*Dataflow
	hub  *Hub
	sink connectors.Sink // nil for streams and views
	// trouble is what was last reported of the sink, by the sampler only.
	trouble string
	rates   rates
}

// NewEngine returns an engine whose sources stand still until Start.
func NewEngine(env *Env) *Engine {
	return &Engine{env: env, sources: map[uint64]*Source{}, tables: map[uint64]*Table{}, flows: map[uint64]*flow{}}
}

// Start lets the sources read. Before it, a whole catalog is put in place, so
// that every query sees every row.
func (e *Engine) Start(ctx context.Context) error {
	e.mu.Lock()
	e.started = true
	e.sampler = e.startSampling(ctx)
	sources := make([]*Source, 0, len(e.sources))
	for _, s := range e.sources {
		sources = append(sources, s)
	}
	for _, t := range e.tables {
		t.start(ctx)
	}
	e.mu.Unlock()
	for _, s := range sources {
		if err := s.start(ctx); err != nil {
			s.problem(err) // the others run; the source says why it does not
		}
	}
	return nil
}

// AddSource makes a source known. It reads once somebody uses it.
func (e *Engine) AddSource(ctx context.Context, spec SourceSpec) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := newSource(spec, e.env)
	e.sources[spec.ID] = s
	if e.started {
		return s.start(ctx)
	}
	return nil
}

// AddTable makes a table known. It begins to read at once, or when the engine
// starts.
func (e *Engine) AddTable(ctx context.Context, spec TableSpec) *Table {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := newTable(spec, e.env)
	e.tables[spec.ID] = t
	versions := newVersions(spec, e.env)
	if versions != nil {
		e.sources[versions.spec.ID] = versions
	}
	if e.started {
		t.start(ctx)
		if versions != nil {
			if err := versions.start(ctx); err != nil {
				versions.problem(err)
			}
		}
	}
	return t
}

// FlowSpec describes a stream or a view to the engine.
type FlowSpec struct {
	ID   uint64
	Name string
	Root plan.Node
	// Keep says that the current rows are kept, for a view or a stream whose rows
	// change; otherwise the HistoryRows most recent ones are.
	Keep        bool
	HistoryRows int
	OnError     OnError
}

// AddFlow starts the dataflow of a stream or a view. An error is 0A000 for a plan
// that cannot run continuously, or that of an upstream source.
func (e *Engine) AddFlow(ctx context.Context, spec FlowSpec) error {
	var s store
	if spec.Keep {
		s = newView(spec.Root.Schema())
	} else {
		s = newHistory(spec.Root.Schema(), spec.HistoryRows)
	}
	hub := newHub(spec.Root.Schema(), s, e.env.Now)
	d, err := newDataflow(spec.Name, spec.Root, hubReceiver{hub}, e.env, spec.OnError)
	if err != nil {
		return err
	}
	return e.launch(ctx, spec.ID, &flow{Dataflow: d, hub: hub})
}

// AddSink starts the dataflow of a sink.
func (e *Engine) AddSink(ctx context.Context, id uint64, name string, root plan.Node, sink connectors.Sink) error {
	visible := root.Schema().Visible()
	d, err := newDataflow(name, root, sinkReceiver{sink: sink, visible: visible}, e.env, OnErrorDeadLetter)
	if err != nil {
		return err
	}
	return e.launch(ctx, id, &flow{Dataflow: d, sink: sink})
}

func (e *Engine) launch(ctx context.Context, id uint64, f *flow) error {
	f.start(ctx)
	if err := e.connect(ctx, f.Dataflow, true); err != nil {
		e.stop(f)
		return err
	}
	e.mu.Lock()
	e.flows[id] = f
	e.mu.Unlock()
	return nil
}

// connect attaches a dataflow's ports to what they read. fromStart asks for all
// rows of a source and for the stored ones of a dataflow, not only for new ones.
func (e *Engine) connect(ctx context.Context, d *Dataflow, fromStart bool) error {
	for _, p := range d.ports {
		p.consumer.onFail = func(err error) { d.fail(fmt.Errorf("reading %q: %w", p.scan.Name, err)) }
		if s := e.source(p.scan.Object); s != nil {
			var err error
			if fromStart {
				err = s.attach(ctx, p.consumer)
			} else {
				err = s.tail(ctx, p.consumer, false)
			}
			if err != nil {
				return err
			}
			continue
		}
		hub := e.hub(p.scan.Object)
		if hub == nil {
			return pgerr.Newf(pgerr.ObjectNotInPrerequisite, "%q is not running", p.scan.Name)
		}
		hub.attach(p.consumer, fromStart)
	}
	return nil
}

func (e *Engine) disconnect(d *Dataflow) {
	for _, p := range d.ports {
		if s := e.source(p.scan.Object); s != nil {
			s.detach(p.consumer)
		} else if hub := e.hub(p.scan.Object); hub != nil {
			hub.detach(p.consumer)
		} else {
			p.consumer.q.close()
		}
	}
}

func (e *Engine) source(id uint64) *Source {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sources[id]
}

func (e *Engine) hub(id uint64) *Hub {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t := e.tables[id]; t != nil {
		return t.hub
	}
	if f := e.flows[id]; f != nil {
		return f.hub
	}
	return nil
}

func (e *Engine) table(id uint64) *Table {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tables[id]
}

// stop ends a dataflow, and closes its sink after flushing what it wrote.
func (e *Engine) stop(f *flow) {
	e.disconnect(f.Dataflow)
	f.stop()
	if f.hub != nil {
		f.hub.fail(ErrStopped)
	}
	if f.sink != nil {
		if err := errors.Join(f.sink.Flush(context.Background()), f.sink.Close()); err != nil {
			e.env.Logger.Error("sink could not be closed", slog.String("object", f.name), slog.Any("error", err))
		}
	}
}

// Remove stops an object. What reads it has been removed before.
func (e *Engine) Remove(id uint64) error {
	e.mu.Lock()
	s, t, f, versions := e.sources[id], e.tables[id], e.flows[id], e.sources[VersionsID(id)]
	delete(e.sources, VersionsID(id))
	delete(e.sources, id)
	delete(e.tables, id)
	delete(e.flows, id)
	e.mu.Unlock()
	switch {
	case s != nil:
		s.fail(ErrStopped)
		return s.close()
	case t != nil && versions != nil:
		versions.fail(ErrStopped)
		return errors.Join(versions.close(), t.close())
	case t != nil:
		return t.close()
	case f != nil:
		e.stop(f)
	}
	return nil
}

// Close stops everything, consumers before what they read.
func (e *Engine) Close() error {
	e.mu.Lock()
	sampler := e.sampler
	e.sampler = nil
	ids := make([]uint64, 0, len(e.flows)+len(e.sources))
	for id := range e.flows {
		ids = append(ids, id)
	}
	sources := make([]uint64, 0, len(e.sources))
	for id := range e.sources {
		sources = append(sources, id)
	}
	for id := range e.tables {
		sources = append(sources, id)
	}
	e.mu.Unlock()
	sampler.stop()
	slices.Sort(ids)
	slices.Reverse(ids)
	var errs []error
	for _, id := range append(ids, sources...) {
		errs = append(errs, e.Remove(id))
	}
	return errors.Join(errs...)
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
