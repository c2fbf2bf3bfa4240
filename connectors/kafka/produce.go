package kafka

/*
#include "produce.h"
*/
import "C"

import (
	"time"
	"unsafe"

	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// What is done with one record of an outgoing batch.
const (
	skipRecord = C.LK_SKIP
	sendValue  = C.LK_VALUE
	sendDelete = C.LK_TOMBSTONE
	nullKey    = C.LK_NULL_KEY // added to the above
)

// outgoing is a batch of records to produce, in Arrow's shape.
type outgoing struct {
	values    []byte
	valueEnds []int32
	keys      []byte
	keyEnds   []int32 // nil: records have no keys
	modes     []uint8 // one a record
}

// sizeBytes is what the keys and values hold. Records that are skipped count.
func (o *outgoing) sizeBytes() int64 {
	n := int64(len(o.values))
	if last := len(o.keyEnds) - 1; last >= 0 {
		n += int64(o.keyEnds[last] - o.keyEnds[0])
	}
	return n
}

// produce hands records [from, len(modes)) to librdkafka, which copies them, and
// returns how far it came; it stops early where the send queue stays full for the
// wait, or at a record that librdkafka refuses.
func (c *client) produce(o *outgoing, from int, wait time.Duration) (next int, err error) {
	var code C.int32_t
	var keyEnds *C.int32_t
	keys := (*C.char)(nil)
	if o.keyEnds != nil {
		keyEnds, keys = int32s(o.keyEnds), chars(o.keys)
	}
	modes := (*C.uint8_t)(unsafe.SliceData(o.modes))
	n := C.lk_produce(c.c, chars(o.values), int32s(o.valueEnds), keys, keyEnds, modes,
		C.int32_t(from), C.int32_t(len(o.modes)), millis(wait), &code)
	if code != 0 {
		err = codeError(C.int(code))
	}
	return int(n), err
}

// chars returns a pointer that is not nil even for no bytes: a nil one would mean
// a tombstone.
func chars(b []byte) *C.char {
	if cap(b) == 0 {
		b = make([]byte, 1)
	}
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(b)))
}

// flush waits for acknowledgements and reports whether all have come.
func (c *client) flush(wait time.Duration) bool { return C.lk_flush(c.c, millis(wait)) == 0 }

// failures returns how many deliveries have failed since the last call, and the
// first one's reason.
func (c *client) failures() (n int64, reason ckafka.ErrorCode) {
	n, reason = int64(c.c.failed), ckafka.ErrorCode(c.c.fail_code)
	c.c.failed = 0
	return n, reason
}
