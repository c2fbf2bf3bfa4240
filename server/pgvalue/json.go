package pgvalue

import (
	"bytes"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"laminardb/sql/pgtext"
	"laminardb/sql/types"
)

// jsonBinder writes values as PostgreSQL's to_jsonb does. It is how a map
// reaches a client.
func jsonBinder(t types.Type) (binder, error) {
	switch t.Kind {
	case types.Map:
		return jsonMap(t)
	case types.Array:
		return jsonArray(t)
	case types.Struct:
		return jsonObject(t)
	case types.JSON, types.JSONB:
		return stringBytes, nil
	case types.Bool:
		return func(a arrow.Array) writer {
			v := a.(*array.Boolean)
			return func(dst []byte, i int) []byte {
				if v.Value(i) {
					return append(dst, "true"...)
				}
				return append(dst, "false"...)
			}
		}, nil
	case types.Timestamp, types.TimestampTZ:
		return jsonTimestamp(t), nil
	}
	text, err := textBinder(t, nil)
	if err != nil {
		return nil, err
	}
	return func(a arrow.Array) writer {
		write := text(a)
		return func(dst []byte, i int) []byte {
			start := len(dst)
			dst = write(dst, i)
			// NaN and the infinities are no JSON numbers.
			if t.IsNumber() && dst[len(dst)-1] <= '9' {
				return dst
			}
			return jsonQuote(dst, start)
		}
	}, nil
}

// jsonQuote makes dst[start:] a JSON string.
func jsonQuote(dst []byte, start int) []byte {
	text := string(dst[start:])
	return pgtext.AppendJSONString(dst[:start], text)
}

// jsonTimestamp writes ISO 8601: a T between date and time, minutes in the zone.
func jsonTimestamp(t types.Type) binder {
	return func(a arrow.Array) writer {
		v := a.(*array.Timestamp).TimestampValues()
		return func(dst []byte, i int) []byte {
			start := len(dst)
			dst = pgtext.AppendTimestamp(append(dst, '"'), int64(v[i]))
			space := bytes.IndexByte(dst[start:], ' ')
			if space >= 0 {
				dst[start+space] = 'T'
			}
			if space >= 0 && t.Kind == types.TimestampTZ {
				dst = append(dst, "+00:00"...)
			}
			return append(dst, '"')
		}
	}
}

func (c *column) appendJSON(dst []byte, i int) []byte {
	if c.isNull(i) {
		return append(dst, "null"...)
	}
	return c.write(dst, i)
}

func jsonArray(t types.Type) (binder, error) {
	element, err := jsonBinder(*t.Elem)
	if err != nil {
		return nil, err
	}
	return func(a arrow.Array) writer {
		list := a.(*array.List)
		inner := bindColumn(element, list.ListValues())
		return func(dst []byte, i int) []byte {
			from, to := list.ValueOffsets(i)
			dst = append(dst, '[')
			for j := from; j < to; j++ {
				if j > from {
					dst = append(dst, ", "...)
				}
				dst = inner.appendJSON(dst, int(j))
			}
			return append(dst, ']')
		}
	}, nil
}

func jsonObject(t types.Type) (binder, error) {
	binders := make([]binder, len(t.Fields))
	for i, f := range t.Fields {
		var err error
		if binders[i], err = jsonBinder(f.Type); err != nil {
			return nil, err
		}
	}
	return func(a arrow.Array) writer {
		fields := bindFields(a, binders)
		return func(dst []byte, i int) []byte {
			dst = append(dst, '{')
			for f := range fields {
				if f > 0 {
					dst = append(dst, ", "...)
				}
				dst = append(pgtext.AppendJSONString(dst, t.Fields[f].Name), ": "...)
				dst = fields[f].appendJSON(dst, i)
			}
			return append(dst, '}')
		}
	}, nil
}

// jsonMap writes {"key": value}, keys as they come and always as strings.
func jsonMap(t types.Type) (binder, error) {
	keys, err := textBinder(*t.Key, nil)
	if err != nil {
		return nil, err
	}
	items, err := jsonBinder(*t.Elem)
	if err != nil {
		return nil, err
	}
	return func(a arrow.Array) writer {
		m := a.(*array.Map)
		key, item := bindColumn(keys, m.Keys()), bindColumn(items, m.Items())
		return func(dst []byte, i int) []byte {
			from, to := m.ValueOffsets(i)
			dst = append(dst, '{')
			for j := from; j < to; j++ {
				if j > from {
					dst = append(dst, ", "...)
				}
				start := len(dst)
				dst = jsonQuote(key.write(dst, int(j)), start)
				dst = item.appendJSON(append(dst, ": "...), int(j))
			}
			return append(dst, '}')
		}
	}, nil
}
