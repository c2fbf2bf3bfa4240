package exectest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"laminardb/planner/plan"
)

// pipelines is where the market-data example keeps its statements.
const pipelines = "../../examples/market-data/sql"

// TestSeedJoins runs the example's ASOF and interval joins as they are written.
func TestSeedJoins(t *testing.T) {
	w := New(testEnv())
	read := func(path string) string {
		text, err := os.ReadFile(filepath.Join(pipelines, path))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	rng := rand.New(rand.NewPCG(8, 9))
	source := func(path string, rows [][]string) {
		s, err := w.Source(read(path))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Insert(s, rows); err != nil {
			t.Fatal(err)
		}
	}
	symbol := func() string { return []string{"AAPL", "MSFT", "GOOG"}[rng.IntN(3)] }
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	var ticks, orders [][]string
	for i := range int64(120) {
		price := 100 + rng.Int64N(40)
		ticks = append(ticks, []string{symbol(), number(price), number(price - 1), number(price + 1), "10", "buy", number(i*150 + rng.Int64N(2000))})
	}
	for i := range int64(40) {
		orders = append(orders, []string{fmt.Sprint("o", i), symbol(), "sell", "5", number(100 + rng.Int64N(40)), number(i*450 + rng.Int64N(2000))})
	}
	source("sources/01_market_ticks.sql", ticks)
	source("sources/02_order_events.sql", orders)
	for _, c := range []struct {
		path string
		join func(plan.Node) bool
	}{
		{"streams/04_enriched_orders.sql", func(n plan.Node) bool { _, ok := n.(*plan.AsofJoin); return ok }},
		{"streams/06_order_tick_matches.sql", func(n plan.Node) bool { _, ok := n.(*plan.IntervalJoin); return ok }},
	} {
		name, err := w.Query(read(c.path))
		if err != nil {
			t.Fatal(err)
		}
		if root := w.Plan(name); !has(root, c.join) {
			t.Errorf("%s has the plan %v", c.path, plan.Explain(root))
		}
		res, err := w.Check(context.Background(), name, Variants())
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if len(res.rows) < len(orders) {
			t.Errorf("%s: %d rows", c.path, len(res.rows))
		}
	}
}

func has(n plan.Node, f func(plan.Node) bool) bool {
	if f(n) {
		return true
	}
	for _, in := range n.Inputs() {
		if has(in, f) {
			return true
		}
	}
	return false
}

// TestTimeJoinPlans says how joins are recognised: right time - left time, in the
// unit of the times.
func TestTimeJoinPlans(t *testing.T) {
	w := New(testEnv())
	for _, sql := range []string{
		"CREATE SOURCE l (k text, v int, ts bigint, WATERMARK FOR ts AS ts - 1)",
		"CREATE SOURCE r (k text, v int, ts bigint, WATERMARK FOR ts AS ts - 1)",
		"CREATE SOURCE lt (k text, ts timestamp, WATERMARK FOR ts AS ts)",
		"CREATE SOURCE rt (k text, ts timestamptz, WATERMARK FOR ts AS ts)",
		"CREATE SOURCE still (k text, ts bigint)",
	} {
		if _, err := w.Source(sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ from, want string }{
		{"l JOIN r ON l.k = r.k AND r.ts BETWEEN l.ts - 5 AND l.ts + INTERVAL '1' SECOND", "interval -5 1000"},
		{"l JOIN r ON l.k = r.k AND l.ts BETWEEN r.ts - 5 AND r.ts + 7", "interval -7 5"},
		{"l JOIN r ON l.k = r.k AND l.ts - r.ts < 5 AND INTERVAL '1' SECOND > r.ts - l.ts", "interval -4 999"},
		{"l JOIN r ON r.ts + 5 > l.ts AND 5 + l.ts >= r.ts", "interval -4 5"},
		{"l JOIN r ON l.k = r.k AND abs(r.ts - l.ts) < 5 AND r.ts >= l.ts", "interval 0 4"},
		{"l JOIN r ON l.k = r.k AND -l.ts + r.ts <= 5 AND l.ts - 5 - 6 <= r.ts", "interval -11 5"},
		{"l LEFT JOIN r ON l.k = r.k AND l.ts = r.ts AND l.v < r.v", "interval 0 0"},
		{"l JOIN r USING (k, ts)", "interval 0 0"},
		{"l JOIN r ON l.ts = r.ts + 3", "interval -3 -3"},
		{"lt JOIN rt ON lt.k = rt.k AND rt.ts BETWEEN lt.ts AND lt.ts + INTERVAL '1' DAY", "interval 0 86400000000"},
		{"lt JOIN lt AS u ON lt.k = u.k AND lt.ts - u.ts BETWEEN INTERVAL '-1' SECOND AND 2000", "interval -2000000 1000000"},
		{"l JOIN r ON l.k = r.k AND r.ts >= l.ts", "other"},
		{"l JOIN r ON l.k = r.k AND (r.ts BETWEEN l.ts AND l.ts + 5 OR l.v = 1)", "other"},
		{"l JOIN r ON l.k = r.k AND r.v BETWEEN l.v AND l.v + 5", "other"},
		{"l JOIN r ON l.k = r.k AND r.ts BETWEEN l.ts AND l.ts + l.v", "other"},
		{"lt JOIN rt ON lt.k = rt.k AND rt.ts BETWEEN lt.ts AND lt.ts + INTERVAL '1' MONTH", "other"},
		{"l JOIN still ON l.k = still.k AND l.ts BETWEEN still.ts - 5 AND still.ts + 5", "other"},
		{"l ASOF JOIN r ON l.k = r.k AND l.ts >= r.ts", "asof 0 min 0"},
		{"l ASOF JOIN r ON l.k = r.k AND r.ts < l.ts AND r.ts >= l.ts - 5", "asof 0 -5 -1"},
		{"l ASOF JOIN r MATCH_CONDITION (r.ts > l.ts) ON l.k = r.k AND r.ts - l.ts < INTERVAL '1' SECOND", "asof 1 1 999"},
		{"l ASOF JOIN r MATCH_CONDITION (l.ts - 5 >= r.ts) USING (k)", "asof 0 min -5"},
		{"l ASOF JOIN r MATCH_CONDITION (NEAREST r.ts, l.ts) ON l.k = r.k AND abs(l.ts - r.ts) <= 5", "asof 2 -5 5"},
		{"lt ASOF JOIN rt MATCH_CONDITION (lt.ts >= rt.ts) ON lt.k = rt.k AND lt.ts - rt.ts <= 3", "asof 0 -3000 0"},
	} {
		name, err := w.Query("CREATE STREAM s AS SELECT 1 AS one FROM " + c.from)
		if err != nil {
			t.Errorf("%s: %v", c.from, err)
			continue
		}
		got := "other"
		bound := func(v int64) string {
			switch v {
			case plan.NoLow:
				return "min"
			case plan.NoHigh:
				return "max"
			}
			return strconv.FormatInt(v, 10)
		}
		has(w.Plan(name), func(n plan.Node) bool {
			switch n := n.(type) {
			case *plan.IntervalJoin:
				got = "interval " + bound(n.Reach.Low) + " " + bound(n.Reach.High)
			case *plan.AsofJoin:
				got = fmt.Sprint("asof ", n.Direction, " ", bound(n.Reach.Low), " ", bound(n.Reach.High))
			}
			return false
		})
		if got != c.want {
			t.Errorf("%s: %s, not %s", c.from, got, c.want)
		}
	}
}
