package types

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

type row struct {
	name     string // format_type's spelling
	arrow    arrow.DataType
	oid      uint32
	arrayOID uint32
	size     int16 // pg_type.typlen, -1 for variable
	category byte  // pg_type.typcategory
}

// rows is indexed by Kind. OIDs are pg_type.dat's. A struct is sent as record, a
// map as jsonb, because PostgreSQL has no map.
var rows = [...]row{
	Unknown:     {"unknown", arrow.BinaryTypes.String, 705, 0, -2, 'X'},
	Bool:        {"boolean", arrow.FixedWidthTypes.Boolean, 16, 1000, 1, 'B'},
	Int16:       {"smallint", arrow.PrimitiveTypes.Int16, 21, 1005, 2, 'N'},
	Int32:       {"integer", arrow.PrimitiveTypes.Int32, 23, 1007, 4, 'N'},
	Int64:       {"bigint", arrow.PrimitiveTypes.Int64, 20, 1016, 8, 'N'},
	Float32:     {"real", arrow.PrimitiveTypes.Float32, 700, 1021, 4, 'N'},
	Float64:     {"double precision", arrow.PrimitiveTypes.Float64, 701, 1022, 8, 'N'},
	Numeric:     {"numeric", nil, 1700, 1231, -1, 'N'},
	Text:        {"text", arrow.BinaryTypes.String, 25, 1009, -1, 'S'},
	Bytea:       {"bytea", arrow.BinaryTypes.Binary, 17, 1001, -1, 'U'},
	Date:        {"date", arrow.FixedWidthTypes.Date32, 1082, 1182, 4, 'D'},
	Time:        {"time without time zone", arrow.FixedWidthTypes.Time64us, 1083, 1183, 8, 'D'},
	Timestamp:   {"timestamp without time zone", &arrow.TimestampType{Unit: arrow.Microsecond}, 1114, 1115, 8, 'D'},
	TimestampTZ: {"timestamp with time zone", &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, 1184, 1185, 8, 'D'},
	Interval:    {"interval", arrow.FixedWidthTypes.MonthDayNanoInterval, 1186, 1187, 16, 'T'},
	UUID:        {"uuid", &arrow.FixedSizeBinaryType{ByteWidth: 16}, 2950, 2951, 16, 'U'},
	JSON:        {"json", arrow.BinaryTypes.String, 114, 199, -1, 'U'},
	JSONB:       {"jsonb", arrow.BinaryTypes.String, 3802, 3807, -1, 'U'},
	Array:       {"anyarray", nil, 2277, 0, -1, 'A'},
	Struct:      {"record", nil, 2249, 2287, -1, 'P'},
	Map:         {"map", nil, 3802, 3807, -1, 'U'},
	OID:         {"oid", arrow.PrimitiveTypes.Int64, 26, 1028, 4, 'N'},
}

// varcharOID is varchar's; a Text with a length limit is one.
const varcharOID = 1043

// OID returns the PostgreSQL type OID that the wire protocol announces.
func (t Type) OID() uint32 {
	switch {
	case t.Kind == Array:
		return rows[t.Elem.Kind].arrayOID
	case t.Kind == Text && t.Precision > 0:
		return varcharOID
	}
	return rows[t.Kind].oid
}

// Size returns pg_type.typlen: bytes, or -1 for a variable length.
func (t Type) Size() int16 { return rows[t.Kind].size }

// Category returns pg_type.typcategory.
func (t Type) Category() byte { return rows[t.Kind].category }

// Modifier returns the type modifier (atttypmod) of the RowDescription, -1 for
// none.
func (t Type) Modifier() int32 {
	const header = 4 // VARHDRSZ, which PostgreSQL adds to both modifiers
	switch {
	case t.Kind == Numeric && t.Precision > 0:
		return t.Precision<<16 | t.Scale + header
	case t.Kind == Text && t.Precision > 0:
		return t.Precision + header
	}
	return -1
}

// FromOID returns the type of a parameter OID. ok is false for an OID that the
// server does not know; 0 and unknown's OID give Unknown.
func FromOID(oid uint32) (t Type, ok bool) {
	switch oid {
	case 0:
		return Type{}, true
	case varcharOID, 1042, 19, 18: // bpchar, name, "char"
		return Of(Text), true
	}
	for k, r := range rows {
		if Kind(k) == Array || Kind(k) == Map {
			continue
		}
		if r.oid == oid {
			return Of(Kind(k)), true
		}
		if r.arrayOID == oid && oid != 0 {
			return ArrayOf(Of(Kind(k))), true
		}
	}
	return Type{}, false
}

// names maps every accepted SQL spelling, lower case with single spaces, to a
// kind. Parameters and [] are the parser's.
var names = map[string]Kind{
	"boolean": Bool, "bool": Bool,
	"smallint": Int16, "int2": Int16, "tinyint": Int16,
	"integer": Int32, "int": Int32, "int4": Int32,
	"bigint": Int64, "int8": Int64,
	"real": Float32, "float4": Float32,
	"double": Float64, "double precision": Float64, "float8": Float64, "float": Float64,
	"numeric": Numeric, "decimal": Numeric, "dec": Numeric,
	"text": Text, "varchar": Text, "character varying": Text, "string": Text,
	"char": Text, "character": Text, "bpchar": Text, "name": Text,
	"bytea": Bytea, "bytes": Bytea, "varbinary": Bytea,
	"date": Date,
	"time": Time, "time without time zone": Time,
	"timestamp": Timestamp, "timestamp without time zone": Timestamp,
	"timestamptz": TimestampTZ, "timestamp with time zone": TimestampTZ,
	"interval": Interval,
	"uuid":     UUID,
	"json":     JSON,
	"jsonb":    JSONB,
	"oid":      OID, "regclass": OID, "regtype": OID, "regproc": OID, "regnamespace": OID,
}

// Lookup returns the type with the SQL spelling, in any case.
func Lookup(name string) (t Type, ok bool) {
	k, ok := names[strings.Join(strings.Fields(strings.ToLower(name)), " ")]
	return Of(k), ok
}
