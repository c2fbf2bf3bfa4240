package session

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"laminardb/catalog"
	"laminardb/exec"
	"laminardb/storage/checkpoint"
)

// NewMetrics returns a registry with what is known of the process and the Go
// runtime.
func NewMetrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// metric is one metric: what it is, and how its samples are made of a scrape.
type metric struct {
	name, help string
	labels     []string
	kind       prometheus.ValueType
	values     func(s *scrape, add func(value float64, labels ...string))
	// histogram is for a histogram, whose values is nil.
	histogram func(s *scrape, add func(st exec.LatencyState, labels ...string))
}

func (m metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.name, m.help, m.labels, nil) }

// scrape is how everything stands at one time.
type scrape struct {
	db                      *Database
	readers                 []readerScrape
	flows                   []flowScrape
	sessions, subscriptions int
	queuedForSubscribers    int64
	deadLetters             int64
	nowMillis               int64
	checkpoints             exec.CheckpointTotals
	// durable is the newest checkpoint that counts, nil for none.
	durable *checkpoint.Info
}

// readerScrape is a source or a table; table is nil for a source.
type readerScrape struct {
	object *catalog.Object
	st     exec.SourceState
	table  *exec.TableState
}

type flowScrape struct {
	object *catalog.Object
	st     exec.FlowState
	inputs []*catalog.Object
}

func (db *Database) scrape() *scrape {
	s := &scrape{db: db, nowMillis: db.config.Now().UnixMilli()}
	snapshot := db.catalog.Snapshot()
	for _, o := range snapshot.InCreationOrder() {
		switch o.Kind {
		case catalog.Source:
			if st, ok := db.engine.SourceState(o.ID); ok {
				s.readers = append(s.readers, readerScrape{object: o, st: st})
			}
		case catalog.Table:
			if st, ok := db.engine.TableState(o.ID); ok {
				s.readers = append(s.readers, readerScrape{object: o, st: st.SourceState, table: &st})
			}
		default:
			if st, ok := db.engine.FlowState(o.ID); ok {
				s.flows = append(s.flows, flowScrape{object: o, st: st, inputs: snapshot.Dependencies(o.ID)})
			}
		}
	}
	s.sessions, s.subscriptions = db.clients.count()
	for _, t := range db.clients.open() {
		_, queued := t.sub.Progress()
		s.queuedForSubscribers += queued
	}
	_, s.deadLetters = db.env.DeadLetters.Recent()
	s.checkpoints, s.durable = db.engine.CheckpointTotals(), db.checkpoints.last()
	return s
}

// collector gives Prometheus the metrics of a database.
type collector struct {
	db      *Database
	metrics []metric
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range c.metrics {
		out <- m.desc()
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.db.scrape()
	bounds := exec.LatencyBounds()
	for _, m := range c.metrics {
		desc := m.desc()
		if m.values != nil {
			m.values(s, func(value float64, labels ...string) {
				out <- prometheus.MustNewConstMetric(desc, m.kind, value, labels...)
			})
			continue
		}
		m.histogram(s, func(st exec.LatencyState, labels ...string) {
			buckets := make(map[float64]uint64, len(bounds))
			sum := uint64(0)
			for i, b := range bounds {
				sum += uint64(st.Buckets[i])
				buckets[b] = sum
			}
			out <- prometheus.MustNewConstHistogram(desc, uint64(st.Total), st.SumSeconds, buckets, labels...)
		})
	}
}

// metricRows is laminar.metrics: what /metrics says, a row for each line of it.
func (db *Database) metricRows() ([][]any, error) {
	families, err := db.config.Metrics.Gather()
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for _, f := range families {
		for _, m := range f.GetMetric() {
			rows = append(rows, samples(f, m)...)
		}
	}
	return rows, nil
}

// samples are the lines of one metric of a family.
func samples(f *dto.MetricFamily, m *dto.Metric) [][]any {
	row := func(suffix string, value float64, extra ...string) []any {
		return []any{f.GetName() + suffix, labelsJSON(m.GetLabel(), extra...), value, f.GetHelp()}
	}
	switch {
	case m.Counter != nil:
		return [][]any{row("", m.Counter.GetValue())}
	case m.Gauge != nil:
		return [][]any{row("", m.Gauge.GetValue())}
	case m.Untyped != nil:
		return [][]any{row("", m.Untyped.GetValue())}
	case m.Summary != nil:
		var rows [][]any
		for _, q := range m.Summary.GetQuantile() {
			rows = append(rows, row("", q.GetValue(), "quantile", number(q.GetQuantile())))
		}
		return append(rows, row("_sum", m.Summary.GetSampleSum()), row("_count", float64(m.Summary.GetSampleCount())))
	}
	h := m.GetHistogram()
	var rows [][]any
	for _, b := range h.GetBucket() {
		rows = append(rows, row("_bucket", float64(b.GetCumulativeCount()), "le", number(b.GetUpperBound())))
	}
	return append(rows, row("_bucket", float64(h.GetSampleCount()), "le", "+Inf"), row("_sum", h.GetSampleSum()), row("_count", float64(h.GetSampleCount())))
}

// labelsJSON is labels, and one more of a name and a value, in the order and the
// spelling of jsonb: shorter keys first.
func labelsJSON(labels []*dto.LabelPair, extra ...string) string {
	type pair struct{ name, value string }
	var pairs []pair
	for _, l := range labels {
		pairs = append(pairs, pair{l.GetName(), l.GetValue()})
	}
	if len(extra) == 2 {
		pairs = append(pairs, pair{extra[0], extra[1]})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if n := len(a.name) - len(b.name); n != 0 {
			return n
		}
		return strings.Compare(a.name, b.name)
	})
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = quoteJSON(p.name) + ": " + quoteJSON(p.value)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func quoteJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("session: a string that is not JSON: " + err.Error())
	}
	return string(b)
}
