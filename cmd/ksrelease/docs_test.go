package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/app"
	"github.com/ksrelease/ksrelease/internal/lint"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

func readDoc(t *testing.T, name string) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// inOneOrder sorts the two requests after each submission, which are sent at the same time.
func inOneOrder(requests string) string {
	lines := strings.Split(requests, "\n")
	for i, line := range lines {
		if strings.HasSuffix(line, "action:submit") && i+2 < len(lines) {
			slices.Sort(lines[i+1 : i+3])
		}
	}
	return strings.Join(lines, "\n")
}

// docs/one-release.md says which requests are sent; here they are sent.
func TestOneReleaseIsAsItsPageSays(t *testing.T) {
	soak.Long(t)
	page := readDoc(t, "docs/one-release.md")
	said := map[string]string{}
	for _, block := range regexp.MustCompile("(?s)```requests ([a-z-]+)\n(.*?)```").FindAllStringSubmatch(page, -1) {
		said[block[1]] = block[2]
	}
	dir := t.TempDir()
	served := serveMarketplace(t)
	server := served.server

	files := map[string]string{
		".ksrelease.yaml": "version: 1\ncloud: {server: '" + server.URL + "'}\nrepository: {url: '" + server.URL + "'}\nextensions: [{path: alc}]\n",
		"alc/extension.yaml": `apiVersion: kubesphere.io/v1alpha1
name: alc
version: 1.2.0
displayName: {en: ALC}
description: {en: Collects logs}
category: observability
provider: {en: {name: Example}}
icon: icon.svg
`,
		"alc/icon.svg":    `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>`,
		"alc/values.yaml": "global: {}\n",
	}
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	watch, home := canary.New(), t.TempDir()
	for _, step := range []struct {
		block string
		args  []string
	}{
		{"dry-run", []string{"--dry-run"}},
		{"release", []string{"run"}},
		{"nothing-to-do", []string{"run"}},
	} {
		command := exec.Command(os.Args[0], step.args...)
		command.Dir = dir
		command.Env = append(append(os.Environ(), "KSRELEASE_TEST_MAIN=1", "KSRELEASE_TOKEN="+canary.Token), ownFolders(home)...)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", step.block, err, out)
		}
		watch.Check(t, step.block, out)
		got := strings.Join(append(served.drain(), ""), "\n")
		got = strings.ReplaceAll(got, "/users/local/", "/users/{user}/")
		got = regexp.MustCompile(`\d{18}`).ReplaceAllString(got, "{snapshot}")
		// Which index this machine has kept, and asks for a change of, is not what the page is about.
		got = strings.ReplaceAll(got, " if it has changed", "")
		if inOneOrder(got) != inOneOrder(said[step.block]) {
			t.Errorf("%s: sent\n%s\nthe page says\n%s", step.block, got, said[step.block])
		}
	}
}

// Each exit code that docs/exit-codes.md promises has a script or test that
// reaches it, and its table is the one in main.go.
func TestExitCodesAreAsTheirPageSays(t *testing.T) {
	page := readDoc(t, "docs/exit-codes.md")
	var told []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(page, -1) {
		told = append(told, row[1])
	}
	want := []string{}
	for _, code := range []int{app.ExitOK, app.ExitNotReleased, app.ExitUsage, app.ExitAuth, app.ExitNothingToDo, app.ExitHungUp, app.ExitInterrupted, app.ExitTerminated} {
		want = append(want, fmt.Sprint(code))
	}
	if !slices.Equal(told, want) {
		t.Errorf("the page tells %v, main.go has %v", told, want)
	}
	for _, o := range results.Outcomes() {
		if !strings.Contains(page, "| `"+string(o)+"` |") {
			t.Errorf("the page does not tell the outcome %s", o)
		}
	}
}

// docs/targets.md has each kind of target, with examples that are right, and the variables that
// are read.
func TestTargetsAreAsTheirPageSays(t *testing.T) {
	page := readDoc(t, "docs/targets.md")
	for _, kind := range config.TargetKinds() {
		row := regexp.MustCompile(`(?m)^\| \[` + "`" + string(kind) + "`" + `\]\(#([a-z-]+)\) \|`).FindStringSubmatch(page)
		if row == nil || !strings.Contains(page, "\n## "+strings.ReplaceAll(row[1], "-", " ")+"\n") {
			t.Errorf("the page does not tell the kind %s in its table, or has no section for it", kind)
		}
		if !regexp.MustCompile(`kind: ` + string(kind) + `\b`).MatchString(page) {
			t.Errorf("the page has no example of the kind %s", kind)
		}
	}
	env := func(name string) (string, bool) { return "https://example.com", strings.HasPrefix(name, "RELEASE_") }
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page, -1) {
		text := block[1]
		if strings.Contains(text, "steps:\n") {
			continue // of a workflow
		}
		if !strings.Contains(text, "version: 1") {
			text = "version: 1\nextensions: [{path: a}]\n" + text
		}
		if _, err := config.Parse("x.yaml", []byte(text), env); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
	c, err := config.Parse("x.yaml", []byte("version: 1\nextensions: [{path: a}]\ntargets: [{kind: oci, name: mirror, url: 'oci://r.example.com'}]\n"), env)
	if err != nil {
		t.Fatal(err)
	}
	if told := "`" + c.Targets[0].Variable(config.VariablePassword) + "` for the target"; !strings.Contains(page, told) {
		t.Errorf("the page does not tell %s", told)
	}
}

// Every command line in the documents is one that the program understands.
func TestCommandLinesInTheDocumentsParse(t *testing.T) {
	lines := 0
	documents, err := fs.Glob(os.DirFS("../.."), "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(documents, "README.md", "README.zh.md", "examples/README.md") {
		for _, block := range regexp.MustCompile("(?s)```(sh|console)\n(.*?)```").FindAllStringSubmatch(readDoc(t, name), -1) {
			for line := range strings.Lines(block[2]) {
				if block[1] == "console" && !strings.HasPrefix(line, "$ ") {
					continue // what is printed
				}
				line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
				line, _, _ = strings.Cut(line, " #")
				line = strings.Replace(line, "go run ./cmd/ksrelease", "ksrelease", 1)
				for call := range strings.SplitSeq(line, " && ") {
					call = regexp.MustCompile(` [|<>] .*`).ReplaceAllString(call, "")
					words, isOurs := strings.CutPrefix(call, "ksrelease ")
					if !isOurs {
						continue
					}
					lines++
					if _, _, err := readInto(t, &cli{}, shellFields(words)); err != nil {
						t.Errorf("%s: %s: %v", name, line, err)
					}
				}
			}
		}
	}
	if lines < 70 {
		t.Errorf("only %d command lines found in the documents", lines)
	}
}

// shellFields splits a line as a shell would, as far as the documents need it.
func shellFields(line string) []string {
	var words []string
	for _, m := range regexp.MustCompile(`"([^"]*)"|(\S+)`).FindAllStringSubmatch(line, -1) {
		words = append(words, m[1]+m[2])
	}
	return words
}

// The schema of the config names the rules that lint has, with their defaults.
func TestTheConfigKnowsTheRulesOfLint(t *testing.T) {
	for _, r := range lint.Rules() {
		for _, severity := range []string{"off", "info", "warning", "error"} {
			src := "version: 1\nextensions: [{path: x}]\nlint: {rules: {" + r.Name + ": " + severity + "}}\n"
			if _, err := config.Parse("x.yaml", []byte(src), os.LookupEnv); err != nil {
				t.Errorf("rule %s: %v", r.Name, err)
			}
		}
		told := fmt.Sprintf("| [`%s`](rules.md#%[1]s) | `%s` |", r.Name, r.Default)
		page := readDoc(t, "docs/configuration.md")
		if !strings.Contains(page, told) {
			t.Errorf("docs/configuration.md does not tell the rule %s, which is %s by default", r.Name, r.Default)
		}
	}
	_, err := config.Parse("x.yaml", []byte("version: 1\nextensions: [{path: x}]\nlint: {rules: {image: off}}\n"), os.LookupEnv)
	if err == nil || !strings.Contains(err.Error(), `did you mean "images"?`) {
		t.Errorf("a rule that is misspelt: %v", err)
	}
	_, err = config.Parse("x.yaml", []byte("version: 1\nextensions: [{path: x}]\nlint: {rules: {nothing: off}}\n"), os.LookupEnv)
	if err == nil || !strings.Contains(err.Error(), "the rules are schema, name, ") {
		t.Errorf("a rule that is like none: %v", err)
	}
}

// The tests that the documents promise are there.
func TestTestsNamedInTheDocumentsExist(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".txtar"):
			there[d.Name()] = true
		case strings.HasSuffix(path, "_test.go"):
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`).FindAllStringSubmatch(string(source), -1) {
				there[m[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, page := range []string{"docs/packaging.md", "docs/design.md", "docs/rules.md"} {
		for _, m := range regexp.MustCompile("`((?:Test|Fuzz|Benchmark)\\w+|\\w+\\.txtar)`").FindAllStringSubmatch(readDoc(t, page), -1) {
			named++
			if !there[m[1]] {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
	}
	if named < 20 {
		t.Errorf("only %d tests are named", named)
	}
}

// docs/troubleshooting.md quotes what the program says, as far as it is the same each time.
func TestTroubleshootingQuotesMessages(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, top := range []string{"cmd", "config", "internal", "pipeline"} {
		if err := fs.WalkDir(os.DirFS(root), top, func(at string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(at, ".go") || strings.HasSuffix(at, "_test.go") {
				return err
			}
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(at)))
			source.Write(text)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	quoted := 0
	page, _, _ := strings.Cut(readDoc(t, "docs/troubleshooting.md"), "## In CI")
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(page, -1) {
		quoted++
		if row[1] == "401 Unauthorized" {
			continue // as net/http words it
		}
		for _, part := range strings.FieldsFunc(row[1], func(r rune) bool { return r == '…' }) {
			if part != ")" && !strings.Contains(source.String(), part) {
				t.Errorf("nothing says %q", part)
			}
		}
	}
	if quoted < 12 {
		t.Errorf("%d messages are quoted", quoted)
	}
}
