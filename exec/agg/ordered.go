package agg

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/rowcodec"
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
