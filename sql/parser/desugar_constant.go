package parser

import (
	"laminardb/sql/ast"
	"laminardb/sql/lexer"
)

// name writes an identifier, a typed constant (date '..') or a named argument.
func (d *desugarer) name(i, hi int) int {
	if next := d.typedConstant(i); next > 0 {
		return next
	}
	if (d.isOp(i+1, "=>") || d.isOp(i+1, ":=")) && (d.isOp(i-1, "(") || d.isOp(i-1, ",")) {
		return d.namedArgument(i, hi)
	}
	return d.ident(i)
}

// typedConstant writes type 'text' as a cast, and an interval as an atom.
func (d *desugarer) typedConstant(i int) int {
	if d.afterDot(i) {
		return 0
	}
	if d.is(i, "interval") && (d.kind(i+1) == lexer.String || d.kind(i+1) == lexer.Int || d.isOp(i+1, "-")) {
		d.pos = i
		e, err := d.interval()
		if err != nil {
			return d.fail(err)
		}
		return d.atom(i, d.pos, e)
	}
	if d.kind(i+1) != lexer.String && !d.severalWordType(i) {
		return 0
	}
	d.pos = i
	name, err := d.typeName()
	if err != nil || d.kind(d.pos) != lexer.String {
		if d.kind(i+1) == lexer.String || d.is(i+1, "with", "time", "zone") {
			return d.fail(err)
		}
		return 0
	}
	text := d.pos
	d.put(i, "cast(")
	d.constant(text)
	d.put(i, "as")
	d.putType(i, text, name, false)
	d.put(text, ")")
	return text + 1
}

// severalWordType reports whether a type of several tokens and a constant may
// begin at i: timestamp with time zone '..', timestamp(6) '..', pg_catalog.t '..'.
func (d *desugarer) severalWordType(i int) bool {
	switch {
	case d.is(i, "timestamp"), d.is(i, "time"):
		return d.is(i+1, "with", "time") || d.is(i+1, "without", "time") || d.isOp(i+1, "(")
	case d.is(i, "double", "precision"), d.is(i, "character", "varying"):
		return true
	case d.is(i, "pg_catalog"):
		return d.isOp(i+1, ".") && d.kind(i+3) == lexer.String
	}
	return false
}

func (d *desugarer) namedArgument(i, hi int) int {
	end := d.until(i+2, func(k int) bool { return d.tokens[k].IsOp(",") })
	if end == i+2 {
		return d.fail(d.syntaxErrorAt(end))
	}
	d.marks = append(d.marks, mark{len(d.out), i})
	d.out = append(d.out, 'n')
	d.number(i)
	d.put(i+1, "(")
	d.emit(i+2, min(end, hi))
	d.put(end-1, ")")
	return end
}

func (d *desugarer) literalWord(i int) int {
	// IS NULL and such stay key words: there they are no constants.
	if d.is(i-1, "is") || d.is(i-2, "is", "not") {
		return d.put(i, d.tokens[i].Text)
	}
	return d.constant(i)
}

// niladic writes current_date as a call, with its precision if it has one.
func (d *desugarer) niladic(i int) int {
	d.ident(i)
	if d.isOp(i+1, "(") {
		return i + 1
	}
	d.put(i, "()")
	return i + 1
}

// constructor writes ARRAY[..], ARRAY(..), EXISTS (..) and ROW (..); the grammar
// gives an empty list no place, so that is made here.
func (d *desugarer) constructor(i int) int {
	t := d.tokens[i]
	switch {
	case t.Text == "array" && d.isOp(i+1, "[") && d.isOp(i+2, "]"):
		return d.atom(i, i+3, &ast.ArrayExpr{At: d.at(i)})
	case t.Text == "row" && d.isOp(i+1, "(") && d.isOp(i+2, ")"):
		return d.atom(i, i+3, &ast.RowExpr{At: d.at(i)})
	case d.isOp(i+1, "("), t.Text == "array" && d.isOp(i+1, "["):
		return d.put(i, t.Text)
	}
	return 0
}
