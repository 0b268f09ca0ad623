package changelog

import (
	"bytes"
	"html"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	gfm "github.com/yuin/goldmark/extension"

	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/testutil/testshared"
)

var today = time.Date(2026, time.November, 3, 12, 0, 0, 0, time.UTC)

// The files are those that KubeSphere shows to readers of a language.
func TestLanguage(t *testing.T) {
	for name, want := range map[string]string{
		"CHANGELOG.md": "", "changelog.MD": "", "CHANGELOG_zh.md": "zh", "CHANGELOG-zh-CN.md": "zh-cn", "CHANGELOG.fr.md": "fr", "CHANGELOG_zh_Hans.md": "zh_hans",
		"CHANGELOGS.md": "none", "CHANGELOG_.md": "none", "CHANGELOG.markdown": "none", "README.md": "none", "docs/CHANGELOG.md": "none", "CHANGELOG.md.bak": "none",
		"CHANGELOG_archive.md": "none", "CHANGELOG-1.x.md": "none",
	} {
		if got, ok := Language(name); ok != (want != "none") || ok && got != want {
			t.Errorf("%s: %q %t, want %q", name, got, ok, want)
		}
	}
}

// The heading keeps the form of the newest one.
func TestFormOfTheHeading(t *testing.T) {
	for _, test := range []struct{ before, after string }{
		{"## 1.2.3", "## 1.2.4"},
		{"## v1.2.3", "## v1.2.4"},
		{"### V1.2.3 ###", "### V1.2.4 ###"},
		{"# Release 1.2.3", "# Release 1.2.4"},
		{"## web-v1.2.3", "## web-v1.2.4"},
		{"## 版本 1.2.3", "## 版本 1.2.4"},
		{"##\t1.2.3", "##\t1.2.4"},
		{" ## 1.2.3", " ## 1.2.4"},
		{"## [1.2.3] - 2024-01-02", "## [1.2.4] - 2026-11-03"},
		{"## [1.2.3]", "## [1.2.4]"},
		{"## **1.2.3**", "## **1.2.4**"},
		{"## `1.2.3`:", "## `1.2.4`:"},
		{"## 1.2.3 / 2024/1/2", "## 1.2.4 / 2026/11/3"},
		{"## 2024-01-02, 1.2.3", "## 2026-11-03, 1.2.4"},
		{"## 1.2.3 (Release on 2025.06.12)", "## 1.2.4 (Release on 2026.11.03)"},
		{"## 1.2.3 (发布于 2025.06.12)", "## 1.2.4 (发布于 2026.11.03)"},
		{"## 1.2.3（2025年6月2日）", "## 1.2.4（2026年11月3日）"},
		{"## 1.2.3 (June 12, 2025)", "## 1.2.4 (November 3, 2026)"},
		{"## 1.2.3 - Jun 12, 2025", "## 1.2.4 - Nov 3, 2026"},
		{"## 1.2.3, 12th June 2025", "## 1.2.4, 3 November 2026"},
		{"## 1.2.3 Big Rewrite", "## 1.2.4"},
		{"## 1.2.3 {#one}", "## 1.2.4"},
		{"## 1.2.3 (not a date 12/06/2025)", "## 1.2.4"},
		{"## [1.2.3](https://x/compare/v1.2.2...v1.2.3) (2024-01-02)", "## [1.2.4](https://x/compare/v1.2.3...v1.2.4) (2026-11-03)"},
		{"## [v1.2.3](https://x/tag/v1.2.3)", "## [v1.2.4](https://x/tag/v1.2.4)"},
		{"1.2.3\n=====", "1.2.4\n====="},
		{"v1.2.3 (2024-01-02)\n---", "v1.2.4 (2026-11-03)\n---"},
		{"## 1.2.3-rc.1", "## 1.2.4"},
		{"## 1.2", "## 1.2.4"},
		{"## 2025.10.12", "## 1.2.4"},
	} {
		source := "# Changes\n\n" + test.before + "\n\n- old\n"
		opened, err := Open([]byte(source), Opening{Current: "1.2.3", Version: "1.2.4", Entries: []string{"new"}, Day: today})
		want := "# Changes\n\n" + test.after + "\n\n- new\n\n" + test.before + "\n\n- old\n"
		if test.before == "## 2025.10.12" { // a date, and no version
			want = "# Changes\n\n## 1.2.4\n\n- new\n\n" + test.before + "\n\n- old\n"
		}
		if err != nil || string(opened.Source) != want {
			t.Errorf("%s: %v\n%s", test.before, err, cmp.Diff(want, string(opened.Source)))
		}
	}
}

// The section comes where the newest one is, and the rest stays.
func TestPlaceOfTheSection(t *testing.T) {
	for _, test := range []struct{ name, before, after string }{
		{"empty", "", "## 1.2.4\n\n- new\n"},
		{"byte order mark", "\uFEFF## 1.2.3\n", "\uFEFF## 1.2.4\n\n- new\n\n## 1.2.3\n"},
		{"byte order mark alone", "\uFEFF", "\uFEFF## 1.2.4\n\n- new\n"},
		{"title", "# Changes", "# Changes\n\n## 1.2.4\n\n- new\n"},
		{"title and introduction", "# Changes\n\nAll of them.\n", "# Changes\n\nAll of them.\n\n## 1.2.4\n\n- new\n"},
		{"headings without versions", "# Changes\n\n## Features\n\n- a\n", "# Changes\n\n## 1.2.4\n\n- new\n\n## Features\n\n- a\n"},
		{"text alone", "First release.\n", "First release.\n\n## 1.2.4\n\n- new\n"},
		{"no blank lines", "# C\n## 1.2.3\n- old\n## 1.2.2\n- older\n", "# C\n## 1.2.4\n- new\n\n## 1.2.3\n- old\n## 1.2.2\n- older\n"},
		{"comment before it", "<!---\nRELEASE_MARK v4.1.3\n-->\n## v1.2.3\n\n### Fixes\n\n- old\n", "<!---\nRELEASE_MARK v4.1.3\n-->\n## v1.2.4\n\n- new\n\n## v1.2.3\n\n### Fixes\n\n- old\n"},
		{"carriage returns", "# C\r\n\r\n## 1.2.3\r\n\r\n* old\r\n", "# C\r\n\r\n## 1.2.4\r\n\r\n* new\r\n\r\n## 1.2.3\r\n\r\n* old\r\n"},
		{"other marks of lists", "## 1.2.3\n\n+ old\n", "## 1.2.4\n\n+ new\n\n## 1.2.3\n\n+ old\n"},
		{"oldest first", "# C\n\n## 1.2.2\n\n- a\n\n## 1.2.3\n\n- b", "# C\n\n## 1.2.2\n\n- a\n\n## 1.2.3\n\n- b\n\n## 1.2.4\n\n- new\n"},
		{"numbers in other headings", "## 1.2.3\n\n### Kubernetes 1.20\n\n- a\n\n## 1.2.2\n", "## 1.2.4\n\n- new\n\n## 1.2.3\n\n### Kubernetes 1.20\n\n- a\n\n## 1.2.2\n"},
		{"code is no heading", "```\n## 9.9.9\n```\n\n## 1.2.3\n", "```\n## 9.9.9\n```\n\n## 1.2.4\n\n- new\n\n## 1.2.3\n"},
		{"unreleased, with texts", "# C\n\n## [Unreleased]\n\n### Added\n\n- it\n\n## [1.2.3] - 2024-01-02\n", "# C\n\n## [Unreleased]\n\n## [1.2.4] - 2026-11-03\n\n### Added\n\n- it\n\n## [1.2.3] - 2024-01-02\n"},
		{"unreleased, empty", "# C\n\n## Unreleased\n\n## 1.2.3\n", "# C\n\n## Unreleased\n\n## 1.2.4\n\n- new\n\n## 1.2.3\n"},
		{"unreleased alone", "# C\n\n## [Unreleased]\n- it\n", "# C\n\n## [Unreleased]\n\n## [1.2.4] - 2026-11-03\n\n- it\n"},
		{"there", "# C\n\n## v1.2.4 (draft)\n\n## v1.2.3\n", "# C\n\n## v1.2.4 (draft)\n\n## v1.2.3\n"},
		{"a newer one", "## 2.0.0\n\n## 1.2.3\n", "## 1.2.4\n\n- new\n\n## 2.0.0\n\n## 1.2.3\n"},
	} {
		opened, err := Open([]byte(test.before), Opening{Current: "1.2.3", Version: "v1.2.4", Entries: []string{"new"}, Day: today})
		if err != nil || string(opened.Source) != test.after {
			t.Errorf("%s: %v\n%s", test.name, err, cmp.Diff(test.after, string(opened.Source)))
		}
		if opened.There != (test.name == "there") || opened.Collected != (test.name == "unreleased, with texts" || test.name == "unreleased alone") {
			t.Errorf("%s: there %v, collected %v", test.name, opened.There, opened.Collected)
		}
	}
	opened, err := Open([]byte("## 1.2.3\n"), Opening{Version: "1.2.4", Day: today})
	if want := "## 1.2.4\n\n-\n\n## 1.2.3\n"; err != nil || string(opened.Source) != want {
		t.Errorf("without entries: %v, %q", err, opened.Source)
	}
	if opened, err := Open([]byte("  ## 1.2.3\n"), Opening{Version: "1.2.4", Entries: []string{"new"}, Day: today}); err == nil {
		t.Errorf("the next heading becomes part of the list: %q", opened.Source)
	}
	if opened, err := Open([]byte("<!-- never closed\n"), Opening{Version: "1.2.4", Day: today}); err == nil {
		t.Errorf("a section is opened within a comment: %q", opened.Source)
	}
	if opened, err := Open([]byte("## 1.2.3\n\n```\n## 1.2.2\n"), Opening{Version: "1.2.4", Day: today}); err != nil {
		t.Errorf("code that is never closed, below the section: %v, %q", err, opened.Source)
	}
}

func TestSections(t *testing.T) {
	sections := Sections([]byte("# C 3.0.0 beta\n\n## v1.2.3\n\n- b\n\n### x 1.0.0\n\n## v1.2.2\n- a\n"), "1.2.3")
	var got []string
	for _, s := range sections {
		got = append(got, s.Heading.Version, string(s.Body))
	}
	if diff := cmp.Diff([]string{"1.2.3", "\n- b\n\n### x 1.0.0\n\n", "1.2.2", "- a\n"}, got); diff != "" {
		t.Error(diff)
	}
}

// Headings of versions may have two levels, as semantic-release and underlined ones have. A heading
// that says more, or stands deeper, begins no section then.
func TestSectionsOfTwoLevels(t *testing.T) {
	for _, test := range []struct{ source, current, versions string }{
		{"# [1.1.0](https://x/c) (2024-02-01)\n\n### Features\n\n* f\n\n## [1.0.1](https://x/c) (2024-01-01)\n\n* b\n\n# 1.0.0 (2022-01-01)\n", "1.1.0", "1.1.0 1.0.1 1.0.0"},
		{"# [1.1.0](https://x/c) (2024-02-01)\n\n## [1.0.1](https://x/c) (2024-01-01)\n", "1.0.1", "1.1.0 1.0.1"},
		{"1.0.3\n=====\n\n- a\n\nv1.0.2, 2024-01-02\n-----\n", "1.0.3", "1.0.3 1.0.2"},
		{"# v1.0.3（2024年1月2日）\n\n## [1.0.2] - June 12, 2024\n", "1.0.3", "1.0.3 1.0.2"},
		{"# 1.0.3\n\n## Kubernetes 1.20.0\n\n## 1.2.0 and later\n\n### 1.0.2\n\n## 1.30\n", "1.0.3", "1.0.3"},
	} {
		var versions []string
		for _, s := range Sections([]byte(test.source), test.current) {
			versions = append(versions, s.Heading.Version)
		}
		if got := strings.Join(versions, " "); got != test.versions {
			t.Errorf("%q\nhas %q, want %q", test.source, got, test.versions)
		}
	}
}

// A CHANGELOG of each real package gets a section in the form that it has.
func TestRealChangelogs(t *testing.T) {
	var files []string
	for _, example := range testshared.Corpus(t) {
		ext, err := extension.Load(example, extension.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range ext.Files {
			if strings.HasPrefix(file.Name, "CHANGELOG") {
				files = append(files, file.Name)
				opened, err := Open(file.Data, Opening{Current: ext.Metadata.Version, Version: "99.0.0", Entries: []string{"new"}, Day: today})
				if err != nil || len(opened.Source) <= len(file.Data) {
					t.Errorf("%s of %s: %v", file.Name, example, err)
				}
			}
		}
	}
	if len(files) == 0 {
		t.Error("there are none")
	}
}

// Subjects of commits are shown as they are, whatever is in them.
func TestPlainText(t *testing.T) {
	for text, want := range map[string]string{
		"fix: adjust the value structure (#43)": "fix: adjust the value structure (#43)",
		"[ob-operator] add extension (#69)":     `\[ob-operator] add extension (#69)`,
		"use snake_case and *args":              `use snake_case and \*args`,
		"_x_":                                   `\_x\_`,
		"# heading":                             `\# heading`,
		"1. one":                                `1\. one`,
		"- - x":                                 `\- - x`,
		"<script>alert(1)</script>":             `\<script>alert(1)\</script>`,
		"![x](https://x/y.png)":                 `!\[x](https://x/y.png)`,
		"a\x1b[31m\u202eb\r\n## 9.9.9\u2028c":   `a\[31mb ## 9.9.9 c`,
		"修复 从 3.x 升级":                           "修复 从 3.x 升级",
		strings.Repeat("x", 400):                strings.Repeat("x", 300) + "…",
		"":                                      "",
	} {
		if got := PlainText(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzPlainText(f *testing.F) {
	for _, seed := range []string{
		"a", "# x", "1) x", "[x]: /y", "[ ] x", "***", "___", "a_b_c", "`x", "&amp; &#35; & b", "~~x~~", "| a | b |", "<a>", "\\", "+", "=", "---", "> x", "<!-- x", "  x", "a\x00b",
	} {
		f.Add(seed)
	}
	markdown := goldmark.New(goldmark.WithExtensions(gfm.Strikethrough, gfm.Table, gfm.TaskList))
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		plain := PlainText(text)
		var page bytes.Buffer
		if err := markdown.Convert([]byte("- "+plain+"\n"), &page); err != nil {
			t.Fatal(err)
		}
		var shown []rune
		for _, r := range html.UnescapeString(strings.TrimSuffix(strings.TrimPrefix(page.String(), "<ul>\n<li>"), "</li>\n</ul>\n")) {
			shown = append(shown, r)
		}
		// Without escapes it is the text, cut and without what cannot be printed.
		if want := PlainText(string(shown)); want != plain {
			t.Errorf("%q is written as %q and shown as %q: %s", text, plain, string(shown), page.String())
		}
	})
}

// Whatever is in a file, nothing of it is lost, and one heading comes to it.
func FuzzOpen(f *testing.F) {
	for _, seed := range []string{"", "# C\n\n## 1.2.3\n\n- x\n", "1.2.3\n===\n", "## [Unreleased]\n- x\n## 1.0\n", "\uFEFF# C\r\n## v1.0.0\r\n", "<!--\n## 1.0.0\n", "```\n# 1.0.0", "- ## 1.0.0\n", "## 1.0.0 ##\n\t# 2.0.0"} {
		f.Add([]byte(seed), "fix it")
	}
	f.Fuzz(func(t *testing.T, source []byte, entry string) {
		opened, err := Open(source, Opening{Current: "1.0.0", Version: "1.2.4", Entries: []string{entry}, Day: today})
		if err != nil {
			return
		}
		named := 0
		for _, h := range Headings(opened.Source) {
			if h.Names("1.2.4") {
				named++
			}
		}
		if !opened.There && named != 1 {
			t.Errorf("%d headings of the version in %q", named, opened.Source)
		}
		rest := string(opened.Source)
		for _, line := range strings.Fields(string(source)) {
			_, after, ok := strings.Cut(rest, line)
			if !ok {
				t.Fatalf("%q is lost of %q in %q", line, source, opened.Source)
			}
			rest = after
		}
	})
}
