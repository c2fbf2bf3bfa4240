package kafka

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/sql/batch"
)

// chunk makes the drained records and their decoded columns into a chunk that
// shares nothing with C memory.
func (r *reader) chunk(d *format.Decoded, gone *deletes) *connectors.Chunk {
	b := r.batch
	c := &connectors.Chunk{
		Splits:  pick(b.partitions, d.Record, d.Rows),
		Offsets: pick(b.offsets, d.Record, d.Rows),
		Records: int64(b.records.N),
		Bytes:   int64(len(b.records.Values) + len(b.records.Keys)),
	}
	c.Next, c.SplitBytes = r.advance()
	if gone.keys != nil {
		c.Deletes, c.DeleteAt = gone.keys, gone.places(d.Record, d.Rows)
		n := len(gone.records)
		c.DeleteSplits, c.DeleteOffsets = pick(b.partitions, gone.records, n), pick(b.offsets, gone.records, n)
		c.DeleteMillis = pick(b.timestamps, gone.records, n)
	}
	for _, rej := range gone.rejects {
		c.Rejected = append(c.Rejected, connectors.Rejected{
			Split:  b.partitions[rej.Record],
			Offset: b.offsets[rej.Record],
			Reason: rej.Reason,
			Key:    bytes.Clone(b.records.Key(rej.Record)),
			Value:  bytes.Clone(b.records.Value(rej.Record)),
		})
	}
	cols := make([]arrow.Array, len(r.src.rel.Schema.Fields))
	copy(cols, d.Cols)
	for _, inc := range r.src.includes {
		cols[inc.column] = inc.build(b, d.Record, d.Rows)
	}
	c.Batch = batch.New(cols, d.Rows)
	c.Batch.Diffs = d.Diffs
	c.Batch.ReadAtNanos = r.src.now().UnixNano()
	c.Batch.ProducedAtMillis = max(b.oldest, 0)
	r.reachEnds()
	for p := range c.Next {
		c.Next[p] = r.splits[p].position
	}
	return c
}

// pick copies the values of the rows' records; record nil means that row i is
// record i.
func pick[T any](values []T, record []int32, rows int) []T {
	out := make([]T, rows)
	if record == nil {
		copy(out, values)
		return out
	}
	for i, rec := range record[:rows] {
		out[i] = values[rec]
	}
	return out
}
