package dashboard

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"laminardb/cmd/internal/dashboard/feed"
)

// recordDSN names a running demo to record testdata/market.jsonl.gz from.
var recordDSN = flag.String("record", "", "record testdata/market.jsonl.gz from the demo with this connection string")

const (
	recording = "testdata/market.jsonl.gz"
	// recordTime is how long is recorded; maxRecorded how many rows of a chunk.
	recordTime  = 40 * time.Second
	maxRecorded = 200
)

// TestRecord records what the demo sends while every page is opened once.
func TestRecord(t *testing.T) {
	if *recordDSN == "" {
		t.Skip("no -record")
	}
	client, err := feed.New(*recordDSN, "record", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), recordTime)
	defer cancel()
	done := make(chan struct{})
	go func() { client.Run(ctx); close(done) }()
	file, err := os.Create(recording)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	packed := gzip.NewWriter(file)
	defer func() { _ = packed.Close() }()
	out := json.NewEncoder(packed)
	m := newModel(client, nil, "127.0.0.1:5433/laminar")
	keys := strings.Fields("1 2 3 4 5 6 7 9")
	last := map[string]feed.Table{}
	began := time.Now()
	for {
		b, ok := client.Next(ctx)
		if !ok {
			break
		}
		m.apply(b)
		switch elapsed := time.Since(began); {
		case len(keys) > 0 && elapsed > time.Duration(9-len(keys))*2500*time.Millisecond:
			m.key(keys[0])
			keys = keys[1:]
		case len(keys) == 0 && m.opened.name == "" && m.db.find("ohlc_bars") != nil:
			m.open("ohlc_bars")
		case elapsed > recordTime*3/4 && m.opened.name != "top_movers":
			m.open("top_movers")
		}
		maps.DeleteFunc(b.Tables, func(name string, table feed.Table) bool { return reflect.DeepEqual(last[name], table) })
		maps.Copy(last, b.Tables)
		for i := range b.Chunks {
			rows := b.Chunks[i].Rows
			b.Chunks[i].Rows = rows[max(0, len(rows)-maxRecorded):]
		}
		if err := out.Encode(b); err != nil {
			t.Fatal(err)
		}
	}
	<-done
}

// recorded are the batches of the recording.
func recorded(t *testing.T) []feed.Batch {
	t.Helper()
	file, err := os.Open(recording)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []feed.Batch
	in := bufio.NewScanner(unpacked)
	in.Buffer(nil, 4<<20)
	for in.Scan() {
		var b feed.Batch
		if err := json.Unmarshal(in.Bytes(), &b); err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	if err := in.Err(); err != nil || len(out) == 0 {
		t.Fatalf("%d batches: %v", len(out), err)
	}
	return out
}

// fakeSource notes what a model asks of its source.
type fakeSource struct {
	watch    feed.Watch
	executed []string
}

func (f *fakeSource) Watch(w feed.Watch) { f.watch = w }

func (f *fakeSource) Execute(sql string) { f.executed = append(f.executed, sql) }
