package session

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/catalog"
	"laminardb/connectors"
	"laminardb/exec"
	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/server/pgwire"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// tail is a planned SUBSCRIBE.
type tail struct {
	root     plan.Node
	visible  []int
	snapshot bool
	progress bool
	// bare gives the data columns alone: a plain SUBSCRIBE of an append-only
	// object.
	bare bool
	// upserts drops the rows that go away: EMIT ON UPDATE.
	upserts bool
	columns []pgwire.Column
	// object and sql are for laminar.subscriptions.
	object, sql string
}

// subscribe plans SUBSCRIBE.
func (s *Session) subscribe(sub *ast.Subscribe, params *planner.Params) (*statement, error) {
	t, err := s.planTail(sub, params)
	if err != nil {
		return nil, err
	}
	return &statement{
		columns: t.columns, word: "SUBSCRIBE",
		open: func(ctx context.Context) (rowSource, error) { return s.openTail(ctx, t) },
	}, nil
}

func (s *Session) planTail(sub *ast.Subscribe, params *planner.Params) (*tail, error) {
	if err := unsupportedTail(sub); err != nil {
		return nil, err
	}
	r, err := s.planner(planner.View, params).Plan(sourceQuery(sub.From, sub.Query, sub.Where))
	if err != nil {
		return nil, err
	}
	root := plainScan(r.Root)
	props := root.Props()
	t := &tail{root: root, visible: root.Schema().Visible(), snapshot: props.Changelog, bare: !props.Changelog, object: s.db.namesOf(r.Reads), sql: s.text}
	if scan, ok := root.(*plan.Scan); ok {
		t.upserts = s.db.state(scan.Object).upsert
	}
	opts := connectors.NewOptions(sub.Options)
	stored := s.readsStored(r.Reads)
	t.snapshot = t.snapshot || stored
	if t.snapshot, err = opts.Bool("snapshot", t.snapshot); err != nil {
		return nil, err
	}
	if _, plain := root.(*plan.Scan); !plain && stored && !t.snapshot {
		return nil, pgerr.At(int(sub.Pos), pgerr.FeatureNotSupported, "SNAPSHOT = false is not supported for a query over a view or a table").
			WithHint("Subscribe to the view itself, or leave the snapshot on.")
	}
	if opts.Has("progress") {
		t.bare = false
	}
	if t.progress, err = opts.Bool("progress", false); err != nil {
		return nil, err
	}
	if _, err := opts.OneOf("on_lag", "disconnect", "disconnect"); err != nil {
		return nil, err
	}
	if err := opts.Unused(); err != nil {
		return nil, err
	}
	if !t.bare {
		t.columns = append(t.columns, pgwire.Column{Name: "laminar_timestamp", Type: types.Of(types.Int64)})
		if t.progress {
			t.columns = append(t.columns, pgwire.Column{Name: "laminar_progressed", Type: types.Of(types.Bool)})
		}
		t.columns = append(t.columns, pgwire.Column{Name: "laminar_diff", Type: types.Of(types.Int64)})
	}
	t.columns = append(t.columns, columnsOf(root.Schema())...)
	return t, nil
}

// readsStored reports whether one of the objects keeps current rows: then a tail
// begins with them.
func (s *Session) readsStored(reads []uint64) bool {
	for _, id := range reads {
		o := s.db.catalog.Snapshot().Object(id)
		if o != nil && (o.Kind == catalog.MaterializedView || o.Kind == catalog.Table || s.db.state(id).props.Changelog) {
			return true
		}
	}
	return false
}

func unsupportedTail(sub *ast.Subscribe) error {
	what := ""
	switch {
	case sub.Envelope != "":
		what = "ENVELOPE"
	case sub.AsOf != nil:
		what = "AS OF"
	case sub.UpTo != nil:
		what = "UP TO"
	default:
		return nil
	}
	return pgerr.At(int(sub.Pos), pgerr.FeatureNotSupported, "SUBSCRIBE .. %s is not supported yet", what)
}

// plainScan finds the object behind SELECT * FROM object, so that its own output
// is tailed instead of running a query.
func plainScan(root plan.Node) plan.Node {
	p, ok := root.(*plan.Project)
	if !ok {
		return root
	}
	scan, ok := p.Input.(*plan.Scan)
	if !ok || len(p.Exprs) != len(scan.Columns) {
		return root
	}
	for i, e := range p.Exprs {
		have, want := scan.Out.Fields[i], p.Out.Fields[i]
		if c, ok := e.(*plan.Column); !ok || c.Index != i || have.Name != want.Name || have.Hidden != want.Hidden {
			return root
		}
	}
	return scan
}

func (s *Session) openTail(ctx context.Context, t *tail) (rowSource, error) {
	sub, err := s.db.engine.Subscribe(ctx, t.root, t.snapshot)
	if err != nil {
		return nil, err
	}
	open := &openTail{object: t.object, sql: t.sql, since: s.db.config.Now(), client: clientName(s.client), sub: sub}
	s.db.clients.add(open)
	return &tailRows{tail: t, sub: sub, open: open, clients: &s.db.clients}, nil
}

// tailRows gives a subscription's rows in the columns of its SUBSCRIBE.
type tailRows struct {
	*tail
	sub     *exec.Subscription
	open    *openTail
	clients *clients
}

func (r *tailRows) close() {
	r.clients.remove(r.open)
	r.sub.Close()
}

func (r *tailRows) next(ctx context.Context, block bool) (*batch.Batch, error) {
	for {
		u, ok, err := r.sub.Next(ctx, block)
		if errors.Is(err, exec.ErrStopped) {
			return nil, pgerr.Newf(pgerr.AdminShutdown, "%v", exec.ErrStopped)
		}
		if err != nil || !ok {
			return nil, err
		}
		if b := r.rows(u); b != nil {
			return b, nil
		}
	}
}

// rows lays an update out; nil if it shows nothing.
func (r *tailRows) rows(u exec.Update) *batch.Batch {
	if u.Batch == nil {
		if !r.progress || u.Watermark == exec.NoWatermark {
			return nil
		}
		return r.progressRow(u)
	}
	b := u.Batch.Pick(r.visible)
	if r.upserts {
		b = insertsOnly(b)
	}
	if b.Rows == 0 || r.bare {
		return nonEmpty(b)
	}
	cols := []arrow.Array{constant(u.AtMillis, b.Rows)}
	if r.progress {
		cols = append(cols, falses(b.Rows))
	}
	cols = append(cols, diffs(b))
	return batch.New(append(cols, b.Cols...), b.Rows)
}

func nonEmpty(b *batch.Batch) *batch.Batch {
	if b.Rows == 0 {
		return nil
	}
	return b
}

// progressRow says that no row with an event time below the watermark will come.
func (r *tailRows) progressRow(u exec.Update) *batch.Batch {
	done := array.NewBooleanBuilder(memory.DefaultAllocator)
	done.Append(true)
	cols := []arrow.Array{constant(u.Watermark, 1), done.NewArray()}
	for _, c := range r.columns[len(cols):] {
		cols = append(cols, array.MakeArrayOfNull(memory.DefaultAllocator, c.Type.Arrow(), 1))
	}
	return batch.New(cols, 1)
}

func constant(v int64, rows int) arrow.Array {
	values := make([]int64, rows)
	for i := range values {
		values[i] = v
	}
	return int64s(values)
}

func int64s(values []int64) arrow.Array {
	buf := memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(values))
	return array.NewInt64Data(array.NewData(arrow.PrimitiveTypes.Int64, len(values), []*memory.Buffer{nil, buf}, nil, 0, 0))
}

func falses(rows int) arrow.Array {
	buf := memory.NewBufferBytes(make([]byte, (rows+7)/8))
	return array.NewBooleanData(array.NewData(arrow.FixedWidthTypes.Boolean, rows, []*memory.Buffer{nil, buf}, nil, 0, 0))
}

func diffs(b *batch.Batch) arrow.Array {
	values := make([]int64, b.Rows)
	for i := range values {
		values[i] = int64(b.Diff(i))
	}
	return int64s(values)
}

// insertsOnly drops the rows that go away.
func insertsOnly(b *batch.Batch) *batch.Batch {
	if b.Diffs == nil {
		return b
	}
	var keep []int32
	for i, d := range b.Diffs {
		if d > 0 {
			keep = append(keep, int32(i))
		}
	}
	return exec.Rows(b, keep)
}

// cursor is a DECLAREd cursor.
type cursor struct {
	rows    rowSource
	columns []pgwire.Column
	hold    bool
	rest    *batch.Batch
	ended   bool
}

// errTimeout ends a FETCH whose time is over.
var errTimeout = errors.New("the time of the FETCH is over")

// take returns up to limit rows (negative for all that come before the end or
// the timeout), waiting for the first one only.
func (c *cursor) take(ctx context.Context, limit int64) ([]*batch.Batch, error) {
	var out []*batch.Batch
	got := int64(0)
	for limit < 0 || got < limit {
		b, err := c.rest, error(nil)
		c.rest = nil
		if b == nil {
			if c.ended {
				break
			}
			b, err = c.rows.next(ctx, got == 0)
		}
		if errors.Is(err, io.EOF) {
			c.ended = true
			break
		}
		if err != nil && ctx.Err() != nil && errors.Is(context.Cause(ctx), errTimeout) {
			break
		}
		if err != nil {
			return nil, err
		}
		if b == nil {
			break
		}
		if limit >= 0 && got+int64(b.Rows) > limit {
			n := int(limit - got)
			c.rest = b.Slice(n, b.Rows)
			b = b.Slice(0, n)
		}
		got += int64(b.Rows)
		out = append(out, b)
	}
	return out, nil
}
