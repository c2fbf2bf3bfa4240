package avro

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// reasonOf returns an error's text without its SQLSTATE.
func reasonOf(err error) string {
	var e *pgerr.Error
	if errors.As(err, &e) {
		if e.Detail != "" {
			return e.Message + ": " + e.Detail
		}
		return e.Message
	}
	return err.Error()
}

func runFloat(m *machine, o *op, b []byte, pos int) int {
	if len(b)-pos < o.n {
		return m.short(o)
	}
	var v float64
	if o.n == 4 {
		v = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[pos:])))
	} else {
		v = math.Float64frombits(binary.LittleEndian.Uint64(b[pos:]))
	}
	switch o.col.Type.Kind {
	case types.Float64:
		o.col.Floats64 = append(o.col.Floats64, v)
	case types.Float32:
		if f := float32(v); math.IsInf(float64(f), 0) != math.IsInf(v, 0) || f == 0 && v != 0 {
			return m.fail(o, "%v is out of range for type real", v)
		}
		o.col.Floats32 = append(o.col.Floats32, float32(v))
	default:
		var buf [32]byte
		text := strconv.AppendFloat(buf[:0], v, 'g', -1, 8*o.n)
		n, err := pgtext.ParseNumeric(string(text), o.col.Type)
		if err != nil {
			return m.fail(o, "%s", reasonOf(err))
		}
		o.col.Decimals = append(o.col.Decimals, n)
	}
	return pos + o.n
}

func runIntToNumeric(m *machine, o *op, b []byte, pos int) int {
	v, next := m.integer(o, b, pos)
	if next < 0 {
		return -1
	}
	return m.appendNumeric(o, decimal128.FromI64(v), 0, next)
}

// runDecimal reads a decimal: a big-endian two's complement integer.
func runDecimal(m *machine, o *op, b []byte, pos int) int {
	start, end := m.raw(o, b, pos)
	if end < 0 {
		return -1
	}
	v := b[start:end]
	sign := byte(0)
	if len(v) > 0 && v[0] >= 0x80 {
		sign = 0xFF
	}
	for len(v) > 16 && v[0] == sign {
		v = v[1:]
	}
	if len(v) > 16 || len(v) == 16 && (v[0]^sign) >= 0x80 {
		return m.fail(o, "a decimal of more than 128 bits")
	}
	var wide [16]byte
	for i := range wide {
		wide[i] = sign
	}
	copy(wide[16-len(v):], v)
	n := decimal128.New(int64(binary.BigEndian.Uint64(wide[:8])), binary.BigEndian.Uint64(wide[8:]))
	if o.col.Type.Kind == types.Float64 {
		o.col.Floats64 = append(o.col.Floats64, decimalFloat(n, o.node.scale))
		return end
	}
	return m.appendNumeric(o, n, o.node.scale, end)
}

// decimalFloat returns the double nearest to v·10^-scale.
func decimalFloat(v decimal128.Num, scale int) float64 {
	f, _ := strconv.ParseFloat(v.BigInt().String()+"e-"+strconv.Itoa(scale), 64)
	return f
}

// appendNumeric appends v·10^-scale at the column's scale, rounding half away
// from zero.
func (m *machine) appendNumeric(o *op, v decimal128.Num, scale, next int) int {
	t := o.col.Type
	up := int(t.StoredScale()) - scale
	precision := t.Precision
	if precision == 0 {
		precision = types.NumericPrecision
	}
	// With 18 places up, 64 bits become fewer than 128.
	if hi := v.HighBits(); up >= 0 && up <= 18 && hi == int64(v.LowBits())>>63 {
		n := v.Mul(decimal128.GetScaleMultiplier(up))
		if n.FitsInPrecision(precision) {
			o.col.Decimals = append(o.col.Decimals, n)
			return next
		}
	}
	n, err := pgtext.CheckNumeric(rescale(v.BigInt(), up), t)
	if err != nil {
		return m.fail(o, "%s", reasonOf(err))
	}
	o.col.Decimals = append(o.col.Decimals, n)
	return next
}

// maxShift bounds the powers of ten: a decimal128 has fewer digits.
const maxShift = 80

func rescale(v *big.Int, up int) *big.Int {
	if v.Sign() == 0 {
		return v
	}
	if up >= 0 {
		return v.Mul(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(min(up, maxShift))), nil))
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(min(-up, maxShift))), nil)
	half := new(big.Int).Rsh(power, 1)
	if v.Sign() < 0 {
		half.Neg(half)
	}
	return v.Quo(v.Add(v, half), power)
}
