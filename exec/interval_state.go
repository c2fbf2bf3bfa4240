package exec

import "laminardb/exec/rowcodec"

// Snapshot writes the rows that are kept of both inputs, and which wait alone.
func (j *intervalJoin) Snapshot(w *rowcodec.StateWriter) {
	j.marks.Snapshot(w)
	j.table.Snapshot(w)
	for side := range j.kept {
		j.kept[side].Snapshot(w)
		writeTimed(w, j.alone[side].sorted())
	}
}

// Restore reads what Snapshot wrote into a new operator.
func (j *intervalJoin) Restore(r *rowcodec.StateReader) error {
	if err := j.marks.Restore(r); err != nil {
		return err
	}
	if err := j.table.Restore(r); err != nil {
		return err
	}
	bound := j.table.Bound()
	for side := range j.kept {
		kept := &j.kept[side]
		if err := kept.Restore(r, bound); err != nil {
			return err
		}
		alone, err := readTimed(r, bound, func(row int64) bool {
			return row >= kept.base && row-kept.base < int64(len(kept.links))
		})
		if err != nil {
			return err
		}
		j.alone[side].add(alone)
	}
	j.keysAt = max(leastChecked, 2*j.table.Len())
	return r.Err()
}
