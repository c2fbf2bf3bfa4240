package session

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// documented is where the metrics are described.
const documented = "../../docs/metrics.md"

// TestMetricsAreDocumented holds docs/metrics.md against the metrics that there
// are: every one has its line, and there are no others.
func TestMetricsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(documented)
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `laminardb_") {
			missing[strings.TrimSpace(line)] = true
		}
	}
	for _, m := range metricList() {
		line := documentation(m)
		if !missing[line] {
			t.Errorf("docs/metrics.md lacks\n%s", line)
		}
		delete(missing, line)
	}
	for line := range missing {
		t.Errorf("docs/metrics.md has what is not there\n%s", line)
	}
}

func documentation(m metric) string {
	kind := map[prometheus.ValueType]string{prometheus.CounterValue: "counter", prometheus.GaugeValue: "gauge"}[m.kind]
	if m.histogram != nil {
		kind = "histogram"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |", m.name, kind, strings.Join(m.labels, ", "), m.help)
}

// TestLabelsAsJSON checks that labels are what PostgreSQL shows of a jsonb.
func TestLabelsAsJSON(t *testing.T) {
	if got, want := labelsJSON(nil, "le", `a"b`), `{"le": "a\"b"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := labelsJSON(nil), `{}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
