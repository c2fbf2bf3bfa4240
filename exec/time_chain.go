package exec

import (
	"math"

	"laminardb/exec/hashtable"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// timeChain keeps the rows of one input of a join by key and event time. A key's
// rows are chained in the order in which they came, newest first.
//
// T1: a link's skip leads as far back as in a skew-binary list (Myers, "An
// applicative random-access stack", 1983), so that far newer rows are passed over
// in a logarithmic number of steps, and low is the smallest time on the way.
// T2: high is the largest time of the row and all older ones of its key; below it
// there is nothing to look for. So rows out of order cost only the steps over the
// rows that they are out of order with.
// T3: rows below base are gone. A link that leads there leads nowhere.
type timeChain struct {
	store rowStore
	links []timeLink // by row number - base
	base  int64
	front int     // links before it are known to be dead
	heads []int64 // by key id: the newest row, below base for none
	// checkAt is the number of links at which dead rows are looked for.
	checkAt int
}

// timeLink is one row.
type timeLink struct {
	t, low, high int64
	key          uint32
	prev, skip   uint32 // how many numbers back, 0 for none
	span         uint32 // how many rows skip passes over
	matched      bool   // for outer joins: the row has had a partner
}

// leastChecked is the size below which dead rows are not worth looking for.
const leastChecked = 1 << 15

func newTimeChain(ts []types.Type) timeChain {
	return timeChain{store: rowStore{types: ts}, checkAt: leastChecked}
}

// grow makes room for keys with ids below bound.
func (c *timeChain) grow(bound int) {
	for len(c.heads) < bound {
		c.heads = append(c.heads, nullRow)
	}
}

// add keeps rows with their keys and times.
func (c *timeChain) add(b *batch.Batch, keys []uint32, times []int64) (first int64, err error) {
	if first, err = c.store.add(b); err != nil {
		return 0, err
	}
	for i, t := range times {
		c.link(keys[i], t)
	}
	return first, nil
}

// link chains the next row.
func (c *timeChain) link(key uint32, t int64) {
	n := c.base + int64(len(c.links))
	l := timeLink{t: t, low: t, high: t, key: key, span: 1}
	if p := c.heads[key]; p >= c.base {
		prev := &c.links[p-c.base]
		l.prev, l.skip = uint32(n-p), uint32(n-p)
		l.high = max(t, prev.high)
		if j := c.at(p, prev.skip); j != nil && j.span == prev.span {
			l.span = 1 + prev.span + j.span
			l.low = min(t, prev.low, j.low)
			l.skip = 0
			if to := p - int64(prev.skip); c.at(to, j.skip) != nil {
				l.skip = uint32(n - to + int64(j.skip))
			}
		}
	}
	c.heads[key] = n
	c.links = append(c.links, l)
}

// at returns the link so many numbers before row n, nil for none.
func (c *timeChain) at(n int64, back uint32) *timeLink {
	if n -= int64(back); back == 0 || n < c.base {
		return nil
	}
	return &c.links[n-c.base]
}

// step goes so many numbers back from row n; the result is below base at the end.
func (c *timeChain) step(n int64, back uint32) int64 {
	if back == 0 {
		return c.base - 1
	}
	return n - int64(back)
}

// latest returns the key's row with the largest time that is not above most; of
// several the one that came last. nullRow if there is none.
func (c *timeChain) latest(key uint32, most int64) (row, t int64) {
	row, t = nullRow, math.MinInt64
	for n := c.heads[key]; n >= c.base; {
		l := &c.links[n-c.base]
		if row != nullRow && l.high <= t {
			break
		}
		if l.low > most {
			n = c.step(n, l.skip)
			continue
		}
		if l.t <= most && (row == nullRow || l.t > t) {
			row, t = n, l.t
		}
		n = c.step(n, l.prev)
	}
	return row, t
}

// earliest returns the key's row with the smallest time that is not below least;
// of several the one that came last. nullRow if there is none.
func (c *timeChain) earliest(key uint32, least int64) (row, t int64) {
	t = math.MaxInt64
	found := false
	for n := c.heads[key]; n >= c.base; {
		l := &c.links[n-c.base]
		if l.high < least {
			break
		}
		if l.low >= least {
			t, found = min(t, l.low), true
			n = c.step(n, l.skip)
			continue
		}
		if l.t >= least {
			t, found = min(t, l.t), true
		}
		n = c.step(n, l.prev)
	}
	if !found {
		return nullRow, t
	}
	return c.latest(key, t)
}

// between appends the key's rows with times from least to most, newest first.
func (c *timeChain) between(dst []int64, key uint32, least, most int64) []int64 {
	for n := c.heads[key]; n >= c.base; {
		l := &c.links[n-c.base]
		if l.high < least {
			break
		}
		if l.low > most {
			n = c.step(n, l.skip)
			continue
		}
		if l.t >= least && l.t <= most {
			dst = append(dst, n)
		}
		n = c.step(n, l.prev)
	}
	return dst
}

// newest returns the largest time of the key's rows; ok is false without rows.
func (c *timeChain) newest(key uint32) (t int64, ok bool) {
	if n := c.heads[key]; n >= c.base {
		return c.links[n-c.base].high, true
	}
	return 0, false
}

// dropFront forgets the oldest rows as far as they are below the time.
func (c *timeChain) dropFront(below int64) {
	for c.front < len(c.links) && c.links[c.front].t < below {
		c.front++
	}
	// The links are moved when half are gone, so that each is moved about once.
	if n := c.front; n == len(c.links) || n > len(c.links)/2 && n > leastChecked/8 {
		c.links = append(c.links[:0], c.links[n:]...)
		c.base, c.front = c.base+int64(n), 0
		c.store.dropBefore(c.base)
	}
}

// retain forgets the rows that are not live, if there are so many rows that this
// is due. Rows are numbered anew.
func (c *timeChain) retain(live func(row int64, l *timeLink) bool) (renumbered bool, err error) {
	if len(c.links) < c.checkAt {
		return false, nil
	}
	var rows []int64
	for i := range c.links {
		if n := c.base + int64(i); live(n, &c.links[i]) {
			rows = append(rows, n)
		}
	}
	c.checkAt = max(leastChecked, 2*len(rows))
	if len(rows) > len(c.links)/2 {
		return false, nil
	}
	old, base := c.links, c.base
	if err := c.store.rebuild(rows); err != nil {
		return false, err
	}
	c.reset(2 * len(rows))
	for _, n := range rows {
		l := &old[n-base]
		c.link(l.key, l.t)
		c.links[len(c.links)-1].matched = l.matched
	}
	return true, nil
}

// reset forgets all links, not what is stored, and makes room for new ones.
func (c *timeChain) reset(room int) {
	for i := range c.heads {
		c.heads[i] = nullRow
	}
	c.base, c.front, c.links = 0, 0, make([]timeLink, 0, room)
}

// dropKeys deletes the keys from the table for which used is false.
func dropKeys(table *hashtable.Table, used func(id uint32) bool) {
	var dead []uint32
	for _, id := range table.IDs(nil) {
		if !used(id) {
			dead = append(dead, id)
		}
	}
	table.Delete(dead)
}
