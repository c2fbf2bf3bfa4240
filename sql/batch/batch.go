// Package batch is what flows: rows as Arrow columns with their differences.
//
// Nouns: Field and Schema (what a relation's rows look like, hidden columns and
// event time included), Batch (up to MaxRows rows).
//
// Rule: a Batch and its columns are immutable once handed on, so any number of
// goroutines may read one. Columns are made with Go's allocator: nobody calls
// Retain or Release, the garbage collector frees them.
package batch

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/sql/types"
)

// MaxRows is the most rows that a source puts into one batch: large enough to
// drown per-batch costs, small enough for the columns to stay in the cache.
const MaxRows = 8192

// Field is one column of a relation.
type Field struct {
	Name string
	Type types.Type
	// NotNull says that the column never holds NULL.
	NotNull bool
	// Hidden columns can be named but are not part of SELECT * and are not sent
	// to clients or sinks: implicit event time, window_start and window_end.
	Hidden bool
}

// Schema describes the rows of a relation.
type Schema struct {
	Fields []Field
	// EventTime is the index of the event-time column, -1 where there is none.
	EventTime int
}

// NewSchema returns a schema without event time.
func NewSchema(fields ...Field) *Schema { return &Schema{Fields: fields, EventTime: -1} }

// Visible returns the indexes of the columns that SELECT * gives.
func (s *Schema) Visible() []int {
	out := make([]int, 0, len(s.Fields))
	for i, f := range s.Fields {
		if !f.Hidden {
			out = append(out, i)
		}
	}
	return out
}

// Index returns the index of the column with the name, visible ones first; -1
// if there is none.
func (s *Schema) Index(name string) int {
	hidden := -1
	for i, f := range s.Fields {
		if f.Name != name {
			continue
		}
		if !f.Hidden {
			return i
		}
		hidden = i
	}
	return hidden
}

// Batch is rows in columns.
type Batch struct {
	// Cols has one array of Rows values for each field of the schema.
	Cols []arrow.Array
	Rows int
	// Diffs is +1 (the row appears) or -1 (it goes away) for each row; nil means
	// that every row appears. A changed row is its -1 followed by its +1.
	Diffs []int8
	// ReadAtNanos is the wall clock (Unix ns) at which the oldest row was read
	// from its source, 0 if unknown; it is what latency is measured from.
	ReadAtNanos int64
	// ProducedAtMillis is the oldest row's producer timestamp (Kafka's, Unix
	// ms), 0 if unknown.
	ProducedAtMillis int64
}

// New returns a batch of inserted rows. It panics if a column's length is not
// rows, which is a bug of the caller.
func New(cols []arrow.Array, rows int) *Batch {
	for i, c := range cols {
		if c.Len() != rows {
			panic(fmt.Sprintf("batch: column %d has %d rows of %d", i, c.Len(), rows))
		}
	}
	return &Batch{Cols: cols, Rows: rows}
}

// Diff returns row i's difference.
func (b *Batch) Diff(i int) int8 {
	if b.Diffs == nil {
		return 1
	}
	return b.Diffs[i]
}

// With returns a batch with b's rows, diffs and times but other columns.
func (b *Batch) With(cols []arrow.Array) *Batch {
	c := *b
	c.Cols = cols
	return &c
}

// Pick returns a batch of some of b's columns, b itself where that is all of them in
// order.
func (b *Batch) Pick(columns []int) *Batch {
	same := len(columns) == len(b.Cols)
	cols := make([]arrow.Array, len(columns))
	for i, c := range columns {
		cols[i] = b.Cols[c]
		same = same && i == c
	}
	if same {
		return b
	}
	return b.With(cols)
}

// Slice returns rows [from, to) without copying.
func (b *Batch) Slice(from, to int) *Batch {
	if from == 0 && to == b.Rows {
		return b
	}
	c := *b
	c.Rows = to - from
	c.Cols = make([]arrow.Array, len(b.Cols))
	for i, col := range b.Cols {
		c.Cols[i] = array.NewSlice(col, int64(from), int64(to))
	}
	if b.Diffs != nil {
		c.Diffs = b.Diffs[from:to]
	}
	return &c
}

// SizeBytes estimates the memory that the batch holds, for queue bounds.
func (b *Batch) SizeBytes() int64 {
	size := int64(len(b.Diffs))
	for _, c := range b.Cols {
		size += int64(c.Data().SizeInBytes())
	}
	return size
}
