package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"laminardb/cmd/internal/dashboard/feed"
)

// TestFeed follows a server through its death and return, as the dashboard does.
func TestFeed(t *testing.T) {
	s := newTestServer(t, true, nil)
	s.listen = strings.TrimSuffix(strings.TrimPrefix(s.address, "postgres://laminar@"), "/laminar")
	conn, err := connect(t.Context(), s.dsn())
	if err != nil {
		t.Fatal(err)
	}
	err = execute(t.Context(), conn, "", `CREATE SOURCE numbers (id BIGINT, ts BIGINT) WITH (connector = 'generator', rows_per_second = '50')
		WATERMARK FOR ts AS ts; CREATE STREAM passed AS SELECT id, ts FROM numbers`)
	if err != nil {
		t.Fatal(err)
	}
	client, err := feed.New(s.dsn(), "test", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*testDeadline)
	done := make(chan struct{})
	go func() { client.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	client.Watch(feed.Watch{
		Queries: []feed.Query{
			{Name: "objects", SQL: "SELECT name FROM laminar.objects ORDER BY name", Every: 100 * time.Millisecond},
			{Name: "nothing", SQL: "SELECT * FROM laminar.nothing", Every: 100 * time.Millisecond},
			{Name: "wrong", SQL: "SELEC", Every: 100 * time.Millisecond},
		},
		Tails: []feed.Tail{{Name: "passed", SQL: "SUBSCRIBE passed"}, {Name: "broken", SQL: "SUBSCRIBE nothing"}},
	})
	// until takes batches until each of the conditions has held for one.
	until := func(what string, conditions ...func(feed.Batch) bool) {
		t.Helper()
		for len(conditions) > 0 {
			b, ok := client.Next(ctx)
			if !ok {
				t.Fatalf("%s: did not come, %d of the conditions are left", what, len(conditions))
			}
			left := conditions[:0]
			for _, holds := range conditions {
				if !holds(b) {
					left = append(left, holds)
				}
			}
			conditions = left
		}
	}
	until("the first connection", linked(1), hasObjects, hasBegun, hasRows,
		func(b feed.Batch) bool { return b.Tables["nothing"].Missing },
		func(b feed.Batch) bool { return b.Tables["wrong"].Err != "" && !b.Tables["wrong"].Missing },
		func(b feed.Batch) bool {
			return hasChunk(b, "broken", func(c feed.Chunk) bool { return strings.Contains(c.Err, "nothing") })
		})

	client.Execute("CREATE MATERIALIZED VIEW v AS SELECT id, count(*) AS n FROM numbers GROUP BY id")
	until("a statement", func(b feed.Batch) bool {
		return len(b.Outcomes) == 1 && b.Outcomes[0].Err == "" && b.Outcomes[0].Tag != "" && len(b.Outcomes[0].Notices) > 0
	})
	client.Execute("DROP MATERIALIZED VIEW v")
	until("another", func(b feed.Batch) bool { return len(b.Outcomes) == 1 && b.Outcomes[0].Err == "" }, hasObjects)

	_ = conn.Close(ctx)
	s.kill(t)
	until("the loss", func(b feed.Batch) bool { return !b.Link.Connected && b.Link.Attempts >= 2 && b.Link.Err != "" })
	s.start(t)
	until("the return", linked(2), hasObjects, hasBegun, hasRows)
}

// linked is the connection after so many.
func linked(times int) func(feed.Batch) bool {
	return func(b feed.Batch) bool { return b.Link.Connected && b.Link.Connects == times }
}

func hasObjects(b feed.Batch) bool {
	o := b.Tables["objects"]
	return len(o.Rows) == 2 && o.Rows[0][0].Text == "numbers" && o.Index("name") == 0
}

func hasRows(b feed.Batch) bool {
	return hasChunk(b, "passed", func(c feed.Chunk) bool { return c.Seen > 0 && len(c.Rows) > 0 && len(c.Rows[0]) == 2 })
}

func hasBegun(b feed.Batch) bool {
	return hasChunk(b, "passed", func(c feed.Chunk) bool {
		return c.Reset && len(c.Columns) == 2 && c.Columns[0] == (feed.Column{Name: "id", OID: 20})
	})
}

// hasChunk reports whether one of a tail's chunks is as it should be.
func hasChunk(b feed.Batch, tail string, holds func(feed.Chunk) bool) bool {
	for _, c := range b.Chunks {
		if c.Tail == tail && holds(c) {
			return true
		}
	}
	return false
}
