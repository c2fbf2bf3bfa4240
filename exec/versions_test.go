package exec

import (
	"context"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/connectors"
	"laminardb/planner/plan"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

func bools(values ...bool) arrow.Array {
	b := array.NewBooleanBuilder(memory.DefaultAllocator)
	b.AppendValues(values, nil)
	return b.NewArray()
}

// A table's chunks as versions: key, value, time, deleted.
func TestVersionChunks(t *testing.T) {
	int64s := types.Of(types.Int64)
	v := versioned{types: []types.Type{int64s, int64s, int64s}, key: []int{0}, time: 2}
	marks := newWatermarks(EventTime{Column: 2}, nil)
	marks.splits[0], marks.splits[1] = &splitTime{maxMillis: 500}, &splitTime{maxMillis: 40}
	show := func(c *connectors.Chunk) (rows []string) {
		for i := range c.Batch.Rows {
			s := fmt.Sprint(c.Splits[i], "/", c.Offsets[i])
			for _, col := range c.Batch.Cols {
				s += " " + col.ValueStr(i)
			}
			rows = append(rows, s)
		}
		return rows
	}
	for _, c := range []struct {
		name       string
		recordTime bool
		chunk      *connectors.Chunk
		want       []string
	}{
		{"rows", false, &connectors.Chunk{
			Batch: int64Batch([]int64{1, 2}, []int64{10, 20}, []int64{100, 90}), Splits: []int32{0, 1}, Offsets: []int64{7, 8},
		}, []string{"0/7 1 10 100 false", "1/8 2 20 90 false"}},
		{"tombstones have the largest time before them in their split", false, &connectors.Chunk{
			Batch: int64Batch([]int64{1, 2}, []int64{10, 20}, []int64{600, 90}), Splits: []int32{0, 1}, Offsets: []int64{7, 8},
			Deletes: int64Batch([]int64{1, 2, 1}), DeleteAt: []int32{0, 1, 2},
			DeleteSplits: []int32{0, 1, 0}, DeleteOffsets: []int64{6, 7, 9}, DeleteMillis: []int64{1, 1, 1},
		}, []string{"0/6 1 (null) 500 true", "0/7 1 10 600 false", "1/7 2 (null) 40 true", "1/8 2 20 90 false", "0/9 1 (null) 600 true"}},
		{"tombstones have their record's time", true, &connectors.Chunk{
			Batch: int64Batch([]int64{1}, []int64{10}, []int64{100}), Splits: []int32{0}, Offsets: []int64{7},
			Deletes: int64Batch([]int64{1, 2}), DeleteAt: []int32{1, 1},
			DeleteSplits: []int32{0, 1}, DeleteOffsets: []int64{8, 9}, DeleteMillis: []int64{105, -1},
		}, []string{"0/7 1 10 100 false", "0/8 1 (null) 105 true", "1/9 2 (null) 40 true"}},
		// Record 1 updates key 1 and deletes key 2, record 2 brings key 2 back.
		{"a row that is replaced", false, &connectors.Chunk{
			Batch: &batch.Batch{
				Cols: int64Batch([]int64{1, 2, 1, 2}, []int64{10, 20, 11, 21}, []int64{100, 100, 700, 50}).Cols, Rows: 4,
				Diffs: []int8{-1, -1, 1, 1},
			}, Splits: []int32{0, 0, 0, 0}, Offsets: []int64{1, 1, 1, 2},
		}, []string{"0/1 2 20 500 true", "0/1 1 11 700 false", "0/2 2 21 50 false"}},
	} {
		v.recordTime = c.recordTime
		got, err := v.chunk(c.chunk)
		if err != nil {
			t.Fatal(err)
		}
		v.endVersions(got, marks)
		if fmt.Sprint(show(got)) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, not %v", c.name, show(got), c.want)
		}
		if got.Deletes != nil || got.Batch.Diffs != nil {
			t.Errorf("%s: something is still deleted: %+v", c.name, got)
		}
	}
}

// Keys that come and go leave nothing behind in a temporal join.
func TestTemporalJoinState(t *testing.T) {
	l, r, keys, at := timeScans()
	r.(*plan.Scan).Out = VersionsSchema(r.Schema(), 1)
	emitted := 0
	out := rowsOut(func(b *batch.Batch) error { emitted += b.Rows; return nil })
	n := &plan.AsofJoin{Left: l, Right: r, LeftKeys: keys, RightKeys: keys, LeftTime: at, RightTime: at, Reach: plan.TimeRange{Low: plan.NoLow, High: 0}, Temporal: true}
	inputs, _ := buildJoin(t, n, out)
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	const each, rounds = 1000, 200
	for round := range int64(rounds) {
		var come, gone []tick
		for i := range int64(each) {
			key := round*each + i
			come, gone = append(come, tick{key, round * 10, key}), append(gone, tick{key, round*10 + 5, null})
		}
		for deleted, rows := range [][]tick{come, gone} {
			b := ticks(rows)
			flags := make([]bool, each)
			for i := range flags {
				flags[i] = deleted == 1
			}
			b.Cols = append(b.Cols, bools(flags...))
			must(inputs[rightInput].Batch(ctx, b))
		}
		must(inputs[leftInput].Batch(ctx, ticks([]tick{{round * each, round * 10, round}, {round * each, round*10 + 7, -round}})))
		must(inputs[rightInput].Watermark(ctx, round*10+9))
		must(inputs[leftInput].Watermark(ctx, round*10+9))
	}
	j := inputs[leftInput].(asofSide).j
	if j.right.store.rows > 2*leastChecked || j.table.Len() > 2*leastChecked {
		t.Errorf("%d versions of %d keys are kept", j.right.store.rows, j.table.Len())
	}
	if emitted != 2*rounds {
		t.Errorf("%d rows", emitted)
	}
}
