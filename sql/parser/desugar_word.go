package parser

import (
	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

// word writes an unquoted word that is neither an alias nor part of a dotted
// name: first the words that begin or end a clause.
func (d *desugarer) word(i, hi int) int {
	t := d.tokens[i]
	switch t.Text {
	case "select":
		return d.selectList(i)
	case "group", "order":
		if d.is(i+1, "by") {
			d.put(i, t.Text)
			return d.put(i+1, "by")
		}
	case "offset":
		return d.offset(i)
	case "limit":
		if d.is(i+1, "all") {
			return i + 2
		}
	case "fetch":
		return d.fetchFirst(i)
	case "only":
		return i + 1 // no table has children here
	case "for":
		return d.forClause(i)
	case "window":
		return d.windowClause(i)
	case "with":
		if d.is(i+1, "ordinality") {
			return d.put(i, "with ordinality") + 1
		}
	case "table":
		if next := d.tableArgument(i); next > 0 {
			return next
		}
		if d.isOp(i+1, "(") && d.fromItem(i-1) { // TABLE (f(..)) is f(..)
			end := d.close(i + 1)
			d.emit(i+2, end)
			return min(end+1, d.end)
		}
	case "into":
		if !d.is(i-1, "insert") {
			return d.unsupported(i, "SELECT INTO")
		}
	case "as":
		if d.isMaterialized(i + 1) { // a hint: how a CTE is run is the planner's
			next := d.put(i, "as") + 1
			if d.is(i+1, "not") {
				next++
			}
			return next
		}
	}
	return d.operandWord(i, hi)
}

// operandWord writes the reserved words of expressions.
func (d *desugarer) operandWord(i, hi int) int {
	t := d.tokens[i]
	switch t.Text {
	case "null", "true", "false":
		return d.literalWord(i)
	case "distinct", "all":
		return d.distinct(i)
	case "left", "right":
		if d.isOp(i+1, "(") {
			return d.ident(i)
		}
	case "collate":
		return d.collate(i)
	case "default":
		if !d.is(i+1, "values") {
			return d.atom(i, i+1, &ast.Default{At: d.at(i)})
		}
	case "array", "exists", "row":
		if next := d.constructor(i); next > 0 {
			return next
		}
	case "cast":
		if d.isOp(i+1, "(") {
			return d.cast(i, false)
		}
	case "like", "ilike", "not":
		if n := d.quantifiedLike(i); n > 0 {
			return d.otherOperator(i, i+n)
		}
	case "similar":
		if d.is(i+1, "to") {
			d.put(i, "similar")
			return d.put(i+1, "to")
		}
	case "variadic":
		return d.unsupported(i, "VARIADIC")
	}
	if niladic(t.Text) {
		return d.niladic(i)
	}
	if reserved(t.Text) {
		return d.put(i, t.Text)
	}
	return d.context(i, hi)
}

// context writes a word that is a key word in some places of a statement only.
func (d *desugarer) context(i, hi int) int {
	t := d.tokens[i]
	switch t.Text {
	case "values":
		if d.isOp(i+1, "(") || d.is(i-1, "default") {
			return d.put(i, "values")
		}
	case "between":
		return d.put(i, "between")
	case "insert", "update", "delete":
		return d.dmlWord(i)
	case "set":
		if d.set && !d.isOp(i+1, ".") {
			d.set = false
			return d.put(i, "set")
		}
	case "recursive":
		if d.is(i-1, "with") {
			return d.put(i, "recursive")
		}
	case "conflict":
		if d.is(i-1, "on") {
			return d.put(i, "conflict")
		}
	case "nothing":
		if d.is(i-1, "do") {
			return d.put(i, "nothing")
		}
	case "asof":
		if next := d.asofJoin(i); next > 0 {
			return next
		}
	case "match_condition":
		if d.isOp(i+1, "(") {
			return d.matchCondition(i)
		}
	case "grouping":
		if d.is(i+1, "sets") && d.isOp(i+2, "(") {
			return d.ident(i) + 1
		}
	}
	return d.operandContext(i, hi)
}

// operandContext writes a word that is a key word in some places of an
// expression only.
func (d *desugarer) operandContext(i, hi int) int {
	switch d.tokens[i].Text {
	case "nulls":
		if d.is(i+1, "first") || d.is(i+1, "last") {
			d.put(i, ",")
			d.constant(i)
			return i + 2
		}
	case "filter":
		if d.isOp(i-1, ")") && d.isOp(i+1, "(") && d.is(i+2, "where") {
			return d.put(i, "filter")
		}
	case "over":
		if d.isOp(i-1, ")") || d.is(i-1, "nulls") {
			return d.over(i)
		}
	case "ignore":
		if d.is(i+1, "nulls") && d.isOp(i+2, ")") {
			d.put(i, ",")
			d.constant(i)
			return i + 2
		}
	case "at":
		if d.is(i+1, "time", "zone") && d.operandBefore(i) {
			return d.put(i, "at time zone") + 2
		}
	case "escape":
		if d.operandBefore(i) && (d.kind(i+1) == lexer.String || d.kind(i+1) == lexer.Param) {
			return d.put(i, "escape")
		}
	case "unknown":
		if d.is(i-1, "is") || d.is(i-2, "is", "not") {
			return d.put(i, "unknown")
		}
	case "operator":
		if d.isOp(i+1, "(") && d.kind(d.close(i+1)-1) == lexer.Op {
			return d.operatorCall(i)
		}
	}
	if d.isOp(i+1, "(") {
		if next := d.specialCall(i); next > 0 {
			return next
		}
	}
	return d.name(i, hi)
}

// selectList lets a select list be empty, as PostgreSQL does.
func (d *desugarer) selectList(i int) int {
	d.put(i, "select")
	k := i + 1
	if k >= d.end || d.isOp(k, ")") || d.is(k, "from") || d.is(k, "where") || d.is(k, "union") {
		d.constant(i)
	}
	return k
}

// distinct writes DISTINCT and ALL: a mark inside a call, where the grammar
// knows no DISTINCT with ORDER BY.
func (d *desugarer) distinct(i int) int {
	inCall := d.isOp(i-1, "(") && d.callee(i-2)
	switch {
	case inCall && d.is(i, "distinct"):
		d.constant(i)
		return d.put(i, ",")
	case inCall:
		return i + 1
	}
	return d.put(i, d.tokens[i].Text)
}

func (d *desugarer) offset(i int) int {
	d.put(i, "offset")
	k := d.operandEnd(i+1, true)
	if k > i+1 && (d.is(k, "row") || d.is(k, "rows")) {
		d.emit(i+1, k)
		return k + 1
	}
	return i + 1
}

// fetchFirst writes FETCH FIRST n ROWS ONLY as LIMIT n.
func (d *desugarer) fetchFirst(i int) int {
	k := i + 1
	if !d.is(k, "first") && !d.is(k, "next") {
		return d.fail(d.syntaxErrorAt(k))
	}
	k++
	d.put(i, "limit")
	if d.is(k, "row") || d.is(k, "rows") {
		d.atom(i, i+1, &ast.Literal{At: d.at(i), Kind: ast.IntLiteral, Text: "1"})
	} else {
		end := d.operandEnd(k, true)
		d.emit(k, end)
		k = end
	}
	if !d.is(k, "row") && !d.is(k, "rows") {
		return d.fail(d.syntaxErrorAt(k))
	}
	if d.is(k+1, "with", "ties") {
		return d.unsupported(k+1, "WITH TIES")
	}
	if !d.is(k+1, "only") {
		return d.fail(d.syntaxErrorAt(k + 1))
	}
	return k + 2
}

// collate drops the schema of a collation's name.
func (d *desugarer) collate(i int) int {
	d.put(i, "collate")
	i++
	if d.isOp(i+1, ".") {
		i += 2
	}
	if k := d.kind(i); k != lexer.Word && k != lexer.Quoted {
		return d.fail(d.syntaxErrorAt(i))
	}
	return d.ident(i)
}

// quantifiedLike returns the length of [NOT] LIKE|ILIKE before ANY (..), else 0.
func (d *desugarer) quantifiedLike(i int) int {
	n := 0
	if d.is(i, "not") {
		n = 1
	}
	if (d.is(i+n, "like") || d.is(i+n, "ilike")) && d.quantified(i+n+1) {
		return n + 1
	}
	return 0
}

// operatorCall writes OPERATOR(schema.op).
func (d *desugarer) operatorCall(i int) int {
	end := d.close(i + 1)
	op := end - 1
	if end >= d.end || op <= i+1 {
		return d.fail(d.syntaxErrorAt(i + 1))
	}
	if d.kind(op) != lexer.Op {
		return d.fail(d.syntaxErrorAt(op))
	}
	if d.operandBefore(i) {
		return d.otherOperator(op, end+1)
	}
	return d.prefix(op, end+1)
}

func (d *desugarer) forClause(i int) int {
	if d.is(i+1, "system_time", "as", "of") {
		return d.systemTime(i)
	}
	return d.fail(pgerr.At(d.tokens[i].Pos, pgerr.FeatureNotSupported, "row locks (FOR UPDATE, FOR SHARE) are not supported"))
}

// dmlWord writes INSERT, UPDATE and DELETE where they begin a statement, after a
// WITH list too; elsewhere they are names.
func (d *desugarer) dmlWord(i int) int {
	begins := i == d.first || d.isOp(i-1, ")") || d.isOp(i-1, "(")
	switch {
	case i == d.first && (d.is(i, "insert") && !d.is(i+1, "into") || d.is(i, "delete") && !d.is(i+1, "from")):
		return d.fail(d.syntaxErrorAt(i + 1))
	case begins && d.is(i, "insert", "into"):
		return d.put(i, "insert")
	case begins && d.is(i, "delete", "from"):
		return d.deleteFrom(i)
	case d.is(i, "update") && (begins || d.is(i-1, "do")):
		d.set = true
		return d.put(i, "update")
	}
	return d.ident(i)
}

// deleteFrom writes DELETE .. USING as UPDATE .. SET .. FROM: the grammar lacks
// USING, and the two have the same shape. The mark tells the converter.
func (d *desugarer) deleteFrom(i int) int {
	using := d.until(i+2, func(k int) bool { return d.is(k, "using") || d.is(k, "where") || d.is(k, "returning") })
	if !d.is(using, "using") {
		d.put(i, "delete")
		return d.put(i+1, "from")
	}
	d.put(i, "update")
	d.emit(i+2, using)
	d.put(using, "set")
	d.ident(using)
	d.put(using, "=")
	d.constant(using)
	return d.put(using, "from")
}
