package agg

import (
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/sql/types"
)

// distinct gives an aggregate each combination of arguments once per group: when
// its first row comes and, taken back, when its last row goes.
type distinct struct {
	inner  Accumulator
	args   int              // the first columns of an entry that are arguments; the others are ORDER BY's
	sorted bool             // ORDER BY's columns and then the arguments order the values, as in PostgreSQL
	table  *hashtable.Table // (group, arguments, sort columns) -> entry
	counts []int64          // by entry: how many rows it has
	links  []link           // by entry: its group's list, in order of arrival
	groups []link           // by group: the list's first (next) and last (prev) entry
	ids    []uint32
}

// link chains entries; an entry is stored + 1, 0 for none.
type link struct{ prev, next uint32 }

// newDistinct wraps the aggregate that s names.
func newDistinct(s Spec) (Accumulator, error) {
	ts := append([]types.Type{types.Of(types.Int64)}, s.Args...)
	for _, k := range s.OrderBy {
		ts = append(ts, k.Type)
	}
	d := &distinct{args: len(s.Args), table: hashtable.New(ts)}
	s.Distinct = false
	switch s.Func {
	case "array_agg", "string_agg", "json_agg", "json_object_agg", "first_value", "last_value":
		d.sorted = true
		s.OrderBy = slices.Clone(s.OrderBy)
		for _, t := range s.Args {
			s.OrderBy = append(s.OrderBy, rowcodec.OrderKey{Type: t})
		}
	}
	var err error
	d.inner, err = newOne(&s)
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (d *distinct) Grow(groups int) {
	d.inner.Grow(groups)
	if n := groups - len(d.groups); n > 0 {
		d.groups = append(d.groups, make([]link, n)...)
	}
}

func (d *distinct) Update(in *Input) {
	n := len(in.IDs)
	if n == 0 {
		return
	}
	cols := append([]arrow.Array{groupColumn(in.IDs)}, in.Args...)
	cols = append(cols, in.Sort...)
	if cap(d.ids) < n {
		d.ids = make([]uint32, n)
	}
	d.ids = d.ids[:n]
	d.table.Lookup(cols, n, nil, d.ids)
	d.growEntries()
	var changed Input
	var entries []uint32
	for i, entry := range d.ids {
		before := d.counts[entry]
		d.counts[entry] += in.diff(i)
		d.chain(entry, in.IDs[i])
		if sign := step(before, d.counts[entry]); sign != 0 {
			entries = append(entries, entry)
			changed.IDs = append(changed.IDs, in.IDs[i])
			changed.Diffs = append(changed.Diffs, sign)
			if in.Order != nil {
				changed.Order = append(changed.Order, in.Order[i])
			}
		}
	}
	d.pass(&changed, entries)
	d.drop(d.ids)
}

// step is what a change of the count means to the aggregate.
func step(before, after int64) int8 {
	switch {
	case before <= 0 && after > 0:
		return 1
	case before > 0 && after <= 0:
		return -1
	}
	return 0
}

// pass hands the entries to the aggregate.
func (d *distinct) pass(changed *Input, entries []uint32) {
	if len(entries) == 0 {
		return
	}
	cols := d.table.Keys(entries)
	changed.Args, changed.Sort = cols[1:1+d.args], cols[1+d.args:]
	if d.sorted {
		changed.Sort = slices.Concat(changed.Sort, changed.Args)
	}
	only := true
	for _, diff := range changed.Diffs {
		only = only && diff > 0
	}
	if only {
		changed.Diffs = nil
	}
	d.inner.Update(changed)
}

func (d *distinct) growEntries() {
	if n := d.table.Bound() - len(d.counts); n > 0 {
		d.counts = append(d.counts, make([]int64, n)...)
		d.links = append(d.links, make([]link, n)...)
	}
}

// chain appends the entry to its group's list unless it is there.
func (d *distinct) chain(entry, group uint32) {
	g := &d.groups[group]
	if d.links[entry].prev != 0 || g.next == entry+1 {
		return
	}
	d.links[entry] = link{prev: g.prev}
	if g.prev != 0 {
		d.links[g.prev-1].next = entry + 1
	} else {
		g.next = entry + 1
	}
	g.prev = entry + 1
}

// unchain takes the entry out of its group's list.
func (d *distinct) unchain(entry, group uint32) {
	l, g := d.links[entry], &d.groups[group]
	if l.prev != 0 {
		d.links[l.prev-1].next = l.next
	} else {
		g.next = l.next
	}
	if l.next != 0 {
		d.links[l.next-1].prev = l.prev
	} else {
		g.prev = l.prev
	}
	d.links[entry] = link{}
}

// drop deletes those of the entries that no row has any more.
func (d *distinct) drop(entries []uint32) {
	var gone []uint32
	for _, e := range entries {
		if d.counts[e] == 0 {
			gone = append(gone, e)
		}
	}
	if len(gone) == 0 {
		return
	}
	groups := d.table.Keys(gone)[0]
	col := rowcodec.View(types.Of(types.Int64), groups)
	deleted := gone[:0]
	for i, g := range fixed[int64](&col, len(gone)) {
		e := gone[i]
		if d.counts[e] != 0 { // it was in the batch twice and is marked
			continue
		}
		d.counts[e] = -1 << 62
		d.unchain(e, uint32(g))
		deleted = append(deleted, e)
	}
	d.table.Delete(deleted)
	for _, e := range deleted {
		d.counts[e] = 0
	}
}

func (d *distinct) Merge(from Accumulator, fromIDs, toIDs []uint32) {
	other := from.(*distinct)
	for i, id := range fromIDs {
		entries := other.entriesOf(id)
		if len(entries) == 0 {
			continue
		}
		cols := other.table.Keys(entries)
		for j, e := range entries {
			d.addRows(toIDs[i], cols, j, other.counts[e])
		}
	}
}

// addRows adds n rows like row j of an entry's columns to a group.
func (d *distinct) addRows(to uint32, cols []arrow.Array, j int, n int64) {
	cols[0] = groupColumn(repeat(to, cols[0].Len()))
	var id [1]uint32
	d.table.Lookup(cols, 1, []int32{int32(j)}, id[:])
	d.growEntries()
	e := id[0]
	before := d.counts[e]
	d.counts[e] += n
	d.chain(e, to)
	if sign := step(before, d.counts[e]); sign != 0 {
		d.pass(&Input{IDs: []uint32{to}, Diffs: []int8{sign}}, id[:])
	}
	d.drop(id[:])
}

func repeat(id uint32, n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = id
	}
	return out
}

func (d *distinct) entriesOf(group uint32) []uint32 {
	var out []uint32
	for e := d.groups[group].next; e != 0; e = d.links[e-1].next {
		out = append(out, e-1)
	}
	return out
}

// groupColumn makes a bigint column of group ids.
func groupColumn(ids []uint32) arrow.Array {
	raw := make([]byte, 0, 8*len(ids))
	for _, id := range ids {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(id))
	}
	return (&rowcodec.Validity{}).Array(types.Of(types.Int64), len(ids), raw)
}

func (d *distinct) Result(ids []uint32) (arrow.Array, error) { return d.inner.Result(ids) }

func (d *distinct) Clear(ids []uint32) {
	d.inner.Clear(ids)
	for _, id := range ids {
		entries := d.entriesOf(id)
		for _, e := range entries {
			d.counts[e], d.links[e] = 0, link{}
		}
		d.table.Delete(entries)
		d.groups[id] = link{}
	}
}

func (d *distinct) SizeBytes() int64 {
	size := 8*cap(d.counts) + 8*cap(d.links) + 8*cap(d.groups) + 4*cap(d.ids)
	return int64(size) + d.table.SizeBytes() + d.inner.SizeBytes()
}

func (d *distinct) Snapshot(w *rowcodec.StateWriter) {
	d.inner.Snapshot(w)
	d.table.Snapshot(w)
	w.Uvarint(uint64(len(d.groups)))
	for g := range d.groups {
		entries := d.entriesOf(uint32(g))
		w.Uvarint(uint64(len(entries)))
		for _, e := range entries {
			w.Uvarint(uint64(e))
			w.Int64(d.counts[e])
		}
	}
}

func (d *distinct) Restore(r *rowcodec.StateReader) error {
	if err := d.inner.Restore(r); err != nil {
		return err
	}
	if err := d.table.Restore(r); err != nil {
		return err
	}
	bound := d.table.Bound()
	d.counts, d.links, d.groups = make([]int64, bound), make([]link, bound), d.groups[:0]
	used := 0
	for range r.Count(maxGroups) {
		entries := r.Count(bound)
		if r.Err() != nil {
			return r.Err()
		}
		d.groups = append(d.groups, link{})
		for range entries {
			e, count := r.Uvarint(), r.Int64()
			if r.Err() != nil {
				return r.Err()
			}
			if e >= uint64(bound) || d.counts[e] != 0 || count == 0 {
				return r.Corrupt("distinct value %d of %d", e, bound)
			}
			d.counts[e] = count
			d.chain(uint32(e), uint32(len(d.groups)-1))
			used++
		}
	}
	if r.Err() == nil && used != d.table.Len() {
		return r.Corrupt("%d distinct values of %d", used, d.table.Len())
	}
	return r.Err()
}
