package parser

import (
	"laminardb/sql/ast"
	"laminardb/sql/lexer"
)

// specialCall writes the calls that have key words between their arguments as
// plain calls with PostgreSQL's argument order. It returns 0 for other calls.
func (d *desugarer) specialCall(i int) int {
	end := d.close(i + 1)
	if end >= d.end {
		return 0
	}
	switch d.tokens[i].Text {
	case "try_cast":
		return d.cast(i, true)
	case "extract":
		if k := d.kind(i + 2); d.is(i+3, "from") && (k == lexer.Word || k == lexer.String || k == lexer.Quoted) {
			d.ident(i)
			d.put(i+1, "(")
			d.atom(i+2, i+3, &ast.Literal{At: d.at(i + 2), Kind: ast.StringLiteral, Text: d.tokens[i+2].Text})
			d.put(i+3, ",")
			return i + 4
		}
	case "position":
		in := d.find(i+2, "in")
		if in < end {
			d.ident(i)
			d.put(i+1, "(")
			d.argument(in+1, end)
			d.put(in, ",")
			d.argument(i+2, in)
			return end
		}
	case "substring":
		return d.substring(i, end)
	case "overlay":
		return d.overlay(i, end)
	case "trim":
		return d.trim(i, end)
	}
	return 0
}

// find returns the index of the word at this bracket depth, or where the
// brackets end.
func (d *desugarer) find(from int, w string) int {
	return d.until(from, func(k int) bool { return d.is(k, w) && !d.afterDot(k) })
}

// argument writes [lo, hi) in brackets.
func (d *desugarer) argument(lo, hi int) {
	if lo >= hi {
		d.fail(d.syntaxErrorAt(lo))
		return
	}
	d.put(lo, "(")
	d.emit(lo, hi)
	d.put(hi-1, ")")
}

// substring writes substring(x FROM a FOR b); FOR may come first or alone.
func (d *desugarer) substring(i, end int) int {
	from, length := d.find(i+2, "from"), d.find(i+2, "for")
	if d.find(i+2, "similar") < end {
		return d.unsupported(i, "SUBSTRING (.. SIMILAR ..)")
	}
	if from == end && length == end {
		return 0
	}
	d.ident(i)
	d.put(i+1, "(")
	d.argument(i+2, min(from, length))
	fromEnd, lengthEnd := end, end
	if from < length {
		fromEnd = length
	} else {
		lengthEnd = from
	}
	if from < end {
		d.put(from, ",")
		d.argument(from+1, fromEnd)
	} else {
		d.put(length, ",")
		d.atom(length, length+1, &ast.Literal{At: d.at(length), Kind: ast.IntLiteral, Text: "1"})
	}
	if length < end {
		d.put(length, ",")
		d.argument(length+1, lengthEnd)
	}
	return end
}

func (d *desugarer) overlay(i, end int) int {
	placing, from, length := d.find(i+2, "placing"), d.find(i+2, "from"), d.find(i+2, "for")
	if placing == end {
		return 0
	}
	if from == end {
		return d.fail(d.syntaxErrorAt(end))
	}
	d.ident(i)
	d.put(i+1, "(")
	d.argument(i+2, placing)
	d.put(placing, ",")
	d.argument(placing+1, from)
	d.put(from, ",")
	d.argument(from+1, length)
	if length < end {
		d.put(length, ",")
		d.argument(length+1, end)
	}
	return end
}

// trim writes trim(BOTH x FROM y) as btrim(y, x).
func (d *desugarer) trim(i, end int) int {
	name, lo := "btrim", i+2
	switch {
	case d.is(lo, "leading"):
		name, lo = "ltrim", lo+1
	case d.is(lo, "trailing"):
		name, lo = "rtrim", lo+1
	case d.is(lo, "both"):
		lo++
	}
	if d.renamed == nil {
		d.renamed = map[int]string{}
	}
	d.renamed[i] = name
	d.ident(i)
	d.put(i+1, "(")
	from := d.find(lo, "from")
	if from == end {
		return lo
	}
	if from+1 == end {
		return d.fail(d.syntaxErrorAt(end))
	}
	d.emit(from+1, end)
	if from > lo {
		d.put(from, ",")
		d.argument(lo, from)
	}
	return end
}
