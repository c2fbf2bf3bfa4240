package marketdata

import (
	"math"
	"reflect"
	"testing"

	"github.com/twmb/avro"

	example "laminardb/examples/market-data"
)

// decodeAs checks the header of a record and reads it with a general library.
func decodeAs[T any](t *testing.T, schema string, id byte, record []byte) T {
	t.Helper()
	if len(record) < 5 || string(record[:5]) != string([]byte{0, 0, 0, 1, id}) {
		t.Fatalf("header of % x", record)
	}
	var out T
	rest, err := avro.MustParse(example.Schema(schema)).Decode(record[5:], &out)
	if err != nil || len(rest) > 0 {
		t.Fatalf("decoding % x: %v, %d bytes left", record, err, len(rest))
	}
	return out
}

func TestTicksDecode(t *testing.T) {
	for _, want := range []Tick{
		{"AAPL", 150.25, 150.24, 150.26, 100, Buy, start},
		{"", math.Inf(-1), -0.5, math.MaxFloat64, math.MinInt64, "", -1},
		{"ünïcode ✓", 0, math.SmallestNonzeroFloat64, 1, math.MaxInt64, Sell, math.MaxInt64},
	} {
		if got := decodeAs[Tick](t, "market_tick", 7, AppendTick(nil, 256+7, &want)); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestOrdersDecode(t *testing.T) {
	_, orders := draw(1, 100)
	for _, want := range append(orders, Order{}) {
		if got := decodeAs[Order](t, "order_event", 8, AppendOrder(nil, 256+8, &want)); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestReferencesDecode(t *testing.T) {
	for _, want := range References() {
		if got := decodeAs[Reference](t, "reference_data", 9, AppendReference(nil, 256+9, &want)); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		for i := range reflect.TypeFor[Reference]().NumField() {
			if reflect.ValueOf(want).Field(i).String() == "" {
				t.Errorf("%s: field %d is empty", want.Symbol, i)
			}
		}
	}
}

func TestAppendingKeepsWhatIsThere(t *testing.T) {
	tick := Tick{Symbol: "A"}
	if got := AppendTick([]byte("before"), 1, &tick); string(got[:6]) != "before" || got[6] != 0 {
		t.Errorf("got % x", got)
	}
}
