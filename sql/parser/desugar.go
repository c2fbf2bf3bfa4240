package parser

import (
	"strconv"

	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

// desugarer writes tokens as text for the grammar. Four shapes carry everything:
//
//	i17        the identifier that is token 17 (a name, an alias, a function)
//	'17'       a constant, or an expression already made, or a mark: a word that
//	           the grammar lacks, put where an expression may stand
//	varchar(17) the type that begins at token 17
//	a || '17' || b   the operator token 17, for those whose precedence is
//	           PostgreSQL's "any other operator"; || has that precedence here
//
// Text that the grammar knows as key words is written as it is.
type desugarer struct {
	*parser  // pos is used only to read types and intervals
	out      []byte
	marks    []mark
	atoms    map[int]atom     // constants that are not plain tokens
	types    map[int]castType // by the type's first token
	asof     map[int]*asof    // by the JOIN token
	version  map[int]atom     // FOR SYSTEM_TIME AS OF, by the FOR token
	open     []openAsof       // ASOF joins that may still get MATCH_CONDITION
	set      bool             // the next SET is UPDATE's
	first    int              // the first token
	chain    int              // the token after the last indirection
	prefixes int              // prefix operators around the current one
	renamed  map[int]string   // function names that differ from the token
	err      error
}

// mark says which token the bytes from at on were written for.
type mark struct{ at, token int }

// atom is an expression that the grammar does not see; last is its last token.
type atom struct {
	expr ast.Expr
	last int
}

type castType struct {
	name ast.TypeName
	last int
	try  bool
	// at is set for the indirection that a cast stands for: the . or [ token.
	at int
}

type asof struct {
	match   ast.Expr
	nearest bool
	noOn    bool // neither ON nor USING was written
}

type openAsof struct {
	bracket int // the index of the enclosing bracket's partner
	join    int
}

func newDesugarer(p *parser) *desugarer {
	return &desugarer{parser: p, out: make([]byte, 0, 6*(p.end-p.pos)+64), first: p.pos}
}

// emit writes the tokens [lo, hi).
func (d *desugarer) emit(lo, hi int) {
	for i := lo; i < hi && d.err == nil; {
		i = d.step(i, hi)
	}
}

// step writes what begins at token i and returns the token after it.
func (d *desugarer) step(i, hi int) int {
	switch t := d.tokens[i]; t.Kind {
	case lexer.String, lexer.Int, lexer.Float, lexer.Param:
		return d.constant(i)
	case lexer.Quoted:
		return d.name(i, hi)
	case lexer.Op:
		return d.operator(i, hi)
	default:
		if d.afterDot(i) || d.isLabel(i) {
			return d.ident(i)
		}
		return d.word(i, hi)
	}
}

func (d *desugarer) fail(err error) int {
	if d.err == nil {
		d.err = err
	}
	return d.end
}

func (d *desugarer) unsupported(i int, what string) int {
	return d.fail(pgerr.At(d.tokens[i].Pos, pgerr.FeatureNotSupported, "%s is not supported", what))
}

// put writes s, a piece that stands for token i, and returns i+1.
func (d *desugarer) put(i int, s string) int {
	d.marks = append(d.marks, mark{len(d.out), i})
	d.out = append(d.out, s...)
	d.out = append(d.out, ' ')
	return i + 1
}

func (d *desugarer) ident(i int) int {
	d.marks = append(d.marks, mark{len(d.out), i})
	d.out = append(d.out, 'i')
	d.out = strconv.AppendInt(d.out, int64(i), 10)
	d.out = append(d.out, ' ')
	return i + 1
}

func (d *desugarer) constant(i int) int {
	d.marks = append(d.marks, mark{len(d.out), i})
	d.out = append(d.out, '\'')
	d.out = strconv.AppendInt(d.out, int64(i), 10)
	d.out = append(d.out, "' "...)
	return i + 1
}

// number writes a bare token index.
func (d *desugarer) number(i int) { d.out = strconv.AppendInt(d.out, int64(i), 10) }

// atom writes an expression that is already made and covers [i, next).
func (d *desugarer) atom(i, next int, e ast.Expr) int {
	if d.atoms == nil {
		d.atoms = map[int]atom{}
	}
	d.atoms[i] = atom{e, next - 1}
	d.constant(i)
	return next
}

func (d *desugarer) at(i int) ast.At { return ast.At{Pos: ast.Pos(d.tokens[i].Pos)} }

func (d *desugarer) is(i int, ws ...string) bool { return i >= d.first && d.wordsAt(i, ws...) }

func (d *desugarer) isOp(i int, op string) bool {
	return i >= d.first && i < d.end && d.tokens[i].IsOp(op)
}

func (d *desugarer) kind(i int) lexer.Kind {
	if i >= d.first && i < d.end {
		return d.tokens[i].Kind
	}
	return lexer.EOF
}

// close returns the partner of the bracket at i, or the end.
func (d *desugarer) close(i int) int {
	if i < d.end && d.match[i] > int32(i) {
		return int(d.match[i])
	}
	return d.end
}

func (d *desugarer) afterDot(i int) bool { return d.isOp(i-1, ".") }

// isLabel reports whether word i is an alias after AS. AS also comes before a
// query or a window in brackets, MATERIALIZED, and a CAST's type, which is not
// read by step.
func (d *desugarer) isLabel(i int) bool {
	return d.is(i-1, "as") && !d.isMaterialized(i)
}

func (d *desugarer) isMaterialized(i int) bool {
	return d.is(i, "materialized") && d.isOp(i+1, "(") || d.is(i, "not", "materialized") && d.isOp(i+2, "(")
}

// callee reports whether token i can be the last part of a function's name.
func (d *desugarer) callee(i int) bool {
	switch d.kind(i) {
	case lexer.Quoted:
		return true
	case lexer.Word:
		switch w := d.tokens[i].Text; w {
		case "values", "filter", "exists", "row":
			return d.afterDot(i)
		case "left", "right":
			return true
		default:
			return d.afterDot(i) || !takesOperand(w)
		}
	}
	return false
}

// operandBefore reports whether an operand ends just before token i, so that a
// sign at i is a binary operator.
func (d *desugarer) operandBefore(i int) bool {
	switch d.kind(i - 1) {
	case lexer.EOF:
		return false
	case lexer.Op:
		return d.isOp(i-1, ")") || d.isOp(i-1, "]")
	case lexer.Word:
		return d.afterDot(i-1) || !takesOperand(d.tokens[i-1].Text)
	}
	return true
}
