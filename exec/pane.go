package exec

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/exec/agg"
	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/exec/rowcodec"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// calls is a grouping's expressions and where each stands in the evaluated
// batch: the keys, the window's time, then every aggregate's columns.
type calls struct {
	program  *expr.Program
	columns  []types.Type // of the evaluated batch
	keyTypes []types.Type
	time     int // column of the window's time, -1 without a window
	aggs     []callColumns
	specs    []agg.Spec
	outTypes []types.Type // keys, then results
	// inputAt is where the input's columns are in the evaluated batch, 0 where they
	// are not there as such; late rows are to be seen with them.
	inputAt int
	// countRows keeps the number of rows of each group, so that a group whose rows
	// have all been retracted goes away.
	countRows bool
}

// callColumns are the columns of one aggregate in the evaluated batch.
type callColumns struct {
	args, sort    []int
	filter, order int // -1 for none
}

func newCalls(n *plan.Aggregate, b *builder) (*calls, error) {
	c := &calls{time: -1, countRows: n.Input.Props().Changelog}
	var exprs []plan.Expr
	add := func(e plan.Expr) int {
		exprs, c.columns = append(exprs, e), append(c.columns, e.Type())
		return len(exprs) - 1
	}
	for _, k := range n.Keys {
		add(k)
		c.keyTypes = append(c.keyTypes, k.Type())
		c.outTypes = append(c.outTypes, k.Type())
	}
	if n.Window != nil {
		c.time = add(n.Window.Time)
	}
	in := n.Input.Schema()
	for i := range n.Aggs {
		a := &n.Aggs[i]
		col := callColumns{filter: -1, order: -1}
		for _, e := range a.Args {
			col.args = append(col.args, add(e))
		}
		for _, k := range a.OrderBy {
			col.sort = append(col.sort, add(k.Expr))
		}
		if a.Filter != nil {
			col.filter = add(a.Filter)
		}
		if a.EventTime >= 0 {
			col.order = add(&plan.Column{Index: a.EventTime, T: in.Fields[a.EventTime].Type, Pos: -1})
		}
		c.aggs = append(c.aggs, col)
		c.specs = append(c.specs, agg.SpecOf(a, n.Input.Props().Changelog))
		c.outTypes = append(c.outTypes, a.Type)
	}
	if b.late != nil && n.Window != nil {
		c.inputAt = len(exprs)
		for i, f := range in.Fields {
			add(&plan.Column{Index: i, Name: f.Name, T: f.Type, Pos: -1})
		}
	}
	var err error
	if c.program, err = b.compile(exprs); err != nil {
		return nil, fmt.Errorf("compiling the aggregate's expressions: %w", err)
	}
	for _, s := range c.specs { // so that CREATE fails, not the first row
		if _, err := agg.New(s); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// input returns the input's columns of an evaluated batch, or the batch as it is.
func (c *calls) input(b *batch.Batch) *batch.Batch {
	if c.inputAt == 0 {
		return b
	}
	return b.With(b.Cols[c.inputAt:])
}

// global reports whether there are neither keys nor a window: then there is one
// group, always.
func (c *calls) global() bool { return len(c.keyTypes) == 0 && c.time < 0 }

// pane is the groups of one window, or of the whole input where there is none.
type pane struct {
	calls *calls
	table *hashtable.Table
	accs  []agg.Accumulator
	rows  []int64 // of each group, with calls.countRows

	ids []uint32  // scratch: the group of each row of the batch
	in  agg.Input // scratch, without arrays between calls
}

func newPane(c *calls) (*pane, error) {
	p := &pane{calls: c, table: hashtable.New(c.keyTypes)}
	for _, s := range c.specs {
		a, err := agg.New(s)
		if err != nil {
			return nil, err
		}
		p.accs = append(p.accs, a)
	}
	return p, nil
}

// group finds the group of every row of an evaluated batch, making new ones.
func (p *pane) group(b *batch.Batch) []uint32 {
	if cap(p.ids) < b.Rows {
		p.ids = make([]uint32, b.Rows)
	}
	p.ids = p.ids[:b.Rows]
	p.table.Lookup(b.Cols[:len(p.calls.keyTypes)], b.Rows, nil, p.ids)
	p.grow()
	return p.ids
}

func (p *pane) grow() {
	bound := p.table.Bound()
	for _, a := range p.accs {
		a.Grow(bound)
	}
	if p.calls.countRows && len(p.rows) < bound {
		p.rows = append(p.rows, make([]int64, bound-len(p.rows))...)
	}
}

// update takes an evaluated batch into the accumulators; ids are its groups.
func (p *pane) update(b *batch.Batch, ids []uint32) {
	if p.calls.countRows {
		for i, id := range ids {
			p.rows[id] += int64(b.Diff(i))
		}
	}
	for i, a := range p.accs {
		p.calls.aggs[i].input(&p.in, b, ids)
		a.Update(&p.in)
		clear(p.in.Args)
		clear(p.in.Sort)
	}
	p.in = agg.Input{Args: p.in.Args[:0], Sort: p.in.Sort[:0]}
}

// input fills in with one aggregate's columns and applies its FILTER.
func (c *callColumns) input(in *agg.Input, b *batch.Batch, ids []uint32) {
	if c.filter >= 0 {
		b, ids = filtered(b, ids, b.Cols[c.filter].(*array.Boolean))
	}
	in.IDs, in.Diffs, in.Order = ids, b.Diffs, nil
	in.Args, in.Sort = in.Args[:0], in.Sort[:0]
	for _, col := range c.args {
		in.Args = append(in.Args, b.Cols[col])
	}
	for _, col := range c.sort {
		in.Sort = append(in.Sort, b.Cols[col])
	}
	if c.order >= 0 {
		in.Order, _ = timeValues(b.Cols[c.order])
	}
}

func filtered(b *batch.Batch, ids []uint32, keep *array.Boolean) (*batch.Batch, []uint32) {
	sel := make([]int32, 0, b.Rows)
	kept := make([]uint32, 0, b.Rows)
	for i := range b.Rows {
		if keep.IsValid(i) && keep.Value(i) {
			sel = append(sel, int32(i))
			kept = append(kept, ids[i])
		}
	}
	if len(sel) == b.Rows {
		return b, ids
	}
	return expr.Take(b, sel), kept
}

// results returns the keys and the aggregates of groups.
func (p *pane) results(ids []uint32) ([]arrow.Array, error) {
	if ids == nil {
		ids = []uint32{} // Keys takes nil for all
	}
	cols := p.table.Keys(ids)
	for _, a := range p.accs {
		r, err := a.Result(ids)
		if err != nil {
			return nil, err
		}
		cols = append(cols, r)
	}
	return cols, nil
}

// drop forgets groups.
func (p *pane) drop(ids []uint32) {
	p.table.Delete(ids)
	for _, a := range p.accs {
		a.Clear(ids)
	}
}

// reset forgets all groups and keeps the memory.
func (p *pane) reset() {
	p.ids = p.table.IDs(p.ids[:0])
	for _, a := range p.accs {
		a.Clear(p.ids)
	}
	clear(p.rows)
	p.table.Reset()
}

func (p *pane) sizeBytes() int64 {
	n := p.table.SizeBytes() + int64(8*cap(p.rows)+4*cap(p.ids))
	for _, a := range p.accs {
		n += a.SizeBytes()
	}
	return n
}

// distinctIDs returns every id of the list once, in order of first appearance.
// seen is scratch, all false before and after.
func distinctIDs(ids []uint32, seen []bool) []uint32 {
	var out []uint32
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	for _, id := range out {
		seen[id] = false
	}
	return out
}

// change is how results of some groups moved: before and after are rows of the
// same layout, and -1 stands for no row.
type change struct{ before, after int32 }

// changelog turns rows before and after into a batch of -1 and +1 rows, leaving
// out what did not change. It returns nil if nothing did.
func changelog(ts []types.Type, before, after []arrow.Array, moves []change) (*batch.Batch, error) {
	wasRows, isRows := int32(0), int32(0)
	for _, m := range moves {
		wasRows, isRows = max(wasRows, m.before+1), max(isRows, m.after+1)
	}
	old, now := encodeRows(ts, before, int(wasRows)), encodeRows(ts, after, int(isRows))
	offset := int32(old.Len())
	var take []int32
	var diffs []int8
	for _, m := range moves {
		if m.before >= 0 && m.after >= 0 && string(old.Row(int(m.before))) == string(now.Row(int(m.after))) {
			continue
		}
		if m.before >= 0 {
			take, diffs = append(take, m.before), append(diffs, -1)
		}
		if m.after >= 0 {
			take, diffs = append(take, offset+m.after), append(diffs, 1)
		}
	}
	if len(take) == 0 {
		return nil, nil
	}
	both, err := expr.Concat([]*batch.Batch{
		batch.New(before, old.Len()), batch.New(after, now.Len()),
	})
	if err != nil {
		return nil, err
	}
	out := expr.Take(both, take)
	out.Diffs = diffs
	return out, nil
}

func encodeRows(ts []types.Type, cols []arrow.Array, n int) *rowcodec.Rows {
	var rows rowcodec.Rows
	rowcodec.NewEncoder(ts).Encode(cols, n, nil, &rows)
	return &rows
}
