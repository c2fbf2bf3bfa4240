package exec

import (
	"slices"

	"laminardb/exec/rowcodec"
)

// overVersion is the first byte of a snapshot.
const overVersion = 1

// Snapshot writes the Over: version, partition keys, the state of the partitions,
// watermarks, the rows that were held and the rows that wait for the watermark.
func (o *overStream) Snapshot(w *rowcodec.StateWriter) {
	w.Byte(overVersion)
	o.table.Snapshot(w)
	o.state.snapshot(w)
	writeInts(w, o.watermark, o.passed, o.perMilli)
	held := o.held[o.heldFrom:]
	w.Uvarint(uint64(len(held)))
	for _, h := range held {
		writeInts(w, h.time, int64(h.part), h.pos)
	}
	w.Uvarint(uint64(len(o.pending)))
	encoder := rowcodec.NewEncoder(o.calls.types)
	for _, p := range o.pending {
		writeBatch(w, encoder, p.rows.Slice(p.from, p.rows.Rows))
	}
}

// Restore reads what Snapshot wrote into a new operator.
func (o *overStream) Restore(r *rowcodec.StateReader) error {
	if v := r.Byte(); v != overVersion && r.Err() == nil {
		return r.Corrupt("window state version %d", v)
	}
	if err := o.table.Restore(r); err != nil {
		return err
	}
	if err := o.state.restore(r); err != nil {
		return err
	}
	if len(o.state.parts) > o.table.Bound() {
		return r.Corrupt("%d partitions of %d keys", len(o.state.parts), o.table.Bound())
	}
	readInts(r, &o.watermark, &o.passed, &o.perMilli)
	for range r.Count(maxStates) {
		var part int64
		var h heldRow
		readInts(r, &h.time, &part, &h.pos)
		if r.Err() != nil {
			return r.Err()
		}
		if part < 0 || part >= int64(len(o.state.parts)) || o.perMilli <= 0 {
			return r.Corrupt("a held row of partition %d", part)
		}
		h.part = uint32(part)
		o.held = append(o.held, h)
	}
	decoder := rowcodec.NewDecoder(o.calls.types)
	for range r.Count(maxStates) {
		rows, err := readBatch(r, decoder)
		if err != nil {
			return err
		}
		times, perMilli := timeValues(rows.Cols[o.calls.order[0]])
		if !slices.IsSorted(times) || rows.Rows == 0 || perMilli != o.perMilli {
			return r.Corrupt("rows that wait for the watermark are out of order")
		}
		o.pending = append(o.pending, &pendingRows{rows: rows, times: times})
	}
	return r.Err()
}

func (s *overState) snapshot(w *rowcodec.StateWriter) {
	rows := &s.rows
	writeInts(w, s.seq)
	w.Uvarint(uint64(len(s.parts)))
	for id := range s.parts {
		p := &s.parts[id]
		writeInts(w, p.base, p.done, p.groups, p.peer, p.order)
		for i := range s.cursors {
			c := overCursor{}
			if id < len(s.cursors[i]) {
				c = s.cursors[i][id]
			}
			writeInts(w, c.start, c.end)
		}
		w.Uvarint(uint64(len(p.slots)))
		for _, slot := range p.slots {
			writeInts(w, rows.peer[slot], rows.group[slot], rows.seq[slot])
			for i, b := range rows.bounds {
				if i == 0 {
					writeInts(w, rows.key[slot])
				}
				writeInts(w, b[slot])
			}
			w.Bytes(rows.arena.Get(rows.ref[slot]))
		}
	}
	for _, a := range s.accs {
		if a != nil {
			a.Snapshot(w)
		}
	}
}

func (s *overState) restore(r *rowcodec.StateReader) error {
	readInts(r, &s.seq)
	parts := r.Count(maxStates)
	for id := 0; id < parts && r.Err() == nil; id++ {
		s.grow(id + 1)
		if err := s.restorePart(r, id); err != nil {
			return err
		}
	}
	for _, a := range s.accs {
		if a == nil {
			continue
		}
		if err := a.Restore(r); err != nil {
			return err
		}
		a.Grow(parts)
	}
	if r.Err() != nil {
		return r.Err()
	}
	stored := make([][]byte, len(s.rows.ref))
	for i, ref := range s.rows.ref {
		stored[i] = s.rows.arena.Get(ref)
	}
	return decodable(r, rowcodec.NewDecoder(s.calls.types), stored)
}

func (s *overState) restorePart(r *rowcodec.StateReader, id int) error {
	p, rows := &s.parts[id], &s.rows
	readInts(r, &p.base, &p.done, &p.groups, &p.peer, &p.order)
	for i := range s.cursors {
		readInts(r, &s.cursors[i][id].start, &s.cursors[i][id].end)
	}
	var row []byte
	for range r.Count(maxStates) {
		slot := rows.slot(len(rows.bounds) > 0)
		p.slots = append(p.slots, slot)
		readInts(r, &rows.peer[slot], &rows.group[slot], &rows.seq[slot])
		for i := range rows.bounds {
			if i == 0 {
				readInts(r, &rows.key[slot])
			}
			readInts(r, &rows.bounds[i][slot])
		}
		row = r.Bytes(row[:0])
		rows.ref[slot], rows.stored[slot] = rows.arena.Add(row), true
		if r.Err() != nil {
			return r.Err()
		}
	}
	if r.Err() != nil {
		return r.Err()
	}
	if p.base < 0 || p.done < p.base || p.done > p.total() || p.peer < 0 || p.peer > p.total() {
		return r.Corrupt("partition %d has rows %d to %d of which %d are done", id, p.base, p.total(), p.done)
	}
	if s.ranges && p.done < p.total() {
		s.waiting[id] = true
		s.waits = append(s.waits, uint32(id))
	}
	return nil
}
