package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/diagnostic"
	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// What ends a command is shown so that no line of it is one of ours, or a command to a CI
// system, and no character is obeyed.
func TestErrorsAreShownNotObeyed(t *testing.T) {
	const hostile = "x\n::error::forged\x1b[2J ##[error]y\u202e"
	for name, c := range map[string]struct {
		command func() error
		code    int
	}{
		"error": {func() error { return errors.New(hostile) }, app.ExitNotReleased},
		"usage": {func() error { return app.Usage(errors.New(hostile), hostile) }, app.ExitUsage},
		"problems": {func() error {
			return diagnostic.List{{File: hostile, Range: diagnostic.At(1, 0), Message: hostile, Hint: hostile}}
		}, app.ExitUsage},
		"a mistake": {func() error { panic(hostile) }, app.ExitNotReleased},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			a := &app.App{Stdout: output.New(&out), Stderr: output.New(&errs), Env: os.LookupEnv}
			if code := a.Execute(nil, c.command); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			harmless(t, errs.String())
			for i, line := range strings.Split(strings.TrimSpace(errs.String()), "\n") {
				if i > 0 && !strings.HasPrefix(line, "  ") {
					t.Errorf("the line %q begins like one of ours", line)
				}
			}
			if !strings.Contains(errs.String(), `: :error::forged\x1b[2J # #[error]y\u202e`) {
				t.Errorf("what was said is not told:\n%s", errs.String())
			}
		})
	}
}

// harmless checks that a text drives neither a terminal nor a CI system.
func harmless(t *testing.T, text string) {
	t.Helper()
	if shown := output.VisibleLines(text); shown != text {
		t.Errorf("there are characters that a terminal obeys in %q", text)
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
			t.Errorf("a CI system obeys %q", line)
		}
	}
}

// hostileProject is a project whose folders, names, versions and charts hold what a
// terminal and a CI system would obey.
func hostileProject(t *testing.T) string {
	t.Helper()
	const metadata = "apiVersion: kubesphere.io/v1alpha1\nname: %s\nversion: %s\ndisplayName: {en: A}\ndescription: {en: An extension}\ncategory: computing\nprovider: {en: {name: Example}}\nicon: https://example.com/i.svg\n"
	const manifest = `apiVersion: apps/v1
kind: "Deploy\e[31mment ##[error]x"
metadata: {name: "a\n::error::b"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "a\n::error::forged\n"}
spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: "c\u202e\n::error::c ##[group]", image: "x/\e[2Jy:1"}]}}}
`
	dir := t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Skipf("no such name here: %v", err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(".ksrelease.yaml", "version: 1\nextensions:\n  - path: extensions/*\n")
	for folder, words := range map[string][2]string{
		"x\n::error::pwned\x1b[2J ##[error]y": {"alc", "1.2.0"}, "version": {"bee", `"1.0.0\e[2J\n::error::v"`},
		"name": {`"::error::x"`, "1.0.0"}, "older\u202e": {`"##[error]z"`, "1.0.0"}, "sound": {"crow", "1.0.0"},
	} {
		write("extensions/"+folder+"/extension.yaml", fmt.Sprintf(metadata, words[0], words[1]))
		write("extensions/"+folder+"/values.yaml", "global: {}\n")
		write("extensions/"+folder+"/charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
		write("extensions/"+folder+"/charts/web/templates/d.yaml", manifest)
	}
	return dir
}

// TestTextsOfOthersAreObeyedByNobody: whatever a pull request names its folders,
// extensions and charts, no command prints a line that a terminal or a CI system obeys, in
// any form and in no report.
func TestTextsOfOthersAreObeyedByNobody(t *testing.T) {
	soak.Long(t)
	dir := hostileProject(t)
	for _, words := range [][]string{
		{"check"}, {"lint", "--report", "r.json,r.xml,r.md,r.sarif"}, {"lint", "--output", "json"}, {"package"}, {"run", "--local", "--dry-run"},
		{"run", "--local", "--output", "json"}, {"status", "--local"}, {"status", "--local", "--output", "json"}, {"lint", "--only", "x\n::error::y\x1b[2J"},
		{"lint", "--explain", "\n::error::##[error]"}, {"run", "\x1b[2J\n::error::"}, {"\n::error::\x1b[2J"}, {"run", "--\n::error::\x1b[2J=##[x]"},
		{"init", "-C", "extensions"}, {"withdraw", "--local", "x\n::y@\x1b[2J"}, {"marketplace", "approve", "x\n::y@\x1b[2J"}, {"completion", "\n::error::"},
		{"lint", "--write-baseline"}, {"lint", "-f", "##[error]\n::x"}, {"run", "--report", "\n::error::\x1b[2J.html"},
	} {
		t.Run(strings.Join(words, " "), func(t *testing.T) {
			t.Chdir(dir)
			_, stdout, stderr := runMain(t, words...)
			harmless(t, stdout)
			harmless(t, stderr)
			if len(stdout)+len(stderr) == 0 {
				t.Error("nothing is printed")
			}
			for _, report := range []string{"r.json", "r.xml", "r.md", "r.sarif"} {
				if data, err := os.ReadFile(report); err == nil {
					harmless(t, string(data))
				}
			}
		})
	}
}
