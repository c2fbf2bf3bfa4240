package marketdata

import (
	"encoding/binary"
	"math"
)

// Records travel in the registry's wire format: a zero byte, the schema's id in
// four bytes big-endian, then the Avro body. A body is its fields in the order
// of the schema: long = zigzag varint, double = eight bytes little-endian,
// string = length as a long and the bytes.
// https://avro.apache.org/docs/1.12.0/specification/#binary-encoding

// AppendTick appends t as a record of market_tick.avsc.
func AppendTick(dst []byte, schemaID uint32, t *Tick) []byte {
	dst = appendHeader(dst, schemaID)
	dst = appendString(dst, t.Symbol)
	dst = appendDouble(dst, t.Price)
	dst = appendDouble(dst, t.Bid)
	dst = appendDouble(dst, t.Ask)
	dst = binary.AppendVarint(dst, t.Volume)
	dst = appendString(dst, t.Side)
	return binary.AppendVarint(dst, t.TS)
}

// AppendOrder appends o as a record of order_event.avsc.
func AppendOrder(dst []byte, schemaID uint32, o *Order) []byte {
	dst = appendHeader(dst, schemaID)
	dst = appendString(dst, o.OrderID)
	dst = appendString(dst, o.Symbol)
	dst = appendString(dst, o.Side)
	dst = binary.AppendVarint(dst, o.Quantity)
	dst = appendDouble(dst, o.Price)
	return binary.AppendVarint(dst, o.TS)
}

// AppendReference appends r as a record of reference_data.avsc.
func AppendReference(dst []byte, schemaID uint32, r *Reference) []byte {
	dst = appendHeader(dst, schemaID)
	for _, s := range [...]string{r.Symbol, r.CompanyName, r.Sector, r.MarketCapCategory, r.Exchange, r.Currency} {
		dst = appendString(dst, s)
	}
	return dst
}

func appendHeader(dst []byte, schemaID uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), schemaID)
}

// appendString relies on Go's varint being Avro's long: zigzag, low bits first.
func appendString(dst []byte, s string) []byte {
	return append(binary.AppendVarint(dst, int64(len(s))), s...)
}

func appendDouble(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}
