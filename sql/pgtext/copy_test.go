package pgtext

import (
	"slices"
	"testing"
)

func TestParseCopyLine(t *testing.T) {
	text := func(s string) Element { return Element{Text: s} }
	null := Element{Null: true}
	for line, want := range map[string][]Element{
		"":                      {text("")},
		"a\tb":                  {text("a"), text("b")},
		"\t":                    {text(""), text("")},
		`\N` + "\t" + `\\N`:     {null, text(`\N`)},
		`a\tb\nc\\`:             {text("a\tb\nc\\")},
		"a\\\tb\tc":             {text("a\tb"), text("c")},
		"a\\\\\tb":              {text(`a\`), text("b")},
		`\x41\x4\101\1012\q\xg`: {text("A\x04AA2qxg")},
		`é\303\251`:             {text("éé")},
	} {
		got, err := ParseCopyLine(nil, line)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %+v, %v; want %+v", line, got, err, want)
		}
	}
	for _, line := range []string{`\0`, `\377`, `\x00`} {
		if got, err := ParseCopyLine(nil, line); err == nil {
			t.Errorf("%q: %+v", line, got)
		}
	}
}
