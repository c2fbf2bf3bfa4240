package exec

import (
	"maps"
	"slices"

	"laminardb/connectors"
	"laminardb/exec/rowcodec"
)

// placement is where a pass over a source stands: a reader opened at the positions
// goes on behind it, with the same event time.
type placement struct {
	positions connectors.Positions
	// times holds the largest event time of each split that has shown one, in
	// milliseconds.
	times     map[int32]int64
	watermark int64
	idle      bool
	// identity is that of the outside object the positions belong to, "" where the
	// connector knows none.
	identity string
}

// maxSplits is far more than any source has.
const maxSplits = 1 << 20

func (p *placement) snapshot(w *rowcodec.StateWriter) {
	w.Uvarint(uint64(len(p.positions)))
	for _, split := range slices.Sorted(maps.Keys(p.positions)) {
		w.Varint(int64(split))
		w.Varint(p.positions[split])
	}
	w.Uvarint(uint64(len(p.times)))
	for _, split := range slices.Sorted(maps.Keys(p.times)) {
		w.Varint(int64(split))
		w.Varint(p.times[split])
	}
	w.Varint(p.watermark)
	w.Byte(bit(p.idle))
	w.Bytes([]byte(p.identity))
}

func restorePlace(r *rowcodec.StateReader) *placement {
	p := &placement{positions: connectors.Positions{}, times: map[int32]int64{}}
	for range r.Count(maxSplits) {
		split := int32(r.Varint())
		p.positions[split] = r.Varint()
	}
	for range r.Count(maxSplits) {
		split := int32(r.Varint())
		p.times[split] = r.Varint()
	}
	p.watermark, p.idle = r.Varint(), r.Byte() != 0
	p.identity = string(r.Bytes(nil))
	return p
}

// same reports whether two places are the same prefix of each split.
func (p *placement) same(o *placement) bool {
	return p != nil && o != nil && maps.Equal(p.positions, o.positions)
}

// beyond reports whether p is further than o.
func (p *placement) beyond(o *placement) bool {
	var a, b int64
	for _, at := range p.positions {
		a += at
	}
	for _, at := range o.positions {
		b += at
	}
	return a > b
}

// save returns each split's largest event time.
func (w *watermarks) save() map[int32]int64 {
	times := map[int32]int64{}
	for split, st := range w.splits {
		if st.maxMillis != NoWatermark {
			times[split] = st.maxMillis
		}
	}
	return times
}

// restore goes on where another stood. The wall clock of idleness begins anew.
func (w *watermarks) restore(p *placement) {
	for split, millis := range p.times {
		w.split(split).maxMillis = millis
	}
	w.current, w.idle = p.watermark, p.idle
}
