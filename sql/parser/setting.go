package parser

import (
	"strings"

	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

// show reads SHOW SOURCES and its like, SHOW CREATE kind name, SHOW setting.
func (p *parser) show() (ast.Statement, error) {
	out := &ast.Show{Pos: p.here()}
	p.pos++
	for _, what := range [][]string{
		{"sources"},
		{"tables"},
		{"streams"},
		{"views"},
		{"sinks"},
		{"materialized", "views"},
		{"checkpoint", "status"},
		{"subscriptions"},
		{"events"},
		{"metrics"},
		{"dependencies"},
		{"late", "rows"},
		{"dead", "letters"},
		{"source", "splits"},
	} {
		if p.words(what...) && p.pos+len(what) == p.end {
			p.pos = p.end
			out.What = strings.Join(what, " ")
			return out, nil
		}
	}
	var err error
	if p.accept("create") {
		out.What = "create"
		if out.Kind, err = p.kind(); err == nil {
			out.Name, err = p.name()
		}
		return out, err
	}
	out.What = "setting"
	switch {
	case p.accept("all"):
		out.Setting = "all"
	default:
		out.Setting, err = p.settingName()
	}
	return out, err
}

// settingName reads a name with dots, and PostgreSQL's names of several words.
func (p *parser) settingName() (string, error) {
	switch {
	case p.accept("time", "zone"):
		return "timezone", nil
	case p.accept("transaction", "isolation", "level"):
		return "transaction_isolation", nil
	case p.accept("session", "authorization"):
		return "session_authorization", nil
	}
	var parts []string
	for {
		part, err := p.label()
		if err != nil {
			return "", err
		}
		parts = append(parts, strings.ToLower(part))
		if !p.acceptOp(".") {
			return strings.Join(parts, "."), nil
		}
	}
}

// setting reads SET and RESET.
func (p *parser) setting() (ast.Statement, error) {
	out := &ast.Set{Pos: p.here()}
	var err error
	if p.accept("reset") {
		out.Default = true
		if p.accept("all") {
			out.Name = "all"
			return out, nil
		}
		out.Name, err = p.settingName()
		return out, err
	}
	p.pos++
	for kind, words := range map[string][]string{
		"characteristics": {"session", "characteristics", "as", "transaction"}, "set": {"transaction"},
	} {
		if p.accept(words...) {
			modes, err := p.modes()
			return &ast.Transaction{Pos: out.Pos, Kind: kind, Modes: modes}, err
		}
	}
	if out.Local = p.accept("local"); !out.Local && !p.peek(1).IsOp("=") && !p.peek(1).Is("to") && !p.words("session", "authorization") {
		p.accept("session")
	}
	switch {
	case p.accept("names"):
		out.Name = "client_encoding"
	case p.accept("time", "zone"):
		out.Name = "timezone"
	default:
		if out.Name, err = p.settingName(); err != nil {
			return nil, err
		}
		if out.Name != "session_authorization" && !p.acceptOp("=") && !p.accept("to") {
			return nil, p.syntaxError()
		}
	}
	return out, p.settingValues(out)
}

func (p *parser) settingValues(out *ast.Set) error {
	if p.accept("default") || out.Name == "timezone" && p.accept("local") {
		out.Default = true
		return nil
	}
	for {
		v, err := p.optionValue()
		if err != nil {
			return err
		}
		out.Values = append(out.Values, v)
		if !p.acceptOp(",") {
			return nil
		}
	}
}

// modes reads transaction modes to the end of the statement.
func (p *parser) modes() (m ast.Modes, err error) {
	for !p.atEnd() {
		switch {
		case p.accept("isolation", "level"):
			switch {
			case p.accept("read", "committed"):
				m.Isolation = "read committed"
			case p.accept("read", "uncommitted"):
				m.Isolation = "read uncommitted"
			case p.accept("repeatable", "read"):
				m.Isolation = "repeatable read"
			case p.accept("serializable"):
				m.Isolation = "serializable"
			default:
				return m, p.syntaxError()
			}
		case p.accept("read", "only"):
			m.ReadOnly, m.ReadWrite = true, false
		case p.accept("read", "write"):
			m.ReadOnly, m.ReadWrite = false, true
		case p.accept("deferrable"), p.accept("not", "deferrable"): // about SERIALIZABLE only
		default:
			return m, p.syntaxError()
		}
		p.acceptOp(",")
	}
	return m, nil
}

// transaction reads BEGIN, COMMIT, ROLLBACK, savepoints and their synonyms.
func (p *parser) transaction() (ast.Statement, error) {
	out := &ast.Transaction{Pos: p.here()}
	word := p.peek(0).Text
	p.pos++
	var err error
	switch word {
	case "start":
		if err := p.expect("transaction"); err != nil {
			return nil, err
		}
		out.Kind = "begin"
		out.Modes, err = p.modes()
	case "begin":
		out.Kind = "begin"
		p.noiseWord()
		out.Modes, err = p.modes()
	case "commit", "end":
		out.Kind = "commit"
		p.noiseWord()
		err = p.chain()
	case "rollback", "abort":
		out.Kind = "rollback"
		p.noiseWord()
		if word == "rollback" && p.accept("to") {
			out.Kind = "rollback to"
			p.accept("savepoint")
			out.Name, err = p.identifier()
			return out, err
		}
		err = p.chain()
	default:
		out.Kind = word
		p.accept("savepoint")
		out.Name, err = p.identifier()
	}
	return out, err
}

func (p *parser) noiseWord() {
	if !p.accept("work") {
		p.accept("transaction")
	}
}

func (p *parser) chain() error {
	if p.accept("and", "no", "chain") {
		return nil
	}
	if p.words("and", "chain") || p.words("prepared") {
		return pgerr.At(int(p.here()), pgerr.FeatureNotSupported, "%s is not supported here", upper(p.peek(0).Text))
	}
	return nil
}

func (p *parser) prepare() (ast.Statement, error) {
	out := &ast.Prepare{Pos: p.here()}
	p.pos++
	if p.words("transaction") {
		return nil, pgerr.At(int(p.here()), pgerr.FeatureNotSupported, "two-phase commit is not supported")
	}
	var err error
	if out.Name, err = p.identifier(); err != nil {
		return nil, err
	}
	if p.acceptOp("(") {
		for {
			t, err := p.typeName()
			if err != nil {
				return nil, err
			}
			out.Types = append(out.Types, t)
			if p.acceptOp(")") {
				break
			}
			if err := p.expectOp(","); err != nil {
				return nil, err
			}
		}
	}
	if err := p.expect("as"); err != nil {
		return nil, err
	}
	if t := p.peek(0); t.Is("prepare") || t.Is("explain") || t.Is("execute") {
		return nil, p.syntaxError()
	}
	out.Statement, err = p.statement()
	return out, err
}

func (p *parser) execute() (ast.Statement, error) {
	out := &ast.Execute{Pos: p.here()}
	p.pos++
	var err error
	if out.Name, err = p.identifier(); err != nil {
		return nil, err
	}
	if p.peek(0).IsOp("(") {
		end := int(p.match[p.pos])
		if end < 0 {
			return nil, p.syntaxErrorAt(p.end)
		}
		out.Args, err = p.sub(p.pos+1, end).exprList()
		p.pos = end + 1
	}
	return out, err
}

func (p *parser) deallocate() (ast.Statement, error) {
	out := &ast.Deallocate{Pos: p.here()}
	p.pos++
	p.accept("prepare")
	if p.accept("all") {
		return out, nil
	}
	var err error
	out.Name, err = p.identifier()
	return out, err
}

func (p *parser) discard() (ast.Statement, error) {
	out := &ast.Discard{Pos: p.here()}
	p.pos++
	t := p.peek(0)
	switch t.Text {
	case "all", "plans", "sequences", "temp", "temporary":
		if t.Kind == lexer.Word {
			p.pos++
			out.What = t.Text
			return out, nil
		}
	}
	return nil, p.syntaxError()
}

// describe reads DESCRIBE [EXTENDED] name.
func (p *parser) describe() (ast.Statement, error) {
	out := &ast.Describe{Pos: p.here()}
	p.pos++
	if p.words("extended") && p.pos+1 < p.end {
		p.pos++
		out.Extended = true
	}
	var err error
	out.Name, err = p.name()
	return out, err
}

// explain reads EXPLAIN [ANALYZE] [VERBOSE] | (options) statement.
func (p *parser) explain() (ast.Statement, error) {
	out := &ast.Explain{Pos: p.here()}
	p.pos++
	if p.peek(0).IsOp("(") && !p.peek(1).Is("select") && !p.peek(1).Is("with") && !p.peek(1).Is("values") && !p.peek(1).IsOp("(") {
		options, err := p.options()
		if err != nil {
			return nil, err
		}
		for _, o := range options {
			if o.Name == "analyze" {
				out.Analyze = o.Value == "true" || o.Value == "on" || o.Value == "1"
				continue
			}
			out.Options = append(out.Options, o)
		}
	} else {
		out.Analyze = p.accept("analyze") || p.accept("analyse")
		if at := p.here(); p.accept("verbose") {
			out.Options = append(out.Options, ast.Option{Pos: at, Name: "verbose", Value: "true", ValuePos: at})
		}
	}
	if p.words("explain") {
		return nil, p.syntaxError()
	}
	var err error
	out.Statement, err = p.statement()
	return out, err
}
