package exec

import (
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
)

// history keeps the most recent rows of an append-only object, whole batches at
// a time: between limit and limit + batch.MaxRows rows once it is full.
type history struct {
	schema *batch.Schema
	limit  int
	rows   int
	kept   []*batch.Batch
}

func newHistory(schema *batch.Schema, limit int) *history {
	return &history{schema: schema, limit: limit}
}

func (h *history) apply(b *batch.Batch) {
	if h.limit == 0 {
		return
	}
	h.kept = append(h.kept, b)
	h.rows += b.Rows
	drop := 0
	for h.rows-h.kept[drop].Rows >= h.limit {
		h.rows -= h.kept[drop].Rows
		h.kept[drop] = nil
		drop++
	}
	h.kept = h.kept[drop:]
}

// batches returns the last limit rows.
func (h *history) batches() []*batch.Batch {
	out := append([]*batch.Batch(nil), h.kept...)
	if extra := h.rows - h.limit; extra > 0 {
		out[0] = out[0].Slice(extra, out[0].Rows)
	}
	return out
}

func (h *history) rowCount() int { return min(h.rows, h.limit) }

func (h *history) sizeBytes() (n int64) {
	for _, b := range h.kept {
		n += b.SizeBytes()
	}
	return n
}

// Snapshot writes the batches, oldest first.
func (h *history) Snapshot(w *rowcodec.StateWriter) {
	encoder := rowcodec.NewEncoder(schemaTypes(h.schema))
	w.Uvarint(uint64(len(h.kept)))
	for _, b := range h.kept {
		writeBatch(w, encoder, b)
	}
}

// Restore reads what Snapshot wrote, perhaps with another limit.
func (h *history) Restore(r *rowcodec.StateReader) error {
	decoder := rowcodec.NewDecoder(schemaTypes(h.schema))
	for range r.Count(maxStates) {
		b, err := readBatch(r, decoder)
		if err != nil {
			return err
		}
		if b.Rows == 0 {
			return r.Corrupt("a batch without rows")
		}
		h.apply(b)
	}
	return r.Err()
}
