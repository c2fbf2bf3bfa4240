package expr

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestAgainstPostgreSQL evaluates every line of testdata on a PostgreSQL server
// whose database has the C collation and encoding UTF8. Blocks marked "eval
// differs" are where we depart from it on purpose.
func TestAgainstPostgreSQL(t *testing.T) {
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
	if _, err := conn.Exec(ctx, "SET timezone = 'UTC'; SET datestyle = 'ISO, MDY'; SET intervalstyle = 'postgres'"); err != nil {
		t.Fatal(err)
	}
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if !d.HasArg("differs") {
				for _, line := range strings.Split(d.Input, "\n") {
					comparePG(ctx, t, conn, line)
				}
			}
			return d.Expected
		})
	})
}

func comparePG(ctx context.Context, t *testing.T, conn *pgx.Conn, line string) {
	var text *string
	theirs := "NULL"
	err := conn.QueryRow(ctx, "SELECT ("+line+")::text", pgx.QueryExecModeSimpleProtocol).Scan(&text)
	var failed *pgconn.PgError
	switch {
	case errors.As(err, &failed):
		theirs = "ERROR " + failed.Code + " " + failed.Message
	case err != nil:
		t.Fatal(err)
	case text != nil:
		theirs = *text
	}
	ours := evalText(line)
	if theirs == "true" || theirs == "false" {
		theirs = theirs[:1]
	}
	if ours == "true" || ours == "false" {
		ours = ours[:1]
	}
	if ours != theirs {
		t.Errorf("%s\n  ours   %s\n  theirs %s", line, ours, theirs)
	}
}
