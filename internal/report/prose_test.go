package report

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extensionast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// gfm reads Markdown as GitHub does: tables, links without marks, strikethrough, tasks.
var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote)).Parser()

// references are what a page looks for in the text outside of code: mentions, issues,
// commits, references with a prefix, emoji, formulas, addresses.
var references = regexp.MustCompile(`@|#\d|\b[0-9a-f]{7,40}\b|\b[A-Za-z]+-\d|:[a-z_]+:|\$|https?:|www\.`)

// faults are what in a Markdown text is more than text, code, tables and what else a report
// has by itself.
func faults(source string) []string {
	var found []string
	raw := []byte(source)
	_ = ast.Walk(gfm.Parse(text.NewReader(raw)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.CodeSpan, *ast.FencedCodeBlock:
			return ast.WalkSkipChildren, nil
		case *ast.Link, *ast.Image, *ast.AutoLink, *extensionast.Strikethrough, *extensionast.TaskCheckBox, *extensionast.FootnoteLink, *ast.CodeBlock, *ast.Blockquote, *ast.ThematicBreak:
			found = append(found, n.Kind().String())
		case *ast.Emphasis:
			inside := ""
			if word, ok := n.FirstChild().(*ast.Text); ok {
				inside = string(word.Segment.Value(raw))
			}
			if inside != "push" {
				found = append(found, "emphasis of "+inside)
			}
		case *ast.HTMLBlock:
			if block := string(n.Lines().Value(raw)); !strings.HasPrefix(block, "<details><summary>") && block != "</details>\n" {
				found = append(found, "HTML "+block)
			}
		case *ast.RawHTML:
			if tag := string(n.Segments.Value(raw)); tag == "<code>" { // entities alone, as spanInCell makes it
				for n.NextSibling() != nil {
					next := n.NextSibling()
					if html, ok := next.(*ast.RawHTML); ok && string(html.Segments.Value(raw)) == "</code>" {
						break
					}
					if _, ok := next.(*ast.Text); !ok {
						found = append(found, "in <code>: "+next.Kind().String())
					}
					n.Parent().RemoveChild(n.Parent(), next)
				}
			} else if tag != "</code>" {
				found = append(found, "HTML "+tag)
			}
		case *ast.Heading:
			if n.Level != 2 && n.Level != 3 {
				found = append(found, "heading")
			}
		case *ast.List:
			if _, isWarning := n.PreviousSibling().(*ast.Heading); !isWarning || n.ChildCount() != 1 {
				found = append(found, "list")
			}
		case *ast.Text:
			if r := references.FindString(string(n.Segment.Value(raw))); r != "" {
				found = append(found, "reference "+r)
			}
		}
		return ast.WalkContinue, nil
	})
	return found
}

// rows are the numbers of cells in the rows of the tables.
func rows(source string) (all []int) {
	_ = ast.Walk(gfm.Parse(text.NewReader([]byte(source))), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering && (n.Kind() == extensionast.KindTableRow || n.Kind() == extensionast.KindTableHeader) {
			all = append(all, n.ChildCount())
		}
		return ast.WalkContinue, nil
	})
	return all
}

var hostileTexts = []string{
	"[click](https://evil.example)", "![x](http://evil.example/x.png)", "<img src=http://evil.example/x.png>", "<script>alert(1)</script>",
	"https://evil.example/?q=1", "www.evil.example", "mail@evil.example", "@kubesphere/team", "(@team)", "#1", "owner/project#12", "GH-1",
	"0a1b2c3d4e", "deadbeef", "deadbee,", "x-deadbeef", "PROJECT-12", ":tada:", "$x$", "**bold**", "_it_", "~~gone~~", "a|b|c", `a\|@team`, `\\|#1`, `\`,
	"`code`", "```", "``` @team", "````\n@team\n````", "a ` b `` c", "`", "a\n\n# heading\n\n- @team", "> quote", "---", "- [ ] task", "1. list", "2) list",
	"[^1]", "[^1]: @team", "[ref]: http://evil.example", "[ref]", "&#64;team", "&lt;b&gt;", "<!-- -->", "]]>", "</details>", "<details>", "::error::x", "##[error]",
	"\x1b[2J", "\u202egnp.exe", "a\u2028# b", "|", "||", "\\", "!", "![", "](", "x\ty", "&", "<", "http://", "javascript:alert(1)", "\"@team\"", "'#1'", "(see #1)", "a\r@team", ": x`", "... @team`", "\" '",
}

// hostileResult has a text in each place that others can write.
func hostileResult(s string) *results.Document {
	r := allOutcomes()
	r.Warnings = []string{s}
	for i := range r.Extensions {
		x := &r.Extensions[i]
		x.Name, x.Version, x.Path, x.Reason = s, s, s, s
		x.Findings = []results.Finding{{Rule: "images", Severity: "error", Message: s, Hint: s, File: s, Line: 3, Column: 2, Excerpt: "   3 | " + s}}
		x.Error = &results.Error{Stage: results.StagePush, Message: s, Hint: s}
		x.Package = &results.Package{Path: s, Size: 10, Limit: 20, Contributors: []results.Contributor{{File: s, Inside: []results.Contributor{{File: s}}}}, Advice: []results.Advice{{What: s, Saves: 3}}}
	}
	return r
}

// TestMarkdownHoldsTextsOfOthersAsText: no text of others becomes a link, a picture, a
// mention or anything else on the page, wherever it stands.
func TestMarkdownHoldsTextsOfOthersAsText(t *testing.T) {
	soak.Long(t)
	want := rows(string(markdown(hostileResult("plain"))))
	random := rand.New(rand.NewPCG(1, 2))
	texts := slices.Clone(hostileTexts)
	for range 300 {
		var mixed strings.Builder
		for range 1 + random.IntN(4) {
			mixed.WriteString(hostileTexts[random.IntN(len(hostileTexts))])
			mixed.WriteString([]string{"", " ", "|", "`", "\\", "\n", ", ", "("}[random.IntN(8)])
		}
		texts = append(texts, mixed.String())
	}
	for _, s := range texts {
		page := string(markdown(hostileResult(s)))
		if found := faults(page); len(found) > 0 {
			t.Errorf("%q becomes %q:\n%s", s, found, page)
		}
		if got := rows(page); !slices.Equal(got, want) {
			t.Errorf("%q makes rows of %v cells, not %v:\n%s", s, got, want, page)
		}
		if t.Failed() {
			return
		}
	}
}

func TestProseLeavesWordsAlone(t *testing.T) {
	for in, want := range map[string]string{
		"the image docker.io/a|b:1 is listed, and nothing uses it": "the image `docker.io/a|b:1` is listed, and nothing uses it",
		"push: uploading the package: 422":                         "push: uploading the package: 422",
		"2.0.0 is there (v1.2), since 2026":                        "2.0.0 is there (v1.2), since 2026",
		"metrics-server 1.0.0-rc.1":                                "metrics-server `1.0.0-rc.1`",
		"没有说明文件（README.md），也没有图标。":                                 "`没有说明文件（README.md），也没有图标。`",
		"没有说明文件，也没有图标。":                                            "没有说明文件，也没有图标。",
		"it doesn't obey global.nodeSelector: see \"web\"":         "it doesn't obey `global.nodeSelector`: see \"web\"",
		"set --only a/b to @x, please":                             "set `--only a/b` to `@x`, please",
		"by ksrelease bump web --patch (or --minor, --major)":      "by `ksrelease bump web --patch` (or `--minor`, `--major`)",
		"ksrelease bump web --set 1.2.3 in 3 files":                "`ksrelease bump web --set 1.2.3` in 3 files",
		"ksrelease run, then ksrelease images mirror --dry-run.":   "ksrelease run, then `ksrelease images mirror --dry-run`.",
		"see ksrelease lint for 115, or use --all":                 "see ksrelease lint for 115, or use `--all`",
		"1. first":    "`1`. first",
		"line\nbreak": "line break",
		"a ` b":       "a `` ` `` b",
		"":            "",
	} {
		if got := prose(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	if got := fenced("a\n````\nb"); got != "`````text\na\n````\nb\n`````\n" {
		t.Errorf("%q", got)
	}
	if got := cell(`a|b c\|d`); got != "<code>a&#124;b c&#92;&#124;d</code>" {
		t.Errorf("%q", got)
	}
}
