package lexer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"laminardb/sql/pgerr"
)

// TestLex runs testdata: each token is printed as kind, text and its bytes.
func TestLex(t *testing.T) {
	datadriven.RunTest(t, "testdata/lex", func(t *testing.T, d *datadriven.TestData) string {
		tokens, err := Lex(d.Input)
		if err != nil {
			e := pgerr.From(err)
			return fmt.Sprintf("ERROR %s at %d: %s\n", e.Code.SQLSTATE(), e.Position-1, e.Message)
		}
		var b strings.Builder
		names := []string{"eof", "word", "quoted", "string", "int", "float", "param", "op"}
		for _, tok := range tokens {
			fmt.Fprintf(&b, "%s %q [%d,%d)\n", names[tok.Kind], tok.Text, tok.Pos, tok.End)
		}
		return b.String()
	})
}

// TestLexEncoding holds what a text file cannot.
func TestLexEncoding(t *testing.T) {
	for _, src := range []string{"select 'a\x00'", "select \xff", "select E'\\xff'", "select E'\\000'"} {
		if _, err := Lex(src); !pgerr.Is(err, pgerr.CharacterNotInRepertoire) {
			t.Errorf("Lex(%q) = %v, want SQLSTATE 22021", src, err)
		}
	}
	if _, err := Lex(strings.Repeat(" ", MaxText+1)); !pgerr.Is(err, pgerr.ProgramLimitExceeded) {
		t.Errorf("a text over the limit gave %v", err)
	}
}

// FuzzLexer checks that tokens follow each other in the text and that what lies
// between them is white space or comments.
func FuzzLexer(f *testing.F) {
	for _, s := range []string{`select "a""b", 'c''d' -- e`, `E'\u0041\x41\101' U&'\0041' $a$ $$ $a$ /* /* */ */ 1.5e-3 .5 1..2 $1 <-> !=-1`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		tokens, err := Lex(src)
		if err != nil {
			if e := pgerr.From(err); e.Position < 1 || e.Position > len(src)+1 || e.Code == pgerr.Internal {
				t.Fatalf("Lex(%q): %v at %d", src, e, e.Position)
			}
			return
		}
		at := 0
		for i, tok := range tokens {
			if tok.Pos < at || tok.End < tok.Pos || tok.End > len(src) || (tok.Kind == EOF) != (i == len(tokens)-1) {
				t.Fatalf("Lex(%q): token %d is [%d,%d) after %d", src, i, tok.Pos, tok.End, at)
			}
			if gap, err := Lex(src[at:tok.Pos]); err != nil || len(gap) != 1 {
				t.Fatalf("Lex(%q): %q between tokens was left out", src, src[at:tok.Pos])
			}
			at = tok.End
		}
	})
}
