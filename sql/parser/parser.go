// Package parser turns SQL text into sql/ast.
//
// The streaming statements and clauses are read by a recursive descent of our
// own (statement.go, create.go, ...). The bodies of SELECT, INSERT, UPDATE and
// DELETE go to github.com/auxten/postgresql-parser: the desugarer writes them
// anew with every name and constant replaced by its token's index ("price"
// becomes i17, 'buy' becomes '23') and what that grammar lacks rewritten, and
// the converter turns its tree into ours, taking names, values and positions
// back from the tokens. No other package imports the grammar.
//
// Nouns: Parsed, desugarer, converter, span.
//
// Rule: a position is always an offset into the text given to Parse, and no
// input makes the parser panic.
package parser

import (
	"strconv"

	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

// Parsed is one statement of the text given to Parse.
type Parsed struct {
	Statement ast.Statement
	Text      string // exactly as written, without the semicolon
	Offset    int    // where Text begins in the whole text
	NumParams int    // the highest $n
}

// maxParams is the protocol's limit: the parameter count is an int16 there,
// which PostgreSQL reads as unsigned.
const maxParams = 65535

// Parse reads every statement of text; empty ones are left out. Positions in
// the trees and in the *pgerr.Error count from the start of text.
func Parse(text string) ([]Parsed, error) {
	tokens, err := lexer.Lex(text)
	if err != nil {
		return nil, err
	}
	match, err := matchBrackets(tokens)
	if err != nil {
		return nil, err
	}
	var out []Parsed
	for lo := 0; tokens[lo].Kind != lexer.EOF; {
		hi := lo
		for tokens[hi].Kind != lexer.EOF && !tokens[hi].IsOp(";") {
			hi++
		}
		if hi > lo {
			one, err := parseOne(text, tokens, match, lo, hi)
			if err != nil {
				return nil, err
			}
			out = append(out, one)
		}
		if tokens[hi].Kind != lexer.EOF {
			hi++
		}
		lo = hi
	}
	return out, nil
}

func parseOne(text string, tokens []lexer.Token, match []int32, lo, hi int) (Parsed, error) {
	p := &parser{text: text, tokens: tokens, match: match, pos: lo, end: hi}
	out := Parsed{Offset: tokens[lo].Pos, Text: text[tokens[lo].Pos:tokens[hi-1].End]}
	for _, t := range tokens[lo:hi] {
		if t.Kind != lexer.Param {
			continue
		}
		n, err := strconv.Atoi(t.Text)
		if err != nil || n < 1 || n > maxParams {
			return out, pgerr.At(t.Pos, pgerr.UndefinedParameter, "there is no parameter $%s", t.Text)
		}
		out.NumParams = max(out.NumParams, n)
	}
	s, err := p.statement()
	if err == nil && p.pos < p.end {
		err = p.syntaxError()
	}
	out.Statement = s
	return out, err
}

// maxNesting bounds brackets within brackets, and so every recursion over the
// tokens. PostgreSQL's own limit (max_stack_depth) allows some thousands.
const maxNesting = 500

// matchBrackets returns for each bracket the index of its partner, -1 for other
// tokens and for brackets without a partner: those fail in the grammar, where
// the message is better. A statement's end closes what is open.
func matchBrackets(tokens []lexer.Token) ([]int32, error) {
	match := make([]int32, len(tokens))
	var open []int32
	for i, t := range tokens {
		match[i] = -1
		if t.Kind != lexer.Op || len(t.Text) != 1 {
			continue
		}
		switch t.Text[0] {
		case ';':
			open = open[:0]
		case '(', '[':
			open = append(open, int32(i))
			if len(open) > maxNesting {
				return nil, tooDeep(t.Pos)
			}
		case ')', ']':
			if len(open) == 0 {
				continue
			}
			j := open[len(open)-1]
			if (tokens[j].Text == "(") != (t.Text == ")") {
				continue
			}
			open = open[:len(open)-1]
			match[i], match[j] = j, int32(i)
		}
	}
	return match, nil
}

func tooDeep(pos int) error {
	return pgerr.At(pos, pgerr.StatementTooComplex, "stack depth limit exceeded").
		WithHint("The statement nests more than %d levels deep.", maxNesting)
}
