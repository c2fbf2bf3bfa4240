package marketdata

import (
	"reflect"
	"testing"
)

func TestPriceMomentum(t *testing.T) {
	ticks := recorded(at(20, 4, 1, Buy), at(10, 1, 1, Buy), at(20, 7, 1, Buy), at(30, 9, 1, Buy))
	want := []Momentum{{"A", 1, 1, 0, 4, 10}, {"A", 4, 1, 3, 7, 20}, {"A", 7, 4, 3, 9, 20}}
	if got := PriceMomentum(ticks, 31); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := PriceMomentum(ticks, 30); !reflect.DeepEqual(got, want[:2]) {
		t.Errorf("got %+v, want %+v", got, want[:2])
	}
}

func TestTopMovers(t *testing.T) {
	deviation := 0.5
	stats := []SymbolStats{
		{"B", 0, 2, nil, 1}, {"A", 10, 2, nil, 2}, {"A", 0, 2, nil, 3}, {"C", 0, 3, &deviation, 4}, {"D", 0, 1, nil, 5},
	}
	want := []TopMover{
		{"C", 3, known(0.5), 4, 1}, {Symbol: "A", PriceRange: 2, TradeCount: 3, Rank: 2}, {Symbol: "B", PriceRange: 2, TradeCount: 1, Rank: 3},
	}
	if got := TopMovers(stats); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
