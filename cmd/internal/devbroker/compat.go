package devbroker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
)

// srfake takes every schema for compatible with every other. A registry that
// says so lets an evolution pass that breaks elsewhere, so Avro schemas are
// checked here, before srfake sees them, by the level of their subject:
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html
// Schemas of other types, and those with references, pass unchecked.

// incompatible is the registry's status, and error code, for a refusal.
const incompatible = http.StatusConflict

// verdict answers a request that srfake would grant unseen; ok is false for
// those that it may have.
func (r *registry) verdict(c change) (answer change, ok bool) {
	subject, version, testing, ok := target(c)
	if !ok {
		return c, false
	}
	var posted sr.Schema
	if err := json.Unmarshal([]byte(c.Body), &posted); err != nil || posted.Type != sr.TypeAvro || len(posted.References) > 0 {
		return c, false
	}
	schema, err := avro.Parse(posted.Schema)
	if err != nil {
		return c.answered(http.StatusUnprocessableEntity, map[string]any{"error_code": sr.ErrInvalidSchema.Code, "message": err.Error()}), true
	}
	broken := r.broken(subject, version, schema)
	switch {
	case testing && broken != nil:
		return c.answered(http.StatusOK, map[string]any{"is_compatible": false, "messages": []string{broken.Error()}}), true
	case broken != nil:
		message := fmt.Sprintf("Schema being registered is incompatible with an earlier schema for subject %q: %v", subject, broken)
		return c.answered(incompatible, map[string]any{"error_code": incompatible, "message": message}), true
	}
	return c, false
}

// target takes a request apart that registers a schema, or tests one against
// one version or all ("").
func target(c change) (subject, version string, testing, ok bool) {
	path, _, _ := strings.Cut(c.URI, "?")
	if c.Method != http.MethodPost {
		return "", "", false, false
	}
	if path, testing = strings.CutPrefix(path, "/compatibility"); !testing {
		version = "latest"
	}
	parts := strings.Split(path, "/") // "", subjects, SUBJECT, versions[, VERSION]
	switch {
	case len(parts) < 4 || len(parts) > 5 || parts[1] != "subjects" || parts[3] != "versions":
		return "", "", false, false
	case len(parts) == 5 && !testing:
		return "", "", false, false
	case len(parts) == 5 && parts[4] == "-1":
		version = "latest"
	case len(parts) == 5:
		version = parts[4]
	}
	subject, err := url.PathUnescape(parts[2])
	return subject, version, testing, err == nil
}

// broken says what schema breaks in a subject: against one version, or against
// all if version is "" or the subject's level is transitive.
func (r *registry) broken(subject, version string, schema *avro.Schema) error {
	base := "/subjects/" + url.PathEscape(subject) + "/versions"
	var config struct {
		Level sr.CompatibilityLevel `json:"compatibilityLevel"`
	}
	if !r.get("/config/"+url.PathEscape(subject), &config) || config.Level == sr.CompatNone {
		return nil
	}
	level := config.Level.String()
	versions := []string{version}
	if version == "" || strings.HasSuffix(level, "_TRANSITIVE") {
		var all []json.Number
		r.get(base, &all)
		versions = versions[:0]
		for _, v := range all {
			versions = append(versions, v.String())
		}
	}
	for _, v := range versions {
		var have struct {
			Schema string `json:"schema"`
		}
		if !r.get(base+"/"+v, &have) {
			continue // no such version: nothing to break
		}
		old, err := avro.Parse(have.Schema)
		if err != nil {
			continue // it has references
		}
		if err := conflict(level, old, schema); err != nil {
			return fmt.Errorf("version %s: %w", v, err)
		}
	}
	return nil
}

// conflict says why a pair of schemas doesn't meet a level.
func conflict(level string, old, schema *avro.Schema) error {
	if !strings.HasPrefix(level, "FORWARD") { // BACKWARD, FULL: the new one reads old data
		if err := avro.CheckCompatibility(old, schema); err != nil {
			return err
		}
	}
	if !strings.HasPrefix(level, "BACKWARD") { // FORWARD, FULL: the old one reads new data
		return avro.CheckCompatibility(schema, old)
	}
	return nil
}

// get asks srfake. It is false for anything but a good answer.
func (r *registry) get(uri string, into any) bool {
	c := r.serve(change{Method: http.MethodGet, URI: uri})
	return c.Status == http.StatusOK && json.Unmarshal([]byte(c.Response), into) == nil
}

// answered is c with an answer.
func (c change) answered(status int, body map[string]any) change {
	text, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("devbroker: encoding strings: %v", err))
	}
	c.Status, c.Response = status, string(text)+"\n"
	return c
}
