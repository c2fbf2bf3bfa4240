package exec

import "laminardb/sql/batch"

// history keeps the most recent rows of an append-only object, whole batches at
// a time: between limit and limit + batch.MaxRows rows once it is full.
type history struct {
	limit int
	rows  int
	kept  []*batch.Batch
}

func newHistory(limit int) *history { return &history{limit: limit} }

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
