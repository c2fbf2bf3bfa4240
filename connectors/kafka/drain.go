package kafka

/*
#include "drain.h"
*/
import "C"

import (
	"time"
	"unsafe"

	"laminardb/connectors/format"
)

// maxBatchBytes ends a batch early: several batches of this size fit any cache
// poorly, but a batch of 8192 large records must not take gigabytes.
const maxBatchBytes = 8 << 20

// drained is one batch of messages in C memory; its slices are valid until the
// next drain or close.
type drained struct {
	c *C.lk_batch

	records    format.Records
	partitions []int32
	offsets    []int64
	timestamps []int64 // ms, -1 unknown
	oldest     int64   // ms, -1 unknown

	headers    []byte // see headers.go
	headerEnds []int32

	// ends gives the partitions whose end was reached, and where.
	endPartitions []int32
	endOffsets    []int64
}

func newDrained(maxRows int, withHeaders bool) *drained {
	want := C.int(0)
	if withHeaders {
		want = 1
	}
	return &drained{c: C.lk_batch_new(C.int32_t(maxRows), want)}
}

func (d *drained) close() { C.lk_batch_free(d.c) }

// drain takes what librdkafka has queued, waiting at most wait for the first
// message, end of partition or event.
func (c *client) drain(d *drained, wait time.Duration) {
	C.lk_drain(c.c, d.c, millis(wait), maxBatchBytes)
	b, n := d.c, int(d.c.n)
	d.records = format.Records{N: n}
	d.records.Values, d.records.ValueEnds, d.records.NullValue = columns(&b.values, n)
	d.records.Keys, d.records.KeyEnds, d.records.NullKey = columns(&b.keys, n)
	d.headers, d.headerEnds, _ = columns(&b.headers, n)
	d.partitions = unsafe.Slice((*int32)(b.partitions), n)
	d.offsets = unsafe.Slice((*int64)(b.offsets), n)
	d.timestamps = unsafe.Slice((*int64)(b.timestamps), n)
	d.oldest = int64(b.oldest_timestamp)
	d.endPartitions = unsafe.Slice((*int32)(b.eof_partitions), int(b.n_eof))
	d.endOffsets = unsafe.Slice((*int64)(b.eof_offsets), int(b.n_eof))
}

func columns(b *C.lk_bytes, n int) (data []byte, ends []int32, null []bool) {
	ends = unsafe.Slice((*int32)(b.ends), n+1)
	data = unsafe.Slice((*byte)(unsafe.Pointer(b.data)), int(ends[n]))
	if b.nulls > 0 {
		null = unsafe.Slice((*bool)(unsafe.Pointer(b.null)), n)
	}
	return data, ends, null
}
