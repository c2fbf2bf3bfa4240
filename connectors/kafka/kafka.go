// Package kafka reads and writes Kafka topics through librdkafka, a batch at a
// time.
//
// Nouns: client (one librdkafka instance), drained (a batch of messages in C
// memory, in Arrow's shape), source and reader, sink, and the settings that
// CREATE SOURCE and CREATE SINK give them. The C files keep to one job each:
// client.c the instance and its events, drain.c consuming, produce.c producing.
//
// Rule: no Go object exists for a single message. One cgo call moves a batch, the
// decoder reads it where C put it, and no callback enters Go.
package kafka

import (
	"log/slog"
	"time"

	"laminardb/connectors"
	"laminardb/connectors/format"
)

// metadataTimeout is how long CREATE waits for the brokers: long enough for a TLS
// handshake across a continent, short enough for a person.
const metadataTimeout = 5 * time.Second

// maxWait bounds one wait inside librdkafka, so that new partitions are taken up
// by a reader that polls with a long wait.
const maxWait = time.Second

// New returns the source connector. now is the wall clock.
func New(formats format.Registry, logger *slog.Logger, now func() time.Time) connectors.SourceConnector {
	return &sources{formats, logger, now}
}

// NewSinks returns the sink connector. now is the wall clock.
func NewSinks(formats format.Registry, logger *slog.Logger, now func() time.Time) connectors.SinkConnector {
	return &sinks{formats, logger, now}
}
