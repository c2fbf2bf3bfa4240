package avro

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/connectors"
	"laminardb/connectors/format"
	"laminardb/connectors/format/column"
	"laminardb/connectors/format/registry"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// NewEncoder derives a record schema from the columns, asks the registry
// whether the subject takes it, and registers it. The option "subject" replaces
// the subject.
func (f *Format) NewEncoder(ctx context.Context, spec connectors.SinkSpec, subject string, cols []int) (format.Encoder, error) {
	client, err := registry.FromOptions(spec.Options)
	if err != nil {
		return nil, err
	}
	subject = spec.Options.String("subject", subject)
	name, namespace := recordName(spec.Name), ""
	newest, err := client.Latest(ctx, subject)
	switch {
	case errors.Is(err, registry.ErrNotFound):
	case err != nil:
		return nil, registry.ClientError(err)
	case newest.Type != "AVRO":
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "the schema of subject %q is of type %s, not AVRO", subject, newest.Type)
	default:
		if name, namespace, err = nameOf(newest.Text); err != nil {
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "the schema of subject %q cannot be replaced: %w", subject, err)
		}
	}
	fields := make([]batch.Field, len(cols))
	for i, c := range cols {
		fields[i] = spec.Schema.Fields[c]
	}
	text, err := deriveSchema(name, namespace, fields)
	if err != nil {
		return nil, err
	}
	id, err := register(ctx, client, subject, text)
	if err != nil {
		return nil, err
	}
	e := &encoder{cols: cols}
	binary.BigEndian.PutUint32(e.header[1:], uint32(id))
	for _, f := range fields {
		e.fields = append(e.fields, newSource(column.NewView(f.Type), !f.NotNull))
	}
	return e, nil
}

func register(ctx context.Context, client *registry.Client, subject, text string) (int, error) {
	err := client.Compatible(ctx, subject, text)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return 0, refusedError(err, subject, text)
	}
	id, err := client.Register(ctx, subject, text)
	if err != nil {
		return 0, refusedError(err, subject, text)
	}
	return id, nil
}

func refusedError(err error, subject, text string) error {
	var refused *registry.RefusedError
	if !errors.As(err, &refused) {
		return registry.ClientError(err)
	}
	return pgerr.Newf(pgerr.InvalidParameterValue, "the sink's schema is refused for subject %q: %w", subject, refused).
		WithDetail("The schema is %s", text)
}

// encoder implements format.Encoder.
type encoder struct {
	header [headerSize]byte
	cols   []int
	fields []*source
}

// Append encodes the rows.
func (e *encoder) Append(dst []byte, ends []int32, b *batch.Batch, from, to int) ([]byte, []int32, error) {
	for i, f := range e.fields {
		if err := f.Bind(b.Cols[e.cols[i]]); err != nil {
			return dst, ends, fmt.Errorf("encoding avro: %w", err)
		}
	}
	for row := from; row < to; row++ {
		start := len(dst)
		dst = append(dst, e.header[:]...)
		for _, f := range e.fields {
			if dst = f.append(dst, row); dst == nil {
				return nil, nil, pgerr.Newf(pgerr.NotNullViolation, "NULL in a sink column that is NOT NULL")
			}
		}
		if len(dst) > math.MaxInt32 {
			return dst[:start], ends, pgerr.Newf(pgerr.ProgramLimitExceeded, "a batch of records has more than %d bytes", math.MaxInt32)
		}
		ends = append(ends, int32(len(dst)))
	}
	return dst, ends, nil
}

// appendLong appends a zigzag varint.
func appendLong(dst []byte, v int64) []byte {
	return binary.AppendUvarint(dst, uint64(v)<<1^uint64(v>>63))
}

// appendDecimal appends the shortest big-endian two's complement of v.
func appendDecimal(dst []byte, v decimal128.Num) []byte {
	var wide [16]byte
	binary.BigEndian.PutUint64(wide[:8], uint64(v.HighBits()))
	binary.BigEndian.PutUint64(wide[8:], v.LowBits())
	start := 0
	for start < 15 && (wide[start] == 0 && wide[start+1] < 0x80 || wide[start] == 0xFF && wide[start+1] >= 0x80) {
		start++
	}
	return append(appendLong(dst, int64(16-start)), wide[start:]...)
}

// appendSized appends a text of at most 63 bytes that fill writes, with its
// length in front.
func appendSized(dst []byte, fill func([]byte) []byte) []byte {
	at := len(dst)
	dst = fill(append(dst, 0))
	if n := len(dst) - at - 1; n < 64 {
		dst[at] = byte(n << 1)
		return dst
	}
	text := string(dst[at+1:])
	return append(appendLong(dst[:at], int64(len(text))), text...)
}

func intervalValue(v arrow.MonthDayNanoInterval) types.IntervalValue {
	return types.IntervalValue{Months: v.Months, Days: v.Days, Micros: v.Nanoseconds / 1000}
}

func appendInterval(dst []byte, v arrow.MonthDayNanoInterval) []byte {
	return appendSized(dst, func(b []byte) []byte { return pgtext.AppendInterval(b, intervalValue(v)) })
}

func appendUUID(dst, v []byte) []byte {
	return appendSized(dst, func(b []byte) []byte { return pgtext.AppendUUID(b, v) })
}
