package pgdiff

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// seedFlag repeats one run of TestRandomAsPostgreSQL.
var seedFlag = flag.Uint64("pgdiff.seed", 0, "seed of the random queries, 0 for one by chance")

// randomQueries is a second's worth of them.
const randomQueries = 500

// TestRandomAsPostgreSQL runs random queries over the tables on both databases.
func TestRandomAsPostgreSQL(t *testing.T) {
	tables, err := os.ReadFile("testdata/tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	theirs := openTheirs(t, string(tables))
	if theirs == nil {
		t.Skip("LAMINAR_PG_DSN is not set")
	}
	ours := openOurs(t)
	run(t, ours, string(tables))
	start := *seedFlag
	if start == 0 {
		start = rand.Uint64()
	}
	g := &generator{Rand: rand.New(rand.NewPCG(start, 0))}
	answered := 0
	for range randomQueries {
		d := &datadriven.TestData{Cmd: "query", CmdArgs: []datadriven.CmdArg{{Key: "scale"}}, Input: g.query()}
		got, want := ask(t, ours, d), ask(t, theirs, d)
		if got != want {
			t.Fatalf("-pgdiff.seed=%d\n%s\nours:\n%stheirs:\n%s", start, d.Input, got, want)
		}
		if !strings.HasPrefix(want, "ERROR") {
			answered++
		}
	}
	t.Logf("-pgdiff.seed=%d, %d of %d queries have an answer", start, answered, randomQueries)
	if answered < randomQueries*8/10 {
		t.Error("too few queries have an answer")
	}
}

// generator makes queries that PostgreSQL can answer, nearly always.
type generator struct {
	*rand.Rand
	// ints, texts and bools are the columns in scope.
	ints, texts, bools []string
}

// relation is a table with its columns by type.
type relation struct {
	from               string
	ints, texts, bools []string
}

func relations() []relation {
	return []relation{
		{"emp e", []string{"e.id", "e.dept", "e.boss"}, []string{"e.name"}, []string{"e.active", "e.salary > 1000"}},
		{"dept d", []string{"d.id"}, []string{"d.name", "d.city"}, []string{"d.budget > 80000"}},
		{"sale s", []string{"s.emp", "s.qty"}, []string{"s.region", "s.note"}, []string{"s.weight > 1", "s.amount = 10"}},
		{"( doc o CROSS JOIN unnest(o.nums, o.tags) AS u (num, tag) )", []string{"o.id", "u.num"}, []string{"u.tag", "o.line"}, []string{"u.num > o.id"}},
		{"( dept f LEFT JOIN LATERAL generate_series(f.id, 4) WITH ORDINALITY AS h (x, nth) ON h.x <> 3 )", []string{"f.id", "h.x"}, []string{"f.name"}, []string{"h.nth < 3"}},
		{"tick t", []string{"t.n", "t.v"}, []string{"t.k"}, []string{"t.d > 0"}},
	}
}

func (g *generator) pick(list ...string) string { return list[g.IntN(len(list))] }

// expand replaces the words of a random pattern: i, s and p stand for an integer,
// a text and a condition, n for a small number.
func (g *generator) expand(depth int, patterns ...string) string {
	words := strings.Fields(g.pick(patterns...))
	for i, w := range words {
		switch w {
		case "i":
			words[i] = g.integer(depth + 1)
		case "s":
			words[i] = g.text(depth + 1)
		case "p":
			words[i] = g.condition(depth + 1)
		case "n":
			words[i] = fmt.Sprint(g.IntN(8))
		}
	}
	return strings.Join(words, " ")
}

func (g *generator) integer(depth int) string {
	if depth > 2 || g.IntN(2) == 0 {
		return g.pick(g.ints...)
	}
	return g.expand(depth, "n", "( i + i )", "( i * n )", "( i - i )", "coalesce( i , i )", "nullif( i , i )",
		"CASE WHEN p THEN i ELSE i END", "length( s )", "greatest( i , i )")
}

func (g *generator) text(depth int) string {
	if depth > 2 || g.IntN(2) == 0 {
		return g.pick(g.texts...)
	}
	return g.expand(depth, "lower( s )", "coalesce( s , 'zz' )", "left( s , 2 )", "( s || s )", "substr( s , 2 , 2 )")
}

func (g *generator) condition(depth int) string {
	if depth > 3 || g.IntN(4) == 0 {
		return g.pick(g.bools...)
	}
	return g.expand(depth, "i = i", "i < i", "i <> i", "i IS DISTINCT FROM i", "s = s", "s >= s", "s LIKE '%o%'", "i IS NULL",
		"s IS NOT NULL", "( p AND p )", "( p OR p )", "NOT ( p )", "i IN ( i , n , NULL )", "i NOT IN ( i , n )", "i BETWEEN i AND i",
		"( i , i ) < ( i , n )")
}

// subquery is a condition that WHERE can have beside others.
func (g *generator) subquery() string {
	from := g.pick("dept FROM emp x", "emp FROM sale x", "id FROM dept x", "qty FROM sale x")
	column, _, _ := strings.Cut(from, " ")
	return g.expand(1,
		"i IN (SELECT x."+from+" WHERE x.id > n )", "i NOT IN (SELECT x."+from+" WHERE x."+column+" > n )",
		"EXISTS (SELECT x."+from+" WHERE x."+column+" = i AND x.id > n )", "NOT EXISTS (SELECT x."+from+" WHERE x."+column+" = i )",
		"i > (SELECT min(x."+column+") FROM "+strings.SplitN(from, " FROM ", 2)[1]+" )",
		"( p OR i IN (SELECT x."+from+" WHERE x.id > n ) )", "NOT ( i NOT IN (SELECT x."+from+" WHERE x."+column+" > i ) AND p )",
		"i >= ANY (SELECT x."+from+" )", "( i <> ALL (SELECT x."+from+" WHERE x.id = i ) ) IS NOT FALSE")
}

// from makes a FROM and WHERE and brings their columns into scope.
func (g *generator) from() string {
	g.ints, g.texts, g.bools = nil, nil, nil
	all := relations()
	g.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	sql := " FROM "
	for i, r := range all[:1+g.IntN(3)] {
		left := g.ints
		g.ints, g.texts, g.bools = append(g.ints, r.ints...), append(g.texts, r.texts...), append(g.bools, r.bools...)
		if i == 0 {
			sql += r.from
			continue
		}
		sql += g.pick(" JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN ") + r.from + " ON " + g.pick(left...) + " = " + g.pick(r.ints...)
		if g.IntN(3) == 0 {
			sql += " AND " + g.condition(2)
		}
	}
	if g.IntN(4) == 0 {
		sql += " " + g.expand(1, "CROSS JOIN LATERAL (SELECT count(*)::int AS nn, max(z.qty) AS mm FROM sale z WHERE z.emp = i ) lat",
			"LEFT JOIN LATERAL (SELECT z.id AS nn, z.boss + i AS mm FROM emp z WHERE z.dept = i AND z.id > n ) lat ON lat.nn <> n",
			" CROSS JOIN LATERAL (SELECT i AS nn, i * n AS mm WHERE p ) lat",
			" CROSS JOIN LATERAL (SELECT z.dept AS nn, z.id AS mm FROM emp z WHERE z.boss = i ORDER BY z.id LIMIT 2) lat")
		g.ints = append(g.ints, "lat.nn", "lat.mm")
	}
	if g.IntN(2) == 0 {
		sql += " WHERE " + g.condition(1)
		if g.IntN(2) == 0 {
			sql += " AND " + g.subquery()
		}
	}
	return sql
}

func (g *generator) query() string {
	from := g.from()
	switch g.IntN(3) {
	case 0:
		return g.expand(0, "SELECT i AS a, s AS b, p AS c", "SELECT i AS a, generate_series( n , n ) AS b, regexp_split_to_table( s , 'e' ) AS c",
			"SELECT DISTINCT generate_series( 1 , i % 5 ) + n AS a", "SELECT DISTINCT i AS a, s AS b",
			"SELECT i AS a, count(*) OVER (PARTITION BY i ORDER BY i ) AS b, rank() OVER (ORDER BY s ) AS c") + from
	case 1:
		left := g.expand(0, "SELECT i AS a, s AS b") + from
		op := g.pick(" UNION ", " UNION ALL ", " INTERSECT ", " EXCEPT ", " INTERSECT ALL ", " EXCEPT ALL ")
		from = g.from()
		return left + op + g.expand(0, "SELECT i , s") + from
	}
	keys := g.expand(1, "i , s", "p , i", "s , i")
	group := g.pick(keys, keys, "ROLLUP ("+keys+")", "CUBE ("+keys+")")
	calls := g.expand(1, "count(*), sum( i )", "count(DISTINCT i ), min( s )", "max( i ) FILTER (WHERE p )", "bool_or( p ), sum(DISTINCT i )")
	having := g.pick("", " HAVING count(*) > 1", " HAVING max("+g.ints[0]+") IS NOT NULL")
	return "SELECT " + keys + ", " + calls + from + " GROUP BY " + group + having
}
