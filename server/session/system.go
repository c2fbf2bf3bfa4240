package session

import (
	"context"

	"laminardb/catalog"
	"laminardb/exec"
	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// systemSchema holds the relations that show what the server does.
const systemSchema = "laminar"

// systemTable is a virtual relation.
type systemTable struct {
	columns []batch.Field
	rows    func(db *Database) [][]any
}

func column(name string, k types.Kind) batch.Field {
	return batch.Field{Name: name, Type: types.Of(k)}
}

// systemTables are the relations of schema laminar, by name.
func systemTables() map[string]systemTable {
	return map[string]systemTable{
		"objects": {[]batch.Field{
			column("id", types.Int64), column("name", types.Text), column("kind", types.Text),
			column("definition", types.Text), column("status", types.Text), column("created_at", types.TimestampTZ),
		}, (*Database).objectRows},
		"dependencies": {[]batch.Field{
			column("object", types.Text), column("depends_on", types.Text),
		}, (*Database).dependencyRows},
		"sources": {[]batch.Field{
			column("name", types.Text), column("status", types.Text), column("records", types.Int64),
			column("rows", types.Int64), column("bytes", types.Int64), column("rejected", types.Int64),
			column("watermark", types.TimestampTZ), column("readers", types.Int64),
		}, (*Database).sourceRows},
		"source_splits": {[]batch.Field{
			column("source", types.Text), column("split", types.Int64), column("position", types.Int64),
			column("high", types.Int64), column("lag", types.Int64), column("watermark", types.TimestampTZ), column("idle", types.Bool),
		}, (*Database).splitRows},
		"streams": {[]batch.Field{
			column("name", types.Text), column("kind", types.Text), column("status", types.Text),
			column("rows_in", types.Int64), column("rows_out", types.Int64), column("late_rows", types.Int64),
			column("dead_letters", types.Int64), column("watermark", types.TimestampTZ),
			column("stored_rows", types.Int64), column("stored_bytes", types.Int64), column("queued_bytes", types.Int64),
		}, (*Database).streamRows},
		"late_rows": {[]batch.Field{
			column("name", types.Text), column("late_rows", types.Int64),
		}, (*Database).lateRows},
		"dead_letters": {[]batch.Field{
			column("at", types.TimestampTZ), column("object", types.Text), column("partition", types.Int64),
			column("offset", types.Int64), column("reason", types.Text), column("key", types.Bytea), column("value", types.Bytea),
		}, (*Database).deadLetterRows},
	}
}

// systemRelation returns the virtual relation with the name, nil if there is none.
func systemRelation(name ast.Name) *planner.Relation {
	if len(name.Parts) < 2 || name.Parts[len(name.Parts)-2] != systemSchema {
		return postgresRelation(name)
	}
	t, ok := systemTables()[name.Last()]
	if !ok {
		return nil
	}
	return &planner.Relation{Name: systemSchema + "." + name.Last(), Kind: "system", Schema: batch.NewSchema(t.columns...)}
}

// system implements exec.System.
func (db *Database) system(_ context.Context, scan *plan.Scan) (*batch.Batch, error) {
	if scan.Name == systemSchema+".why" {
		rows, err := db.why(scan.Args)
		if err != nil {
			return nil, err
		}
		return rowsBatch(scan.Schema(), rows)
	}
	t, ok := systemTables()[scan.Name[len(systemSchema)+1:]]
	if !ok {
		return nil, pgerr.Newf(pgerr.UndefinedTable, "relation %q does not exist", scan.Name)
	}
	return rowsBatch(scan.Schema(), t.rows(db))
}

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
		return "failed: " + st.Failure.Error()
	}
	return "running"
}

func (db *Database) dependencyRows() [][]any {
	var rows [][]any
	snapshot := db.catalog.Snapshot()
	for _, o := range snapshot.InCreationOrder() {
		for _, d := range snapshot.Dependencies(o.ID) {
			rows = append(rows, []any{o.Name.String(), d.Name.String()})
		}
	}
	return rows
}

func (db *Database) sourceRows() [][]any {
	var rows [][]any
	for _, o := range db.readers() {
		st := db.readerState(o)
		rows = append(rows, []any{
			o.Name.String(), db.status(o), st.Records, st.Rows, st.Bytes, st.Rejected,
			watermarkTime(st.Watermark), st.Passes,
		})
	}
	return rows
}

func (db *Database) splitRows() [][]any {
	var rows [][]any
	for _, o := range db.readers() {
		st := db.readerState(o)
		for _, s := range st.Splits {
			var high, lag any
			if s.High >= 0 {
				high, lag = s.High, max(0, s.High-s.Position)
			}
			rows = append(rows, []any{o.Name.String(), int64(s.Split), s.Position, high, lag, watermarkTime(s.Watermark), s.Idle})
		}
	}
	return rows
}

func (db *Database) streamRows() [][]any {
	var rows [][]any
	for _, o := range db.catalog.Snapshot().InCreationOrder() {
		if o.Kind == catalog.Source || o.Kind == catalog.Table {
			continue
		}
		st, _ := db.engine.FlowState(o.ID)
		rows = append(rows, []any{
			o.Name.String(), o.Kind.String(), db.status(o), st.RowsIn, st.RowsOut, st.Late, st.DeadLetters,
			watermarkTime(st.Watermark), st.StoredRows, st.StoredBytes, st.QueuedBytes,
		})
	}
	return rows
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

// watermarkTime is a watermark as a timestamp, nil before the first and at the
// end of a bounded input.
func watermarkTime(millis int64) any {
	if millis == exec.NoWatermark || millis > maxTimeMillis {
		return nil
	}
	return timeOfMillis(millis)
}
