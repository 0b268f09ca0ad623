package extension

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
	"github.com/ksrelease/ksrelease/internal/testutil/trees"
)

// What is the same content, and what is other content.
func TestContentDigest(t *testing.T) {
	base := trees.Demo()
	original := mustLoad(t, trees.Write(t, base)).ContentDigest()
	change := func(edit func(map[string]string)) string {
		files := trees.Demo()
		edit(files)
		return mustLoad(t, trees.Write(t, files)).ContentDigest()
	}
	same := map[string]func(map[string]string){
		"nothing": func(map[string]string) {},
		"a derived Chart.yaml": func(f map[string]string) {
			f[ChartFile] = "apiVersion: v2\nname: demo\nversion: 1.0.0\nicon: https://f/i\n"
		},
		"an unused static file": func(f map[string]string) { f["static/unused.png"] = "changed" },
		"what is never packed":  func(f map[string]string) { f[".git/HEAD"] = "x"; f["demo-0.9.0.tgz"] = "x" },
		"another way to name it": func(f map[string]string) {
			f[MetadataFile] = strings.Replace(f[MetadataFile], "./static/icon.svg", "static/icon.svg", 1)
		},
		"the asset in other folder": func(f map[string]string) {
			f["static/i.svg"] = "<svg/>"
			f[MetadataFile] = strings.Replace(f[MetadataFile], "./static/icon.svg", "static/i.svg", 1)
		},
	}
	for name, edit := range same {
		if got := change(edit); got != original {
			t.Errorf("with %s the digest is another", name)
		}
	}
	other := map[string]func(map[string]string){
		"an icon":       func(f map[string]string) { f["static/icon.svg"] = "<svg></svg>" },
		"a screenshot":  func(f map[string]string) { f["static/two/shot.png"] = "changed" },
		"a template":    func(f map[string]string) { f["charts/sub/templates/a.yml"] = "b: c\n" },
		"a new file":    func(f map[string]string) { f["NOTES"] = "" },
		"a file's name": func(f map[string]string) { f["README2.md"] = f["README.md"]; delete(f, "README.md") },
		"a file moved":  func(f map[string]string) { f["README.md"], f["values.yaml"] = f["values.yaml"], f["README.md"] },
		"a comment":     func(f map[string]string) { f[MetadataFile] += "# more\n" },
		"a remote picture": func(f map[string]string) {
			f[MetadataFile] = strings.Replace(f[MetadataFile], "remote.png", "other.png", 1)
		},
		"order of pictures": func(f map[string]string) {
			f[MetadataFile] = strings.Replace(f[MetadataFile], "static/two/shot.png", "static/one/shot.png", 1)
		},
		"a surviving field": func(f map[string]string) { f[ChartFile] = "appVersion: 1.0.0\n" },
		"the static folder": func(f map[string]string) { f["staticity.txt"] = "changed" },
	}
	seen := map[string]string{original: "the original"}
	for name, edit := range other {
		got := change(edit)
		if was, ok := seen[got]; ok {
			t.Errorf("with another %s the digest is that of %s", name, was)
		}
		seen[got] = name
	}
}

// Source tree, local package and package in a folder have one digest, and both
// forms of the package carry it.
func TestContentDigestThroughPacking(t *testing.T) {
	soak.Long(t)
	for _, archive := range corpusPackages(t) {
		t.Run(filepath.Base(archive), func(t *testing.T) {
			e := mustLoad(t, trees.Unpack(t, archive, false))
			withChart := mustLoad(t, trees.Unpack(t, archive, true))
			packed := mustLoad(t, archive)
			if e.ContentDigest() != withChart.ContentDigest() || e.ContentDigest() != packed.ContentDigest() {
				t.Errorf("the digests are %s, with Chart.yaml %s, of the package %s", e.ContentDigest(), withChart.ContentDigest(), packed.ContentDigest())
			}
			for _, urls := range []URLs{nil, testURLs(e)} {
				p, err := e.Pack(urls)
				if err != nil {
					t.Fatal(err)
				}
				again, err := Read(p.Filename, p.Data, Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if recorded(t, again) != e.ContentDigest() || p.ContentDigest != e.ContentDigest() {
					t.Errorf("the package says %s, want %s", recorded(t, again), e.ContentDigest())
				}
			}
		})
	}
}

// Two servers, one digest; the packages differ.
func TestContentDigestIgnoresAddresses(t *testing.T) {
	e := demo(t)
	urls := testURLs(e)
	first, err := e.Pack(urls)
	if err != nil {
		t.Fatal(err)
	}
	for file := range urls {
		urls[file] = strings.Replace(urls[file], "files.example", "elsewhere.example", 1)
	}
	second, err := e.Pack(urls)
	if err != nil {
		t.Fatal(err)
	}
	if first.ContentDigest != second.ContentDigest || first.Digest == second.Digest {
		t.Errorf("content %s and %s, packages %s and %s", first.ContentDigest, second.ContentDigest, first.Digest, second.Digest)
	}
}
