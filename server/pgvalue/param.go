package pgvalue

import (
	"strings"
	"unicode/utf8"

	"laminardb/sql/pgerr"
	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// DecodeParam reads a parameter of the type, which is not null. The result is a
// bool, int64 for every integer type and oid, float64 for both floats,
// decimal128.Num at the type's StoredScale, string (text, json, jsonb and
// unknown), []byte, int64 days for a date, int64 microseconds for time,
// timestamp and timestamptz, types.IntervalValue, [16]byte for a uuid, or []any
// with nil for null for an array. It does not refer to data.
func DecodeParam(t types.Type, format int16, data []byte) (any, error) {
	switch format {
	case Text:
		if err := checkText(data); err != nil {
			return nil, err
		}
		return ParseText(t, string(data))
	case Binary:
		return decodeBinary(t, data)
	}
	return nil, pgerr.Newf(pgerr.InvalidParameterValue, "unsupported format code: %d", format)
}

// checkText refuses what PostgreSQL's text cannot hold.
func checkText(data []byte) error {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == 0 || r == utf8.RuneError && n == 1 {
			return pgerr.Newf(pgerr.CharacterNotInRepertoire,
				"invalid byte sequence for encoding \"UTF8\": 0x%02x", data[i])
		}
		i += n
	}
	return nil
}

// ParseText reads the text form of a value into DecodeParam's result.
func ParseText(t types.Type, s string) (any, error) {
	switch t.Kind {
	case types.Bool:
		return pgtext.ParseBool(s)
	case types.Int16:
		v, err := pgtext.ParseInt16(s)
		return int64(v), err
	case types.Int32:
		v, err := pgtext.ParseInt32(s)
		return int64(v), err
	case types.Int64:
		return pgtext.ParseInt64(s)
	case types.OID:
		return pgtext.ParseOID(s)
	case types.Float32:
		v, err := pgtext.ParseFloat32(s)
		return float64(v), err
	case types.Float64:
		return pgtext.ParseFloat64(s)
	case types.Numeric:
		return pgtext.ParseNumeric(s, t)
	case types.Text, types.Unknown:
		return s, nil
	case types.JSON:
		return s, pgtext.CheckJSON(s)
	case types.JSONB:
		return pgtext.ParseJSONB(s)
	case types.Bytea:
		return pgtext.ParseBytea(s)
	case types.UUID:
		return pgtext.ParseUUID(s)
	case types.Array:
		return parseArray(t, s)
	}
	return parseTime(t, s)
}

func parseTime(t types.Type, s string) (any, error) {
	switch t.Kind {
	case types.Date:
		v, err := pgtext.ParseDate(s)
		return int64(v), err
	case types.Time:
		return pgtext.ParseTime(s)
	case types.Timestamp:
		return pgtext.ParseTimestamp(s)
	case types.TimestampTZ:
		return pgtext.ParseTimestampTZ(s, nil)
	case types.Interval:
		return pgtext.ParseInterval(s, "")
	}
	return nil, noInput(t)
}

func noInput(t types.Type) error {
	return pgerr.Newf(pgerr.FeatureNotSupported, "parameters of type %s are not supported", t)
}

// maxArrayDepth is PostgreSQL's MAXDIM.
const maxArrayDepth = 6

func parseArray(t types.Type, s string) (any, error) {
	if strings.HasPrefix(strings.TrimSpace(s), strings.Repeat("{", maxArrayDepth+1)) {
		return nil, pgerr.Newf(pgerr.ProgramLimitExceeded,
			"number of array dimensions exceeds the maximum allowed (%d)", maxArrayDepth)
	}
	elements, err := pgtext.ParseArray(s)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(elements))
	for i, e := range elements {
		if e.Null {
			continue
		}
		if out[i], err = ParseText(*t.Elem, e.Text); err != nil {
			return nil, err
		}
	}
	return out, nil
}
