// Package lexer cuts SQL text into tokens by PostgreSQL's rules (manual, section
// 4.1): identifiers fold to lower case unless quoted, strings come in the plain,
// escape (E), Unicode (U&) and dollar-quoted forms, comments nest, and an operator is the longest
// run of operator characters that PostgreSQL would read as one.
//
// Nouns: Token, Kind.
//
// Rule: every token knows the bytes it was made of, so that any later error can
// point at what the user wrote. Text is Text's meaning (folded, unquoted); the
// spelling is src[Pos:End].
package lexer

import (
	"unicode/utf8"

	"laminardb/sql/pgerr"
)

// Kind says what a Token is.
type Kind uint8

// The kinds of tokens.
const (
	EOF    Kind = iota
	Word        // an unquoted identifier or key word, folded to lower case
	Quoted      // a "quoted" identifier
	String      // any string constant, unescaped
	Int         // digits only
	Float       // a number with a point or an exponent
	Param       // $n; Text holds the digits
	Op          // an operator or a punctuation mark
)

// Token is one lexical element. Text is "<>" for the operator !=.
type Token struct {
	Kind Kind
	Text string
	// Pos and End are byte offsets: the token is src[Pos:End].
	Pos, End int
}

// Is reports whether t is the key word w, which must be lower case.
func (t Token) Is(w string) bool { return t.Kind == Word && t.Text == w }

// IsOp reports whether t is the operator or punctuation mark op.
func (t Token) IsOp(op string) bool { return t.Kind == Op && t.Text == op }

// MaxText bounds the text of one Lex, so that offsets fit everywhere and a
// client cannot make the server hold an arbitrary number of tokens.
const MaxText = 16 << 20

// Lex returns the tokens of src; the last one is an EOF at len(src). Errors are
// *pgerr.Error with a position.
func Lex(src string) ([]Token, error) {
	if len(src) > MaxText {
		return nil, pgerr.Newf(pgerr.ProgramLimitExceeded, "statement text of %d bytes exceeds the limit of %d", len(src), MaxText)
	}
	if err := checkEncoding(src); err != nil {
		return nil, err
	}
	l := lexer{src: src, tokens: make([]Token, 0, len(src)/5+4)}
	for {
		if err := l.skipSpace(); err != nil {
			return nil, err
		}
		if l.pos >= len(src) {
			return append(l.tokens, Token{Kind: EOF, Pos: len(src), End: len(src)}), nil
		}
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		l.tokens = append(l.tokens, t)
	}
}

type lexer struct {
	src    string
	pos    int
	tokens []Token
}

func checkEncoding(src string) error {
	for i := 0; i < len(src); {
		if c := src[i]; c < utf8.RuneSelf {
			if c == 0 {
				return pgerr.At(i, pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": 0x00`)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(src[i:])
		if r == utf8.RuneError && n == 1 {
			return pgerr.At(i, pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": 0x%02x`, src[i])
		}
		i += n
	}
	return nil
}

// at returns the byte n after the current one, 0 beyond the end.
func (l *lexer) at(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

func (l *lexer) token(kind Kind, text string, start int) Token {
	return Token{Kind: kind, Text: text, Pos: start, End: l.pos}
}

func (l *lexer) next() (Token, error) {
	start, c := l.pos, l.src[l.pos]
	switch {
	case c == '\'':
		return l.quotedString(start, false)
	case c == '"':
		l.pos++
		text, err := l.quotedIdent(start)
		return l.token(Quoted, text, start), err
	case isIdentStart(c):
		if t, ok, err := l.prefixedString(); ok {
			return t, err
		}
		return l.word(), nil
	case isDigit(c), c == '.' && isDigit(l.at(1)):
		return l.number()
	case c == '$':
		return l.dollar()
	}
	return l.operator(), nil
}

func (l *lexer) word() Token {
	start, upper := l.pos, false
	for l.pos < len(l.src) && isIdentPart(l.src[l.pos]) {
		upper = upper || isUpper(l.src[l.pos])
		l.pos++
	}
	text := l.src[start:l.pos]
	if upper {
		text = foldASCII(text)
	}
	return l.token(Word, text, start)
}

// skipSpace passes white space and comments; /* comments nest.
func (l *lexer) skipSpace() error {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case isSpace(c):
			l.pos++
		case c == '-' && l.at(1) == '-':
			for l.pos < len(l.src) && l.src[l.pos] != '\n' && l.src[l.pos] != '\r' {
				l.pos++
			}
		case c == '/' && l.at(1) == '*':
			if err := l.blockComment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) blockComment() error {
	start, depth := l.pos, 0
	for l.pos < len(l.src) {
		switch {
		case l.src[l.pos] == '/' && l.at(1) == '*':
			depth++
			l.pos += 2
		case l.src[l.pos] == '*' && l.at(1) == '/':
			depth--
			l.pos += 2
			if depth == 0 {
				return nil
			}
		default:
			l.pos++
		}
	}
	return l.unterminated(start, "/* comment")
}

func (l *lexer) unterminated(start int, what string) error {
	return pgerr.At(start, pgerr.SyntaxError, `unterminated %s at or near "%s"`, what, l.src[start:])
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isIdentStart(c byte) bool {
	return c >= 'a' && c <= 'z' || isUpper(c) || c == '_' || c >= utf8.RuneSelf
}
func isIdentPart(c byte) bool { return isIdentStart(c) || isDigit(c) || c == '$' }

// foldASCII lowers A to Z only, as PostgreSQL does in a multi-byte encoding.
func foldASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if isUpper(c) {
			b[i] = c + ('a' - 'A')
		}
	}
	return string(b)
}
