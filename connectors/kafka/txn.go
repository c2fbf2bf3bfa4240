package kafka

/*
#include <stdlib.h>
#include "txn.h"
*/
import "C"

import (
	"context"
	"fmt"
	"time"
	"unsafe"

	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// txnStep is one of the calls that make up a transaction.
type txnStep C.int

const (
	txnInit   txnStep = C.LK_TXN_INIT
	txnBegin  txnStep = C.LK_TXN_BEGIN
	txnCommit txnStep = C.LK_TXN_COMMIT
	txnAbort  txnStep = C.LK_TXN_ABORT
)

func (s txnStep) String() string {
	switch s {
	case txnInit:
		return "initializing transactions"
	case txnBegin:
		return "beginning a transaction"
	case txnCommit:
		return "committing a transaction"
	}
	return "aborting a transaction"
}

// txnSlice bounds one wait inside librdkafka, after which the context and the
// events are looked at. It warns of short waits, for the case that one goes on with
// a producer after an error: this package never does.
const txnSlice = time.Second

// txnPause is the wait after a retriable error that came at once.
const txnPause = 50 * time.Millisecond

// txnError is a step that failed for good.
type txnError struct {
	step txnStep
	code ckafka.ErrorCode
	text string
}

func (e *txnError) Error() string { return fmt.Sprintf("%s: %s", e.step, e.text) }

// superseded reports whether the error is what a producer gets when another one
// with its transactional id was made, or when its transaction took too long:
// brokers do not tell these apart.
func (e *txnError) superseded() bool {
	return e.code == ckafka.ErrInvalidProducerEpoch || e.code == ckafka.ErrFenced || e.code == ckafka.ErrProducerFenced ||
		e.code == ckafka.ErrInvalidProducerIDMapping
}

// transact takes the step, for as long as its errors are retriable. between is
// called while it goes on; its error ends the wait, as that of ctx does. The result
// is then unknown.
func (c *client) transact(ctx context.Context, step txnStep, between func() error) error {
	for {
		wait := txnSlice
		if d, ok := ctx.Deadline(); ok {
			wait = max(0, min(wait, time.Until(d)))
		}
		var f C.lk_failure
		C.lk_txn(c.c, C.int(step), millis(wait), &f)
		if f.code == 0 {
			return nil
		}
		code := ckafka.ErrorCode(f.code)
		if f.retriable == 0 {
			return &txnError{step: step, code: code, text: C.GoString(&f.text[0])}
		}
		if err := between(); err != nil {
			return err
		}
		if code != ckafka.ErrTimedOut {
			pause(ctx, txnPause)
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
}

// abort ends an open transaction, if the brokers answer within the wait.
func (c *client) abort(wait time.Duration) {
	var f C.lk_failure
	C.lk_txn(c.c, C.int(txnAbort), millis(wait), &f)
}

// produceTo produces one record to a partition of any topic.
func (c *client) produceTo(topic string, partition int32, key, value []byte) error {
	t := C.CString(topic)
	defer C.free(unsafe.Pointer(t))
	rc := C.lk_produce_to(c.c, t, C.int32_t(partition), chars(key), C.size_t(len(key)), chars(value), C.size_t(len(value)))
	if rc != 0 {
		return codeError(rc)
	}
	return nil
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, wait time.Duration) {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
