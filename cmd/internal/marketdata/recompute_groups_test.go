package marketdata

import (
	"cmp"
	"reflect"
	"slices"
	"testing"
)

func TestRollingSpreads(t *testing.T) {
	tick := func(ts int64, bid, ask float64) Tick { return Tick{Symbol: "A", Bid: bid, Ask: ask, TS: ts} }
	got := RollingSpreads(recorded(tick(10_000, 1, 3), tick(11_999, 1, 2)))
	slices.SortFunc(got, func(a, b RollingSpread) int { return cmp.Compare(a.WindowStart, b.WindowStart) })
	want := []RollingSpread{{"A", 1_000, 2, 2, 2, 1}}
	for start := int64(2_000); start <= 10_000; start += 1_000 {
		want = append(want, RollingSpread{"A", start, 1.5, 1, 2, 2})
	}
	want = append(want, RollingSpread{"A", 11_000, 1, 1, 1, 1})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestSessions(t *testing.T) {
	got := Sessions(recorded(
		at(10_000, 5, 1, Buy), at(39_999, 7, 2, Buy), // in time
		at(99_999, 9, 4, Buy), at(69_999, 8, 3, Buy), // each 30 seconds after the last: too late
	))
	want := []Session{
		{"A", 10_000, 69_999, 2, 3, 5, 7}, {"A", 69_999, 99_999, 1, 3, 8, 8}, {"A", 99_999, 129_999, 1, 4, 9, 9},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestSectorAnalytics(t *testing.T) {
	got := SectorAnalytics([]EnrichedTick{
		{Price: 1, Volume: 10, Sector: "S", TS: 9_999},
		{Price: 2, Volume: 20, Sector: "S", TS: 0},
		{Price: 4, Volume: 40, Sector: "S", TS: 10_000},
	})
	slices.SortFunc(got, func(a, b SectorAverage) int { return cmp.Compare(a.WindowStart, b.WindowStart) })
	want := []SectorAverage{{"S", 0, 1.5, 30, 2}, {"S", 10_000, 4, 40, 1}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}
