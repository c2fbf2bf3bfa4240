package catalog

import "laminardb/sql/pgerr"

// nearest returns the object whose name is fewest edits away, nil if none is
// near enough to be a slip of the pen: a third of the name's length.
func (s *Snapshot) nearest(name Name) *Object {
	best, found := max(1, len(name.Name)/3)+1, (*Object)(nil)
	for _, o := range s.order {
		if o.Name.Schema != name.Schema {
			continue
		}
		if d := pgerr.EditDistance(name.Name, o.Name.Name); d < best {
			best, found = d, o
		}
	}
	return found
}
