package diagnostic

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestError(t *testing.T) {
	tests := []struct {
		name string
		d    Diagnostic
		want string
	}{
		{"all", Diagnostic{File: "a.yaml", Range: At(7, 5), Message: "m", Hint: "h", Excerpt: "   7 | x\n     | ^"}, "a.yaml:7:5: m\n   7 | x\n     | ^\n  → h"},
		{"hint of several lines", Diagnostic{File: "a.yaml", Message: "m", Hint: "h\n  i"}, "a.yaml: m\n  → h\n      i"},
		{"line alone", Diagnostic{File: "a.yaml", Range: At(7, 0), Message: "m"}, "a.yaml:7: m"},
		{"no file", Diagnostic{Message: "m"}, "m"},
	}
	for _, test := range tests {
		if got := test.d.Error(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestListIsSorted(t *testing.T) {
	l := List{{File: "b", Range: At(1, 0), Message: "4"}, {File: "a", Range: At(2, 2), Message: "3"}, {File: "a", Range: At(2, 1), Message: "2"}, {File: "a", Message: "1"}}
	if got, want := l.Error(), "a: 1\na:2:1: 2\na:2:2: 3\nb:1: 4"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if l[0].Message != "4" {
		t.Error("sorting changed the receiver")
	}
	if err := (List{}).Err(); err != nil {
		t.Error("an empty list is an error")
	}
	var found List
	if err := l.Err(); !errors.As(err, &found) || len(found) != 4 || found[0].Message != "1" {
		t.Error("the list is not sorted in the error, or lost in it")
	}
}

func TestCodeIsRuleAndWhat(t *testing.T) {
	d := Diagnostic{Code: "yaml/syntax"}
	if d.Rule() != "yaml" || d.What() != "syntax" || Rule("images/unlisted") != "images" {
		t.Errorf("rule %q, what %q", d.Rule(), d.What())
	}
	if got := (Diagnostic{}); got.Rule() != "" || got.What() != "" {
		t.Error("no code has a rule")
	}
	l := List{d, {Message: "without a code"}}
	moved := l.WithRule("configuration")
	if diff := cmp.Diff(List{{Code: "configuration/syntax"}, {Message: "without a code"}}, moved); diff != "" {
		t.Error(diff)
	}
	if l[0].Code != "yaml/syntax" {
		t.Error("the receiver changed")
	}
}

func TestFileBelowTheExtension(t *testing.T) {
	for _, test := range []struct{ folder, file, want string }{
		{"ext/alc", "values.yaml", "ext/alc/values.yaml"},
		{"ext/alc", "", "ext/alc"},
		{".", "values.yaml", "values.yaml"},
		{".", "", "."},
		{"../alc/", "charts/a/values.yaml", "../alc/charts/a/values.yaml"},
		{"/srv/alc-1.0.0.tgz", "values.yaml", "/srv/alc-1.0.0.tgz/values.yaml"},
	} {
		if got := (List{{File: test.file}}).In(test.folder)[0].File; got != test.want {
			t.Errorf("%q in %q is %q, want %q", test.file, test.folder, got, test.want)
		}
	}
}

func TestSeverities(t *testing.T) {
	all := []Severity{Off, Info, Warning, Error}
	for i, s := range all {
		if !s.IsKnown() || Severity("").IsKnown() || Severity("ERROR").IsKnown() {
			t.Errorf("%q: what is a severity is not known", s)
		}
		for j, other := range all {
			if s.Below(other) != (i < j) {
				t.Errorf("%s below %s: %v", s, other, s.Below(other))
			}
		}
		if !Severity("fatal").Below(s) || s.Below("fatal") {
			t.Errorf("what is no severity is not below %s", s)
		}
	}
}

// TestFingerprintHasNoWords holds what a diagnostic is known by: files with baselines
// and reports out there rely on it.
func TestFingerprintHasNoWords(t *testing.T) {
	d := Diagnostic{
		Code: "images/unlisted", Severity: Warning, Message: "m", Hint: "h",
		File: "templates/deployment.yaml", Range: Span(3, 5, 2), Excerpt: "e", Subject: "nginx:1.27",
	}
	if got, want := d.Fingerprint().String(), "3aea654a93efab3f"; got != want {
		t.Errorf("the fingerprint is %s, and was %s: it must not change", got, want)
	}
	for what, change := range map[string]func(*Diagnostic){
		"severity": func(d *Diagnostic) { d.Severity = Error },
		"message":  func(d *Diagnostic) { d.Message = "in other words" },
		"hint":     func(d *Diagnostic) { d.Hint = "" },
		"range":    func(d *Diagnostic) { d.Range = At(4, 5) },
		"excerpt":  func(d *Diagnostic) { d.Excerpt = "" },
	} {
		same := d
		change(&same)
		if same.Fingerprint() != d.Fingerprint() {
			t.Errorf("another %s makes another fingerprint", what)
		}
	}
	for what, change := range map[string]func(*Diagnostic){
		"code":    func(d *Diagnostic) { d.Code = "images/unused" },
		"file":    func(d *Diagnostic) { d.File = "templates/job.yaml" },
		"subject": func(d *Diagnostic) { d.Subject = "nginx:1.28" },
	} {
		other := d
		change(&other)
		if other.Fingerprint() == d.Fingerprint() || other.Fingerprint().String() == d.Fingerprint().String() {
			t.Errorf("another %s makes no other fingerprint", what)
		}
	}
	moved := Fingerprint{Code: "a", File: "bc"}
	if moved.String() == (Fingerprint{Code: "ab", File: "c"}).String() {
		t.Error("the parts of a fingerprint run into each other")
	}
}
