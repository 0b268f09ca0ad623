package readme

import (
	"slices"
	"strings"
	"testing"
)

func TestConsoleLeavesOut(t *testing.T) {
	source := "# Title\n\n<p align=\"center\"><img src=\"logo.png\">hidden</p>\n\n" +
		"Text with <b>bold</b> and ![far](https://example.com/a.png) and ![near](static/a.png).\n" +
		"[web](https://example.com/x) [mail](mailto:a@example.com) [file](docs/a.md) [place](#title)\n\n" +
		"| a | b |\n| :-: | --- |\n| 1 | 2 |\n\n- [x] done\n\n<!-- a comment -->\n"
	text := Render([]byte(source), 1<<20)
	html := string(text.HTML)
	for _, want := range []string{
		"<h1>Title</h1>", "Text with bold and ", `<span class="picture">far https://example.com/a.png</span>`,
		`<a href="https://example.com/x" rel="nofollow noreferrer">web</a>`, `<span class="nowhere">file</span>`,
		`<th align="center">a</th>`, `<span class="task">☑ </span>done`,
	} {
		if !strings.Contains(html, want) {
			t.Errorf("%q is not in:\n%s", want, html)
		}
	}
	for _, no := range []string{"hidden", "logo.png", "<img", "<b>", "static/a.png", "comment"} {
		if strings.Contains(html, no) {
			t.Errorf("%q is in:\n%s", no, html)
		}
	}
	var found []string
	for _, o := range text.Omissions {
		found = append(found, string(o.Kind)+" "+o.What)
	}
	want := []string{`html <p align="center"><img src="logo.png">hidden</p>`, "html <b>", "picture static/a.png", "link docs/a.md"}
	if !slices.Equal(found, want) {
		t.Errorf("left out: %q, want %q", found, want)
	}
	if text.Omissions[0].Line != 3 || text.Omissions[2].Line != 5 {
		t.Errorf("lines: %v", text.Omissions)
	}
}

// TestNothingOfAStrangerRuns: whatever a README has, its page has no script, no handler, no style,
// no address that is fetched or run.
func TestNothingOfAStrangerRuns(t *testing.T) {
	for _, source := range []string{
		"<script>alert(1)</script>", "a <script>alert(1)</script> b", "<img src=x onerror=alert(1)>", "x <img src=x onerror=alert(1)> y",
		"[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))", "[a](java\nscript:alert(1))", "<javascript:alert(1)>", "[a](data:text/html,<script>alert(1)</script>)",
		"![a](javascript:alert(1))", "![a\"onerror=\"alert(1)](https://e.example/x)", `[a](https://e.example/"onmouseover="alert(1))`, `[a](<https://e.example/" onclick=alert(1)>)`,
		"[a]: javascript:alert(1)\n\n[a]", "```html\n<script>alert(1)</script>\n```", "`<script>`", "<svg/onload=alert(1)>", "<iframe src=//e.example>",
		"<style>*{display:none}</style>", "| a |\n| - |\n| <script>alert(1)</script> |", "&lt;script&gt;alert(1)&lt;/script&gt;", "[a](vbscript:x)", "<a href=\"javascript:alert(1)\">x</a>",
		"\x00<scr\x00ipt>", "<details open ontoggle=alert(1)>", "# <base href=//e.example>", "<!--><script>alert(1)</script>-->", "<meta http-equiv=refresh content=0>",
	} {
		html := strings.ToLower(string(Render([]byte(source), 1<<20).HTML))
		for _, no := range []string{"<script", "<img", "<svg", "<iframe", "<style", "<base", "<meta", "<details", "href=\"javascript", "href=\"vbscript", "href=\"data"} {
			if strings.Contains(html, no) {
				t.Errorf("%q gives %s", source, html)
			}
		}
		for tag := range strings.SplitSeq(html, "<") {
			tag, _, _ = strings.Cut(tag, ">")
			if strings.Contains(tag, " on") || strings.Contains(tag, " style=") || strings.Contains(tag, " src=") {
				t.Errorf("%q gives %s", source, html)
			}
		}
	}
}

func TestNoMoreThanAsked(t *testing.T) {
	for _, source := range []string{
		strings.Repeat("A paragraph of words.\n\n", 4000), strings.Repeat("- ", 40000), strings.Repeat("&", 90000), strings.Repeat("> ", 20000), strings.Repeat("网站", 30000), strings.Repeat("*a*", 30000),
	} {
		const most = 20_000
		text := Render([]byte(source), most)
		if len(text.HTML) > most || !text.Cut {
			t.Errorf("%.10q: %d bytes, cut: %v", source, len(text.HTML), text.Cut)
		}
	}
	if text := Render([]byte("short"), 100); text.Cut || text.HTML != "<p>short</p>\n" {
		t.Errorf("%+v", text)
	}
}

// What stands for more than its bytes is shown up to the bounds: tables as long as there are not too
// many cells, links and pictures as long as their addresses fit.
func TestTextsThatGrow(t *testing.T) {
	table := func(columns, rows int) string {
		return strings.Repeat("|a", columns) + "|\n" + strings.Repeat("|-", columns) + "|\n" + strings.Repeat(strings.Repeat("|1", columns)+"|\n", rows)
	}
	const most = 1 << 20
	if text := Render([]byte(table(50, 900)), most); !strings.Contains(string(text.HTML), "<table>") || text.Cut {
		t.Errorf("a table within the bound: %.200s", text.HTML)
	}
	if text := Render([]byte(table(50, 1100)), most); strings.Contains(string(text.HTML), "<table>") {
		t.Error("a table beyond the bound")
	}
	// Of two that are too much together, the first is one.
	if text := Render([]byte(table(50, 600)+"\n"+table(50, 600)), most); strings.Count(string(text.HTML), "<table>") != 1 {
		t.Errorf("%d tables", strings.Count(string(text.HTML), "<table>"))
	}
	long := strings.Repeat("x", 1000)
	for name, source := range map[string]string{
		"links to one address":     "[a]: https://example.com/" + long + "\n\n" + strings.Repeat("[a]\n\n", 100),
		"links to nowhere":         "[a]: " + long + "\n\n" + strings.Repeat("[a]\n\n", 100),
		"pictures of one address":  "[a]: https://example.com/" + long + "\n\n" + strings.Repeat("![a]\n\n", 100),
		"pictures that are hidden": "[a]: " + long + "\n\n" + strings.Repeat("![a]\n\n", 100),
	} {
		if text := Render([]byte(source), 20_000); !text.Cut || len(text.HTML) > 20_000 {
			t.Errorf("%s: %d bytes of HTML, cut: %v", name, len(text.HTML), text.Cut)
		}
		if _, whole := render([]byte(source), 20_000); whole {
			t.Errorf("%s: all of it is made before it is cut", name)
		}
		if text := Render([]byte(source), most); text.Cut {
			t.Errorf("%s: cut within the bound", name)
		}
	}
	if text := Render([]byte("|a|b|\n|-|-|\n"+strings.Repeat("|1|2|\n", 1000)), 60_000); strings.Count(string(text.HTML), "<tr>") != 1001 || text.Cut {
		t.Errorf("a long table: %.200s", text.HTML)
	}
}
