package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The events are those of go test itself.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":      "module example.com/m\n\ngo 1.24\n",
		"a/a_test.go": "package a\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) { t.Log(\"not shown\") }\n\nfunc TestHere(t *testing.T) { t.Skip(\"no such tool\") }\n",
		"b/b_test.go": "package b\n\nimport \"testing\"\n\nfunc TestB(t *testing.T) { t.Run(\"c\", func(t *testing.T) { t.Error(\"broken\") }) }\n",
		"c/c_test.go": "package c\n\nfunc x() { y() }\n",
		"d/d.go":      "package d\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(may string, packages ...string) (bool, string) {
		t.Helper()
		command := exec.Command("go", append([]string{"test", "-json", "-vet=off"}, packages...)...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
		events, _ := command.Output() // it fails where a test does
		var out strings.Builder
		fine, err := report(strings.NewReader("make: hello\n"+string(events)), &out, []*regexp.Regexp{regexp.MustCompile(may)})
		if err != nil {
			t.Fatal(err)
		}
		return fine, out.String()
	}
	fine, out := run("no such tool", "./a", "./d")
	if !fine || !strings.Contains(out, "ok  \texample.com/m/a\t") || !strings.Contains(out, "skipped: example.com/m/a TestHere: a_test.go:7: no such tool\n") ||
		!strings.Contains(out, "2 tests, 1 of them skipped\n") || strings.Contains(out, "not shown") || !strings.HasPrefix(out, "make: hello\n") {
		t.Errorf("%v\n%s", fine, out)
	}
	if fine, out = run("another", "./a"); fine || !strings.Contains(out, "these run nowhere") {
		t.Errorf("one that skips: %v\n%s", fine, out)
	}
	if fine, out = run("", "./b"); fine || !strings.Contains(out, "b_test.go:5: broken\n") || !strings.Contains(out, "--- FAIL: TestB/c") || !strings.Contains(out, "FAIL\texample.com/m/b") {
		t.Errorf("one that fails: %v\n%s", fine, out)
	}
	if fine, out = run("", "./c"); fine || !strings.Contains(out, "undefined: y") {
		t.Errorf("one that does not compile: %v\n%s", fine, out)
	}
}

func TestReportOfWhatWasKilled(t *testing.T) {
	var out strings.Builder
	fine, err := report(strings.NewReader(`{"Action":"output","Package":"p","Test":"TestX","Output":"=== RUN   TestX\n"}`+"\n"), &out, nil)
	if fine || err != nil || !strings.Contains(out.String(), "p TestX did not end") {
		t.Errorf("%v, %v\n%s", fine, err, out.String())
	}
}
