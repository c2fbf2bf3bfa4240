package main

import (
	"strings"

	example "laminardb/examples/market-data"
)

// workload is one thing to measure. Without statements it is the bare drain.
type workload struct {
	name       string
	statements []string
	// flows are the streams, views and sinks that must have taken every tick.
	flows []string
	goal  float64 // least ratio to the drain, 0 for none
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
		pipeline("enriched_orders", 0.25, ticks, orders),
		pipeline("price_momentum", 0.2, ticks),
	}
}

// selected reports whether the workload is to be run.
func (w *workload) selected(only string) bool {
	return w.name == drain || strings.Contains(w.name, only)
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
