package json

import (
	"bytes"

	"laminardb/connectors/format/column"
	"laminardb/sql/types"
)

// entry is one member of a map: its key in the scanner's keys and the place of
// its value.
type entry struct {
	from, to int
	value    int
}

// mapping reads the object at pos into a map column. The last of equal keys
// wins, so the members are found first and read after that.
func (s *scanner) mapping(l *leaf, depth int) bool {
	base, keyBase := len(s.entries), len(s.keys)
	ok := s.eachKey(depth, func(key []byte) bool {
		from := len(s.keys)
		s.keys = append(s.keys, key...)
		s.entries = append(s.entries, entry{from, len(s.keys), s.pos})
		return s.skip(depth + 1)
	})
	end := s.pos
	if ok {
		ok = s.mapEntries(l, s.entries[base:], depth)
	}
	s.pos, s.entries, s.keys = end, s.entries[:base], s.keys[:keyBase]
	return ok
}

func (s *scanner) mapEntries(l *leaf, entries []entry, depth int) bool {
	keys := l.col.Kids[0]
	elem := leaf{col: l.col.Kids[1], name: l.name, fields: l.fields}
	if elem.fields == nil && elem.col.Type.Kind == types.Struct {
		elem.open()
		l.fields = elem.fields
	}
	last := s.lastEntries(entries)
	for i, e := range entries {
		if !last(i) {
			continue
		}
		key := s.keys[e.from:e.to]
		if reason := column.CheckText(key, keys.Type); reason != "" {
			return s.fail("%q: %s", l.name, reason)
		}
		keys.AppendBytes(key)
		s.pos = e.value
		if !s.value(&elem, depth+1) {
			return false
		}
	}
	l.col.Ends = append(l.col.Ends, int32(keys.Len()))
	return true
}

// smallMap is how many keys are compared pair by pair.
const smallMap = 16

// lastEntries returns whether entry i is the last one with its key.
func (s *scanner) lastEntries(entries []entry) func(i int) bool {
	key := func(i int) []byte { return s.keys[entries[i].from:entries[i].to] }
	if len(entries) > smallMap {
		at := make(map[string]int, len(entries))
		for i := range entries {
			at[string(key(i))] = i
		}
		return func(i int) bool { return at[string(key(i))] == i }
	}
	return func(i int) bool {
		for j := i + 1; j < len(entries); j++ {
			if bytes.Equal(key(i), key(j)) {
				return false
			}
		}
		return true
	}
}
