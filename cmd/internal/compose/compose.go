// Package compose reads docker-compose.yml as far as the tests check it: no
// container engine is at hand where they run.
//
// Nouns: File, Service.
//
// Rule: keys that it does not know are errors, so that nothing in the file goes
// unchecked.
package compose

import (
	"bytes"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"
)

// File is a compose file.
type File struct {
	Name     string              `yaml:"name"`
	Services map[string]*Service `yaml:"services"`
	Volumes  map[string]struct{} `yaml:"volumes"`
}

// Service is one of its containers.
type Service struct {
	Image       string               `yaml:"image"`
	Build       string               `yaml:"build"`
	Entrypoint  []string             `yaml:"entrypoint"`
	Command     []string             `yaml:"command"`
	Environment map[string]string    `yaml:"environment"`
	Ports       []string             `yaml:"ports"`
	Volumes     []string             `yaml:"volumes"`
	Restart     string               `yaml:"restart"`
	StopGrace   string               `yaml:"stop_grace_period"`
	Healthcheck *Healthcheck         `yaml:"healthcheck"`
	DependsOn   map[string]Condition `yaml:"depends_on"`
}

// Healthcheck says when a service is healthy.
type Healthcheck struct {
	Test     []string `yaml:"test"`
	Interval string   `yaml:"interval"`
	Timeout  string   `yaml:"timeout"`
	Retries  int      `yaml:"retries"`
	Disable  bool     `yaml:"disable"`
}

// Condition is what a service waits for.
type Condition struct {
	Condition string `yaml:"condition"`
}

// Load reads a compose file.
func Load(path string) (*File, error) {
	var f File
	return &f, LoadYAML(path, &f)
}

// LoadYAML reads a YAML file into v; keys that v does not have are errors.
func LoadYAML(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}
