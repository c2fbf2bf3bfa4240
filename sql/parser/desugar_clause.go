package parser

import (
	"laminardb/sql/ast"
	"laminardb/sql/lexer"
	"laminardb/sql/pgerr"
)

func (d *desugarer) over(i int) int {
	d.put(i, "over")
	if d.isOp(i+1, "(") {
		return d.windowSpec(i + 1)
	}
	if k := d.kind(i + 1); k != lexer.Word && k != lexer.Quoted {
		return d.fail(d.syntaxErrorAt(i + 1))
	}
	return d.ident(i + 1)
}

// windowClause writes WINDOW w AS (..), v AS (..).
func (d *desugarer) windowClause(i int) int {
	d.put(i, "window")
	for {
		if k := d.kind(i + 1); k != lexer.Word && k != lexer.Quoted {
			return d.fail(d.syntaxErrorAt(i + 1))
		}
		d.ident(i + 1)
		if !d.is(i+2, "as") {
			return d.fail(d.syntaxErrorAt(i + 2))
		}
		d.put(i+2, "as")
		if !d.isOp(i+3, "(") {
			return d.fail(d.syntaxErrorAt(i + 3))
		}
		i = d.windowSpec(i + 3)
		if d.err != nil || !d.isOp(i, ",") {
			return i
		}
		d.put(i, ",")
	}
}

// windowSpec writes (name PARTITION BY .. ORDER BY .. frame).
func (d *desugarer) windowSpec(open int) int {
	end := d.close(open)
	if end >= d.end {
		return d.fail(d.syntaxErrorAt(d.end))
	}
	d.put(open, "(")
	frame := d.until(open+1, d.frameBegins)
	for i := open + 1; i < frame && d.err == nil; {
		if d.is(i, "partition", "by") && (i == open+1 || i == open+2) {
			d.put(i, "partition")
			i = d.put(i+1, "by")
			continue
		}
		i = d.step(i, frame)
	}
	for i := frame; i < end && d.err == nil; {
		i = d.frameWord(i, end)
	}
	return d.put(end, ")")
}

func (d *desugarer) frameBegins(i int) bool {
	if !d.is(i, "rows") && !d.is(i, "range") && !d.is(i, "groups") || d.afterDot(i) || d.isOp(i-1, ",") || d.is(i-1, "by") {
		return false
	}
	switch d.kind(i + 1) {
	case lexer.Word, lexer.Int, lexer.Float, lexer.String, lexer.Param:
		return true
	}
	return d.isOp(i+1, "(")
}

func (d *desugarer) frameWord(i, end int) int {
	switch t := d.tokens[i]; {
	case t.Kind != lexer.Word:
	case d.is(i, "current", "row"):
		return d.put(i, "current row") + 1
	case d.is(i, "no", "others"):
		return d.put(i, "no others") + 1
	default:
		switch t.Text {
		case "rows", "range", "groups", "between", "unbounded", "preceding", "following", "exclude", "group", "ties":
			return d.put(i, t.Text)
		}
	}
	return d.step(i, end)
}

// asofJoin writes ASOF [LEFT|INNER] JOIN as LEFT JOIN or JOIN. It returns 0 if
// the word at i is something else.
func (d *desugarer) asofJoin(i int) int {
	k, kind := i+1, "left"
	switch {
	case d.is(k, "left"):
		k++
		if d.is(k, "outer") {
			k++
		}
	case d.is(k, "inner"):
		k, kind = k+1, ""
	case d.is(k, "right"), d.is(k, "full"):
		return d.unsupported(i, "ASOF "+upper(d.tokens[k].Text)+" JOIN")
	}
	if !d.is(k, "join") {
		return 0
	}
	if kind != "" {
		d.put(i, kind)
	}
	d.put(k, "join")
	if d.asof == nil {
		d.asof = map[int]*asof{}
	}
	d.asof[k] = &asof{}
	d.open = append(d.open, openAsof{d.enclosing(i), k})
	return k + 1
}

// enclosing returns the closing bracket around token i, or the end.
func (d *desugarer) enclosing(i int) int {
	return d.until(i, func(int) bool { return false })
}

// matchCondition reads MATCH_CONDITION (a >= b) or (NEAREST a, b) and hangs it
// on the innermost ASOF join of the same brackets.
func (d *desugarer) matchCondition(i int) int {
	n := len(d.open)
	for n > 0 && d.open[n-1].bracket != d.enclosing(i) {
		n--
	}
	if n == 0 {
		return d.fail(pgerr.At(d.tokens[i].Pos, pgerr.SyntaxError, "MATCH_CONDITION is allowed only after ASOF JOIN"))
	}
	join := d.asof[d.open[n-1].join]
	d.open = d.open[:n-1]
	lo, hi := i+2, d.close(i+1)
	if hi >= d.end {
		return d.fail(d.syntaxErrorAt(d.end))
	}
	var err error
	if d.is(lo, "nearest") {
		join.nearest = true
		var pair []ast.Expr
		pair, err = d.sub(lo+1, hi).exprList()
		if err == nil && len(pair) != 2 {
			err = pgerr.At(d.tokens[lo].Pos, pgerr.SyntaxError, "MATCH_CONDITION (NEAREST ..) takes two expressions")
		}
		join.match = &ast.RowExpr{At: d.at(lo), Elems: pair}
	} else {
		join.match, err = d.sub(lo, hi).expr()
	}
	if err != nil {
		return d.fail(err)
	}
	if !d.is(hi+1, "on") && !d.is(hi+1, "using") {
		join.noOn = true
		d.put(i, "on")
		d.constant(i)
	}
	return hi + 1
}

// systemTime reads FOR SYSTEM_TIME AS OF e; an alias may come after it.
func (d *desugarer) systemTime(i int) int {
	end := d.operandEnd(i+4, true)
	if end == i+4 {
		return d.fail(d.syntaxErrorAt(end))
	}
	e, err := d.sub(i+4, end).expr()
	if err != nil {
		return d.fail(err)
	}
	if d.version == nil {
		d.version = map[int]atom{}
	}
	d.version[i] = atom{e, end - 1}
	return end
}

// tableArgument reads TABLE t among the arguments of a call, 0 elsewhere.
func (d *desugarer) tableArgument(i int) int {
	switch {
	case d.isOp(i-1, "("):
		if !d.callee(i - 2) {
			return 0
		}
	case !d.isOp(i-1, ",") && !d.isOp(i-1, "=>"):
		return 0
	}
	d.pos = i + 1
	n, err := d.parser.name()
	if err != nil {
		return d.fail(err)
	}
	return d.atom(i, d.pos, &ast.TableArg{At: d.at(i), Name: n})
}

// fromItem reports whether an item of FROM may come after token i.
func (d *desugarer) fromItem(i int) bool {
	return d.is(i, "from") || d.is(i, "join") || d.is(i, "lateral") || d.isOp(i, ",")
}

func (d *desugarer) cast(i int, try bool) int {
	end := d.close(i + 1)
	as := d.until(i+2, func(k int) bool { return d.is(k, "as") })
	if !d.is(as, "as") || as >= end {
		return d.fail(d.syntaxErrorAt(as))
	}
	d.put(i, "cast")
	d.put(i+1, "(")
	d.emit(i+2, as)
	d.put(as, "as")
	next := d.castTarget(as+1, try)
	if d.err == nil && next != end {
		return d.fail(d.syntaxErrorAt(next))
	}
	return next
}
