package kafka

import (
	"context"
	"errors"
	"time"

	ckafka "github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"laminardb/connectors"
	"laminardb/sql/batch"
	"laminardb/sql/pgerr"
)

// defaultTransactionTimeout is how long a transaction may take: long enough to send
// what one checkpoint interval at full speed has left, since a transaction that is
// always too slow never comes to an end. After a crash without a restart it is how
// long readers of committed records wait.
const defaultTransactionTimeout = 5 * time.Minute

// abortWait bounds how long Close tries to abort an open transaction; the brokers
// do it after the timeout in any case.
const abortWait = time.Second

// initWait bounds how long a new producer waits to be let in, after which the next
// one tries: one that was made while its broker was away has been seen to wait on.
const initWait = 20 * time.Second

// exactSink is a sink whose rows become visible together with a mark, or not at
// all. docs/adr/0010 says why a transaction is as short as it is.
//
// A producer is used until its first error and never after it. That is more than
// the protocol asks for, and what makes the two things that brokers do not tell
// simple. A producer that is fenced may have been so by another server or by its
// own slowness: the progress record names the owner. A commit that was not answered
// may have happened: a new producer ends the transaction one way or the other, and
// then the progress record says which.
type exactSink struct {
	*sink
	properties []property
	progress   *progressLog
	nonce      string // of this sink object among all with its id

	looked   bool   // previous is known
	previous string // the owner before this one, "" for none
	owns     bool   // a record with nonce was committed
	fenced   bool   // for ever

	ready bool // a producer is there and did not fail
	open  bool // in a transaction
	// unsure says that something went wrong on the way to the last commit, such as a
	// broken connection, and it was then confirmed. A request that librdkafka sent
	// twice may still be under way, and a late one would end the next transaction of
	// the same producer (KAFKA-17754; librdkafka speaks the protocol before KIP-890). A
	// new producer has a new epoch, which brokers check.
	unsure bool
	mark   uint64 // of the last transaction that is known to be committed
}

// Fence implements connectors.Transactional.
func (x *exactSink) Fence(ctx context.Context) (uint64, error) {
	x.ready, x.open, x.unsure = false, false, false
	if x.closed {
		return 0, x.usable()
	}
	if x.fenced {
		return 0, x.fencedError()
	}
	// Who has been replaced must not disturb the new owner by the steps below.
	if x.owns {
		if _, err := x.look(ctx, false); err != nil {
			return 0, err
		}
	}
	if err := x.renew(ctx); err != nil {
		return 0, err
	}
	at, err := x.look(ctx, true)
	if err != nil {
		return 0, err
	}
	if at.Owner != x.nonce {
		if err := x.begin(); err != nil {
			return 0, err
		}
		if err := x.end(ctx, at.Mark); err != nil {
			return 0, err
		}
	}
	x.owns, x.ready, x.mark = true, true, at.Mark
	x.health.clear()
	return at.Mark, nil
}

// renew replaces the producer by a new one, whose first step ends what all earlier
// ones with the id have begun and shuts them out.
func (x *exactSink) renew(ctx context.Context) error {
	x.client.close()
	x.failed = nil
	c, err := newClient(producer, x.properties, x.topic)
	if err != nil {
		x.closed = true
		return pgerr.Newf(pgerr.IOError, "sink %q: making a producer: %w", x.name, err)
	}
	x.client = c
	limited, cancel := context.WithTimeout(ctx, initWait)
	defer cancel()
	err = x.step(limited, txnInit)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return pgerr.Newf(pgerr.ConnectionFailure, "sink %q: the brokers do not let a producer in: %w", x.name, err)
	}
	return err
}

// look reads the progress record and checks that this sink may write. all says
// that the log must be read to its end, so that nothing is missed.
func (x *exactSink) look(ctx context.Context, all bool) (progress, error) {
	at, err := x.progress.read(ctx, &x.health, all)
	if err != nil {
		return progress{}, err
	}
	if !x.looked {
		x.looked, x.previous = true, at.Owner
	}
	switch {
	case at.Owner == "" && x.owns || at.Mark < x.mark:
		return progress{}, pgerr.Newf(pgerr.ObjectNotInPrerequisite, "sink %q: topic %q has lost the record of what was written", x.name, x.progress.topic).
			WithHint("It was deleted or truncated. Create the sink again.")
	case at.Owner != x.nonce && (x.owns || at.Owner != x.previous):
		x.fenced = true
		return progress{}, x.fencedError()
	}
	return at, nil
}

func (x *exactSink) fencedError() error {
	return pgerr.Newf(pgerr.ObjectNotInPrerequisite, "sink %q: %w", x.name, connectors.ErrFenced).
		WithHint("Two servers must not run on copies of one data directory.")
}

// Write implements connectors.Sink.
func (x *exactSink) Write(ctx context.Context, b *batch.Batch) error {
	if err := x.prepare(ctx); err != nil {
		return err
	}
	return x.lost(x.sink.Write(ctx, b))
}

// Flush implements connectors.Sink. What it waits for is still invisible to
// readers of committed records.
func (x *exactSink) Flush(ctx context.Context) error {
	if !x.ready {
		return x.notReady()
	}
	return x.lost(x.sink.Flush(ctx))
}

// Commit implements connectors.Transactional.
func (x *exactSink) Commit(ctx context.Context, mark uint64) error {
	if mark <= x.mark {
		return pgerr.Newf(pgerr.Internal, "sink %q: mark %d after %d", x.name, mark, x.mark)
	}
	if err := x.prepare(ctx); err != nil {
		return err
	}
	before := x.health.events()
	if err := x.lost(x.end(ctx, mark)); err != nil {
		return err
	}
	x.mark = mark
	x.unsure = x.health.events() != before // librdkafka says nothing when all goes well
	x.health.clear()
	return nil
}

// prepare makes sure that a transaction is open.
func (x *exactSink) prepare(ctx context.Context) error {
	if !x.ready {
		return x.notReady()
	}
	if x.unsure {
		if _, err := x.Fence(ctx); err != nil {
			return err
		}
	}
	if x.open {
		return nil
	}
	return x.lost(x.begin())
}

func (x *exactSink) notReady() error {
	if x.fenced {
		return x.fencedError()
	}
	return pgerr.Newf(pgerr.Internal, "sink %q is written to before Fence", x.name)
}

// lost notes that an error, if there is one, ends the producer's use.
func (x *exactSink) lost(err error) error {
	x.ready = x.ready && err == nil
	return err
}

func (x *exactSink) begin() error {
	if err := x.step(context.Background(), txnBegin); err != nil {
		return err
	}
	x.open = true
	return nil
}

// end writes the progress record and commits.
func (x *exactSink) end(ctx context.Context, mark uint64) error {
	value := progress{Version: progressVersion, Mark: mark, Owner: x.nonce, At: x.health.now().UTC()}.encode()
	if err := x.client.produceTo(x.progress.topic, progressPartition, []byte(x.progress.id), value); err != nil {
		return pgerr.Newf(pgerr.IOError, "sink %q: topic %q refused a record: %w", x.name, x.progress.topic, err)
	}
	if err := x.step(ctx, txnCommit); err != nil {
		return err
	}
	x.open = false
	x.client.failures() // a committed transaction has none
	return nil
}

// step takes one step, with its error for the user.
func (x *exactSink) step(ctx context.Context, step txnStep) error {
	look := x.health.now().Add(lookAfter)
	err := x.client.transact(ctx, step, func() error {
		x.client.serve()
		return x.attend(&look)
	})
	var failed *txnError
	if !errors.As(err, &failed) {
		if err == nil {
			x.client.serve()
			_ = x.usable() // for health: after a success nothing else matters
		}
		return err
	}
	e := pgerr.Newf(pgerr.IOError, "sink %q: %w", x.name, err)
	if n, reason := x.client.failures(); n > 0 {
		e.WithDetail("%s", x.deliveryError(n, reason))
	}
	switch failed.code {
	case ckafka.ErrUnknownTopicOrPart, ckafka.ErrUnknownTopic, ckafka.ErrUnknownPartition:
		return e.WithHint("Topic %q or %q was deleted.", x.topic, x.progress.topic)
	case ckafka.ErrInvalidTransactionTimeout:
		return e.WithHint("The option transaction_timeout is above the brokers' transaction.max.timeout.ms.")
	case ckafka.ErrTransactionalIDAuthorizationFailed:
		return e.WithHint("The user needs WRITE on transactional ids that begin with laminardb-.")
	case ckafka.ErrInvalidProducerEpoch, ckafka.ErrFenced, ckafka.ErrProducerFenced, ckafka.ErrInvalidProducerIDMapping:
		return e.WithHint("Either the transaction took longer than the option transaction_timeout allows, or another server writes with this sink's id.")
	}
	return e
}

// Close implements connectors.Sink. What was not committed is dropped.
func (x *exactSink) Close() error {
	if !x.closed && x.open {
		x.client.abort(abortWait)
	}
	return x.sink.Close()
}
