package exec

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/exec/expr"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// tableFunc joins each row with the rows that set-returning functions make of it.
type tableFunc struct {
	lateral
	calls      []*expr.SetFunc
	ordinality bool
	faults     faults
	errs       expr.RowErrors
	counts     []int // scratch: the rows of each call
}

func (b *builder) newTableFunc(n *plan.TableFunc, out Receiver) (*tableFunc, error) {
	t := &tableFunc{ordinality: n.Ordinality, faults: b.faults, counts: make([]int, len(n.Calls))}
	t.lateral = lateral{Receiver: out, left: n.Left, faults: b.faults}
	for _, c := range n.Calls {
		f, err := expr.CompileSet(c.Func, c.Args, c.Columns, b.exprEnv())
		if err != nil {
			return nil, err
		}
		t.calls = append(t.calls, f)
	}
	if n.On != nil {
		var err error
		if t.on, err = expr.CompilePredicate(n.On, b.exprEnv()); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// tableFunc builds the operator; without an input it has one row of no columns.
func (b *builder) tableFunc(n *plan.TableFunc, out Receiver) error {
	t, err := b.newTableFunc(n, out)
	if err != nil {
		return err
	}
	if n.Input != nil {
		return b.build(n.Input, t)
	}
	b.constant(batch.New(nil, 1), t)
	return nil
}

// Batch implements Receiver. Rows leave whenever a batch is full, so that a row of
// many rows does not have to be in memory with others.
func (t *tableFunc) Batch(ctx context.Context, in *batch.Batch) error {
	in, err := t.load(in)
	if err != nil || in.Rows == 0 {
		return err
	}
	var owner []int32
	var ordinals []int64
	from := 0
	for row := range in.Rows { // one that fails may own rows, which emit drops
		n, err := t.rows(row)
		if err != nil {
			if err := t.fail(in, row, err); err != nil {
				return err
			}
		}
		for i := range n {
			owner, ordinals = append(owner, int32(row)), append(ordinals, int64(i)+1)
		}
		if len(owner) < batch.MaxRows && row < in.Rows-1 {
			continue
		}
		if err := t.emit(ctx, in, from, row+1, owner, t.columns(ordinals)); err != nil {
			return err
		}
		from, owner, ordinals = row+1, owner[:0], nil
	}
	return nil
}

// load evaluates the arguments and drops the rows for which that fails.
func (t *tableFunc) load(in *batch.Batch) (*batch.Batch, error) {
	t.errs.Reset()
	t.failed = nil
	for _, c := range t.calls {
		if err := c.Load(in, &t.errs); err != nil {
			return nil, err
		}
	}
	if t.errs.Len() == 0 {
		return in, nil
	}
	keep, err := t.faults.rows(in, &t.errs)
	if err != nil {
		return nil, err
	}
	in = expr.Take(in, keep)
	for _, c := range t.calls {
		if err := c.Load(in, nil); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// rows makes the rows of a row and returns how many there are.
func (t *tableFunc) rows(row int) (int, error) {
	most := 0
	var failure error
	for i, c := range t.calls {
		n, err := c.Row(row)
		if err != nil {
			failure, n = err, 0
		}
		t.counts[i] = n
		most = max(most, n)
	}
	for i, c := range t.calls {
		c.Pad(most - t.counts[i])
	}
	return most, failure
}

// columns returns what the calls made, with the ordinality.
func (t *tableFunc) columns(ordinals []int64) []arrow.Array {
	var cols []arrow.Array
	for _, c := range t.calls {
		cols = append(cols, c.Take()...)
	}
	if t.ordinality {
		cols = append(cols, fixedColumn(types.Of(types.Int64), arrow.Int64Traits.CastToBytes(ordinals), len(ordinals)))
	}
	return cols
}
