package session

import (
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"laminardb/sql/batch"
)

// rowsBatch makes a batch of a few rows of Go values: string, int64, int, float64,
// bool, []byte, time.Time, time.Duration, []any for an array, or nil. It is for system relations and SHOW, not for
// data.
func rowsBatch(schema *batch.Schema, rows [][]any) (*batch.Batch, error) {
	cols := make([]arrow.Array, len(schema.Fields))
	for c, f := range schema.Fields {
		b := array.NewBuilder(memory.DefaultAllocator, f.Type.Arrow())
		for _, row := range rows {
			if err := appendValue(b, row[c]); err != nil {
				return nil, fmt.Errorf("column %q: %w", f.Name, err)
			}
		}
		cols[c] = b.NewArray()
	}
	return batch.New(cols, len(rows)), nil
}

// wide makes any integer an int64.
func wide(v any) any {
	switch n := v.(type) {
	case int:
		return int64(n)
	case int32:
		return int64(n)
	}
	return v
}

func appendValue(b array.Builder, v any) error {
	if v == nil {
		b.AppendNull()
		return nil
	}
	v = wide(v)
	switch b := b.(type) {
	case *array.StringBuilder:
		b.Append(fmt.Sprint(v))
		return nil
	case *array.Int64Builder:
		if n, ok := v.(int64); ok {
			b.Append(n)
			return nil
		}
	case *array.Int32Builder:
		if n, ok := v.(int64); ok {
			b.Append(int32(n))
			return nil
		}
	case *array.Int16Builder:
		if n, ok := v.(int64); ok {
			b.Append(int16(n))
			return nil
		}
	case *array.ListBuilder:
		if list, ok := v.([]any); ok {
			b.Append(true)
			for _, x := range list {
				if err := appendValue(b.ValueBuilder(), x); err != nil {
					return err
				}
			}
			return nil
		}
	case *array.Float32Builder:
		if n, ok := v.(float64); ok {
			b.Append(float32(n))
			return nil
		}
	case *array.Float64Builder:
		if n, ok := v.(float64); ok {
			b.Append(n)
			return nil
		}
	case *array.BooleanBuilder:
		if x, ok := v.(bool); ok {
			b.Append(x)
			return nil
		}
	case *array.BinaryBuilder:
		if x, ok := v.([]byte); ok {
			b.Append(x)
			return nil
		}
	case *array.MonthDayNanoIntervalBuilder:
		if d, ok := v.(time.Duration); ok {
			b.Append(arrow.MonthDayNanoInterval{Nanoseconds: int64(d)})
			return nil
		}
	case *array.TimestampBuilder:
		if t, ok := v.(time.Time); ok {
			b.Append(arrow.Timestamp(t.UnixMicro()))
			return nil
		}
	}
	return fmt.Errorf("no way to store a %T as %s", v, b.Type())
}
