package exectest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"laminardb/exec"
	"laminardb/planner"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
)

// overSource is what the random OVER queries read. n is unique, ts is not.
const overSource = "CREATE SOURCE s (k text, v int, f double precision, ts bigint, n int, WATERMARK FOR ts AS ts - 300)"

func overRows(g *generator) [][]string {
	var rows [][]string
	at := int64(0)
	for i := range 1 + g.IntN(40) {
		at += int64(g.IntN(3)) * int64(g.IntN(4)) * 50
		rows = append(rows, []string{
			g.one("a", "a", "b", "c", "NULL"), g.one("1", "2", "-3", "10", "NULL"),
			g.one("0.5", "2", "-7.25", "100", "NULL"), fmt.Sprint(at), fmt.Sprint(i),
		})
	}
	return rows
}

// overCall returns a random call with its frame; unique says that the order tells
// all rows apart, continuous that only what can be final is asked for.
func overCall(g *generator, window string, unique, continuous bool) string {
	calls := []string{"count(*)", "sum(v)", "min(v)", "max(f)", "avg(f)", "count(v) FILTER (WHERE f > 0)", "rank()", "dense_rank()"}
	if unique {
		calls = append(calls, "row_number()", "lag(v)", "lag(f, 2, 0.5)", "lead(v)", "lead(v, 3, n)", "lag(k, 0)",
			"first_value(v)", "last_value(f)", "nth_value(v, 2)", "array_agg(v)", "string_agg(k, ',')", "bool_or(v > 1)", "first_value(k)")
	}
	if !continuous {
		calls = append(calls, "percent_rank()", "cume_dist()")
		if unique {
			calls = append(calls, "ntile(3)")
		}
	}
	call := calls[g.IntN(len(calls))]
	frame := overFrame(g, unique, continuous)
	if continuous && strings.Contains(frame, "EXCLUDE") && strings.Contains(frame, "UNBOUNDED") && strings.Contains(call, "_value") {
		frame = ""
	}
	return call + " OVER (" + window + frame + ")"
}

func overFrame(g *generator, unique, continuous bool) string {
	mode := g.one("RANGE", "GROUPS")
	if unique && g.IntN(2) == 0 {
		mode = "ROWS"
	}
	offset := func() string {
		if mode == "RANGE" {
			return g.one("0", "50", "100", "170")
		}
		return g.one("0", "1", "2", "5")
	}
	exclude := g.one("", "", "", " EXCLUDE GROUP")
	if unique {
		exclude = g.one("", "", "", " EXCLUDE GROUP", " EXCLUDE CURRENT ROW", " EXCLUDE TIES")
	}
	unbounded := " AND UNBOUNDED FOLLOWING"
	if continuous {
		unbounded = " AND CURRENT ROW"
	}
	switch g.IntN(6) {
	case 0:
		return ""
	case 1:
		return " " + mode + " BETWEEN UNBOUNDED PRECEDING" + g.one(unbounded, " AND CURRENT ROW", " AND "+offset()+" FOLLOWING", " AND "+offset()+" PRECEDING") + exclude
	case 2:
		return " " + mode + " BETWEEN " + offset() + " PRECEDING AND " + g.one("CURRENT ROW", offset()+" PRECEDING", offset()+" FOLLOWING", unbounded[5:]) + exclude
	case 3:
		return " " + mode + " BETWEEN " + offset() + " FOLLOWING AND " + offset() + " FOLLOWING" + exclude
	case 4:
		return " " + mode + " BETWEEN CURRENT ROW AND " + g.one("CURRENT ROW", offset()+" FOLLOWING") + exclude
	}
	return " " + mode + " BETWEEN " + offset() + " PRECEDING AND " + offset() + " FOLLOWING" + exclude
}

// TestRandomOver compares random OVER queries by event time, and over a view that
// changes, with the same SELECT.
func TestRandomOver(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	queries := 0
	for end := time.Now().Add(randomBudget / 2); time.Now().Before(end); seed++ {
		g := &generator{rand.New(rand.NewPCG(seed, 8))}
		w := New(testEnv())
		s, err := w.Source(overSource)
		if err != nil {
			t.Fatal(err)
		}
		rows := overRows(g)
		if err := w.Insert(s, rows); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Query("CREATE MATERIALIZED VIEW live AS SELECT k, sum(v) AS v, max(f) AS f, max(ts) AS ts, max(n) AS n FROM s GROUP BY k"); err != nil {
			t.Fatal(err)
		}
		sql := "CREATE STREAM q AS SELECT k, n, " + overCall(g, g.one("PARTITION BY k ORDER BY ts", "ORDER BY ts"), true, true) + " AS x, " + overCall(g, "PARTITION BY k ORDER BY ts", true, true) + " AS y FROM s"
		switch g.IntN(3) {
		case 0:
			sql = "CREATE STREAM q AS SELECT k, " + overCall(g, g.one("", "PARTITION BY v % 2 ")+"ORDER BY n", true, false) + " AS x FROM live"
		case 1:
			sql = fmt.Sprintf("CREATE STREAM q AS SELECT * FROM (SELECT *, %s OVER (%s ORDER BY v%s) AS rn FROM %s) x WHERE rn %s %d",
				g.one("rank()", "dense_rank()", "row_number()"), g.one("", "PARTITION BY k", "PARTITION BY v % 2"), g.one("", " DESC", " NULLS FIRST, f"), g.one("s", "live"), g.one("<=", "<", "="), 1+g.IntN(4))
		}
		name, err := w.Query(sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		queries++
		v := Variants()[g.IntN(len(Variants())):]
		if _, err := w.Check(ctx, name, v[:1]); err != nil {
			t.Fatalf("-exectest.seed=%d\n%s\n%s\n%v", seed, sql, rows, err)
		}
	}
	t.Logf("%d queries", queries)
}

// TestOverAgainstPostgreSQL runs random OVER queries on a PostgreSQL server.
func TestOverAgainstPostgreSQL(t *testing.T) {
	dsn := os.Getenv("LAMINAR_PG_DSN")
	if dsn == "" {
		t.Skip("LAMINAR_PG_DSN is not set")
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	for range 25 {
		seed++
		g := &generator{rand.New(rand.NewPCG(seed, 9))}
		w := New(testEnv())
		s, err := w.Source(overSource)
		if err != nil {
			t.Fatal(err)
		}
		rows := overRows(g)
		if err := w.Insert(s, rows); err != nil {
			t.Fatal(err)
		}
		fill := "DROP TABLE IF EXISTS s; CREATE TEMP TABLE s (k text, v int, f double precision, ts bigint, n int);"
		for _, r := range rows {
			fill += "INSERT INTO s VALUES ('" + strings.Join(r, "', '") + "');"
		}
		if _, err := conn.Exec(ctx, strings.ReplaceAll(fill, "'NULL'", "NULL")); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			items := make([]string, 3)
			for i := range items {
				unique := g.IntN(2) == 0
				order := g.one("ORDER BY ts", "ORDER BY ts DESC", "ORDER BY v", "ORDER BY v DESC NULLS LAST", "ORDER BY v NULLS FIRST")
				if unique {
					order = g.one("ORDER BY n", "ORDER BY n DESC")
				}
				items[i] = overCall(g, g.one("", "PARTITION BY k ", "PARTITION BY v ")+order, unique, false)
			}
			sql := "SELECT n, " + strings.Join(items, ", ") + " FROM s"
			if d := comparePostgreSQL(ctx, w, conn, sql); d != "" {
				t.Fatalf("-exectest.seed=%d\n%s\n%s%s", seed, sql, fill, d)
			}
		}
	}
}

// comparePostgreSQL describes the difference of one query's results, "" for none.
func comparePostgreSQL(ctx context.Context, w *World, conn *pgx.Conn, sql string) string {
	stmt, err := one[*ast.CreateQuery]("CREATE STREAM q AS " + sql)
	if err != nil {
		return err.Error()
	}
	r, err := (&planner.Query{Relations: relations{w, true}, Mode: planner.Once}).Plan(stmt.Query)
	if err != nil {
		return err.Error()
	}
	b, err := w.collect(r.Root, exec.System(func(_ context.Context, scan *plan.Scan) (*batch.Batch, error) { return w.sources[scan.Name].Rows, nil }))
	if err != nil {
		return err.Error()
	}
	res := newResult(r.Root.Schema())
	if err := res.add(b); err != nil {
		return err.Error()
	}
	ours := strings.Split(strings.TrimSuffix(res.String(), "\n"), "\n")[1:]
	list, err := conn.Query(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return err.Error()
	}
	defer list.Close()
	var theirs []string
	for list.Next() {
		cells := make([]string, len(list.RawValues()))
		for i, v := range list.RawValues() {
			if cells[i] = string(v); v == nil {
				cells[i] = "NULL"
			}
		}
		theirs = append(theirs, strings.Join(cells, " | "))
	}
	if list.Err() != nil {
		return list.Err().Error()
	}
	slices.Sort(theirs)
	for i := range theirs {
		if i >= len(ours) || ours[i] != theirs[i] {
			return fmt.Sprintf("\nours   %s\ntheirs %s", ours[min(i, len(ours)-1)], theirs[i])
		}
	}
	return ""
}

// TestMomentumAndMovers runs the market-data pipelines with OVER as they are
// written.
func TestMomentumAndMovers(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	const dir = "../../examples/market-data/sql/"
	w := New(testEnv())
	g := &generator{rand.New(rand.NewPCG(1, 10))}
	var rows [][]string
	for i := range 60 {
		rows = append(rows, []string{g.one("AAPL", "MSFT", "GOOG", "TSLA", "NVDA"), fmt.Sprintf("%d.%d", 100+g.IntN(50), i%10), "1", "2", "5", "buy", fmt.Sprint(1000 * (i + i%7))})
	}
	slices.SortStableFunc(rows, func(a, b []string) int { return len(a[6])*1000 - len(b[6])*1000 + strings.Compare(a[6], b[6]) })
	for _, file := range []string{"sources/01_market_ticks.sql", "streams/07_price_momentum.sql", "streams/08_symbol_stats.sql", "streams/08_top_movers.sql"} {
		sql, err := os.ReadFile(dir + file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(file, "sources") {
			s, err := w.Source(string(sql))
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Insert(s, rows); err != nil {
				t.Fatal(err)
			}
			continue
		}
		name, err := w.Query(string(sql))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		res, err := w.Check(ctx, name, Variants())
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if want := map[string]int{"price_momentum": 60, "top_movers": 3}[name]; want > 0 && strings.Count(res.String(), "\n") != want+1 {
			t.Errorf("%s gave\n%s", name, res)
		}
		t.Logf("%s\n%s", name, strings.Join(plan.Explain(w.Plan(name)), "\n"))
	}
}
