// Package format turns records into columns and back.
//
// Nouns: Records (what a transport delivered, in Arrow's shape), Decoder,
// Decoded, Encoder, Registry (the formats by name; cmd fills one).
//
// Rule: a decoder accounts for every record: it is in Decoded's rows or in its
// rejects, never in neither.
package format

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/connectors"
	"laminardb/sql/batch"
)

// Records are N messages laid out as Arrow lays out binary columns, so that no
// object exists for a single message. The slices belong to the transport and are
// reused after Decode returns: a decoder copies what it keeps.
type Records struct {
	N int
	// Values holds the payloads end to end; record i is
	// Values[ValueEnds[i]:ValueEnds[i+1]], so ValueEnds has N+1 elements.
	Values    []byte
	ValueEnds []int32
	// NullValue marks tombstones, nil where there is none.
	NullValue []bool
	Keys      []byte
	KeyEnds   []int32
	NullKey   []bool
}

// Value returns record i's payload, nil for a tombstone.
func (r *Records) Value(i int) []byte {
	if r.NullValue != nil && r.NullValue[i] {
		return nil
	}
	return r.Values[r.ValueEnds[i]:r.ValueEnds[i+1]:r.ValueEnds[i+1]]
}

// Key returns record i's key, nil for none.
func (r *Records) Key(i int) []byte {
	if r.NullKey != nil && r.NullKey[i] {
		return nil
	}
	return r.Keys[r.KeyEnds[i]:r.KeyEnds[i+1]:r.KeyEnds[i+1]]
}

// Decoded is the outcome of one Decode. Its columns are new and never reused.
type Decoded struct {
	// Cols are the declared columns, each of Rows values.
	Cols []arrow.Array
	Rows int
	// Record gives each row's record index, nil where row i is record i (no
	// rejects, one row a record).
	Record []int32
	// Diffs is nil for plain inserts; a change-data format sets it.
	Diffs   []int8
	Rejects []Reject
}

// Reject is a record that could not be decoded.
type Reject struct {
	Record int
	Reason string
}

// Decoder turns records into the declared columns of one relation. It is used by
// one goroutine at a time and may keep buffers between calls.
type Decoder interface {
	// Decode decodes all records. It may block on a schema registry. An error
	// means that nothing was decoded and the same records can be tried again (the
	// registry is away); a record's own defect is a Reject.
	Decode(ctx context.Context, r *Records) (*Decoded, error)
}

// Encoder turns rows into record payloads for a sink.
type Encoder interface {
	// Append encodes rows [from, to) of the batch to the end of dst and appends
	// the end offset of each record to ends.
	Append(dst []byte, ends []int32, b *batch.Batch, from, to int) ([]byte, []int32, error)
}

// Format makes decoders and encoders: "avro", "json", "csv".
type Format interface {
	// NewDecoder checks the options (schema_registry_url, ..) against the declared
	// columns and reaches the registry if it needs one.
	NewDecoder(ctx context.Context, rel connectors.Relation) (Decoder, error)
	// NewEncoder returns the value encoder for a sink's columns; it checks the
	// schema's compatibility and registers it under subject (<topic>-value). cols
	// are the indexes of the batch columns that are written.
	NewEncoder(ctx context.Context, spec connectors.SinkSpec, subject string, cols []int) (Encoder, error)
}

// Registry holds the formats by their name in SQL.
type Registry map[string]Format
