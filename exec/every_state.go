package exec

import "laminardb/exec/rowcodec"

// Snapshot writes the changes that have not left and the watermark that waits for
// them. The time of the next tick starts anew.
func (e *every) Snapshot(w *rowcodec.StateWriter) {
	writeInts(w, e.held, e.readAt, e.producedAt)
	e.table.Snapshot(w)
	for _, refs := range [][]uint64{e.before, e.after} {
		for _, ref := range refs[:e.table.Bound()] {
			if ref == noRow {
				w.Byte(0)
				continue
			}
			w.Byte(1)
			w.Bytes(e.arena.Get(ref))
		}
	}
}

// Restore reads what Snapshot wrote into a new operator.
func (e *every) Restore(r *rowcodec.StateReader) error {
	readInts(r, &e.held, &e.readAt, &e.producedAt)
	if err := e.table.Restore(r); err != nil {
		return err
	}
	var row []byte
	for _, refs := range []*[]uint64{&e.before, &e.after} {
		for range e.table.Bound() {
			ref := uint64(noRow)
			if r.Byte() != 0 {
				row = r.Bytes(row[:0])
				ref = e.arena.Add(row)
			}
			if r.Err() != nil {
				return r.Err()
			}
			*refs = append(*refs, ref)
		}
	}
	if err := decodable(r, e.decoder, e.stored()); err != nil {
		return err
	}
	if e.table.Len() > 0 || e.held != NoWatermark {
		e.next = e.now().Add(e.interval)
	}
	return r.Err()
}

// stored returns all rows.
func (e *every) stored() (rows [][]byte) {
	for _, refs := range [][]uint64{e.before, e.after} {
		for _, ref := range refs {
			if ref != noRow {
				rows = append(rows, e.arena.Get(ref))
			}
		}
	}
	return rows
}
