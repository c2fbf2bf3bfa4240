package pgwire

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"laminardb/server/pgvalue"
	"laminardb/sql/batch"
	"laminardb/sql/types"
)

// echoSessions makes sessions that answer any statement with one row of its
// parameters, through pgvalue in both directions.
type echoSessions struct{ types []types.Type }

func (e echoSessions) NewSession(context.Context, *Client) (Session, error) {
	return echoSession{&fakeSession{f: newFake(), status: Idle}, e.types}, nil
}

type echoSession struct {
	*fakeSession
	types []types.Type
}

func (s echoSession) Prepare(context.Context, string, []uint32) (Statement, error) {
	return echoStatement(s), nil
}

type echoStatement echoSession

func (echoStatement) Close() {}

func (s echoStatement) Describe() (oids []uint32, columns []Column) {
	for _, t := range s.types {
		oids = append(oids, t.OID())
		columns = append(columns, Column{Name: t.String(), Type: t})
	}
	return oids, columns
}

func (s echoStatement) Bind(_ context.Context, b Binding) (Portal, error) {
	return echoPortal{s.types, b}, nil
}

type echoPortal struct {
	types []types.Type
	b     Binding
}

func (echoPortal) Close() {}

func (p echoPortal) Execute(_ context.Context, w *Results, _ int) (bool, error) {
	var cols []arrow.Array
	var all []int
	for i, t := range p.types {
		builder := array.NewBuilder(memory.DefaultAllocator, t.Arrow())
		var v any
		if p.b.Params[i] != nil {
			var err error
			if v, err = pgvalue.DecodeParam(t, p.b.ParamFormats[i], p.b.Params[i]); err != nil {
				return false, err
			}
		}
		appendValue(builder, v)
		cols, all = append(cols, builder.NewArray()), append(all, i)
	}
	e, err := pgvalue.NewEncoder(p.types, p.b.ResultFormats, nil)
	if err != nil {
		return false, err
	}
	row := batch.New(cols, 1)
	if err := w.Encode(func(dst []byte) []byte { return e.AppendRows(dst, row, all, 0, 1) }); err != nil {
		return false, err
	}
	return false, w.Complete("SELECT 1")
}

func appendValue(b array.Builder, v any) {
	switch b := b.(type) {
	case *array.BooleanBuilder:
		appendTo(b.Append, b, v)
	case *array.Int16Builder:
		appendTo(func(v int64) { b.Append(int16(v)) }, b, v)
	case *array.Int32Builder:
		appendTo(func(v int64) { b.Append(int32(v)) }, b, v)
	case *array.Int64Builder:
		appendTo(b.Append, b, v)
	case *array.Float32Builder:
		appendTo(func(v float64) { b.Append(float32(v)) }, b, v)
	case *array.Float64Builder:
		appendTo(b.Append, b, v)
	case *array.Decimal128Builder:
		appendTo(func(v decimal128.Num) { b.Append(v) }, b, v)
	case *array.StringBuilder:
		appendTo(func(v string) { b.Append(v) }, b, v)
	case *array.BinaryBuilder:
		appendTo(func(v []byte) { b.Append(v) }, b, v)
	case *array.FixedSizeBinaryBuilder:
		appendTo(func(v [16]byte) { b.Append(v[:]) }, b, v)
	case *array.Date32Builder:
		appendTo(func(v int64) { b.Append(arrow.Date32(v)) }, b, v)
	case *array.Time64Builder:
		appendTo(func(v int64) { b.Append(arrow.Time64(v)) }, b, v)
	case *array.TimestampBuilder:
		appendTo(func(v int64) { b.Append(arrow.Timestamp(v)) }, b, v)
	case *array.MonthDayNanoIntervalBuilder:
		appendTo(func(v types.IntervalValue) {
			b.Append(arrow.MonthDayNanoInterval{Months: v.Months, Days: v.Days, Nanoseconds: v.Micros * 1000})
		}, b, v)
	case *array.ListBuilder:
		appendTo(func(v []any) {
			b.Append(true)
			for _, e := range v {
				appendValue(b.ValueBuilder(), e)
			}
		}, b, v)
	default:
		panic(fmt.Sprintf("no builder for %T", b))
	}
}

func appendTo[T any](add func(T), b array.Builder, v any) {
	if v == nil {
		b.AppendNull()
		return
	}
	add(v.(T))
}

// typeCase is one value of a type, as pgx sees it and as text.
type typeCase struct {
	typ   types.Type
	value any
	text  string
}

func typeCases() []typeCase {
	moment := time.Date(2024, 1, 2, 3, 4, 5, 678901000, time.UTC)
	return []typeCase{
		{types.Of(types.Bool), true, "t"},
		{types.Of(types.Int16), int16(-7), "-7"},
		{types.Of(types.Int32), int32(math.MinInt32), "-2147483648"},
		{types.Of(types.Int64), int64(math.MaxInt64), "9223372036854775807"},
		{types.Of(types.Float32), float32(0.1), "0.1"},
		{types.Of(types.Float64), math.Inf(-1), "-Infinity"},
		{types.Of(types.Float64), 1e-300, "1e-300"},
		{types.Of(types.Numeric), "-123456789012345678.000000000001", "-123456789012345678.000000000001"},
		{types.DecimalOf(10, 2), "123.40", "123.40"},
		{types.Of(types.Text), "naïve ☃", "naïve ☃"},
		{types.Of(types.Bytea), []byte{0, 1, 255}, `\x0001ff`},
		{types.Of(types.Date), moment.Truncate(24 * time.Hour), "2024-01-02"},
		{types.Of(types.Date), pgtype.Date{InfinityModifier: pgtype.Infinity, Valid: true}, "infinity"},
		{types.Of(types.Time), pgtype.Time{Microseconds: 11045678901, Valid: true}, "03:04:05.678901"},
		{types.Of(types.Timestamp), moment, "2024-01-02 03:04:05.678901"},
		{types.Of(types.TimestampTZ), moment, "2024-01-02 03:04:05.678901+00"},
		{types.Of(types.TimestampTZ), pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}, "-infinity"},
		{
			types.Of(types.Interval),
			pgtype.Interval{Months: 14, Days: -3, Microseconds: 4000005, Valid: true},
			"1 year 2 mons -3 days +00:00:04.000005",
		},
		{types.Of(types.UUID), [16]byte{1, 2, 3}, "01020300-0000-0000-0000-000000000000"},
		{types.Of(types.JSON), `{"a": [1, 2]}`, `{"a": [1, 2]}`},
		{types.Of(types.JSONB), `{"a": [1, 2]}`, `{"a": [1, 2]}`},
		{types.ArrayOf(types.Of(types.Int64)), []int64{1, 2, 3}, "{1,2,3}"},
		{types.ArrayOf(types.Of(types.Text)), []string{"a", "b c", `"`, ""}, `{a,"b c","\"",""}`},
		{types.ArrayOf(types.Of(types.Float64)), []float64{}, "{}"},
		{types.ArrayOf(types.Of(types.TimestampTZ)), []time.Time{moment}, `{"2024-01-02 03:04:05.678901+00"}`},
	}
}

// TestPgxTypes sends every type that a parameter can have, in text and binary,
// and reads it back in text and binary.
func TestPgxTypes(t *testing.T) {
	cases := typeCases()
	var all echoSessions
	var values, texts []any
	for _, c := range cases {
		all.types = append(all.types, c.typ)
		values, texts = append(values, c.value), append(texts, c.text)
	}
	addr, _ := serve(t, newFake(), func(c *Config) { c.Sessions = all })
	c := connect(t, addr, "")
	for _, params := range [][]any{values, texts} {
		for _, format := range []int16{pgx.TextFormatCode, pgx.BinaryFormatCode} {
			got := make([]any, len(cases))
			for i, c := range cases {
				got[i] = reflect.New(reflect.TypeOf(c.value)).Interface()
			}
			args := append([]any{pgx.QueryResultFormats{format}}, params...)
			if err := c.QueryRow(t.Context(), "echo", args...).Scan(got...); err != nil {
				t.Fatal(format, err)
			}
			for i, c := range cases {
				v := reflect.ValueOf(got[i]).Elem().Interface()
				if tm, ok := v.(time.Time); ok {
					v = tm.UTC()
				}
				if tms, ok := v.([]time.Time); ok {
					tms[0] = tms[0].UTC()
				}
				if !reflect.DeepEqual(v, c.value) {
					t.Errorf("%s in format %d: %v became %v", c.typ, format, c.value, v)
				}
			}
		}
	}
	nulls := make([]any, len(cases))
	got, err := pgx.CollectOneRow(must(c.Query(t.Context(), "echo", nulls...)), func(r pgx.CollectableRow) ([]any, error) { return r.Values() })
	if err != nil || !reflect.DeepEqual(got, nulls) {
		t.Errorf("nulls became %v, %v", got, err)
	}
	// The text form is PostgreSQL's, not only one that pgx can read.
	rows := must(c.Query(t.Context(), "echo", append([]any{pgx.QueryResultFormats{pgx.TextFormatCode}}, values...)...))
	for rows.Next() {
		for i, raw := range rows.RawValues() {
			if string(raw) != cases[i].text {
				t.Errorf("%s is %s, want %s", cases[i].typ, raw, cases[i].text)
			}
		}
	}
	texts[0] = "maybe"
	if _, err := c.Exec(t.Context(), "echo", texts...); state(err) != "22P02" {
		t.Error(err)
	}
}

func must(rows pgx.Rows, err error) pgx.Rows {
	if err != nil {
		panic(err)
	}
	return rows
}
