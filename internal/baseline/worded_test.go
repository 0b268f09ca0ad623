package baseline

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/internal/lint"
)

// remembered is a finding as it was when baselines knew findings by their messages.
type remembered struct{ Rule, Message, Code, Subject string }

// messages are those of the last version of ksrelease that wrote version 1.
func messages(t *testing.T) []remembered {
	t.Helper()
	file, err := os.Open("testdata/messages.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []remembered
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var one remembered
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if len(all) < 300 {
		t.Fatalf("only %d messages", len(all))
	}
	return all
}

// TestVersionOneIsUpgraded: whatever the messages of today are, a baseline that knew
// findings by theirs holds; and it holds for nothing else of the same code.
func TestVersionOneIsUpgraded(t *testing.T) {
	for _, one := range messages(t) {
		src, err := json.Marshal(map[string]any{"version": 1, "findings": map[string]any{
			"alc": []any{map[string]any{"rule": one.Rule, "file": "a.yaml", "message": steady(one.Message)}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := Parse(Name, src)
		if err != nil {
			t.Fatal(err)
		}
		now := lint.Finding{Code: one.Code, Subject: one.Subject, File: "a.yaml", Message: "in other words"}
		if fresh, _ := b.Sift("alc", []lint.Finding{now}); len(fresh) > 0 {
			t.Errorf("%s (%s) is new for %q", one.Code, one.Subject, one.Message)
		}
		if b.Gone(true) != 0 {
			t.Errorf("%q is gone", one.Message)
		}
		for what, change := range map[string]func(*lint.Finding){
			"another file":    func(f *lint.Finding) { f.File = "b.yaml" },
			"another code":    func(f *lint.Finding) { f.Code = one.Rule + "/other" },
			"another subject": func(f *lint.Finding) { f.Subject += " unheard-of" },
		} {
			other := now
			if change(&other); what == "another subject" && one.Code == "least-privilege/sensitive" {
				continue
			}
			if _, known := b.Sift("alc", []lint.Finding{other}); known > 0 {
				t.Errorf("%s: %s is known by %q", one.Code, what, one.Message)
			}
		}
		if _, known := b.Sift("alc", []lint.Finding{now, now}); known != 1 {
			t.Errorf("%s: one entry stands for %d", one.Code, known)
		}
	}
}

// TestVersionOneTakesTheSameWordsFirst: an entry goes to the finding whose message is
// the same, whichever comes first.
func TestVersionOneTakesTheSameWordsFirst(t *testing.T) {
	b, err := Parse(Name, []byte("version: 1\nfindings: {alc: [{rule: render, file: a.yaml, message: 'the template does not render: no'}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	same := lint.Finding{Code: "render/broken-template", File: "a.yaml", Message: "the template does not render: no"}
	other := same
	other.Message = "the template does not render: something else"
	fresh, known := b.Sift("alc", []lint.Finding{other, same})
	if diff := cmp.Diff([]lint.Finding{other}, fresh); diff != "" || known != 1 {
		t.Error(diff)
	}
}

// TestVersionOneIsKept: what a baseline of version 1 says of extensions that were not
// looked at stays, until they are.
func TestVersionOneIsKept(t *testing.T) {
	old, err := Parse(Name, []byte("version: 1\nfindings:\n  alc:\n    - {rule: chart, message: no}\n  bee:\n    - {rule: name, file: extension.yaml, message: 'the name x', count: 2}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var r Recorder
	r.Sift("alc", []lint.Finding{found("chart/not-loaded", "", "", 0)})
	r.Keep(old)
	text, err := r.text()
	if err != nil {
		t.Fatal(err)
	}
	want := header + "version: 2\nfindings:\n  alc:\n    - code: chart/not-loaded\n  bee:\n    - file: extension.yaml\n      rule: name\n      message: the name x\n      count: 2\n"
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	again, err := Parse(Name, text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fmt.Sprint(old.known["bee"]), fmt.Sprint(again.known["bee"])); diff != "" {
		t.Error(diff)
	}
}

func TestHasWord(t *testing.T) {
	for text, want := range map[string]bool{
		"uses nginx:1.2, which": true, "nginx:1.2": true, "it is nginx:1.2.": true, "(nginx:1.2)": true, `"nginx:1.2"`: true,
		"nginx:1.27": false, "nginx:1.2.7": false, "my-nginx:1.2": false, "docker.io/nginx:1.2": false, "nginx:1.2-alpine": false,
		"nginx:1.27 and nginx:1.2": true, "": false,
	} {
		if got := hasWord(text, "nginx:1.2"); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// TestEveryCodeIsDocumented: the list of version 1 names codes that there are.
func TestEveryCodeIsDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, r := range lint.Rules() {
		for _, c := range r.Codes {
			documented[r.CodeOf(c.Name)] = true
		}
	}
	for rule, codes := range codesOfMessages {
		for _, c := range codes {
			if !documented[rule+"/"+c.code] {
				t.Errorf("there is no %s/%s", rule, c.code)
			}
		}
	}
	for _, one := range messages(t) {
		if got := (worded{one.Rule, "", steady(one.Message)}).code(); got != one.Code || strings.HasSuffix(got, "/") {
			t.Errorf("%q is taken for %q, not %q", one.Message, got, one.Code)
		}
	}
}
