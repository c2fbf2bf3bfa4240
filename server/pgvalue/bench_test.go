package pgvalue

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// ticks is a batch shaped like the seed's market ticks.
func ticks(t testing.TB, n int) (columns []types.Type, b *batch.Batch) {
	t.Helper()
	columns = []types.Type{
		types.Of(types.Text), types.Of(types.Float64), types.Of(types.Float64), types.Of(types.Float64),
		types.Of(types.Int64), types.Of(types.Text), types.Of(types.TimestampTZ),
	}
	values := []func(i int) string{
		func(i int) string { return `"AAPL"` },
		func(i int) string { return fmt.Sprintf("%.2f", 150+float64(i%100)/100) },
		func(i int) string { return fmt.Sprintf("%.2f", 149.5+float64(i%100)/100) },
		func(i int) string { return fmt.Sprintf("%.2f", 150.5+float64(i%100)/100) },
		func(i int) string { return fmt.Sprint(100 + i) },
		func(i int) string { return `"buy"` },
		func(i int) string { return fmt.Sprintf(`"2024-01-02 03:04:05.%03dZ"`, i%1000) },
	}
	var cols []arrow.Array
	for c, f := range values {
		var s strings.Builder
		for i := range n {
			fmt.Fprintf(&s, ",%s", f(i))
		}
		cols = append(cols, jsonBatch(t, columns[c], "["+s.String()[1:]+"]").Cols[0])
	}
	return columns, batch.New(cols, n)
}

func BenchmarkAppendRows(b *testing.B) {
	const n = 1024
	columns, batch := ticks(b, n)
	for _, format := range []int16{Text, Binary} {
		formats := make([]int16, len(columns))
		for i := range formats {
			formats[i] = format
		}
		b.Run([]string{"text", "binary"}[format], func(b *testing.B) {
			e, err := NewEncoder(columns, formats, nil)
			if err != nil {
				b.Fatal(err)
			}
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = e.AppendRows(dst[:0], batch, []int{0, 1, 2, 3, 4, 5, 6}, 0, n)
			}
			b.SetBytes(int64(len(dst)))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}

// TestAppendRowsAllocations holds that a batch costs the same few allocations
// whatever its number of rows.
func TestAppendRowsAllocations(t *testing.T) {
	columns, b := ticks(t, 1000)
	e, err := NewEncoder(columns, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 0, 1<<20)
	cols := []int{0, 1, 2, 3, 4, 5, 6}
	allocations := func(rows int) float64 {
		return testing.AllocsPerRun(10, func() { dst = e.AppendRows(dst[:0], b, cols, 0, rows) })
	}
	if few, many := allocations(1), allocations(1000); many > few {
		t.Errorf("%v allocations for a row, %v for 1000", few, many)
	}
}
