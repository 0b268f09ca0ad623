package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for _, c := range []struct{ name, in, want, lines string }{
		{"plain", "alc 1.2.0", "alc 1.2.0", ""},
		{"escape", "\x1b[2J", `\x1b[2J`, ""},
		{"C0 and DEL", "a\x00\x07\x08\x7fb", `a\x00\x07\x08\x7fb`, ""},
		{"C1", "a\u0085\u009b31mb", `a\u0085\u009b31mb`, ""},
		{"line breaks", "a\nb\rc\r\nd", `a\nb\rc\r\nd`, "a\nb\\rc\nd"},
		{"tab", "a\tb", `a\tb`, "a    b"},
		{"line separators", "a\u2028b\u2029c", `a\u2028b\u2029c`, ""},
		{"direction", "a\u202eb\u2066c\u200ed\u061ce", `a\u202eb\u2066c\u200ed\u061ce`, ""},
		{"no width", "a\u200bb\u200dc\ufeffd\u2060e\u00adf\u034fg\u115fh", `a\u200bb\u200dc\ufeffd\u2060e\u00adf\u034fg\u115fh`, ""},
		{"tags", "a\U000e0041b", `a\U000e0041b`, ""},
		{"not UTF-8", "a\xffb\xc3", `a\xffb\xc3`, ""},
		{"a sign for it", "a\ufffdb", "a\ufffdb", ""},
		{"other writings", "扩展组件 — naïve مرحبا नमस्ते 🚀 e\u0301 a\u3000b", "扩展组件 — naïve مرحبا नमस्ते 🚀 e\u0301 a\u3000b", ""},
		{"a form of an emoji", "❤\ufe0f x\ufe0f", "❤\ufe0f x\\ufe0f", ""},
		{"an emoji and what is unseen", "❤\ufe0f\ufe0f", "❤\ufe0f\\ufe0f", ""},
		{"a command", "a\n::error::x ##[error]", `a\n::error::x # #[error]`, "a\n: :error::x # #[error]"},
		{"backslashes", `C:\n\x1b`, `C:\n\x1b`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Visible(c.in); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if c.lines == "" {
				c.lines = c.want
			}
			if got := VisibleLines(c.in); got != c.lines {
				t.Errorf("lines: %q, want %q", got, c.lines)
			}
		})
	}
}

// Everything that is no graphic character is shown as an escape, whatever it is.
func TestVisibleShowsNoCharacterThatIsObeyed(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		got := Visible("a" + string(r) + "b")
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool {
			return !unicode.IsGraphic(r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)
		}) {
			t.Fatalf("%U is shown as %q", r, got)
		}
		if utf8.ValidRune(r) && len(got) < 3 {
			t.Fatalf("%U is dropped: %q", r, got)
		}
	}
}

func TestCommandsOfCISystemsAreBroken(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"a command", "::error::x", ": :error::x"},
		{"behind blanks", "  \u00a0\u3000::set-output name=a::b", "  \u00a0\u3000: :set-output name=a::b"},
		{"in a later line", "a\n  ::error::x\n::b", "a\n  : :error::x\n: :b"},
		{"within a line", "a ::error::x b::c", "a ::error::x b::c"},
		{"behind a colour", "\x1b[31m::error::x", "\x1b[31m: :error::x"},
		{"behind what wipes a line", "\r\x1b[K::error::", "\r\x1b[K: :error::"},
		{"the older form", "a ##[error]b", "a # #[error]b"},
		{"with more numbers", "####[group]", "### #[group]"},
		{"twice", "##[a]##[b]", "# #[a]# #[b]"},
		{"Azure Pipelines", "x##vso[task.setvariable variable=a]b", "x# #vso[task.setvariable variable=a]b"},
		{"TeamCity", "##teamcity[buildStatus]", "# #teamcity[buildStatus]"},
		{"a heading", "## x [y]", "## x [y]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := withoutCommands(c.in); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

type named string

// What is put into a text of ours is a cell, whatever its type and the verb.
func TestFormatTakesValuesForCells(t *testing.T) {
	const hostile = "a\n\x1b[2J"
	for _, got := range []Text{
		Format("%s", hostile), Format("%v", named(hostile)), Format("%s", errors.New(hostile)),
		Format("%s", Cell(hostile)), Join([]Text{Cell(hostile)}, "\n"),
	} {
		if got.String() != `a\n\x1b[2J` {
			t.Errorf("%q", got)
		}
	}
	if got := Format("%q %d %5.1f|%-*s|%v|%v", hostile, 7, 1.25, 6, "\x07", []string{"\n"}, nil).String(); got != `"a\n\x1b[2J" 7   1.2|\x07     |[\n]|<nil>` {
		t.Errorf("%q", got)
	}
}

// A text of several lines has one line at the beginning of a line, and that is ours.
func TestParagraphsAreSetIn(t *testing.T) {
	text := Lines("first\n::error::second\n\x1b[2Jthird\n").Behind(Format("%s: ", "a\nb"))
	if got, want := text.Fold("", "  ", 0).String(), "a\\nb: first\n  : :error::second\n  \\x1b[2Jthird"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// Columns stand below each other whatever is in them.
func TestTableWithBrokenCommandsIsStraight(t *testing.T) {
	table := NewTable("name", "notes")
	table.Row(Cell("::error::x"), Cell("one"))
	table.Row(Cell("##[error]##[z]"), Cell("two"))
	if got, want := table.Render(0).String(), "NAME              NOTES\n: :error::x       one\n# #[error]# #[z]  two"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A path is broken after a slash or another mark, so that its names stay whole, and nothing
// goes over the edge of a narrow terminal.
func TestPathsFoldBetweenNames(t *testing.T) {
	table := NewTable("extension", "version", "status", "files").Folding(1)
	table.Row(Cell("maintenance-page"), Cell("0.9.2 → 0.9.3"), Cell("unchanged"), Cell("charts/store/charts/exporter/templates/deployment.yaml, README.md, 图图图图图图图图图图图图图图图图图图图图.yaml, a"))
	for _, width := range []int{60, 80, 120} {
		rendered := table.Render(width).String()
		for line := range strings.Lines(rendered) {
			if n := (Text{strings.TrimRight(line, "\n")}).Width(); n > width {
				t.Errorf("a line has %d columns of %d: %q", n, width, line)
			}
		}
		for _, whole := range []string{"charts/", "store/", "exporter/", "templates/", "deployment.yaml,", "README.md,", "0.9.3"} {
			if !strings.Contains(rendered, whole) {
				t.Errorf("%q is broken at %d columns:\n%s", whole, width, rendered)
			}
		}
	}
}

// Where there is no space next to the other columns, the last cell stands below its row.
func TestTableOnANarrowTerminal(t *testing.T) {
	table := NewTable("extension", "version", "marketplace", "helm repository", "a run would end as")
	table.Row(Cell("oceanbase-dashboard"), Cell("0.4.0"), Cell("submitted"), Cell("0.4.0"), Cell("exists"))
	table.Row(Cell("vector"), Cell("1.0.4"), Cell("submitted"), Cell("1.0.4"), Cell("drift: 1.0.4 is there with other content (charts/agent/values.yaml differs)"))
	want := map[int]string{
		60: `EXTENSION            VERSION  MARKETPLACE  HELM REPOSITORY
  A RUN WOULD END AS
oceanbase-dashboard  0.4.0    submitted    0.4.0
  exists
vector               1.0.4    submitted    1.0.4
  drift: 1.0.4 is there with other content
  (charts/agent/values.yaml differs)`,
		80: `EXTENSION            VERSION  MARKETPLACE  HELM REPOSITORY  A RUN WOULD END AS
oceanbase-dashboard  0.4.0    submitted    0.4.0            exists
vector               1.0.4    submitted    1.0.4
    drift: 1.0.4 is there with other content (charts/agent/values.yaml differs)`,
	}
	for width, want := range want {
		if got := table.Render(width).String(); got != want {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
}

func newStream() (*Stream, *bytes.Buffer) {
	var b bytes.Buffer
	return New(&b), &b
}

// What folding puts at the beginning of a line is no command either.
func TestFoldedCommandsAreBroken(t *testing.T) {
	s, b := newStream()
	s.Print("%s", Fold("", "  ", "a message of thirty columns or so ::error::forged ##[error]", 36))
	table := NewTable("name", "notes")
	table.Row(Cell(""), Cell("::error::forged"))
	table.Row(Cell("a"), Cell("a note of more than twenty columns ::error::forged"))
	s.Print("%s", table.Render(40))
	_, _ = s.Lines().Write([]byte("x\n ::error::y\x1b\n"))
	s.Status(Cell("::error::forged\n::b"))
	s.Wipe()
	for line := range strings.Lines(b.String()) {
		at := contentOf(line)
		if strings.HasPrefix(line[at:], "::") || strings.Contains(line, "##[") {
			t.Errorf("%q", line)
		}
	}
	if n := strings.Count(b.String(), ": :error"); n != 5 {
		t.Errorf("%d commands are broken:\n%s", n, b.String())
	}
}

// JSON is equal to the value, and holds nothing that is obeyed.
func TestJSONIsHarmless(t *testing.T) {
	var all strings.Builder
	for r := rune(1); r <= 0xffff; r++ {
		if utf8.ValidRune(r) {
			all.WriteRune(r)
		}
	}
	value := map[string]string{"a ##[error]b": "##[group]##vso[x] <&> \\##[y] \U000e0041\U0001f680\x7f\u202e\u2028", "all": all.String()}
	for _, indent := range []constant{"", "  "} {
		s, b := newStream()
		s.JSON(value, indent)
		var got map[string]string
		if err := json.Unmarshal(b.Bytes(), &got); err != nil || len(got) != 2 {
			t.Fatalf("%v: %s", err, b)
		}
		for k, v := range value {
			if got[k] != v {
				t.Errorf("%q is %q", k, got[k])
			}
		}
		text := strings.TrimSuffix(b.String(), "\n")
		if numbered.MatchString(text) || strings.Contains(text, "##[") || !strings.Contains(text, "🚀") || !strings.Contains(text, "<&>") {
			t.Errorf("%s", text)
		}
		if indent == "" && Visible(text) != text {
			t.Error("there are characters in it that have to be shown")
		}
	}
}

type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errors.New("full")
	}
	return len(p), nil
}

// Each print is one write, and the first error is kept.
func TestStreamKeepsTheFirstError(t *testing.T) {
	s := New(&full{left: 2})
	s.Print("one\ntwo %s", "x")
	s.JSON(1, "")
	if err := s.Err(); err != nil {
		t.Error(err)
	}
	s.Ask("three")
	s.Own([]byte("x"))
	if err := s.Err(); err == nil || err.Error() != "full" {
		t.Error(err)
	}
	// Who writes lines for us, such as a parser with its help, would take it for its own.
	if n, err := s.Lines().Write([]byte("x\n")); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	s, _ = newStream()
	s.JSON(func() {}, "")
	if s.Err() == nil {
		t.Error("no error for a value that JSON has no form for")
	}
}

func TestOwnDocumentsStayAsTheyAre(t *testing.T) {
	s, b := newStream()
	const script = "\t::x\n##[y]\x1b"
	s.Own([]byte(script))
	if b.String() != script || s.Columns() != 0 || s.IsTerminal() {
		t.Errorf("%q", b)
	}
}

// What stands below a row is where it belongs, at any width, and a long cell is below its row where
// the last column is narrow.
func TestTableWithLinesBelowRows(t *testing.T) {
	table := NewTable("name", "notes")
	table.Row(Cell("alc"), Cell("new"))
	table.Below(Cell("  first"), Cell("  second"))
	table.Row(Cell("a-name-that-is-rather-long"), Cell("one two three four five six seven eight nine ten eleven twelve thirteen fourteen"))
	table.Below(Cell("  third"))
	table.Row(Cell("cat"), Cell("two lines of notes are read well"))
	for width, want := range map[int]string{
		0: "NAME                        NOTES\nalc                         new\n  first\n  second\n" +
			"a-name-that-is-rather-long  one two three four five six seven eight nine ten eleven twelve thirteen fourteen\n  third\n" +
			"cat                         two lines of notes are read well",
		50: "NAME                        NOTES\nalc                         new\n  first\n  second\n" +
			"a-name-that-is-rather-long\n    one two three four five six seven eight nine\n    ten eleven twelve thirteen fourteen\n  third\n" +
			"cat                         two lines of notes are\n                            read well",
	} {
		if got := table.Render(width).String(); got != want {
			t.Errorf("at %d columns\n%s\nwant\n%s", width, got, want)
		}
	}
	if got := table.Render(30).String(); strings.Count(got, "  third") != 1 || strings.Index(got, "  third") < strings.Index(got, "twelve") {
		t.Errorf("below the row that it is about:\n%s", got)
	}
}

// Where not even the columns before the last one have space, these fold as well.
func TestTableWithoutSpaceForRows(t *testing.T) {
	table := NewTable("name", "version", "outcome", "notes")
	table.Row(Cell("a-name-that-is-rather-long"), Cell("1.0.0"), Cell("unverified"), Cell("it is not reviewed yet"))
	table.Row(Cell("alc"), Cell("1.2.0"), Cell("failed"), Cell("in lint"))
	for width, want := range map[int]string{
		48: "NAME                        VERSION  OUTCOME\n  NOTES\n" +
			"a-name-that-is-rather-long  1.0.0    unverified\n  it is not reviewed yet\nalc                         1.2.0    failed\n  in lint",
		40: "NAME                 VERSION  OUTCOME\n  NOTES\n" +
			"a-name-that-is-      1.0.0    unverified\nrather-long\n  it is not reviewed yet\nalc                  1.2.0    failed\n  in lint",
	} {
		if got := table.Render(width).String(); got != want {
			t.Errorf("at %d columns\n%s\nwant\n%s", width, got, want)
		}
	}
}

// A sentence with an expression of a template in it is folded around that; what is to be copied stays whole.
func TestFoldsAroundExpressions(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"opensearch is asked of a value that is not set, in {{ .Values.sinks.endpoints }} of it",
			"opensearch is asked of a value that is not\nset, in {{ .Values.sinks.endpoints }} of\nit"},
		{"a value that is not set is asked for, by {{ .Values.a }} here",
			"a value that is not set is asked for, by\n{{ .Values.a }} here"},
		{"image: {{ .Values.global.imageRegistry | default \"docker.io\" }}/library/nginx:1.27.0",
			"image: {{ .Values.global.imageRegistry | default \"docker.io\" }}/library/nginx:1.27.0"},
		{"one two three four five six {{ .Values.a.very.long.expression | of | a.template }} seven",
			"one two three four five six {{ .Values.a.very.long.expression | of | a.template }} seven"},
	} {
		if got := Fold("", "", c.line, 42).String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
