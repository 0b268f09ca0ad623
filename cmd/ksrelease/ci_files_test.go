package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ksrelease/ksrelease/internal/testutil/soak"
)

// ciJob is a machine of a CI service, as far as it can be had here: a clone of a repository with
// an extension, and a ksrelease in PATH that is this test.
type ciJob struct {
	t         *testing.T
	dir, bin  string
	variables []string
}

// newCIJob makes a repository whose main has alc 1.1.0, and whose work tree has 1.2.0.
func newCIJob(t *testing.T, variables ...string) *ciJob {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("jobs of CI services run in a POSIX shell here")
	}
	j := &ciJob{t: t, dir: t.TempDir(), bin: t.TempDir()}
	temp := t.TempDir()
	j.variables = slices.Concat(os.Environ(), ownFolders(t.TempDir()), []string{
		"CI=true", "PATH=" + j.bin + string(os.PathListSeparator) + os.Getenv("PATH"), "RUNNER_TEMP=" + temp,
		"GITHUB_PATH=" + filepath.Join(temp, "path"), "GITHUB_ENV=" + filepath.Join(temp, "env"),
	}, variables)
	j.program("ksrelease", "exec env KSRELEASE_TEST_MAIN=1 '"+os.Args[0]+"' \"$@\"")
	for name, content := range map[string]string{
		".ksrelease.yaml": "version: 1\nextensions: [{path: extensions/*}]\ntargets: [{kind: directory, path: charts}]\n",
		"extensions/alc/extension.yaml": "apiVersion: kubesphere.io/v1alpha1\nname: alc\nversion: 1.1.0\ndisplayName: {en: ALC}\n" +
			"description: {en: Collects logs}\ncategory: observability\nprovider: {en: {name: Example}}\nicon: icon.svg\n",
		"extensions/alc/icon.svg":     `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>`,
		"extensions/alc/values.yaml":  "global: {}\n",
		"extensions/alc/CHANGELOG.md": "## 1.2.0\n\n- It collects more.\n",
		".gitignore":                  "/charts/\n/.ksrelease/\n/dist/\n/*.jsonl\n/*.sarif\n/*.md\n",
	} {
		j.write(name, content)
	}
	j.sh("git init -q -b main && git add . && git -c user.name=a -c user.email=a@example.com commit -qm one && git update-ref refs/remotes/origin/main HEAD")
	j.edit("extensions/alc/extension.yaml", "1.1.0", "1.2.0")
	j.sh("git add . && git -c user.name=a -c user.email=a@example.com commit -qm two && git tag alc/v1.2.0")
	return j
}

func (j *ciJob) write(name, content string) {
	j.t.Helper()
	file := filepath.Join(j.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		j.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		j.t.Fatal(err)
	}
}

func (j *ciJob) read(name string) string {
	j.t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join(j.dir, filepath.FromSlash(name))
	}
	data, err := os.ReadFile(name)
	if err != nil {
		j.t.Fatal(err)
	}
	return string(data)
}

func (j *ciJob) edit(name, old, new string) {
	j.write(name, strings.ReplaceAll(j.read(name), old, new))
}

// program puts a shell script into PATH.
func (j *ciJob) program(name, script string) {
	j.t.Helper()
	if err := os.WriteFile(filepath.Join(j.bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		j.t.Fatal(err)
	}
}

// sh runs a script as GitHub runs it, and fails the test where it fails.
func (j *ciJob) sh(script string, variables ...string) string {
	j.t.Helper()
	out, err := j.try(script, variables...)
	if err != nil {
		j.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

func (j *ciJob) try(script string, variables ...string) (string, error) {
	command := exec.Command("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	command.Dir, command.Env = j.dir, slices.Concat(j.variables, variables)
	out, err := command.CombinedOutput()
	return string(out), err
}

// file is a file of the project.
func file(t *testing.T, name string) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	absolute, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return absolute
}

// releases serves what install.sh asks for: a release 9.9.9 whose program is a shell script.
func releases(t *testing.T, program string) (address, sum string) {
	t.Helper()
	var archive bytes.Buffer
	compressed := gzip.NewWriter(&archive)
	packed := tar.NewWriter(compressed)
	for name, content := range map[string]string{"README.md": "# x\n", "ksrelease": program} {
		if err := packed.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := packed.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	packed.Close()
	compressed.Close()
	name := fmt.Sprintf("ksrelease_9.9.9_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	sum = fmt.Sprintf("%x", sha256.Sum256(archive.Bytes()))
	list := fmt.Sprintf("%064d  ksrelease_9.9.9_plan9_mips.tar.gz\n%s  %s\n", 0, sum, name)
	files := map[string]string{"/latest/download/checksums.txt": list, "/download/v9.9.9/checksums.txt": list, "/download/v9.9.9/" + name: archive.String()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(content))
	}))
	t.Cleanup(server.Close)
	return server.URL, sum
}

// install.sh installs what has the checksum that is asked for, and nothing else.
func TestInstallScript(t *testing.T) {
	soak.Long(t)
	job := newCIJob(t)
	address, sum := releases(t, "#!/bin/sh\necho ksrelease 9.9.9\n")
	install := "sh '" + file(t, "install.sh") + "' '-to 1'"
	for _, test := range []struct {
		variables []string
		want      string // of the output
		fails     bool
	}{
		{nil, "ksrelease 9.9.9", false},
		{[]string{"KSRELEASE_VERSION=9.9.9"}, "ksrelease 9.9.9", false},
		{[]string{"KSRELEASE_VERSION=v9.9.9", "KSRELEASE_CHECKSUM=" + sum}, "ksrelease 9.9.9", false},
		{[]string{"KSRELEASE_CHECKSUM=" + strings.ToUpper(sum)}, "ksrelease 9.9.9", false},
		{[]string{"KSRELEASE_CHECKSUM=" + strings.Repeat("0", 64)}, "nothing is installed", true},
		{[]string{"KSRELEASE_VERSION=9.9.8"}, "cannot be had", true},
		{[]string{"KSRELEASE_VERSION=../x"}, "is no version", true},
	} {
		if err := os.RemoveAll(filepath.Join(job.dir, "-to 1")); err != nil {
			t.Fatal(err)
		}
		out, err := job.try(install, append(test.variables, "KSRELEASE_DOWNLOAD="+address)...)
		_, there := os.Stat(filepath.Join(job.dir, "-to 1", "ksrelease"))
		if (err != nil) != test.fails || (there != nil) != test.fails || !strings.Contains(out, test.want) {
			t.Errorf("%v: %v, %v\n%s", test.variables, err, there, out)
		}
	}
}

// step is a step of a job or of a composite action.
type step struct {
	Name, ID, Uses, Run, Shell, If string
	With, Env                      map[string]string
}

// expression is what a runner puts a value in place of.
var expression = regexp.MustCompile(`\$\{\{ (.*?) \}\}`)

// resolve puts values in place of expressions; one that is not known fails the test.
func resolve(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(text, func(found string) string {
		value, ok := values[expression.FindStringSubmatch(found)[1]]
		if !ok {
			t.Errorf("nobody knows %s", found)
		}
		return value
	})
}

type action struct {
	Name, Description string
	Inputs            map[string]struct{ Description, Default string }
	Outputs           map[string]struct{ Description, Value string }
	Runs              struct {
		Using string
		Steps []step
	}
}

func readAction(t *testing.T) action {
	t.Helper()
	var a action
	if err := yaml.Unmarshal([]byte(readDoc(t, "action.yml")), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// run runs the command of the action, as a step of a workflow has it.
func (j *ciJob) action(a action, command string) {
	j.t.Helper()
	for _, s := range a.Runs.Steps {
		if s.ID != "run" {
			continue
		}
		j.sh(s.Run, "COMMAND="+command)
	}
}

// The runner takes action.yml: its keys are those of the runner's own schema (actions/runner,
// action_yaml.json), which actionlint does not hold steps of a composite action to.
func TestActionIsWhatTheRunnerTakes(t *testing.T) {
	var raw struct {
		Top     map[string]yaml.Node `yaml:",inline"`
		Outputs map[string]map[string]string
		Inputs  map[string]map[string]string
		Runs    map[string]yaml.Node
	}
	text := readDoc(t, "action.yml")
	if err := yaml.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatal(err)
	}
	var steps []map[string]yaml.Node
	list := raw.Runs["steps"]
	if err := list.Decode(&steps); err != nil || len(steps) == 0 {
		t.Fatal(err)
	}
	for _, s := range steps {
		keys := slices.Sorted(maps.Keys(s))
		may := []string{"name", "id", "if", "uses", "with", "env", "continue-on-error"}
		if _, runs := s["run"]; runs {
			may = []string{"name", "id", "if", "env", "continue-on-error", "run", "shell", "working-directory"}
			if _, ok := s["shell"]; !ok {
				t.Errorf("%v has no shell", keys)
			}
			run := s["run"]
			if strings.Contains(run.Value, "${{") {
				t.Errorf("what others write would be a command in %s", run.Value)
			}
		}
		for _, key := range keys {
			if !slices.Contains(may, key) {
				t.Errorf("a step has %s", key)
			}
		}
	}
	for name, output := range raw.Outputs {
		if output["value"] == "" || output["description"] == "" {
			t.Errorf("the output %s is %v", name, output)
		}
	}
	for name := range raw.Inputs {
		if !strings.Contains(text, "${{ inputs."+name) && !strings.Contains(text, "inputs."+name+" ") {
			t.Errorf("nobody reads the input %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`inputs\.([a-z-]+)`).FindAllStringSubmatch(text, -1) {
		if raw.Inputs[m[1]] == nil {
			t.Errorf("there is no input %s", m[1])
		}
	}
}

// The action installs a release and runs it, with the outputs that it promises.
func TestActionRuns(t *testing.T) {
	soak.Long(t)
	outputs, summary := filepath.Join(t.TempDir(), "outputs"), filepath.Join(t.TempDir(), "summary.md")
	job := newCIJob(t, "GITHUB_ACTIONS=true", "GITHUB_OUTPUT="+outputs, "GITHUB_STEP_SUMMARY="+summary)
	address, sum := releases(t, "#!/bin/sh\nexec env KSRELEASE_TEST_MAIN=1 '"+os.Args[0]+"' \"$@\"\n")
	a := readAction(t)
	temp := t.TempDir()
	values := map[string]string{
		"github.action_path": filepath.Dir(file(t, "action.yml")), "runner.temp": temp,
		"inputs.token || env.KSRELEASE_TOKEN": "", // the job's own is not replaced by nothing
	}
	for name, input := range a.Inputs {
		values["inputs."+name] = input.Default
	}
	values["inputs.download"], values["inputs.checksum"], values["inputs.version"] = address, sum, "9.9.9"
	values["inputs.command"] = "run --report result.json"
	for _, s := range a.Runs.Steps {
		if s.Run == "" {
			continue
		}
		var env []string
		for name, value := range s.Env {
			env = append(env, name+"="+resolve(t, value, values))
		}
		// As the runner puts GITHUB_PATH before PATH.
		if s.ID == "run" {
			path := strings.TrimSpace(job.read(filepath.Join(variable(job.variables, "RUNNER_TEMP"), "path")))
			if path != filepath.Join(temp, "ksrelease-bin") {
				t.Errorf("GITHUB_PATH has %q", path)
			}
			env = append(env, "PATH="+path+string(os.PathListSeparator)+os.Getenv("PATH"))
		}
		job.sh(s.Run, env...)
	}
	written := job.read(outputs)
	for name, output := range a.Outputs {
		from := strings.TrimSuffix(strings.TrimPrefix(output.Value, "${{ steps."), " }}")
		_, id, _ := strings.Cut(from, ".outputs.")
		if id != name || !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(id)+`(=|<<)`).MatchString(written) {
			t.Errorf("the output %s is %s, and written was\n%s", name, output.Value, written)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+)<<`).FindAllStringSubmatch(written, -1) {
		if _, ok := a.Outputs[m[1]]; !ok {
			t.Errorf("the action hands on no output %s", m[1])
		}
	}
	if got := job.read(summary); !strings.Contains(got, "**1 released**") {
		t.Error(got)
	}
	if got := job.read(filepath.Join(variable(job.variables, "RUNNER_TEMP"), "env")); !strings.HasPrefix(got, "KSRELEASE_CACHE_DIR=") {
		t.Error(got)
	}
}

// variable is the value of a variable in a list; the last one counts.
func variable(all []string, name string) (value string) {
	for _, v := range all {
		if found, ok := strings.CutPrefix(v, name+"="); ok {
			value = found
		}
	}
	return value
}

// The steps of the workflows in docs/ci do what they are for, all that needs no service: what the
// action does is run as the action runs it, and gh is a script that keeps what it is asked.
func TestWorkflowsOfTheDocuments(t *testing.T) {
	soak.Long(t)
	a := readAction(t)
	for name, test := range map[string]struct {
		variables []string
		values    map[string]string
		check     func(t *testing.T, job *ciJob, summary, outputs string)
	}{
		"github-pull-request.yml": {
			[]string{"GITHUB_EVENT_NAME=pull_request", "GITHUB_BASE_REF=main", "GITHUB_REPOSITORY=a/b"},
			map[string]string{"github.token": "x", "github.event.pull_request.number": "7"},
			func(t *testing.T, job *ciJob, summary, _ string) {
				asked := job.read("gh.txt")
				if !strings.Contains(asked, "--method POST repos/a/b/issues/7/comments --field body=@comment.md") || !strings.Contains(asked, "repos/a/b/issues/7/comments --jq") {
					t.Error(asked)
				}
				// Another's comment with the same first line is left alone, and so is one of the bot without it.
				comments := `[{"id":1,"user":{"login":"x"},"body":"<!-- ksrelease -->"},{"id":2,"user":{"login":"github-actions[bot]"},"body":"other"},{"id":3,"user":{"login":"github-actions[bot]"},"body":"<!-- ksrelease -->\nx"}]`
				query := regexp.MustCompile(`--jq (.*\.id) `).FindStringSubmatch(asked)
				if query == nil {
					t.Fatal(asked)
				}
				if got := job.sh(`jq "$QUERY" <<<"$COMMENTS"`, "QUERY="+query[1], "COMMENTS="+comments); got != "3\n" {
					t.Errorf("%s chooses %q", query[1], got)
				}
				comment := job.read("comment.md")
				for _, want := range []string{"<!-- ksrelease -->\n", "1 planned", "### alc 1.2.0, compared with"} {
					if !strings.Contains(comment, want) {
						t.Errorf("%q is not in\n%s", want, comment)
					}
				}
				if !strings.Contains(job.read("lint.sarif"), `"ruleId"`) || !strings.Contains(summary, "## ksrelease lint") || !strings.Contains(summary, "## ksrelease run --dry-run") {
					t.Error(summary)
				}
			},
		},
		"github-tags.yml": {
			[]string{"GITHUB_EVENT_NAME=push", "GITHUB_REF=refs/tags/alc/v1.2.0", "GITHUB_REF_TYPE=tag", "GITHUB_REF_NAME=alc/v1.2.0"},
			map[string]string{"github.event_name == 'push' && '--tag auto' || ''": "--tag auto", "matrix.name": "alc"},
			func(t *testing.T, job *ciJob, summary, outputs string) {
				if !strings.Contains(summary, "**1 released**") || !strings.Contains(summary, "It collects more.") || !strings.Contains(outputs, `{"include":[{"name":"alc","version":"1.2.0","path":"extensions/alc"}]}`) {
					t.Errorf("%s\n%s", summary, outputs)
				}
			},
		},
		"github-title.yml": {
			[]string{"GITHUB_EVENT_NAME=pull_request"},
			map[string]string{"github.event.pull_request.title": "release alc@1.2.0", "secrets.KSRELEASE_TOKEN": ""},
			func(t *testing.T, job *ciJob, summary, _ string) {
				if !strings.Contains(summary, "**1 released**") {
					t.Error(summary)
				}
			},
		},
		"github-nightly.yml": {
			nil, map[string]string{"secrets.KSRELEASE_TOKEN": ""},
			func(t *testing.T, job *ciJob, summary, _ string) {
				if !strings.Contains(summary, "**1 planned**") {
					t.Error(summary)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var workflow struct {
				Jobs yaml.Node
			}
			if err := yaml.Unmarshal([]byte(readDoc(t, "docs/ci/"+name)), &workflow); err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir()
			outputs, summary := filepath.Join(folder, "outputs"), filepath.Join(folder, "summary.md")
			job := newCIJob(t, append(test.variables, "GITHUB_ACTIONS=true", "GITHUB_OUTPUT="+outputs, "GITHUB_STEP_SUMMARY="+summary)...)
			job.program("gh", `printf '%s ' "$@" >>gh.txt; echo >>gh.txt`)
			ran := 0
			for i := 1; i < len(workflow.Jobs.Content); i += 2 { // in their order
				var one struct{ Steps []step }
				if err := workflow.Jobs.Content[i].Decode(&one); err != nil {
					t.Fatal(err)
				}
				for _, s := range one.Steps {
					switch {
					case strings.HasPrefix(s.Uses, "ksrelease/ksrelease@"):
						for input := range s.With {
							if _, ok := a.Inputs[input]; !ok {
								t.Errorf("the action has no input %s", input)
							}
						}
						if command := resolve(t, s.With["command"], test.values); command != "" {
							job.action(a, command)
							ran++
						}
					case s.Run != "":
						var env []string
						for name, value := range s.Env {
							env = append(env, name+"="+resolve(t, value, test.values))
						}
						job.sh(s.Run, env...)
						ran++
					}
				}
			}
			if ran == 0 {
				t.Error("nothing was run")
			}
			written, _ := os.ReadFile(outputs)
			test.check(t, job, job.read(summary), string(written))
		})
	}
}

// Where nothing can be compared, no empty comment is written, which GitHub would refuse.
func TestNoCommentWithoutAComparison(t *testing.T) {
	soak.Long(t)
	var workflow struct {
		Jobs map[string]struct{ Steps []step }
	}
	if err := yaml.Unmarshal([]byte(readDoc(t, "docs/ci/github-pull-request.yml")), &workflow); err != nil {
		t.Fatal(err)
	}
	job := newCIJob(t, "GITHUB_BASE_REF=main")
	job.edit(".ksrelease.yaml", "extensions:", "extensoins:")
	failed := 0
	for _, s := range workflow.Jobs["check"].Steps {
		if strings.HasPrefix(s.Run, "ksrelease ") {
			if _, err := job.try(s.Run); err != nil {
				failed++
			}
		}
	}
	if _, err := os.Stat(filepath.Join(job.dir, "comment.md")); failed != 2 || !os.IsNotExist(err) {
		t.Errorf("%d commands failed; comment.md: %v", failed, err)
	}
	job.read("plan.jsonl") // which says why
}

// The template for GitLab writes the reports that it names.
func TestGitLabTemplateOfTheDocuments(t *testing.T) {
	soak.Long(t)
	var jobs map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(readDoc(t, "docs/ci/gitlab-ci.yml")), &jobs); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for name, node := range jobs {
		var one struct {
			Script    []string
			Artifacts struct {
				When    string
				Paths   []string
				Reports map[string]string
			}
		}
		if node.Kind != yaml.MappingNode || node.Decode(&one) != nil || len(one.Script) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			job := newCIJob(t, "GITLAB_CI=true", "CI_COMMIT_TAG=alc/v1.2.0")
			job.variables = append(job.variables, "CI_PROJECT_DIR="+job.dir)
			job.sh(strings.Join(one.Script, "\n"))
			ran++
			paths := slices.Concat(one.Artifacts.Paths, slices.Collect(maps.Values(one.Artifacts.Reports)))
			for _, path := range paths {
				if found, err := filepath.Glob(filepath.Join(job.dir, path)); err != nil || len(found) == 0 {
					t.Errorf("%s is not there: %v", path, err)
				}
			}
			if len(paths) == 0 || one.Artifacts.When != "always" {
				t.Errorf("a job that fails keeps no reports: %+v", one.Artifacts)
			}
		})
	}
	if ran != 3 {
		t.Errorf("%d jobs were run", ran)
	}
}

// The Jenkinsfile runs what is there, and its junit finds what that wrote.
func TestJenkinsfileOfTheDocuments(t *testing.T) {
	soak.Long(t)
	text := readDoc(t, "docs/ci/Jenkinsfile")
	job := newCIJob(t, "JENKINS_URL=https://ci.example.com/", "TAG_NAME=alc/v1.2.0")
	job.variables = append(job.variables, "WORKSPACE="+job.dir)
	ran := 0
	for _, m := range regexp.MustCompile(`(?m)^ +sh '(.*)'$`).FindAllStringSubmatch(text, -1) {
		if strings.HasPrefix(m[1], "ksrelease ") {
			job.sh(m[1])
			ran++
		}
	}
	junit := regexp.MustCompile(`post \{\s+always \{[^}]*junit testResults: '([^']+)', skipOldReports: true`).FindStringSubmatch(text)
	if ran != 3 || junit == nil {
		t.Fatalf("%d commands were run; junit: %q", ran, junit)
	}
	found, err := filepath.Glob(filepath.Join(job.dir, junit[1]))
	if err != nil || len(found) != 2 { // of lint and of run
		t.Errorf("%v, %v", found, err)
	}
	job.read("release.jsonl")
	if strings.Count(text, "{") != strings.Count(text, "}") || strings.Count(text, "(") != strings.Count(text, ")") {
		t.Error("brackets are open")
	}
}
