package parser

import (
	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

func (p *parser) create() (ast.Statement, error) {
	start := p.here()
	p.pos++
	replace := false
	if p.accept("or") {
		if err := p.expect("replace"); err != nil {
			return nil, err
		}
		replace = true
	}
	if t := p.peek(0); t.Is("temporary") || t.Is("temp") || t.Is("unlogged") || t.Is("recursive") {
		return nil, pgerr.At(t.Pos, pgerr.FeatureNotSupported, "CREATE %s is not supported", upper(t.Text))
	}
	kind, err := p.kind()
	if err != nil {
		return nil, err
	}
	missing := false
	if p.accept("if") {
		if err := p.expect("not", "exists"); err != nil {
			return nil, err
		}
		missing = true
	}
	if replace && missing {
		return nil, pgerr.At(int(start), pgerr.SyntaxError, "OR REPLACE and IF NOT EXISTS exclude each other")
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	switch kind {
	case "source", "table":
		return p.relation(&ast.CreateRelation{
			Pos: start, Table: kind == "table", OrReplace: replace, IfNotExists: missing, Name: name,
		})
	case "sink":
		return p.sink(&ast.CreateSink{Pos: start, OrReplace: replace, IfNotExists: missing, Name: name})
	}
	return p.createQuery(&ast.CreateQuery{Pos: start, Kind: kind, OrReplace: replace, IfNotExists: missing, Name: name})
}

// relation reads CREATE SOURCE and CREATE TABLE after the name. The clauses after
// the columns may come in any order, each at most once.
func (p *parser) relation(out *ast.CreateRelation) (ast.Statement, error) {
	if p.peek(0).IsOp("(") {
		if err := p.columns(out); err != nil {
			return nil, err
		}
	}
	connected := false
	for !p.atEnd() {
		at := p.pos
		var err error
		switch {
		case p.words("from"), p.words("with"):
			if connected {
				return nil, p.syntaxError()
			}
			connected = true
			out.Connector, out.Options, err = p.connection("from")
		case p.words("watermark"):
			err = p.watermark(out)
		case p.words("include"):
			err = p.include(out)
		case p.words("as"):
			return nil, pgerr.At(int(p.here()), pgerr.FeatureNotSupported, "CREATE TABLE AS is not supported").
				WithHint("CREATE MATERIALIZED VIEW .. AS keeps the result of a query current.")
		}
		if err != nil {
			return nil, err
		}
		if p.pos == at {
			return nil, p.syntaxError().WithHint("The clauses here are FROM KAFKA (..), WITH (..), INCLUDE .. and WATERMARK FOR column AS expression.")
		}
	}
	return out, nil
}

// connection reads {FROM|INTO} CONNECTOR (..) or WITH (connector = .., ..).
func (p *parser) connection(word string) (string, []ast.Option, error) {
	if p.accept("with") {
		options, err := p.options()
		name, rest := connector(options)
		return name, rest, err
	}
	if err := p.expect(word); err != nil {
		return "", nil, err
	}
	name, err := p.identifier()
	if err != nil {
		return "", nil, err
	}
	at := p.here()
	options, err := p.options()
	if err != nil {
		return "", nil, err
	}
	if other, rest := connector(options); len(rest) != len(options) && other != name {
		return "", nil, pgerr.At(int(at), pgerr.SyntaxError, `connector "%s" contradicts %s %s`, other, upper(word), upper(name))
	} else {
		options = rest
	}
	return name, options, nil
}

func (p *parser) columns(out *ast.CreateRelation) error {
	p.pos++
	for {
		if err := p.columnOrConstraint(out); err != nil {
			return err
		}
		if p.acceptOp(")") {
			break
		}
		if err := p.expectOp(","); err != nil {
			return err
		}
	}
	for i, col := range out.Columns {
		for _, before := range out.Columns[:i] {
			if before.Name == col.Name {
				return pgerr.At(int(col.Pos), pgerr.DuplicateColumn, `column "%s" specified more than once`, col.Name)
			}
		}
	}
	return nil
}

func (p *parser) columnOrConstraint(out *ast.CreateRelation) error {
	switch {
	case p.words("watermark", "for"):
		return p.watermark(out)
	case p.words("primary", "key"):
		return p.primaryKey(out)
	case p.words("constraint"), p.words("unique"), p.words("check"), p.words("foreign"), p.words("like"), p.words("exclude"):
		if p.words("constraint") && p.peek(2).Is("primary") {
			p.pos += 2
			return p.primaryKey(out)
		}
		return pgerr.At(int(p.here()), pgerr.FeatureNotSupported, "%s constraints are not supported", upper(p.peek(0).Text))
	}
	return p.columnDef(out)
}

func (p *parser) primaryKey(out *ast.CreateRelation) error {
	at := p.here()
	if err := p.expect("primary", "key"); err != nil {
		return err
	}
	if len(out.PrimaryKey) > 0 {
		return multipleKeys(at, out)
	}
	var err error
	out.PrimaryKey, err = p.nameList()
	return err
}

func multipleKeys(at ast.Pos, out *ast.CreateRelation) error {
	return pgerr.At(int(at), pgerr.InvalidTableDefinition, `multiple primary keys for table "%s" are not allowed`, out.Name.Last())
}

func (p *parser) columnDef(out *ast.CreateRelation) error {
	col := ast.ColumnDef{Pos: p.here()}
	var err error
	if col.Name, err = p.identifier(); err != nil {
		return err
	}
	if col.Type, err = p.typeName(); err != nil {
		return err
	}
	for {
		at := p.here()
		switch {
		case p.accept("not", "null"):
			col.NotNull = true
		case p.accept("null"):
		case p.accept("primary", "key"):
			if len(out.PrimaryKey) > 0 {
				return multipleKeys(at, out)
			}
			col.PrimaryKey, out.PrimaryKey = true, []string{col.Name}
		case p.accept("default"):
			end := p.until(p.pos, func(i int) bool {
				return p.tokens[i].IsOp(",") || p.wordsAt(i, "not", "null") || p.wordsAt(i, "primary", "key") || i > p.pos && p.tokens[i].Is("null")
			})
			if col.Default, err = p.exprUntil(end); err != nil {
				return err
			}
		case p.words("unique"), p.words("check"), p.words("references"), p.words("generated"), p.words("collate"), p.words("constraint"):
			return pgerr.At(int(at), pgerr.FeatureNotSupported, "column constraint %s is not supported", upper(p.peek(0).Text))
		default:
			out.Columns = append(out.Columns, col)
			return nil
		}
	}
}

// watermark reads WATERMARK FOR column AS expression.
func (p *parser) watermark(out *ast.CreateRelation) error {
	w := &ast.Watermark{Pos: p.here()}
	if out.Watermark != nil {
		return pgerr.At(int(w.Pos), pgerr.SyntaxError, "WATERMARK given more than once")
	}
	if err := p.expect("watermark", "for"); err != nil {
		return err
	}
	var err error
	if w.Column, err = p.identifier(); err != nil {
		return err
	}
	out.Watermark = w
	if !p.accept("as") {
		// WATERMARK FOR c means that c never goes back.
		at := ast.Pos(p.tokens[p.pos-1].Pos)
		w.Expr = &ast.Column{At: ast.At{Pos: at}, Name: ast.Name{Pos: at, Parts: []string{w.Column}}}
		return nil
	}
	end := p.until(p.pos, func(i int) bool {
		t := p.tokens[i]
		return t.IsOp(",") || t.Is("with") || t.Is("from") || t.Is("include")
	})
	w.Expr, err = p.exprUntil(end)
	return err
}

// include reads INCLUDE key [AS name] [, ..]; INCLUDE may be repeated.
func (p *parser) include(out *ast.CreateRelation) error {
	p.pos++
	for {
		inc := ast.Include{Pos: p.here()}
		t := p.peek(0)
		switch t.Text {
		case "key", "partition", "offset", "timestamp", "headers":
			if t.Kind != lexer.Word {
				return p.syntaxError()
			}
		default:
			return p.syntaxError().WithHint("INCLUDE takes key, partition, offset, timestamp or headers.")
		}
		inc.What, inc.As = t.Text, "_kafka_"+t.Text
		p.pos++
		if p.accept("as") {
			var err error
			if inc.As, err = p.identifier(); err != nil {
				return err
			}
		}
		out.Includes = append(out.Includes, inc)
		if !p.acceptOp(",") {
			return nil
		}
		p.accept("include")
	}
}
