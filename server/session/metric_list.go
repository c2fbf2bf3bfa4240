package session

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"laminardb/exec"
)

// metricList are the metrics of a database, which docs/metrics.md describes. Labels
// are names of objects and numbers of splits, so there are as many samples as the
// catalog has objects and their sources splits.
func metricList() []metric {
	var list []metric
	list = append(list, serverMetrics()...)
	list = append(list, readerMetrics()...)
	list = append(list, splitMetrics()...)
	list = append(list, flowMetrics()...)
	list = append(list, edgeMetrics()...)
	list = append(list, sinkMetrics()...)
	return append(list, checkpointMetrics()...)
}

type adder = func(value float64, labels ...string)

func newMetric(name, help string, kind prometheus.ValueType, labels []string, values func(*scrape, adder)) metric {
	return metric{name: "laminardb_" + name, help: help, labels: labels, kind: kind, values: values}
}

func serverMetrics() []metric {
	one := func(name, help string, kind prometheus.ValueType, value func(*scrape) float64) metric {
		return newMetric(name, help, kind, nil, func(s *scrape, add adder) { add(value(s)) })
	}
	return []metric{
		newMetric("build_info", "1, with the version of the server.", prometheus.GaugeValue, []string{"version"}, func(s *scrape, add adder) {
			add(1, s.db.config.Version)
		}),
		one("start_time_seconds", "When the server started, in seconds since 1970.", prometheus.GaugeValue, func(s *scrape) float64 {
			return seconds(s.db.startedAt.UnixMilli())
		}),
		one("ready", "1 once every table that was there at the start has been loaded.", prometheus.GaugeValue, func(s *scrape) float64 {
			ok, _ := s.db.Ready()
			return truth(ok)
		}),
		one("sessions", "Sessions that are open.", prometheus.GaugeValue, func(s *scrape) float64 { return float64(s.sessions) }),
		one("subscriptions", "Subscriptions that are open.", prometheus.GaugeValue, func(s *scrape) float64 { return float64(s.subscriptions) }),
		one("subscriptions_queued_bytes", "Bytes that wait for subscribers.", prometheus.GaugeValue, func(s *scrape) float64 {
			return float64(s.queuedForSubscribers)
		}),
		one("dead_letters_total", "Records and rows that were kept as dead letters.", prometheus.CounterValue, func(s *scrape) float64 {
			return float64(s.deadLetters)
		}),
		newMetric("object_up", "1 while an object runs, 0 while it cannot: its status says why.", prometheus.GaugeValue,
			[]string{"object", "kind"}, func(s *scrape, add adder) {
				for _, r := range s.readers {
					add(truth(r.st.Problem == ""), r.object.Name.String(), r.object.Kind.String())
				}
				for _, f := range s.flows {
					add(truth(f.st.Failure == nil), f.object.Name.String(), f.object.Kind.String())
				}
			}),
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(millis int64) float64 { return float64(millis) / 1000 }

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// readerMetrics are those of sources and of what tables read.
func readerMetrics() []metric {
	each := func(name, help string, kind prometheus.ValueType, value func(exec.SourceState) float64) metric {
		return newMetric(name, help, kind, []string{"source"}, func(s *scrape, add adder) {
			for _, r := range s.readers {
				add(value(r.st), r.object.Name.String())
			}
		})
	}
	tables := func(name, help string, value func(*exec.TableState) float64) metric {
		return newMetric(name, help, prometheus.GaugeValue, []string{"table"}, func(s *scrape, add adder) {
			for _, r := range s.readers {
				if r.table != nil {
					add(value(r.table), r.object.Name.String())
				}
			}
		})
	}
	return []metric{
		each("source_records_total", "Records read, rejected ones included.", prometheus.CounterValue, func(st exec.SourceState) float64 { return float64(st.Records) }),
		each("source_rows_total", "Rows read.", prometheus.CounterValue, func(st exec.SourceState) float64 { return float64(st.Rows) }),
		each("source_bytes_total", "Bytes read.", prometheus.CounterValue, func(st exec.SourceState) float64 { return float64(st.Bytes) }),
		each("source_rejected_total", "Records that could not become a row.", prometheus.CounterValue, func(st exec.SourceState) float64 { return float64(st.Rejected) }),
		each("source_blocked_seconds_total", "Time in which consumers that were behind kept a source from reading.", prometheus.CounterValue,
			func(st exec.SourceState) float64 { return st.BlockedFor.Seconds() }),
		each("source_readers", "Readers of a source: one, and one for each query that is catching up.", prometheus.GaugeValue,
			func(st exec.SourceState) float64 { return float64(st.Passes) }),
		newMetric("source_watermark_seconds", "The watermark, in seconds since 1970; absent before the first.", prometheus.GaugeValue,
			[]string{"source"}, func(s *scrape, add adder) {
				for _, r := range s.readers {
					if watermarkTime(r.st.Watermark) != nil {
						add(seconds(r.st.Watermark), r.object.Name.String())
					}
				}
			}),
		tables("table_ready", "1 once a table's rows are complete.", func(st *exec.TableState) float64 { return truth(st.Ready) }),
		tables("table_stored_rows", "Rows of a table.", func(st *exec.TableState) float64 { return float64(st.StoredRows) }),
		tables("table_stored_bytes", "Memory that a table's rows hold.", func(st *exec.TableState) float64 { return float64(st.StoredBytes) }),
	}
}

// splitMetrics are those of the splits: the partitions of a topic.
func splitMetrics() []metric {
	each := func(name, help string, kind prometheus.ValueType, value func(exec.SplitState) (float64, bool)) metric {
		return newMetric(name, help, kind, []string{"source", "split"}, func(s *scrape, add adder) {
			for _, r := range s.readers {
				for _, split := range r.st.Splits {
					if v, ok := value(split); ok {
						add(v, r.object.Name.String(), strconv.Itoa(int(split.Split)))
					}
				}
			}
		})
	}
	return []metric{
		each("split_position", "The next record of a split to be read.", prometheus.GaugeValue,
			func(st exec.SplitState) (float64, bool) { return float64(st.Position), true }),
		each("split_lag", "Records of a split that are still to be read; absent while that is not known.", prometheus.GaugeValue,
			func(st exec.SplitState) (float64, bool) { return float64(max(0, st.High-st.Position)), st.High >= 0 }),
		each("split_idle", "1 while a split is idle and does not hold back the watermark.", prometheus.GaugeValue,
			func(st exec.SplitState) (float64, bool) { return truth(st.Idle), true }),
		each("split_rows_total", "Rows read of a split.", prometheus.CounterValue,
			func(st exec.SplitState) (float64, bool) { return float64(st.Rows), true }),
		each("split_bytes_total", "Bytes read of a split.", prometheus.CounterValue,
			func(st exec.SplitState) (float64, bool) { return float64(st.Bytes), true }),
		each("split_rejected_total", "Records of a split that could not become a row.", prometheus.CounterValue,
			func(st exec.SplitState) (float64, bool) { return float64(st.Rejected), true }),
	}
}

// flowMetrics are those of streams, views and sinks.
func flowMetrics() []metric {
	labels := []string{"object", "kind"}
	each := func(name, help string, kind prometheus.ValueType, value func(exec.FlowState) float64) metric {
		return newMetric(name, help, kind, labels, func(s *scrape, add adder) {
			for _, f := range s.flows {
				add(value(f.st), f.object.Name.String(), f.object.Kind.String())
			}
		})
	}
	counter := func(name, help string, value func(exec.FlowState) int64) metric {
		return each(name, help, prometheus.CounterValue, func(st exec.FlowState) float64 { return float64(value(st)) })
	}
	gauge := func(name, help string, value func(exec.FlowState) int64) metric {
		return each(name, help, prometheus.GaugeValue, func(st exec.FlowState) float64 { return float64(value(st)) })
	}
	histogram := func(name, help string, of func(exec.FlowState) exec.LatencyState) metric {
		return metric{
			name: "laminardb_" + name, help: help, labels: labels,
			histogram: func(s *scrape, add func(exec.LatencyState, ...string)) {
				for _, f := range s.flows {
					add(of(f.st), f.object.Name.String(), f.object.Kind.String())
				}
			},
		}
	}
	return []metric{
		counter("dataflow_rows_in_total", "Rows that a dataflow has taken.", func(st exec.FlowState) int64 { return st.RowsIn }),
		counter("dataflow_rows_out_total", "Rows that a dataflow has emitted.", func(st exec.FlowState) int64 { return st.RowsOut }),
		counter("dataflow_late_rows_total", "Rows that came behind the watermark and were dropped.", func(st exec.FlowState) int64 { return st.Late }),
		counter("dataflow_dead_letters_total", "Rows that could not be processed.", func(st exec.FlowState) int64 { return st.DeadLetters }),
		counter("dataflow_restarts_total", "Times that a dataflow went back to the last checkpoint since the server started.", func(st exec.FlowState) int64 { return st.Restarts }),
		each("dataflow_blocked_seconds_total", "Time in which consumers that were behind kept a dataflow from working.", prometheus.CounterValue,
			func(st exec.FlowState) float64 { return st.BlockedFor.Seconds() }),
		gauge("dataflow_state_bytes", "Memory that the operators' state holds.", func(st exec.FlowState) int64 { return st.StateBytes }),
		gauge("dataflow_state_keys", "Entries of the operators' state: groups, rows that wait, sessions.", func(st exec.FlowState) int64 { return st.StateKeys }),
		gauge("dataflow_stored_rows", "Rows that are kept for SELECT.", func(st exec.FlowState) int64 { return int64(st.StoredRows) }),
		gauge("dataflow_stored_bytes", "Memory that the rows kept for SELECT hold.", func(st exec.FlowState) int64 { return st.StoredBytes }),
		gauge("dataflow_queued_messages", "Batches and watermarks that wait for a dataflow.", func(st exec.FlowState) int64 { return int64(st.QueuedMessages) }),
		gauge("dataflow_queued_bytes", "Bytes that wait for a dataflow.", func(st exec.FlowState) int64 { return st.QueuedBytes }),
		watermarkMetric("dataflow_watermark_seconds", "The watermark of what is emitted, in seconds since 1970; absent before the first.", labels,
			func(s *scrape, millis int64) float64 { return seconds(millis) }),
		watermarkMetric("dataflow_watermark_lag_seconds", "How far the watermark is behind the wall clock; absent before the first.", labels,
			func(s *scrape, millis int64) float64 { return seconds(s.nowMillis - millis) }),
		histogram("dataflow_latency_seconds", "From the reading of a row to what it leads to being emitted.", func(st exec.FlowState) exec.LatencyState { return st.Latency }),
		histogram("dataflow_production_latency_seconds", "From the producer's timestamp of a row to what it leads to being emitted.",
			func(st exec.FlowState) exec.LatencyState { return st.Production }),
	}
}

func watermarkMetric(name, help string, labels []string, value func(s *scrape, millis int64) float64) metric {
	return newMetric(name, help, prometheus.GaugeValue, labels, func(s *scrape, add adder) {
		for _, f := range s.flows {
			if watermarkTime(f.st.Watermark) != nil {
				add(value(s, f.st.Watermark), f.object.Name.String(), f.object.Kind.String())
			}
		}
	})
}

// edgeMetrics are those of what one object passes to another.
func edgeMetrics() []metric {
	edges := func(name, help string, kind prometheus.ValueType, value func(exec.InputState) float64) metric {
		return newMetric(name, help, kind, []string{"object", "input"}, func(s *scrape, add adder) {
			for _, f := range s.flows {
				for _, in := range f.inputs {
					add(value(edgeOf(f.st, in.ID)), f.object.Name.String(), in.Name.String())
				}
			}
		})
	}
	return []metric{
		edges("edge_rows_total", "Rows that an object has taken from another.", prometheus.CounterValue, func(in exec.InputState) float64 { return float64(in.Rows) }),
		edges("edge_queued_bytes", "Bytes of one object that wait for another.", prometheus.GaugeValue, func(in exec.InputState) float64 { return float64(in.QueuedBytes) }),
	}
}
