package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"
)

// part is something to measure beside the pipelines.
type part struct {
	name    string
	measure func(ctx context.Context, b *broker, o options) ([]figure, error)
}

// checkpointParts are the parts about checkpoints.
func checkpointParts() []part {
	return []part{{"recovery", measureRecovery}, {"latency", measureLatency}, {"churn", measureChurn}, {"delivery", measureDelivery}}
}

// figure is one number, against another of the same run.
type figure struct {
	Name string `json:"name"`
	// Value and Against are in Unit; both are medians over the rounds.
	Unit    string  `json:"unit"`
	Value   float64 `json:"value"`
	Than    string  `json:"than"` // what Against is
	Against float64 `json:"against"`
	// Ratio is the median, over the rounds, of Value by Against.
	Ratio float64 `json:"ratio"`
	// Least and Most are the goals for Ratio, 0 for none.
	Least float64 `json:"least,omitempty"`
	Most  float64 `json:"most,omitempty"`
}

func (f *figure) met() bool { return f.Ratio >= f.Least && (f.Most == 0 || f.Ratio <= f.Most) }

// compared makes a figure of a value for each round and what it is compared with.
func compared(name, unit string, values []float64, than string, against []float64) figure {
	ratios := make([]float64, len(values))
	for i := range values {
		ratios[i] = values[i] / against[i]
	}
	return figure{Name: name, Unit: unit, Value: median(values), Than: than, Against: median(against), Ratio: median(ratios)}
}

// profile names the profiles of a round, "" for none.
func (o *options) profile(round int, name string) string {
	if o.profileDir == "" || round < o.rounds-1 {
		return ""
	}
	return filepath.Join(o.profileDir, name)
}

// measureRecovery starts from checkpoints of several sizes.
func measureRecovery(ctx context.Context, _ *broker, o options) (figures []figure, err error) {
	for _, mb := range o.stateMB {
		keys := mb * 1_000_000 / groupBytes
		var recovers, reads []float64
		var bytes int64
		err := inTemp(func(dir string) error {
			if _, err := inChild[any](ctx, "fill-state", partTask{Dir: dir, Keys: keys}); err != nil {
				return err
			}
			for round := range o.rounds {
				t := partTask{Dir: dir, Keys: keys, ProfilePrefix: o.profile(round, fmt.Sprintf("recovery-%d", mb))}
				r, err := inChild[restart](ctx, "recover", t)
				if err != nil {
					return err
				}
				fmt.Fprintf(os.Stderr, "round %d/%d  recovery %d MB %6.3f s, read %6.3f s\n", round+1, o.rounds, mb, r.Recover, r.Read)
				recovers, reads, bytes = append(recovers, r.Recover), append(reads, r.Read), r.Bytes
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("recovery, %.0f MB, %d groups", math.Round(float64(bytes)/1e6), keys)
		figures = append(figures, compared(name, "s", recovers, "reading the same bytes", reads))
	}
	return figures, nil
}

// measureLatency compares how late rows are with checkpoints and without.
func measureLatency(ctx context.Context, _ *broker, o options) (figures []figure, err error) {
	with, without := map[string][]float64{}, map[string][]float64{}
	for round := range o.rounds {
		for _, checkpoints := range []bool{false, true} {
			t := partTask{Keys: o.keys, Rows: o.perSec, Seconds: o.seconds, Checkpoints: checkpoints}
			if checkpoints {
				t.ProfilePrefix = o.profile(round, "latency")
			}
			p99, err := inChild[map[string]float64](ctx, "lateness", t)
			if err != nil {
				return nil, err
			}
			into := without
			if checkpoints {
				into = with
			}
			for name, v := range p99 {
				into[name] = append(into[name], v*1000)
			}
			fmt.Fprintf(os.Stderr, "round %d/%d  p99 with checkpoints: %v: %v\n", round+1, o.rounds, checkpoints, p99)
		}
	}
	for _, name := range lateSinks() {
		figures = append(figures, compared("p99 latency with checkpoints, "+name, "ms", with[name], "without", without[name]))
	}
	return figures, nil
}

// churnShare is which part of the groups changes in an epoch: one in so many.
const churnShare = 100

// measureChurn compares what checkpoints write with what they hold.
func measureChurn(ctx context.Context, _ *broker, o options) ([]figure, error) {
	t := partTask{Keys: o.keys, Rows: max(1, o.keys/churnShare), Epochs: o.epochs, ProfilePrefix: o.profile(o.rounds-1, "churn")}
	c, err := inChild[churned](ctx, "churn", t)
	if err != nil {
		return nil, err
	}
	bytes := compared(fmt.Sprintf("written a checkpoint, 1 %% of %d groups", o.keys), "MB", []float64{c.NewBytes / 1e6}, "full state", []float64{c.Bytes / 1e6})
	bytes.Most = 0.1
	return []figure{bytes, compared("longest pause for a checkpoint", "ms", []float64{c.Pause * 1000}, "mean duration", []float64{c.Duration * 1000})}, nil
}

// kafkaVariable names an Apache Kafka to write to beside the embedded broker.
const kafkaVariable = "LAMINARDB_TEST_KAFKA"

// measureDelivery compares exactly_once with at_least_once.
func measureDelivery(ctx context.Context, b *broker, o options) (figures []figure, err error) {
	targets := []struct{ name, addr string }{{"embedded broker", b.kafka}, {"Apache Kafka", os.Getenv(kafkaVariable)}}
	for i, target := range targets {
		if target.addr == "" {
			continue
		}
		var speeds [2][]float64
		for round := range o.rounds {
			for exactly := range speeds {
				t := partTask{Kafka: target.addr, Rows: o.sinkRows, Exactly: exactly == 1}
				t.Topic = fmt.Sprintf("bench-%d-%d-%d-%d", i, round, exactly, time.Now().UnixMilli())
				t.ProfilePrefix = o.profile(round, fmt.Sprintf("delivery-%d-%d", i, exactly))
				v, err := inChild[float64](ctx, "deliver", t)
				if err != nil {
					return nil, err
				}
				speeds[exactly] = append(speeds[exactly], v/1e6)
				fmt.Fprintf(os.Stderr, "round %d/%d  delivery, exactly once: %v: %.3f M rows/s\n", round+1, o.rounds, exactly == 1, v/1e6)
			}
		}
		f := compared("exactly_once, "+target.name, "M rows/s", speeds[1], "at_least_once", speeds[0])
		f.Least = 0.85
		figures = append(figures, f)
	}
	return figures, nil
}

// goal is what a figure's ratio should be, in words.
func (f *figure) goal() string {
	switch {
	case f.Least > 0:
		return fmt.Sprintf(">= %.2f", f.Least)
	case f.Most > 0:
		return fmt.Sprintf("<= %.2f", f.Most)
	}
	return ""
}
