package main

import (
	"strings"

	example "laminardb/examples/market-data"
)

// workload is one thing to measure. Without statements it is the bare drain.
type workload struct {
	name       string
	statements []string
	// flows are the streams, views and sinks that must have taken every tick, joins
	// those that must have taken every order too.
	flows, joins []string
	// against is the workload that this one is compared with, "" for the drain.
	against string
	goal    float64 // least ratio to it, 0 for none
}

// drain is the name of the workload that the others are compared with.
const drain = "drain"

// workloads returns what is measured, the drain first.
func workloads() []workload {
	ticks := script(example.Sources(), "market_ticks")
	orders := script(example.Sources(), "order_events")
	companies := script(example.Sources(), "reference_data")
	pipeline := func(name string, goal float64, sources ...string) workload {
		return workload{name: name, statements: append(sources, script(example.Streams(), name)), flows: []string{name}, goal: goal}
	}
	return []workload{
		{name: drain},
		{
			name:       "pass-through",
			statements: []string{ticks, "CREATE SINK s FROM market_ticks WITH (connector = 'blackhole')"},
			flows:      []string{"s"}, goal: 0.7,
		},
		pipeline("ohlc_bars", 0.5, ticks),
		pipeline("rolling_spread", 0.45, ticks),
		pipeline("session_activity", 0.45, ticks),
		pipeline("volume_alerts", 0.45, ticks),
		pipeline("enriched_ticks", 0.4, ticks, companies),
		joined(pipeline("enriched_orders", 0.25, ticks, orders)),
		pipeline("price_momentum", 0.2, ticks),
		allPipelines(),
		hops("hop_1", "10", ""),
		hops("hop_100", "0.1", "hop_1"),
		{
			name: "groups", flows: []string{"g"},
			statements: []string{ticks, "CREATE MATERIALIZED VIEW g AS SELECT symbol, ts / 50 AS slot, count(*) AS n, sum(volume) AS v, max(price) AS high" +
				" FROM market_ticks GROUP BY symbol, ts / 50"},
		},
	}
}

// joined marks a workload whose flows take orders too.
func joined(w workload) workload {
	w.flows, w.joins = nil, w.flows
	return w
}

// allPipelines runs all streams of the example together, on sources that they
// share.
func allPipelines() workload {
	w := workload{name: "all ten", goal: 0.08}
	for _, s := range append(example.Sources(), example.Streams()...) {
		w.statements = append(w.statements, s.SQL)
	}
	for _, s := range example.Streams() {
		reads := func(source string) bool {
			return strings.Contains(s.SQL, "FROM "+source) || strings.Contains(s.SQL, "JOIN "+source)
		}
		switch {
		case reads("market_ticks") && reads("order_events"):
			w.joins = append(w.joins, s.Name)
		case reads("market_ticks"):
			w.flows = append(w.flows, s.Name)
		}
	}
	return w
}

// hops are windows of ten seconds that begin every so many seconds.
func hops(name, slide, against string) workload {
	w := workload{name: name, flows: []string{"h"}, against: against}
	if against != "" {
		w.goal = 0.7
	}
	w.statements = []string{script(example.Sources(), "market_ticks"), "CREATE STREAM h AS SELECT symbol, count(*) AS n, avg(ask - bid) AS spread, max(price) AS high" +
		" FROM market_ticks GROUP BY symbol, hop(ts, INTERVAL '" + slide + "' SECOND, INTERVAL '10' SECOND)"}
	return w
}

// selected reports whether the workload is to be run: if its name or that of one
// that is compared with it contains the text.
func (w *workload) selected(only string) bool {
	if w.name == drain || strings.Contains(w.name, only) {
		return true
	}
	for _, o := range workloads() {
		if o.against == w.name && strings.Contains(o.name, only) {
			return true
		}
	}
	return false
}

// script returns a statement of the example.
func script(list []example.Script, name string) string {
	for _, s := range list {
		if s.Name == name {
			return s.SQL
		}
	}
	panic("bench: the example has no " + name)
}
