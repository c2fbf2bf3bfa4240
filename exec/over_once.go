package exec

import (
	"bytes"
	"context"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// overOnce is an Over of a bounded input: it collects all rows and computes
// everything at the end. The rows keep their order.
type overOnce struct {
	Receiver
	calls     *overCalls
	keyTypes  []types.Type
	faults    faults
	errs      expr.RowErrors
	input     []*batch.Batch
	eventTime int // column of the input, -1 for none
}

// Batch implements Receiver.
func (o *overOnce) Batch(_ context.Context, b *batch.Batch) error {
	in, err := evaluate(o.calls.program, b, &o.errs, o.faults)
	if err == nil && in.Rows > 0 {
		o.input = append(o.input, in)
	}
	return err
}

// Watermark implements Receiver: nothing leaves before the end.
func (o *overOnce) Watermark(context.Context, int64) error { return nil }

// End implements Receiver.
func (o *overOnce) End(ctx context.Context) error {
	if len(o.input) > 0 {
		all, err := expr.Concat(o.input)
		if err != nil {
			return err
		}
		o.input = nil
		out, err := computeOver(o.calls, o.keyTypes, all, o.eventTime)
		if err != nil {
			return err
		}
		if err := o.Receiver.Batch(ctx, out); err != nil {
			return err
		}
	}
	return o.Receiver.End(ctx)
}

// computeOver computes an Over of evaluated rows that are all there. The rows keep
// their order.
func computeOver(calls *overCalls, keyTypes []types.Type, all *batch.Batch, eventTime int) (*batch.Batch, error) {
	rows, order := overOrder(calls, all, eventTime)
	in := &overInput{rows: expr.Take(all, rows), order: order, final: true, ids: make([]uint32, all.Rows)}
	keys := make([]arrow.Array, len(calls.partition))
	for i, c := range calls.partition {
		keys[i] = in.rows.Cols[c]
	}
	table := hashtable.New(keyTypes)
	table.Lookup(keys, all.Rows, nil, in.ids)
	state, err := newOverState(calls)
	if err != nil {
		return nil, err
	}
	out, at, err := state.step(in, table.Bound())
	if err != nil {
		return nil, err
	}
	back := make([]int32, all.Rows)
	for k, row := range at {
		back[rows[row]] = int32(k)
	}
	return expr.Take(out, back), nil
}

// overOrder returns the numbers of the rows in order and, for each of them, a number
// that peers share. Rows that the order does not tell apart are ordered by event
// time and then by their columns, so that the result does not depend on how they
// came, unless the order is that of event time (or there is none): then the first
// to come is first.
func overOrder(calls *overCalls, b *batch.Batch, eventTime int) (rows []int32, order []int64) {
	keys := make([]arrow.Array, len(calls.order))
	for i, c := range calls.order {
		keys[i] = b.Cols[c]
	}
	var encoded, ties rowcodec.Rows
	rowcodec.NewOrderedEncoder(calls.keys).Encode(keys, b.Rows, nil, &encoded)
	arrival := len(keys) == 0 || len(keys) == 1 && calls.order[0] == eventTime && !calls.keys[0].Desc
	if !arrival {
		tieKeys, tieCols := tieOrder(calls.types[:calls.inputs], b.Cols, eventTime)
		rowcodec.NewOrderedEncoder(tieKeys).Encode(tieCols, b.Rows, nil, &ties)
	}
	rows = make([]int32, b.Rows)
	for i := range rows {
		rows[i] = int32(i)
	}
	slices.SortStableFunc(rows, func(x, y int32) int {
		if d := bytes.Compare(encoded.Row(int(x)), encoded.Row(int(y))); d != 0 || arrival {
			return d
		}
		return bytes.Compare(ties.Row(int(x)), ties.Row(int(y)))
	})
	order = make([]int64, b.Rows)
	for i := 1; i < len(rows); i++ {
		order[i] = order[i-1]
		if !bytes.Equal(encoded.Row(int(rows[i])), encoded.Row(int(rows[i-1]))) {
			order[i]++
		}
	}
	return rows, order
}

// tieOrder orders rows by event time, then by all columns.
func tieOrder(ts []types.Type, cols []arrow.Array, eventTime int) (keys []rowcodec.OrderKey, out []arrow.Array) {
	if eventTime >= 0 {
		keys, out = append(keys, rowcodec.OrderKey{Type: ts[eventTime]}), append(out, cols[eventTime])
	}
	for i, t := range ts {
		if i != eventTime {
			keys, out = append(keys, rowcodec.OrderKey{Type: t}), append(out, cols[i])
		}
	}
	return keys, out
}
