package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"laminardb/connectors"
	"laminardb/connectors/blackhole"
	"laminardb/connectors/format"
	"laminardb/connectors/format/avro"
	"laminardb/connectors/kafka"
	"laminardb/server/pgwire"
	"laminardb/server/session"
)

const (
	// A pipeline is looked at after look, and then after lookShare of the time that it
	// has taken: little work beside the pipeline's (the system tables are read, with
	// percentiles of latencies and sizes), and little time beside a sample's.
	look      = 10 * time.Millisecond
	lookShare = 200
	// stuckAfter ends a sample that no longer moves.
	stuckAfter = time.Minute
)

// metered is a format whose decoders start a stopwatch with the first records and
// count the rows: a few nanoseconds a batch.
type metered struct {
	format.Format
	watch stopwatch
	rows  atomic.Int64
}

type meteredDecoder struct {
	format.Decoder
	m *metered
}

// NewDecoder implements format.Format.
func (m *metered) NewDecoder(ctx context.Context, rel connectors.Relation) (format.Decoder, error) {
	d, err := m.Format.NewDecoder(ctx, rel)
	return meteredDecoder{d, m}, err
}

// Decode implements format.Decoder.
func (d meteredDecoder) Decode(ctx context.Context, r *format.Records) (*format.Decoded, error) {
	d.m.watch.start()
	out, err := d.Decoder.Decode(ctx, r)
	if err == nil {
		d.m.rows.Add(int64(out.Rows))
	}
	return out, err
}

// pipeline runs the workload's statements on a server of its own.
func (t *task) pipeline(ctx context.Context, w workload) (s sample, err error) {
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	m := &metered{Format: avro.New(time.Now)}
	e, end, err := tempEngine(ctx, connectors.Registry{
		Sources: map[string]connectors.SourceConnector{"kafka": kafka.New(format.Registry{"avro": m}, logger, time.Now)},
		Sinks:   map[string]connectors.SinkConnector{"blackhole": blackhole.New(nil)},
	}, map[string]string{"KAFKA_BROKERS": t.Kafka, "SCHEMA_REGISTRY_URL": t.Registry, "GROUP_ID": "bench"}, 0)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, end()) }()
	conn := e.conn
	if err := e.exec(ctx, w.statements...); err != nil {
		return s, err
	}
	if err := await(ctx, conn, m, w, t.Rows); err != nil {
		return s, err
	}
	s = m.watch.stop()
	if s.RowsOut, err = checked(ctx, conn, t.Rows*int64(len(w.flows)+len(w.joins))); err != nil {
		return s, err
	}
	time.Sleep(sizesSettle)
	err = conn.QueryRow(ctx, "SELECT sum(state_bytes + stored_bytes), sum(state_keys) FROM laminar.streams").Scan(&s.StateBytes, &s.StateKeys)
	return s, err
}

// sizesSettle is longer than the sizes of state may be old.
const sizesSettle = 1200 * time.Millisecond

// dial connects a client to the database over the protocol, as any other would be.
func dial(ctx context.Context, db *session.Database, logger *slog.Logger) (_ *pgx.Conn, hangUp func() error, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	wire, err := pgwire.New(pgwire.Config{Sessions: db, Auth: pgwire.Trust{}, Rand: rand.Reader, Log: logger})
	if err != nil {
		return nil, nil, errors.Join(err, ln.Close())
	}
	served := make(chan error, 1)
	go func() { served <- wire.Serve(context.WithoutCancel(ctx), ln) }()
	stop := func() error {
		err := wire.Shutdown(context.WithoutCancel(ctx))
		if end := <-served; !errors.Is(end, pgwire.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}
	conn, err := pgx.Connect(ctx, "postgres://laminar@"+ln.Addr().String()+"/laminar")
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return conn, func() error { return errors.Join(conn.Close(context.WithoutCancel(ctx)), stop()) }, nil
}

// await returns when the source has read all rows and every flow has taken them.
func await(ctx context.Context, conn *pgx.Conn, m *metered, w workload, rows int64) error {
	timer := time.NewTimer(look)
	defer timer.Stop()
	began := time.Now()
	seen, moved := int64(0), began
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		}
		timer.Reset(max(look, time.Since(began)/lookShare))
		now := m.rows.Load()
		if now >= rows {
			left, taken, err := behind(ctx, conn, w, rows)
			if err != nil || left <= 0 {
				return err
			}
			now += taken
		}
		if now != seen {
			seen, moved = now, time.Now()
		} else if time.Since(moved) > stuckAfter {
			return fmt.Errorf("%d of %d rows after %v without progress", m.rows.Load(), rows, stuckAfter)
		}
	}
}

// behind returns how many rows the slowest flow has still to take, and how many all
// have taken. A join takes the rows of both its sources.
func behind(ctx context.Context, conn *pgx.Conn, w workload, rows int64) (left, taken int64, err error) {
	err = conn.QueryRow(ctx, `SELECT max(CASE WHEN s.name = ANY($1) THEN greatest($3, b.high) ELSE $3 END - s.rows_in), sum(s.rows_in)
		FROM laminar.streams s CROSS JOIN (SELECT sum(high) AS high FROM laminar.source_splits WHERE source IN ('market_ticks', 'order_events')) b
		WHERE s.name = ANY($1) OR s.name = ANY($2)`, orNone(w.joins), orNone(w.flows), rows).Scan(&left, &taken)
	return left, taken, err
}

func orNone(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// checked makes sure that what was fast was also right, and returns the rows that
// came out.
func checked(ctx context.Context, conn *pgx.Conn, rows int64) (out int64, err error) {
	var in, late, dead, rejected int64
	err = conn.QueryRow(ctx, "SELECT sum(rows_in), sum(rows_out), sum(late_rows), sum(dead_letters) FROM laminar.streams").
		Scan(&in, &out, &late, &dead)
	if err != nil {
		return 0, err
	}
	if err := conn.QueryRow(ctx, "SELECT sum(rejected) FROM laminar.sources").Scan(&rejected); err != nil {
		return 0, err
	}
	if in < rows || late+dead+rejected > 0 {
		return 0, fmt.Errorf("%d of %d rows taken, %d late, %d dead letters, %d rejected", in, rows, late, dead, rejected)
	}
	return out, nil
}
