// Command bench measures how fast the engine is against what it stands on: a
// bare librdkafka drain of the same topic, in the same run. What checkpoints cost
// is measured against doing without, in parts of their own (-part).
//
// Nouns: workload (a drain or the statements of a pipeline), round (every
// workload once, in turn), sample (one measurement), goal (the least ratio to
// the drain), part (the pipelines, or one question about checkpoints), figure (a
// part's answer).
//
// Rule: what is compared is measured alike. Every sample is taken in a process
// of its own, the broker has another one for the whole run, and each clock
// starts when the first records arrive.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"laminardb/cmd/internal/marketdata"
)

// options are the flags.
type options struct {
	rounds     int
	rows       int64
	eventTPS   int
	only       string
	json       bool
	strict     bool
	profileDir string
	// parts are what is measured; the others below are for the parts beside the
	// pipelines.
	parts    []string
	stateMB  []int64
	keys     int64
	epochs   int
	seconds  float64
	perSec   int64
	sinkRows int64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 && args[0] == childCommand {
		return runChild(ctx, args[1:], out)
	}
	o, err := parseOptions(args)
	if err != nil {
		return err
	}
	rep, err := measure(ctx, o)
	if err != nil {
		return err
	}
	if o.json {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		err = enc.Encode(rep)
	} else {
		err = rep.print(out)
	}
	if err == nil && o.strict && rep.Missed > 0 {
		err = fmt.Errorf("%d goals missed", rep.Missed)
	}
	return err
}

// measure runs the parts.
func measure(ctx context.Context, o options) (_ *report, err error) {
	b, err := startBroker(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	rep := &report{Rows: o.rows, Rounds: o.rounds, EventTPS: o.eventTPS}
	if slices.Contains(o.parts, "pipelines") {
		if rep, err = pipelines(ctx, b, o); err != nil {
			return nil, err
		}
	}
	for _, p := range checkpointParts() {
		if !slices.Contains(o.parts, p.name) {
			continue
		}
		figures, err := p.measure(ctx, b, o)
		if err != nil {
			return nil, fmt.Errorf("measuring %s: %w", p.name, err)
		}
		rep.add(figures)
	}
	return rep, nil
}

// pipelines fills the topic and runs the workloads.
func pipelines(ctx context.Context, b *broker, o options) (*report, error) {
	if err := fill(ctx, b, o); err != nil {
		return nil, err
	}
	var list []workload
	for _, w := range workloads() {
		if w.selected(o.only) {
			list = append(list, w)
		}
	}
	samples := make([][]sample, len(list))
	for round := range o.rounds {
		for i, w := range list {
			t := task{Workload: w.name, Kafka: b.kafka, Registry: b.registry, Rows: o.rows}
			if round == o.rounds-1 {
				t.ProfileDir = o.profileDir
			}
			s, err := inChild[sample](ctx, "measure", t)
			if err != nil {
				return nil, fmt.Errorf("measuring %s: %w", w.name, err)
			}
			fmt.Fprintf(os.Stderr, "round %d/%d  %-12s %6.3f s\n", round+1, o.rounds, w.name, s.Seconds)
			samples[i] = append(samples[i], s)
		}
	}
	return newReport(o, list, samples), nil
}

// ticksPerBurst is how many ticks the producer makes at one reading of its clock
// when nothing holds it back.
const ticksPerBurst = 512

// fill produces the ticks, with a clock that passes at o.eventTPS ticks a second.
func fill(ctx context.Context, b *broker, o options) error {
	began := time.Now()
	now := began
	step := ticksPerBurst * time.Second / time.Duration(o.eventTPS)
	p, err := marketdata.NewProducer(ctx, marketdata.ProducerOptions{
		Brokers: []string{b.kafka}, RegistryURL: b.registry, Seed: 1, Count: o.rows,
		Now: func() time.Time { now = now.Add(step); return now },
	})
	if err != nil {
		return err
	}
	defer p.Close()
	counts, err := p.Run(ctx)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d ticks produced in %.1f s\n", counts.Ticks, time.Since(began).Seconds())
	return nil
}
