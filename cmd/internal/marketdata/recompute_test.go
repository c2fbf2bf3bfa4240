package marketdata

import (
	"reflect"
	"testing"
)

// recorded lays ticks out on one partition from offset 0.
func recorded(ticks ...Tick) []RecordedTick {
	var out []RecordedTick
	for i, t := range ticks {
		out = append(out, RecordedTick{Tick: t, Offset: int64(i)})
	}
	return out
}

// at is a tick of A.
func at(ts int64, price float64, volume int64, side string) Tick {
	return Tick{Symbol: "A", Price: price, Volume: volume, Side: side, TS: ts}
}

func TestOHLCBars(t *testing.T) {
	ticks := recorded(
		at(10_001, 5, 10, Buy), // arrives first, but isn't the earliest
		at(10_000, 4, 10, Buy), // opens
		at(10_000, 9, 20, Buy), // as early, but arrives later
		at(14_999, 2, 10, Sell),
		at(14_999, 3, 50, Sell), // closes: as late, and arrives later
		at(12_000, 7, 10, Sell),
		at(15_000, 8, 1, Buy), // the next window
	)
	ticks[0], ticks[6] = ticks[6], ticks[0] // the order of the slice says nothing
	ticks = append(ticks, RecordedTick{Tick: Tick{Symbol: "B", Price: 1, Volume: 2, TS: -1}, Partition: 3})
	want := []OHLCBar{
		{"B", -5_000, 1, 1, 1, 1, 1, 2, 1},
		{"A", 10_000, 4, 9, 2, 3, 6, 110, (50. + 40 + 180 + 20 + 150 + 70) / 110},
		{"A", 15_000, 8, 8, 8, 8, 1, 1, 8},
	}
	if got := OHLCBars(ticks); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestVolumeAlerts(t *testing.T) {
	got := VolumeAlerts(recorded(
		at(0, 1, 3_000, Buy), at(1, 1, 2_000, Sell), at(4_999, 1, 1, ""),
		at(5_000, 1, 5_000, Buy), // exactly the limit is none
	))
	want := []VolumeAlert{{"A", 0, 5_001, 3, 3_000, 2_000}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSymbolStats(t *testing.T) {
	got := AllSymbolStats(recorded(at(0, 2, 1, Buy), at(9_000, 4, 1, Buy), at(9_999, 6, 1, Buy), at(10_000, 6, 1, Buy)))
	two := 2.0
	want := []SymbolStats{{"A", 0, 4, &two, 3}, {"A", 10_000, 0, nil, 1}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestWatermarkIsThatOfTheSlowestPartition(t *testing.T) {
	ticks := recorded(at(7_000, 1, 1, Buy), at(6_000, 1, 1, Buy))
	ticks = append(ticks, RecordedTick{Tick: at(6_500, 1, 1, Buy), Partition: 1})
	if got, ok := Watermark(ticks, 5_000); !ok || got != 1_500 {
		t.Errorf("got %d, %v", got, ok)
	}
	if _, ok := Watermark(nil, 5_000); ok {
		t.Error("a watermark without ticks")
	}
}
