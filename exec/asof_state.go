package exec

import (
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
)

// collect drops the right rows that no left row can match any more (A2), the keys
// without rows, and the memory of left rows that have left.
func (j *asofJoin) collect() error {
	oldest := j.oldest()
	if j.right.store.rows >= j.right.checkAt {
		if err := j.dropRight(oldest); err != nil {
			return err
		}
	}
	if j.left.rows > leastChecked && j.left.rows > 4*j.left.live {
		if err := j.packLeft(); err != nil {
			return err
		}
	}
	if j.table.Len() < j.keysAt {
		return nil
	}
	used := make([]bool, j.table.Bound())
	mark := func(r *timedRow) { used[r.key] = true }
	j.queue.each(mark)
	j.arrived.each(mark)
	for i := range j.waiting {
		mark(&j.waiting[i])
	}
	dropKeys(j.table, func(id uint32) bool { return used[id] || j.right.heads[id] >= j.right.base })
	j.keysAt = max(leastChecked, 2*j.table.Len())
	return nil
}

// dropRight keeps the right rows that a left row of the time oldest or later can
// match. Looking back, of the rows at or before what such a row looks at only the
// latest of each key can.
func (j *asofJoin) dropRight(oldest int64) error {
	dead := int64(math.MinInt64)
	if j.low != plan.NoLow {
		dead = plus(oldest, j.low)
	}
	settled := int64(math.MinInt64)
	var best []int64
	if j.direction != plan.AsofForward {
		settled = oldest
		if j.direction == plan.AsofBackward || j.high < 0 {
			settled = plus(oldest, j.high)
		}
		best = make([]int64, len(j.right.heads))
		for key := range best {
			best[key], _ = j.right.latest(uint32(key), settled)
		}
		if err := j.dropDeleted(best); err != nil {
			return err
		}
	}
	return j.retain(func(link int64, l *timeLink) bool {
		return l.t >= dead && (best == nil || l.t > settled || best[l.key] == link)
	})
}

// dropDeleted takes those versions out of best by which a row is deleted: no version
// at all says the same.
func (j *asofJoin) dropDeleted(best []int64) error {
	if j.deleted < 0 {
		return nil
	}
	var keys []int
	var rows []int64
	for key, link := range best {
		if link != nullRow {
			keys, rows = append(keys, key), append(rows, j.rows[link])
		}
	}
	for from := 0; from < len(rows); from += batch.MaxRows {
		to := min(from+batch.MaxRows, len(rows))
		b, err := j.right.store.take(rows[from:to])
		if err != nil {
			return err
		}
		deleted := b.Cols[j.deleted].(*array.Boolean)
		for i := range to - from {
			if deleted.Value(i) {
				best[keys[from+i]] = nullRow
			}
		}
	}
	return nil
}

// retain keeps the chained rows that are live and those that are not chained yet,
// if that gives up half of all.
func (j *asofJoin) retain(live func(link int64, l *timeLink) bool) error {
	c := &j.right
	var links []int
	var rows []int64
	for i := range c.links {
		if live(int64(i), &c.links[i]) {
			links, rows = append(links, i), append(rows, j.rows[i])
		}
	}
	j.arrived.each(func(r *timedRow) { rows = append(rows, r.row) })
	c.checkAt = max(leastChecked, 2*len(rows))
	if len(rows) > c.store.rows/2 {
		return nil
	}
	slices.Sort(rows)
	if err := c.store.rebuild(rows); err != nil {
		return err
	}
	renumber := func(row int64) int64 {
		at, _ := slices.BinarySearch(rows, row)
		return int64(at)
	}
	j.arrived.each(func(r *timedRow) { r.row = renumber(r.row) })
	old, oldRows := c.links, j.rows
	c.reset(2 * len(links))
	j.rows = make([]int64, 0, 2*len(links))
	for _, i := range links {
		c.link(old[i].key, old[i].t)
		j.rows = append(j.rows, renumber(oldRows[i]))
	}
	return nil
}

// packLeft copies the left rows that wait, so that the batches in which few do
// can be given up.
func (j *asofJoin) packLeft() error {
	var rows []int64
	note := func(r *timedRow) { rows = append(rows, r.row) }
	each := func(f func(*timedRow)) {
		j.queue.each(f)
		for i := range j.waiting {
			f(&j.waiting[i])
		}
	}
	each(note)
	slices.Sort(rows)
	if err := j.left.rebuild(rows); err != nil {
		return err
	}
	each(func(r *timedRow) {
		at, _ := slices.BinarySearch(rows, r.row)
		r.row = int64(at)
	})
	return nil
}

// Snapshot writes the rows of both sides, what of the right is chained, and what
// waits for what.
func (j *asofJoin) Snapshot(w *rowcodec.StateWriter) {
	j.marks.Snapshot(w)
	j.table.Snapshot(w)
	j.right.Snapshot(w)
	w.Uvarint(uint64(len(j.rows)))
	writeInts(w, j.rows...)
	writeTimed(w, j.arrived.sorted())
	j.left.Snapshot(w)
	writeTimed(w, j.queue.sorted())
	writeTimed(w, j.waiting)
}

// Restore reads what Snapshot wrote into a new operator.
func (j *asofJoin) Restore(r *rowcodec.StateReader) error {
	if err := j.marks.Restore(r); err != nil {
		return err
	}
	if err := j.table.Restore(r); err != nil {
		return err
	}
	bound := j.table.Bound()
	if err := j.restoreRight(r, bound); err != nil {
		return err
	}
	if err := j.left.Restore(r); err != nil {
		return err
	}
	queue, err := readTimed(r, bound, j.left.has)
	if err != nil {
		return err
	}
	j.queue.add(queue)
	j.waiting, err = readTimed(r, bound, j.left.has)
	j.keysAt = max(leastChecked, 2*j.table.Len())
	return err
}

func (j *asofJoin) restoreRight(r *rowcodec.StateReader, bound int) error {
	if err := j.right.store.Restore(r); err != nil {
		return err
	}
	if err := j.right.restoreLinks(r, bound); err != nil {
		return err
	}
	if j.right.base != 0 || r.Count(maxStates) != len(j.right.links) && r.Err() == nil {
		return r.Corrupt("%d right rows from %d on", len(j.right.links), j.right.base)
	}
	for range j.right.links {
		row := r.Int64()
		if r.Err() == nil && !j.right.store.has(row) {
			return r.Corrupt("right row %d is not there", row)
		}
		j.rows = append(j.rows, row)
	}
	arrived, err := readTimed(r, bound, j.right.store.has)
	j.arrived.add(arrived)
	return err
}
