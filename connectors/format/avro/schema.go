package avro

import (
	"fmt"
	"strings"

	"github.com/twmb/avro"
)

// kind is an Avro type.
type kind uint8

const (
	kindNull kind = iota
	kindBoolean
	kindInt
	kindLong
	kindFloat
	kindDouble
	kindBytes
	kindString
	kindRecord
	kindEnum
	kindArray
	kindMap
	kindFixed
	kindUnion
)

// kinds gives each type name its kind. An error is a record.
var kinds = map[string]kind{
	"null": kindNull, "boolean": kindBoolean, "int": kindInt, "long": kindLong, "float": kindFloat,
	"double": kindDouble, "bytes": kindBytes, "string": kindString, "record": kindRecord, "error": kindRecord,
	"enum": kindEnum, "array": kindArray, "map": kindMap, "fixed": kindFixed, "union": kindUnion,
}

// node is a schema with its names resolved, so that a recursive schema is a
// cyclic graph.
type node struct {
	kind      kind
	typ       string // the type's name in messages
	logical   string
	fields    []field
	items     *node // of an array, or a map's values
	branches  []*node
	symbols   []string
	size      int
	precision int
	scale     int
	// width is the least number of bytes that a value takes.
	width int
}

type field struct {
	name    string
	aliases []string
	node    *node
	// def is the default's Avro encoding, nil for none.
	def    []byte
	hasDef bool
}

// maxSchemaNodes bounds a parsed schema: names make small texts mean large
// graphs, but a graph with resolved names is as small as its text.
const maxSchemaNodes = 100_000

// maxScale bounds a decimal's scale, and with it the length of its text.
const maxScale = 1000

// maxDefault bounds a default's bytes, because a batch repeats it in every row.
const maxDefault = 64 << 10

// parseSchema parses a schema behind those that it refers to.
func parseSchema(text string, references []string) (*node, error) {
	var cache avro.SchemaCache
	b := graph{named: map[string]*node{}}
	for _, ref := range references {
		if _, err := b.parse(&cache, ref); err != nil {
			return nil, fmt.Errorf("parsing a referenced schema: %w", err)
		}
	}
	n, err := b.parse(&cache, text)
	if err != nil {
		return nil, err
	}
	for _, d := range b.defaults {
		if err := d(); err != nil {
			return nil, err
		}
	}
	b.widths()
	return n, nil
}

// graph turns the parser's trees into nodes.
type graph struct {
	named    map[string]*node
	all      []*node
	defaults []func() error
}

func (g *graph) parse(cache *avro.SchemaCache, text string) (*node, error) {
	s, err := cache.Parse(text)
	if err != nil {
		return nil, err
	}
	return g.node(s.Root(), "")
}

// node converts s, which stands inside the namespace.
func (g *graph) node(s *avro.SchemaNode, namespace string) (*node, error) {
	k, known := kinds[s.Type]
	if !known {
		if n := g.named[namespace+"."+s.Type]; n != nil {
			return n, nil
		}
		if n := g.named[s.Type]; n != nil {
			return n, nil
		}
		return nil, fmt.Errorf("type %q is not defined", s.Type)
	}
	if len(g.all) == maxSchemaNodes {
		return nil, fmt.Errorf("the schema has more than %d types", maxSchemaNodes)
	}
	n := &node{
		kind: k, typ: s.Type, logical: s.LogicalType, symbols: s.Symbols,
		size: s.Size, precision: s.Precision, scale: s.Scale,
	}
	if n.logical == "decimal" && (n.scale < 0 || n.scale > maxScale) {
		return nil, fmt.Errorf("a decimal with scale %d; the limit is %d", n.scale, maxScale)
	}
	g.all = append(g.all, n)
	if k == kindRecord || k == kindEnum || k == kindFixed {
		name := s.Name
		if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
			namespace = name[:dot]
		} else if namespace = s.Namespace; namespace != "" {
			name = namespace + "." + name
		}
		g.named[name] = n
	}
	return n, g.children(n, s, namespace)
}

func (g *graph) children(n *node, s *avro.SchemaNode, namespace string) (err error) {
	switch n.kind {
	case kindRecord:
		for i := range s.Fields {
			f, err := g.field(&s.Fields[i], namespace)
			if err != nil {
				return err
			}
			n.fields = append(n.fields, f)
			if f.hasDef {
				g.encodeDefault(n, i, &s.Fields[i])
			}
		}
	case kindArray:
		n.items, err = g.node(s.Items, namespace)
	case kindMap:
		n.items, err = g.node(s.Values, namespace)
	case kindUnion:
		for i := range s.Branches {
			branch, err := g.node(&s.Branches[i], namespace)
			if err != nil {
				return err
			}
			n.branches = append(n.branches, branch)
		}
	}
	return err
}

func (g *graph) field(s *avro.SchemaField, namespace string) (field, error) {
	n, err := g.node(&s.Type, namespace)
	return field{name: s.Name, aliases: s.Aliases, node: n, hasDef: s.HasDefault}, err
}

// encodeDefault arranges for the default to be encoded once all names are known.
func (g *graph) encodeDefault(n *node, i int, s *avro.SchemaField) {
	g.defaults = append(g.defaults, func() error {
		schema, err := s.Type.Schema()
		if err != nil {
			return fmt.Errorf("reading the default of field %q: %w", s.Name, err)
		}
		def, err := schema.Encode(s.Default)
		if err != nil {
			return fmt.Errorf("reading the default of field %q: %w", s.Name, err)
		}
		if len(def) > maxDefault {
			return fmt.Errorf("the default of field %q has %d bytes; the limit is %d", s.Name, len(def), maxDefault)
		}
		n.fields[i].def = def
		return nil
	})
}

// maxWidth caps widths, whose sums could grow without bound.
const maxWidth = 1 << 10

// widths computes the least widths, by iteration because of cycles. Starting at
// zero gives the smallest solution that is never too large.
func (g *graph) widths() {
	for changed := true; changed; {
		changed = false
		for _, n := range g.all {
			if w := min(n.leastWidth(), maxWidth); w > n.width {
				n.width, changed = w, true
			}
		}
	}
}

func (n *node) leastWidth() int {
	switch n.kind {
	case kindNull:
		return 0
	case kindFloat:
		return 4
	case kindDouble:
		return 8
	case kindFixed:
		return n.size
	case kindRecord:
		sum := 0
		for _, f := range n.fields {
			sum = min(sum+f.node.width, maxWidth)
		}
		return sum
	}
	return 1 // boolean, a varint, a length, a block's end, a branch
}
