// Package example holds the market-data example: the Avro schemas of its
// topics and the SQL of its ten pipelines, embedded so that a binary can run
// the example without a checkout.
//
// Nouns: Schema (the text of schemas/<name>.avsc), Script (one CREATE statement
// in a file of its own, under sql/sources, sql/streams, sql/more or sql/sinks).
//
// Rule: a statement stands in one file only. sql/sources.sql, streams.sql, more.sql
// and sinks.sql, and all.sql over them, merely include the files for `psql -f`; a program that speaks the
// wire protocol itself sends Scripts in their order.
package example

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

// files is the example as it stands in the repository.
//
//go:embed schemas/*.avsc sql/*.sql sql/*/*.sql
var files embed.FS

// Script is one SQL statement with its leading comment, ending in ";\n".
type Script struct {
	// Name is the name of the object it creates, or that the sink it creates
	// reads: ohlc_bars.
	Name string
	// Path is the file under examples/market-data: sql/streams/01_ohlc_bars.sql.
	Path string
	SQL  string
}

// Object is the name of the object that the script creates: a sink is not named
// as what it reads.
func (s Script) Object() string {
	if strings.HasPrefix(s.Path, "sql/sinks/") {
		return s.Name + "_sink"
	}
	return s.Name
}

// Sources returns the CREATE SOURCE and CREATE TABLE statements.
func Sources() []Script { return scripts("sql/sources") }

// Streams returns the pipelines, each after those that it reads.
func Streams() []Script { return scripts("sql/streams") }

// More returns further queries over the same sources: a join of three inputs and
// frames of rows and of time.
func More() []Script { return scripts("sql/more") }

// Sinks returns the CREATE SINK statements. A script's name is that of the
// stream that the sink reads.
func Sinks() []Script { return scripts("sql/sinks") }

// Schema returns the text of schemas/<name>.avsc. The names are market_tick,
// order_event and reference_data; any other panics, for the set is fixed.
func Schema(name string) string {
	text, err := files.ReadFile("schemas/" + name + ".avsc")
	if err != nil {
		panic(fmt.Sprintf("example: no schema %q: %v", name, err))
	}
	return string(text)
}

// scripts reads a directory's files in the order of their names, which begin
// with the number of the pipeline.
func scripts(dir string) []Script {
	entries, err := files.ReadDir(dir)
	if err != nil {
		panic(fmt.Sprintf("example: %v", err))
	}
	out := make([]Script, 0, len(entries))
	for _, e := range entries {
		p := path.Join(dir, e.Name())
		text, err := files.ReadFile(p)
		if err != nil {
			panic(fmt.Sprintf("example: %v", err))
		}
		_, name, _ := strings.Cut(strings.TrimSuffix(e.Name(), ".sql"), "_")
		out = append(out, Script{Name: name, Path: p, SQL: string(text)})
	}
	return out
}
