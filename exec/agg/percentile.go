package agg

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// newPercentile is the aggregates over all values in their order. The approximate
// ones are exact here. nil if the fraction is no constant.
func newPercentile(s *Spec) Accumulator {
	fraction, value := 0.5, 0
	if at := s.fractionAt(); at >= 0 {
		f, ok := constFloat(s, at)
		if !ok {
			return nil
		}
		fraction, value = f, 1-at
	}
	t, key, cols := orderedArgument(s, value)
	how := collectKind{
		order: []rowcodec.OrderKey{key}, keyCols: cols, valueCols: cols, valueType: []types.Type{t},
		skipNull: func(in *Input) arrow.Array { return cols(in)[0] }, noNulls: true,
	}
	switch {
	case s.Func == "percentile_disc":
		how.result = func(c *collected, ids []uint32) (arrow.Array, error) { return percentileDisc(c, ids, fraction) }
	case s.Func == "mode":
		how.result = modeResult
	case t.Kind == types.Float64:
		how.result = func(c *collected, ids []uint32) (arrow.Array, error) { return percentileCont(c, ids, fraction) }
	case t.Kind == types.Interval:
		how.result = func(c *collected, ids []uint32) (arrow.Array, error) { return percentileInterval(c, ids, fraction) }
	default:
		return nil
	}
	return newCollected(s, how)
}

// orderedArgument finds an ordered-set aggregate's column: WITHIN GROUP's key, or
// the argument at the index.
func orderedArgument(s *Spec, at int) (types.Type, rowcodec.OrderKey, func(in *Input) []arrow.Array) {
	if len(s.OrderBy) > 0 {
		return s.OrderBy[0].Type, s.OrderBy[0], func(in *Input) []arrow.Array { return in.Sort[:1] }
	}
	at = min(at, len(s.Args)-1)
	return s.Args[at], rowcodec.OrderKey{Type: s.Args[at]}, argCols(at, at+1)
}

// fractionAt is the index of the argument that says which percentile, -1 for none.
func (s *Spec) fractionAt() int {
	switch s.Func {
	case "percentile_cont", "percentile_disc":
		return 0
	case "approx_percentile_cont": // (x, fraction)
		return 1
	}
	return -1
}

func (s *Spec) checkFraction() error {
	if f, ok := constFloat(s, s.fractionAt()); ok && !(f >= 0 && f <= 1) {
		return pgerr.Newf(pgerr.NumericOutOfRange, "percentile value %g is not between 0 and 1", f)
	}
	return nil
}

// constFloat returns a constant argument that is a fraction.
func constFloat(s *Spec, at int) (float64, bool) {
	if at < 0 || at >= len(s.Consts) {
		return 0, false
	}
	f, ok := s.Consts[at].(float64)
	return f, ok
}

func percentileCont(c *collected, ids []uint32, fraction float64) (arrow.Array, error) {
	out := newOutput(c.spec.Result, len(ids))
	at := func(id uint32, k float64) float64 {
		_, row := c.pair(c.nth(id, int64(k)))
		return math.Float64frombits(binary.LittleEndian.Uint64(row[1:]))
	}
	for i, id := range ids {
		n := c.size(id)
		if n <= 0 {
			out.null(i)
			continue
		}
		where := fraction * float64(n-1)
		below := math.Floor(where)
		low, high := at(id, below), at(id, math.Ceil(where))
		if low == high || below == where {
			out.float(i, low)
		} else {
			out.float(i, low+(where-below)*(high-low))
		}
	}
	return out.array(), nil
}

func percentileInterval(c *collected, ids []uint32, fraction float64) (arrow.Array, error) {
	out := newOutput(c.spec.Result, len(ids))
	at := func(id uint32, k float64) (months, days, nanos int64) {
		_, row := c.pair(c.nth(id, int64(k)))
		le := binary.LittleEndian
		return int64(int32(le.Uint32(row[1:]))), int64(int32(le.Uint32(row[5:]))), int64(le.Uint64(row[9:]))
	}
	for i, id := range ids {
		n := c.size(id)
		if n <= 0 {
			out.null(i)
			continue
		}
		where := fraction * float64(n-1)
		below := math.Floor(where)
		m, d, ns := at(id, below)
		highM, highD, highNS := at(id, math.Ceil(where))
		dm, dd, dns := scaleInterval(highM-m, highD-d, highNS-ns, func(v float64) float64 { return v * (where - below) })
		out.wide(i, uint64(uint32(m+dm))|uint64(uint32(d+dd))<<32, uint64(ns+dns))
	}
	return out.array(), nil
}

func percentileDisc(c *collected, ids []uint32, fraction float64) (arrow.Array, error) {
	rows := make([][]byte, len(ids))
	for i, id := range ids {
		rows[i] = nullRow
		if n := c.size(id); n > 0 {
			k := max(int64(math.Ceil(fraction*float64(n))), 1)
			_, rows[i] = c.pair(c.nth(id, k-1))
		}
	}
	cols, err := c.decoder.Decode(rows)
	if err != nil {
		return nil, err
	}
	return cols[0], nil
}

// modeResult is the most frequent value, the first in order of those.
func modeResult(c *collected, ids []uint32) (arrow.Array, error) {
	rows := make([][]byte, len(ids))
	for i, id := range ids {
		rows[i] = nullRow
		most := int64(0)
		c.ascend(c.roots[id], func(n uint32) bool {
			if c.nodes[n].count > most {
				most = c.nodes[n].count
				_, rows[i] = c.pair(n)
			}
			return true
		})
	}
	cols, err := c.decoder.Decode(rows)
	if err != nil {
		return nil, err
	}
	return cols[0], nil
}
