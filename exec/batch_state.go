package exec

import (
	"slices"

	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
)

// maxStates is far more panes, sessions, rows or groups than fit in memory.
const maxStates = 1<<31 - 1

// writeInts writes numbers that change in place.
func writeInts(w *rowcodec.StateWriter, list ...int64) {
	for _, v := range list {
		w.Int64(v)
	}
}

// readInts reads what writeInts wrote.
func readInts(r *rowcodec.StateReader, list ...*int64) {
	for _, v := range list {
		*v = r.Int64()
	}
}

// writeBatch writes rows with their differences and times.
func writeBatch(w *rowcodec.StateWriter, encoder *rowcodec.Encoder, b *batch.Batch) {
	writeInts(w, b.ReadAtNanos, b.ProducedAtMillis)
	w.Uvarint(uint64(b.Rows))
	w.Byte(bit(b.Diffs != nil))
	for _, d := range b.Diffs {
		w.Byte(byte(d))
	}
	var rows rowcodec.Rows
	encoder.Encode(b.Cols, b.Rows, nil, &rows)
	for i := range rows.Len() {
		w.Bytes(rows.Row(i))
	}
}

// readBatch reads what writeBatch wrote. An error is the reader's.
func readBatch(r *rowcodec.StateReader, decoder *rowcodec.Decoder) (*batch.Batch, error) {
	var readAt, producedAt int64
	readInts(r, &readAt, &producedAt)
	count := r.Count(maxStates)
	var diffs []int8
	if r.Byte() != 0 {
		for i := 0; i < count && r.Err() == nil; i++ {
			d := int8(r.Byte())
			if d != 1 && d != -1 {
				r.Corrupt("a difference of %d", d)
			}
			diffs = append(diffs, d)
		}
	}
	var rows rowcodec.Rows
	for i := 0; i < count && r.Err() == nil; i++ {
		rows.Data = r.Bytes(rows.Data)
		rows.Ends = append(rows.Ends, len(rows.Data))
	}
	if r.Err() != nil {
		return nil, r.Err()
	}
	cols, err := decoder.Rows(&rows, nil)
	if err != nil {
		return nil, r.Corrupt("stored rows: %v", err)
	}
	out := batch.New(cols, count)
	out.Diffs, out.ReadAtNanos, out.ProducedAtMillis = diffs, readAt, producedAt
	return out, nil
}

// decodable makes rows that cannot be decoded the reader's error.
func decodable(r *rowcodec.StateReader, decoder *rowcodec.Decoder, rows [][]byte) error {
	for part := range slices.Chunk(rows, batch.MaxRows) {
		if _, err := decoder.Decode(part); err != nil {
			return r.Corrupt("stored rows: %v", err)
		}
	}
	return r.Err()
}

// Snapshot writes the rows that a store holds, by chunk.
func (s *rowStore) Snapshot(w *rowcodec.StateWriter) {
	writeInts(w, s.next)
	w.Uvarint(uint64(len(s.chunks)))
	encoder := rowcodec.NewEncoder(s.types)
	for i := range s.chunks {
		c := &s.chunks[i]
		writeInts(w, c.first, int64(c.live))
		writeBatch(w, encoder, c.rows)
	}
}

// Restore reads what Snapshot wrote into an empty store.
func (s *rowStore) Restore(r *rowcodec.StateReader) error {
	readInts(r, &s.next)
	decoder := rowcodec.NewDecoder(s.types)
	end := int64(0)
	for range r.Count(maxStates) {
		var c rowChunk
		var live int64
		readInts(r, &c.first, &live)
		var err error
		if c.rows, err = readBatch(r, decoder); err != nil {
			return err
		}
		n := int64(c.rows.Rows)
		if c.first < end || c.first > s.next-n || live < 0 || live > n || n == 0 || c.rows.Diffs != nil {
			return r.Corrupt("%d stored rows from %d on", n, c.first)
		}
		c.live = int(live)
		end = c.first + n
		s.chunks = append(s.chunks, c)
		s.rows += c.rows.Rows
		s.live += c.live
	}
	return r.Err()
}

// has reports whether a row is stored.
func (s *rowStore) has(row int64) bool {
	i := s.chunkOf(row, 0)
	return i >= 0 && row < s.chunks[i].first+int64(s.chunks[i].rows.Rows)
}

// Snapshot writes the links; how they lead to each other is made again.
func (c *timeChain) Snapshot(w *rowcodec.StateWriter) {
	c.store.Snapshot(w)
	c.snapshotLinks(w)
}

func (c *timeChain) snapshotLinks(w *rowcodec.StateWriter) {
	writeInts(w, c.base, int64(c.front))
	w.Uvarint(uint64(len(c.links)))
	for i := range c.links {
		l := &c.links[i]
		writeInts(w, l.t, int64(l.key)<<1|int64(bit(l.matched)))
	}
}

// Restore reads what Snapshot wrote into a new chain of keys with ids below bound.
// Every link has its row in the store.
func (c *timeChain) Restore(r *rowcodec.StateReader, bound int) error {
	if err := c.store.Restore(r); err != nil {
		return err
	}
	if err := c.restoreLinks(r, bound); err != nil {
		return err
	}
	for i := range c.links {
		if n := c.base + int64(i); !c.store.has(n) {
			return r.Corrupt("row %d is not there", n)
		}
	}
	return nil
}

func (c *timeChain) restoreLinks(r *rowcodec.StateReader, bound int) error {
	c.grow(bound)
	var front int64
	readInts(r, &c.base, &front)
	if c.base < 0 || c.base > 1<<62 {
		return r.Corrupt("rows from %d on", c.base)
	}
	for range r.Count(maxStates) {
		var t, key int64
		readInts(r, &t, &key)
		if r.Err() != nil {
			return r.Err()
		}
		if key < 0 || key>>1 >= int64(bound) {
			return r.Corrupt("a row of key %d", key>>1)
		}
		c.link(uint32(key>>1), t)
		c.links[len(c.links)-1].matched = key&1 != 0
	}
	if front < 0 || front > int64(len(c.links)) {
		return r.Corrupt("%d of %d rows are dead", front, len(c.links))
	}
	c.front, c.checkAt = int(front), max(leastChecked, 2*len(c.links))
	return r.Err()
}

// writeTimed writes rows in the order given.
func writeTimed(w *rowcodec.StateWriter, rows []timedRow) {
	w.Uvarint(uint64(len(rows)))
	for _, e := range rows {
		writeInts(w, e.t, e.row, int64(e.key))
	}
}

// readTimed reads what writeTimed wrote: rows for which has is true, of keys with
// ids below bound.
func readTimed(r *rowcodec.StateReader, bound int, has func(row int64) bool) (rows []timedRow, err error) {
	for range r.Count(maxStates) {
		var e timedRow
		var key int64
		readInts(r, &e.t, &e.row, &key)
		if r.Err() != nil {
			return nil, r.Err()
		}
		if key < 0 || key >= int64(bound) || !has(e.row) {
			return nil, r.Corrupt("row %d of key %d waits", e.row, key)
		}
		e.key = uint32(key)
		rows = append(rows, e)
	}
	return rows, r.Err()
}

// sorted returns all rows in order.
func (q *timeQueue) sorted() []timedRow {
	var all []timedRow
	q.each(func(e *timedRow) { all = append(all, *e) })
	slices.SortFunc(all, compareTimed)
	return all
}

// Snapshot writes what each input said and what was passed on.
func (m *inputMarks) Snapshot(w *rowcodec.StateWriter) {
	for i, mark := range m.marks {
		writeInts(w, mark)
		w.Byte(bit(m.idle[i]))
		w.Byte(bit(m.ended[i]))
	}
	writeInts(w, m.current)
	w.Byte(bit(m.asleep))
}

// Restore reads what Snapshot wrote.
func (m *inputMarks) Restore(r *rowcodec.StateReader) error {
	for i := range m.marks {
		readInts(r, &m.marks[i])
		m.idle[i], m.ended[i] = r.Byte() != 0, r.Byte() != 0
	}
	readInts(r, &m.current)
	m.asleep = r.Byte() != 0
	return r.Err()
}

// Snapshot writes the event time of both inputs.
func (m *timedMarks) Snapshot(w *rowcodec.StateWriter) {
	m.in.Snapshot(w)
	for i := range m.millis {
		writeInts(w, m.millis[i])
		w.Byte(bit(m.ended[i]))
	}
	writeInts(w, m.sent)
}

// Restore reads what Snapshot wrote.
func (m *timedMarks) Restore(r *rowcodec.StateReader) error {
	if err := m.in.Restore(r); err != nil {
		return err
	}
	for i := range m.millis {
		readInts(r, &m.millis[i])
		m.ended[i] = r.Byte() != 0
	}
	readInts(r, &m.sent)
	return r.Err()
}
