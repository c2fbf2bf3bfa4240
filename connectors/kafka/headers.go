package kafka

import (
	"bytes"
	"encoding/json"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
)

// header is one header of a record, still in C memory.
type header struct {
	name, value []byte // value nil for null
}

// nextHeader takes one header off drain.c's encoding: the name's and the value's
// length as int32 in the machine's order (-1: null), the name, the value.
func nextHeader(b []byte) (h header, rest []byte) {
	nameLen, valueLen := int32At(b, 0), int32At(b, 4)
	b = b[8:]
	h.name, b = b[:nameLen:nameLen], b[nameLen:]
	if valueLen >= 0 {
		h.value, b = b[:valueLen:valueLen], b[valueLen:]
	}
	return h, b
}

func int32At(b []byte, at int) int32 {
	var v int32
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&v)), 4), b[at:at+4])
	return v
}

// headers gives each record's headers as a JSON object of texts, NULL for a record
// without. A name that repeats holds an array; bytes that are no text are written
// as PostgreSQL writes a bytea.
func (c includeColumn) headers(b *drained, record []int32, rows int) arrow.Array {
	var data []byte
	ends := make([]int32, rows+1)
	nulls := newNulls(rows)
	var list []header
	for i := range rows {
		rec := recordOf(record, i)
		list = list[:0]
		for raw := b.headers[b.headerEnds[rec]:b.headerEnds[rec+1]]; len(raw) > 0; {
			var h header
			h, raw = nextHeader(raw)
			list = append(list, h)
		}
		if len(list) == 0 {
			nulls.set(i)
		} else {
			data = appendObject(data, list)
		}
		ends[i+1] = int32(len(data))
	}
	return variable(c.typ, data, ends, nulls, rows)
}

func appendObject(dst []byte, list []header) []byte {
	dst = append(dst, '{')
	first := true
	for i, h := range list {
		if seen(list[:i], h.name) {
			continue
		}
		if !first {
			dst = append(dst, ", "...)
		}
		first = false
		dst = append(appendString(dst, h.name), ": "...)
		if !seen(list[i+1:], h.name) {
			dst = appendString(dst, h.value)
			continue
		}
		dst = appendRepeated(dst, list[i:], h.name)
	}
	return append(dst, '}')
}

func appendRepeated(dst []byte, list []header, name []byte) []byte {
	sep := "["
	for _, h := range list {
		if bytes.Equal(h.name, name) {
			dst = appendString(append(dst, sep...), h.value)
			sep = ", "
		}
	}
	return append(dst, ']')
}

func seen(list []header, name []byte) bool {
	for _, h := range list {
		if bytes.Equal(h.name, name) {
			return true
		}
	}
	return false
}

// appendString appends a JSON string, or null.
func appendString(dst, text []byte) []byte {
	if text == nil {
		return append(dst, "null"...)
	}
	// Marshal cannot fail for a string.
	quoted, _ := json.Marshal(string(appendText(nil, text)))
	return append(dst, quoted...)
}
