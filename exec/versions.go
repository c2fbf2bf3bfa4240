package exec

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/connectors"
	"laminardb/exec/expr"
	"laminardb/exec/hashtable"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// Versions is how the rows of a table with event time are read as versions: every
// row that came, valid from its event time until that of the next with its key.
type Versions struct {
	EventTime EventTime
	// RecordTime says that the event time is the record's timestamp, so that a
	// tombstone has one. Any other delete takes effect at the largest event time
	// that came before it in its split.
	RecordTime bool
	// HistoryRows is how many recent versions SELECT can read.
	HistoryRows int
}

// VersionsID is the id of the source of a table's versions.
func VersionsID(table uint64) uint64 { return table | 1<<63 }

// VersionsSchema is a table's columns and whether the version deletes the row.
func VersionsSchema(table *batch.Schema, eventTime int) *batch.Schema {
	out := &batch.Schema{EventTime: eventTime}
	out.Fields = append(out.Fields, table.Fields...)
	for i := range out.Fields {
		out.Fields[i].NotNull = false // a delete may know the key alone
	}
	out.Fields = append(out.Fields, batch.Field{Name: "deleted", Type: types.Of(types.Bool), NotNull: true, Hidden: true})
	return out
}

// newVersions returns the source of a table's versions, nil for a table without. It
// reads the table's connector with readers of its own.
func newVersions(t TableSpec, env *Env) *Source {
	if t.Versions == nil {
		return nil
	}
	v := versioned{Source: t.Connector, types: schemaTypes(t.Schema), key: t.Key, time: t.Versions.EventTime.Column, recordTime: t.Versions.RecordTime}
	return newSource(SourceSpec{
		ID: VersionsID(t.ID), Name: t.Name, Schema: VersionsSchema(t.Schema, v.time), EventTime: t.Versions.EventTime,
		OnError:     OnErrorSkip, // the table counts and reports what it rejects
		HistoryRows: t.Versions.HistoryRows, Always: t.Log != nil, Connector: v,
	}, env)
}

// versioned reads a table's connector as versions.
type versioned struct {
	connectors.Source
	types      []types.Type
	key        []int
	time       int
	recordTime bool
}

// Open implements connectors.Source.
func (v versioned) Open(ctx context.Context, from connectors.Positions) (connectors.Reader, error) {
	r, err := v.Source.Open(ctx, from)
	if err != nil {
		return nil, err
	}
	return &versionReader{Reader: r, v: v}, nil
}

// Identity implements connectors.Identified.
func (v versioned) Identity(ctx context.Context) (string, error) {
	if known, ok := v.Source.(connectors.Identified); ok {
		return known.Identity(ctx)
	}
	return "", nil
}

// Close implements connectors.Source: the table closes the connector.
func (versioned) Close() error { return nil }

type versionReader struct {
	connectors.Reader
	v versioned
}

// Poll implements connectors.Reader.
func (r *versionReader) Poll(ctx context.Context, wait time.Duration) (*connectors.Chunk, error) {
	c, err := r.Reader.Poll(ctx, wait)
	if c == nil || err != nil {
		return c, err
	}
	return r.v.chunk(c)
}

// chunk turns the rows and deletes of a chunk into versions in their order. The
// time of a delete is NULL where it is not known yet.
func (v versioned) chunk(c *connectors.Chunk) (*connectors.Chunk, error) {
	b, n := batch.New(c.Batch.Cols, c.Batch.Rows), c.Batch.Rows
	out := *c
	out.Deletes, out.DeleteAt, out.DeleteSplits, out.DeleteOffsets, out.DeleteMillis = nil, nil, nil, nil, nil
	if c.Deletes != nil && c.Deletes.Rows > 0 {
		var err error
		if b, err = expr.Concat([]*batch.Batch{b, v.deletes(c)}); err != nil {
			return nil, err
		}
		out.Splits, out.Offsets = slices.Concat(c.Splits, c.DeleteSplits), slices.Concat(c.Offsets, c.DeleteOffsets)
	}
	rows, deleted := make([]int32, 0, b.Rows), make([]bool, 0, b.Rows)
	replaced := v.replaced(c)
	for _, i := range mergeOrder(n, c.DeleteAt) {
		if tombstone := int(i) >= n; tombstone || !replaced[i] {
			rows, deleted = append(rows, i), append(deleted, tombstone || c.Batch.Diff(int(i)) < 0)
		}
	}
	if !isIdentity(rows, b.Rows) {
		b = expr.Take(b, rows)
		out.Splits, out.Offsets = picked(out.Splits, rows), picked(out.Offsets, rows)
	}
	flags := array.NewBooleanBuilder(memory.DefaultAllocator)
	flags.AppendValues(deleted, nil)
	out.Batch = batch.New(append(slices.Clip(b.Cols), flags.NewArray()), len(rows))
	out.Batch.ReadAtNanos, out.Batch.ProducedAtMillis = c.Batch.ReadAtNanos, c.Batch.ProducedAtMillis
	return &out, nil
}

// replaced marks the rows that go away and whose key comes back with the same
// record: the new version ends the old one by itself.
func (v versioned) replaced(c *connectors.Chunk) []bool {
	out := make([]bool, c.Batch.Rows)
	if c.Batch.Diffs == nil {
		return out
	}
	keyTypes := []types.Type{types.Of(types.Int32), types.Of(types.Int64)}
	splits, offsets := array.NewInt32Builder(memory.DefaultAllocator), array.NewInt64Builder(memory.DefaultAllocator)
	splits.AppendValues(c.Splits, nil)
	offsets.AppendValues(c.Offsets, nil)
	cols := []arrow.Array{splits.NewArray(), offsets.NewArray()}
	for _, k := range v.key {
		keyTypes, cols = append(keyTypes, v.types[k]), append(cols, c.Batch.Cols[k])
	}
	var come, gone []int32
	for i := range c.Batch.Rows {
		if c.Batch.Diff(i) > 0 {
			come = append(come, int32(i))
		} else {
			gone = append(gone, int32(i))
		}
	}
	t := hashtable.New(keyTypes)
	if len(come) > 0 {
		t.Lookup(cols, len(come), come, make([]uint32, len(come)))
	}
	ids := make([]uint32, len(gone))
	if len(gone) > 0 {
		t.Find(cols, len(gone), gone, ids)
	}
	for i, row := range gone {
		out[row] = ids[i] != hashtable.NoGroup
	}
	return out
}

// deletes are the tombstones of a chunk as rows.
func (v versioned) deletes(c *connectors.Chunk) *batch.Batch {
	cols := nullColumns(v.types, c.Deletes.Rows)
	for i, k := range v.key {
		cols[k] = c.Deletes.Cols[i]
	}
	if v.recordTime {
		times, valid := make([]int64, c.Deletes.Rows), make([]bool, c.Deletes.Rows)
		for i, millis := range c.DeleteMillis {
			times[i], valid[i] = millis*v.perMilli(), millis >= 0
		}
		cols[v.time] = v.times(times, valid)
	}
	return batch.New(cols, c.Deletes.Rows)
}

func (v versioned) perMilli() int64 {
	if v.types[v.time].Kind == types.Int64 {
		return 1
	}
	return 1000
}

// times is an event-time column.
func (v versioned) times(values []int64, valid []bool) arrow.Array {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.AppendValues(values, valid)
	data := b.NewArray().Data()
	return array.MakeFromData(array.NewData(v.types[v.time].Arrow(), data.Len(), data.Buffers(), nil, data.NullN(), 0))
}

// endVersions gives deletes without a time the largest one that came before them in
// their split; marks holds those of earlier chunks.
func (v versioned) endVersions(c *connectors.Chunk, marks *watermarks) {
	deleted := c.Batch.Cols[len(c.Batch.Cols)-1].(*array.Boolean)
	found := false
	for i := range c.Batch.Rows {
		found = found || deleted.Value(i)
	}
	if !found {
		return
	}
	per := v.perMilli()
	latest := map[int32]int64{}
	col := c.Batch.Cols[v.time]
	raw, _ := timeValues(col)
	times, valid := make([]int64, len(raw)), make([]bool, len(raw))
	for i, t := range raw {
		split := c.Splits[i]
		last, ok := latest[split]
		if !ok {
			if last = math.MinInt64; marks.split(split).maxMillis != NoWatermark {
				last = marks.split(split).maxMillis*per + per - 1
			}
		}
		times[i], valid[i] = t, col.IsValid(i)
		if deleted.Value(i) && (!valid[i] || !v.recordTime) {
			times[i], valid[i] = last, last != math.MinInt64
		}
		if valid[i] {
			last = max(last, times[i])
		}
		latest[split] = last
	}
	cols := append([]arrow.Array(nil), c.Batch.Cols...)
	cols[v.time] = v.times(times, valid)
	c.Batch = c.Batch.With(cols)
}
