package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadme(t *testing.T) {
	testFindings(t, "changelog+readme", []findingTest{
		{
			name:    "one as large as may be",
			changes: []string{"README.md", "[x](x.md)" + strings.Repeat("\n", maxMarkdown-9)},
			want:    []string{`warning readme ext/README.md:1:1: the link x.md names no file of the package`},
		},
		{
			name:    "one that is too large",
			changes: []string{"README.md", "[x](x.md)" + strings.Repeat("\n", maxMarkdown-8)},
			want:    []string{`warning readme ext/README.md: README.md has 262145 bytes: its links and pictures were not checked, as that is more than 256 KiB`},
			hint:    "shorten it, or move a part of it to the web (https://…): users read it as one page",
		},
		{
			name:    "a changelog that is too large",
			changes: []string{"CHANGELOG.md", "## 1.0.0\n[x](x.md)" + strings.Repeat("x\n", maxMarkdown)},
			want:    []string{`warning changelog ext/CHANGELOG.md: CHANGELOG.md has 524306 bytes: its links and pictures were not checked, as that is more than 256 KiB`},
			hint:    "shorten it, or move a part of it to the web (https://…): users read it as one page",
		},
	})
}

// TestReferenceOffsets: whatever the nesting, a place is within the text.
func TestReferenceOffsets(t *testing.T) {
	text := "> * ![a](a.png)\n>   <img src=b.png>\n>\n>   <div>\n>   <img src=c.png>\n>   </div>\n\n| x |\n| --- |\n| [d](d.md) |\n"
	var got []string
	for _, ref := range docReferences([]byte(text)) {
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
		for _, ref := range docReferences([]byte(text)) {
			if ref.Offset < 0 || ref.Offset > len(text) {
				t.Errorf("%q stands at %d of %d", ref.Target, ref.Offset, len(text))
			}
			if line, column := place([]byte(text), ref.Offset); line < 1 || column < 1 {
				t.Errorf("%q stands at %d:%d", ref.Target, line, column)
			}
			if file, ok := ref.file(); ok && file == "" {
				t.Errorf("%q names a file without a name", ref.Target)
			}
		}
	})
}
