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
	kept   []*laterBatch
}

func newHistory(schema *batch.Schema, limit int) *history {
	return &history{schema: schema, limit: limit}
}

func (h *history) apply(b *batch.Batch) { h.add(&laterBatch{known: b}) }

// add is apply for a batch that is made when it is looked at.
func (h *history) add(l *laterBatch) {
	if h.limit == 0 {
		return
	}
	h.kept = append(h.kept, l)
	h.rows += l.known.Rows
	drop := 0
	for h.rows-h.kept[drop].known.Rows >= h.limit {
		h.rows -= h.kept[drop].known.Rows
		h.kept[drop] = nil
		drop++
	}
	h.kept = h.kept[drop:]
}

// batches returns the last limit rows.
func (h *history) batches() []*batch.Batch {
	out := make([]*batch.Batch, len(h.kept))
	for i, l := range h.kept {
		out[i] = l.batch()
	}
	if extra := h.rows - h.limit; extra > 0 {
		out[0] = out[0].Slice(extra, out[0].Rows)
	}
	return out
}

func (h *history) rowCount() int { return min(h.rows, h.limit) }

func (h *history) sizeBytes() (n int64) {
	for _, l := range h.kept {
		n += l.sizeBytes()
	}
	return n
}

// Snapshot writes the batches, oldest first.
func (h *history) Snapshot(w *rowcodec.StateWriter) {
	encoder := rowcodec.NewEncoder(schemaTypes(h.schema))
	w.Uvarint(uint64(len(h.kept)))
	for _, l := range h.kept {
		writeBatch(w, encoder, l.batch())
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
