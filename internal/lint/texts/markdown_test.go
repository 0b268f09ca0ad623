package texts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/lint/rule"
)

// TestReferenceOffsets: whatever the nesting, a place is within the text.
func TestReferenceOffsets(t *testing.T) {
	text := "> * ![a](a.png)\n>   <img src=b.png>\n>\n>   <div>\n>   <img src=c.png>\n>   </div>\n\n| x |\n| --- |\n| [d](d.md) |\n"
	var got []string
	for _, ref := range contentOf([]byte(text)).References {
		got = append(got, ref.Target+" "+strings.SplitN(text[ref.Offset:], "\n", 2)[0])
	}
	want := []string{"a.png ![a](a.png)", "b.png <img src=b.png>", "c.png <img src=c.png>", "d.md [d](d.md) |"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}

func FuzzDocReferences(f *testing.F) {
	f.Add("# a\n![a](b.png) <img src=\"c\"> [d]\n\n[d]: e\n")
	f.Add("> - <div>\n>   <img src=a\n\t\x00<a href=%zz>")
	f.Add("<img src=x src=y><a href>![](<a b>)[x](\\)")
	f.Fuzz(func(t *testing.T, text string) {
		for _, ref := range contentOf([]byte(text)).References {
			if ref.Offset < 0 || ref.Offset > len(text) {
				t.Errorf("%q stands at %d of %d", ref.Target, ref.Offset, len(text))
			}
			if line, column := rule.Position([]byte(text), ref.Offset); line < 1 || column < 1 {
				t.Errorf("%q stands at %d:%d", ref.Target, line, column)
			}
			if file, ok := ref.file(); ok && file == "" {
				t.Errorf("%q names a file without a name", ref.Target)
			}
		}
	})
}
