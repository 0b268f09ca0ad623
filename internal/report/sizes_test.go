package report

import (
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

func TestOfLimit(t *testing.T) {
	for _, test := range []struct {
		n, whole int64
		want     string
	}{
		{0, 1000, "0 %"}, {1, 1000, "< 1 %"}, {10, 1000, "1 %"}, {958, 1000, "95 %"},
		{9999, 10000, "99.9 %"}, {1000, 1000, "100 %"}, {1048577, 1048576, "100.1 %"}, {1048575, 1048576, "99.9 %"},
		{1172, 1000, "117 %"},
	} {
		if got := ofLimit(test.n, test.whole); got != test.want {
			t.Errorf("%d of %d is shown as %q, want %q", test.n, test.whole, got, test.want)
		}
	}
}

func TestSizesThatAdviceCannotBringUnderTheLimit(t *testing.T) {
	var out strings.Builder
	text := NewText(output.New(&out), output.New(&out), TextOptions{Width: 60})
	text.sizes(results.Extension{Name: "big", Version: "1.0.0", Package: &results.Package{
		Size: 3 << 20, Limit: 1 << 20, SizeWithin: 64, Files: 3, AdvisedSize: 2 << 20,
		Contributors: []results.Contributor{
			{File: "charts/app/dashboards/" + strings.Repeat("long-", 9) + "name.json", Size: 5 << 20, Compressed: 2 << 20},
			{File: "charts/redis-1.0.0.tgz", Size: 1 << 20, Compressed: 1<<20 - 400, Inside: []results.Contributor{
				{File: "docs/book.pdf", Size: 900 << 10, Compressed: 800 << 10}, {File: "README.md", Size: 90 << 10, Compressed: 30 << 10},
			}},
		},
		Advice: []results.Advice{{What: "leave docs/ (1 file) out with .helmignore: no template reads it, and KubeSphere does not show it", Saves: 1 << 20}},
	}})
	const want = `
big 1.0.0: 3.0 MiB (± 64 B), 300 % of the limit of 1.0 MiB
COMPRESSED            SIZE  FILE
   2.0 MiB   66 %  5.0 MiB  charts/app/dashboards/long-long-
                            long-long-long-long-long-long-
                            long-name.json
  1024 KiB   33 %  1.0 MiB  charts/redis-1.0.0.tgz
                   900 KiB  · 800 KiB of it: docs/book.pdf
                    90 KiB  · 30 KiB of it: README.md
     400 B  < 1 %           (1 other file)

  SAVES  WITH THIS
1.0 MiB  leave docs/ (1 file) out with .helmignore: no
         template reads it, and KubeSphere does not show it
With this it has 2.0 MiB, 200 % of the limit: still too large.
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSizesInChinese(t *testing.T) {
	language.Use(language.Chinese)
	defer language.Use(language.English)
	got := sizeHead(&results.Package{Size: 1 << 20, PushedSize: 1 << 20, Limit: 1 << 20, PackedHard: true})
	if want := "1.0 MiB (推送时)，占上限 1.0 MiB 的 100 %，以最高压缩率打包"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
