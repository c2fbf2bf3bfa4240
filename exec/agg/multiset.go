package agg

import (
	"bytes"
	"encoding/binary"

	"laminardb/exec/rowcodec"
)

// multiset keeps for each group a sequence of (key, value) pairs ordered by the
// bytes of the key, each with a count. It is a treap per group ("Randomized Search
// Trees", Aragon and Seidel, 1989) whose nodes lie in one slice and whose bytes
// lie in one arena, so there is no pointer per group or pair.
//
// A count may be negative for as long as a retraction has come before its row.
type multiset struct {
	nodes []node // nodes[0] stands for "no node"
	roots []uint32
	free  uint32 // deleted nodes, linked by left
	arena rowcodec.Arena
	dice  uint32 // state of the priorities' generator
}

// node is a pair. Its bytes in the arena are the key's length in 4 bytes, the key
// and the value.
type node struct {
	prefix      uint64 // the key's first 8 bytes, big-endian
	ref         uint64
	count       int64
	total       int64 // the sum of the positive counts in this subtree
	left, right uint32
	priority    uint32
	live        bool
}

func (m *multiset) grow(groups int) {
	if len(m.nodes) == 0 {
		m.nodes = append(m.nodes, node{})
	}
	if n := groups - len(m.roots); n > 0 {
		m.roots = append(m.roots, make([]uint32, n)...)
	}
}

func prefixOf(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

func (m *multiset) pair(n uint32) (key, value []byte) {
	b := m.arena.Get(m.nodes[n].ref)
	end := 4 + binary.LittleEndian.Uint32(b)
	return b[4:end:end], b[end:]
}

// compare compares a key with node n's.
func (m *multiset) compare(prefix uint64, key []byte, n uint32) int {
	switch p := m.nodes[n].prefix; {
	case prefix < p:
		return -1
	case prefix > p:
		return 1
	}
	k, _ := m.pair(n)
	return bytes.Compare(key, k)
}

// add adds diff to the count of the key, inserting or removing the pair where
// need be. A pair that exists keeps its value.
func (m *multiset) add(id uint32, key, value []byte, diff int64) {
	if diff == 0 {
		return
	}
	prefix := prefixOf(key)
	if n := m.find(m.roots[id], prefix, key); n != 0 {
		if m.nodes[n].count += diff; m.nodes[n].count == 0 {
			m.roots[id] = m.erase(m.roots[id], prefix, key)
		} else {
			m.retotal(m.roots[id], prefix, key)
		}
		return
	}
	m.roots[id] = m.insert(m.roots[id], m.newNode(prefix, key, value, diff), prefix, key)
}

func (m *multiset) find(t uint32, prefix uint64, key []byte) uint32 {
	for t != 0 {
		switch c := m.compare(prefix, key, t); {
		case c == 0:
			return t
		case c < 0:
			t = m.nodes[t].left
		default:
			t = m.nodes[t].right
		}
	}
	return 0
}

func (m *multiset) newNode(prefix uint64, key, value []byte, count int64) uint32 {
	b := make([]byte, 0, 64)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(key)))
	b = append(append(b, key...), value...)
	m.dice = m.dice*1664525 + 1013904223 // Knuth's LCG; balance is all that hangs on it
	n := node{prefix: prefix, ref: m.arena.Add(b), count: count, total: max(count, 0), live: true}
	n.priority = uint32(rowcodec.Mix(uint64(m.dice), 0))
	if at := m.free; at != 0 {
		m.free = m.nodes[at].left
		m.nodes[at] = n
		return at
	}
	m.nodes = append(m.nodes, n)
	return uint32(len(m.nodes) - 1)
}

func (m *multiset) update(t uint32) {
	n := &m.nodes[t]
	n.total = max(n.count, 0) + m.nodes[n.left].total + m.nodes[n.right].total
}

// retotal brings the totals up to date on the way to a key.
func (m *multiset) retotal(t uint32, prefix uint64, key []byte) {
	if c := m.compare(prefix, key, t); c < 0 {
		m.retotal(m.nodes[t].left, prefix, key)
	} else if c > 0 {
		m.retotal(m.nodes[t].right, prefix, key)
	}
	m.update(t)
}

func (m *multiset) insert(t, n uint32, prefix uint64, key []byte) uint32 {
	if t == 0 {
		return n
	}
	if m.nodes[n].priority > m.nodes[t].priority {
		l, r := m.split(t, prefix, key)
		m.nodes[n].left, m.nodes[n].right = l, r
		m.update(n)
		return n
	}
	if m.compare(prefix, key, t) < 0 {
		l := m.insert(m.nodes[t].left, n, prefix, key)
		m.nodes[t].left = l
	} else {
		r := m.insert(m.nodes[t].right, n, prefix, key)
		m.nodes[t].right = r
	}
	m.update(t)
	return t
}

// split cuts a treap that doesn't hold the key into what is below and above it.
func (m *multiset) split(t uint32, prefix uint64, key []byte) (below, above uint32) {
	if t == 0 {
		return 0, 0
	}
	if m.compare(prefix, key, t) < 0 {
		l, r := m.split(m.nodes[t].left, prefix, key)
		m.nodes[t].left = r
		m.update(t)
		return l, t
	}
	l, r := m.split(m.nodes[t].right, prefix, key)
	m.nodes[t].right = l
	m.update(t)
	return t, r
}

// join puts two treaps together of which all of a is below all of b.
func (m *multiset) join(a, b uint32) uint32 {
	switch {
	case a == 0:
		return b
	case b == 0:
		return a
	case m.nodes[a].priority > m.nodes[b].priority:
		r := m.join(m.nodes[a].right, b)
		m.nodes[a].right = r
		m.update(a)
		return a
	}
	l := m.join(a, m.nodes[b].left)
	m.nodes[b].left = l
	m.update(b)
	return b
}

func (m *multiset) erase(t uint32, prefix uint64, key []byte) uint32 {
	c := m.compare(prefix, key, t)
	if c == 0 {
		rest := m.join(m.nodes[t].left, m.nodes[t].right)
		m.release(t)
		return rest
	}
	if c < 0 {
		l := m.erase(m.nodes[t].left, prefix, key)
		m.nodes[t].left = l
	} else {
		r := m.erase(m.nodes[t].right, prefix, key)
		m.nodes[t].right = r
	}
	m.update(t)
	return t
}

func (m *multiset) release(t uint32) {
	m.arena.Drop(m.nodes[t].ref)
	m.nodes[t] = node{left: m.free}
	m.free = t
}

func (m *multiset) clear(id uint32) {
	m.releaseAll(m.roots[id])
	m.roots[id] = 0
}

func (m *multiset) releaseAll(t uint32) {
	if t != 0 {
		l, r := m.nodes[t].left, m.nodes[t].right
		m.release(t)
		m.releaseAll(l)
		m.releaseAll(r)
	}
}

// compact is called where no slice into the arena is in use.
func (m *multiset) compact() {
	if !m.arena.Wasteful() {
		return
	}
	var a rowcodec.Arena
	for i := range m.nodes {
		if n := &m.nodes[i]; n.live {
			n.ref = a.Add(m.arena.Get(n.ref))
		}
	}
	m.arena = a
}

// ascend calls visit for the nodes under t in order until it returns false.
func (m *multiset) ascend(t uint32, visit func(n uint32) bool) bool {
	if t == 0 {
		return true
	}
	return m.ascend(m.nodes[t].left, visit) && visit(t) && m.ascend(m.nodes[t].right, visit)
}

// descend calls visit for the nodes under t in reverse order until it returns
// false.
func (m *multiset) descend(t uint32, visit func(n uint32) bool) bool {
	if t == 0 {
		return true
	}
	return m.descend(m.nodes[t].right, visit) && visit(t) && m.descend(m.nodes[t].left, visit)
}

// descendPrefix is descend over the keys that start with prefix.
func (m *multiset) descendPrefix(t uint32, prefix []byte, visit func(n uint32) bool) bool {
	if t == 0 {
		return true
	}
	k, _ := m.pair(t)
	c := bytes.Compare(k[:min(len(k), len(prefix))], prefix)
	if c <= 0 && !m.descendPrefix(m.nodes[t].right, prefix, visit) {
		return false
	}
	if c == 0 && !visit(t) {
		return false
	}
	return c < 0 || m.descendPrefix(m.nodes[t].left, prefix, visit)
}

// end returns the first or the last node that counts, 0 if there is none.
func (m *multiset) end(id uint32, last bool) uint32 {
	found := uint32(0)
	visit := func(n uint32) bool {
		if m.nodes[n].count > 0 {
			found = n
		}
		return found == 0
	}
	if last {
		m.descend(m.roots[id], visit)
	} else {
		m.ascend(m.roots[id], visit)
	}
	return found
}

// size returns how many rows the group has.
func (m *multiset) size(id uint32) int64 { return m.nodes[m.roots[id]].total }

// nth returns the node of row k, 0 <= k < size.
func (m *multiset) nth(id uint32, k int64) uint32 {
	t := m.roots[id]
	for t != 0 {
		n := &m.nodes[t]
		left := m.nodes[n.left].total
		switch {
		case k < left:
			t = n.left
		case k < left+max(n.count, 0):
			return t
		default:
			k -= left + max(n.count, 0)
			t = n.right
		}
	}
	return 0
}

func (m *multiset) sizeBytes() int64 {
	return int64(56*cap(m.nodes)+4*cap(m.roots)) + m.arena.SizeBytes()
}

func (m *multiset) snapshot(w *rowcodec.StateWriter) {
	w.Uvarint(uint64(len(m.roots)))
	for _, root := range m.roots {
		pairs := uint64(0)
		m.ascend(root, func(uint32) bool { pairs++; return true })
		w.Uvarint(pairs)
		m.ascend(root, func(n uint32) bool {
			key, value := m.pair(n)
			w.Bytes(key)
			w.Bytes(value)
			w.Int64(m.nodes[n].count)
			return true
		})
	}
}

// maxCount is far more rows than there are, and few enough to add up.
const maxCount = 1 << 40

// restore reads a snapshot; valid says whether a pair can be.
func (m *multiset) restore(r *rowcodec.StateReader, valid func(key, value []byte, count int64) bool) error {
	*m = multiset{}
	m.grow(0)
	var key, value []byte
	for range r.Count(maxGroups) {
		pairs := r.Count(maxGroups)
		if r.Err() != nil {
			break
		}
		m.roots = append(m.roots, 0)
		id := uint32(len(m.roots) - 1)
		for range pairs {
			key, value = r.Bytes(key[:0]), r.Bytes(value[:0])
			count := r.Int64()
			if r.Err() != nil {
				break
			}
			if count == 0 || count > maxCount || count < -maxCount || !valid(key, value, count) || m.find(m.roots[id], prefixOf(key), key) != 0 {
				return r.Corrupt("aggregate has a bad pair")
			}
			m.add(id, key, value, count)
		}
	}
	return r.Err()
}
