package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestMain lets the test's own binary be the child processes.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childCommand {
		if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Every workload runs, takes all ticks, and writes its profiles.
func TestRunsEveryWorkload(t *testing.T) {
	var out bytes.Buffer
	dir := t.TempDir()
	// Ticks of 100 s of event time are 20 windows of 5 s, of which those that the
	// watermark has passed are out: at least 15, for each of 5 symbols.
	if err := run(t.Context(), []string{"-part", "pipelines", "-count", "1", "-rows", "100000", "-json", "-profile", dir}, &out); err != nil {
		t.Fatal(err)
	}
	var rep report
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
		t.Fatal(err)
	}
	if len(rep.Results) != len(workloads()) {
		t.Fatalf("%d results", len(rep.Results))
	}
	for i, r := range rep.Results {
		if s := r.Samples[0]; len(r.Samples) != 1 || s.Seconds <= 0 || s.CPUSeconds <= 0 || r.RowsPerSec != 100_000/s.Seconds {
			t.Errorf("%s: %+v", r.Workload, r)
		}
		if i > 0 && r.AllocsPerRow == 0 {
			t.Errorf("%s made no allocations at all", r.Workload)
		}
		for _, kind := range []string{".cpu.pprof", ".allocs.pprof"} {
			if info, err := os.Stat(dir + "/" + r.Workload + kind); err != nil || info.Size() == 0 {
				t.Errorf("%s%s: %v", r.Workload, kind, err)
			}
		}
	}
	if n := rep.Results[1].Samples[0].RowsOut; n != 100_000 {
		t.Errorf("%d rows passed through", n)
	}
	if n := rep.Results[2].Samples[0].RowsOut; n < 15*5 || n > 20*5 {
		t.Errorf("%d bars", n)
	}
}

// Every part about checkpoints runs and says something that can be so.
func TestRunsEveryPart(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), []string{
		"-part", "recovery,latency,churn,delivery", "-count", "1", "-json", "-profile", t.TempDir(),
		"-state-mb", "1", "-groups", "5000", "-epochs", "3", "-seconds", "1.5", "-rate", "2000", "-sink-rows", "10000",
	}, &out)
	if err != nil {
		t.Fatal(err)
	}
	var rep report
	if err := json.Unmarshal(out.Bytes(), &rep); err != nil {
		t.Fatal(err)
	}
	if len(rep.Figures) < 7 {
		t.Fatalf("%d figures", len(rep.Figures))
	}
	for _, f := range rep.Figures {
		if !(f.Value > 0 && f.Against > 0 && f.Ratio > 0) { // not even NaN
			t.Errorf("%+v", f)
		}
		if f.Most > 0 && f.Value > f.Against {
			t.Errorf("more was written than there is: %+v", f)
		}
	}
}

func TestFiguresAndGoals(t *testing.T) {
	trailing := regexp.MustCompile("(?m) +$")
	rep := report{Rounds: 3}
	fast := compared("speed", "rows/s", []float64{80, 90, 20}, "other", []float64{100, 100, 20})
	fast.Least = 0.85
	small := compared("size", "MB", []float64{1}, "all", []float64{4})
	small.Most = 0.1
	rep.add([]figure{fast, small, compared("time", "s", []float64{2}, "reading", []float64{1})})
	var out strings.Builder
	if err := rep.print(&out); err != nil {
		t.Fatal(err)
	}
	want := `checkpoints, medians of 3
   what   value          against           ratio     goal
  speed  80.000  rows/s  100.000    other  0.900  >= 0.85    pass
   size   1.000      MB    4.000      all  0.250  <= 0.10  MISSED
   time   2.000       s    1.000  reading  2.000
`
	if got := trailing.ReplaceAllString(out.String(), ""); got != want || rep.Missed != 1 {
		t.Errorf("%d missed\n%s", rep.Missed, out.String())
	}
}

func TestRatiosAreMediansOverRounds(t *testing.T) {
	seconds := func(list ...float64) (out []sample) {
		for _, s := range list {
			out = append(out, sample{Seconds: s, CPUSeconds: 2 * s, Allocs: 500, AllocBytes: 1000})
		}
		return out
	}
	list := []workload{{name: drain}, {name: "a", goal: 0.5}, {name: "b", goal: 0.5, against: "a"}}
	// The third round was slow for all: it must not count against a.
	withState := seconds(2, 1.6, 8)
	for i := range withState {
		withState[i].StateBytes, withState[i].StateKeys = 4_000_000, 100_000
	}
	rep := newReport(options{rows: 1e6, rounds: 3}, list, [][]sample{
		seconds(1, 1, 4), withState, seconds(1, 3, 10),
	})
	var out strings.Builder
	if err := rep.print(&out); err != nil {
		t.Fatal(err)
	}
	want := `1000000 ticks, medians of 3, ratio to a bare librdkafka drain, or to the workload behind the slash
  workload  M rows/s   min   max  ratio  goal        CPU ns/row  allocs/row  heap B/row  state B/key
     drain      1.00  0.25  1.00   1.00                    2000      0.0005           0             
         a      0.50  0.12  0.62   0.50  0.50  pass        4000      0.0005           0           40
     b / a      0.33  0.10  1.00   0.80  0.50  pass        6000      0.0005           0             
The machine was busy: the drain's speed varied by 4.0x. Compare CPU time, or run again.
`
	if out.String() != want || rep.Missed != 0 {
		t.Errorf("%d missed\n%s", rep.Missed, out.String())
	}
	if m := median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Errorf("median of 1 to 4 is %g", m)
	}
}

func TestBadFlags(t *testing.T) {
	for _, args := range [][]string{{"-count", "0"}, {"-rows", "-1"}, {"-event-tps", "0"}, {"what"}, {"-part", "what"}, {"-state-mb", "x"}, {"-groups", "0"}, {childCommand}, {childCommand, "dance", "{}"}} {
		if err := run(t.Context(), args, &bytes.Buffer{}); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
