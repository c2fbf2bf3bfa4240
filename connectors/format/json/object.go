package json

import (
	"bytes"
	"strings"

	"laminardb/connectors/format/column"
	"laminardb/sql/types"
)

// leaf is a column that a value goes into.
type leaf struct {
	col     *column.Column
	notNull bool
	name    string  // for reasons
	fields  *object // of a struct column
}

// member is what is wanted of one member of an object: its value, members
// inside it ("a.b"), or both.
type member struct {
	name  string
	key   []byte // "name": as it is mostly written
	leaf  *leaf
	inner *object
}

// object is the wanted members of an object and the state of reading one.
type object struct {
	members []member
	exact   map[string]int // name -> index into members
	folded  map[string]int // lower-case name -> index, -1 if several
	// order is the member that the k-th key named in the last object: keys
	// mostly come in the same order, so a guess saves the look-up.
	order []int
	// seen says how a member was found in this object.
	seen  []found
	count int // of members found
	lower []byte
}

// found is how a member was found.
type found uint8

const (
	notFound found = iota
	byFoldedName
	byName
)

// maxOrder bounds order: objects with more keys are looked up.
const maxOrder = 256

func newObject() *object {
	return &object{exact: map[string]int{}, folded: map[string]int{}}
}

// add adds a leaf at the path.
func (o *object) add(path []string, l *leaf) error {
	i, ok := o.exact[path[0]]
	if !ok {
		i = len(o.members)
		o.exact[path[0]] = i
		key := append(column.AppendQuoted(nil, []byte(path[0])), ':')
		o.members = append(o.members, member{name: path[0], key: key})
	}
	m := &o.members[i]
	if len(path) > 1 {
		if m.inner == nil {
			m.inner = newObject()
		}
		return m.inner.add(path[1:], l)
	}
	if m.leaf != nil {
		return duplicate(l.name)
	}
	m.leaf = l
	l.open()
	return nil
}

// open prepares a struct's fields.
func (l *leaf) open() {
	if l.col.Type.Kind != types.Struct {
		return
	}
	l.fields = newObject()
	for i, f := range l.col.Type.Fields {
		kid := &leaf{col: l.col.Kids[i], name: l.name + "." + f.Name}
		kid.open()
		// A struct with two fields of one name keeps the second one NULL-free
		// by reading the member once; SQL refuses such types earlier.
		_ = l.fields.add([]string{f.Name}, kid)
	}
	l.fields.close()
}

// close makes the look-up by folded name.
func (o *object) close() {
	o.seen = make([]found, len(o.members))
	for i, m := range o.members {
		lower := strings.ToLower(m.name)
		if _, twice := o.folded[lower]; twice {
			i = -1
		}
		o.folded[lower] = i
		if m.inner != nil {
			m.inner.close()
		}
	}
}

// guess returns the member that the k-th key named in the last object, and
// moves behind the key, if the key is the same again; else -1.
func (o *object) guess(s *scanner, k, row int) int {
	if k >= len(o.order) || o.order[k] < 0 {
		return -1
	}
	i := o.order[k]
	key := o.members[i].key
	end := s.pos + len(key)
	if end > len(s.b) || string(s.b[s.pos:end]) != string(key) {
		return -1
	}
	s.pos = end
	s.space()
	return o.mark(i, row, byName)
}

// find returns the member for the k-th key, -1 for one that nobody wants. A
// member that was found before is cleared of its value: the last one wins, but
// an exact name wins over a folded one.
func (o *object) find(k, row int, key []byte) int {
	i, ok := o.exact[string(key)]
	if ok {
		for len(o.order) <= k && k < maxOrder {
			o.order = append(o.order, -1)
		}
		if k < maxOrder {
			o.order[k] = i
		}
		return o.mark(i, row, byName)
	}
	o.lower = append(o.lower[:0], key...)
	for j, c := range o.lower {
		if c >= 'A' && c <= 'Z' {
			o.lower[j] = c | 0x20
		}
		if c >= 0x80 {
			o.lower = append(o.lower[:0], bytes.ToLower(key)...)
			break
		}
	}
	if i, ok = o.folded[string(o.lower)]; !ok || i < 0 || o.seen[i] == byName {
		return -1
	}
	return o.mark(i, row, byFoldedName)
}

func (o *object) mark(i, row int, how found) int {
	if o.seen[i] == notFound {
		o.count++
	} else {
		o.members[i].truncate(row)
	}
	o.seen[i] = how
	return i
}

// start forgets the last object.
func (o *object) start() {
	clear(o.seen)
	o.count = 0
}

// truncate drops what the member has appended for the row.
func (m *member) truncate(row int) {
	if m.leaf != nil {
		m.leaf.col.Truncate(row)
	}
	if m.inner != nil {
		for i := range m.inner.members {
			m.inner.members[i].truncate(row)
		}
	}
}

// null makes the member NULL; it returns the first column that cannot be, "" if
// all can.
func (m *member) null() string {
	if m.leaf != nil {
		if m.leaf.notNull {
			return m.leaf.name
		}
		m.leaf.col.AppendNull()
	}
	if m.inner != nil {
		for i := range m.inner.members {
			if name := m.inner.members[i].null(); name != "" {
				return name
			}
		}
	}
	return ""
}
