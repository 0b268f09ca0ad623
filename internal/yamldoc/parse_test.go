package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
)

func TestValue(t *testing.T) {
	tests := []struct {
		name, src string
		want      any
	}{
		{"empty", "", nil},
		{"comment", "# a\n", nil},
		{"scalars", "[a, 'b', \"c\\n\", 1, -2, 18446744073709551615, 1.5, 1.10, true, False, null, ~, yes, off, 0x10, 0o17]",
			[]any{"a", "b", "c\n", int64(1), int64(-2), uint64(18446744073709551615), 1.5, 1.1, true, false, nil, nil, "yes", "off", int64(16), int64(15)}},
		{"dates are text", "a: 2024-01-02\n", map[string]any{"a": "2024-01-02"}},
		{"tags", "a: !!str 1.10\nb: !custom x\nc: !!int \"5\"\n", map[string]any{"a": "1.10", "b": "x", "c": int64(5)}},
		{"empty values", "a:\nb: ''\nc: {}\nd: []\n", map[string]any{"a": nil, "b": "", "c": map[string]any{}, "d": []any{}}},
		{"aliases", "a: &x {b: [1]}\nc: *x\n", map[string]any{"a": map[string]any{"b": []any{int64(1)}}, "c": map[string]any{"b": []any{int64(1)}}}},
		{"merge keeps own keys", "a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}\n",
			map[string]any{"a": map[string]any{"k": int64(1), "l": int64(2)}, "b": map[string]any{"k": int64(3), "l": int64(2)}}},
		{"merge of a list takes the first", "a: {<<: [{k: 1}, {k: 2, l: 3}]}\n", map[string]any{"a": map[string]any{"k": int64(1), "l": int64(3)}}},
		{"a quoted << is a key", "a: {\"<<\": 1}\n", map[string]any{"a": map[string]any{"<<": int64(1)}}},
		{"CRLF and byte order mark", "\xef\xbb\xbfa: |\r\n  b\r\n  c\r\n", map[string]any{"a": "b\nc\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc, err := Parse("a.yaml", []byte(test.src))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, doc.Value()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestParseProblems holds place and words of what Parse refuses; without the
// source line, which TestExcerpt holds.
func TestParseProblems(t *testing.T) {
	tests := []struct {
		name, src string
		want      string // "line:column: message (hint)", one a line
		tree      bool   // whether there is a document all the same
	}{
		{"duplicates, all of them", "a: 1\na: 2\nb: {c: 1, c: 2}\na: 3\n",
			"2:1: key \"a\" is given twice; it stands on line 1 already (keep one of them)\n" +
				"3:11: key \"c\" is given twice; it stands on line 3 already (keep one of them)\n" +
				"4:1: key \"a\" is given twice; it stands on line 1 already (keep one of them)", true},
		{"a quoted duplicate", "a: 1\n'a': 2\n", "2:1: key \"a\" is given twice; it stands on line 1 already (keep one of them)", true},
		{"second document", "a: 1\n---\nb: 2\n", "2:1: a second document starts here; only one is read (remove the \"---\" line, or move what follows it to a file of its own)", true},
		{"keys of other types", "1: a\n1.5: b\ntrue: c\n~: d\n? [x]\n: e\n",
			"1:1: key 1 is not a string (write it in quotes: \"1\")\n2:1: key 1.5 is not a string (write it in quotes: \"1.5\")\n" +
				"3:1: key true is not a string (write it in quotes: \"true\")\n4:1: key ~ is not a string (write it in quotes: \"~\")\n5:3: a list or mapping cannot be a key", true},
		{"a key that is missing", "?\n: b\n", "1:2: the key before this colon is missing", true},
		{"no number", "a: .nan\nb: -.inf\n", "1:4: .nan is no number that can be used here (if it is meant as text, write it in quotes: \".nan\")\n" +
			"2:4: -.inf is no number that can be used here (if it is meant as text, write it in quotes: \"-.inf\")", true},
		{"a tag that does not fit", "a: !!int x\n", "1:10: \"x\" does not fit the tag !!int (remove the tag)", true},
		{"merge of a scalar", "a: {<<: 1}\n", "1:9: \"<<\" takes a mapping or a list of mappings", true},
		{"an alias within itself", "a: &x [1, *x]\n", "1:11: alias *x stands inside what it names", false},
		{"unknown alias", "a: [b, *nope]\n", "1:8: this alias names no anchor of the file (define it first with &name; if it is a text, such as a glob, write it in quotes)", false},
		{"not UTF-8", "名: \xff\n", "1:4: byte 0xFF is not UTF-8 text (save the file as UTF-8)", false},
		{"NUL", "a: 1\nb: \x00\n", "2:4: character U+0000 is not allowed in YAML (remove it, or write it as an escape in a double-quoted string)", false},
		{"UTF-16", "\xff\xfea\x00", "1:1: the file is UTF-16; YAML is read as UTF-8 here (save it as UTF-8)", false},
		{"tab", "a:\n\tb: 1\n", "2:1: a tab is used for indentation; YAML takes only spaces there (replace the tab by spaces)", true},
		{"tab in CRLF behind CJK", "名: 1\r\n字:\r\n  \tb: 1\r\n c: d", "3:3: a tab is used for indentation; YAML takes only spaces there (replace the tab by spaces)", true},
		{"colon in a value", "a: b: c\n", "1:4: a second \": \" stands where only a value can be (if it belongs to a text, write the text in quotes; if it is a key, start a new line)", false},
		{"too deep a line", "a: 1\n  b: 2\n", "2:3: this line is indented deeper than the one above it, which has a value already (line it up with the key above it, or remove the value there)", true},
		{"too shallow a line", "a:\n  b: 1\n c: 2\n", "3:2: this line does not fit the indentation of the lines above it (line it up with the keys it belongs to; close quotes and brackets that were opened before)", true},
		{"an apostrophe in single quotes", "a: 'it's'\n", "1:8: this does not belong to the value before it (write the whole value in quotes; within single quotes, a ' is written twice)", false},
		{"no colon", "a: 1\nb\nc: 2\n", "2:1: this line has no \": \" after its key (write \"key: value\"; a text over several lines needs deeper indentation or quotes)", true},
		{"open quote", "a: 'b\nc: d\n", "1:4: a quote is opened but not closed (add the missing quote)", true},
		{"open list", "a: [b\nc: d\n", "2:1: the list that starts with \"[\" is not closed before this, or lacks a comma here (add the missing \",\" or \"]\")", false},
		{"open mapping", "a: {b: 1\nc: d\n", "2:1: the mapping that starts with \"{\" is not closed before this, or lacks a comma here (add the missing \",\" or \"}\")", false},
		{"reference in a mapping", "a: {b: ${C}}\n", "1:8: within [ ] and { }, a brace starts a mapping (write \"${NAME}\" in quotes)", false},
		{"list in a value", "a: - b\n", "1:4: a list item (\"- \") cannot start here (put it on a line of its own, below the key)", false},
		{"list and mapping", "- a\nb: c\n", "2:1: this line does not fit the list above it (start it with \"- \", or indent it as the key it belongs to)", true},
		{"reserved character", "a: @b\n", "1:4: no value can start with this character (if it belongs to a text, write the text in quotes)", false},
		{"unknown escape", "a: \"\\q\"\n", "1:6: unknown escape in a double-quoted text (write \\\\ for a backslash, or use single quotes)", false},
		{"half an escape", "a: \"\\xzz\"\n", "1:0: an escape in a double-quoted text lacks hexadecimal digits (write \\\\ for a backslash, or use single quotes)", false},
		{"an anchor without a name", "a: &\n", "1:4: the name after & or * is missing or has characters that no name has (if it is a text, write it in quotes)", false},
		{"a broken second document", "a: 1\n---\n[\n", `3:1: the list that starts with "[" here is not closed (add the missing "]", or write [] for an empty list)`, true},
		{"an open list", "a: [\n", `1:4: the list that starts with "[" here is not closed (add the missing "]", or write [] for an empty list)`, false},
		{"an open mapping", "a:\n  - {\n", `2:5: the mapping that starts with "{" here is not closed (add the missing "}", or write {} for an empty mapping)`, true},
		{"a comma and no value", "a: [,]\n", "1:5: a value is missing or starts with a character that cannot start one (if it is a text, write it in quotes)", false},
		{"too deep", strings.Repeat("[", 200) + strings.Repeat("]", 200), "1:101: nested more than 100 levels deep", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc, err := Parse("a.yaml", []byte(test.src))
			var problems diagnostic.List
			if !errors.As(err, &problems) {
				t.Fatalf("no problems: %v", err)
			}
			var got []string
			for _, p := range problems {
				text := fmt.Sprintf("%d:%d: %s", p.Range.Start.Line, p.Range.Start.Column, p.Message)
				if p.Hint != "" {
					text += " (" + p.Hint + ")"
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, "\n")); diff != "" {
				t.Error(diff)
			}
			if (doc != nil) != test.tree {
				t.Errorf("a document is returned: %v", doc != nil)
			}
		})
	}
}

// TestBombs are small files that would be large values.
func TestBombs(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	_, err := Parse("a.yaml", []byte(bomb.String()))
	if err == nil || !strings.Contains(err.Error(), "with its aliases resolved the document would have more than 32 MiB") {
		t.Errorf("aliases of aliases: %v", err)
	}
	_, err = Parse("a.yaml", bytes.Repeat([]byte("#"), MaxSize+1))
	if err == nil || err.Error() != fmt.Sprintf("a.yaml: the file has %d bytes; at most 8 MiB are read (yaml/too-large)", MaxSize+1) {
		t.Errorf("too large: %v", err)
	}
	if _, err = Parse("a.yaml", []byte(strings.Repeat("- ", 20000))); err == nil {
		t.Error("20,000 levels are taken")
	}
}

func TestPlaces(t *testing.T) {
	const src = "\xef\xbb\xbf# x\r\nversion: 1\r\n名字:\r\n  - &a {k: v, 键: 值}\r\n  - !!map\r\n    k: 'v'\r\n  - *a\r\nempty:\r\n"
	doc, err := Parse("a.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ ptr, place, key string }{
		{"version", "2:10", "2:1"},
		{"名字", "4:3", "3:1"},
		{"名字/0", "4:8", "4:8"},
		{"名字/0/键", "4:18", "4:15"},
		{"名字/1", "6:5", "6:5"},
		{"名字/1/k", "6:8", "6:5"},
		{"名字/2", "7:5", "7:5"},
		{"名字/2/k", "4:12", "4:9"}, // through the alias to what it names
		{"名字/9", "4:3", "3:1"},    // the nearest parent
		{"absent/at/all", "2:1", "2:1"},
		{"version/deeper", "2:10", "2:1"},
		{"empty", "8:7", "8:1"},
	}
	for _, test := range tests {
		ptr := strings.Split(test.ptr, "/")
		if line, col := doc.Place(ptr...); fmt.Sprintf("%d:%d", line, col) != test.place {
			t.Errorf("%s stands at %d:%d, want %s", test.ptr, line, col, test.place)
		}
		if line, col := doc.KeyPlace(ptr...); fmt.Sprintf("%d:%d", line, col) != test.key {
			t.Errorf("the key of %s stands at %d:%d, want %s", test.ptr, line, col, test.key)
		}
	}
	empty, err := Parse("a.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if line, col := empty.Place("a"); line != 0 || col != 0 {
		t.Errorf("in an empty document something stands at %d:%d", line, col)
	}
	if p := empty.Problem("m", "h", "a"); p.Error() != "a.yaml: m\n  → h" {
		t.Errorf("%q", p.Error())
	}
}

func TestRaw(t *testing.T) {
	doc, err := Parse("a.yaml", []byte("a: 1.10\nb: '1.10'\nc: |\n  x\nd: [e]\nf: &x 2\ng: *x\n"))
	if err != nil {
		t.Fatal(err)
	}
	for ptr, want := range map[string]string{
		"a": "1.10 false true", "b": "1.10 true true", "c": "x\n true true", "d": " false false", "d/0": "e false true", "g": "2 false true", "z": " false false",
	} {
		text, quoted, ok := doc.Raw(strings.Split(ptr, "/")...)
		if got := fmt.Sprint(text, " ", quoted, " ", ok); got != want {
			t.Errorf("%s is %q, want %q", ptr, got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	doc, err := Parse("a.yaml", []byte("name: x\nversion: 1.10\nlist: [a]\n"))
	if err != nil {
		t.Fatal(err)
	}
	var into struct {
		Name    string   `json:"name"`
		Version string   `json:"version"`
		List    []string `json:"list"`
	}
	err = doc.Decode(&into)
	if err == nil || !strings.HasPrefix(err.Error(), "a.yaml:2:10: \"version\" does not fit what is expected there: it is a number") {
		t.Errorf("%v", err)
	}
	if into.Name != "x" || into.Version != "" || len(into.List) != 1 {
		t.Errorf("what fits is not decoded: %+v", into)
	}
}

func BenchmarkParse(b *testing.B) {
	var src bytes.Buffer
	for i := range 500 {
		fmt.Fprintf(&src, "key%d: {path: extensions/x, exclude: [a, b], text: 'some text here'}\n", i)
	}
	b.SetBytes(int64(src.Len()))
	for b.Loop() {
		if _, err := Parse("a.yaml", src.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}

// ParseLoose reads as the decoder that KubeSphere and Helm read with (go.yaml.in/yaml/v2).
func TestParseLoose(t *testing.T) {
	for _, tt := range []struct {
		src, path string
		want      any
		twice     string // keys with the earlier and the last line
	}{
		{"a: 1\na: 2\n", "a", int64(2), "a 1 2"},
		{"a: 1\na: 2\na: 3\n", "a", int64(3), "a 2 3"},
		{"a: {b: 1}\na: {c: 2}\n", "a/c", int64(2), "a 1 2"},
		{"a: {b: 1}\na: {c: 2}\n", "a/b", nil, "a 1 2"},
		{"a:\n  b: 1\n  b: 2\n", "a/b", int64(2), "b 2 3"},
		{"a: [1, 2]\na:\n", "a", nil, "a 1 2"},
		{"a: 1\n<<: {a: 2}\n", "a", int64(2), ""},
		{"<<: {a: 2}\na: 1\n", "a", int64(1), ""},
		{"<<: {a: 1, b: 1}\n<<: {a: 2}\n", "a", int64(2), ""},
		{"<<: {a: 1, b: 1}\n<<: {a: 2}\n", "b", int64(1), ""},
		{"<<: [{a: 1}, {a: 2, b: 2}]\n", "a", int64(1), ""},
		{"<<: [{a: 1}, {a: 2, b: 2}]\n", "b", int64(2), ""},
		{"x: &x {a: 1, a: 2}\ny: *x\n", "y/a", int64(2), "a 1 1"},
		{"a: 1\n---\n", "a", int64(1), ""},
		{"a: 1\n---\na: 2\n", "a", int64(1), ""},
		{"a: 1\n---\na: [\n", "a", int64(1), ""},
		{"# c\n---\na: 1\n", "a", int64(1), ""},
	} {
		doc, err := ParseLoose("a.yaml", []byte(tt.src))
		if err != nil {
			t.Errorf("%q: %v", tt.src, err)
			continue
		}
		var value = doc.Value()
		for _, key := range strings.Split(tt.path, "/") {
			mapping, _ := value.(map[string]any)
			value = mapping[key]
		}
		if value != tt.want {
			t.Errorf("%q: %s is %v, want %v", tt.src, tt.path, value, tt.want)
		}
		// The place is that of the value that counts.
		if raw, _, ok := doc.Raw(strings.Split(tt.path, "/")...); ok && tt.want != nil && raw != fmt.Sprint(tt.want) {
			t.Errorf("%q: at the place of %s stands %s", tt.src, tt.path, raw)
		}
		var twice []string
		for _, r := range doc.Repeated() {
			twice = append(twice, fmt.Sprint(r.Name, " ", r.Earlier, " ", r.Last.Range.Start.Line))
		}
		if got := strings.Join(twice, ", "); got != tt.twice {
			t.Errorf("%q: given twice are %q, want %q", tt.src, got, tt.twice)
		}
	}
	for _, src := range []string{"a: [\n", "1: x\n", "a: &a [*a]\n"} {
		if _, err := ParseLoose("a.yaml", []byte(src)); err == nil {
			t.Errorf("%q is read", src)
		}
	}
}

// TestLargeFileIsNotRepaired: of a large file with many mistakes of syntax the first is
// reported, and it is not read again for each of the others.
func TestLargeFileIsNotRepaired(t *testing.T) {
	line := "a: b: c\nd: 1\ne: f: g\n"
	_, err := Parse("small.yaml", []byte(line))
	var small, large diagnostic.List
	if !errors.As(err, &small) || len(small) != 2 {
		t.Errorf("a small file: %v", err)
	}
	document, err := Parse("large.yaml", []byte(line+strings.Repeat("# x\n", maxRepaired/4)))
	if !errors.As(err, &large) || len(large) != 1 || document != nil || large[0].Range.Start.Line != 1 {
		t.Errorf("a large file: %v", err)
	}
}
