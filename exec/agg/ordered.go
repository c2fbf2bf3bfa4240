package agg

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

func argCols(from, to int) func(in *Input) []arrow.Array {
	return func(in *Input) []arrow.Array { return in.Args[from:to] }
}

func argCol(i int) func(in *Input) arrow.Array {
	return func(in *Input) arrow.Array { return in.Args[i] }
}

func sortCols(in *Input) []arrow.Array { return in.Sort }

// newOrdered makes an aggregate that keeps its rows in order, nil if there is none.
func newOrdered(s *Spec) Accumulator {
	if len(s.Args) == 0 {
		return nil
	}
	switch s.Func {
	case "min", "max":
		return newCollected(s, collectKind{
			order: []rowcodec.OrderKey{{Type: s.Args[0]}}, keyCols: argCols(0, 1), skipNull: argCol(0),
			valueCols: argCols(0, 1), valueType: s.Args[:1],
			one: !s.Retractable, last: s.Func == "max", result: endResult(s.Func == "max"),
		})
	case "first_value", "last_value", "any_value":
		return newEdgeSequence(s)
	case "arg_min", "arg_max":
		return newArgExtreme(s)
	case "array_agg":
		how := inOrder(s, 1)
		how.result = arrayResult
		return newCollected(s, how)
	case "string_agg":
		return newStringAgg(s)
	case "json_agg", "json_object_agg":
		return newJSON(s)
	case "median", "percentile_cont", "percentile_disc", "mode", "approx_median", "approx_percentile_cont":
		return newPercentile(s)
	}
	return nil
}

// inOrder keeps the first args arguments in the order of ORDER BY, then arrival.
func inOrder(s *Spec, args int) collectKind {
	return collectKind{order: s.OrderBy, keyCols: sortCols, valueCols: argCols(0, args), valueType: s.Args[:args], sequence: true}
}

// newEdgeSequence is first_value, last_value and any_value where rows go away
// again, or where ORDER BY says which is first.
func newEdgeSequence(s *Spec) Accumulator {
	how := inOrder(s, 1)
	how.last = s.Func == "last_value"
	how.byTime = len(s.OrderBy) == 0
	how.one = !s.Retractable
	if s.Func == "any_value" {
		how.skipNull = argCol(0)
	}
	how.result = endResult(how.last)
	return newCollected(s, how)
}

// newArgExtreme is arg_min and arg_max: the first argument where the second is
// least or greatest, of those that arrived first.
func newArgExtreme(s *Spec) Accumulator {
	if len(s.Args) != 2 {
		return nil
	}
	last := s.Func == "arg_max"
	return newCollected(s, collectKind{
		order: []rowcodec.OrderKey{{Type: s.Args[1]}}, keyCols: argCols(1, 2), skipNull: argCol(1),
		valueCols: argCols(0, 1), valueType: s.Args[:1], sequence: true, latestFirst: last,
		one: !s.Retractable, last: last, result: endResult(last),
	})
}

func arrayResult(c *collected, ids []uint32) (arrow.Array, error) {
	var rows [][]byte
	var valid rowcodec.Validity
	ends := make([]byte, 4, 4*(len(ids)+1))
	for i, id := range ids {
		before := len(rows)
		if rows = c.rowsOf(id, rows); len(rows) == before {
			valid.SetNull(i, len(ids))
		}
		ends = binary.LittleEndian.AppendUint32(ends, uint32(len(rows)))
	}
	cols, err := c.decoder.Decode(rows)
	if err != nil {
		return nil, err
	}
	return valid.List(c.spec.Result, len(ids), ends, cols[0]), nil
}

// newStringAgg is string_agg(x, separator), and listagg and group_concat, whose
// separators have defaults: the separator of each row but the first precedes it.
func newStringAgg(s *Spec) Accumulator {
	how := inOrder(s, len(s.Args))
	how.skipNull = argCol(0)
	separator := ""
	if s.spelt == "group_concat" {
		separator = ","
	}
	how.result = func(c *collected, ids []uint32) (arrow.Array, error) {
		out := newTextOutput(s.Result, len(ids))
		var rows [][]byte
		for _, id := range ids {
			rows = c.rowsOf(id, rows[:0])
			if len(rows) == 0 {
				out.appendNull()
				continue
			}
			for i, row := range rows {
				value, rest := cutText(row[1:])
				switch {
				case i == 0:
				case len(s.Args) == 1:
					out.data = append(out.data, separator...)
				case row[0]&2 == 0: // the separator is not NULL
					by, _ := cutText(rest)
					out.data = append(out.data, by...)
				}
				out.data = append(out.data, value...)
			}
			out.append(nil)
		}
		return out.array()
	}
	return newCollected(s, how)
}

// cutText splits a row's text from what follows; Restore has checked the lengths.
func cutText(b []byte) (text, rest []byte) {
	n, used := binary.Uvarint(b)
	return b[used : used+int(n)], b[used+int(n):]
}

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
		skipNull: func(in *Input) arrow.Array { return cols(in)[0] },
	}
	switch {
	case s.Func == "percentile_disc":
		how.result = func(c *collected, ids []uint32) (arrow.Array, error) { return percentileDisc(c, ids, fraction) }
	case s.Func == "mode":
		how.result = modeResult
	case t.Kind == types.Float64:
		how.result = func(c *collected, ids []uint32) (arrow.Array, error) { return percentileCont(c, ids, fraction) }
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
