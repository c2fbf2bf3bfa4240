package session

import (
	"fmt"
	"strings"

	"laminardb/catalog"
	"laminardb/exec"
)

func (db *Database) objectRows() [][]any {
	var rows [][]any
	for _, o := range db.catalog.Snapshot().InCreationOrder() {
		rows = append(rows, []any{int64(o.ID), o.Name.String(), o.Kind.String(), o.SQL, db.status(o), o.CreatedAt})
	}
	return rows
}

// status says whether an object runs, and why not.
func (db *Database) status(o *catalog.Object) string {
	if p := db.state(o.ID).problem; p != nil {
		return "not started: " + p.Error()
	}
	if st, ok := db.engine.TableState(o.ID); ok {
		return tableStatus(st)
	}
	if st, ok := db.engine.SourceState(o.ID); ok {
		switch {
		case st.Problem != "":
			return "retrying: " + st.Problem
		case !st.Reading:
			return "unused"
		}
		return "running"
	}
	if st, ok := db.engine.FlowState(o.ID); ok && st.Failure != nil {
		return flowStatus(st)
	}
	return "running"
}

// flowStatus is the status of a dataflow that has failed.
func flowStatus(st exec.FlowState) string {
	switch {
	case st.Restart == nil:
		return "failed: " + st.Failure.Error()
	case st.Restart.Try == 0:
		return "restarting: " + st.Failure.Error()
	}
	return fmt.Sprintf("restarting (try %d of %d): %v", st.Restart.Try, st.Restart.Of, st.Failure)
}

func (db *Database) dependencyRows() [][]any {
	var rows [][]any
	snapshot := db.catalog.Snapshot()
	for _, o := range snapshot.InCreationOrder() {
		st, running := db.engine.FlowState(o.ID)
		for _, d := range snapshot.Dependencies(o.ID) {
			row := []any{o.Name.String(), d.Name.String(), nil, nil, nil}
			if running {
				edge := edgeOf(st, d.ID)
				row[2], row[3], row[4] = edge.Rows, edge.RowsPerSecond, edge.QueuedBytes
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// edgeOf is how a dataflow stands with an object, which it may read several times.
func edgeOf(st exec.FlowState, object uint64) exec.InputState {
	edge := exec.InputState{Object: object}
	for _, in := range st.Inputs {
		if in.Object == object {
			edge.Rows += in.Rows
			edge.RowsPerSecond += in.RowsPerSecond
			edge.QueuedBytes += in.QueuedBytes
		}
	}
	return edge
}

func (db *Database) lateRows() [][]any {
	var rows [][]any
	for _, o := range db.catalog.Snapshot().InCreationOrder() {
		if st, ok := db.engine.FlowState(o.ID); ok && o.Kind != catalog.Sink {
			rows = append(rows, []any{o.Name.String(), st.Late})
		}
	}
	return rows
}

func (db *Database) deadLetterRows() [][]any {
	letters, _ := db.env.DeadLetters.Recent()
	rows := make([][]any, len(letters))
	for i, l := range letters {
		row := []any{l.At, l.Object, nil, nil, l.Reason, nil, nil}
		if l.Split >= 0 {
			row[2], row[3] = int64(l.Split), l.Offset
		}
		if l.Key != nil {
			row[5] = l.Key
		}
		if l.Value != nil {
			row[6] = l.Value
		}
		rows[i] = row
	}
	return rows
}

func (db *Database) eventRows() [][]any {
	events := db.env.Events.Recent()
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = []any{e.At, strings.ToLower(e.Level.String()), e.Kind, nullText(e.Object), e.Message}
	}
	return rows
}

// nullText is NULL for "".
func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}
