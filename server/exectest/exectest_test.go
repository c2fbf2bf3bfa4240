package exectest

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"laminardb/exec"
	"laminardb/planner/plan"
	"laminardb/sql/pgerr"
)

// patience is far beyond what a run takes: it turns a lost row into a failure
// instead of a hang.
const patience = 200 * time.Second

func testEnv() *exec.Env {
	now := time.UnixMilli(1_700_000_000_000)
	return &exec.Env{
		Now:         func() time.Time { return now },
		Logger:      slog.New(slog.NewTextHandler(io.Discard, nil)),
		DeadLetters: &exec.DeadLetters{},
	}
}

// TestData runs the cases: "source" takes a CREATE SOURCE and its rows, "define"
// a query that others read, "check" a query that must give the same in all
// variants; "retained" one with the option retention, and shows its plan; "late" delivers row by row in the given order and shows what a
// continuous query makes of late rows.
func TestData(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		w := New(testEnv())
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			out, err := run(ctx, w, d, t.TempDir)
			if err != nil {
				return errorText(err)
			}
			return out
		})
	})
}

func errorText(err error) string {
	e := pgerr.From(err)
	out := fmt.Sprintf("error %s: %s\n", e.Code.SQLSTATE(), strings.TrimSpace(e.Message))
	if e.Hint != "" {
		out += "hint: " + e.Hint + "\n"
	}
	return out
}

func run(ctx context.Context, w *World, d *datadriven.TestData, dir func() string) (string, error) {
	switch d.Cmd {
	case "source":
		sql, rows, _ := strings.Cut(d.Input, ";")
		s, err := w.Source(sql)
		if err != nil {
			return "", err
		}
		return "", w.Insert(s, ParseRows(rows))
	case "define":
		_, err := w.Query(d.Input)
		return "", err
	case "check":
		name, err := w.Query(d.Input)
		if err != nil {
			return "", err
		}
		res, err := w.Check(ctx, name, Variants())
		if err != nil {
			return "", err
		}
		seed := uint64(crc32.ChecksumIEEE([]byte(d.Pos))) // fsync is slow: one way a case
		way := seed % 3
		v := Variant{BatchRows: 1 + int(way), Splits: 1 + 2*int(way), Seed: way, Limit: -1}
		if err := w.CheckRecovery(ctx, name, v, dir(), rand.New(rand.NewPCG(seed, 2))); err != nil {
			return "", fmt.Errorf("%s: %w", v, err)
		}
		if err := w.CheckRestarts(ctx, name, v, dir(), rand.New(rand.NewPCG(seed, 3))); err != nil {
			return "", fmt.Errorf("%s: %w", v, err)
		}
		return res.String(), nil
	case "retained":
		name, err := w.Query(d.Input)
		if err != nil {
			return "", err
		}
		if err := w.Retained(ctx, name, Variants()); err != nil {
			return "", err
		}
		return strings.Join(plan.Explain(w.Plan(name)), "\n") + "\n", nil
	case "late":
		name, err := w.Query(d.Input)
		if err != nil {
			return "", err
		}
		out, err := w.Continuous(ctx, name, Variant{BatchRows: 1, Splits: 1, Limit: -1}, nil)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%slate: %d, dead letters: %d\n", out, out.Late, out.DeadLetters), nil
	}
	return "", fmt.Errorf("unknown command %q", d.Cmd)
}
