package agg

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/types"
)

// collected is an aggregate that must keep its rows, in an order of its own: what
// can take rows back and has no inverse, and what depends on ORDER BY.
type collected struct {
	multiset
	arrivals
	how  collectKind
	spec *Spec

	keys               *rowcodec.OrderedEncoder
	values             *rowcodec.Encoder
	decoder            *rowcodec.Decoder
	owed               int64 // pairs with a negative count, in any group
	keyRows, valueRows rowcodec.Rows
	key                []byte
}

// collectKind is what a collected aggregate keeps and makes of it.
type collectKind struct {
	order []rowcodec.OrderKey
	// keyCols are the columns of order, valueCols those of which the value is made.
	keyCols   func(in *Input) []arrow.Array
	valueCols func(in *Input) []arrow.Array
	valueType []types.Type
	// byTime puts the event time before order.
	byTime bool
	// sequence keeps rows with equal keys apart, by arrival (latestFirst: the
	// latest one first). Otherwise they are one pair with a count.
	sequence, latestFirst bool
	// skipNull is the index of the value or key column whose NULLs are skipped.
	skipNull func(in *Input) arrow.Array
	// one keeps only the first or the last pair; for rows that stay.
	one, last bool
	result    func(c *collected, ids []uint32) (arrow.Array, error)
	// noNulls says that the one column of value is never NULL.
	noNulls bool
}

func newCollected(s *Spec, how collectKind) *collected {
	c := &collected{how: how, spec: s, keys: rowcodec.NewOrderedEncoder(how.order)}
	c.values, c.decoder = rowcodec.NewEncoder(how.valueType), rowcodec.NewDecoder(how.valueType)
	c.multiset.grow(0)
	return c
}

func (c *collected) Grow(groups int) { c.grow(groups) }

func (c *collected) Update(in *Input) {
	n := len(in.IDs)
	c.keyRows.Reset()
	c.valueRows.Reset()
	c.keys.Encode(c.how.keyCols(in), n, nil, &c.keyRows)
	c.values.Encode(c.how.valueCols(in), n, nil, &c.valueRows)
	var skip arrow.Array
	if c.how.skipNull != nil {
		skip = c.how.skipNull(in)
	}
	for i, id := range in.IDs {
		if skip != nil && skip.IsNull(i) {
			continue
		}
		c.key = c.key[:0]
		if c.how.byTime {
			order := int64(0)
			if in.Order != nil {
				order = in.Order[i]
			}
			c.key = binary.BigEndian.AppendUint64(c.key, uint64(order)^1<<63)
		}
		c.key = append(c.key, c.keyRows.Row(i)...)
		c.put(id, c.valueRows.Row(i), c.next+int64(i), in.diff(i))
	}
	c.next += int64(n)
	c.compact()
}

// put adds diff rows with the key c.key, to which it appends the arrival.
func (c *collected) put(id uint32, value []byte, seq, diff int64) {
	switch {
	case c.how.one && !c.how.sequence:
		c.keepOne(id, value)
		return
	case !c.how.sequence:
		c.add(id, c.key, value, diff)
		return
	}
	for ; diff < 0; diff++ {
		c.takeBack(id, value, seq)
	}
	for ; diff > 0; diff-- {
		if c.owed == 0 || !c.cancel(id, value, -1) {
			c.keep(id, value, seq)
		}
	}
}

func (c *collected) keep(id uint32, value []byte, seq int64) {
	c.key = c.appendSeq(c.key, seq)
	if c.how.one {
		c.keepOne(id, value)
	} else {
		c.add(id, c.key, value, 1)
	}
	c.key = c.key[:len(c.key)-8]
}

// keepOne keeps the row with the key c.key instead of the one that is there, if it
// is nearer to the end that counts.
func (c *collected) keepOne(id uint32, value []byte) {
	if best := c.roots[id]; best != 0 {
		if cmp := c.compare(prefixOf(c.key), c.key, best); cmp == 0 || (cmp < 0) == c.how.last {
			return
		}
		c.clear(id)
	}
	c.add(id, c.key, value, 1)
}

func (c *collected) appendSeq(key []byte, seq int64) []byte {
	if c.how.latestFirst {
		seq = math.MaxInt64 - seq
	}
	return binary.BigEndian.AppendUint64(key, uint64(seq))
}

// takeBack removes the latest row with the key and the value, or notes that one
// is owed.
func (c *collected) takeBack(id uint32, value []byte, seq int64) {
	if c.cancel(id, value, 1) {
		return
	}
	c.owed++
	c.add(id, c.appendSeq(c.key, seq), value, -1)
}

// cancel removes a pair of the sign with the key c.key and the value: the latest
// to arrive.
func (c *collected) cancel(id uint32, value []byte, sign int64) bool {
	found := uint32(0)
	c.descendPrefix(c.roots[id], c.key, func(n uint32) bool {
		k, v := c.pair(n)
		if len(k) == len(c.key)+8 && c.nodes[n].count == sign && bytes.Equal(v, value) {
			found = n
		}
		return found == 0 || c.how.latestFirst
	})
	if found == 0 {
		return false
	}
	if sign < 0 {
		c.owed--
	}
	key, _ := c.pair(found)
	c.add(id, bytes.Clone(key), nil, -sign)
	return true
}

func (c *collected) Merge(from Accumulator, fromIDs, toIDs []uint32) {
	other, shift := from.(*collected), int64(0)
	if other != c {
		shift = c.next
		c.next += other.next
	}
	var value []byte
	for i, id := range fromIDs {
		other.ascend(other.roots[id], func(n uint32) bool {
			k, v := other.pair(n)
			value = append(value[:0], v...)
			c.key = append(c.key[:0], k...)
			if !c.how.sequence {
				c.put(toIDs[i], value, 0, other.nodes[n].count)
				return true
			}
			end := len(c.key) - 8
			seq := int64(binary.BigEndian.Uint64(c.key[end:]))
			if c.how.latestFirst {
				seq = math.MaxInt64 - seq
			}
			c.key = c.key[:end]
			c.put(toIDs[i], value, seq+shift, other.nodes[n].count)
			return true
		})
	}
	c.compact()
}

func (c *collected) Result(ids []uint32) (arrow.Array, error) { return c.how.result(c, ids) }

func (c *collected) Clear(ids []uint32) {
	for _, id := range ids {
		if c.owed > 0 {
			c.ascend(c.roots[id], func(n uint32) bool {
				if c.nodes[n].count < 0 && c.how.sequence {
					c.owed--
				}
				return true
			})
		}
		c.clear(id)
	}
	c.compact()
}

func (c *collected) SizeBytes() int64 {
	return c.sizeBytes() + c.keyRows.SizeBytes() + c.valueRows.SizeBytes()
}

func (c *collected) Snapshot(w *rowcodec.StateWriter) {
	w.Int64(c.next)
	c.snapshot(w)
}

func (c *collected) Restore(r *rowcodec.StateReader) error {
	c.next = r.Int64()
	err := c.restore(r, func(key, value []byte, count int64) bool {
		if c.how.sequence && (len(key) < 8 || count != 1 && count != -1) {
			return false
		}
		if c.how.noNulls && len(value) > 0 && value[0]&1 != 0 {
			return false // a NULL, which is never collected
		}
		_, err := c.decoder.Decode([][]byte{value})
		return err == nil
	})
	if err != nil {
		return err
	}
	c.owed = 0
	for _, n := range c.nodes {
		if n.count < 0 && c.how.sequence {
			c.owed++
		}
	}
	return nil
}

// rowsOf appends the values of a group's rows in order.
func (c *collected) rowsOf(id uint32, dst [][]byte) [][]byte {
	c.ascend(c.roots[id], func(n uint32) bool {
		for range c.nodes[n].count {
			_, v := c.pair(n)
			dst = append(dst, v)
		}
		return true
	})
	return dst
}

// endResult is the first or the last value of each group.
func endResult(last bool) func(c *collected, ids []uint32) (arrow.Array, error) {
	return func(c *collected, ids []uint32) (arrow.Array, error) {
		rows := make([][]byte, len(ids))
		for i, id := range ids {
			rows[i] = nullRow
			if n := c.end(id, last); n != 0 {
				_, rows[i] = c.pair(n)
			}
		}
		cols, err := c.decoder.Decode(rows)
		if err != nil {
			return nil, err
		}
		return cols[0], nil
	}
}
