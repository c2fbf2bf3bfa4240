package expr

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/cockroachdb/datadriven"

	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// testEnv is an Env whose clock stands still and whose randomness counts.
func testEnv() Env {
	seed := uint64(0)
	return Env{
		Now:  func() time.Time { return time.Date(2024, 2, 29, 12, 34, 56, 789012000, time.UTC) },
		Zone: time.UTC,
		Random: func() uint64 {
			seed += 0x9e3779b97f4a7c15
			return seed
		},
	}
}

// evalText evaluates a constant SQL expression and shows its value or error.
func evalText(text string) string {
	e, err := bindText(batch.NewSchema(), text)
	if err != nil {
		return "ERROR " + shown(err)
	}
	p, err := Compile([]plan.Expr{e}, testEnv())
	if err != nil {
		return "ERROR " + shown(err)
	}
	cols, err := p.Eval(oneRow, nil)
	if err != nil {
		return "ERROR " + shown(err)
	}
	return showAt(e.Type(), cols[0], 0)
}

func shown(err error) string {
	e := pgerr.From(err)
	return e.Code.SQLSTATE() + " " + e.Message
}

func showAt(t types.Type, arr arrow.Array, i int) string {
	if arr.IsNull(i) {
		return "NULL"
	}
	s := string(AppendText(nil, t, arr, i, nil))
	if t.Kind == types.Bool {
		return s[:1] // as psql shows it
	}
	return s
}

// TestExpressions runs testdata: each line is an expression, and the answer is
// its value as text.
func TestExpressions(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd != "eval" {
				t.Fatalf("unknown command %s", d.Cmd)
			}
			var out []string
			for _, line := range strings.Split(d.Input, "\n") {
				out = append(out, fmt.Sprintf("%s => %s", line, evalText(line)))
			}
			return strings.Join(out, "\n")
		})
	})
}
