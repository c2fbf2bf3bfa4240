// Package pgdiff holds SELECT to PostgreSQL's answers.
//
// Nouns: ours (LaminarDB, in process, asked over its wire protocol), theirs (a
// PostgreSQL 15 server, when LAMINAR_PG_DSN names one), answer (a result as text:
// names and types of the columns, then the rows, or the error).
//
// Rule: the goldens are PostgreSQL's answers and never ours. With the variable set,
// each query runs on both and -rewrite stores theirs; without it, each query runs
// on ours and must give what is stored. Where we differ on purpose (docs/adr/0001),
// the query casts.
package pgdiff

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// TestSelectAsPostgreSQL runs the blocks of testdata/queries: "query" compares the
// rows as a bag, "ordered" in their order. The argument "scale" leaves out the zeros
// at the end of numerics, whose scale is the type's here (docs/adr/0002); "differs"
// says that the answer is ours, and that theirs is another one.
func TestSelectAsPostgreSQL(t *testing.T) {
	tables, err := os.ReadFile("testdata/tables.sql")
	if err != nil {
		t.Fatal(err)
	}
	ours := openOurs(t)
	run(t, ours, string(tables))
	theirs := openTheirs(t, string(tables))
	datadriven.Walk(t, "testdata/queries", func(t *testing.T, path string) {
		var wrong []string // told at the end: datadriven stops at the first failure
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd != "query" && d.Cmd != "ordered" {
				d.Fatalf(t, "unknown command %q", d.Cmd)
			}
			want, why := compare(t, ours, theirs, d)
			if why != "" {
				wrong = append(wrong, fmt.Sprintf("%s: %s\n%s", d.Pos, d.Input, why))
			}
			return want
		})
		for _, text := range wrong {
			t.Error(text)
		}
	})
}

// compare returns what a block's golden has to be, and why ours is wrong, "" if it
// is not. theirs is nil if there is no PostgreSQL.
func compare(t *testing.T, ours, theirs *pgx.Conn, d *datadriven.TestData) (want, why string) {
	got := ask(t, ours, d)
	if theirs == nil {
		if want = d.Expected; got != want {
			why = fmt.Sprintf("ours:\n%sstored:\n%s", got, want)
		}
		return want, why
	}
	answer := ask(t, theirs, d)
	switch {
	case d.HasArg("differs") && got == answer:
		return got, "does not differ any more"
	case d.HasArg("differs"):
		return got, ""
	case got != answer:
		why = fmt.Sprintf("ours:\n%stheirs:\n%s", got, answer)
	}
	return answer, why
}

// openTheirs connects to PostgreSQL, if there is one, and makes the tables there.
func openTheirs(t *testing.T, tables string) *pgx.Conn {
	dsn := os.Getenv("LAMINAR_PG_DSN")
	if dsn == "" {
		return nil
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	run(t, conn, "SET timezone = 'UTC'; SET datestyle = 'ISO, MDY'; SET intervalstyle = 'postgres'; SET jit = off")
	run(t, conn, strings.ReplaceAll(tables, "CREATE TABLE", "CREATE TEMPORARY TABLE"))
	return conn
}

func run(t *testing.T, conn *pgx.Conn, script string) {
	if _, err := conn.Exec(t.Context(), script, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
}

// ask returns a block's answer.
func ask(t *testing.T, conn *pgx.Conn, d *datadriven.TestData) string {
	rows, err := conn.Query(t.Context(), d.Input, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return failure(t, err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		cells := make([]string, len(rows.RawValues()))
		for i, v := range rows.RawValues() {
			cells[i] = cell(v)
			if d.HasArg("scale") && rows.FieldDescriptions()[i].DataTypeOID == pgtype.NumericOID && strings.Contains(cells[i], ".") {
				cells[i] = strings.TrimRight(strings.TrimRight(cells[i], "0"), ".")
			}
		}
		lines = append(lines, strings.Join(cells, " | "))
	}
	if err := rows.Err(); err != nil {
		return failure(t, err)
	}
	if d.Cmd == "query" {
		slices.Sort(lines)
	}
	return strings.Join(append([]string{header(conn, rows)}, lines...), "\n") + "\n"
}

// cell shows a value so that null, empty and more than a line can be told apart.
func cell(v []byte) string {
	switch {
	case v == nil:
		return "NULL"
	case len(v) == 0:
		return `""`
	}
	return strings.ReplaceAll(string(v), "\n", `\n`)
}

func header(conn *pgx.Conn, rows pgx.Rows) string {
	var names []string
	for _, f := range rows.FieldDescriptions() {
		name := f.Name
		if typ, ok := conn.TypeMap().TypeForOID(f.DataTypeOID); ok {
			name += ":" + typ.Name
		}
		names = append(names, name)
	}
	return strings.Join(names, " | ")
}

// failure shows an error of the server; any other one ends the test.
func failure(t *testing.T, err error) string {
	var failed *pgconn.PgError
	if !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return fmt.Sprintf("ERROR %s %s\n", failed.Code, failed.Message)
}
