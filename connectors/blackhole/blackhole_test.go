package blackhole

import (
	"context"
	"testing"

	"laminardb/connectors"
	"laminardb/sql/ast"
	"laminardb/sql/batch"
)

func TestCounts(t *testing.T) {
	var counted Counted
	spec := connectors.SinkSpec{Name: "b", Changelog: true, Options: connectors.NewOptions([]ast.Option{{Name: "connector", Value: "blackhole"}})}
	for range 2 {
		s, err := New(&counted).NewSink(context.Background(), spec)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Write(context.Background(), batch.New(nil, 7)); err != nil {
			t.Fatal(err)
		}
		if err := s.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		s.Close()
		if err := s.Write(context.Background(), batch.New(nil, 7)); err == nil {
			t.Fatal("a closed sink takes rows")
		}
	}
	if r, b, f := counted.Rows.Load(), counted.Batches.Load(), counted.Flushes.Load(); r != 14 || b != 2 || f != 2 {
		t.Fatal(r, b, f)
	}
	if err := spec.Options.Unused(); err != nil {
		t.Fatal(err)
	}
}

func TestCancelledWrite(t *testing.T) {
	s, err := New(nil).NewSink(context.Background(), connectors.SinkSpec{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Write(ctx, batch.New(nil, 1)); err == nil {
		t.Fatal("a cancelled write succeeds")
	}
}
