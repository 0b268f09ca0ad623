package lint

import (
	"strings"
	"testing"
)

func TestReadme(t *testing.T) {
	testFindings(t, "changelog+readme", []findingTest{
		{
			name:    "one as large as may be",
			changes: []string{"README.md", "[x](x.md)" + strings.Repeat("\n", 256<<10-9)},
			want:    []string{`warning readme ext/README.md:1:1: the link x.md names no file of the package`},
		},
		{
			name:    "one that is too large",
			changes: []string{"README.md", "[x](x.md)" + strings.Repeat("\n", 256<<10-8)},
			want:    []string{`warning readme ext/README.md: README.md has 262145 bytes: its links and pictures were not checked, as that is more than 256 KiB`},
			hint:    "shorten it, or move a part of it to the web (https://…): users read it as one page",
		},
		{
			name:    "a changelog that is too large",
			changes: []string{"CHANGELOG.md", "## 1.0.0\n[x](x.md)" + strings.Repeat("x\n", 256<<10)},
			want:    []string{`warning changelog ext/CHANGELOG.md: CHANGELOG.md has 524306 bytes: its links and pictures were not checked, as that is more than 256 KiB`},
			hint:    "shorten it, or move a part of it to the web (https://…): users read it as one page",
		},
	})
}
