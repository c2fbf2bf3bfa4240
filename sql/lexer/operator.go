package lexer

import (
	"strings"

	"laminardb/sql/pgerr"
)

// operatorChars can start or continue an operator; specialChars let it end in
// + or - (manual, 4.1.3).
const (
	operatorChars = "+-*/<>=~!@#%^&|`?"
	specialChars  = "~!@#%^&|`?"
)

func (l *lexer) operator() Token {
	start := l.pos
	if strings.IndexByte(operatorChars, l.src[start]) < 0 {
		return l.punctuation()
	}
	end := start
	for end < len(l.src) && strings.IndexByte(operatorChars, l.src[end]) >= 0 {
		if rest := l.src[end:]; strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "/*") {
			break
		}
		end++
	}
	for end-start > 1 && (l.src[end-1] == '+' || l.src[end-1] == '-') &&
		!strings.ContainsAny(l.src[start:end-1], specialChars) {
		end--
	}
	l.pos = end
	text := l.src[start:end]
	if text == "!=" {
		text = "<>"
	}
	return l.token(Op, text, start)
}

func (l *lexer) punctuation() Token {
	start := l.pos
	l.pos++
	switch two := l.src[start:min(start+2, len(l.src))]; two {
	case "::", ":=", "..":
		l.pos++
	}
	return l.token(Op, l.src[start:l.pos], start)
}

// number reads 12, 1.5, .5, 1., 1e6. A number that runs into a letter is an
// error, as it is since PostgreSQL 15.
func (l *lexer) number() (Token, error) {
	start, kind := l.pos, Int
	l.digits()
	if l.at(0) == '.' && l.at(1) != '.' {
		kind = Float
		l.pos++
		l.digits()
	}
	if c := l.at(0); c == 'e' || c == 'E' {
		n := 1
		if s := l.at(1); s == '+' || s == '-' {
			n = 2
		}
		if isDigit(l.at(n)) {
			kind = Float
			l.pos += n
			l.digits()
		}
	}
	return l.noJunk(l.token(kind, l.src[start:l.pos], start), "numeric literal")
}

func (l *lexer) digits() {
	for isDigit(l.at(0)) {
		l.pos++
	}
}

func (l *lexer) noJunk(t Token, what string) (Token, error) {
	if !isIdentStart(l.at(0)) {
		return t, nil
	}
	for isIdentPart(l.at(0)) {
		l.pos++
	}
	return t, pgerr.At(t.Pos, pgerr.SyntaxError, `trailing junk after %s at or near "%s"`, what, l.src[t.Pos:l.pos])
}

// dollar reads $1, $$..$$ and $tag$..$tag$.
func (l *lexer) dollar() (Token, error) {
	start := l.pos
	l.pos++
	if isDigit(l.at(0)) {
		l.digits()
		return l.noJunk(l.token(Param, l.src[start+1:l.pos], start), "parameter")
	}
	if isIdentStart(l.at(0)) {
		for c := l.at(0); isIdentStart(c) || isDigit(c); c = l.at(0) {
			l.pos++
		}
	}
	if l.at(0) != '$' {
		l.pos = start + 1
		return l.token(Op, "$", start), nil
	}
	l.pos++
	tag := l.src[start:l.pos]
	body := l.pos
	n := strings.Index(l.src[body:], tag)
	if n < 0 {
		return Token{}, l.unterminated(start, "dollar-quoted string")
	}
	l.pos = body + n + len(tag)
	return l.token(String, l.src[body:body+n], start), nil
}
