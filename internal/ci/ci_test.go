package ci

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/report"
	"github.com/ksrelease/ksrelease/internal/results"
)

func in(asked Service, variables ...string) (Job, *[]string) {
	warned := &[]string{}
	return In(asked, func(name string) (string, bool) {
		for _, v := range variables {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}, func(message string) { *warned = append(*warned, message) }), warned
}

func TestServices(t *testing.T) {
	for _, test := range []struct {
		asked     Service
		variables []string
		want      Service
	}{
		{Auto, nil, Off},
		{Auto, []string{"CI=true"}, Off},
		{Auto, []string{"GITHUB_ACTIONS=true"}, GitHub},
		{Auto, []string{"GITHUB_ACTIONS="}, Off},
		{Auto, []string{"GITLAB_CI=true"}, GitLab},
		{Auto, []string{"JENKINS_URL=https://ci.example.com/"}, Jenkins},
		{Auto, []string{"BUILD_TAG=jenkins-extensions-7"}, Jenkins},
		{Auto, []string{"JENKINS_URL=", "BUILD_TAG=v1.2.0"}, Off},
		{Off, []string{"GITHUB_ACTIONS=true"}, Off},
		{GitLab, []string{"GITHUB_ACTIONS=true"}, GitLab},
		{"nonsense", []string{"GITHUB_ACTIONS=true"}, GitHub},
	} {
		if job, _ := in(test.asked, test.variables...); job.Service != test.want {
			t.Errorf("%s with %v is %s, want %s", test.asked, test.variables, job.Service, test.want)
		}
	}
	for line, want := range map[string]Service{"run": Auto, "run --ci off": Off, "lint --ci=github x": GitHub, "run --ci": Auto, "run -- --ci=off": Auto} {
		if got := Asked(strings.Fields(line)); got != want {
			t.Errorf("%s asks for %s, want %s", line, got, want)
		}
	}
}

// Reports have a place for each service, each command its own.
func TestReports(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	top := filepath.Join(dir, "work")
	if err := os.Mkdir(top, 0o755); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(top, ".ksrelease", "ci")
	for _, test := range []struct {
		asked    Service
		variable string
		want     []string
	}{
		{GitHub, "", nil}, {Off, "", nil},
		{GitLab, "CI_PROJECT_DIR=" + top, []string{"junit=" + filepath.Join(folder, "run-junit.xml"), "codequality=" + filepath.Join(folder, "run-code-quality.json"), "dotenv=" + filepath.Join(folder, "run-variables.env")}},
		{Jenkins, "WORKSPACE=" + top, []string{"junit=" + filepath.Join(folder, "run-junit.xml")}},
		{Jenkins, "WORKSPACE=/nowhere/at/all", []string{"junit=" + filepath.Join(".ksrelease", "ci", "run-junit.xml")}},
	} {
		job, warned := in(test.asked, test.variable)
		if got := job.Reports("run"); fmt.Sprint(got) != fmt.Sprint(test.want) || len(*warned) > 0 {
			t.Errorf("%s: %v, want %v; %v", test.asked, got, test.want, *warned)
		}
	}
	// Where there can be none, that is a warning.
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "file"), filepath.Join(dir, "full", ".ksrelease")); err != nil {
		t.Fatal(err)
	}
	job, warned := in(GitLab, "CI_PROJECT_DIR="+filepath.Join(dir, "full"))
	if got := job.Reports("run"); got != nil || len(*warned) != 1 {
		t.Errorf("%v, %v", got, *warned)
	}
}

// What cannot be written on GitHub is a warning, and no error of the run.
func TestWarnings(t *testing.T) {
	dir := t.TempDir()
	printed, err := os.Create(filepath.Join(dir, "printed"))
	if err != nil {
		t.Fatal(err)
	}
	defer printed.Close()
	job, warned := in(GitHub, "GITHUB_STEP_SUMMARY="+filepath.Join(dir, "none", "s"), "GITHUB_OUTPUT="+filepath.Join(dir, "none", "o"))
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	var files []report.Destination
	for _, path := range []string{filepath.Join(dir, "folder"), filepath.Join(dir, "later", "junit.xml")} {
		to, err := report.ParseDestination("junit=" + path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, to)
	}
	all := job.Files(files, report.Tool{}, output.New(printed))
	if err := os.RemoveAll(filepath.Join(dir, "later")); err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		f.Observe(results.Event{Kind: results.EventRunStarted, Result: &results.Document{Command: "run"}})
		f.Observe(results.Event{Kind: results.EventRunFinished, Result: &results.Document{Command: "run"}})
		if b, ok := f.(interface{ Flush() }); ok {
			b.Flush()
		}
		f.(interface{ Close() }).Close()
		if f.Err() != nil {
			t.Error(f.Err())
		}
	}
	want := []string{"github lacks a report: " + filepath.Join(dir, "folder"), "github lacks a report: writing the report", "writing the outputs of the step", "writing the summary of the job"}
	if len(*warned) != len(want) {
		t.Fatalf("%q", *warned)
	}
	for i, begin := range want {
		if !strings.HasPrefix((*warned)[i], begin) {
			t.Errorf("%q, want %q", (*warned)[i], begin)
		}
	}
	if data, err := os.ReadFile(printed.Name()); err != nil || !strings.HasPrefix(string(data), "::error ") {
		t.Errorf("%q, %v", data, err)
	}
}
