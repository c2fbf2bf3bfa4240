package agg

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"

	"laminardb/exec/rowcodec"
	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// output is a column of results of a fixed width. Values are NULL only where told
// so.
type output struct {
	t     types.Type
	n     int
	width int
	raw   []byte
	valid rowcodec.Validity
}

func newOutput(t types.Type, n int) *output {
	o := &output{t: t, n: n, width: rowcodec.Width(t)}
	size := n * o.width
	if t.Kind == types.Bool {
		size = int(bitutil.BytesForBits(int64(n)))
	}
	o.raw = make([]byte, size)
	return o
}

func (o *output) null(i int) { o.valid.SetNull(i, o.n) }

// bits sets a value of up to 8 bytes from its low bits.
func (o *output) bits(i int, v uint64) {
	switch o.width {
	case 8:
		binary.LittleEndian.PutUint64(o.raw[8*i:], v)
	case 4:
		binary.LittleEndian.PutUint32(o.raw[4*i:], uint32(v))
	case 2:
		binary.LittleEndian.PutUint16(o.raw[2*i:], uint16(v))
	case 1:
		bitutil.SetBitTo(o.raw, i, v != 0)
	}
}

func (o *output) float(i int, v float64) {
	if o.width == 4 {
		o.bits(i, uint64(math.Float32bits(float32(v))))
		return
	}
	o.bits(i, math.Float64bits(v))
}

// wide sets a value of 16 bytes.
func (o *output) wide(i int, lo, hi uint64) {
	binary.LittleEndian.PutUint64(o.raw[16*i:], lo)
	binary.LittleEndian.PutUint64(o.raw[16*i+8:], hi)
}

func (o *output) array() arrow.Array { return o.valid.Array(o.t, o.n, o.raw) }

// textOutput is a column of results of variable width, appended in order.
type textOutput struct {
	t     types.Type
	n     int
	ends  []byte
	data  []byte
	valid rowcodec.Validity
}

func newTextOutput(t types.Type, n int) *textOutput {
	return &textOutput{t: t, n: n, ends: make([]byte, 4, 4*(n+1))}
}

// append adds a value, whose bytes the caller may have put at the end of o.data
// already (v is then nil).
func (o *textOutput) append(v []byte) {
	o.data = append(o.data, v...)
	o.ends = binary.LittleEndian.AppendUint32(o.ends, uint32(len(o.data)))
}

func (o *textOutput) appendNull() {
	o.valid.SetNull(len(o.ends)/4-1, o.n)
	o.append(nil)
}

func (o *textOutput) array() (arrow.Array, error) {
	if len(o.data) > math.MaxInt32 {
		return nil, pgerr.Newf(pgerr.ProgramLimitExceeded, "a column of %s exceeds %d bytes", o.t, math.MaxInt32)
	}
	return o.valid.Array(o.t, o.n, o.ends, o.data), nil
}
