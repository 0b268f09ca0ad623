package baseline

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/lint"
)

// found is a finding; its message is of no account.
func found(code, file, subject string, line int) lint.Finding {
	return lint.Finding{Code: code, Subject: subject, Severity: lint.Warning, File: file, Message: "whatever " + subject, Range: diagnostic.At(line, 0)}
}

var some = []lint.Finding{
	found("images/unused", "extension.yaml", "b: #1", 7),
	found("images/unused", "extension.yaml", "a", 8),
	found("render/not-yaml", "templates/a.yaml", "", 0),
	found("render/not-yaml", "templates/a.yaml", "", 0),
	found("chart/not-loaded", "", "", 0),
}

const someWritten = header + `version: 2
findings:
  alc:
    - code: chart/not-loaded
    - code: images/unused
      file: extension.yaml
      subject: a
    - code: images/unused
      file: extension.yaml
      subject: 'b: #1'
    - code: render/not-yaml
      file: templates/a.yaml
      count: 2
  bee:
    - code: ignore/no-rule
      file: values.yaml
`

func record(t *testing.T) *Recorder {
	t.Helper()
	var r Recorder
	fresh, known := r.Sift("alc", some)
	if fresh != nil || known != len(some) {
		t.Fatalf("recording, %v are new and %d known", fresh, known)
	}
	r.Sift("bee", []lint.Finding{found("ignore/no-rule", "values.yaml", "", 1)})
	r.Sift("clean", nil)
	return &r
}

func TestWriteIsSortedAndReadable(t *testing.T) {
	file := filepath.Join(t.TempDir(), Name)
	r := record(t)
	if err := r.Write(file); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(someWritten, string(got)); diff != "" {
		t.Error(diff)
	}
	if found, extensions := r.Count(); found != 6 || extensions != 2 {
		t.Errorf("%d findings of %d extensions", found, extensions)
	}
}

// TestSiftAfterWrite: what was written is known, wherever the command is run and
// however the code has moved; everything else is new.
func TestSiftAfterWrite(t *testing.T) {
	b, err := Parse(Name, []byte(someWritten))
	if err != nil {
		t.Fatal(err)
	}
	moved := []lint.Finding{
		found("images/unused", "extension.yaml", "a", 100),
		found("images/unused", "extension.yaml", "b: #1", 90),
		found("chart/not-loaded", "", "", 0),
		found("render/not-yaml", "templates/a.yaml", "", 0),
		found("render/not-yaml", "templates/a.yaml", "", 0),
	}
	for range 2 { // it is not used up
		if fresh, known := b.Sift("alc", moved); len(fresh) != 0 || known != 5 {
			t.Errorf("%d known, new: %v", known, fresh)
		}
	}
	added := []lint.Finding{
		found("render/not-yaml", "templates/a.yaml", "", 0), // a third one
		found("images/unused", "extension.yaml", "c", 8),
		found("images/unused", "values.yaml", "a", 8),
		found("images/unlisted", "extension.yaml", "a", 8),
		found("name/unused", "extension.yaml", "a", 8),
	}
	fresh, known := b.Sift("alc", append(moved, added...))
	if diff := cmp.Diff(added, fresh); diff != "" || known != 5 {
		t.Errorf("%d known, new:\n%s", known, diff)
	}
	if fresh, known := b.Sift("other", moved); len(fresh) != 5 || known != 0 {
		t.Errorf("of another extension, %d are known", known)
	}
}

func TestGone(t *testing.T) {
	b, err := Parse(Name, []byte(someWritten))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Gone(false); got != 0 {
		t.Errorf("nothing was looked at, and %d are gone", got)
	}
	b.Sift("alc", some[:3])
	if got := b.Gone(false); got != 2 {
		t.Errorf("%d are gone of the one extension", got)
	}
	if got := b.Gone(true); got != 3 {
		t.Errorf("%d are gone with the extension that is no more", got)
	}
	broken := found("chart/not-loaded", "Chart.yaml", "new", 1)
	broken.Severity = lint.Error
	b.Sift("alc", []lint.Finding{broken})
	if got := b.Gone(false); got != 0 {
		t.Errorf("%d are gone of an extension that may hide them", got)
	}
}

// TestKeep: a baseline written for some extensions keeps what it has of others.
// Two versions of an extension have one list in the file, whichever is looked at first.
func TestVersionsOfOneExtension(t *testing.T) {
	a, b := found("images/unused", "extension.yaml", "a", 1), found("images/unused", "extension.yaml", "b", 2)
	broken := found("chart/not-loaded", "", "", 0)
	broken.Severity = lint.Error
	versions := [][]lint.Finding{{a}, {a, a, b}, nil}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		var r Recorder
		for _, i := range order {
			r.Sift("alc", versions[i])
		}
		text, err := r.text()
		if err != nil {
			t.Fatal(err)
		}
		known, err := Parse("b.yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range order {
			if fresh, n := known.Sift("alc", versions[i]); len(fresh) > 0 || n != len(versions[i]) {
				t.Errorf("in the order %v, %v of version %d are new", order, fresh, i)
			}
		}
		if got := known.Gone(true); got != 0 {
			t.Errorf("in the order %v, %d are gone that one version has", order, got)
		}
	}
	for _, order := range [][][]lint.Finding{{{a}, {a, a}}, {{a, a}, {a}}} {
		known := &Baseline{known: map[string]findings{"alc": {known: map[finding]int{finding(a.Fingerprint()): 3, finding(b.Fingerprint()): 1}}}}
		for _, all := range order {
			known.Sift("alc", all)
		}
		if got := known.Gone(true); got != 2 {
			t.Errorf("%d are gone, want one a and the b that no version has", got)
		}
		known.Sift("alc", []lint.Finding{broken})
		if got := known.Gone(true); got != 0 {
			t.Errorf("%d are gone of an extension of which a version may hide them", got)
		}
	}
}

func TestKeep(t *testing.T) {
	old, err := Parse(Name, []byte(someWritten))
	if err != nil {
		t.Fatal(err)
	}
	var r Recorder
	r.Sift("alc", nil)
	r.Keep(old)
	text, err := r.text()
	if err != nil {
		t.Fatal(err)
	}
	want := header + "version: 2\nfindings:\n" + someWritten[strings.Index(someWritten, "  bee:"):]
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
}

func TestWriteOfNothingRemoves(t *testing.T) {
	file := filepath.Join(t.TempDir(), Name)
	for range 2 {
		var r Recorder
		r.Sift("alc", nil)
		if err := r.Write(file); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it is there: %v", err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	b, err := Load(dir, filepath.Join(dir, Name))
	if err != nil {
		t.Fatal(err)
	}
	if fresh, known := b.Sift("alc", some); len(fresh) != len(some) || known != 0 || b.Gone(true) != 0 {
		t.Errorf("without a file, %d are known", known)
	}
	if err := os.Mkdir(filepath.Join(dir, Name), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err = Load(dir, filepath.Join(dir, Name)); err == nil || !strings.HasPrefix(err.Error(), "reading the baseline "+dir) {
		t.Errorf("a folder: %v", err)
	}
}

// What a baseline that is a link leads to is read within the project alone.
func TestLoadFollowsLinksWithinTheProject(t *testing.T) {
	dir := t.TempDir()
	project := filepath.Join(dir, "project")
	for name, text := range map[string]string{"project/shared/b.yaml": "version: 1\nfindings: {}\n", "secret": "token=hidden-away\n"} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(project, Name)
	if err := os.Symlink(filepath.Join("shared", "b.yaml"), file); err != nil {
		t.Skip(err)
	}
	if _, err := Load(project, file); err != nil {
		t.Error(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("..", "secret"), file); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(project, file); err == nil || strings.Contains(err.Error(), "hidden-away") || !strings.Contains(err.Error(), "leads out of") {
		t.Errorf("%v", err)
	}
}

// TestBroken: every mistake of a file is reported with its place and what to do.
func TestBroken(t *testing.T) {
	for _, test := range []struct{ name, src, want string }{
		{"syntax", "version: 1\nfindings: {\n", "b.yaml:2:1"},
		{"empty", "", "b.yaml: the file is empty (configuration/invalid-value)\n  → add it, for example \"version: 2\""},
		{"version", "version: 3\nfindings: {}\n", "b.yaml:1:10: \"version\" is 3, but the versions of a baseline are 1 and 2"},
		{"code", "version: 2\nfindings: {a: [{code: images}]}\n", "b.yaml:2:23: \"code\" is \"images\", but a code is RULE/WHAT, such as images/unlisted"},
		{"no code", "version: 2\nfindings: {a: [{file: b}]}\n", "b.yaml:2:16: key \"code\" is missing"},
		{"a rule alone", "version: 1\nfindings: {a: [{rule: b}]}\n", "b.yaml:2:16: key \"code\" is missing"},
		{"both forms", "version: 2\nfindings: {a: [{code: a/b, message: c}]}\n", "b.yaml:2:16: an entry has either a code, or a rule and a message as in version 1"},
		{"key", "version: 1\nfindings:\n  alc:\n    - {rule: a, mesage: b}\n", "b.yaml:4:17: unknown key \"mesage\" (configuration/unknown-key)\n   4 |     - {rule: a, mesage: b}\n     |                 ^^^^^^\n  → did you mean \"message\"?"},
		{"list", "version: 1\nfindings: []\n", "b.yaml:2:11: \"findings\" must be a mapping, not a list (configuration/invalid-value)\n   2 | findings: []\n     |           ^\n  → fix it, or write it anew: ksrelease lint --write-baseline"},
		{"count", "version: 1\nfindings: {a: [{rule: a, message: b, count: 0}]}\n", "b.yaml:2:45: \"count\" must be at least 1, not 0"},
		{"left over from a merge", "version: 1\nfindings:\n<<<<<<< HEAD\n  a: []\n=======\n  b: []\n>>>>>>> x\n", "b.yaml:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, err := Parse("b.yaml", []byte(test.src))
			var problems diagnostic.List
			if b != nil || !errors.As(err, &problems) {
				t.Fatalf("it is taken, or fails without problems: %v", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("want %q, told:\n%v", test.want, err)
			}
			for _, p := range problems {
				if p.Hint == "" {
					t.Errorf("no advice: %v", p)
				}
			}
		})
	}
}

// TestMergedTwice: a merge of two branches may leave an entry twice.
func TestMergedTwice(t *testing.T) {
	one := "    - code: images/unused\n      file: extension.yaml\n      subject: a\n"
	b, err := Parse("b.yaml", []byte("version: 2\nfindings:\n  alc:\n"+one+one))
	if err != nil {
		t.Fatal(err)
	}
	if _, known := b.Sift("alc", []lint.Finding{some[1], some[1], some[1]}); known != 2 {
		t.Errorf("%d are known", known)
	}
}

// FuzzParse: whatever the file, it is read or told; what was read can be written
// and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(someWritten))
	f.Add([]byte("version: 1\nfindings: {a: [{rule: x, message: 'line 1', count: 3}, {rule: x, message: line 2}]}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		b, err := Parse("b.yaml", src)
		if err != nil {
			return
		}
		var r Recorder
		r.Keep(b)
		text, err := r.text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("b.yaml", text)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, text)
		}
		for extension, all := range b.known {
			if all.count() > 0 && !reflect.DeepEqual(all, again.known[extension]) {
				t.Fatalf("%s was\n%v\nis\n%v", extension, all, again.known[extension])
			}
		}
	})
}

// TestSteady: a finding is the same one when code moves, or when there are more or
// fewer of its kind.
func TestSteady(t *testing.T) {
	for _, pair := range [][2]string{
		{"web.tpl:11: host is asked of a value that is not set", "web.tpl:12: host is asked of a value that is not set"},
		{"line 3 of what it renders: no", "line 30 of what it renders: no"},
		{"3 rules of the ClusterRole have the wildcard *", "2 rules of the ClusterRole have the wildcard *"},
		{"node_modules is packed (one file, 2 B)", "node_modules is packed (12 files, 3.5 KiB)"},
		{"it uses x:1 (as one other container does)", "it uses x:1 (as 4 other containers do)"},
	} {
		if steady(pair[0]) != steady(pair[1]) {
			t.Errorf("%q and %q", steady(pair[0]), steady(pair[1]))
		}
	}
	for _, pair := range [][2]string{
		{"it uses nginx:1.27.0, which is not listed", "it uses nginx:1.28.0, which is not listed"},
		{"the version 1.0.0 is no text", "the version 2.0.0 is no text"},
		{"registry:5000/x is no image", "registry:5001/x is no image"},
	} {
		if steady(pair[0]) == steady(pair[1]) {
			t.Errorf("%q and %q are one", pair[0], pair[1])
		}
	}
}
