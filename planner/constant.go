package planner

import (
	"math"
	"math/big"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"laminardb/planner/function"
	"laminardb/planner/plan"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// literal gives a literal PostgreSQL's initial type (manual 4.1.2).
func literal(l *ast.Literal) (plan.Expr, error) {
	switch l.Kind {
	case ast.NullLiteral:
		return &plan.Const{}, nil
	case ast.BoolLiteral:
		return &plan.Const{Value: l.Text == "true", T: types.Of(types.Bool)}, nil
	case ast.StringLiteral:
		return &plan.Const{Value: l.Text}, nil
	case ast.IntLiteral:
		n, err := strconv.ParseInt(l.Text, 10, 64)
		if err == nil && n <= math.MaxInt32 {
			return &plan.Const{Value: n, T: types.Of(types.Int32)}, nil
		}
		if err == nil {
			return &plan.Const{Value: n, T: types.Of(types.Int64)}, nil
		}
	}
	t := function.NumericLiteral(l.Text)
	v, err := pgtext.ParseNumeric(l.Text, t)
	if err != nil {
		return nil, placed(err, l.Pos)
	}
	return &plan.Const{Value: v, T: t}, nil
}

func interval(l *ast.IntervalLiteral) (*plan.Const, error) {
	v, err := pgtext.ParseInterval(l.Text, l.Unit)
	if err != nil {
		return nil, placed(err, l.Pos)
	}
	return &plan.Const{Value: v, T: types.Of(types.Interval)}, nil
}

// intervalMillis returns a literal interval as a positive fixed duration.
func intervalMillis(l *ast.IntervalLiteral) (int64, error) {
	c, err := interval(l)
	if err != nil {
		return 0, err
	}
	return durationMillis(c, l.Pos)
}

// durationMillis returns a constant interval, or a whole number of milliseconds,
// as a duration that is not negative.
func durationMillis(e plan.Expr, pos ast.Pos) (int64, error) {
	c, ok := e.(*plan.Const)
	if !ok {
		return 0, pgerr.At(int(pos), pgerr.InvalidParameterValue, "the length must be a constant interval")
	}
	var millis int64
	switch v := c.Value.(type) {
	case types.IntervalValue:
		if millis, ok = v.FixedMillis(); !ok {
			return 0, pgerr.At(int(pos), pgerr.FeatureNotSupported, "an interval with months or a part of a millisecond cannot be used here")
		}
	case int64:
		if !c.T.IsInteger() {
			return 0, pgerr.At(int(pos), pgerr.DatatypeMismatch, "the length must be an interval, not %s", c.T)
		}
		millis = v
	default:
		return 0, pgerr.At(int(pos), pgerr.DatatypeMismatch, "the length must be a constant interval, not %s", c.T)
	}
	if millis < 0 {
		return 0, pgerr.At(int(pos), pgerr.InvalidParameterValue, "the length must not be negative")
	}
	return millis, nil
}

// parseConst converts an untyped literal to a type. ok is false for types whose
// text exec converts (arrays, structs).
func parseConst(text string, t types.Type) (value any, ok bool, err error) {
	switch t.Kind {
	case types.Bool:
		value, err = pgtext.ParseBool(text)
	case types.Int16:
		var v int16
		v, err = pgtext.ParseInt16(text)
		value = int64(v)
	case types.Int32:
		var v int32
		v, err = pgtext.ParseInt32(text)
		value = int64(v)
	case types.Int64:
		value, err = pgtext.ParseInt64(text)
	case types.OID:
		value, err = pgtext.ParseOID(text)
	case types.Float32:
		var v float32
		v, err = pgtext.ParseFloat32(text)
		value = float64(v)
	case types.Float64:
		value, err = pgtext.ParseFloat64(text)
	case types.Numeric:
		value, err = pgtext.ParseNumeric(text, t)
	case types.Text:
		value = text
		if t.Precision > 0 {
			return nil, false, nil // the length rule is exec's
		}
	case types.Bytea:
		value, err = pgtext.ParseBytea(text)
	case types.Date:
		var v int32
		v, err = pgtext.ParseDate(text)
		value = int64(v)
	case types.Time:
		value, err = pgtext.ParseTime(text)
	case types.Timestamp:
		value, err = pgtext.ParseTimestamp(text)
	case types.TimestampTZ:
		value, err = pgtext.ParseTimestampTZ(text, time.UTC)
	case types.Interval:
		value, err = pgtext.ParseInterval(text, "")
	case types.UUID:
		value, err = pgtext.ParseUUID(text)
	case types.JSON:
		value, err = text, pgtext.CheckJSON(text)
	case types.JSONB:
		value, err = pgtext.ParseJSONB(text)
	default:
		return nil, false, nil
	}
	return value, true, err
}

// convertConst converts a typed constant where that is exact and cannot fail;
// other casts are left to exec.
func convertConst(c *plan.Const, to types.Type) (any, bool) {
	switch v := c.Value.(type) {
	case int64:
		if !c.T.IsInteger() {
			return nil, false
		}
		switch to.Kind {
		case types.Int64:
			return v, true
		case types.Int32:
			return v, v >= math.MinInt32 && v <= math.MaxInt32
		case types.Int16:
			return v, v >= math.MinInt16 && v <= math.MaxInt16
		case types.Float64:
			return float64(v), true
		}
	case decimal128.Num:
		if to.Kind == types.Float64 {
			return numericFloat(v, c.T.StoredScale()), true
		}
	}
	return nil, false
}

// numericFloat is the double nearest to a numeric.
func numericFloat(v decimal128.Num, scale int32) float64 {
	r := new(big.Rat).SetInt(v.BigInt())
	r.Quo(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
	f, _ := r.Float64()
	return f
}

// placed gives an error of a lower layer a position if it has none.
func placed(err error, pos ast.Pos) error {
	e := pgerr.From(err)
	if e.Position == 0 && pos >= 0 {
		c := *e
		c.Position = int(pos) + 1
		return &c
	}
	return e
}

// Constant resolves an expression without columns and casts it to a type.
func (q *Query) Constant(e ast.Expr, t types.Type) (plan.Expr, error) {
	r := &resolver{q: q, scope: &scope{}, clause: "EXECUTE"}
	x, err := r.expr(e)
	if err != nil {
		return nil, err
	}
	return q.coerce(x, t, function.Assignment, e.Position())
}
