package successor

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/shellscript"
	"github.com/ksrelease/ksrelease/internal/yamldoc"
)

// combinations are facts of all kinds, and versions of ksrelease that take everything or nothing
// new.
func combinations() []Facts {
	var all []Facts
	for _, accepts := range []func(string) bool{
		func(string) bool { return true },
		func(line string) bool { return !strings.Contains(line, "--since") && !strings.Contains(line, "--t") },
	} {
		for bits := range 1 << 5 {
			on := func(bit int) bool { return bits&(1<<bit) != 0 }
			f := Facts{Version: "v1.2.3", Accepts: accepts, OnBranch: on(0), ByTitle: on(1), ByComment: on(2), Packs: on(3)}
			if on(4) {
				f.Secret, f.Branches, f.Cron, f.RunsOn, f.CheckOn, f.Repository = "KEY", []string{"main", "next"}, "1 2 * * *", "big", "small", "a/b"
				f.Tags, f.Stages, f.Before = []string{"v*"}, []string{"one", "two"}, []string{"a.yml:3"}
				f.After, f.Hooks = []string{"b.yml:4"}, true
			} else if on(3) {
				f.PackTags = []string{"v*"}
			}
			all = append(all, f)
		}
	}
	return all
}

// All that is written can be read: YAML without mistakes, jobs with what a system asks for, and
// scripts that a shell takes.
func TestWhatIsWrittenCanBeRead(t *testing.T) {
	for _, facts := range combinations() {
		for system := range places {
			file, ok := Write(system, facts)
			if !ok {
				t.Fatal(system)
			}
			if is, _ := cifile.SystemOf(file.Path); is != system {
				t.Errorf("%s is read by %q", file.Path, is)
			}
			if strings.Contains(file.Text, "[[") || strings.Contains(file.Text, "<no value>") || strings.Contains(file.Text, "\n\n\n") || !strings.HasSuffix(file.Text, "\n") {
				t.Errorf("%s", file.Text)
			}
			read := cifile.Read(file.Path, system, []byte(file.Text))
			if len(read.Odd) > 0 || len(read.Steps) < 3 {
				t.Errorf("%+v\n%s", read.Odd, file.Text)
			}
			calls, first := map[string]bool{}, ""
			for _, step := range read.Steps {
				commands, err := shellscript.Read(shellscript.Script{Text: step.Script, Variables: step.Variables, Expression: step.Expression})
				if err != nil {
					t.Errorf("%v in\n%s", err, step.Script)
				}
				for _, c := range commands {
					if plain := c.Plain(); strings.HasPrefix(c.Name(), "ksrelease") && len(plain) > 1 {
						calls[plain[1]] = true
						first = cmp.Or(first, plain[1])
					}
				}
			}
			for _, command := range []string{"check", "lint", "run"} {
				if !calls[command] {
					t.Errorf("%s does not call ksrelease %s:\n%s", file.Path, command, file.Text)
				}
			}
			// A script ends at the first command that fails, and lint leaves a report behind.
			if (system == cifile.GitLab || system == cifile.Jenkins) && first != "lint" {
				t.Errorf("%s begins with ksrelease %s", file.Path, first)
			}
			if system == cifile.GitHub {
				workflow(t, file.Text)
			}
			// A build in which junit finds no report fails, unless it is told that there may be none.
			if system == cifile.Jenkins && strings.Contains(file.Text, "nothing is released") != strings.Contains(file.Text, "allowEmptyResults: true") {
				t.Errorf("a tag that releases nothing fails:\n%s", file.Text)
			}
		}
	}
}

// workflow holds a workflow to what GitHub asks for ("Workflow syntax for GitHub Actions").
func workflow(t *testing.T, text string) {
	t.Helper()
	doc, err := yamldoc.Parse("ksrelease.yml", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	top := doc.Value().(map[string]any)
	keys(t, top, "name", "on", "permissions", "env", "jobs")
	keys(t, top["permissions"].(map[string]any), "contents")
	keys(t, top["on"].(map[string]any), "pull_request", "push", "schedule", "issue_comment", "workflow_dispatch")
	for _, event := range []string{"pull_request", "push", "schedule", "workflow_dispatch"} {
		if _, ok := top["on"].(map[string]any)[event]; !ok {
			t.Errorf("no %s", event)
		}
	}
	for name, value := range top["jobs"].(map[string]any) {
		job := value.(map[string]any)
		keys(t, job, "name", "if", "runs-on", "timeout-minutes", "concurrency", "env", "steps")
		condition := job["if"].(string)
		if strings.Count(condition, "(") != strings.Count(condition, ")") || strings.HasSuffix(condition, "||") || strings.HasSuffix(condition, "&&") {
			t.Errorf("%s: %s", name, condition)
		}
		isCheckedOut := false
		for _, value := range job["steps"].([]any) {
			step := value.(map[string]any)
			keys(t, step, "name", "id", "if", "uses", "with", "env", "run")
			uses, isAction := step["uses"].(string)
			run, isScript := step["run"].(string)
			if isAction == isScript {
				t.Errorf("%s: %v", name, step)
			}
			// Lint alone shows findings at their lines: a step before it that fails does not skip it.
			if always, _ := step["if"].(string); strings.HasPrefix(run, "ksrelease lint") && !strings.Contains(always, "!cancelled()") {
				t.Errorf("%s: lint may be skipped: %v", name, step)
			}
			if isAction && !strings.HasPrefix(uses, "actions/") {
				t.Errorf("%s: %s is that of a third party", name, uses)
			}
			if strings.HasPrefix(uses, "actions/checkout@") {
				isCheckedOut = step["with"].(map[string]any)["fetch-depth"] == int64(0)
			}
			if strings.Contains(run, "${{") {
				t.Errorf("%s: an expression in a script: %s", name, run)
			}
			if env, ok := step["env"].(map[string]any); ok {
				if _, has := env["KSRELEASE_TOKEN"]; has && name == "check" {
					t.Error("pull requests get the key")
				}
			}
		}
		if !isCheckedOut {
			t.Errorf("%s has no history", name)
		}
	}
}

func keys(t *testing.T, mapping map[string]any, known ...string) {
	t.Helper()
	for key := range mapping {
		if !slices.Contains(known, key) {
			t.Errorf("%s is none of %q", key, known)
		}
	}
}

// What comes out of files of strangers cannot become anything else in a new file.
func TestFactsOfStrangers(t *testing.T) {
	evil := "x'\n      - run: evil"
	facts := Facts{
		Version: "v1.2.3", Accepts: func(string) bool { return true }, Secret: evil, Branches: []string{evil, "main"}, Tags: []string{evil, "v*"}, PackTags: []string{evil},
		Cron: evil, RunsOn: evil, CheckOn: evil, Repository: evil, Stages: []string{evil}, OnBranch: true, Packs: true,
	}
	for system := range places {
		file, _ := Write(system, facts)
		if strings.Contains(file.Text, "evil") {
			t.Errorf("%s", file.Text)
		}
	}
	if _, ok := Write(cifile.Shell, facts); ok {
		t.Error("a file for a shell")
	}
}
