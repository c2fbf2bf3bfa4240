package exec

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"laminardb/connectors"
	"laminardb/planner/plan"
	"laminardb/sql/pgerr"
	"laminardb/storage/checkpoint"
)

// TestGoBack groups what goes back together: append-only streams go with what reads
// them, tables (3) and views whose rows may go away (5) stay where they are, and so
// does what has failed for good (9).
func TestGoBack(t *testing.T) {
	e := NewEngine(testEnv())
	for _, f := range []*flow{
		memberFlow(4, 1), memberFlow(5, 4, 3), memberFlow(6, 5), memberFlow(7, 6, 2), memberFlow(8, 5), memberFlow(9, 4),
	} {
		f.id = f.aligner.object
		e.flows[f.id] = f
	}
	e.flows[5].changing = true
	e.flows[9].failure.Store(&failure{err: errors.New("poisoned")})
	for id, want := range map[uint64]string{
		4: "4 5 6 7 8 ", // the stream, and all that reads it or its view
		5: "4 5 6 7 8 ", // cannot be fed anew without the stream
		6: "6 7 ", 7: "6 7 ",
		8: "8 ", // the view tells what has changed
	} {
		got := ""
		for _, f := range e.goBack(e.flows[id]) {
			got += fmt.Sprint(f.id) + " "
		}
		if got != want {
			t.Errorf("with %d go %sback, want %s", id, got, want)
		}
	}
	e.flows[5].failure.Store(&failure{err: errors.New("again"), again: true})
	if got := len(e.goBack(e.flows[8])); got != 5 {
		t.Errorf("with 8 and what it reads, which has failed too, %d go back, want 5", got)
	}
}

// TestGivenUp lets a dataflow fail whenever it runs: it is tried again so often, then
// stays stopped with its reason, what reads it too, and the others go on.
func TestGivenUp(t *testing.T) {
	env := testEnv()
	env.Failpoint = func(name string) error {
		if name == "dataflow.bad" {
			return errors.New("it cannot")
		}
		return nil
	}
	store, err := checkpoint.Open(t.TempDir()+"/checkpoints.db", checkpoint.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	e := NewEngine(env)
	e.UseRestarts(RestartPolicy{Tries: 3})
	if _, err := e.UseCheckpoints(store, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tp := newTape(1, 1)
	if err := e.AddSource(ctx, SourceSpec{ID: 1, Name: "tape", Schema: int64Schema("split", "v"), EventTime: EventTime{Column: -1}, Connector: tp}); err != nil {
		t.Fatal(err)
	}
	for id, name := range map[uint64]string{2: "good", 3: "bad"} {
		if err := e.AddFlow(ctx, FlowSpec{ID: id, Name: name, Root: tapeScan(1), HistoryRows: 100}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.AddFlow(ctx, FlowSpec{ID: 4, Name: "reader", Root: tapeScan(3), HistoryRows: 100}); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Supervise(ctx, func(_ context.Context, fn func()) error { fn(); return nil })
	}()
	t.Cleanup(func() { cancel(); <-done })
	tp.append(0, record{value: 1})
	until(t, "bad is given up", func() bool {
		st, _ := e.FlowState(3)
		return st.Failure != nil && st.Restart == nil
	})
	if st, _ := e.FlowState(3); st.Restarts != 3 || st.Failure.Error() != "it cannot" {
		t.Errorf("%d restarts, %v", st.Restarts, st.Failure)
	}
	until(t, "what reads it is, too", func() bool {
		st, _ := e.FlowState(4)
		return st.Failure != nil && st.Restart == nil
	})
	tp.append(0, record{value: 2})
	until(t, "the others go on", func() bool {
		st, _ := e.FlowState(2)
		return st.RowsOut == 2 && st.Restarts == 0
	})
	rep, err := e.Checkpoint(ctx, "test")
	if err != nil || fmt.Sprint(rep.Behind) != "[bad reader]" {
		t.Errorf("behind are %v, %v", rep.Behind, err)
	}
}

// TestLostRows: a sink whose rows can neither be made durable nor be read back goes
// back to the last checkpoint; one whose disk refuses waits for it.
func TestLostRows(t *testing.T) {
	e := NewEngine(testEnv())
	f := memberFlow(1)
	f.Dataflow.env, f.cancel = e.env, func() {}
	f.again, f.onStop = func(error) bool { return true }, func() {}
	e.flows[1] = f
	e.lost(1, pgerr.Newf(pgerr.IOError, "input/output error"))
	if f.Failure() != nil {
		t.Errorf("it fails: %v", f.Failure())
	}
	e.lost(1, pgerr.Newf(pgerr.DataCorrupted, "the record is damaged"))
	if !f.startsAgain() {
		t.Error("it is not started again")
	}
}

// TestPoison: what the policy stops is not started again, and neither is what another
// server has fenced.
func TestPoison(t *testing.T) {
	e := NewEngine(testEnv())
	e.UseRestarts(RestartPolicy{Tries: 3})
	f := memberFlow(1)
	for _, err := range []error{poison{errors.New("division by zero")}, connectors.ErrFenced, ErrStopped} {
		if e.failed(f, fmt.Errorf("step: %w", err)) {
			t.Errorf("%v leads to a restart", err)
		}
	}
	if !e.failed(f, errors.New("a bug")) {
		t.Error("a bug leads to none")
	}
}

// tapeScan reads what has the columns of a tape.
func tapeScan(object uint64) *plan.Scan {
	s := &plan.Scan{Object: object, Name: fmt.Sprint(object), Columns: []int{0, 1}}
	s.Out = int64Schema("split", "v")
	return s
}

// until returns when something has come about.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); {
		if time.Now().After(end) {
			t.Fatalf("it does not come about that %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}
