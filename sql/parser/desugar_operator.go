package parser

import (
	"strings"

	"laminardb/sql/ast"
	"laminardb/sql/lexer"
)

func (d *desugarer) operator(i, hi int) int {
	switch t := d.tokens[i]; t.Text {
	case "(":
		return d.put(i, "(")
	case ")":
		return d.closing(i, hi)
	case ".", "[":
		if next := d.indirection(i); next > 0 {
			return next
		}
		return d.put(i, t.Text)
	case ",", "]", ":":
		return d.put(i, t.Text)
	case "::":
		d.put(i, "::")
		return d.castTarget(i+1, false)
	case "=", "<", ">", "<=", ">=", "<>", "+", "-", "*", "/", "%", "^":
		if d.quantified(i+1) && d.operandBefore(i) {
			return d.otherOperator(i, i+1)
		}
		return d.put(i, t.Text)
	case "$", ";", "=>", ":=", "..":
		return d.fail(d.syntaxErrorAt(i))
	}
	if d.operandBefore(i) {
		return d.otherOperator(i, i+1)
	}
	return d.prefix(i, i+1)
}

// quantified reports whether ANY (, SOME ( or ALL ( begins at i.
func (d *desugarer) quantified(i int) bool {
	return d.isOp(i+1, "(") && (d.is(i, "any") || d.is(i, "some") || d.is(i, "all"))
}

// otherOperator writes a binary operator as || 'i' ||; next is the token after it.
func (d *desugarer) otherOperator(i, next int) int {
	d.put(i, "||")
	d.constant(i)
	d.put(i, "||")
	if d.quantified(next) {
		return d.anyCall(next)
	}
	return next
}

// anyCall writes ANY (..) as the call of a function of that name. A query gets
// brackets of its own.
func (d *desugarer) anyCall(i int) int {
	open, end := i+1, d.close(i+1)
	d.ident(i)
	d.put(open, "(")
	query := d.queryAt(open + 1)
	if query {
		d.put(open, "(")
	}
	d.emit(open+1, end)
	if query {
		d.put(end, ")")
	}
	if end < d.end {
		d.put(end, ")")
	}
	return min(end+1, d.end)
}

// queryAt reports whether a query begins at i, inside brackets.
func (d *desugarer) queryAt(i int) bool {
	for d.isOp(i, "(") {
		i++
	}
	return d.is(i, "select") || d.is(i, "with") || d.is(i, "values") || d.is(i, "table")
}

// prefix writes a prefix operator with its operand in brackets, because || would
// bind weaker than the operators around it.
func (d *desugarer) prefix(i, next int) int {
	end := d.operandEnd(next, true)
	if end == next {
		return d.fail(d.syntaxErrorAt(next))
	}
	if d.prefixes++; d.prefixes > maxNesting {
		return d.fail(tooDeep(d.tokens[i].Pos)) // ~ ~ ~ .. needs no bracket to nest
	}
	defer func() { d.prefixes-- }()
	d.put(i, "(")
	d.constant(i)
	d.put(i, "||")
	d.emit(next, end)
	d.put(end-1, ")")
	return end
}

// operandEnd returns the token after the operand that begins at i: a primary
// with what follows it, and, if arithmetic is set, more of them joined by
// operators that bind stronger than "any other operator".
func (d *desugarer) operandEnd(i int, arithmetic bool) int {
	for {
		for d.kind(i) == lexer.Op && operatorText(d.tokens[i].Text) {
			i++ // prefix operators
		}
		end := d.primaryEnd(i)
		if end == i {
			return i
		}
		i = d.postfixEnd(end)
		switch {
		case d.is(i, "at", "time", "zone"):
			i += 3
		case arithmetic && d.arithmetic(i):
			i++
		default:
			return i
		}
	}
}

// operatorText reports whether an Op token is an operator, not punctuation.
func operatorText(s string) bool {
	return strings.IndexByte("+-*/<>=~!@#%^&|`?", s[0]) >= 0
}

func (d *desugarer) arithmetic(i int) bool {
	if d.kind(i) != lexer.Op {
		return false
	}
	switch d.tokens[i].Text {
	case "+", "-", "*", "/", "%", "^":
		return true
	}
	return false
}

func (d *desugarer) primaryEnd(i int) int {
	switch d.kind(i) {
	case lexer.String, lexer.Int, lexer.Float, lexer.Param:
		return i + 1
	case lexer.Op:
		if d.isOp(i, "(") {
			return min(d.close(i)+1, d.end)
		}
		return i
	case lexer.Quoted:
		return i + 1
	case lexer.Word:
		switch w := d.tokens[i].Text; {
		case w == "case":
			return d.caseEnd(i)
		case w == "interval" && d.kind(i+1) == lexer.String:
			d.pos = i
			if _, err := d.interval(); err != nil {
				return i
			}
			return d.pos
		case d.kind(i+1) == lexer.String && !takesOperand(w):
			return i + 2
		case takesOperand(w) && !d.isOp(i+1, "(") && !d.isOp(i+1, "["):
			return i
		}
		return i + 1
	}
	return i
}

func (d *desugarer) caseEnd(i int) int {
	depth := 0
	for ; i < d.end; i++ {
		if d.afterDot(i) {
			continue
		}
		if d.is(i, "case") {
			depth++
		} else if d.is(i, "end") {
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return d.end
}

// postfixEnd passes .name, (..), [..] and ::type.
func (d *desugarer) postfixEnd(i int) int {
	for i < d.end {
		switch {
		case d.isOp(i, "."):
			i += 2
		case d.isOp(i, "("), d.isOp(i, "["):
			i = d.close(i) + 1
		case d.isOp(i, "::"):
			d.pos = i + 1
			if _, err := d.typeName(); err != nil {
				return min(i+1, d.end)
			}
			i = d.pos
		default:
			return i
		}
	}
	return d.end
}

// castTarget writes the type that begins at i.
func (d *desugarer) castTarget(i int, try bool) int {
	d.pos = i
	name, err := d.typeName()
	if err != nil {
		return d.fail(err)
	}
	return d.putType(i, d.pos, name, try)
}

func (d *desugarer) putType(i, next int, name ast.TypeName, try bool) int {
	if d.types == nil {
		d.types = map[int]castType{}
	}
	d.types[i] = castType{name: name, last: next - 1, try: try}
	d.out = append(d.out, "varchar("...)
	d.marks = append(d.marks, mark{len(d.out), i})
	d.number(i)
	d.out = append(d.out, ") "...)
	return next
}

// closing writes a closing bracket and what may come after a call's.
func (d *desugarer) closing(i, hi int) int {
	if d.match[i] < int32(d.first) || !d.callee(int(d.match[i])-1) {
		return d.put(i, ")")
	}
	empty := d.isOp(i-1, "(")
	separate := func(at int) {
		if !empty {
			d.put(at, ",")
		}
		d.constant(at)
	}
	switch {
	case d.is(i+1, "within", "group") && d.isOp(i+3, "("):
		separate(i + 1)
		return i + 4 // the bracket of WITHIN GROUP closes the call
	case d.is(i+1, "ignore", "nulls"):
		separate(i + 1)
		d.put(i, ")")
		return i + 3
	case d.is(i+1, "respect", "nulls"):
		d.put(i, ")")
		return i + 3
	}
	return d.put(i, ")")
}
