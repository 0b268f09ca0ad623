package yamldoc

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommentLines(t *testing.T) {
	const src = `# yes
name: 回显 # yes
d: |
  # no
  t

# yes
q: "x # no"
m: 'a
  # no
  b'
p: a b
  c # yes
l:
  - >-
    x # no
  - y # yes
---
# yes
x: {a: b, # yes
 c: d#no}
`
	var want []int
	for i, line := range strings.Split(src, "\n") {
		if strings.HasSuffix(line, "# yes") {
			want = append(want, i+1)
		}
	}
	for name, text := range map[string]string{"as it is": src, "CRLF": strings.ReplaceAll(src, "\n", "\r\n"), "byte order mark": "\ufeff" + src} {
		lines, ok := CommentLines([]byte(text))
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(lines))); diff != "" || !ok {
			t.Errorf("%s: lines with comments (-want +got):\n%s", name, diff)
		}
	}
	if _, ok := CommentLines(make([]byte, maxCommented+1)); ok {
		t.Error("a file of any size is read")
	}
}

// FuzzCommentLines: no text makes it break down.
func FuzzCommentLines(f *testing.F) {
	f.Add("# a\nb: |\n  # c\n")
	f.Add("a: \"b\n # c\n")
	f.Add("{# a\r\n]")
	f.Fuzz(func(t *testing.T, src string) {
		lines, _ := CommentLines([]byte(src))
		for line := range lines {
			if line < 1 {
				t.Errorf("line %d of %q", line, src)
			}
		}
	})
}
