package parser

import (
	"strconv"

	"github.com/auxten/postgresql-parser/pkg/sql/sem/tree"

	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

// converter turns the grammar's tree into ours. Its methods return the node and
// the span of tokens it is known to cover; the first error sticks in err.
type converter struct {
	*desugarer
	depth int
}

// span is the first and the last token that a node is known to cover: its names
// and constants, and the key words and brackets that could be told for sure.
// What lies between two operands is found from it, since between the end of the
// left span and the start of the right one the first match is the operator.
type span struct{ first, last int }

// nowhere is the span of nothing; joined with another it gives that.
const nowhere = int(^uint(0) >> 1)

func empty() span { return span{nowhere, -1} }

func (s span) join(o span) span { return span{min(s.first, o.first), max(s.last, o.last)} }

// maxDepth bounds the depth of an expression, so that nothing that walks the
// tree recurses without end. A chain of ANDs is as deep as it is long.
const maxDepth = 10000

// enter counts a level of recursion; call leave if it returns true.
func (c *converter) enter() bool {
	c.depth++
	if c.depth > maxDepth {
		c.depth--
		c.fail(pgerr.At(c.tokens[c.first].Pos, pgerr.StatementTooComplex, "stack depth limit exceeded").
			WithHint("An expression of the statement is more than %d levels deep.", maxDepth))
		return false
	}
	return true
}

func (c *converter) leave() { c.depth-- }

// pos returns the offset of a span's first token.
func (c *converter) posOf(s span) ast.Pos { return c.tokenPos(s.first) }

func (c *converter) tokenPos(i int) ast.Pos {
	if i < 0 || i >= len(c.tokens) {
		return -1
	}
	return ast.Pos(c.tokens[i].Pos)
}

// index reads the token index of i17, n17 or '17'.
func index(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// identIndex reads i17 and n17; letter tells them apart, 0 for another name.
func identIndex(s string) (letter byte, token int) {
	if len(s) > 1 && (s[0] == 'i' || s[0] == 'n') {
		if n := index(s[1:]); n >= 0 {
			return s[0], n
		}
	}
	return 0, -1
}

// ident returns the user's name for i17.
func (c *converter) identName(s string) (string, int) {
	if _, i := identIndex(s); i >= 0 && i < len(c.tokens) {
		if name, ok := c.renamed[i]; ok {
			return name, i
		}
		return c.tokens[i].Text, i
	}
	return s, -1
}

func (c *converter) names(list tree.NameList) ([]string, span) {
	var out []string
	s := empty()
	for _, n := range list {
		text, i := c.identName(string(n))
		out = append(out, text)
		if i >= 0 {
			s = s.join(span{i, i})
		}
	}
	return out, s
}

// findOp returns the token from which op is first met, skipping whole brackets
// that open in between; -1 for none.
func (c *converter) findOp(from int, op string) int {
	return c.forward(from, func(t lexer.Token) bool { return t.IsOp(op) })
}

func (c *converter) findWord(from int, words ...string) int {
	return c.forward(from, func(t lexer.Token) bool {
		for _, w := range words {
			if t.Is(w) {
				return true
			}
		}
		return false
	})
}

func (c *converter) forward(from int, found func(lexer.Token) bool) int {
	for i := from; i >= 0 && i < c.end; i++ {
		if found(c.tokens[i]) {
			return i
		}
		if m := int(c.match[i]); m > i {
			i = m
		}
	}
	return -1
}

// back returns the nearest token before the span that is one of the words or
// operators, skipping whole brackets; the span's first token if there is none.
func (c *converter) back(s span, texts ...string) int {
	for i := min(s.first, c.end) - 1; i >= c.first; i-- {
		if t := c.tokens[i]; t.Kind == lexer.Word && !c.afterDot(i) || t.Kind == lexer.Op {
			for _, text := range texts {
				if t.Text == text {
					return i
				}
			}
		}
		if m := int(c.match[i]); m >= 0 && m < i {
			i = m
		}
	}
	return s.first
}

// extend returns the span with the token before it that is one of texts.
func (c *converter) extend(s span, texts ...string) span {
	s.first = c.back(s, texts...)
	return s
}

// constantIndex returns the token of a '17', -1 if e is something else.
func constantIndex(e tree.Expr) int {
	if v, ok := e.(*tree.StrVal); ok {
		return index(v.RawString())
	}
	return -1
}

// isMark reports whether e is the mark that the word w left.
func (c *converter) isMark(e tree.Expr, w string) bool {
	i := constantIndex(e)
	return i >= 0 && i < len(c.tokens) && c.tokens[i].Is(w) && c.atoms[i].expr == nil
}

func (c *converter) constantExpr(i int) (ast.Expr, span) {
	if i < 0 || i >= len(c.tokens) {
		c.fail(pgerr.Newf(pgerr.Internal, "the SQL grammar made up a constant"))
		return nil, empty()
	}
	if a, ok := c.atoms[i]; ok {
		return a.expr, span{i, a.last}
	}
	t, at := c.tokens[i], ast.At{Pos: c.tokenPos(i)}
	s := span{i, i}
	switch t.Kind {
	case lexer.String:
		return &ast.Literal{At: at, Kind: ast.StringLiteral, Text: t.Text}, s
	case lexer.Int:
		return &ast.Literal{At: at, Kind: ast.IntLiteral, Text: t.Text}, s
	case lexer.Float:
		return &ast.Literal{At: at, Kind: ast.NumberLiteral, Text: t.Text}, s
	case lexer.Param:
		n, _ := strconv.Atoi(t.Text) // checked by parseOne
		return &ast.Param{At: at, Index: n}, s
	}
	switch {
	case t.Is("null"):
		return &ast.Literal{At: at, Kind: ast.NullLiteral}, s
	case t.Is("true"), t.Is("false"):
		return &ast.Literal{At: at, Kind: ast.BoolLiteral, Text: t.Text}, s
	}
	c.fail(c.syntaxErrorAt(i)) // a mark where no mark may stand
	return nil, s
}
