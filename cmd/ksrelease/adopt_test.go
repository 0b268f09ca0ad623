package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/adopt/cifile"
	"github.com/ksrelease/ksrelease/internal/adopt/shellscript"
	"github.com/ksrelease/ksrelease/internal/adopt/successor"
	"github.com/ksrelease/ksrelease/internal/testutil/canary"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

// Each call of ksrelease in a file that adopt writes is one that this very program takes.
func TestAdoptWritesWhatThisProgramTakes(t *testing.T) {
	accepts, calls := accepts(), 0
	for bits := range 1 << 6 {
		on := func(bit int) bool { return bits&(1<<bit) != 0 }
		facts := successor.Facts{
			Version: "v1.2.3", Accepts: accepts, OnBranch: on(0), ByTitle: on(1), ByComment: on(2), Packs: on(3), Single: on(4), Hooks: on(5),
			Tags: []string{"v*"}[:bits%2],
		}
		for _, system := range []cifile.System{cifile.GitHub, cifile.GitLab, cifile.Jenkins, cifile.Make} {
			file, _ := successor.Write(system, facts)
			for _, step := range cifile.Read(file.Path, system, []byte(file.Text)).Steps {
				commands, err := shellscript.Read(shellscript.Script{Text: step.Script, Expression: step.Expression})
				if err != nil {
					t.Fatalf("%s: %v", file.Path, err)
				}
				for _, c := range commands {
					if name := c.Name(); name != "ksrelease" && !strings.HasPrefix(name, "ksrelease-") {
						continue
					}
					calls++
					line := "ksrelease " + strings.Join(c.Words[1:], " ")
					for _, hooks := range []string{"", " --hooks"} { // what the variable may be
						if !accepts(strings.ReplaceAll(line, " $HOOKS", hooks)) {
							t.Errorf("%s: %s", file.Path, c.Text)
						}
					}
				}
			}
		}
	}
	if calls < 500 {
		t.Errorf("only %d calls", calls)
	}
	for _, line := range []string{"ksrelease frobnicate", "ksrelease run --frobnicate", "ksrelease run --skip nothing"} {
		if accepts(line) {
			t.Error(line)
		}
	}
}

// The version that a new workflow installs is one that go install takes.
func TestAdoptPins(t *testing.T) {
	for asked, want := range map[string]string{
		"v1.2.3": "v1.2.3", "1.2.3": "v1.2.3", "v1.2.3-rc.1": "v1.2.3-rc.1", "0123456789abcdef0123456789abcdef01234567": "0123456789abcdef0123456789abcdef01234567",
		"latest": "", "main": "", "v1": "", "v1.2.3 && evil": "", "v1.2.3'": "", "$(evil)": "", "v1.2.3\n": "",
	} {
		got, err := (&adoptCommand{Pin: asked}).pinned(nil)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", fmt.Sprint(asked), got, err)
		}
	}
}

// The jobs of a workflow that adopt writes do what they are for, with the commands that are in
// it: a pull request is checked, what is pushed and what is tagged is released, and the schedule
// finds out that what is published is no longer what is here.
func TestAdoptedWorkflow(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	gittest.Need(t)
	server := serveMarketplace(t).server

	dir, bin := t.TempDir(), t.TempDir()
	if err := os.Symlink(os.Args[0], filepath.Join(bin, "ksrelease")); err != nil {
		t.Skip(err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(bin, "go"), "#!/bin/sh\necho \"$@\"\n") // go install
	write(filepath.Join(dir, ".ksrelease.yaml"), "version: 1\ncloud: {server: '"+server.URL+"'}\nrepository: {url: '"+server.URL+"'}\nextensions: [{path: extensions/*}]\n")
	write(filepath.Join(dir, "extensions/alc/extension.yaml"), "apiVersion: kubesphere.io/v1alpha1\nname: alc\nversion: 1.2.0\ndisplayName: {en: ALC}\ndescription: {en: Collects logs}\ncategory: observability\nprovider: {en: {name: Example}}\nicon: https://example.com/icon.svg\n")
	write(filepath.Join(dir, "extensions/alc/values.yaml"), "global: {}\n")
	write(filepath.Join(dir, ".github/workflows/old.yml"), "on: {push: {branches: [main], tags: ['*/v*']}}\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: ksbuilder login -t ${{ secrets.KEY }} && ksbuilder push extensions/alc\n")

	environment := append(append(os.Environ(), "KSRELEASE_TEST_MAIN=1", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH")), ownFolders(t.TempDir())...)
	command := func(want bool, extra []string, words ...string) string {
		t.Helper()
		c := exec.Command(words[0], words[1:]...)
		c.Dir, c.Env = dir, append(environment, extra...)
		printed, err := c.CombinedOutput()
		if (err == nil) != want {
			t.Fatalf("%q: %v\n%s", words, err, printed)
		}
		return string(printed)
	}
	r := gittest.At(t, dir)
	r.Git("init", "-q", "-b", "main")
	command(true, nil, filepath.Join(bin, "ksrelease"), "adopt", "--write", "--pin", "v1.2.3")
	r.Commit("one")
	r.Git("update-ref", "refs/remotes/origin/main", "HEAD")

	text, err := os.ReadFile(filepath.Join(dir, ".github/workflows/ksrelease.yml"))
	if err != nil {
		t.Fatal(err)
	}
	steps := cifile.Read("ksrelease.yml", cifile.GitHub, text).Steps
	// job runs the scripts of a job, up to the step that fails, if one is to.
	job := func(name, failing string, extra ...string) string {
		t.Helper()
		runner := t.TempDir()
		extra = append(extra, "CI=true", "GITHUB_ACTIONS=true", "RUNNER_TEMP="+runner, "GITHUB_STEP_SUMMARY="+filepath.Join(runner, "summary"))
		var printed string
		found := 0
		for _, step := range steps {
			if step.Job != name || step.Script == "" {
				continue
			}
			found++
			variables := slices.Clone(extra)
			for key, value := range step.Variables {
				if strings.Contains(value, "secrets.KEY") {
					value = canary.Token
				}
				variables = append(variables, key+"="+value)
			}
			printed += command(step.Name != failing, variables, bash, "-e", "-c", step.Script)
			if step.Name == failing {
				return printed
			}
		}
		if found < 2 {
			t.Fatalf("job %s has %d scripts", name, found)
		}
		summary, err := os.ReadFile(filepath.Join(runner, "summary"))
		if name != "drift" && (err != nil || !strings.Contains(string(summary), "alc")) {
			t.Errorf("%s: %v\n%s", name, err, summary)
		}
		return printed + string(summary)
	}
	says := func(printed string, wanted ...string) {
		t.Helper()
		for _, want := range wanted {
			if !strings.Contains(printed, want) {
				t.Errorf("no %q in\n%s", want, printed)
			}
		}
	}
	onMain := []string{"GITHUB_EVENT_NAME=push", "GITHUB_REF=refs/heads/main", "GITHUB_REF_NAME=main", "GITHUB_REF_TYPE=branch"}
	onTag := []string{"GITHUB_EVENT_NAME=push", "GITHUB_REF=refs/tags/alc/v1.2.0", "GITHUB_REF_NAME=alc/v1.2.0", "GITHUB_REF_TYPE=tag"}
	onSchedule := []string{"GITHUB_EVENT_NAME=schedule", "GITHUB_REF=refs/heads/main", "GITHUB_REF_NAME=main", "GITHUB_REF_TYPE=branch"}

	onRequest := []string{"GITHUB_EVENT_NAME=pull_request", "GITHUB_BASE_REF=main", "GITHUB_REF=refs/pull/1/merge", "GITHUB_REF_NAME=1/merge"}
	r.Git("checkout", "-qb", "feature")
	write(filepath.Join(dir, "extensions/alc/values.yaml"), "global: {}\nreplicas: 1\n")
	r.Commit("two")
	says(job("check", "Lint", onRequest...), "install github.com/ksrelease/ksrelease/cmd/ksrelease@v1.2.3", "kept its version", "version-bump/not-bumped")
	command(true, nil, filepath.Join(bin, "ksrelease"), "bump", "alc", "--patch")
	r.Commit("three")
	says(job("check", "", onRequest...), "replicas", "1 planned")
	r.Git("checkout", "-q", "main")
	says(job("release", "", onMain...), "alc 1.2.0: submitted", "1 released")
	says(job("release", "", onTag...), "1 exists")
	says(job("drift", "", onSchedule...), "1 exists")
	write(filepath.Join(dir, "extensions/alc/values.yaml"), "global: {}\nreplicas: 2\n")
	r.Commit("four")
	says(job("drift", "Plan of a release", onSchedule...), "1 drift")
}
