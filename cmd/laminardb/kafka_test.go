package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"

	"laminardb/cmd/internal/devbroker"
	"laminardb/cmd/internal/marketdata"
	example "laminardb/examples/market-data"
)

// readAvro reads records of a topic as a general library decodes them. The key
// must be the symbol.
func readAvro(t *testing.T, tp *topic, name, key string, records int) (out []map[string]any) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(tp.brokers...), kgo.ConsumeTopics(name), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	registry, err := sr.NewClient(sr.URLs(tp.registry))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testDeadline)
	defer cancel()
	for len(out) < records {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("topic %s has %d records, want %d", name, len(out), records)
		}
		for _, r := range fetches.Records() {
			row := decodeAvro(t, registry, r.Value)
			if string(r.Key) != row[key] {
				t.Errorf("the key of %v is %q", row, r.Key)
			}
			out = append(out, row)
		}
	}
	return out
}

func decodeAvro(t *testing.T, registry *sr.Client, value []byte) (row map[string]any) {
	t.Helper()
	if len(value) < 5 || value[0] != 0 {
		t.Fatalf("no schema header: %x", value)
	}
	text, err := registry.SchemaByID(t.Context(), int(binary.BigEndian.Uint32(value[1:5])))
	if err != nil {
		t.Fatal(err)
	}
	schema, err := avro.Parse(text.Schema)
	if err != nil {
		t.Fatal(err)
	}
	if rest, err := schema.Decode(value[5:], &row); err != nil || len(rest) > 0 {
		t.Fatalf("decoding %x: %v, %d bytes left", value, err, len(rest))
	}
	return row
}

// eventually polls a query of one text until it says want.
func eventually(t *testing.T, conn *pgx.Conn, sql, want string) {
	t.Helper()
	var got string
	for deadline := time.Now().Add(testDeadline); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if err := conn.QueryRow(t.Context(), sql).Scan(&got); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if got == want {
			return
		}
	}
	t.Fatalf("%s: %q, want %q", sql, got, want)
}

// TestBrokerAway starts a server while its broker is down, brings the broker back
// with more ticks, and sends it records that are no ticks.
func TestBrokerAway(t *testing.T) {
	t.Parallel()
	o := devbroker.Options{KafkaAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0", DataDir: t.TempDir(), Logger: testLogger()}
	broker, err := devbroker.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := url.Parse(broker.RegistryURL())
	if err != nil {
		t.Fatal(err)
	}
	o.KafkaAddr, o.RegistryAddr = broker.KafkaAddr(), registry.Host
	produceTicks(t, broker, 1000)
	srv := newTestServer(t, true, brokerVars(broker))
	conn := connectTest(t, srv.dsn())
	createScripts(t, conn, example.Sources(), "market_ticks")
	create(t, conn, "CREATE MATERIALIZED VIEW n AS SELECT count(*) AS c FROM market_ticks")
	eventually(t, conn, "SELECT c::text FROM n", "1000")

	if err := closeBroker(broker); err != nil {
		t.Fatal(err)
	}
	srv.kill(t)
	srv.start(t)
	conn = connectTest(t, srv.dsn())
	eventually(t, conn, "SELECT (status LIKE 'retrying: %')::text FROM laminar.sources", "true")
	eventually(t, conn, "SELECT 'it answers'", "it answers")

	if broker, err = devbroker.Start(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closeBroker(broker); err != nil {
			t.Error(err)
		}
	})
	produceTicks(t, broker, 500)
	eventually(t, conn, "SELECT c::text FROM n", "1500")
	eventually(t, conn, "SELECT status FROM laminar.sources", "running")

	rejected(t, broker, conn)
	produceTicks(t, broker, 10)
	eventually(t, conn, "SELECT c::text FROM n", "1510")
}

func produceTicks(t *testing.T, broker brokers, ticks int64) {
	t.Helper()
	p, err := marketdata.NewProducer(t.Context(), marketdata.ProducerOptions{
		Brokers: []string{broker.KafkaAddr()}, RegistryURL: broker.RegistryURL(), Count: ticks, Now: fastClock(time.Second),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// rejected sends records that cannot be decoded and finds each of them.
func rejected(t *testing.T, broker brokers, conn *pgx.Conn) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.KafkaAddr()), kgo.DefaultProduceTopic(marketdata.TicksTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	bad := [][]byte{nil, []byte("text"), {0, 0, 0, 0, 1}, {0, 0, 0, 99, 99, 1, 2}, {0, 0, 0, 0, 1, 2, 'A'}}
	for i, value := range bad {
		if err := client.ProduceSync(t.Context(), kgo.KeySliceRecord([]byte("bad"), value)).FirstErr(); err != nil {
			t.Fatal(err)
		}
		eventually(t, conn, "SELECT rejected::text FROM laminar.sources", fmt.Sprint(i+1))
	}
	eventually(t, conn, `SELECT count(*)::text FROM laminar.dead_letters WHERE object = 'market_ticks' AND partition >= 0 AND "offset" >= 0 AND reason <> ''`, fmt.Sprint(len(bad)))
}

// TestUnreachable creates objects on brokers and registries that do not answer.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := ln.Addr().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	srv := newTestServer(t, false, variables{"KAFKA_BROKERS": nobody, "SCHEMA_REGISTRY_URL": "http://" + nobody, "GROUP_ID": "g"})
	conn := connectTest(t, srv.dsn())
	_, err = conn.PgConn().Exec(t.Context(), example.Sources()[0].SQL).ReadAll()
	if sqlState(err) != "08001" {
		t.Errorf("CREATE SOURCE: %v, want 08001", err)
	}
	eventually(t, conn, "SELECT count(*)::text FROM laminar.objects", "0")
}

func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
