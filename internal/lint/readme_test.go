package lint

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadme(t *testing.T) {
	withStatic := replaced(goodMetadata, "icon:", "staticFileDirectory: static\nicon:")
	testFindings(t, []findingTest{
		{
			name:    "none at all",
			changes: []string{"README.md", "", "README_zh.md", ""},
			want: []string{
				`warning readme ext/extension.yaml:4:15: there is no README.md`,
				`warning readme ext/extension.yaml:4:24: there is no README_zh.md, and displayName speaks zh`,
			},
			hint: "add it: what the extension is for, and how to use it",
		},
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
		{
			name:    "an empty one",
			changes: []string{"README_zh.md", " \n"},
			want:    []string{`warning readme ext/README_zh.md: README_zh.md is empty`},
			hint:    "write it: the marketplace and KubeSphere show it to users",
		},
		{
			name:    "a picture that is left out of what is pushed",
			changes: []string{"extension.yaml", withStatic, "README.md", "# Web\n\nSee ![one](./static/one.png) and ![again](static/one.png).\n"},
			want:    []string{`warning readme ext/README.md:3:5: the picture ./static/one.png lies in staticFileDirectory, which is left out of the pushed package`},
			hint:    "move it to another folder, or give the address of a picture on the web (https://…)",
		},
		{name: "a picture that is packed", changes: []string{"README.md", "![one](/static/one.png) <img src=\"static/one.png\"/>"}},
		{
			name:    "files that are not there",
			changes: []string{"README.md", "网站 [guide](docs/guide.md#use)\n\n<p align=\"center\">\n  <img\n   src='pictures/a%20b.png'>\n</p>\n\n[up](../other/README.md), [ref]\n\n[ref]: LICENCE\n", "LICENSE", "x"},
			want: []string{
				`warning readme ext/README.md:1:4: the link docs/guide.md#use names no file of the package`,
				`warning readme ext/README.md:4:3: the picture pictures/a%20b.png names no file of the package`,
				`warning readme ext/README.md:8:1: the link ../other/README.md leads out of the extension, so nobody has it`,
				`warning readme ext/README.md:8:27: the link LICENCE names no file of the package`,
			},
			hint: "add the file, or give its address on the web (https://…)",
		},
		{
			name:    "a file that .helmignore keeps out",
			changes: []string{"README.md", "[x](docs/x.md)", "docs/x.md", "x", ".helmignore", "docs/\n"},
			want:    []string{`warning readme ext/README.md:1:1: the link docs/x.md names no file of the package`},
			hint:    "add the file or, should .helmignore keep it out, fix that; or give its address on the web (https://…)",
		},
		{name: "what names no file", changes: []string{"README.md", "[a](https://example.com/a.png) [b](#b) [c](mailto:a@b.c) <https://a.b/c> [d](//cdn.example.com/x) `![x](y.png)` [e](charts/) [f](.) [g](Chart.yaml)\n\n```\n![x](z.png)\n```\n<!-- <img src=gone.png> -->\n"}},
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

func TestChangelog(t *testing.T) {
	testFindings(t, []findingTest{
		{
			name:    "a version that it does not know",
			changes: []string{"CHANGELOG.md", "## 1.0.0-rc.1\n\n11.0.0, 1.0.01, 1.0.0.1 and v1.0.0+build\n"},
			want:    []string{`warning changelog ext/CHANGELOG.md: CHANGELOG.md does not name this version, 1.0.0`},
			hint:    "say what is new, below a heading ## 1.0.0",
		},
		{
			name:    "empty",
			changes: []string{"CHANGELOG.md", " \n"},
			want:    []string{"warning changelog ext/CHANGELOG.md: CHANGELOG.md is empty"},
			hint:    "write it: the marketplace and KubeSphere show it to users",
		},
		{
			name:    "not in every language",
			changes: []string{"CHANGELOG_zh.md", ""},
			want:    []string{`warning changelog ext/extension.yaml:4:24: there is no CHANGELOG_zh.md, and displayName speaks zh`},
			hint:    "translate CHANGELOG.md, or take zh out of displayName and description",
		},
		{
			name:    "a file that is not there",
			changes: []string{"CHANGELOG.md", "## 1.0.0\n\n![new](new.png)\n"},
			want:    []string{`warning changelog ext/CHANGELOG.md:3:1: the picture new.png names no file of the package`},
		},
		{name: "in brackets", changes: []string{"CHANGELOG.md", "## [1.0.0] - 2024-01-01"}},
		{name: "with a v", changes: []string{"CHANGELOG.md", "<h2>V1.0.0</h2>"}},
		{name: "as a tag", changes: []string{"CHANGELOG.md", "https://example.com/compare/web-v0.9.0...web-v1.0.0"}},
		{name: "at the end of a sentence", changes: []string{"CHANGELOG.md", "This is 1.0.0."}},
	})
}

// KubeSphere's console takes _, - or . before the language of a text, and any case.
func TestTextsUnderTheNamesThatTheConsoleReads(t *testing.T) {
	good := goodFiles()
	readme, zh := good["README.md"], good["README_zh.md"]
	changelog, changelogZh := good["CHANGELOG.md"], good["CHANGELOG_zh.md"]
	var tests []findingTest
	for _, name := range []string{"readme.md", "Readme.MD", "README_en.md", "README-EN.md", "readme.en.md"} {
		tests = append(tests, findingTest{name: name, changes: []string{"README.md", "", name, readme}})
	}
	for _, name := range []string{"README-zh.md", "README.zh.md", "readme_ZH.md"} {
		tests = append(tests, findingTest{name: name, changes: []string{"README_zh.md", "", name, zh}})
	}
	tests = append(tests,
		findingTest{name: "a changelog", changes: []string{"CHANGELOG.md", "", "changelog.md", changelog, "CHANGELOG_zh.md", "", "Changelog-zh.md", changelogZh}},
		findingTest{name: "another version in it", changes: []string{"CHANGELOG.md", "", "changelog.md", "## 0.9.0\n"}, want: []string{
			"warning changelog ext/changelog.md: changelog.md does not name this version, 1.0.0"}},
		findingTest{name: "another form of the language", changes: []string{"README_zh.md", "", "README_zh-CN.md", zh}, want: []string{
			"warning readme ext/extension.yaml:4:24: there is no README_zh.md, and displayName speaks zh"}, hint: "rename README_zh-CN.md to README_zh.md"},
		findingTest{name: "another language alone", changes: []string{"README.md", ""}, want: []string{
			"warning readme ext/extension.yaml:4:15: there is no README.md"}},
		findingTest{name: "no language behind the hyphen", changes: []string{"README.md", "", "README-.md", readme}, want: []string{
			"warning readme ext/extension.yaml:4:15: there is no README.md"}},
		findingTest{name: "no text", changes: []string{"README.md", "", "READMEen.md", readme, "README.markdown", readme}, want: []string{
			"warning readme ext/extension.yaml:4:15: there is no README.md"}},
	)
	testFindings(t, tests)
}
