package parser

import (
	"strings"
	"testing"
)

// BenchmarkParse measures a parse as the session does it, for each statement.
func BenchmarkParse(b *testing.B) {
	var ohlc string
	for _, c := range corpus(b) {
		if strings.HasPrefix(c, "CREATE STREAM ohlc_bars") {
			ohlc = c
		}
	}
	for _, c := range []struct{ name, text string }{
		{"select1", "select 1"},
		{"ohlc", ohlc},
		{"insert", "insert into t values " + strings.TrimSuffix(strings.Repeat("(1, 'abc', 2.5, null),", 1000), ",")},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(c.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
