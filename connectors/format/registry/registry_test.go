package registry_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"laminardb/connectors"
	"laminardb/connectors/format/registry"
	"laminardb/sql/ast"
	"laminardb/sql/pgerr"
)

func client(t *testing.T, config registry.Config) *registry.Client {
	t.Helper()
	c, err := registry.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestReadAndRegister(t *testing.T) {
	fake := srfake.New()
	defer fake.Close()
	c := client(t, registry.Config{URL: fake.URL()})
	ctx := context.Background()

	if _, err := c.Latest(ctx, "a/b-value"); !errors.Is(err, registry.ErrNotFound) {
		t.Fatalf("missing subject: %v", err)
	}
	if _, err := c.ByID(ctx, 77); !errors.Is(err, registry.ErrNotFound) {
		t.Fatalf("missing id: %v", err)
	}
	text := `{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}`
	id, err := c.Register(ctx, "t-value", text)
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Register(ctx, "t-value", text)
	if err != nil || again != id {
		t.Fatalf("registered again: id %d, then %d, %v", id, again, err)
	}
	got, err := c.Latest(ctx, "t-value")
	if err != nil || got.ID != id || got.Version != 1 || got.Text != text || got.Type != "AVRO" {
		t.Fatalf("latest = %+v, %v", got, err)
	}
	if err := c.Compatible(ctx, "t-value", text); err != nil {
		t.Fatal(err)
	}
}

func TestReferencesComeFirst(t *testing.T) {
	fake := srfake.New()
	defer fake.Close()
	fake.SeedSchema("inner", 1, 5, sr.Schema{Schema: `{"type":"fixed","name":"I","size":4}`})
	fake.SeedSchema("middle", 1, 6, sr.Schema{
		Schema:     `{"type":"record","name":"M","fields":[{"name":"i","type":"I"}]}`,
		References: []sr.SchemaReference{{Name: "I", Subject: "inner", Version: 1}},
	})
	fake.SeedSchema("outer", 1, 7, sr.Schema{
		Schema: `{"type":"record","name":"O","fields":[{"name":"m","type":"M"},{"name":"i","type":"I"}]}`,
		References: []sr.SchemaReference{
			{Name: "M", Subject: "middle", Version: 1}, {Name: "I", Subject: "inner", Version: 1},
		},
	})
	got, err := client(t, registry.Config{URL: fake.URL()}).ByID(context.Background(), 7)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.References) != 2 || !strings.Contains(got.References[0], `"I"`) || !strings.Contains(got.References[1], `"M"`) {
		t.Fatalf("references: %q", got.References)
	}
}

// TestErrors says which SQLSTATE each way of failing gives to a statement.
func TestErrors(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for _, tc := range []struct {
		name    string
		handler http.HandlerFunc
		code    pgerr.Code
		want    string
	}{
		{"server error", answer(500, `{"error_code":50001,"message":"store is away"}`), pgerr.CannotConnect, "store is away"},
		{"proxy page", answer(502, `<html>bad gateway</html>`), pgerr.CannotConnect, "502"},
		{"not a registry", answer(404, `page not found`), pgerr.CannotConnect, "does not answer as a schema registry"},
		{"not json", answer(200, `hello`), pgerr.CannotConnect, "does not answer as a schema registry"},
		{"denied", answer(401, `{"error_code":40101,"message":"who are you"}`), pgerr.InvalidAuthorization, "who are you"},
		{"conflict", answer(409, `{"error_code":409,"message":"READER_FIELD_MISSING_DEFAULT_VALUE x"}`), pgerr.InvalidParameterValue, "READER_FIELD_MISSING_DEFAULT_VALUE x"},
		{"huge", answer(200, strings.Repeat(" ", 9<<20)), pgerr.CannotConnect, "more than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := httptest.NewServer(tc.handler)
			defer server.Close()
			_, err := client(t, registry.Config{URL: server.URL}).Register(context.Background(), "s", `"long"`)
			err = registry.ClientError(err)
			if !pgerr.Is(err, tc.code) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %s with %q", err, tc.code.SQLSTATE(), tc.want)
			}
		})
	}
}

func TestIncompatibleSaysWhy(t *testing.T) {
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		_, _ = w.Write([]byte(`{"is_compatible":false,"messages":["TYPE_MISMATCH at /fields/0","more"]}`))
	}))
	defer server.Close()
	err := client(t, registry.Config{URL: server.URL}).Compatible(context.Background(), "a-value", `"long"`)
	var refused *registry.RefusedError
	if !errors.As(err, &refused) || refused.Reason != "TYPE_MISMATCH at /fields/0; more" {
		t.Fatalf("got %v", err)
	}
	if want := "/compatibility/subjects/a-value/versions/latest?verbose=true"; asked != want {
		t.Fatalf("asked %s, want %s", asked, want)
	}
}

func TestUnreachableAndCancelled(t *testing.T) {
	server := httptest.NewServer(nil)
	address := server.URL
	server.Close()
	c := client(t, registry.Config{URL: address})
	_, err := c.Latest(context.Background(), "s")
	var unreachable *registry.UnreachableError
	if !errors.As(err, &unreachable) || !strings.Contains(registry.ClientError(err).Error(), address) {
		t.Fatalf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Latest(ctx, "s"); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestBasicAuth(t *testing.T) {
	fake := srfake.New(srfake.WithAuth("Basic dTpw")) // u:p
	defer fake.Close()
	ctx := context.Background()
	good := client(t, registry.Config{URL: fake.URL(), User: "u", Password: "p"})
	if _, err := good.Latest(ctx, "s"); !errors.Is(err, registry.ErrNotFound) {
		t.Fatalf("with the password: %v", err)
	}
	inURL := client(t, registry.Config{URL: strings.Replace(fake.URL(), "//", "//u:p@", 1)})
	if _, err := inURL.Latest(ctx, "s"); !errors.Is(err, registry.ErrNotFound) {
		t.Fatalf("with the password in the URL: %v", err)
	}
	if strings.Contains(inURL.URL(), "u:p") {
		t.Fatalf("URL shows the password: %s", inURL.URL())
	}
	if _, err := client(t, registry.Config{URL: fake.URL()}).Latest(ctx, "s"); !errors.Is(err, registry.ErrDenied) {
		t.Fatalf("without: %v", err)
	}
}

func TestOptions(t *testing.T) {
	for _, tc := range []struct {
		opts []ast.Option
		want string
	}{
		{nil, `option "schema_registry_url" is required`},
		{[]ast.Option{{Name: "schema_registry_url", Value: "localhost:8081"}}, "not an http or https URL"},
		{[]ast.Option{{Name: "schema_registry_url", Value: "http://x"}, {Name: "schema_registry_password", Value: "p"}}, "schema_registry_user"},
		{[]ast.Option{{Name: "schema_registry_url", Value: "http://x"}, {Name: "schema_registry_ca", Value: "/nowhere/ca.pem"}}, "schema_registry_ca"},
	} {
		_, err := registry.FromOptions(connectors.NewOptions(tc.opts))
		if !pgerr.Is(err, pgerr.InvalidParameterValue) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got %v, want %q", err, tc.want)
		}
	}
}
