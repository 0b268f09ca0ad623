package notes

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/changelog"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/failure"
)

func files(pairs ...string) (all []extension.File) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, extension.File{Name: pairs[i], Data: []byte(pairs[i+1])})
	}
	return all
}

func TestFormsOfHeadings(t *testing.T) {
	for _, heading := range []string{
		"## 1.2.3", "## v1.2.3", "## V1.2.3", "# 1.2.3 (2024-01-01)", "## [1.2.3] - 2024-01-01", "## [1.2.3]", "### Release 1.2.3 ###", "1.2.3\n=====", "v1.2.3 (2024-01-02)\n---",
		"## [1.2.3](https://example.com/compare/v1.2.2...v1.2.3) (2024-01-01)", "## web-v1.2.3", "## 版本 1.2.3", "## **1.2.3**", "## 1.2.3：大更新", "## 2024-01-01, 1.2.3",
	} {
		source := "# Changes\n\n## 1.3.0-rc.1\n\n- next\n\n" + heading + "\n\n### Fixes\n\n- a fix\n\n" + strings.Replace(heading, "1.2.3", "1.2.2", 1) + "\n\n- old\n"
		if !strings.HasPrefix(heading, "## ") { // sections of one level
			source = strings.Replace(source, "## 1.3.0-rc.1\n\n- next\n\n", "", 1)
		}
		got, err := Of("web", "1.2.3", files("CHANGELOG.md", source), Options{})
		if err != nil || len(got.Texts) != 1 || len(got.Texts[0].Sections) != 1 || got.Texts[0].Sections[0].Markdown != "### Fixes\n\n- a fix" {
			if strings.HasPrefix(heading, "### ") && err == nil && got.Texts[0].Sections[0].Markdown == "" {
				continue // "### Fixes" is of its level
			}
			t.Errorf("%q: %+v, %v", heading, got, err)
		}
	}
}

// The mark of the release below is no text of the one above.
func TestCommentsAtTheEnd(t *testing.T) {
	for body, want := range map[string]string{
		"- a\n\n<!---\nRELEASE_MARK v4.1.0\n-->\n":        "- a",
		"- a\n<!-- one -->\n\n<!-- two -->\n":             "- a",
		"<!-- nothing else -->\n":                         "",
		"<!-- before -->\n- a\n":                          "<!-- before -->\n- a",
		"- a <!-- in a line -->\n":                        "- a <!-- in a line -->",
		"- a\n<!-- x --> -->\n":                           "- a\n<!-- x --> -->",
		"- a\n\n```\n<!-- code -->\n```\n":                "- a\n\n```\n<!-- code -->\n```",
		"- a [b]\n\n[b]: https://example.com\n<!-- x -->": "- a [b]\n\n[b]: https://example.com",
	} {
		got, err := Of("web", "1.2.3", files("CHANGELOG.md", "## 1.2.3\n\n"+body+"\n## 1.2.2\n\n- old\n"), Options{})
		if err != nil || got.Texts[0].Sections[0].Markdown != want {
			t.Errorf("%q: %+v, %v", body, got, err)
		}
	}
}

const english = `# Changelog

## [1.2.0] - 2024-03-01

- New: [a page](https://example.com), see [#7].

## [1.1.0-rc.1]

- Try it.

## [1.1.0]

- Better.

## [1.0.0]

- First.

` + "```\n[code]: https://example.com/code\n```" + `

[1.2.0]: https://example.com/1.2.0
[#7]: https://example.com/7
`

func TestNotes(t *testing.T) {
	all := files("README.md", "x", "changelog.MD", english, "CHANGELOG_zh.md", "## v1.2.0\r\n\r\n- 新的\r\n\r\n## v1.1.0\r\n\r\n- 更好\r\n", "docs/CHANGELOG.md", "## 9.0.0\n", "CHANGELOG-old", "x", "CHANGELOG-archive.md", "## 0.1.0\n")
	got, err := Of("web", "v1.2.0", all, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := &Notes{Name: "web", Version: "1.2.0", Texts: []Text{
		{"", "changelog.MD", []Section{{"1.2.0", "[1.2.0] - 2024-03-01", "- New: [a page](https://example.com), see [#7].\n\n[#7]: https://example.com/7"}}},
		{"zh", "CHANGELOG_zh.md", []Section{{"1.2.0", "v1.2.0", "- 新的"}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text := got.Markdown(); !strings.Contains(text, "## web 1.2.0 (CHANGELOG_zh.md)\n\n- 新的\n") {
		t.Errorf("%s", text)
	}
	one, err := Of("web", "1.2.0", all, Options{Language: "ZH"})
	if err != nil || one.Markdown() != "- 新的\n" {
		t.Errorf("%+v, %v", one, err)
	}
	// German has none: English takes its place, and here the one without a language.
	if one, err = Of("web", "1.0.0", all, Options{Language: "de"}); err != nil || one.Texts[0].File != "changelog.MD" || one.Markdown() != "- First.\n\n```\n[code]: https://example.com/code\n```\n" {
		t.Errorf("%+v, %v", one, err)
	}
	since, err := Of("web", "1.2.0", all, Options{Language: "en", Since: "1.0.0"})
	if err != nil || len(since.Texts[0].Sections) != 3 || since.Since != "1.0.0" {
		t.Fatalf("%+v, %v", since, err)
	}
	if text := since.Markdown(); !strings.HasPrefix(text, "## web 1.2.0\n\n- New") || !strings.Contains(text, "\n\n## web 1.1.0\n\n- Better.\n") || strings.Contains(text, "First") {
		t.Errorf("%s", text)
	}
}

func TestNoNotes(t *testing.T) {
	all := files("CHANGELOG.md", english, "CHANGELOG_zh.md", "## 1.1.0\n")
	for name, c := range map[string]struct {
		files         []extension.File
		version       string
		options       Options
		message, hint string
	}{
		"no file":          {files("README.md", "x"), "1.2.0", Options{}, "web has no CHANGELOG.md", "## 1.2.0"},
		"no section":       {all, "1.3.0", Options{Language: "en"}, "web 1.3.0 has no notes: CHANGELOG.md has sections of 1.2.0, 1.1.0-rc.1, 1.1.0 and 1 more", "below a heading ## 1.3.0"},
		"not in one":       {all, "1.2.0", Options{}, "web 1.2.0 has no notes: CHANGELOG_zh.md has sections of 1.1.0", ""},
		"no headings":      {files("CHANGELOG.md", "# Changes\n\n- 1.2.0\n"), "1.2.0", Options{}, "CHANGELOG.md has no heading with a version", ""},
		"no language":      {files("CHANGELOG_zh.md", "## 1.2.0\n"), "1.2.0", Options{Language: "de"}, "web has no CHANGELOG for readers of de: there is CHANGELOG_zh.md", "CHANGELOG_de.md"},
		"odd language":     {all, "1.2.0", Options{Language: "../x"}, `"../x" is no language`, "en or zh"},
		"since later":      {all, "1.2.0", Options{Since: "1.2.0"}, "1.2.0 is not before 1.2.0", "lower version"},
		"since no version": {all, "1.2.0", Options{Since: "yesterday"}, `"yesterday" is no version`, "such as 1.2.0"},
		"too large":        {files("CHANGELOG.md", strings.Repeat("x", changelog.Largest+1)), "1.2.0", Options{}, "at most 1048576 are read", ""},
		"only in code":     {files("CHANGELOG.md", "```\n## 1.2.0\n```\n"), "1.2.0", Options{}, "no heading with a version", ""},
	} {
		got, err := Of("web", c.version, c.files, c.options)
		if err == nil || !strings.Contains(err.Error(), c.message) || !strings.Contains(failure.Hint(err), c.hint) || failure.Hint(err) == "" {
			t.Errorf("%s: %+v, %v (hint: %s)", name, got, err, failure.Hint(err))
		}
	}
	var missing *MissingError
	if _, err := Of("web", "1.3.0", all, Options{}); !errors.As(err, &missing) {
		t.Errorf("%v", err)
	}
}

func FuzzOf(f *testing.F) {
	f.Add([]byte(english), "1.2.0")
	f.Fuzz(func(t *testing.T, source []byte, version string) {
		got, err := Of("web", version, []extension.File{{Name: "CHANGELOG.md", Data: source}}, Options{})
		if err == nil && len(got.Texts[0].Sections) == 0 {
			t.Error("no section and no error")
		}
	})
}
