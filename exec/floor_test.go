package exec

import (
	"context"
	"testing"
	"time"

	"laminardb/storage/checkpoint"
)

// neededRig is an engine that reads pushed rows, built again and again over the same
// checkpoints.
type neededRig struct {
	ctx   context.Context
	dir   string
	store *checkpoint.Store
	log   *Pushed
}

func (r *neededRig) begin(t *testing.T) *Engine {
	t.Helper()
	e := NewEngine(testEnv())
	if _, err := e.UseCheckpoints(r.store, r.dir); err != nil {
		t.Fatal(err)
	}
	schema := int64Schema("split", "v")
	var err error
	if r.log, err = OpenPushed(r.dir+"/log", schema, time.Now); err != nil {
		t.Fatal(err)
	}
	if err := e.AddSource(r.ctx, SourceSpec{ID: 1, Name: "s", Schema: schema, EventTime: EventTime{Column: -1}, Connector: r.log}); err != nil {
		t.Fatal(err)
	}
	return e
}

func (r *neededRig) addFlow(t *testing.T, e *Engine) {
	t.Helper()
	if err := e.AddFlow(r.ctx, FlowSpec{ID: 2, Name: "f", Root: tapeScan(1), HistoryRows: 10}); err != nil {
		t.Fatal(err)
	}
}

// wantNeeded checks from where the rows of the source are needed.
func wantNeeded(t *testing.T, e *Engine, want int64, by string) {
	t.Helper()
	progress, _ := e.checkpoints.progress(nil, e.runs)
	floor := (&recovery{manifest: &checkpoint.Manifest{Progress: progress}}).floor()
	if floor[1] == nil || floor[1].positions[0] != want {
		t.Errorf("needed from %v by %s, want %d", floor[1], by, want)
	}
}

// TestNeededRows: pushed rows are needed from the start by a dataflow that no
// checkpoint holds yet, from where it stood by one that it holds, and from where the
// last checkpoint needed them by one that could not be started.
func TestNeededRows(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	store, err := checkpoint.Open(dir+"/checkpoints.db", checkpoint.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	r := &neededRig{ctx: ctx, dir: dir, store: store}
	e := r.begin(t)
	if err := r.log.Insert(ctx, int64Batch([]int64{0}, []int64{7})); err != nil {
		t.Fatal(err)
	}
	r.addFlow(t, e)
	if err := e.Start(ctx); err != nil {
		t.Fatal(err)
	}
	until(t, "the row is read", func() bool { st, _ := e.FlowState(2); return st.RowsOut == 1 })
	wantNeeded(t, e, 0, "what no checkpoint holds")
	if _, err := e.Checkpoint(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	wantNeeded(t, e, 2, "what the checkpoint holds")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	e = r.begin(t)
	e.Preserve(2)
	wantNeeded(t, e, 2, "what could not be started")
	e.Preserve(3)
	wantNeeded(t, e, 0, "what could not be started and is in no checkpoint")
	if err := e.AddFlow(ctx, FlowSpec{ID: 4, Name: "g", Root: tapeScan(99)}); err == nil {
		t.Error("a dataflow of nothing runs")
	}
	if _, held := e.checkpoints.placed[4]; held {
		t.Error("what was never made holds pushed rows")
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	e = r.begin(t)
	r.addFlow(t, e)
	wantNeeded(t, e, 2, "what was restored")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
