package parser

import (
	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

// statement reads one statement by its first word.
func (p *parser) statement() (ast.Statement, error) {
	t := p.peek(0)
	if t.IsOp("(") {
		return p.dml()
	}
	if t.Kind != lexer.Word {
		return nil, p.syntaxError()
	}
	switch t.Text {
	case "select", "values", "table", "with", "insert", "update", "delete":
		return p.dml()
	case "create":
		return p.create()
	case "drop":
		return p.drop()
	case "alter":
		return p.alter()
	case "subscribe":
		return p.subscribe()
	case "declare":
		return p.declare()
	case "fetch":
		return p.fetch()
	case "close":
		return p.closeCursor()
	case "copy":
		return p.copy()
	case "show":
		return p.show()
	case "describe", "desc":
		return p.describe()
	case "explain":
		return p.explain()
	case "set", "reset":
		return p.setting()
	}
	return p.session(t)
}

// session reads the statements about the session and its transaction.
func (p *parser) session(t lexer.Token) (ast.Statement, error) {
	switch t.Text {
	case "checkpoint":
		pos := p.here()
		p.pos++
		return &ast.Checkpoint{Pos: pos}, nil
	case "begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release":
		return p.transaction()
	case "prepare":
		return p.prepare()
	case "execute":
		return p.execute()
	case "deallocate":
		return p.deallocate()
	case "discard":
		return p.discard()
	case "unlisten":
		out := &ast.Unlisten{Pos: p.here()}
		p.pos++
		if p.acceptOp("*") {
			return out, nil
		}
		_, err := p.identifier()
		return out, err
	}
	return nil, p.unknownStatement(t)
}

// unknownStatement is a syntax error, or 0A000 for what PostgreSQL knows.
func (p *parser) unknownStatement(t lexer.Token) error {
	switch t.Text {
	case "analyze", "vacuum", "truncate", "grant", "revoke", "comment", "lock", "listen", "notify",
		"merge", "call", "do", "cluster", "reindex", "refresh", "import", "security", "load", "reassign", "move":
		return pgerr.At(t.Pos, pgerr.FeatureNotSupported, "%s is not supported", upper(t.Text))
	}
	return p.syntaxError()
}

// ifExists passes IF EXISTS.
func (p *parser) ifExists() (bool, error) {
	if !p.accept("if") {
		return false, nil
	}
	return true, p.expect("exists")
}

// kind reads a kind of object, as DROP, ALTER and SHOW CREATE name it.
func (p *parser) kind() (string, error) {
	for _, k := range []string{"source", "table", "stream", "view", "sink"} {
		if p.accept(k) {
			return k, nil
		}
	}
	if p.accept("materialized") {
		return "materialized view", p.expect("view")
	}
	err := p.syntaxError()
	switch t := p.peek(0); t.Text {
	case "index", "schema", "database", "type", "function", "role", "user", "sequence", "extension", "trigger", "domain":
		if t.Kind == lexer.Word {
			return "", pgerr.At(t.Pos, pgerr.FeatureNotSupported, "%s is not supported", upper(t.Text))
		}
	}
	return "", err.WithHint("Kinds of objects: SOURCE, TABLE, STREAM, MATERIALIZED VIEW, VIEW, SINK.")
}

func (p *parser) drop() (ast.Statement, error) {
	out := &ast.Drop{Pos: p.here()}
	p.pos++
	var err error
	if out.Kind, err = p.kind(); err != nil {
		return nil, err
	}
	if out.IfExists, err = p.ifExists(); err != nil {
		return nil, err
	}
	for {
		n, err := p.name()
		if err != nil {
			return nil, err
		}
		out.Names = append(out.Names, n)
		if !p.acceptOp(",") {
			break
		}
	}
	if out.Cascade = p.accept("cascade"); !out.Cascade {
		p.accept("restrict")
	}
	return out, nil
}

func (p *parser) alter() (ast.Statement, error) {
	out := &ast.Alter{Pos: p.here()}
	p.pos++
	var err error
	if out.Kind, err = p.kind(); err != nil {
		return nil, err
	}
	if out.IfExists, err = p.ifExists(); err != nil {
		return nil, err
	}
	if out.Name, err = p.name(); err != nil {
		return nil, err
	}
	switch {
	case p.accept("rename"):
		if err = p.expect("to"); err == nil {
			out.RenameTo, err = p.identifier()
		}
	case p.accept("set"):
		out.Set, err = p.options()
	case p.accept("reset"):
		out.Reset, err = p.optionNames()
	default:
		err = p.syntaxError().WithHint("ALTER has the forms RENAME TO name, SET (option = value, ..) and RESET (option, ..).")
	}
	return out, err
}
