package pgtext

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"laminardb/sql/pgerr"
	"laminardb/sql/types"
)

// roundTrip reads a value and writes it again.
func roundTrip(typeName, s string) (string, error) {
	var out []byte
	name, unit, _ := strings.Cut(typeName, ":")
	switch name {
	case "boolean":
		v, err := ParseBool(s)
		return string(AppendBool(out, v)), err
	case "smallint":
		v, err := ParseInt16(s)
		return fmt.Sprint(v), err
	case "integer":
		v, err := ParseInt32(s)
		return fmt.Sprint(v), err
	case "bigint":
		v, err := ParseInt64(s)
		return fmt.Sprint(v), err
	case "oid":
		v, err := ParseOID(s)
		return fmt.Sprint(v), err
	case "real":
		v, err := ParseFloat32(s)
		return string(AppendFloat32(out, v)), err
	case "double":
		v, err := ParseFloat64(s)
		return string(AppendFloat64(out, v)), err
	case "numeric":
		t := types.Of(types.Numeric)
		if unit != "" {
			_, _ = fmt.Sscanf(unit, "%d %d", &t.Precision, &t.Scale)
		}
		v, err := ParseNumeric(s, t)
		return string(AppendNumeric(out, v, t)), err
	case "bytea":
		v, err := ParseBytea(s)
		return string(AppendBytea(out, v)), err
	case "uuid":
		v, err := ParseUUID(s)
		return string(AppendUUID(out, v[:])), err
	case "date":
		v, err := ParseDate(s)
		return string(AppendDate(out, v)), err
	case "time":
		v, err := ParseTime(s)
		return string(AppendTime(out, v)), err
	case "timestamp":
		v, err := ParseTimestamp(s)
		return string(AppendTimestamp(out, v)), err
	case "timestamptz":
		v, err := ParseTimestampTZ(s, nil)
		return string(AppendTimestampTZ(out, v, nil)), err
	case "interval":
		v, err := ParseInterval(s, unit)
		return string(AppendInterval(out, v)), err
	case "array":
		return arrayRoundTrip(s)
	case "jsonb":
		return ParseJSONB(s)
	}
	return "", fmt.Errorf("no such type: %s", typeName)
}

func arrayRoundTrip(s string) (string, error) {
	elements, err := ParseArray(s)
	out := []byte{'{'}
	for i, e := range elements {
		if i > 0 {
			out = append(out, ',')
		}
		start := len(out)
		if e.Null {
			out = append(out, "NULL"...)
			continue
		}
		out = append(out, e.Text...)
		if !strings.HasPrefix(e.Text, "{") {
			out = QuoteElement(out, start)
		}
	}
	return string(append(out, '}')), err
}

// TestRoundTrip holds what PostgreSQL 15 answers for every line of
// testdata/postgres, and our own answers where they differ in testdata/own.
func TestRoundTrip(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			typeName := d.Cmd
			for _, a := range d.CmdArgs {
				typeName += ":" + strings.ReplaceAll(strings.Join(append([]string{a.Key}, a.Vals...), ","), "_", " ")
			}
			var b strings.Builder
			for _, line := range strings.Split(d.Input, "\n") {
				out, err := roundTrip(typeName, line)
				var e *pgerr.Error
				if errors.As(err, &e) {
					out = e.Code.SQLSTATE() + " " + e.Message
				} else if err != nil {
					out = err.Error()
				}
				fmt.Fprintf(&b, "%s => %s\n", line, out)
			}
			return b.String()
		})
	})
}
