package session

import (
	"fmt"
	"slices"
	"time"

	"laminardb/catalog"
	"laminardb/exec"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// SystemFunction implements planner.SystemFunctions: laminar.why(object).
func (r relations) SystemFunction(name ast.Name) (*batch.Schema, []types.Type, bool) {
	if name.Last() != "why" || len(name.Parts) < 2 || name.Parts[len(name.Parts)-2] != systemSchema {
		return nil, nil, false
	}
	return batch.NewSchema(
		column("object", types.Text), column("input", types.Text), column("split", types.Int64),
		column("watermark", types.TimestampTZ), column("holds_back", types.Bool), column("explanation", types.Text),
	), []types.Type{types.Of(types.Text)}, true
}

// why explains what an object's output waits for: a row for each of its inputs,
// down to the splits of the sources, and a row without an input where the object's
// own operators wait for more than their watermark. holds_back marks the inputs whose watermark
// is the lowest of those that count.
func (db *Database) why(args []any) ([][]any, error) {
	name, _ := args[0].(string)
	snapshot := db.catalog.Snapshot()
	o, err := snapshot.Relation(ast.Name{Pos: -1, Parts: []string{name}})
	if err != nil {
		return nil, err
	}
	if o.Kind == catalog.Source {
		return db.whySource(o, o, true), nil
	}
	var rows [][]any
	seen := map[uint64]bool{}
	var walk func(o *catalog.Object, held bool)
	walk = func(o *catalog.Object, held bool) {
		if seen[o.ID] {
			return
		}
		seen[o.ID] = true
		inputs := snapshot.Dependencies(o.ID)
		if hold := db.hold(o); hold != nil {
			rows = append(rows, []any{o.Name.String(), nil, nil, watermarkTime(hold.Millis), held, explainHold(hold)})
			held = false // the inputs have gone further
		}
		lowest := db.lowest(o, inputs)
		for _, in := range inputs {
			st := db.inputState(o, in)
			holds := held && !st.idle && st.watermark == lowest
			rows = append(rows, []any{o.Name.String(), in.Name.String(), nil, watermarkTime(st.watermark), holds, db.explain(o, in, st)})
			if in.Kind == catalog.Source || db.readsVersions(o, in) {
				rows = append(rows, db.whySource(o, in, holds)...)
				continue
			}
			walk(in, holds)
		}
	}
	walk(o, true)
	if len(rows) == 0 {
		return nil, pgerr.Newf(pgerr.ObjectNotInPrerequisite, "%q reads nothing that could hold it back", name)
	}
	return rows, nil
}

// hold returns the row that keeps the output of an object from going on, nil for
// none.
func (db *Database) hold(o *catalog.Object) *exec.Hold {
	st, _ := db.engine.FlowState(o.ID)
	return st.Hold
}

func explainHold(h *exec.Hold) string {
	row := "a row at this event time"
	if h.Key != "" {
		row = fmt.Sprintf("a row of (%s) at this event time", h.Key)
	}
	return row + " waits for " + h.Waits
}

// inputState is where an input stands in event time.
type inputState struct {
	watermark int64
	idle      bool
}

// readsVersions reports whether an object joins with the versions of a table.
func (db *Database) readsVersions(o, in *catalog.Object) bool {
	return slices.Contains(db.state(o.ID).versions, in.ID)
}

// splitsID is the engine's source whose splits stand for an input.
func (db *Database) splitsID(o, in *catalog.Object) uint64 {
	if db.readsVersions(o, in) {
		return exec.VersionsID(in.ID)
	}
	return in.ID
}

func (db *Database) inputState(o, in *catalog.Object) inputState {
	if in.Kind == catalog.Table && !db.readsVersions(o, in) {
		return inputState{exec.NoWatermark, true}
	}
	if st, ok := db.engine.SourceState(db.splitsID(o, in)); ok {
		idle := len(st.Splits) > 0
		for _, s := range st.Splits {
			idle = idle && s.Idle
		}
		return inputState{st.Watermark, idle}
	}
	st, _ := db.engine.FlowState(in.ID)
	return inputState{st.Watermark, false}
}

// lowest is the smallest watermark of the inputs that are not idle.
func (db *Database) lowest(o *catalog.Object, inputs []*catalog.Object) int64 {
	low := int64(maxTimeMillis)
	for _, in := range inputs {
		if st := db.inputState(o, in); !st.idle {
			low = min(low, st.watermark)
		}
	}
	return low
}

func (db *Database) explain(o, in *catalog.Object, st inputState) string {
	if status := db.status(o); status != "running" {
		return fmt.Sprintf("%s %q is %s", o.Kind, o.Name, status)
	}
	versions := db.readsVersions(o, in)
	if st, ok := db.engine.TableState(in.ID); ok && st.Ready && st.Problem == "" && !versions {
		return "a table that is ready: it has no event time and holds nothing back"
	}
	if status := db.status(in); status != "running" && !(versions && status == "ready") {
		return fmt.Sprintf("%s %q is %s", in.Kind, in.Name, status)
	}
	switch {
	case in.Kind == catalog.Table && !versions:
		return "table: its current rows are used, it holds nothing back"
	case in.EventTime < 0:
		return fmt.Sprintf("%s %q has no event time: declare WATERMARK FOR a column of its source", in.Kind, in.Name)
	case st.idle:
		return "idle: it holds nothing back until it has rows again"
	case st.watermark == exec.NoWatermark:
		return "no watermark yet"
	}
	return "results up to this event time are final"
}

func (db *Database) whySource(o, source *catalog.Object, held bool) [][]any {
	st, _ := db.engine.SourceState(db.splitsID(o, source))
	low := int64(maxTimeMillis)
	for _, s := range st.Splits {
		if !s.Idle {
			low = min(low, s.Watermark)
		}
	}
	var rows [][]any
	for _, s := range st.Splits {
		holds := held && !s.Idle && s.Watermark == low
		rows = append(rows, []any{o.Name.String(), source.Name.String(), int64(s.Split), watermarkTime(s.Watermark), holds, explainSplit(s)})
	}
	return rows
}

func explainSplit(s exec.SplitState) string {
	lag := ""
	if s.High >= 0 && s.High > s.Position {
		lag = fmt.Sprintf("; %d records are still to be read", s.High-s.Position)
	}
	switch {
	case s.Idle && s.Watermark == exec.NoWatermark:
		return "empty: it holds nothing back" + lag
	case s.Idle:
		return "idle: no rows for the idle_timeout, so it holds nothing back" + lag
	case s.Watermark == exec.NoWatermark:
		return "no row yet: the source has no watermark until it has one or is idle" + lag
	}
	return "newest event time less the watermark's delay is " + timeOfMillis(s.Watermark).Format(time.RFC3339Nano) + lag
}
