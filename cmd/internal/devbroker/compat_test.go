package devbroker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
)

const (
	needsField = `{"type":"record","name":"A","fields":[{"name":"x","type":"long"},{"name":"y","type":"long"}]}`
	otherType  = `{"type":"record","name":"A","fields":[{"name":"x","type":"string"}]}`
	lostField  = `{"type":"record","name":"A","fields":[]}`
)

func TestEvolutionFollowsTheLevel(t *testing.T) {
	t.Parallel()
	_, c := start(t, "")
	for _, test := range []struct {
		level      sr.CompatibilityLevel
		schema     string
		compatible bool
	}{
		{sr.CompatBackward, nextSchema, true},
		{sr.CompatBackward, lostField, true},
		{sr.CompatBackward, needsField, false},
		{sr.CompatBackward, otherType, false},
		{sr.CompatForward, needsField, true},
		{sr.CompatForward, lostField, false},
		{sr.CompatFull, nextSchema, true},
		{sr.CompatFull, needsField, false},
		{sr.CompatFull, lostField, false},
		{sr.CompatNone, otherType, true},
	} {
		subject := "s/" + test.level.String() + "-value" // a name that must be escaped
		c.register(subject, firstSchema)
		if err := c.reg.SetCompatibility(t.Context(), sr.SetCompatibility{Level: test.level}, subject)[0].Err; err != nil {
			t.Fatal(err)
		}
		schema := sr.Schema{Schema: test.schema}
		got, err := c.reg.CheckCompatibility(t.Context(), subject, -1, schema)
		if err != nil || got.Is != test.compatible {
			t.Errorf("%v %s: is compatible: %v, %v", test.level, test.schema, got.Is, err)
		}
		_, err = c.reg.CreateSchema(t.Context(), subject, schema)
		if (err == nil) != test.compatible {
			t.Errorf("%v %s: registering gave %v", test.level, test.schema, err)
		}
		if _, err := c.reg.DeleteSubject(t.Context(), subject, sr.SoftDelete); err != nil {
			t.Fatal(err)
		}
		if _, err := c.reg.DeleteSubject(t.Context(), subject, sr.HardDelete); err != nil {
			t.Fatal(err)
		}
	}
}

// Only a transitive level looks behind the latest version.
func TestTransitiveLevelsCheckEveryVersion(t *testing.T) {
	t.Parallel()
	_, c := start(t, "")
	for level, accepted := range map[sr.CompatibilityLevel]bool{sr.CompatBackward: true, sr.CompatBackwardTransitive: false} {
		subject := level.String()
		set := func(level sr.CompatibilityLevel) {
			if err := c.reg.SetCompatibility(t.Context(), sr.SetCompatibility{Level: level}, subject)[0].Err; err != nil {
				t.Fatal(err)
			}
		}
		set(sr.CompatNone)
		c.register(subject, lostField)
		c.register(subject, nextSchema) // x needs a default to read the first version
		set(level)
		_, err := c.reg.CreateSchema(t.Context(), subject, sr.Schema{Schema: firstSchema})
		if (err == nil) != accepted {
			t.Errorf("%v: registering gave %v", level, err)
		}
	}
}

func TestInvalidSchemaIsRefused(t *testing.T) {
	t.Parallel()
	_, c := start(t, "")
	if _, err := c.reg.CreateSchema(t.Context(), "bad", sr.Schema{Schema: `{"type":"nonsense"}`}); err == nil {
		t.Error("a schema of no type was registered")
	}
}
