package exec

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"laminardb/planner/plan"
	"laminardb/sql/types"
)

// What nobody reads is kept as it would have been read: an interval join behind
// which columns are passed and computed, some of whose rows fail.
func TestUnreadJoin(t *testing.T) {
	column := func(i int) plan.Expr { return &plan.Column{Index: i, T: types.Of(types.Int64)} }
	call := func(f string, result types.Kind, args ...plan.Expr) plan.Expr {
		return &plan.Call{Func: f + "(bigint,bigint)", Name: f, Args: args, T: types.Of(result), Pos: -1}
	}
	big := &plan.Const{Value: int64(math.MaxInt64 - 300), T: types.Of(types.Int64)}
	schema := int64Schema("left", "key", "sum", "right", "again")
	for kind := plan.JoinInner; kind <= plan.JoinFull; kind++ {
		for _, residual := range []plan.Expr{nil, call("lt", types.Bool, column(2), column(5))} {
			run := func(low, limit int, read bool) (rows [][]int64, failed int64, left int) {
				rng := rand.New(rand.NewPCG(3, uint64(kind)))
				l, r, keys, at := timeScans()
				join := &plan.IntervalJoin{
					Base: plan.Base{Out: int64Schema("key", "t", "id", "key2", "t2", "id2")}, Left: l, Right: r, Kind: kind,
					LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Reach: plan.TimeRange{Low: int64(low), High: 30}, Residual: residual,
				}
				n := &plan.Project{Base: plan.Base{Out: schema}, Input: join, Exprs: []plan.Expr{
					column(2), column(0), call("add", types.Int64, column(2), big), column(5), column(2),
				}}
				hub := newHub(schema, newHistory(schema, limit), time.Now)
				if read {
					hub.attach(newTaker().consumer, false)
				}
				d := &Dataflow{env: testEnv(), times: newLatencies(), stats: &OperatorStats{}}
				in, stats := buildJoin(t, n, countOut{hubReceiver{hub}, d})
				deliver(t, in, [2][]tick{arrivals(rng, 400, 7, 4, 3), arrivals(rng, 600, 7, 3, 3)}, 50, 20, 7)
				if out := d.stats.RowsOut.Load(); out != hub.rows.Load() {
					t.Errorf("%d rows counted, %d published", out, hub.rows.Load())
				}
				for _, kept := range hub.store.(*history).kept {
					if kept.make != nil {
						left++
					}
				}
				stored, _ := hub.Snapshot()
				for _, b := range stored {
					rows = append(rows, int64Rows(b)...)
				}
				return rows, stats.DeadLetters.Load(), left
			}
			if rows, _, left := run(30, math.MaxInt32, false); len(rows) == 0 || left > 0 {
				t.Errorf("kind %v: of %d rows in small batches %d batches hold the inputs' rows", kind, len(rows), left)
			}
			for _, limit := range []int{0, 100, math.MaxInt32} {
				name := fmt.Sprintf("kind %v, residual %v, limit %d", kind, residual != nil, limit)
				want, failed, none := run(-40, limit, true)
				got, failedToo, left := run(-40, limit, false)
				if failed != failedToo || failed == 0 {
					t.Errorf("%s: %d rows failed unread, %d read", name, failedToo, failed)
				}
				if !slices.EqualFunc(want, got, slices.Equal[[]int64]) {
					t.Errorf("%s: %d rows unread, %d read:\n%v\n%v", name, len(got), len(want), got, want)
				}
				if limit > 0 && len(got) == 0 || none != 0 || limit > 100 && left == 0 {
					t.Errorf("%s: %d rows, %d batches made later unread, %d read", name, len(got), left, none)
				}
			}
		}
	}
}
