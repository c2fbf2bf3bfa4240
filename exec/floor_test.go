package exec

import (
	"context"
	"testing"
	"time"

	"laminardb/storage/checkpoint"
)

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
	schema := int64Schema("split", "v")
	begin := func() (*Engine, *Pushed) {
		e := NewEngine(testEnv())
		if _, err := e.UseCheckpoints(store, dir); err != nil {
			t.Fatal(err)
		}
		log, err := OpenPushed(dir+"/log", schema, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.AddSource(ctx, SourceSpec{ID: 1, Name: "s", Schema: schema, EventTime: EventTime{Column: -1}, Connector: log}); err != nil {
			t.Fatal(err)
		}
		return e, log
	}
	needed := func(e *Engine) int64 {
		progress, _ := e.checkpoints.progress(nil, e.runs)
		for _, s := range progress.Sources {
			if s.Object == 1 {
				return (&recovery{manifest: &checkpoint.Manifest{Progress: progress}}).floor()[1].positions[0]
			}
		}
		return -1
	}
	add := func(e *Engine) {
		if err := e.AddFlow(ctx, FlowSpec{ID: 2, Name: "f", Root: tapeScan(1), HistoryRows: 10}); err != nil {
			t.Fatal(err)
		}
	}

	e, log := begin()
	if err := log.Insert(ctx, int64Batch([]int64{0}, []int64{7})); err != nil {
		t.Fatal(err)
	}
	add(e)
	if err := e.Start(ctx); err != nil {
		t.Fatal(err)
	}
	until(t, "the row is read", func() bool { st, _ := e.FlowState(2); return st.RowsOut == 1 })
	if at := needed(e); at != 0 {
		t.Errorf("needed from %d, though no checkpoint holds the dataflow", at)
	}
	if _, err := e.Checkpoint(ctx, "test"); err != nil {
		t.Fatal(err)
	}
	if at := needed(e); at != 2 {
		t.Errorf("needed from %d behind a checkpoint", at)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	e, _ = begin()
	e.Preserve(2)
	if at := needed(e); at != 2 {
		t.Errorf("needed from %d by what could not be started", at)
	}
	if err := e.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	e, _ = begin()
	add(e) // from the state that was preserved
	if at := needed(e); at != 2 {
		t.Errorf("needed from %d by a restored dataflow", at)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}
