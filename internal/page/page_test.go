package page

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/chartdiff"
	"github.com/ksrelease/ksrelease/internal/extension"
	"github.com/ksrelease/ksrelease/internal/extension/compare"
	"github.com/ksrelease/ksrelease/internal/language"
	"github.com/ksrelease/ksrelease/internal/page/picture"
	"github.com/ksrelease/ksrelease/internal/page/showing"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// hostile is a text of a stranger, for every place that has one.
const hostile = `"'><script>document.title="owned"</script><img src=x onerror=alert(1)>` + "\u202e\x1b[31m"

// sampleOf is a page of so many extensions in which every place is filled. text stands in all that
// strangers write, and shot is the picture of each.
func sampleOf(extensions int, text string, shot []byte) Page {
	now, other := BudgetOf(extensions)
	finished := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	p := Page{
		Result: &results.Document{
			SchemaVersion: 1, Command: Preview, Tool: results.Tool{Name: "ksrelease", Version: "1.0.0"}, Revision: "0123abc", DryRun: true,
			Started: finished, Finished: &finished, Warnings: []string{text},
		},
		Notes: []string{text},
	}
	markdown := strings.Repeat("## "+text+"\n\nA paragraph about "+text+" and more words.\n\n| a | b |\n| - | - |\n| 1 | "+strings.ReplaceAll(text, "|", "")+" |\n\n", 400)
	shown := func(budget showing.Budget, version string) *showing.Showing {
		s := &showing.Showing{
			Name: text, Version: version, Category: text, InstallationMode: text, Namespace: text, KubeVersion: text, KSVersion: text, Home: text, Docs: text,
			Keywords: []string{text}, Requires: []extension.ExternalDependency{{Name: text, Version: text}}, Hidden: []string{"data:" + text},
			Icon:        showing.Picture{Ref: "icon.png", Data: picture.Icon(shot, 128, budget.Icon)},
			Screenshots: []showing.Picture{{Ref: "a.png", Data: picture.Screenshot(shot, budget.Wide, budget.Screenshots)}, {Ref: text}},
		}
		for _, language := range showing.Languages() {
			document := showing.NewDocument("README.md", []byte(markdown+version+language), budget.Texts/4)
			s.Texts = append(s.Texts, showing.Text{Language: language, Name: text, Description: text, Provider: text, Readme: document, Changelog: document})
		}
		return s
	}
	for i := range extensions {
		x := results.Extension{
			Name: fmt.Sprintf("ext%d", i), Version: "1.1.0", Outcome: results.Failed, Reason: text,
			Stages:  []results.Stage{{Name: "lint", Status: results.StageOK, Milliseconds: 120}, {Name: "package", Status: results.StageFailed, Milliseconds: 1900}},
			Package: &results.Package{Size: 900_000, Limit: 1 << 20, Digest: "sha256:00", Files: 30, Advice: []results.Advice{{What: text, Saves: 10}}},
			Error:   &results.Error{Stage: "package", Message: text, Hint: text},
			Targets: []results.Target{{Name: text, Outcome: results.Failed, Reason: text, Stages: []results.Stage{{Name: "push", Status: results.StageFailed}}, Error: &results.Error{Message: text}}},
		}
		for n := range 10 {
			x.Package.Contributors = append(x.Package.Contributors, results.Contributor{File: fmt.Sprintf("charts/%d-%s", n, text), Size: 1 << 20, Compressed: 50_000, Inside: []results.Contributor{{File: text, Compressed: 100}}})
		}
		diff := &chartdiff.Diff{Name: x.Name, Version: "1.1.0", BaseVersion: "1.0.0", Against: "the published version 1.0.0", Notes: []string{text}}
		for n := range 100 {
			x.Findings = append(x.Findings, results.Finding{Code: "images/unlisted", Rule: "images", Severity: []string{"info", "warning", "error"}[n%3], Message: text, Hint: text, File: "extension.yaml", Line: n + 1, Excerpt: "  1 | " + text})
			diff.Files = append(diff.Files, compare.Difference{File: text, Kind: compare.Changed, Detail: text})
			diff.Changes = append(diff.Changes, chartdiff.Change{Section: chartdiff.Objects, Kind: compare.Changed, What: text, Where: "host", Old: text, New: text, Fields: []chartdiff.Field{{Path: text, Kind: compare.Added, New: text}}, More: 3})
		}
		p.Result.Extensions = append(p.Result.Extensions, x)
		p.Extensions = append(p.Extensions, Extension{Result: x, Now: shown(now, "1.1.0"), Published: shown(other, "1.0.0"), Against: "the published version 1.0.0", Diff: diff, Notes: []string{text}})
	}
	p.Result.Recount()
	return p
}

// hundred is a page of a hundred extensions, each with all that it can have.
var hundred = sync.OnceValue(func() string {
	data, err := Bytes(sampleOf(100, "A text of some length, such as people write & <read>.", noise()))
	if err != nil {
		panic(err)
	}
	return string(data)
})

func write(t testing.TB, p Page) string {
	t.Helper()
	data, err := Bytes(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// tag is a tag of HTML with its attributes.
var tag = regexp.MustCompile(`<([a-zA-Z]+)((?:\s+[-a-zA-Z]+(?:="[^"]*")?)*)\s*/?>`)

// TestNothingRunsAndNothingIsFetched: of every tag of a page that strangers have filled, no
// attribute runs or fetches anything, and the policy has the style alone.
func TestNothingRunsAndNothingIsFetched(t *testing.T) {
	html := write(t, sampleOf(2, hostile, nil))
	tags := 0
	for _, m := range tag.FindAllStringSubmatch(html, -1) {
		tags++
		switch strings.ToLower(m[1]) {
		case "script", "iframe", "object", "embed", "link", "base", "form", "video", "audio", "source", "use", "image", "foreignobject":
			t.Errorf("there is %s", m[0])
		}
		for _, attribute := range strings.Fields(m[2]) {
			name, _, _ := strings.Cut(strings.ToLower(attribute), "=")
			if strings.HasPrefix(name, "on") && !strings.Contains(m[2], `alt="`) || name == "style" || name == "srcset" || name == "action" {
				t.Errorf("there is %s", m[0])
			}
		}
		if at := strings.Index(m[2], `src="`); at >= 0 && !strings.HasPrefix(m[2][at:], `src="data:image/`) {
			t.Errorf("there is %s", m[0])
		}
	}
	if tags < 500 {
		t.Fatalf("only %d tags", tags)
	}
	if strings.Contains(html, "ZgotmplZ") || strings.Contains(html, "<script") || strings.Contains(html, "<img src=x") {
		t.Error("a text of a stranger is no text")
	}
	_, rest, _ := strings.Cut(html, "<style>")
	style, _, ok := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	want := `<meta http-equiv="Content-Security-Policy" content="` + template.HTMLEscapeString("default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'; img-src data:; base-uri 'none'; form-action 'none'") + `">`
	if !ok || !strings.Contains(html, strings.ReplaceAll(want, "+", "&#43;")) {
		t.Errorf("the policy is not\n%s", want)
	}
	if regexp.MustCompile(`url\(|@import`).MatchString(style) {
		t.Error("the style fetches something")
	}
}

// TestEveryTextIsInBothLanguages: for each element in one language follows the one in the other.
func TestEveryTextIsInBothLanguages(t *testing.T) {
	html := write(t, sampleOf(2, "text", nil))
	if en, zh := strings.Count(html, `class="en"`), strings.Count(html, `class="zh"`); en != zh || en < 100 {
		t.Errorf("%d in English, %d in Chinese", en, zh)
	}
	for _, outcome := range results.Outcomes() {
		if language.Chinese.Word(string(outcome)) == string(outcome) {
			t.Errorf("%s has no Chinese word", outcome)
		}
	}
	for _, s := range chartdiff.Sections() {
		if language.Chinese.Word(s.Title()) == s.Title() {
			t.Errorf("%s has no Chinese word", s.Title())
		}
	}
	for _, stage := range []string{results.StageLint, results.StagePackage, results.StageUpload, results.StageSize, results.StagePush, results.StageVerify, results.StageBefore, results.StageAfter} {
		if language.Chinese.Word(stage) == stage {
			t.Errorf("%s has no Chinese word", stage)
		}
	}
}

// TestMessagesAreInBothLanguages: what the program says of an extension is there in both, what others say as it is.
func TestMessagesAreInBothLanguages(t *testing.T) {
	finished := time.Now()
	x := results.Extension{Name: "web", Version: "1.0.0", Outcome: results.Failed, Error: &results.Error{Stage: "push", Message: "the server said no such thing", Hint: "run again later: a run goes on from what is there"}}
	html := write(t, OfResult(&results.Document{Command: "run", Finished: &finished, Extensions: []results.Extension{x}}))
	if chinese := language.Chinese.Text(x.Error.Hint); chinese == x.Error.Hint || !strings.Contains(html, string(both(x.Error.Hint, chinese))) {
		t.Errorf("%q is not there with %q", x.Error.Hint, chinese)
	}
	if !strings.Contains(html, "</b> the server said no such thing</p>") {
		t.Error("what a server said is not there as it is")
	}
}

// TestVeryManyFindingsAreInOneLanguage: a page of thousands of findings is in both languages but for messages of
// further findings, which are in that of the page.
func TestVeryManyFindingsAreInOneLanguage(t *testing.T) {
	finished := time.Now()
	r := &results.Document{Command: "lint", Finished: &finished}
	message := func(i int) string { return fmt.Sprintf("%q is no name of a file", fmt.Sprint("f", i)) }
	inBoth := func(html, message string) bool {
		return strings.Contains(html, string(both(message, language.Chinese.Text(message))))
	}
	for i := range mostInBoth + 10 {
		r.Extensions = append(r.Extensions, results.Extension{Name: fmt.Sprintf("e%d", i), Version: "1.0.0", Outcome: results.Linted,
			Findings: []results.Finding{{Severity: "warning", Message: message(i)}, {Severity: "warning", Message: "the version is there with other content"}}})
	}
	p := OfResult(r)
	p.Language = "zh"
	html := write(t, p)
	same := "the version is there with other content"
	if n := strings.Count(html, string(both(same, language.Chinese.Text(same)))); n != len(r.Extensions) {
		t.Errorf("a message that comes again is in both languages in %d of %d extensions", n, len(r.Extensions))
	}
	if last := message(mostInBoth + 9); !inBoth(html, message(0)) || inBoth(html, last) || !strings.Contains(html, template.HTMLEscapeString(language.Chinese.Text(last))) {
		t.Error("not the first message is in both languages, or the last one is")
	}
}

func TestPageOfAHundredIsSmall(t *testing.T) {
	soak.Long(t)
	if size := len(hundred()); size > 5_000_000 || size < 1_000_000 {
		t.Errorf("a page of 100 extensions has %d bytes", size)
	}
}

// TestManyHaveNoTexts: a page of very many extensions leaves texts and screenshots out, and says so.
func TestManyHaveNoTexts(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{"extension.yaml": "name: web\nversion: 1.0.0\ndisplayName: {en: Site}\nscreenshots: [a.svg]\n", "README.md": "to be read", "a.svg": "<svg/>"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	finished := time.Now()
	for _, n := range []int{1, 301} {
		r := &results.Document{Command: "run", Finished: &finished}
		for range n {
			r.Extensions = append(r.Extensions, results.Extension{Name: "web", Version: "1.0.0", Path: dir, Outcome: results.Released})
		}
		html := write(t, OfResult(r))
		if few := n == 1; strings.Contains(html, "to be read") != few || strings.Contains(html, "data:image/svg") != few || strings.Contains(html, "<code>ksrelease preview web</code>") == few || !strings.Contains(html, "<h3>Site</h3>") {
			t.Errorf("a page of %d extensions", n)
		}
	}
	// What is another version by now is not shown.
	r := &results.Document{Command: "run", Finished: &finished, Extensions: []results.Extension{{Name: "web", Version: "2.0.0", Path: dir, Outcome: results.Released}}}
	if html := write(t, OfResult(r)); strings.Contains(html, "to be read") || !strings.Contains(html, "its files cannot be read here") {
		t.Error("another version is shown")
	}
}

// TestSecretsStayOutOfThePage: lint leaves the source line out of a finding where it is a secret, and so
// does the page.
func TestSecretsStayOutOfThePage(t *testing.T) {
	dir, finished := t.TempDir(), time.Now()
	file := filepath.Join(dir, "values.yaml")
	for name, text := range map[string]string{filepath.Join(dir, "extension.yaml"): "name: web\nversion: 1.0.0\n", file: "token: a-secret\n"} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	html := write(t, OfResult(&results.Document{Command: "lint", Finished: &finished, Extensions: []results.Extension{{
		Name: "web", Version: "1.0.0", Path: dir, Outcome: results.Linted,
		Findings: []results.Finding{{Code: "secrets/token", Severity: "warning", Message: "a token stands here", File: file, Line: 1, Column: 8}},
	}}}))
	if !strings.Contains(html, "a token stands here") || strings.Contains(html, "a-secret") {
		t.Error("the page has the secret, or not the finding")
	}
}

// TestWorstFindingsAreShown: where not all fit, those that fit are the worst.
func TestWorstFindingsAreShown(t *testing.T) {
	c := cardOf(0, sampleOf(1, "text", nil).Extensions[0], 5_000, true, &speaker{})
	if len(c.Findings) < 5 || c.Unshown != 100-len(c.Findings) || c.Unshown == 0 || c.Worst != "error" {
		t.Fatalf("%d shown, %d not, the worst is %s", len(c.Findings), c.Unshown, c.Worst)
	}
	for _, f := range c.Findings {
		if f.Severity != "error" {
			t.Errorf("%+v", f)
		}
	}
	if at := c.Bar[len(c.Bar)-1]; at.Class != "rest" || at.At+at.Wide > 1000.1 || at.At+at.Wide < 999 || c.Limit != 1000 || c.Filled > 900 {
		t.Errorf("%+v, limit %v", at, c.Limit)
	}
}

// TestUnreportedFindingsAreCounted: no findings but known ones is not the same as none.
func TestUnreportedFindingsAreCounted(t *testing.T) {
	p := sampleOf(1, "text", nil)
	if text := write(t, p); strings.Contains(text, "Not reported") || !strings.Contains(text, ">The published version 1.0.0<") || !strings.Contains(text, ">已发布版本 1.0.0<") {
		t.Error("findings that are not there, or no heading")
	}
	p.Extensions[0].Result.Findings, p.Extensions[0].Result.Known, p.Extensions[0].Result.Silenced = nil, 3, 1
	for _, want := range []string{"There are no findings.", ">Not reported: 3 in the baseline, 1 silenced<", ">未报告：基线中 3 项，已屏蔽 1 项<"} {
		if text := write(t, p); !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// TestLinesOfValues: of texts of several lines those that differ are seen among those that do not.
func TestLinesOfValues(t *testing.T) {
	for _, tt := range []struct {
		old, new string
		want     []line
	}{
		{"1", "2", []line{{"-", "1"}, {"+", "2"}}},
		{"", "2\n3\n", []line{{"+", "2\n3\n"}}},
		{"a\nb\nc\n", "a\nx\nc", []line{{"", "a"}, {"-", "b"}, {"+", "x"}, {"", "c"}}},
		{"-- a\n++ b\n", "-- a\n++ c\n", []line{{"", "-- a"}, {"-", "++ b"}, {"+", "++ c"}}},
	} {
		if got := linesOf(tt.old, tt.new); !slices.Equal(got, tt.want) {
			t.Errorf("%q, %q: %q, want %q", tt.old, tt.new, got, tt.want)
		}
	}
}

// TestNothingKnown: a page of a run that is killed, and one of a command that did nothing.
func TestNothingKnown(t *testing.T) {
	for _, r := range []results.Document{
		{Command: "run", Extensions: []results.Extension{{Name: "a", Outcome: results.NotReached}, {Name: "b", Outcome: results.NotReached}}},
		{Command: "run", Error: &results.CommandError{Message: "the config is broken", Hint: "write it", Problems: []results.Finding{{Message: "a mistake", File: "x.yaml", Line: 3}}}},
	} {
		r.Recount()
		html := write(t, OfResult(&r))
		if r.Error != nil && (!strings.Contains(html, "the config is broken") || !strings.Contains(html, "x.yaml:3")) || r.Error == nil && strings.Count(html, `class="card"`) != 2 {
			t.Errorf("%s", html)
		}
	}
}
