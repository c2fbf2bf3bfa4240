// Package registry asks a Confluent schema registry for schemas and registers
// the ones that sinks write.
//
// Nouns: Client (one registry with its credentials), Schema (a definition with
// those that it refers to). Errors are ErrNotFound, ErrDenied, *UnreachableError
// (worth another try) or *RefusedError (the registry said no, with its words).
//
// Rule: every call obeys its context and ends within requestTimeout, and an
// answer is read only up to maxAnswerBytes. Nothing is cached: the formats keep
// what they need.
package registry

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/rest"

	"laminardb/connectors"
)

const (
	// requestTimeout bounds one call: CREATE may block for a few seconds at most.
	requestTimeout = 5 * time.Second
	// maxAnswerBytes bounds one answer; real schemas have kilobytes.
	maxAnswerBytes = 8 << 20
	// maxReferences bounds the schemas that one schema refers to, deeply.
	maxReferences = 200
)

// Schema is a schema's text and, in the order in which they must be parsed, the
// texts of the schemas that it refers to.
type Schema struct {
	ID         int
	Version    int
	Type       string // "AVRO", "JSON" or "PROTOBUF"
	Text       string
	References []string
}

// Config says where a registry is and who asks.
type Config struct {
	URL            string // one URL, or several separated by commas
	User, Password string // basic authentication, both empty for none
	CAFile         string // PEM file of trusted certificates, empty for the system's
}

// Client is safe for use by several goroutines.
type Client struct {
	config    Config
	transport http.RoundTripper
}

// New checks the configuration; it does not connect.
func New(config Config) (*Client, error) {
	for _, one := range strings.Split(config.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("%q is not an http or https URL", one)
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if config.CAFile != "" {
		pem, err := os.ReadFile(config.CAFile)
		if err != nil {
			return nil, fmt.Errorf("reading the registry's certificates: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no PEM certificate in %q", config.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &Client{config: config, transport: transport}, nil
}

// FromOptions reads schema_registry_url (required), schema_registry_user,
// schema_registry_password and schema_registry_ca. Its errors are *pgerr.Error.
func FromOptions(o connectors.Options) (*Client, error) {
	address, err := o.Required("schema_registry_url")
	if err != nil {
		return nil, err
	}
	config := Config{
		URL:      address,
		User:     o.String("schema_registry_user", ""),
		Password: o.String("schema_registry_password", ""),
		CAFile:   o.String("schema_registry_ca", ""),
	}
	if config.Password != "" && config.User == "" {
		return nil, o.Invalid("schema_registry_password", "needs the option schema_registry_user")
	}
	c, err := New(config)
	if err != nil {
		name := "schema_registry_url"
		if config.CAFile != "" && strings.Contains(err.Error(), "certificate") {
			name = "schema_registry_ca"
		}
		return nil, o.Invalid(name, err.Error())
	}
	return c, nil
}

// URL returns the registry's address without credentials, for messages.
func (c *Client) URL() string {
	parts := strings.Split(c.config.URL, ",")
	for i, one := range parts {
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil {
			u.User = nil
			parts[i] = u.String()
		}
	}
	return strings.Join(parts, ",")
}

// ByID returns the schema with the id.
func (c *Client) ByID(ctx context.Context, id int) (Schema, error) {
	var info schemaregistry.SchemaInfo
	err := c.call(ctx, func(api schemaregistry.Client) (err error) {
		info, err = api.GetBySubjectAndID("", id)
		return err
	})
	if err != nil {
		return Schema{}, fmt.Errorf("reading schema %d: %w", id, err)
	}
	return c.complete(ctx, info, id, 0)
}

// Latest returns the newest version of the subject.
func (c *Client) Latest(ctx context.Context, subject string) (Schema, error) {
	var meta schemaregistry.SchemaMetadata
	err := c.call(ctx, func(api schemaregistry.Client) (err error) {
		meta, err = api.GetLatestSchemaMetadata(subject)
		return err
	})
	if err != nil {
		return Schema{}, fmt.Errorf("reading the newest schema of subject %q: %w", subject, err)
	}
	return c.complete(ctx, meta.SchemaInfo, meta.ID, meta.Version)
}

// complete reads the referenced schemas, depth first.
func (c *Client) complete(ctx context.Context, info schemaregistry.SchemaInfo, id, version int) (Schema, error) {
	s := Schema{ID: id, Version: version, Type: info.SchemaType, Text: info.Schema}
	if s.Type == "" {
		s.Type = "AVRO"
	}
	seen := map[schemaregistry.Reference]bool{}
	var visit func(refs []schemaregistry.Reference) error
	visit = func(refs []schemaregistry.Reference) error {
		for _, ref := range refs {
			key := schemaregistry.Reference{Subject: ref.Subject, Version: ref.Version}
			if seen[key] {
				continue
			}
			if len(seen) == maxReferences {
				return fmt.Errorf("schema %d refers to more than %d others", id, maxReferences)
			}
			seen[key] = true
			var meta schemaregistry.SchemaMetadata
			err := c.call(ctx, func(api schemaregistry.Client) (err error) {
				meta, err = api.GetSchemaMetadata(ref.Subject, ref.Version)
				return err
			})
			if err != nil {
				return fmt.Errorf("reading version %d of subject %q: %w", ref.Version, ref.Subject, err)
			}
			if err := visit(meta.References); err != nil {
				return err
			}
			s.References = append(s.References, meta.Schema)
		}
		return nil
	}
	return s, visit(info.References)
}

// Register registers an Avro schema as the newest version of the subject, after
// asking whether it is compatible, and returns its id. An equal schema that is
// already there keeps its id.
func (c *Client) Register(ctx context.Context, subject, text string) (int, error) {
	info := schemaregistry.SchemaInfo{Schema: text, SchemaType: "AVRO"}
	var id int
	err := c.call(ctx, func(api schemaregistry.Client) (err error) {
		id, err = api.Register(subject, info, false)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("registering a schema for subject %q: %w", subject, err)
	}
	return id, nil
}

// Compatible asks whether the subject would take the schema. A *RefusedError
// says why not; ErrNotFound means that the subject has no schema yet.
func (c *Client) Compatible(ctx context.Context, subject, text string) error {
	var ok bool
	info := schemaregistry.SchemaInfo{Schema: text, SchemaType: "AVRO"}
	x, err := c.exchange(ctx, func(api schemaregistry.Client) (err error) {
		ok, err = api.TestCompatibility(subject, latestVersion, info)
		return err
	})
	if err != nil {
		return fmt.Errorf("checking a schema against subject %q: %w", subject, err)
	}
	if ok {
		return nil
	}
	var answer struct {
		Messages []string `json:"messages"`
	}
	_ = json.Unmarshal(x.body, &answer) // the messages are optional
	reason := strings.Join(answer.Messages, "; ")
	if reason == "" {
		reason = "the registry calls it incompatible"
	}
	return &RefusedError{Status: http.StatusConflict, Reason: reason}
}

// latestVersion is what the client library prints into the URL for "latest".
const latestVersion = -1

// exchange is what the last HTTP exchange of a call brought.
type exchange struct {
	status int
	body   []byte
}

func (c *Client) call(ctx context.Context, do func(schemaregistry.Client) error) error {
	_, err := c.exchange(ctx, do)
	return err
}

// exchange runs one call. The library knows no contexts, so each call gets its
// own small client whose transport carries this call's.
func (c *Client) exchange(ctx context.Context, do func(schemaregistry.Client) error) (*exchange, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	x := &exchange{}
	config := schemaregistry.NewConfig(c.config.URL)
	if c.config.User != "" {
		config = schemaregistry.NewConfigWithBasicAuthentication(c.config.URL, c.config.User, c.config.Password)
	} else if strings.Contains(c.config.URL, "@") {
		config.BasicAuthCredentialsSource = "URL"
	}
	config.MaxRetries = 0 // the caller retries
	config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return c.send(r.WithContext(ctx), x)
	})}
	api, err := schemaregistry.NewClient(config)
	if err != nil {
		return x, fmt.Errorf("making a schema registry client: %w", err)
	}
	return x, c.classify(do(api), x)
}

// roundTripper lets a function be an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (c *Client) send(r *http.Request, x *exchange) (*http.Response, error) {
	if rest, ok := strings.CutPrefix(r.URL.Path, "/compatibility/"); ok {
		r.URL.Path = "/compatibility/" + strings.Replace(rest, "/versions/-1", "/versions/latest", 1)
		r.URL.RawPath = strings.Replace(r.URL.RawPath, "/versions/-1", "/versions/latest", 1)
		r.URL.RawQuery = "verbose=true" // asks for the reasons
	}
	resp, err := c.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswerBytes {
		return nil, fmt.Errorf("the answer has more than %d bytes", maxAnswerBytes)
	}
	x.status, x.body = resp.StatusCode, body
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// classify turns the library's error into one of this package's.
func (c *Client) classify(err error, x *exchange) error {
	if err == nil {
		return nil
	}
	var answer *rest.Error
	isAnswer := errors.As(err, &answer) && answer.Code != 0
	reason := fmt.Sprintf("HTTP status %d", x.status)
	if isAnswer && answer.Message != "" {
		reason = answer.Message
	}
	switch {
	case x.status == http.StatusUnauthorized || x.status == http.StatusForbidden:
		return fmt.Errorf("%w: %s", ErrDenied, reason)
	case x.status == http.StatusNotFound && isAnswer:
		return fmt.Errorf("%w: %s", ErrNotFound, reason)
	case x.status == http.StatusConflict || x.status == http.StatusUnprocessableEntity:
		return &RefusedError{Status: x.status, Reason: reason}
	case x.status == 0:
		return &UnreachableError{URL: c.URL(), Err: err}
	case x.status < 300 || x.status == http.StatusNotFound:
		return &UnreachableError{URL: c.URL(), Err: fmt.Errorf("it does not answer as a schema registry (HTTP status %d)", x.status)}
	}
	return &UnreachableError{URL: c.URL(), Err: errors.New(reason)}
}
