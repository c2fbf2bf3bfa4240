// Command bench measures how fast the engine is against what it stands on: a
// bare librdkafka drain of the same topic, in the same run.
//
// Nouns: workload (a drain or the statements of a pipeline), round (every
// workload once, in turn), sample (one measurement), goal (the least ratio to
// the drain).
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
	var o options
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.IntVar(&o.rounds, "count", 5, "rounds; the medians are reported")
	fs.Int64Var(&o.rows, "rows", 3_000_000, "ticks in the topic")
	fs.IntVar(&o.eventTPS, "event-tps", 1000, "ticks in a second of event time")
	fs.StringVar(&o.only, "run", "", "only workloads whose names contain this (and the drain)")
	fs.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	fs.BoolVar(&o.strict, "strict", false, "exit with 1 if a goal is missed")
	fs.StringVar(&o.profileDir, "profile", "", "write CPU and allocation profiles of the last round to this directory")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 || o.rounds < 1 || o.rows < 1 || o.eventTPS < 1 {
		return errors.New("-count, -rows and -event-tps must be positive, and there are no arguments")
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

// measure fills a topic and runs the rounds.
func measure(ctx context.Context, o options) (_ *report, err error) {
	b, err := startBroker(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
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
