package exec

import (
	"strings"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
)

// Hold says which row an operator holds until others come, so that its output stands
// still though its inputs go on.
type Hold struct {
	// Millis is the row's event time.
	Millis int64
	// Key is the row's partition, "" where there is one only.
	Key string
	// Waits is what it waits for.
	Waits string
}

// holder makes an operator's Hold known, among those of the dataflow.
type holder struct {
	shared *atomic.Pointer[Hold]
	own    *Hold // nil for none
}

// holder returns a new operator's.
func (b *builder) holder() holder {
	if b.stats == nil {
		return holder{shared: &atomic.Pointer[Hold]{}}
	}
	return holder{shared: &b.stats.Hold}
}

func (h *holder) set(hold Hold) {
	if h.own == nil || *h.own != hold {
		h.own = &hold
		h.shared.Store(h.own)
	}
}

func (h *holder) clear() {
	if h.own != nil {
		h.shared.CompareAndSwap(h.own, nil)
		h.own = nil
	}
}

// keyText shows the first row of key columns.
func keyText(cols []arrow.Array) string {
	parts := make([]string, len(cols))
	for i, c := range cols {
		parts[i] = "NULL"
		if c.IsValid(0) {
			parts[i] = c.ValueStr(0)
		}
	}
	return strings.Join(parts, ", ")
}
