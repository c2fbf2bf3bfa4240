package avro

import (
	"fmt"
	"strings"

	"laminardb/connectors/format/column"
	"laminardb/sql/types"
)

// want is one column that a value has to fill.
type want struct {
	// path leads from the current record to the value; empty for the value
	// itself.
	path    []string
	col     *column.Column
	notNull bool
	name    string // the declared column, for reasons
}

// compiler makes the program for one writer schema.
type compiler struct {
	skips map[*node]*program
	depth int
}

// maxInline is the longest program of a record that is copied into the one of
// the record around it.
const maxInline = 8

// compileTop compiles the value of a record. reader is the subject's newest
// schema, whose aliases and defaults apply, or nil. An error is the reason why
// no record of this schema can be decoded.
func compileTop(writer, reader *node, wants []want) (program, error) {
	c := compiler{skips: map[*node]*program{}}
	if writer.kind != kindRecord {
		if len(wants) != 1 {
			return program{}, fmt.Errorf("the schema is %s, not a record", article(writer))
		}
		w := wants[0]
		w.path = nil
		return c.value(writer, reader, w)
	}
	return c.record(writer, reader, wants)
}

func article(n *node) string {
	if strings.ContainsRune("aeiou", rune(n.typ[0])) {
		return "an " + n.typ
	}
	return "a " + n.typ
}

// record compiles a record whose fields the wants name.
func (c *compiler) record(writer, reader *node, wants []want) (program, error) {
	byField := make([][]want, len(writer.fields))
	var p program
	for _, w := range wants {
		i := matchField(writer, reader, w.path[0])
		if i >= 0 {
			byField[i] = append(byField[i], w)
			continue
		}
		missing, err := c.missing(reader, w)
		if err != nil {
			return p, err
		}
		p.ops = append(p.ops, missing.ops...)
	}
	for i, f := range writer.fields {
		var inner *node
		if reader != nil && len(byField[i]) > 0 {
			if j := readerField(reader, byField[i][0].path[0]); j >= 0 {
				inner = reader.fields[j].node
			}
		}
		sub, err := c.field(f.node, inner, byField[i])
		if err != nil {
			return p, err
		}
		if len(byField[i]) == 0 {
			for j := range sub.ops {
				sub.ops[j].path = f.name
			}
		}
		p.ops = appendMerged(p.ops, sub.ops)
	}
	return p, nil
}

// appendMerged appends ops, joining neighbouring skips of fixed sizes.
func appendMerged(ops, more []op) []op {
	for _, o := range more {
		if last := len(ops) - 1; last >= 0 && o.code == opSkipFixed && ops[last].code == opSkipFixed && !o.nullable && !ops[last].nullable {
			ops[last].n += o.n
			continue
		}
		ops = append(ops, o)
	}
	return ops
}

// matchField returns the writer's field for a name: the field of that name, the
// one with that alias, the one that the reader's field was called before, or
// the only one whose name differs in case.
func matchField(writer, reader *node, name string) int {
	for i, f := range writer.fields {
		if f.name == name {
			return i
		}
	}
	for i, f := range writer.fields {
		for _, a := range f.aliases {
			if a == name {
				return i
			}
		}
	}
	if reader != nil {
		if j := readerField(reader, name); j >= 0 {
			for _, old := range append([]string{reader.fields[j].name}, reader.fields[j].aliases...) {
				for i, f := range writer.fields {
					if f.name == old {
						return i
					}
				}
			}
		}
	}
	return foldedField(writer, name)
}

func readerField(reader *node, name string) int {
	for i, f := range reader.fields {
		if f.name == name {
			return i
		}
	}
	return foldedField(reader, name)
}

func foldedField(n *node, name string) int {
	found := -1
	for i, f := range n.fields {
		if !strings.EqualFold(f.name, name) {
			continue
		}
		if found >= 0 {
			return -1
		}
		found = i
	}
	return found
}

// missing compiles a want that the writer does not have: the reader's default,
// else NULL.
func (c *compiler) missing(reader *node, w want) (program, error) {
	if reader != nil {
		if i := readerField(reader, w.path[0]); i >= 0 && reader.fields[i].hasDef {
			f := reader.fields[i]
			sub, err := c.field(f.node, f.node, []want{w})
			if err != nil {
				return sub, err
			}
			return program{[]op{{code: opCall, fn: runConstant, sub: &sub, data: f.def, path: w.name}}}, nil
		}
	}
	if w.notNull {
		return program{}, &missingError{field: w.path[0], column: w.name}
	}
	return nullProgram(w), nil
}

// missingError says that a NOT NULL column has no field to come from.
type missingError struct{ field, column string }

func (e *missingError) Error() string {
	return fmt.Sprintf("the schema has no field %q, and column %q is NOT NULL", e.field, e.column)
}

func nullProgram(w want) program {
	return program{[]op{{code: opCall, fn: runNull, col: w.col, notNull: w.notNull, path: w.name}}}
}

// field compiles one field for all its wants.
func (c *compiler) field(n, reader *node, wants []want) (program, error) {
	if len(wants) == 0 {
		return program{c.skip(n)}, nil
	}
	var parts []program
	var deeper []want
	for _, w := range wants {
		w.path = w.path[1:]
		if len(w.path) > 0 {
			deeper = append(deeper, w)
			continue
		}
		p, err := c.value(n, reader, w)
		if err != nil {
			return p, err
		}
		parts = append(parts, p)
	}
	if deeper != nil {
		p, err := c.inner(n, reader, deeper)
		if err != nil {
			return p, err
		}
		parts = append(parts, p)
	}
	// All but the last one read the value without moving on.
	var p program
	for i := range parts[:len(parts)-1] {
		p.ops = append(p.ops, op{code: opCall, fn: runPeek, sub: &parts[i]})
	}
	p.ops = append(p.ops, parts[len(parts)-1].ops...)
	return p, nil
}

// inner compiles a nested record of which the wants name fields.
func (c *compiler) inner(n, reader *node, wants []want) (program, error) {
	switch n.kind {
	case kindRecord:
		return c.record(n, recordOf(reader), wants)
	case kindUnion:
		return c.union(n, wants[0].name, func(branch *node) (program, error) {
			if branch.kind != kindNull {
				return c.inner(branch, recordOf(reader), wants)
			}
			var p program
			for _, w := range wants {
				p.ops = append(p.ops, nullProgram(w).ops...)
			}
			return p, nil
		})
	}
	return program{}, fmt.Errorf("column %q: the value is %s, not a record", wants[0].name, article(n))
}

// recordOf returns the record that n is or, for a nullable one, holds.
func recordOf(n *node) *node {
	if n == nil || n.kind == kindRecord {
		return n
	}
	for _, b := range n.branches {
		if b.kind == kindRecord {
			return b
		}
	}
	return nil
}

// value compiles a value into the want's column.
func (c *compiler) value(n, reader *node, w want) (program, error) {
	if c.depth++; c.depth > maxDepth {
		return program{}, fmt.Errorf("column %q: the schema is nested too deeply", w.name)
	}
	defer func() { c.depth-- }()
	switch n.kind {
	case kindNull:
		return nullProgram(w), nil
	case kindUnion:
		return c.nullable(n, reader, w)
	}
	if isJSON(w.col) && n.kind != kindString {
		return single(op{fn: runJSON, node: n, col: w.col, path: w.name}), nil
	}
	elem := w
	elem.notNull = false
	switch {
	case n.kind == kindArray && w.col.Type.Kind == types.Array:
		elem.col = w.col.Kids[0]
		items, err := c.value(n.items, nil, elem)
		return single(op{fn: runArray, sub: &items, n: n.items.width, col: w.col, path: w.name}), err
	case n.kind == kindMap && w.col.Type.Kind == types.Map && w.col.Type.Key.Kind == types.Text:
		elem.col = w.col.Kids[1]
		values, err := c.value(n.items, nil, elem)
		return single(op{fn: runMap, sub: &values, col: w.col, path: w.name}), err
	case n.kind == kindRecord && w.col.Type.Kind == types.Struct:
		return c.structure(n, reader, w)
	}
	o, ok := convert(n, w.col)
	if !ok {
		return program{}, mismatch(n, w)
	}
	o.col, o.path, o.notNull = w.col, w.name, w.notNull
	return program{[]op{o}}, nil
}

func single(o op) program {
	o.code = opCall
	return program{[]op{o}}
}

func mismatch(n *node, w want) error {
	typ := n.typ
	if n.logical != "" {
		typ += " (" + n.logical + ")"
	}
	return fmt.Errorf("column %q: Avro %s cannot be stored as %s", w.name, typ, w.col.Type)
}

func (c *compiler) structure(n, reader *node, w want) (program, error) {
	wants := make([]want, len(w.col.Kids))
	for i, f := range w.col.Type.Fields {
		wants[i] = want{path: []string{f.Name}, col: w.col.Kids[i], name: w.name + "." + f.Name}
	}
	sub, err := c.record(n, recordOf(reader), wants)
	return single(op{fn: runStruct, sub: &sub, col: w.col, path: w.name}), err
}

// nullable compiles a union into a column: of null and one type in one op.
func (c *compiler) nullable(n, reader *node, w want) (program, error) {
	if len(n.branches) == 2 {
		for i, b := range n.branches {
			if b.kind != kindNull {
				continue
			}
			p, err := c.value(n.branches[1-i], reader, w)
			if err == nil && len(p.ops) == 1 && !p.ops[0].nullable && n.branches[1-i].kind != kindNull {
				o := &p.ops[0]
				o.nullable, o.nullByte, o.notNull = true, byte(i<<1), w.notNull
				return p, nil
			}
		}
	}
	return c.union(n, w.name, func(branch *node) (program, error) { return c.value(branch, reader, w) })
}

// union compiles every branch. One that does not fit refuses the records that
// have it; if none but null fits, the schema is refused.
func (c *compiler) union(n *node, name string, compile func(*node) (program, error)) (program, error) {
	o := op{code: opCall, fn: runUnion, path: name, alts: make([]program, len(n.branches))}
	var firstErr error
	fits := 0
	for i, b := range n.branches {
		p, err := compile(b)
		switch {
		case err != nil:
			if firstErr == nil {
				firstErr = err
			}
			p = program{[]op{{code: opCall, fn: runReject, path: name, data: []byte(err.Error())}}}
		case b.kind != kindNull:
			fits++
		}
		o.alts[i] = p
	}
	if fits == 0 && firstErr != nil {
		return program{}, firstErr
	}
	return program{[]op{o}}, nil
}

func isJSON(c *column.Column) bool { return c.Type.Kind == types.JSON || c.Type.Kind == types.JSONB }
