package session

import (
	"time"

	"laminardb/catalog"
	"laminardb/exec"
	"laminardb/sql/ast"
)

func (db *Database) sourceRows() [][]any {
	var rows [][]any
	for _, o := range db.readers() {
		st := db.readerState(o)
		rows = append(rows, []any{
			o.Name.String(), db.status(o), st.Records, st.Rows, st.Bytes, st.Rejected, watermarkTime(st.Watermark),
			st.Passes, st.RowsPerSecond, lagOf(st), st.BytesPerSecond, st.Blocked,
		})
	}
	return rows
}

// lagOf is how many records are still to be read, nil while that is not known.
func lagOf(st exec.SourceState) any {
	lag := int64(0)
	for _, s := range st.Splits {
		if s.High < 0 {
			return nil
		}
		lag += max(0, s.High-s.Position)
	}
	if len(st.Splits) == 0 {
		return nil
	}
	return lag
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
			rows = append(rows, []any{
				o.Name.String(), int64(s.Split), s.Position, high, lag, watermarkTime(s.Watermark), s.Idle,
				s.Rows, s.Bytes, s.Rejected,
			})
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
		row := []any{
			o.Name.String(), o.Kind.String(), db.status(o), st.RowsIn, st.RowsOut, st.Late, st.DeadLetters,
			watermarkTime(st.Watermark), st.StoredRows, st.StoredBytes, st.QueuedBytes,
			st.RowsInPerSecond, st.RowsOutPerSecond,
		}
		row = append(append(row, latencyColumns(st.Latency)...), latencyColumns(st.Production)...)
		rows = append(rows, append(row, st.StateBytes, st.StateKeys, st.QueuedMessages, st.Blocked, db.watermarkLag(st.Watermark), st.Restarts))
	}
	return rows
}

// latencyColumns are p50, p99 and max in milliseconds, NULL where no row came out
// during the last minute.
func latencyColumns(st exec.LatencyState) []any {
	if st.Rows == 0 {
		return []any{nil, nil, nil}
	}
	return []any{millis(st.P50), millis(st.P99), millis(st.Max)}
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// watermarkLag is how many milliseconds of wall clock the watermark is behind, NULL
// without one.
func (db *Database) watermarkLag(millis int64) any {
	if watermarkTime(millis) == nil {
		return nil
	}
	return db.config.Now().UnixMilli() - millis
}

func (db *Database) sinkRows() [][]any {
	var rows [][]any
	for _, o := range db.catalog.Snapshot().OfKind(catalog.Sink) {
		st, running := db.engine.FlowState(o.ID)
		about := db.state(o.ID).sink
		row := []any{
			o.Name.String(), db.status(o), nullText(about.connector), nullText(about.topic), nullText(about.delivery),
			nil, nil, nil, nil, nil, nil, nil,
		}
		if running {
			row[5], row[7] = st.RowsOut, st.RowsOutPerSecond
			if st.Sink.Bytes >= 0 {
				row[6] = st.Sink.Bytes
			}
			row[11] = nullText(st.Sink.Problem)
			if st.Sink.Outbox {
				row[8], row[9] = st.Sink.PendingRows, st.Sink.PendingBytes
			}
			if st.Sink.Committed > 0 {
				row[10] = st.Sink.Committed
			}
			if st.Failure != nil {
				row[11] = st.Failure.Error()
			}
		}
		rows = append(rows, row)
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

// sinkState is what laminar.sinks says of a sink beyond its catalog entry; ""
// where the connector has no such thing.
type sinkState struct{ connector, topic, delivery string }

func sinkOf(s *ast.CreateSink) sinkState {
	st := sinkState{connector: s.Connector}
	for _, o := range s.Options {
		switch o.Name {
		case "topic":
			st.topic = o.Value
		case "delivery":
			st.delivery = o.Value
		}
	}
	if st.topic != "" && st.delivery == "" {
		st.delivery = "at_least_once"
	}
	return st
}
