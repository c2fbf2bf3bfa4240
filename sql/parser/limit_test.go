package parser

import (
	"strings"
	"sync"
	"testing"

	"laminardb/sql/pgerr"
)

// TestLimits feeds texts that nest without end in every way there is.
func TestLimits(t *testing.T) {
	const n = 20_000
	deep := map[string]string{
		"brackets":    "select " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n),
		"subqueries":  "select " + strings.Repeat("(select ", n) + "1" + strings.Repeat(")", n),
		"calls":       "select " + strings.Repeat("f(", n) + "1" + strings.Repeat(")", n),
		"arrays":      "select " + strings.Repeat("array[", n) + "1" + strings.Repeat("]", n),
		"joins":       "select * from " + strings.Repeat("(a join ", n) + "b on true" + strings.Repeat(") on true", n),
		"minus":       "select " + strings.Repeat("- ", n) + "1",
		"not":         "select " + strings.Repeat("not ", n) + "true",
		"prefix":      "select " + strings.Repeat("~ ", 2000) + "1",
		"or":          "select a" + strings.Repeat(" or a", n),
		"plus":        "select a" + strings.Repeat(" + a", n),
		"concat":      "select a" + strings.Repeat(" || a", n),
		"case":        "select " + strings.Repeat("case when ", n) + "true" + strings.Repeat(" then 1 end", n),
		"union":       "select 1" + strings.Repeat(" union select 1", n),
		"types":       "select a::" + strings.Repeat("map(int, ", n) + "int" + strings.Repeat(")", n),
		"left joins":  "select * from a" + strings.Repeat(" join b on true", n),
		"casts":       "select a" + strings.Repeat("::int", n),
		"is":          "select " + strings.Repeat("(", 400) + "a" + strings.Repeat(" is null)", 400) + strings.Repeat(" or a", n),
		"match nests": "select * from " + strings.Repeat("a asof join b match_condition ((select 1 from ", n),
	}
	for name, text := range deep {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(text); !pgerr.Is(err, pgerr.StatementTooComplex) {
				t.Errorf("got %.200v, want SQLSTATE 54001", err)
			}
		})
	}
}

// TestWide checks that what is only long is read.
func TestWide(t *testing.T) {
	for name, text := range map[string]string{
		"list":     "select a in (1" + strings.Repeat(", 1", 50_000) + ")",
		"rows":     "insert into t values (1, 'a')" + strings.Repeat(", (1, 'a')", 20_000),
		"and":      "select a" + strings.Repeat(" and a", 5_000),
		"nested":   "select " + strings.Repeat("(", 400) + "1" + strings.Repeat(")", 400),
		"items":    "select 1" + strings.Repeat(", a.b c", 10_000),
		"texts":    strings.Repeat("select 1;", 2_000),
		"brackets": strings.Repeat("select (((1)));", 500),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(text); err != nil {
				t.Errorf("%.200v", err)
			}
		})
	}
}

// TestConcurrent parses the corpus from several goroutines, as sessions do; it
// says something under -race only.
func TestConcurrent(t *testing.T) {
	texts := corpus(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, text := range texts {
				_, _ = Parse(text)
			}
		})
	}
	wg.Wait()
}
