package ruletest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/lint"
)

// home is an extension.yaml with a fault of the rule links in line 4.
const home = "apiVersion: kubesphere.io/v1alpha1\nname: web\nversion: 1.0.0\nhome: https:///docs"

const fault = "warning links/invalid-address `home \"https:///docs\" is a web address without a host`"

// written is a case of these files, and the folder of it.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// examined is a case, and what rules find in it.
func examined(t *testing.T, dir string, rules ...string) (*testCase, []lint.Finding) {
	t.Helper()
	c, err := readCase(dir)
	if err != nil {
		t.Fatal(err)
	}
	ext, err := c.load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return c, Findings(t.Context(), ext, rules...)
}

// read are the files of a folder.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	data, err := readFiles(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for name, text := range data {
		files[name] = string(text)
	}
	return files
}

// TestTheBaseIsGood: a case shows what its own files do. (What is for information would be
// found in each case of its rule.)
func TestTheBaseIsGood(t *testing.T) {
	for _, f := range lint.Examine(t.Context(), Good(t), lint.Options{}).Findings {
		if f.Severity != lint.Info {
			t.Error(found(f))
		}
	}
}

// TestNoOtherRuleIsOn: a rule reports what it would leave to another one, and no finding is
// that of a rule that is off.
func TestNoOtherRuleIsOn(t *testing.T) {
	for rule, test := range map[string]struct {
		files map[string]string
		want  int
	}{
		"version": {map[string]string{"extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: web\nhome: https:///docs\n"}, 1},
		"images":  {map[string]string{"charts/web/Chart.yaml": "name: [\n"}, 0}, // not checked, says chart
	} {
		_, findings := examined(t, written(t, test.files), rule)
		if len(findings) != test.want || slices.ContainsFunc(findings, func(f lint.Finding) bool { return f.Rule() != rule }) {
			t.Errorf("%s: %+v", rule, findings)
		}
	}
}

func TestExpectationsAreCompared(t *testing.T) {
	const missing, more = "expected, and not found:\n- ", "found, and not expected:\n+ "
	for name, test := range map[string]struct {
		comment, want string
		problems      []string // beginnings
	}{
		"as it is":            {comment: " # want :7 " + fault},
		"in the file want":    {want: "extension.yaml:4:7 " + fault + "\n"},
		"with its hint":       {want: "# A comment.\nextension.yaml:4:7 " + fault + "\n    write it as https://HOST/PATH\n"},
		"another hint":        {want: "extension.yaml:4:7 " + fault + "\n    write it as https://HOST/PAGE\n", problems: []string{more, missing}},
		"no expectation":      {problems: []string{more + "extension.yaml:4:7 " + fault}},
		"another column":      {comment: " # want :8 " + fault, problems: []string{more, missing + "extension.yaml:4:8 " + fault}},
		"no column":           {comment: " # want " + fault, problems: []string{more, missing + "extension.yaml:4 "}},
		"another line":        {want: "extension.yaml:3:7 " + fault, problems: []string{more, missing + "extension.yaml:3:7 "}},
		"another file":        {want: "values.yaml:4:7 " + fault, problems: []string{more, missing + "values.yaml:4:7 "}},
		"another severity":    {comment: " # want :7 " + strings.Replace(fault, "warning", "error", 1), problems: []string{more, missing + "extension.yaml:4:7 error"}},
		"another code":        {comment: " # want :7 " + strings.Replace(fault, "invalid", "private", 1), problems: []string{more, missing}},
		"another message":     {comment: " # want :7 " + strings.Replace(fault, "host", "name", 1), problems: []string{more, missing}},
		"one and another one": {comment: " # want :7 " + fault + " :7 " + fault, problems: []string{missing}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"extension.yaml": home + test.comment + "\n"}
			if test.want != "" {
				files["want"] = test.want
			}
			c, findings := examined(t, written(t, files), "links")
			problems := c.compare(findings)
			if !slices.EqualFunc(problems, test.problems, strings.HasPrefix) {
				t.Errorf("problems: %q, want %q", problems, test.problems)
			}
		})
	}
}

// TestUpdate: expectations are written where they are read, once.
func TestUpdate(t *testing.T) {
	const (
		image   = `warning image-registry/not-obeyed`
		message = "container \"a\" of Pod \"a\" uses the image busybox:1 whatever global.imageRegistry is"
		pod     = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - name: a\n      image: busybox:1"
		link    = `warning readme/dead-reference "the link y.md names no file of the package"`
	)
	for name, test := range map[string]struct {
		rule        string
		files, want map[string]string
	}{
		"YAML": {"links",
			map[string]string{"extension.yaml": home + " # want error links/gone \"x\"\nname2: x # want info links/gone \"y\"\n"},
			map[string]string{"extension.yaml": home + " # want :7 " + fault + "\nname2: x\n"}},
		"YAML with the ends of lines of Windows": {"links",
			map[string]string{"extension.yaml": strings.ReplaceAll(home, "\n", "\r\n") + "\r\n"},
			map[string]string{"extension.yaml": strings.ReplaceAll(home, "\n", "\r\n") + "\r\n", "want": "extension.yaml:4:7 " + fault + "\n"}},
		"a blank at the end of the line": {"links",
			map[string]string{"extension.yaml": home + " \n"},
			map[string]string{"extension.yaml": home + " \n", "want": "extension.yaml:4:7 " + fault + "\n"}},
		"a hint": {"links",
			map[string]string{"extension.yaml": home + "\n", "want": "# Why.\nextension.yaml info links/invalid-address \"\"\n    ?\n"},
			map[string]string{"extension.yaml": home + "\n", "want": "# Why.\nextension.yaml:4:7 " + fault + "\n    write it as https://HOST/PATH\n"}},
		"a template": {"image-registry",
			map[string]string{"templates/a.yaml": pod + "\n"},
			map[string]string{"templates/a.yaml": pod + " {{/* want " + image + " `" + message + "` */}}\n"}},
		"Markdown, two in a line": {"readme",
			map[string]string{"README.md": "[x](y.md) [x](y.md)\n"},
			map[string]string{"README.md": "[x](y.md) [x](y.md) <!-- want :1 " + link + " -->\n"}},
		"a file of the base, and nothing in it": {"readme",
			map[string]string{"README_zh.md": " ", "without": "README.md\n"},
			map[string]string{"README_zh.md": " ", "without": "README.md\n",
				"want": "README_zh.md warning readme/empty \"README_zh.md is empty\"\nextension.yaml:4:15 warning readme/missing \"there is no README.md\"\n"}},
		"nothing any more": {"links",
			map[string]string{"want": "extension.yaml:4:7 " + fault + "\n"}, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := written(t, test.files)
			for range 2 {
				c, findings := examined(t, dir, test.rule)
				if err := c.update(findings); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, read(t, dir)); diff != "" {
					t.Errorf("files (-want +got):\n%s", diff)
				}
			}
			c, findings := examined(t, dir, test.rule)
			if problems := c.compare(findings); problems != nil {
				t.Error(problems)
			}
		})
	}
}

// TestWhereACommentCanBe: what would not be a comment there, or change the file, is
// written into the file want.
func TestWhereACommentCanBe(t *testing.T) {
	for name, test := range map[string]struct {
		file, text, message string
		line                int
		want                bool
	}{
		"YAML":                            {"values.yaml", "a: b\n", "x", 1, true},
		"the last line, without an end":   {"a.yml", "a: b\nc: d", "x", 2, true},
		"no line":                         {"values.yaml", "a: b\n", "x", 0, false},
		"a line that is not there":        {"values.yaml", "a: b\n", "x", 3, false},
		"JSON":                            {"values.schema.json", "{}\n", "x", 1, false},
		"a template":                      {"charts/web/templates/_h.tpl", "a\n", "x", 1, true},
		"a message that ends the comment": {"templates/a.yaml", "a\n", "x */}} y", 1, false},
		"another encoding":                {"README.md", "\xd6\xd0\n", "x", 1, false},
		"a blank at the end":              {"README.md", "a  \n", "x", 1, false},
		"Windows":                         {"README.md", "a\r\n", "x", 1, false},
	} {
		e := expectation{file: test.file, line: test.line, severity: lint.Info, code: "a/b", message: test.message}
		if got := takesComment(e, test.text); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestExpectationsThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct{ file, text, want string }{
		"no code":                   {"extension.yaml", "a: b # want warning \"x\"\n", "line 1"},
		"no severity":               {"extension.yaml", "\na: b # want links/x \"x\"\n", "line 2"},
		"no message":                {"values.yaml", "a: b # want warning links/x\n", errForm.Error()},
		"a message without an end":  {"values.yaml", "a: b # want warning links/x \"y\n", errForm.Error()},
		"a column that is none":     {"values.yaml", "a: b # want :0 warning links/x \"y\"\n", errForm.Error()},
		"a comment without an end":  {"templates/a.yaml", "a: b {{/* want warning links/x \"y\"\n", `does not end with " */}}"`},
		"text in the file want":     {"want", "something\n", `"something": ` + errForm.Error()},
		"a hint of no finding":      {"want", "    a hint\n", errForm.Error()},
		"a place that is none":      {"want", "a:b:c warning links/x \"y\"\n", "FILE[:LINE[:COLUMN]]"},
		"two in a line of want":     {"want", "a warning links/x \"y\" warning links/x \"y\"\n", "more than one"},
		"a file that was not there": {"without", "README.txt\n", "the base has no file README.txt"},
	} {
		if _, err := readCase(written(t, map[string]string{test.file: test.text})); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

// TestFilesOfACase: a rule sees neither expectations nor what belongs to the test, and a
// folder that is called like a package as a package.
func TestFilesOfACase(t *testing.T) {
	c, err := readCase(written(t, map[string]string{
		"values.yaml": "global: {} # want warning links/x \"y\"\n", "want": "", "without": "README.md\nstatic/one.png\n",
		"charts/db-1.0.0.tgz/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n", "charts/db-1.0.0.tgz/db/charts/in-1.0.0.tgz/in/Chart.yaml": "apiVersion: v2\nname: in\nversion: 1.0.0\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	ext, err := c.load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range ext.Files {
		names = append(names, f.Name)
		if f.Name == "values.yaml" && string(f.Data) != "global: {}\n" {
			t.Errorf("values.yaml: %q", f.Data)
		}
	}
	for _, name := range []string{"want", "without", "README.md", "static/one.png"} {
		if slices.Contains(names, name) {
			t.Errorf("the extension has the file %s", name)
		}
	}
	var packed []string
	for _, f := range ext.PackagedFiles() {
		packed = append(packed, f.Archive+" "+f.Inside)
	}
	slices.Sort(packed)
	want := []string{"charts/db-1.0.0.tgz Chart.yaml", "charts/db-1.0.0.tgz charts/in-1.0.0.tgz", "charts/db-1.0.0.tgz charts/in-1.0.0.tgz/Chart.yaml"}
	if diff := cmp.Diff(want, packed); diff != "" {
		t.Errorf("files in packages (-want +got):\n%s", diff)
	}
}

// TestWellFormed: no finding may lack a hint, unless its message says what to do, or name
// a type of Go.
func TestWellFormed(t *testing.T) {
	for want, f := range map[string]lint.Finding{
		"":                                      {Code: "links/x", Message: "a", Hint: "b"},
		"no hint: a":                            {Code: "links/x", Message: "a"},
		"the name of a Go type: b":              {Code: "links/x", Message: "b", Hint: "of interface {}"},
		"the name of a Go type: map[string]any": {Code: "name/x", Message: "map[string]any"},
	} {
		if got := strings.Join(wellFormed([]lint.Finding{f}), "\n"); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
	c := testCase{wanted: []expectation{{file: ".", severity: lint.Info, code: "links/x", message: "a"}}}
	if got := c.problems([]lint.Finding{{Code: "links/x", Severity: lint.Info, Message: "a"}}); !slices.Equal(got, []string{"no hint: a"}) {
		t.Errorf("problems: %q", got)
	}
	if got := wellFormed([]lint.Finding{{Code: "version/x", Message: "a"}}); got != nil {
		t.Errorf("a rule whose message says all: %q", got)
	}
}

// TestCodes: what cases expect, each once.
func TestCodes(t *testing.T) {
	dir := written(t, map[string]string{
		"links/a/extension.yaml": home + " # want :7 " + fault + "\n", "links/b/want": "extension.yaml:4:7 " + fault + "\n",
		"icon/c/want": "static/icon.svg error icon/not-an-image \"x\"\n",
	})
	codes, err := Codes(dir)
	if diff := cmp.Diff([]string{"icon/not-an-image", "links/invalid-address"}, codes); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestRunFails: a wrong expectation makes the test fail, with what is wrong.
func TestRunFails(t *testing.T) {
	if dir := os.Getenv("RULETEST_CASES"); dir != "" {
		RunAll(t, dir)
		return
	}
	for name, test := range map[string]struct {
		file, text string
		want       []string
	}{
		"right":    {"links/a/extension.yaml", home + " # want :7 " + fault + "\n", []string{"--- PASS: TestRunFails/links/a", "PASS"}},
		"wrong":    {"links/a/extension.yaml", home + " # want :7 " + strings.Replace(fault, "home", "page", 1) + "\n", []string{"--- FAIL: TestRunFails/links/a", "+ extension.yaml:4:7 " + fault, "- extension.yaml:4:7 warning"}},
		"no rule":  {"link/a/extension.yaml", home + "\n", []string{`there is no rule "link"`}},
		"no case":  {"links/extension.yaml", home + "\n", []string{"has no cases"}},
		"no rules": {"a", "", []string{"has no folder of a rule"}},
		"unread":   {"links/a/want", "x", []string{errForm.Error()}},
		"not YAML": {"links/a/extension.yaml", "a: [\n", []string{"extension.yaml:"}},
	} {
		dir := written(t, map[string]string{test.file: test.text, "fuzz/FuzzX/a/b": "x"})
		command := exec.Command(os.Args[0], "-test.run=^TestRunFails$", "-test.v")
		command.Env = append(os.Environ(), "RULETEST_CASES="+dir, "UPDATE=")
		output, err := command.CombinedOutput()
		if (err == nil) != (name == "right") {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range test.want {
			if !strings.Contains(string(output), want) {
				t.Errorf("%s: no %q in\n%s", name, want, output)
			}
		}
	}
}
