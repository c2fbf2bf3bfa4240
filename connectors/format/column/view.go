package column

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/sql/types"
)

// View is the counterpart of Column: an array, or what is inside one, read as
// the slices that its type names. An encoder binds it to each batch's array.
// Ends[i] and Ends[i+1] bound value i of Data or of Kids.
type View struct {
	Type types.Type
	Kids []*View

	valid     []byte // bitmap, nil where nothing is NULL
	offset    int    // of the array in its buffers
	Ints16    []int16
	Ints32    []int32
	Ints64    []int64
	Floats32  []float32
	Floats64  []float64
	Decimals  []decimal128.Num
	Intervals []arrow.MonthDayNanoInterval
	Bools     *array.Boolean
	Fixed     *array.FixedSizeBinary
	Ends      []int32
	Data      []byte
}

// NewView returns an unbound view of values of the type.
func NewView(t types.Type) *View {
	v := &View{Type: t}
	switch t.Kind {
	case types.Array:
		v.Kids = []*View{NewView(*t.Elem)}
	case types.Map:
		v.Kids = []*View{NewView(*t.Key), NewView(*t.Elem)}
	case types.Struct:
		for _, f := range t.Fields {
			v.Kids = append(v.Kids, NewView(f.Type))
		}
	}
	return v
}

// Bind takes the slices of the array, which must be of the view's type.
func (v *View) Bind(a arrow.Array) error {
	v.valid, v.offset = nil, a.Data().Offset()
	if a.NullN() > 0 {
		v.valid = a.NullBitmapBytes()
	}
	switch a := a.(type) {
	case *array.Boolean:
		v.Bools = a
	case *array.Int16:
		v.Ints16 = a.Int16Values()
	case *array.Int32:
		v.Ints32 = a.Int32Values()
	case *array.Date32:
		v.Ints32 = arrow.Int32Traits.CastFromBytes(arrow.Date32Traits.CastToBytes(a.Date32Values()))
	case *array.Int64:
		v.Ints64 = a.Int64Values()
	case *array.Time64:
		v.Ints64 = arrow.Int64Traits.CastFromBytes(arrow.Time64Traits.CastToBytes(a.Time64Values()))
	case *array.Timestamp:
		v.Ints64 = arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(a.TimestampValues()))
	case *array.Float32:
		v.Floats32 = a.Float32Values()
	case *array.Float64:
		v.Floats64 = a.Float64Values()
	case *array.Decimal128:
		v.Decimals = a.Values()
	case *array.MonthDayNanoInterval:
		v.Intervals = a.MonthDayNanoIntervalValues()
	case *array.FixedSizeBinary:
		v.Fixed = a
	case *array.String, *array.Binary:
		v.Ends, v.Data = a.(interface{ ValueOffsets() []int32 }).ValueOffsets(), rawData(a)
	case *array.List:
		v.Ends = a.Offsets()[v.offset:]
		return v.Kids[0].Bind(a.ListValues())
	case *array.Map:
		v.Ends = a.Offsets()[v.offset:]
		return errorsFirst(v.Kids[0].Bind(a.Keys()), v.Kids[1].Bind(a.Items()))
	case *array.Struct:
		for i, kid := range v.Kids {
			if err := kid.Bind(a.Field(i)); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("no encoding for arrays of %s", a.DataType())
	}
	return nil
}

func errorsFirst(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// rawData returns the whole buffer that value offsets count in.
func rawData(a arrow.Array) []byte {
	if buf := a.Data().Buffers()[2]; buf != nil {
		return buf.Bytes()
	}
	return nil
}

// IsNull reports whether the row is NULL.
func (v *View) IsNull(row int) bool {
	if v.valid == nil {
		return false
	}
	at := v.offset + row
	return v.valid[at/8]&(1<<(at%8)) == 0
}
