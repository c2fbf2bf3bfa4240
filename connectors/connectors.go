// Package connectors says what a source and a sink are to the engine.
//
// Nouns: Source (a configured external relation), Reader (one pass over its
// splits), Split (an independently ordered part: a Kafka partition), Chunk (rows
// that one poll returned), Positions (where to read on), Sink, Transactional (a
// sink that writes exactly once), Registry (the connectors by name; cmd fills one
// and passes it down).
//
// Rule: a reader never loses and never reorders a split's records, and a
// position always means "the next record to read", so that a reader opened at
// the positions of a chunk continues exactly behind it.
package connectors

import (
	"context"
	"time"

	"laminardb/sql/ast"
	"laminardb/sql/batch"
)

// Positions maps a split to the position of the next record to read.
type Positions map[int32]int64

// Clone returns a copy.
func (p Positions) Clone() Positions {
	c := make(Positions, len(p))
	for k, v := range p {
		c[k] = v
	}
	return c
}

// Relation is what CREATE SOURCE or CREATE TABLE declared.
type Relation struct {
	Name string
	// Schema holds the declared columns first, then those of Includes.
	Schema *batch.Schema
	// Declared is how many of Schema.Fields come from the record's value.
	Declared   int
	Includes   []Include
	PrimaryKey []int // indexes into Schema.Fields, nil for none
	Options    Options
}

// Include is one metadata column: INCLUDE key|partition|offset|timestamp|headers.
type Include struct {
	What   string
	Column int // index into Schema.Fields
}

// SourceConnector makes sources: "kafka", "generator".
type SourceConnector interface {
	// NewSource checks the options and connects far enough to know that the
	// source can be read. Every option must be taken: what Options.Unused
	// returns afterwards is an error of the user. It blocks for a few seconds at
	// the most; its errors are *pgerr.Error.
	NewSource(ctx context.Context, rel Relation) (Source, error)
}

// Source is one configured external relation. It is safe for use by several
// goroutines.
type Source interface {
	// Open starts a reader: at the given positions, and where a split has none,
	// at the configured start.
	Open(ctx context.Context, from Positions) (Reader, error)
	// Bounded reports whether the readers ever end.
	Bounded() bool
	Close() error
}

// Reader reads a source's splits. It is used by one goroutine at a time.
type Reader interface {
	// Poll returns the next rows, waiting at most wait for the first one and not
	// at all for more. It returns nil after an idle wait and io.EOF at the end of
	// a bounded source. The chunk belongs to the caller.
	Poll(ctx context.Context, wait time.Duration) (*Chunk, error)
	// Splits returns the current state of every assigned split, in split order.
	Splits() []SplitStatus
	Close() error
}

// SplitStatus is where a reader stands in one split.
type SplitStatus struct {
	Split    int32
	Position int64 // next record to read
	// High is the position behind the split's last record, -1 while unknown.
	High int64
	// Empty says that the split held no record when the reader was opened and
	// none came since: it cannot hold back a watermark.
	Empty bool
}

// Chunk is what one poll returned: rows of one or more splits, each split's in
// order.
type Chunk struct {
	// Batch has the relation's columns. It may have no rows, where all records
	// were rejected.
	Batch *batch.Batch
	// Splits and Offsets give each row's split and record position.
	Splits  []int32
	Offsets []int64
	// Next holds the position behind the chunk for every split that it touched,
	// rejected records included.
	Next Positions
	// Records and Bytes count what was read, rejected records included.
	Records, Bytes int64
	// SplitBytes are the Bytes of each split, nil where the connector does not know.
	SplitBytes map[int32]int64
	// Rejected are the records that could not be decoded.
	Rejected []Rejected
	// Deletes are the tombstones of a relation with a primary key, nil for none:
	// the key's columns, in the order of Relation.PrimaryKey, of rows that go away.
	// DeleteAt[i] is how many rows of Batch came before delete i.
	Deletes  *batch.Batch
	DeleteAt []int32
	// DeleteSplits, DeleteOffsets and DeleteMillis are each delete's split, record
	// position and the record's timestamp (Unix ms), nil where it has none.
	DeleteSplits  []int32
	DeleteOffsets []int64
	DeleteMillis  []int64
}

// Rejected is one record that could not become a row.
type Rejected struct {
	Split  int32
	Offset int64
	Reason string
	Key    []byte // nil for none
	Value  []byte // nil for a tombstone
}

// SinkConnector makes sinks: "kafka", "files", "blackhole".
type SinkConnector interface {
	// NewSink checks options and connects, as SourceConnector.NewSource does.
	NewSink(ctx context.Context, spec SinkSpec) (Sink, error)
}

// SinkSpec is what CREATE SINK declared.
type SinkSpec struct {
	Name string
	// ID names the sink among all sinks of all servers that write to the same place,
	// and stays the same across restarts. Only a Transactional needs it.
	ID string
	// Schema holds the visible columns of what is written.
	Schema *batch.Schema
	// Changelog says that batches may hold rows with a difference of -1; a sink
	// without an envelope for them must refuse with 0A000.
	Changelog bool
	// Key holds the columns that identify a row of a changelog, nil if unknown.
	Key     []int
	Options Options
}

// Sink takes rows. It is used by one goroutine at a time.
type Sink interface {
	// Write takes the batch over. It may buffer, and blocks when the outside is
	// slower than the dataflow.
	Write(ctx context.Context, b *batch.Batch) error
	// Flush returns when everything written so far is acknowledged outside, or
	// with the first failure since the last Flush.
	Flush(ctx context.Context) error
	Close() error
}

// Registry holds the connectors by their name in SQL. It is filled by cmd before
// the server starts and not changed afterwards.
type Registry struct {
	Sources map[string]SourceConnector
	Sinks   map[string]SinkConnector
}

// NewOptions turns the options of a statement into Options.
func NewOptions(opts []ast.Option) Options {
	o := Options{values: make(map[string]ast.Option, len(opts)), used: map[string]bool{}}
	for _, opt := range opts {
		o.values[opt.Name] = opt
		o.order = append(o.order, opt.Name)
	}
	return o
}
