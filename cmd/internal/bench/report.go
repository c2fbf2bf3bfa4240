package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
)

// steady is how far the fastest and the slowest drain may be apart, as a factor,
// for the ratios to mean something. CPU time a row says more then.
const steady = 1.5

// fewKeys is the number of entries below which what a state takes without any says
// more than what each takes.
const fewKeys = 10_000

// report is the outcome of a run.
type report struct {
	Rows     int64    `json:"rows"`
	Rounds   int      `json:"rounds"`
	EventTPS int      `json:"event_tps"`
	Results  []result `json:"results"`
	Figures  []figure `json:"figures,omitempty"`
	Missed   int      `json:"missed"` // goals
}

// result is a workload's medians over the rounds.
type result struct {
	Workload   string  `json:"workload"`
	RowsPerSec float64 `json:"rows_per_second"`
	Slowest    float64 `json:"slowest"`
	Fastest    float64 `json:"fastest"`
	// Ratio is the median, over the rounds, of the speed to that of the drain, or of
	// Against, in the same round: a disturbance that lasts meets both.
	Ratio        float64 `json:"ratio"`
	Against      string  `json:"against,omitempty"`
	Goal         float64 `json:"goal,omitempty"`
	Met          bool    `json:"met"`
	CPUNanosRow  float64 `json:"cpu_ns_per_row"`
	AllocsPerRow float64 `json:"allocs_per_row"`
	BytesPerRow  float64 `json:"alloc_bytes_per_row"`
	// BytesPerKey is the state's size by its entries, 0 where there are too few to
	// tell.
	BytesPerKey float64  `json:"state_bytes_per_key,omitempty"`
	Samples     []sample `json:"samples"`
}

// newReport works out the medians; samples are by workload, the drain's first.
func newReport(o options, list []workload, samples [][]sample) *report {
	rep := &report{Rows: o.rows, Rounds: o.rounds, EventTPS: o.eventTPS}
	rows := float64(o.rows)
	for i, w := range list {
		r := result{Workload: w.name, Goal: w.goal, Against: w.against, Samples: samples[i]}
		base := samples[slices.IndexFunc(list, func(o workload) bool { return o.name == w.against || w.against == "" && o.name == drain })]
		speed := func(_ int, s sample) float64 { return rows / s.Seconds }
		speeds := each(samples[i], speed)
		r.RowsPerSec, r.Slowest, r.Fastest = median(speeds), slices.Min(speeds), slices.Max(speeds)
		r.Ratio = median(each(samples[i], func(round int, s sample) float64 { return base[round].Seconds / s.Seconds }))
		r.CPUNanosRow = median(each(samples[i], func(_ int, s sample) float64 { return s.CPUSeconds * 1e9 / rows }))
		r.AllocsPerRow = median(each(samples[i], func(_ int, s sample) float64 { return float64(s.Allocs) / rows }))
		r.BytesPerRow = median(each(samples[i], func(_ int, s sample) float64 { return float64(s.AllocBytes) / rows }))
		r.BytesPerKey = median(each(samples[i], func(_ int, s sample) float64 {
			if s.StateKeys < fewKeys {
				return 0
			}
			return float64(s.StateBytes) / float64(s.StateKeys)
		}))
		r.Met = r.Ratio >= w.goal
		if !r.Met {
			rep.Missed++
		}
		rep.Results = append(rep.Results, r)
	}
	return rep
}

func each(samples []sample, f func(round int, s sample) float64) []float64 {
	out := make([]float64, len(samples))
	for i, s := range samples {
		out[i] = f(i, s)
	}
	return out
}

// median is the middle value, or the mean of the two in the middle.
func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

// add takes the figures of another part.
func (rep *report) add(figures []figure) {
	rep.Figures = append(rep.Figures, figures...)
	for _, f := range figures {
		if !f.met() {
			rep.Missed++
		}
	}
}

// print writes the report as tables.
func (rep *report) print(out io.Writer) error {
	if len(rep.Results) > 0 {
		if err := rep.printResults(out); err != nil {
			return err
		}
	}
	if len(rep.Figures) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "checkpoints, medians of %d\n", rep.Rounds)
	fmt.Fprintln(t, "what\tvalue\t\tagainst\t\tratio\tgoal\t\t")
	for _, f := range rep.Figures {
		goal, verdict := f.goal(), ""
		if goal != "" {
			verdict = map[bool]string{true: "pass", false: "MISSED"}[f.met()]
		}
		fmt.Fprintf(t, "%s\t%.3f\t%s\t%.3f\t%s\t%.3f\t%s\t%s\t\n", f.Name, f.Value, f.Unit, f.Against, f.Than, f.Ratio, goal, verdict)
	}
	return t.Flush()
}

func (rep *report) printResults(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%d ticks, medians of %d, ratio to a bare librdkafka drain, or to the workload behind the slash\n", rep.Rows, rep.Rounds)
	fmt.Fprintln(t, "workload\tM rows/s\tmin\tmax\tratio\tgoal\t\tCPU ns/row\tallocs/row\theap B/row\tstate B/key\t")
	for _, r := range rep.Results {
		goal, verdict := "", ""
		if r.Goal > 0 {
			goal, verdict = strconv.FormatFloat(r.Goal, 'f', 2, 64), "pass"
			if !r.Met {
				verdict = "MISSED"
			}
		}
		name, keys := r.Workload, ""
		if r.Against != "" {
			name += " / " + r.Against
		}
		if r.BytesPerKey > 0 {
			keys = strconv.FormatFloat(r.BytesPerKey, 'f', 0, 64)
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t%s\t%.0f\t%.4f\t%.0f\t%s\t\n", name,
			r.RowsPerSec/1e6, r.Slowest/1e6, r.Fastest/1e6, r.Ratio, goal, verdict, r.CPUNanosRow, r.AllocsPerRow, r.BytesPerRow, keys)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if d := rep.Results[0]; d.Fastest > steady*d.Slowest {
		_, err := fmt.Fprintf(out, "The machine was busy: the drain's speed varied by %.1fx. Compare CPU time, or run again.\n", d.Fastest/d.Slowest)
		return err
	}
	return nil
}
