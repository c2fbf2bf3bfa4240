package registry_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"laminardb/connectors/format/registry"
	"laminardb/sql/pgerr"
)

// serverVariable names the environment variable with the URL of a registry, such as
// Apicurio's, for the tests of this file (make test-kafka). Without it they ask the
// embedded one, which takes every schema for compatible.
const serverVariable = "LAMINARDB_TEST_REGISTRY"

func server(t *testing.T) (url string, real bool) {
	t.Helper()
	if url := os.Getenv(serverVariable); url != "" {
		return url, true
	}
	fake := srfake.New()
	t.Cleanup(fake.Close)
	return fake.URL(), false
}

func subject() string { return "s-" + strings.ToLower(rand.Text()[:12]) }

func TestServer(t *testing.T) {
	url, _ := server(t)
	c, ctx, name := client(t, registry.Config{URL: url}), context.Background(), subject()
	if _, err := c.Latest(ctx, name); !errors.Is(err, registry.ErrNotFound) {
		t.Fatalf("missing subject: %v", err)
	}
	if _, err := c.ByID(ctx, 99999999); !errors.Is(err, registry.ErrNotFound) {
		t.Fatalf("missing id: %v", err)
	}
	text := `{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}`
	if err := c.Compatible(ctx, name, text); err != nil && !errors.Is(err, registry.ErrNotFound) {
		t.Fatalf("compatible with a missing subject: %v", err)
	}
	id, err := c.Register(ctx, name, text)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Register(ctx, name, text); err != nil || again != id {
		t.Fatalf("registered again: id %d, then %d, %v", id, again, err)
	}
	got, err := c.Latest(ctx, name)
	if err != nil || got.ID != id || got.Version != 1 || got.Text != text {
		t.Fatalf("latest = %+v, %v", got, err)
	}
	if got, err = c.ByID(ctx, id); err != nil || got.Text != text {
		t.Fatalf("by id = %+v, %v", got, err)
	}
	if err := c.Compatible(ctx, name, text); err != nil {
		t.Fatal(err)
	}
}

func TestServerReferences(t *testing.T) {
	url, _ := server(t)
	admin, err := sr.NewClient(sr.URLs(url))
	if err != nil {
		t.Fatal(err)
	}
	ctx, inner, outer := context.Background(), subject(), subject()
	if _, err := admin.CreateSchema(ctx, inner, sr.Schema{Schema: `{"type":"fixed","name":"I","size":4}`}); err != nil {
		t.Fatal(err)
	}
	made, err := admin.CreateSchema(ctx, outer, sr.Schema{
		Schema:     `{"type":"record","name":"O","fields":[{"name":"i","type":"I"}]}`,
		References: []sr.SchemaReference{{Name: "I", Subject: inner, Version: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := client(t, registry.Config{URL: url}).ByID(ctx, made.ID)
	if err != nil || len(got.References) != 1 || !strings.Contains(got.References[0], `"I"`) {
		t.Fatalf("%+v, %v", got, err)
	}
}

func TestServerIncompatible(t *testing.T) {
	url, real := server(t)
	if !real {
		t.Skip(serverVariable + " is not set")
	}
	admin, err := sr.NewClient(sr.URLs(url))
	if err != nil {
		t.Fatal(err)
	}
	ctx, name := context.Background(), subject()
	c := client(t, registry.Config{URL: url})
	if _, err := c.Register(ctx, name, `{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}`); err != nil {
		t.Fatal(err)
	}
	for _, r := range admin.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatBackward}, name) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	bad := `{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}`
	var refused *registry.RefusedError
	if err := c.Compatible(ctx, name, bad); !errors.As(err, &refused) || refused.Reason == "" {
		t.Fatalf("asked for %v", err)
	}
	t.Logf("the registry says: %s", refused.Reason)
	_, err = c.Register(ctx, name, bad)
	if err = registry.ClientError(err); !pgerr.Is(err, pgerr.InvalidParameterValue) {
		t.Fatalf("registered: %v", err)
	}
	t.Logf("and: %v", err)
}
