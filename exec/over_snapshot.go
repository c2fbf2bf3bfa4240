package exec

import (
	"fmt"

	"laminardb/exec/expr"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
)

// overVersion is the first byte of a snapshot.
const overVersion = 1

// maxOverRows is far more rows or partitions than fit in memory.
const maxOverRows = 1<<31 - 1

// Snapshot writes the Over: version, partition keys, the state of the partitions,
// watermarks, the rows that were held and the rows that wait for the watermark.
func (o *overStream) Snapshot(w *rowcodec.StateWriter) {
	w.Byte(overVersion)
	o.table.Snapshot(w)
	o.state.snapshot(w)
	for _, v := range []int64{o.watermark, o.passed, o.perMilli} {
		w.Varint(v)
	}
	held := o.held[o.heldFrom:]
	w.Uvarint(uint64(len(held)))
	for _, h := range held {
		w.Varint(h.time)
		w.Uvarint(uint64(h.part))
		w.Varint(h.pos)
	}
	var rows rowcodec.Rows
	encoder := rowcodec.NewEncoder(o.calls.types)
	for _, p := range o.pending {
		part := p.rows.Slice(p.from, p.rows.Rows)
		encoder.Encode(part.Cols, part.Rows, nil, &rows)
	}
	w.Uvarint(uint64(rows.Len()))
	for i := range rows.Len() {
		w.Bytes(rows.Row(i))
	}
}

// Restore replaces the content of a fresh Over by a snapshot's.
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
	o.watermark, o.passed, o.perMilli = r.Varint(), r.Varint(), r.Varint()
	for range r.Count(maxOverRows) {
		h := heldRow{r.Varint(), uint32(r.Count(len(o.state.parts))), r.Varint()}
		if r.Err() == nil && int(h.part) >= len(o.state.parts) {
			return r.Corrupt("a held row of partition %d", h.part)
		}
		if r.Err() != nil {
			return r.Err()
		}
		o.held = append(o.held, h)
	}
	var rows rowcodec.Rows
	for range r.Count(maxOverRows) {
		rows.Append(r.Bytes(nil))
		if r.Err() != nil {
			return r.Err()
		}
	}
	if r.Err() != nil || rows.Len() == 0 {
		return r.Err()
	}
	cols, err := rowcodec.NewDecoder(o.calls.types).Rows(&rows, nil)
	if err != nil {
		return fmt.Errorf("reading rows that wait for the watermark: %w", err)
	}
	all := batch.New(cols, rows.Len())
	times, _ := timeValues(cols[o.calls.order[0]])
	order := make([]int32, len(times))
	for i := range order {
		order[i] = int32(i)
	}
	sortByTime(order, times)
	all = expr.Take(all, order)
	times, _ = timeValues(all.Cols[o.calls.order[0]])
	o.pending = []*pendingRows{{rows: all, times: times}}
	return nil
}

func (s *overState) snapshot(w *rowcodec.StateWriter) {
	rows := &s.rows
	w.Varint(s.seq)
	w.Uvarint(uint64(len(s.parts)))
	for id := range s.parts {
		p := &s.parts[id]
		for _, v := range []int64{p.base, p.done, p.groups, p.peer, p.order} {
			w.Varint(v)
		}
		for i := range s.cursors {
			c := overCursor{}
			if id < len(s.cursors[i]) {
				c = s.cursors[i][id]
			}
			w.Varint(c.start)
			w.Varint(c.end)
		}
		w.Uvarint(uint64(len(p.slots)))
		for _, slot := range p.slots {
			w.Varint(rows.peer[slot])
			w.Varint(rows.group[slot])
			w.Varint(rows.seq[slot])
			for i, b := range rows.bounds {
				if i == 0 {
					w.Varint(rows.key[slot])
				}
				w.Varint(b[slot])
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
	rows := &s.rows
	s.seq = r.Varint()
	parts := r.Count(maxOverRows)
	var row []byte
	for id := 0; id < parts && r.Err() == nil; id++ {
		s.grow(id + 1)
		p := &s.parts[id]
		p.base, p.done, p.groups, p.peer, p.order = r.Varint(), r.Varint(), r.Varint(), r.Varint(), r.Varint()
		for i := range s.cursors {
			s.cursors[i][id] = overCursor{r.Varint(), r.Varint()}
		}
		for range r.Count(maxOverRows) {
			slot := rows.slot(len(rows.bounds) > 0)
			p.slots = append(p.slots, slot)
			rows.peer[slot], rows.group[slot], rows.seq[slot] = r.Varint(), r.Varint(), r.Varint()
			for i := range rows.bounds {
				if i == 0 {
					rows.key[slot] = r.Varint()
				}
				rows.bounds[i][slot] = r.Varint()
			}
			row = r.Bytes(row[:0])
			rows.ref[slot], rows.stored[slot] = rows.arena.Add(row), true
			if r.Err() != nil {
				return r.Err()
			}
		}
		if s.ranges && p.done < p.total() {
			s.waiting[id] = true
			s.waits = append(s.waits, uint32(id))
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
	return r.Err()
}
