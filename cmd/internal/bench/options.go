package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// parseOptions reads the flags.
func parseOptions(args []string) (o options, err error) {
	names := []string{"pipelines"}
	for _, p := range checkpointParts() {
		names = append(names, p.name)
	}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.IntVar(&o.rounds, "count", 5, "rounds; the medians are reported")
	fs.Int64Var(&o.rows, "rows", 3_000_000, "ticks in the topic")
	fs.IntVar(&o.eventTPS, "event-tps", 1000, "ticks in a second of event time")
	fs.StringVar(&o.only, "run", "", "only workloads whose names contain this (and the drain)")
	fs.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	fs.BoolVar(&o.strict, "strict", false, "exit with 1 if a goal is missed")
	fs.StringVar(&o.profileDir, "profile", "", "write CPU and allocation profiles of the last round to this directory")
	parts := fs.String("part", strings.Join(names, ","), "what is measured, separated by commas")
	state := fs.String("state-mb", "10,100", "recovery: about how much state, in MB, separated by commas")
	fs.Int64Var(&o.keys, "groups", 200_000, "churn and latency: groups of the view")
	fs.IntVar(&o.epochs, "epochs", 20, "churn: checkpoints")
	fs.Float64Var(&o.seconds, "seconds", 5, "latency: how long a sample takes")
	fs.Int64Var(&o.perSec, "rate", 20_000, "latency: rows a second")
	fs.Int64Var(&o.sinkRows, "sink-rows", 1_000_000, "delivery: rows")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	o.parts = strings.Split(*parts, ",")
	for _, p := range o.parts {
		if !slices.Contains(names, p) {
			return o, fmt.Errorf("-part %s: the parts are %s", p, strings.Join(names, ", "))
		}
	}
	for text := range strings.SplitSeq(*state, ",") {
		mb, err := strconv.ParseInt(text, 10, 32)
		if err != nil || mb < 1 {
			return o, fmt.Errorf("-state-mb: %q is no number of megabytes", text)
		}
		o.stateMB = append(o.stateMB, mb)
	}
	least := min(int64(o.rounds), o.rows, int64(o.eventTPS), o.keys, int64(o.epochs), o.perSec, o.sinkRows)
	if fs.NArg() > 0 || least < 1 || o.seconds <= 0 {
		return o, errors.New("numbers must be positive, and there are no arguments")
	}
	return o, nil
}
