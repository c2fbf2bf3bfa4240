package session

import (
	"github.com/prometheus/client_golang/prometheus"

	"laminardb/catalog"
	"laminardb/exec"
)

// sinkMetrics are those of what sinks pass to the outside.
func sinkMetrics() []metric {
	each := func(name, help string, kind prometheus.ValueType, value func(exec.FlowState) (n int64, ok bool)) metric {
		return newMetric(name, help, kind, []string{"sink"}, func(s *scrape, add adder) {
			for _, f := range s.flows {
				if f.object.Kind != catalog.Sink {
					continue
				}
				if v, ok := value(f.st); ok {
					add(float64(v), f.object.Name.String())
				}
			}
		})
	}
	return []metric{
		each("sink_rows_total", "Rows that a sink has taken.", prometheus.CounterValue,
			func(st exec.FlowState) (int64, bool) { return st.RowsOut, true }),
		each("sink_bytes_total", "Bytes of keys and values that a sink has handed over; absent where its connector does not count.",
			prometheus.CounterValue, func(st exec.FlowState) (int64, bool) { return st.Sink.Bytes, st.Sink.Bytes >= 0 }),
		each("sink_pending_rows", "Rows that wait in a sink's outbox; absent where it has none.", prometheus.GaugeValue,
			func(st exec.FlowState) (int64, bool) { return st.Sink.PendingRows, st.Sink.Outbox }),
		each("sink_pending_bytes", "Bytes of a sink's outbox; absent where it has none.", prometheus.GaugeValue,
			func(st exec.FlowState) (int64, bool) { return st.Sink.PendingBytes, st.Sink.Outbox }),
		each("sink_committed_epoch", "The last epoch whose rows a sink has written exactly once; absent before the first and for other sinks.",
			prometheus.GaugeValue, func(st exec.FlowState) (int64, bool) { return st.Sink.Committed, st.Sink.Committed > 0 }),
	}
}
