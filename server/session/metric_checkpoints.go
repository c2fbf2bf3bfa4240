package session

import (
	"github.com/prometheus/client_golang/prometheus"

	"laminardb/exec"
)

// checkpointMetrics are those of checkpoints and of the recovery from one.
func checkpointMetrics() []metric {
	counter := func(name, help string, value func(*scrape) int64) metric {
		return newMetric(name, help, prometheus.CounterValue, nil, func(s *scrape, add adder) { add(float64(value(s))) })
	}
	last := func(name, help string, value func(*exec.CheckpointReport) float64) metric {
		return newMetric(name, help, prometheus.GaugeValue, nil, func(s *scrape, add adder) {
			if rep := s.checkpoints.Last; rep != nil {
				add(value(rep))
			}
		})
	}
	const absent = "; absent before the first since the start."
	return []metric{
		counter("checkpoint_taken_total", "Checkpoints that were taken.", func(s *scrape) int64 { return s.checkpoints.Taken }),
		counter("checkpoint_failed_total", "Checkpoints that failed.", func(s *scrape) int64 { return s.checkpoints.Failed }),
		last("checkpoint_last_duration_seconds", "How long the last checkpoint took"+absent,
			func(rep *exec.CheckpointReport) float64 { return rep.Finished.Sub(rep.Started).Seconds() }),
		last("checkpoint_last_pause_seconds", "The longest time that one object stood still for the last checkpoint"+absent,
			func(rep *exec.CheckpointReport) float64 { return rep.Pause.Seconds() }),
		last("checkpoint_last_bytes", "Bytes of state in the last checkpoint"+absent,
			func(rep *exec.CheckpointReport) float64 { return float64(rep.Bytes) }),
		last("checkpoint_last_new_bytes", "Bytes that the last checkpoint wrote"+absent,
			func(rep *exec.CheckpointReport) float64 { return float64(rep.NewBytes) }),
		newMetric("checkpoint_last_epoch", "The newest epoch that can be restored; absent before the first.", prometheus.GaugeValue, nil,
			func(s *scrape, add adder) {
				if s.durable != nil {
					add(float64(s.durable.Epoch))
				}
			}),
		newMetric("checkpoint_age_seconds", "How long ago that epoch became durable; absent before the first.", prometheus.GaugeValue, nil,
			func(s *scrape, add adder) {
				if s.durable != nil {
					add(max(0, seconds(s.nowMillis-s.durable.CommittedAt.UnixMilli())))
				}
			}),
		newMetric("recovered_epoch", "The epoch that the server started from; absent if there was none.", prometheus.GaugeValue, nil,
			func(s *scrape, add adder) {
				if s.db.recovered.Epoch > 0 {
					add(float64(s.db.recovered.Epoch))
				}
			}),
	}
}
