package marketdata

import (
	"database/sql"
	"reflect"
	"testing"
)

// ordered is an order at a price of 100.
func ordered(id, symbol string, ts int64) RecordedOrder {
	return RecordedOrder{Order: Order{OrderID: id, Symbol: symbol, Price: 100, TS: ts}}
}

func TestEnrichedOrders(t *testing.T) {
	ticks := recorded(at(20, 7, 1, Buy), at(10, 5, 1, Buy), at(10, 6, 1, Buy))
	got := EnrichedOrders([]RecordedOrder{ordered("before", "A", 9), ordered("tie", "A", 10), ordered("other", "B", 30)}, ticks)
	zero := known(0) // bid and ask
	want := []EnrichedOrder{
		{OrderID: "before", Symbol: "A", OrderPrice: 100, TS: 9},
		{"tie", "A", "", 0, 100, known(6), zero, zero, known(94), 10},
		{OrderID: "other", Symbol: "B", OrderPrice: 100, TS: 30, Slippage: sql.Null[float64]{}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestEnrichedTicks(t *testing.T) {
	ticks := append(recorded(at(1, 2, 3, Buy)), RecordedTick{Tick: Tick{Symbol: "B"}})
	got := EnrichedTicks(ticks, map[string]Reference{"A": {Sector: "S", MarketCapCategory: "M", Exchange: "X"}})
	if want := []EnrichedTick{{"A", 2, 3, "S", "M", "X", 1}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOrderTickMatches(t *testing.T) {
	ticks := recorded(at(7_999, 1, 1, Buy), at(8_000, 2, 1, Buy), at(12_000, 3, 1, Buy), at(12_001, 4, 1, Buy))
	got := OrderTickMatches([]RecordedOrder{ordered("o", "A", 10_000), ordered("p", "B", 10_000)}, ticks)
	want := []OrderTickMatch{
		{OrderID: "o", Symbol: "A", OrderPrice: 100, TickPrice: 2, PriceDiff: 98, TS: 10_000},
		{OrderID: "o", Symbol: "A", OrderPrice: 100, TickPrice: 3, PriceDiff: 97, TS: 10_000},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
