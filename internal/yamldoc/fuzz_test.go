package yamldoc

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
)

// FuzzParse holds Parse to its promises for any input: no panic, errors that are
// Problems with places inside the file, and spans that cut out what they name.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "a: b\n", "a: &x [1, 2.5, true, null]\nb: *x\n", "a: |\n  x\n y: z\n", "\xef\xbb\xbfa: 'b'\r\nc: \"d\\n\"\r\n",
		"- - a\n  - b\n-\tc\n", "? a\n: b\n", "<<: {a: b}\n", "a: b\n---\nc: d\n", "名: 值\n", "a: [b, c\n", "a:\tb\n\tc: d\n",
		"x: &a [*a]\n", "a: >-\n\n  b\n   c\n\n# d\n", "1: 2\n", "a: 1\na: 2\n", "a: .nan\n", "a: b\u0085c: d\u2028e: f\n",
		"&a a: *b\n", "a: !!int x\n", "0A:\n>1", "%YAML 1.1\n---\na: b\n...\n", "a: 'b\n\n  c'\n", "{a: b, ? c : d, e}\n", "a: \"x\\\n  y\"\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := Parse("a.yaml", src)
		if err == nil && doc == nil {
			t.Fatal("neither a document nor an error")
		}
		var problems diagnostic.List
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
			t.Fatalf("the error is no list of problems: %v", err)
		}
		for _, p := range problems {
			if p.Range.Start.Line < 0 || p.Range.Start.Column < 0 || p.Message == "" || !utf8.ValidString(p.Error()) {
				t.Fatalf("odd problem: %+v", p)
			}
		}
		spansHold(t, src)
	})
}
