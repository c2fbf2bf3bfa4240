package exectest

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// seedFlag repeats one run of TestRandom; 0 takes a new seed each time.
var seedFlag = flag.Uint64("exectest.seed", 0, "the seed of TestRandom")

// randomBudget is how long TestRandom looks for differences.
const randomBudget = 3 * time.Second

// TestRandom compares random queries over random rows.
func TestRandom(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	worlds, queries := 0, 0
	for end := time.Now().Add(randomBudget); time.Now().Before(end); seed++ {
		g := &generator{rand.New(rand.NewPCG(seed, 7))}
		w, sources := g.world(t)
		for range 4 {
			name, sql := g.query(t, w)
			if name == "" {
				continue
			}
			queries++
			v := Variants()[g.IntN(len(Variants())):]
			if _, err := w.Check(ctx, name, v[:1]); err != nil {
				t.Fatalf("-exectest.seed=%d\n%s\n%s\n%v", seed, sources, sql, err)
			}
		}
		worlds++
	}
	t.Logf("%d queries over %d inputs", queries, worlds)
	if queries < worlds {
		t.Errorf("only %d of the queries could be planned", queries)
	}
}

type generator struct{ *rand.Rand }

func (g *generator) one(list ...string) string { return list[g.IntN(len(list))] }

// world makes a source of random rows and some objects over it.
func (g *generator) world(t *testing.T) (*World, string) {
	w := New(testEnv())
	create := fmt.Sprintf("CREATE SOURCE s (k text, j int, v bigint, f double precision, b boolean, ts %s, WATERMARK FOR ts AS ts - INTERVAL '%d' SECOND)",
		g.one("bigint", "timestamp", "timestamptz"), g.IntN(4))
	s, err := w.Source(create)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	at := int64(g.IntN(20000) - 10000)
	for range g.IntN(40) {
		at += int64(g.IntN(4)) * int64(g.IntN(1500))
		stamp := fmt.Sprint(at)
		if s.Schema.Fields[5].Type.String() != "bigint" {
			stamp = time.UnixMilli(at).UTC().Format("2006-01-02 15:04:05.000")
		}
		rows = append(rows, []string{
			g.one("a", "b", "c", "NULL", ""), g.one("1", "2", "3", "NULL"), fmt.Sprint(g.IntN(20) - 10),
			g.one("0.1", "0.2", "-0.7", "1e10", "3", "NULL", "-0"), g.one("true", "false", "NULL"), stamp,
		})
	}
	if err := w.Insert(s, rows); err != nil {
		t.Fatal(err)
	}
	text := create + "\n"
	for _, r := range rows {
		text += strings.Join(r, " | ") + "\n"
	}
	for _, sql := range []string{
		"CREATE STREAM plain AS SELECT k, j, v, f, b FROM s WHERE v > -8",
		"CREATE STREAM win AS SELECT k, min(j) AS j, sum(v)::bigint AS v, max(f) AS f, bool_or(b) AS b FROM s GROUP BY k, tumble(ts, INTERVAL '2' SECOND)",
		"CREATE MATERIALIZED VIEW live AS SELECT k, max(j) AS j, count(*) AS v, last_value(f) AS f, bool_and(b) AS b FROM s GROUP BY k, tumble(ts, INTERVAL '3' SECOND)",
		"CREATE MATERIALIZED VIEW grp AS SELECT j, min(k) AS k, sum(v)::bigint AS v, min(f) AS f, b FROM s GROUP BY j, b",
	} {
		if _, err := w.Query(sql); err != nil {
			t.Fatal(err)
		}
		text += sql + "\n"
	}
	return w, text
}

// query defines a random query and returns its name, "" if it is one that the
// planner refuses.
func (g *generator) query(t *testing.T, w *World) (name, sql string) {
	sql = "CREATE " + g.one("STREAM", "MATERIALIZED VIEW") + " q AS " + g.selects() + g.one("", "", "", " EMIT CHANGES", " EMIT ON UPDATE")
	name, err := w.Query(sql)
	if err != nil {
		if strings.Contains(err.Error(), "XX000") {
			t.Fatalf("%s: %v", sql, err)
		}
		return "", sql
	}
	return name, sql
}

func (g *generator) selects() string {
	switch g.IntN(11) {
	case 5:
		return g.overs()
	case 6:
		return g.correlated()
	case 7:
		return g.sets()
	case 0:
		return "SELECT " + g.scalars(1+g.IntN(3)) + " FROM " + g.from() + g.where()
	case 1:
		return "SELECT DISTINCT " + g.scalars(1+g.IntN(2)) + " FROM " + g.from() + g.where()
	case 2:
		return "SELECT k, v, f FROM " + g.from() + g.where() + " UNION " + g.one("ALL ", "ALL ", "") + "SELECT " + g.one("k, v, f", "'x', j, 2.5") + " FROM " + g.from() + g.where()
	case 3:
		from := g.from()
		return "SELECT " + g.aggs(from) + " FROM " + from + g.where() + g.having()
	case 4:
		return "SELECT x.n, count(*) AS c, min(x.k) FROM (" + g.grouped() + ") AS x GROUP BY x.n"
	}
	return g.grouped()
}

// overs are window functions in an order that tells rows apart, or that does not
// matter.
func (g *generator) overs() string {
	window := g.one("PARTITION BY k ORDER BY v", "PARTITION BY j ORDER BY k DESC, v", "ORDER BY f NULLS FIRST, j", "PARTITION BY b, k ORDER BY v DESC")
	calls := g.one("rank()", "dense_rank()", "row_number()", "cume_dist()", "ntile(3)") + " OVER w AS a, " +
		g.one("sum(v) OVER w", "lag(v) OVER w", "lead(k, 2, 'none') OVER w", "count(*) OVER (PARTITION BY k)", "max(v) OVER ()",
			"sum(j) OVER (w ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)", "min(v) OVER (w GROUPS 1 PRECEDING)") + " AS c"
	return "SELECT k, v, " + calls + " FROM " + g.from() + g.where() + " WINDOW w AS (" + window + ")"
}

// correlated are subqueries that name columns of the query around them.
func (g *generator) correlated() string {
	inner := " FROM " + g.from() + " y WHERE " + g.one("y.k = x.k", "y.j = x.j", "y.k = x.k AND y.j = x.j", "x.v % 3 = y.v % 3", "y.j = x.j AND y.v > 0")
	value := "(SELECT " + g.one("count(*)", "sum(v)", "2 * count(y.f) + 1", "coalesce(max(y.k), 'none')", "min(v) FILTER (WHERE b)", "count(DISTINCT y.j)") + inner +
		g.one("", "", " HAVING count(*) <> 2") + ")"
	first := "(SELECT y.v" + inner + " ORDER BY y.v DESC, y.k LIMIT 1)"
	test := g.one("EXISTS (SELECT 1"+inner+")", "x.v IN (SELECT y.v"+inner+")", "x.j NOT IN (SELECT y.j"+inner+")", "x.v > "+first, "x.v <> ALL (SELECT y.v"+inner+")",
		"NOT EXISTS (SELECT y.k"+inner+" GROUP BY y.k HAVING count(*) > 1)")
	lateral := "LATERAL (SELECT " + g.one("y.v AS n"+inner, "y.k AS n, x.v + y.v AS m"+inner, "count(*) AS n, max(y.v) AS m"+inner, "y.k AS n, count(*) AS c"+inner+" GROUP BY y.k",
		"y.v AS n"+inner+" ORDER BY y.v, y.k LIMIT 2", "DISTINCT y.j AS n"+inner, "x.v * 2 AS n, upper(x.k) AS m") + ") z"
	from := " FROM " + g.from() + " x"
	switch g.IntN(4) {
	case 0:
		return "SELECT x.k, x.v, " + value + " AS c, " + g.one(first, value, test) + " AS d" + from
	case 1:
		return "SELECT x.k, x.v" + from + " WHERE " + g.one(test, "x.v > 3 OR "+test, "NOT ("+test+")", test+" AND x.j > 1")
	case 2:
		return "SELECT x.k, z.n" + from + ", " + lateral
	}
	return "SELECT x.k, x.v, z.n" + from + " LEFT JOIN " + lateral + " ON " + g.one("true", "x.v > 0", "z.n IS NOT NULL")
}

// sets are functions that make rows of each row, and rows as often as two inputs say.
func (g *generator) sets() string {
	from := g.from()
	switch g.IntN(4) {
	case 0:
		return "SELECT k, e FROM " + from + g.one(" CROSS JOIN generate_series(j, 3) AS e", " LEFT JOIN generate_series(j, 3) AS e ON e > 1") + g.where()
	case 1:
		return "SELECT k, generate_series(1, j), unnest(ARRAY[v, j]) AS u FROM " + from + g.where()
	case 2:
		return "SELECT unnest(string_to_array(k || ',x', ',')) AS e, count(*) AS n, sum(j) AS s FROM " + from + g.where() + " GROUP BY e"
	}
	return "SELECT k, j FROM " + from + g.where() + g.one(" INTERSECT ALL ", " EXCEPT ALL ") + "SELECT k, j FROM " + g.from() + g.where()
}

func (g *generator) grouped() string {
	keys := g.one("k", "j", "k, j", "coalesce(k, 'none') AS k", "b", "v % 3 AS m")
	var groupBy []string
	for i := range strings.Count(keys, ",") + 1 {
		groupBy = append(groupBy, fmt.Sprint(i+1))
	}
	if strings.Contains(keys, "coalesce") {
		groupBy = []string{"1"}
	}
	items := keys
	if g.IntN(3) > 0 {
		groupBy = append(groupBy, g.one("tumble(ts, INTERVAL '1' SECOND)", "tumble(ts, INTERVAL '5' SECOND)", "tumble(ts, INTERVAL '4' SECOND, INTERVAL '1' SECOND)", "tumble(ts, INTERVAL '1' HOUR)",
			"session(ts, INTERVAL '1' SECOND)", "session(ts, INTERVAL '3' SECOND)"))
		if g.IntN(2) == 0 {
			items += ", window_start"
		}
		if g.IntN(4) == 0 {
			groupBy = groupBy[len(groupBy)-1:]
			items = "window_end"
		}
	}
	if !strings.Contains(items, "k") {
		items += ", max(k) AS k"
	}
	from := g.from()
	return "SELECT " + items + ", count(*) AS n, " + g.aggs(from) + " FROM " + from + g.where() + " GROUP BY " + strings.Join(groupBy, ", ") + g.having()
}

func (g *generator) from() string { return g.one("s", "s", "plain", "win", "live", "grp") }

func (g *generator) where() string {
	if g.IntN(2) == 0 {
		return ""
	}
	return " WHERE " + g.condition()
}

func (g *generator) having() string {
	if g.IntN(3) > 0 {
		return ""
	}
	return " HAVING " + g.one("count(*) > 1", "sum(v) > 0", "max(f) IS NOT NULL", "min(j) < 3 OR count(b) = 0")
}

func (g *generator) condition() string {
	c := g.one("v > 0", "v BETWEEN -3 AND 5", "k = 'a'", "k IN ('a', 'b')", "j IS NULL", "b", "NOT b", "f > 0.1", "j <> 2", "k < 'b'", "coalesce(j, 0) < v")
	switch g.IntN(4) {
	case 0:
		return "(" + c + " OR " + g.condition() + ")"
	case 1:
		return c + " AND " + g.condition()
	}
	return c
}

func (g *generator) scalars(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = g.one("k", "j", "v", "f", "b", "v * 2 + j", "-f", "upper(k)", "k || '-' || j::text", "CASE WHEN v > 0 THEN 'pos' WHEN b THEN k ELSE 'neg' END",
			"coalesce(j, v, 0)", "nullif(j, 2)", "v::double precision / 4", "f > 0 AND b", "abs(v)", "j::text") + fmt.Sprintf(" AS c%d", i)
	}
	return strings.Join(list, ", ")
}

// aggs leaves first_value and last_value to inputs whose rows of one event time
// keep their order; where they do not, any of those rows is a right answer.
func (g *generator) aggs(from string) string {
	end := "count(v)"
	if from == "s" || from == "plain" {
		end = g.one("first_value(v)", "last_value(v)")
	}
	list := make([]string, 1+g.IntN(3))
	for i := range list {
		a := g.one("count(*)", "count(j)", "sum(v)", "sum(j)", "sum(f)", "avg(v)", "avg(f)", "min(v)", "max(k)", "min(f)", "max(b::int)",
			"count(DISTINCT k)", "sum(DISTINCT j)", "bool_and(b)", "stddev(v)", end,
			"string_agg(v::text, ',' ORDER BY v)", "array_agg(j ORDER BY j)")
		if g.IntN(4) == 0 {
			a += " FILTER (WHERE " + g.condition() + ")"
		}
		list[i] = a + fmt.Sprintf(" AS a%d", i)
	}
	return strings.Join(list, ", ")
}
