package yamledit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

func parse(t testing.TB, source string) *yamldoc.Document {
	t.Helper()
	doc, err := yamldoc.Parse("extension.yaml", []byte(source))
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, source)
	}
	return doc
}

var (
	iconPointer = []string{"icon"}
	iconEdit    = Edit{iconPointer, "https://f/i.svg"}
)

func shot(i int, url string) Edit {
	return Edit{[]string{"screenshots", fmt.Sprint(i)}, url}
}

// TestRewriteNamesTheCulprit: of several values, the one that cannot be replaced is
// named, at its place.
func TestRewriteNamesTheCulprit(t *testing.T) {
	_, err := Rewrite(parse(t, "x-shots: &s [s.png]\nicon: i.svg\nscreenshots: *s\n"), []Edit{iconEdit, shot(0, "https://f/s.png")})
	const want = ":1:14: screenshots.0 cannot be replaced in place: another value shares it through an anchor or a merge key"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want an error with %q", err, want)
	}
}

// Only the values change; whatever else is in the file stays to the byte.
func TestRewrite(t *testing.T) {
	tests := []struct {
		name, source string
		edits        []Edit
		want         string
	}{
		{"plain", "name: a\nicon: ./static/i.svg\nversion: 1.0.0\n", []Edit{iconEdit}, "name: a\nicon: https://f/i.svg\nversion: 1.0.0\n"},
		{"a version", "version: 1.2.3 # it\n", []Edit{{[]string{"version"}, "1.2.4-rc.1"}}, "version: 1.2.4-rc.1 # it\n"},
		{"a constraint", "a: [^1.2.0, ~1.2, 1.x]\n", []Edit{{[]string{"a", "0"}, "^2.0.0"}, {[]string{"a", "1"}, "~1.3"}, {[]string{"a", "2"}, "2.x"}}, "a: [^2.0.0, ~1.3, 2.x]\n"},
		{"what reads as a number", "a: x\nb: y\n", []Edit{{[]string{"a"}, "1.3"}, {[]string{"b"}, ">=1.0.0"}}, "a: \"1.3\"\nb: \">=1.0.0\"\n"},
		{"comment and space", "icon:   ./i.svg   # the icon\n# end", []Edit{iconEdit}, "icon:   https://f/i.svg   # the icon\n# end"},
		{"double quotes", "icon: \"./i.svg\" # x\n", []Edit{iconEdit}, "icon: \"https://f/i.svg\" # x\n"},
		{"single quotes", "icon: './it''s.svg'\n", []Edit{iconEdit}, "icon: 'https://f/i.svg'\n"},
		{"CRLF", "name: a\r\nicon: ./i.svg\r\nversion: 1.0.0\r\n", []Edit{iconEdit}, "name: a\r\nicon: https://f/i.svg\r\nversion: 1.0.0\r\n"},
		{"byte order mark", "\ufefficon: ./i.svg\n", []Edit{iconEdit}, "\ufefficon: https://f/i.svg\n"},
		{"no newline at the end", "icon: ./i.svg", []Edit{iconEdit}, "icon: https://f/i.svg"},
		{"multi-byte text before it", "displayName: {zh: 证书管理, en: x}   # 注释\nicon: ./图标.svg # 图\n", []Edit{iconEdit}, "displayName: {zh: 证书管理, en: x}   # 注释\nicon: https://f/i.svg # 图\n"},
		{"same line in flow", "{name: \"名\", icon: ./i.svg, version: 1.0.0}\n", []Edit{iconEdit}, "{name: \"名\", icon: https://f/i.svg, version: 1.0.0}\n"},
		{"anchor and tag", "icon: !!str &icon ./i.svg\nname: a\n", []Edit{iconEdit}, "icon: !!str &icon https://f/i.svg\nname: a\n"},
		{"alias", "x-icon: &icon ./i.svg\nicon: *icon\nname: a\n", []Edit{iconEdit}, "x-icon: &icon ./i.svg\nicon: https://f/i.svg\nname: a\n"},
		{"literal", "icon: |-\n  ./i.svg\nname: a\n", []Edit{iconEdit}, "icon: https://f/i.svg\nname: a\n"},
		{"folded", "icon: >-\n  ./i.svg\n\nname: a\n", []Edit{iconEdit}, "icon: https://f/i.svg\n\nname: a\n"},
		{"folded below its key", "icon:\n>-\n  ./i.svg\nname: a\n", []Edit{iconEdit}, "icon:\n https://f/i.svg\nname: a\n"},
		{"literal below a nested key", "x:\n  icon: # c\n  |1\n   ./i.svg\nname: a\n", []Edit{{[]string{"x", "icon"}, "https://f/i.svg"}}, "x:\n  icon: # c\n   https://f/i.svg\nname: a\n"},
		{"comment of a literal", "screenshots:\n  - |- # first\n    ./a.png\n  - >-  # second\r\n    ./b.png\r\n", []Edit{shot(0, "https://f/a.png"), shot(1, "https://f/b.png")}, "screenshots:\n  - https://f/a.png # first\n  - https://f/b.png  # second\r\n"},
		{"a key with a question mark", "? icon\n: ./i.svg\nname: a\n", []Edit{iconEdit}, "? icon\n: https://f/i.svg\nname: a\n"},
		{"on the next line", "icon:\n  ./i.svg\nname: a\n", []Edit{iconEdit}, "icon:\n  https://f/i.svg\nname: a\n"},
		{"quoted key", "\"icon\" : ./i.svg\n", []Edit{iconEdit}, "\"icon\" : https://f/i.svg\n"},
		{"start of document", "--- # x\nicon: ./i.svg\n...\n", []Edit{iconEdit}, "--- # x\nicon: https://f/i.svg\n...\n"},
		{"list", "screenshots:\n- a.png\n-   'b.png' # second\n  # between\n- https://x/c.png\n", []Edit{shot(1, "https://f/b.png"), shot(0, "https://f/a.png")}, "screenshots:\n- https://f/a.png\n-   'https://f/b.png' # second\n  # between\n- https://x/c.png\n"},
		{"list in brackets", "screenshots: [ a.png,\"b.png\", c.png ]\n", []Edit{shot(0, "https://f/a.png"), shot(1, "https://f/b.png")}, "screenshots: [ https://f/a.png,\"https://f/b.png\", c.png ]\n"},
		{"comma in brackets", "screenshots: [a.png, b.png]\n", []Edit{shot(0, "https://f/a,b.png")}, "screenshots: [\"https://f/a,b.png\", b.png]\n"},
		{"anchor of the list", "x: &a a.png\nscreenshots: &s\n  - *a\n", []Edit{shot(0, "https://f/a.png")}, "x: &a a.png\nscreenshots: &s\n  - https://f/a.png\n"},
		{"both share one value", "icon: &i a.png\nscreenshots: [*i]\n", []Edit{{iconPointer, "https://f/a.png"}, shot(0, "https://f/a.png")}, "icon: &i https://f/a.png\nscreenshots: [https://f/a.png]\n"},
		{"awkward value", "icon: a.svg\n", []Edit{{iconPointer, "https://f/a b?x=1 #y: \"z\"\t"}}, "icon: \"https://f/a b?x=1 #y: \\\"z\\\"\\x09\"\n"},
		{"nothing", "icon: a.svg # c\n", nil, "icon: a.svg # c\n"},
		{"wide characters quoted", "icon: 'a.svg'\n", []Edit{{iconPointer, "https://f/图.svg"}}, "icon: 'https://f/图.svg'\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Rewrite(parse(t, tt.source), tt.edits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRewriteRefuses(t *testing.T) {
	tests := []struct {
		name, source string
		edits        []Edit
		want         []string
	}{
		{"shared with another field", "icon: &i ./i.svg\nx-logo: *i\n", []Edit{iconEdit}, []string{"extension.yaml:1:", "icon cannot be replaced in place: another value shares it through an anchor or a merge key", "write the value there as plain text of its own"}},
		{"merged", "x: &x\n  icon: ./i.svg\n<<: *x\n", []Edit{iconEdit}, []string{"icon cannot be replaced in place: another value shares it"}},
		{"no scalar", "icon:\n  a: b\n", []Edit{iconEdit}, []string{"icon cannot be replaced in place: there is no text there"}},
		{"not there", "name: a\n", []Edit{iconEdit}, []string{"there is no text there"}},
		{"beyond the list", "screenshots: [a.png]\n", []Edit{shot(3, "https://f/a.png")}, []string{"screenshots.3 cannot be replaced in place"}},
		{"two values for one", "icon: a\n", []Edit{{iconPointer, "https://f/a"}, {iconPointer, "https://f/b"}}, []string{"icon cannot be replaced in place"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Rewrite(parse(t, tt.source), tt.edits)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want an error with %q", err, want)
				}
			}
		})
	}
}

// checkRewrite holds what Rewrite promises for a document and its references.
func checkRewrite(t *testing.T, source string, value func(i int) string) {
	t.Helper()
	doc, err := yamldoc.Parse("extension.yaml", []byte(source))
	if err != nil {
		return
	}
	if _, ok := doc.Value().(map[string]any); !ok {
		return
	}
	var edits []Edit
	for _, pointer := range references(doc.Value()) {
		edits = append(edits, Edit{pointer, value(len(edits))})
	}
	got, err := Rewrite(doc, edits)
	if err != nil {
		return
	}
	// Which values changed is what Rewrite itself has proven; that all else stayed
	// to the byte is seen by cutting the spans out of both.
	after := parse(t, string(got))
	indented := func(e Edit) bool {
		start, _, _ := doc.Span(e.Pointer...)
		return indentation(doc, e.Pointer, start) != ""
	}
	before, rest := withoutSpans(t, doc, edits, indented), withoutSpans(t, after, edits, indented)
	if before != rest {
		t.Fatalf("more than the values changed:\n%s", cmp.Diff(before, rest))
	}
	for _, e := range edits {
		if text, _, ok := after.Raw(e.Pointer...); !ok || text != e.Value {
			t.Fatalf("%q is %q, want %q", e.Pointer, text, e.Value)
		}
	}
	if len(edits) == 0 && string(got) != source {
		t.Fatalf("with nothing to change, it changed:\n%s", cmp.Diff(source, string(got)))
	}
	if !reflect.DeepEqual(doc.Value(), parse(t, source).Value()) {
		t.Fatal("the document itself was changed")
	}
}

// withoutSpans is the source with every edited value cut out, and the indentation
// of those that got some.
func withoutSpans(t *testing.T, doc *yamldoc.Document, edits []Edit, indented func(Edit) bool) string {
	t.Helper()
	cut, gone := make([]bool, len(doc.Source())+1), make([]bool, len(doc.Source()))
	for _, e := range edits {
		start, end, ok := doc.Span(e.Pointer...)
		if !ok {
			t.Fatalf("%q has no span", e.Pointer)
		}
		for indented(e) && start > 0 && doc.Source()[start-1] == ' ' {
			start--
		}
		// The comment behind the | or > of a block stays; the block is below it.
		text := end
		if comment := headerComment(doc.Source()[start:end]); comment != nil {
			text = start + bytes.Index(doc.Source()[start:end], comment)
			for i := text + len(comment); i < end; i++ {
				gone[i] = true
			}
		}
		for i := start; i < text; i++ {
			cut[i] = true
		}
	}
	var out strings.Builder
	for i, c := range doc.Source() {
		switch {
		case gone[i]:
		case !cut[i]:
			out.WriteByte(c)
		case !cut[i+1]:
			out.WriteString("\x00")
		}
	}
	return out.String()
}

// Random files in all styles that YAML has for a scalar.
func TestRewriteRandomFiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	styles := []func(string) string{
		func(s string) string { return s },
		func(s string) string { return "'" + s + "'" },
		func(s string) string { return `"` + s + `"` },
		func(s string) string { return "&a" + fmt.Sprint(r.IntN(1000)) + " " + s },
		func(s string) string { return "!!str '" + s + "'" },
		func(s string) string { return s + pick(" # 注释", "  # icon: no", " ") },
		func(s string) string { return "|-\n      " + s },
		func(s string) string { return ">-\n      " + s + "\n" },
		func(s string) string { return "\n      " + s },
	}
	style := func(s string) string { return styles[r.IntN(len(styles))](s) }
	rewritten := 0
	for range 1000 {
		lines := []string{"name: 名" + pick("", "  # c"), "version: '1.0.0'", "description:\n  zh: |\n    多行\n    文本 # 不是注释\n  en: \"x\\ty\"", "# 图标", "keywords: [a, \"b\", 'c']"}
		lines = append(lines, "icon: "+style(pick("./static/图.svg", "i.svg", "a b.svg", "https://x/y.svg")))
		shots := "screenshots:"
		for i := range r.IntN(4) {
			shots += "\n" + pick("- ", "-   ") + style(fmt.Sprintf("./static/%d.png", i)) + pick("", "\n# between")
		}
		if r.IntN(3) == 0 {
			shots = "screenshots: [ " + pick("a.png", "'a.png'", "\"a.png\"") + ",b.png , '图.png' ] # flow"
		}
		lines = append(lines, shots)
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		source := pick("", "\ufeff") + strings.Join(lines, "\n") + pick("", "\n", "\n\n# end\n")
		if r.IntN(3) == 0 {
			source = strings.ReplaceAll(source, "\n", "\r\n")
		}
		doc, err := yamldoc.Parse("extension.yaml", []byte(source))
		if err != nil {
			t.Fatalf("the test made a file that does not parse: %v\n%q", err, source)
		}
		if _, err := Rewrite(doc, []Edit{{iconPointer, "https://f/x"}}); err != nil {
			t.Fatalf("%v\nin\n%s", err, source)
		}
		rewritten++
		checkRewrite(t, source, func(i int) string { return pick("https://f/a.png", "https://f/图 %20,]}#.png", "x: y #z", "'\"\\") })
	}
	if rewritten != 1000 {
		t.Errorf("%d files were rewritten", rewritten)
	}
}

// Any text can be a value.
func TestRewriteAnyValue(t *testing.T) {
	values := []string{"", " ", "true", "null", "1.10", "~", "-", "- a", "a\nb", "a\r\nb", "\t", "\x00\x1f", "\u0085\u2028\ufeff", "😀 \U0010ffff", "'", "\"", "\\", "# x", "a: b", "*a", "&a", "!a", "|", "%", "@", "`", "{", "]", ",", strings.Repeat("x", 5000)}
	for _, source := range []string{"icon: a\n", "icon: 'a'\n", "icon: \"a\"\n", "{icon: a, name: b}\n", "icon: |-\n  a\n"} {
		for _, value := range values {
			got, err := Rewrite(parse(t, source), []Edit{{iconPointer, value}})
			if err != nil {
				t.Errorf("%q in %q: %v", value, source, err)
				continue
			}
			if read, _ := parse(t, string(got)).Value().(map[string]any)["icon"].(string); read != value {
				t.Errorf("%q in %q reads as %q", value, source, read)
			}
		}
	}
}

func FuzzRewrite(f *testing.F) {
	for _, seed := range []string{
		"name: a\nicon: ./i.svg # c\nscreenshots:\n- a.png\n- 'b.png'\n",
		"icon: &i |-\n  x\nscreenshots: [*i, \"y\", z]\n",
		"\ufefficon: >+\n  x\r\n  y\r\n\r\nname: 名\r\n",
		"? icon\n: !!str 'a''b'\n",
		"x: &x {icon: a}\n<<: *x\nscreenshots: {a: b}\n",
		"# 注释\r\nname: 名\r\nicon: ./static/图标.svg # 图标\r\nscreenshots: # 图\r\n  - ./static/总览.png\r\n\r\n  # between\r\n  - \"./static/总览.png\"\r\n# end",
		"screenshots:\n- static/a.png\n- ./static/a.png\n- 'static/a.png'\nicon: static/a.png\n", // one file, four references
		"{name: a, icon: static/i.svg, screenshots: [a.png,b.png , 'c.png'], description: {zh: 图, en: \"x # y\"}}\n",
		"{\"icon\":\"i.svg\",\"screenshots\":[\"a.png\"]}",
		"icon:\n>1\n ./i.svg\nname: a\n",
		"icon: |2-\n    x\n\n  # no comment\n# a comment\nscreenshots:\n  - >-\n    a\n    b\n  -   |\n   c\n",
		"icon: &a !!str i.svg\nx: &b [1]\nscreenshots: &c\n- &d a.png # c\n- !custom b.png\ny: *c\n",
		"icon: a\n  b\n\n  c # three lines\nscreenshots: ['d\n\n  e', \"f\\\n  g\"]\n",
		"%YAML 1.1\n---\nicon: i.svg\n...\n",
		"icon: 'a # b'\nscreenshots: [\"a, b\", 'c: d', http://x/#y]\n",
		"icon: ''\nscreenshots: [~, '', \"\"]\n",
	} {
		f.Add(seed, "https://f/x.png")
	}
	f.Fuzz(func(t *testing.T, source, value string) {
		if !utf8.ValidString(value) {
			return
		}
		checkRewrite(t, source, func(int) string { return value })
	})
}

// references are the pointers of icon and screenshots, where they are scalars.
func references(value any) [][]string {
	scalar := func(v any) bool {
		switch v := v.(type) {
		case string:
			return v != ""
		case bool, int64, uint64, float64:
			return true
		}
		return false
	}
	fields, _ := value.(map[string]any)
	var pointers [][]string
	if scalar(fields["icon"]) {
		pointers = append(pointers, iconPointer)
	}
	shots, _ := fields["screenshots"].([]any)
	for i, shot := range shots {
		if scalar(shot) {
			pointers = append(pointers, []string{"screenshots", fmt.Sprint(i)})
		}
	}
	return pointers
}
