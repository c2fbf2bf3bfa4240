package exec

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"laminardb/connectors"
	"laminardb/planner/plan"
	"laminardb/sql/pgerr"
)

// Engine runs all sources and dataflows of a server, by catalog id. Its methods
// may be called from any goroutine; adding and removing is serialised by the
// caller (the catalog's edit).
type Engine struct {
	env *Env

	// checkpoints is nil for an engine that takes none.
	checkpoints *checkpointer
	// givenUp is the last epoch whose states are no longer waited for.
	givenUp atomic.Uint64

	mu      sync.Mutex
	sources map[uint64]*Source
	tables  map[uint64]*Table
	flows   map[uint64]*flow
	started bool
	sampler *sampler
	epoch   uint64 // the last one that barriers were sent for
	// recovery is what objects are restored from until the engine starts, and while
	// dataflows are started again; nil for nothing.
	recovery *recovery
	// supervisor starts again what fails, nil for none.
	supervisor *supervisor
}

// flow is a dataflow with its output.
type flow struct {
	*Dataflow
	id     uint64
	hub    *Hub
	sink   connectors.Sink // of a sink without outbox
	sender *sender         // of a sink with one
	// trouble is what was last reported of the sink, by the sampler only.
	trouble string
	rates   rates
	// remake makes the dataflow anew, as it was before it started.
	remake func(context.Context) (*flow, error)
	// changing says that the hub keeps the current rows, and that rows may go away.
	changing bool
}

// NewEngine returns an engine whose sources stand still until Start.
func NewEngine(env *Env) *Engine {
	return &Engine{env: env, sources: map[uint64]*Source{}, tables: map[uint64]*Table{}, flows: map[uint64]*flow{}}
}

// Start lets the sources read. Before it, a whole catalog is put in place, so
// that every query sees every row.
func (e *Engine) Start(ctx context.Context) error {
	e.mu.Lock()
	e.started, e.recovery = true, nil
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
	if saved := e.saved(spec.ID); saved != nil {
		if err := s.restore(saved); err != nil {
			return err
		}
		e.checkpoints.rememberSource(s)
	}
	e.sources[spec.ID] = s
	if e.started {
		return s.start(ctx)
	}
	return nil
}

// AddTable makes a table known. It begins to read at once, or when the engine
// starts.
func (e *Engine) AddTable(ctx context.Context, spec TableSpec) (*Table, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := newTable(spec, e.env)
	if saved := e.saved(spec.ID); saved != nil {
		if err := t.restore(saved); err != nil {
			return nil, err
		}
		e.recovery.restored[spec.ID] = saved.saved
		e.checkpoints.remember(spec.ID, map[uint64]*placement{spec.ID: t.from})
	}
	e.tables[spec.ID] = t
	versions := newVersions(spec, e.env)
	if versions != nil {
		if saved := e.saved(versions.spec.ID); saved != nil {
			if err := versions.restore(saved); err != nil {
				return nil, err
			}
			e.checkpoints.rememberSource(versions)
		}
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
	return t, nil
}

// FlowSpec describes a stream or a view to the engine.
type FlowSpec struct {
	ID   uint64
	Name string
	// Version grows when the object is replaced: its state is of one version only.
	Version uint64
	Root    plan.Node
	// Keep says that the current rows are kept, for a view or a stream whose rows
	// change; otherwise the HistoryRows most recent ones are.
	Keep        bool
	HistoryRows int
	OnError     OnError
	// Late says that another dataflow, added right behind, scans the late rows.
	Late bool
}

// AddFlow starts the dataflow of a stream or a view. An error is 0A000 for a plan
// that cannot run continuously, or that of an upstream source.
func (e *Engine) AddFlow(ctx context.Context, spec FlowSpec) error {
	return e.add(ctx, spec.ID, func(context.Context) (*flow, error) {
		var s store
		if spec.Keep {
			s = newView(spec.Root.Schema())
		} else {
			s = newHistory(spec.Root.Schema(), spec.HistoryRows)
		}
		hub := newHub(spec.Root.Schema(), s, e.env.Now)
		hub.sendsLate = spec.Late
		hub.onLateLost = e.env.lateLost(spec.Name)
		d, err := newDataflow(spec.Name, spec.Root, hubReceiver{hub}, e.env, spec.OnError)
		if err != nil {
			return nil, err
		}
		d.version = spec.Version
		return &flow{Dataflow: d, hub: hub, changing: spec.Keep && spec.Root.Props().Changelog}, nil
	})
}

// add makes a dataflow, restores it if the checkpoint has it, and starts it.
func (e *Engine) add(ctx context.Context, id uint64, make func(context.Context) (*flow, error)) error {
	f, err := e.build(ctx, id, make)
	if err != nil {
		return err
	}
	if err := e.launch(ctx, f); err != nil {
		if e.checkpoints != nil {
			e.checkpoints.forget(id) // it holds no log up, unless it is to be preserved
		}
		return err
	}
	e.mu.Lock()
	e.flows[id] = f
	e.mu.Unlock()
	token(f.wake) // a barrier may have come for which nobody waits
	return nil
}

// build makes a dataflow and restores it if the checkpoint has it.
func (e *Engine) build(ctx context.Context, id uint64, make func(context.Context) (*flow, error)) (*flow, error) {
	f, err := make(ctx)
	if err != nil {
		return nil, err
	}
	if saved := e.saved(id); saved != nil {
		switch err := f.restore(saved, e.sameEpoch(f.Dataflow)); {
		case errors.Is(err, errOtherPlan) || errors.Is(err, errOtherEpoch):
			e.env.Report(slog.LevelWarn, EventBeginsAnew, f.name, err.Error())
			if f, err = make(ctx); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		default:
			e.recovery.restored[id] = saved.saved
			e.checkpoints.remember(id, f.places())
		}
	}
	if !f.restored && f.sender != nil {
		if _, err := f.sender.box.Keep(nil, 1); err != nil {
			return nil, err
		}
	}
	f.id, f.remake = id, make
	return f, nil
}

// launch starts a dataflow and connects it to what it reads.
func (e *Engine) launch(ctx context.Context, f *flow) error {
	f.again, f.onStop = func(err error) bool { return e.failed(f, err) }, func() { token(e.supervisor.wake) }
	e.mu.Lock()
	if e.checkpoints != nil {
		f.aligner = &aligner{object: f.id, first: e.epoch + 1, given: &e.givenUp, captured: e.env.captured}
	}
	e.mu.Unlock()
	e.holdLogs(f)
	f.start(ctx, e.env.checkpointMoved)
	if err := e.connect(ctx, f.Dataflow, true); err != nil {
		e.stop(f, ErrStopped)
		return err
	}
	if f.sender != nil {
		f.sender.start(ctx)
	}
	return nil
}

// holdLogs keeps the pushed rows that a new dataflow has to read until a checkpoint
// holds its state: after a crash it begins anew.
func (e *Engine) holdLogs(f *flow) {
	if e.checkpoints == nil || f.restored {
		return
	}
	places := map[uint64]*placement{}
	for _, p := range f.ports {
		if s := e.source(p.scan.Object); s != nil && s.pushed() != nil {
			places[p.scan.Object] = &placement{positions: connectors.Positions{0: 0}}
		}
	}
	e.checkpoints.remember(f.id, places)
}

// connect attaches a dataflow's ports to what they read. fromStart asks for all
// rows of a source and for the stored ones of a dataflow, not only for new ones. A
// restored dataflow goes on where it was.
func (e *Engine) connect(ctx context.Context, d *Dataflow, fromStart bool) error {
	for _, p := range d.ports {
		p.consumer.onFail = func(err error) { d.fail(&upstreamError{p.scan.Object, p.scan.Name, err}) }
		if s := e.source(p.scan.Object); s != nil {
			var err error
			switch {
			case p.ended:
			case fromStart:
				comesBack := d.aligner != nil && e.recovery != nil // and then when it can
				err = s.attachAt(ctx, p.consumer, p.place, !comesBack)
			default:
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
		if d.restored && e.recovery.goesOn(p.scan.Object) {
			if err := e.attachSince(hub, p); err != nil {
				return err
			}
			continue
		}
		hub.attach(p.consumer, fromStart && !d.restored)
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

func (e *Engine) flow(id uint64) *flow {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.flows[id]
}

// allFlows returns the dataflows of objects, in the order of their creation.
func (e *Engine) allFlows() []*flow {
	e.mu.Lock()
	defer e.mu.Unlock()
	var flows []*flow
	for _, id := range slices.Sorted(maps.Keys(e.flows)) {
		flows = append(flows, e.flows[id])
	}
	return flows
}

// runs reports whether there is such an object.
func (e *Engine) runs(id uint64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.flows[id] != nil || e.tables[id] != nil || e.sources[id] != nil
}

func (e *Engine) nameOf(id uint64) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f := e.flows[id]; f != nil {
		return f.name
	}
	if t := e.tables[id]; t != nil {
		return t.spec.Name
	}
	return ""
}

// pushedLogs returns the logs of rows that statements pushed, by object.
func (e *Engine) pushedLogs() map[uint64]*Pushed {
	e.mu.Lock()
	defer e.mu.Unlock()
	logs := map[uint64]*Pushed{}
	for id, s := range e.sources {
		if p, ok := s.spec.Connector.(*Pushed); ok {
			logs[id] = p
		}
	}
	for id, t := range e.tables {
		if t.spec.Log != nil {
			logs[id] = t.spec.Log
		}
	}
	return logs
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

// stop ends a dataflow, and closes its sink after flushing what it wrote. Who reads
// it is told the reason.
func (e *Engine) stop(f *flow, reason error) {
	e.disconnect(f.Dataflow)
	f.stop()
	if f.hub != nil {
		f.hub.fail(reason)
	}
	if f.sender != nil {
		f.sender.end()
	}
	if f.sink != nil {
		if err := errors.Join(f.sink.Flush(context.Background()), f.sink.Close()); err != nil {
			e.env.Logger.Error("sink could not be closed", slog.String("object", f.name), slog.Any("error", err))
		}
	}
}

// Remove stops an object for good. What reads it has been removed before. A sink
// is given what its dataflow has made so far.
func (e *Engine) Remove(id uint64) error {
	if f := e.flow(id); f != nil && f.sender != nil {
		e.disconnect(f.Dataflow)
		f.stop()
		f.sender.finishAll(e.lastEpoch() + 1)
	}
	err := e.remove(id)
	if c := e.checkpoints; c != nil {
		c.forget(id) // a checkpoint that was being taken may have noted it until now
	}
	e.supervisor.forget(id)
	return err
}

func (e *Engine) lastEpoch() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.epoch
}

// remove stops an object; its saved state remains.
func (e *Engine) remove(id uint64) error {
	e.mu.Lock()
	s, t, f, versions := e.sources[id], e.tables[id], e.flows[id], e.sources[VersionsID(id)]
	delete(e.sources, VersionsID(id))
	delete(e.sources, id)
	delete(e.tables, id)
	delete(e.flows, id)
	e.mu.Unlock()
	defer e.env.checkpointMoved()
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
		e.stop(f, ErrStopped)
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
	var senders sync.WaitGroup
	for _, f := range e.allFlows() {
		if f.sender != nil {
			senders.Go(func() { f.sender.stop(stopGrace) })
		}
	}
	senders.Wait()
	slices.Sort(ids)
	slices.Reverse(ids)
	var errs []error
	for _, id := range append(ids, sources...) {
		errs = append(errs, e.remove(id))
	}
	return errors.Join(errs...)
}
