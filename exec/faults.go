package exec

import (
	"fmt"
	"strings"

	"laminardb/exec/expr"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// faults decides what happens to rows whose expressions fail (division by zero,
// a bad cast, overflow).
type faults interface {
	// rows reports the failed rows of b and returns the rows that go on, nil for
	// none failed. An error ends the query or the dataflow.
	rows(b *batch.Batch, errs *expr.RowErrors) (keep []int32, err error)
	// late reports rows that came behind the watermark. b has the columns that
	// LATE DATA TO gives (see lateRows).
	late(b *batch.Batch, rows []int32)
	// untimed reports rows whose event time is NULL, which are in no window.
	untimed(b *batch.Batch, rows []int32)
}

// queryFaults fails a SELECT with its first row error, as PostgreSQL does.
type queryFaults struct{}

func (queryFaults) rows(_ *batch.Batch, errs *expr.RowErrors) ([]int32, error) {
	if errs.Len() > 0 {
		return nil, errs.First()
	}
	return nil, nil
}

func (queryFaults) late(*batch.Batch, []int32) {}

func (queryFaults) untimed(*batch.Batch, []int32) {}

// streamFaults takes failed rows out of the stream, into the dead letters.
type streamFaults struct {
	name   string
	policy OnError
	env    *Env
	stats  *OperatorStats
	// lateRows takes late rows, nil to count them only.
	lateRows *lateRows
}

func (f *streamFaults) rows(b *batch.Batch, errs *expr.RowErrors) ([]int32, error) {
	if errs.Len() == 0 {
		return nil, nil
	}
	if f.policy == OnErrorFail {
		return nil, poison{errs.First()}
	}
	failed := make([]bool, b.Rows)
	for i, row := range errs.Rows {
		if failed[row] {
			continue
		}
		failed[row] = true
		f.deadLetter(b, row, pgerr.From(errs.Errs[i]).Message)
	}
	keep := make([]int32, 0, b.Rows)
	for i, bad := range failed {
		if !bad {
			keep = append(keep, int32(i))
		}
	}
	return keep, nil
}

// poison is a failure that the same rows would lead to again.
type poison struct{ error }

// Unwrap returns the failure itself.
func (p poison) Unwrap() error { return p.error }

func (f *streamFaults) late(b *batch.Batch, rows []int32) {
	f.stats.Late.Add(int64(len(rows)))
	if f.lateRows != nil {
		f.lateRows.pending = append(f.lateRows.pending, expr.Take(b, rows))
	}
}

func (f *streamFaults) untimed(b *batch.Batch, rows []int32) {
	for _, row := range rows {
		f.deadLetter(b, row, "the event time is NULL")
	}
}

func (f *streamFaults) deadLetter(b *batch.Batch, row int32, reason string) {
	f.stats.DeadLetters.Add(1)
	if f.policy != OnErrorDeadLetter {
		return
	}
	f.env.DeadLetters.add(DeadLetter{
		At: f.env.Now(), Object: f.name, Split: -1, Offset: -1,
		Reason: reason, Value: []byte(rowText(b, int(row))),
	})
}

// rowText shows a row in a dead letter.
func rowText(b *batch.Batch, row int) string {
	parts := make([]string, len(b.Cols))
	for i, c := range b.Cols {
		if c.IsNull(row) {
			parts[i] = "NULL"
			continue
		}
		parts[i] = c.ValueStr(row)
	}
	return fmt.Sprintf("(%s)", strings.Join(parts, ", "))
}
