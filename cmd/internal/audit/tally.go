package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// tally is what a comparison found.
type tally struct {
	name                 string
	rows                 int64 // that are there and should be
	lost, doubled, wrong int
	examples             []string
}

// maxExamples bounds what is shown of a comparison that failed.
const maxExamples = 3

func (t *tally) note(count *int, what string) {
	*count++
	if len(t.examples) < maxExamples {
		t.examples = append(t.examples, what)
	}
}

func (t *tally) fine() bool { return t.lost+t.doubled+t.wrong == 0 }

func (t *tally) String() string {
	s := fmt.Sprintf("%s: %d rows, %d lost, %d doubled, %d wrong", t.name, t.rows, t.lost, t.doubled, t.wrong)
	if len(t.examples) > 0 {
		s += " (" + strings.Join(t.examples, "; ") + ")"
	}
	return s
}

// compare compares two bags of rows.
func compare(name string, got, want []string) tally {
	t := tally{name: name}
	counts := map[string]int{}
	for _, w := range want {
		counts[w]++
	}
	left := maps.Clone(counts)
	for _, g := range got {
		switch {
		case left[g] > 0:
			left[g]--
			t.rows++
		case counts[g] > 0:
			t.note(&t.doubled, "doubled "+g)
		default:
			t.note(&t.wrong, "wrong "+g)
		}
	}
	for _, row := range slices.Sorted(maps.Keys(left)) {
		for range left[row] {
			t.note(&t.lost, "lost "+row)
		}
	}
	return t
}

// line is a row as text: values as they are, doubles to their last bit.
func line(values ...any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case nil:
			texts[i] = "NULL"
		case float64:
			texts[i] = strconv.FormatFloat(v, 'g', -1, 64)
		default:
			texts[i] = fmt.Sprint(v)
		}
	}
	return strings.Join(texts, " ")
}

// query returns the rows of a SELECT as lines.
func query(ctx context.Context, conn *pgx.Conn, sql string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, statementWait)
	defer cancel()
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
		out = append(out, line(values...))
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	return out, nil
}

// queryPairs returns the rows of a SELECT of two numbers, by the first one.
func queryPairs(ctx context.Context, conn *pgx.Conn, sql string) (map[int64]int64, error) {
	lines, err := query(ctx, conn, sql)
	if err != nil {
		return nil, err
	}
	out := map[int64]int64{}
	for _, l := range lines {
		var k, v int64
		if _, err := fmt.Sscan(l, &k, &v); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", sql, l, err)
		}
		out[k] = v
	}
	return out, nil
}

// text is the one value of a query as text.
func text(ctx context.Context, conn *pgx.Conn, sql string) (string, error) {
	lines, err := query(ctx, conn, sql)
	if err != nil {
		return "", err
	}
	return strings.Join(lines, "\n"), nil
}
