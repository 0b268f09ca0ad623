package cifile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// What reads a file is known by its name.
func TestSystemOf(t *testing.T) {
	for file, want := range map[string]System{
		".github/workflows/a.yml": GitHub, "x/.github/workflows/a.yaml": GitHub, ".github/actions/x/action.yml": GitHub, "a/action.yaml": GitHub,
		".gitlab-ci.yml": GitLab, "ci/lint.gitlab-ci.yml": GitLab, ".gitlab/jobs.yml": GitLab,
		"Jenkinsfile": Jenkins, "ci/Jenkinsfile.release": Jenkins, "release.jenkinsfile": Jenkins,
		"Makefile": Make, "makefile": Make, "GNUmakefile": Make, "build/x.mk": Make,
		"hack/a.sh": Shell, "a.bash": Shell,
		".github/dependabot.yml": "", ".github/workflows/a.json": "", "values.yaml": "", "Makefile.am": "", "notes.md": "",
	} {
		if got, ok := SystemOf(file); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %t", file, got, ok)
		}
	}
}

// steps are the steps of a file, a line each.
func steps(f *File) []string {
	var all []string
	for _, s := range f.Steps {
		all = append(all, fmt.Sprintf("%d %s|%s|%s|%v", s.Line, s.Job, s.Name+s.Uses, strings.ReplaceAll(s.Script, "\n", `\n`), s.Lines))
	}
	return all
}

func triggers(f *File) string {
	var all []string
	for _, t := range f.Triggers {
		all = append(all, fmt.Sprintf("%s %v %d", t.Kind, t.Patterns, t.Line))
	}
	return strings.Join(all, ", ")
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Each line of a script is known by its line in the workflow, whatever form the scalar has.
func TestGitHub(t *testing.T) {
	f := Read(".github/workflows/a.yml", GitHub, []byte(`name: a
on:
  pull_request: {branches: [main]}
  push:
    tags: ["v*"]
  schedule: [{cron: "1 2 * * *"}]
env: {A: "1", B: "${{ secrets.B }}"}
defaults: {run: {shell: bash}}
jobs:
  one: # in a matrix
    strategy: {matrix: {os: [a, b]}}
    if: github.actor != 'x'
    runs-on: ${{ matrix.os }}
    steps:
      - run: echo a
      - name: two
        if: always()
        env: {A: "2"}
        run: |

          echo b
          echo c

      - run: >
          echo d
          e
      - uses: ./local
        with: {token: "${{ secrets['C'] }}"}
      - run: Write-Output x
        shell: pwsh
  two:
    uses: ./.github/workflows/b.yml
`))
	same(t, "steps", steps(f), []string{
		"15 one||echo a|[15]", `16 one|two|\necho b\necho c|[20 21 22]`, `24 one||echo d e|[24]`, "27 one|./local||[]", "29 one|||[]",
	})
	if got := triggers(f); got != "pull request [main] 3, tag [v*] 4, schedule [1 2 * * *] 6" {
		t.Error(got)
	}
	if got := fmt.Sprint(f.Secrets, f.Calls, len(f.Odd)); got != "[{B 7 B} {C 28 }] [local/action.yml local/action.yaml .github/workflows/b.yml] 1" {
		t.Error(got)
	}
	two := f.Steps[1]
	if two.Variables["A"] != "2" || two.Variables["B"] == "" || two.RunsOn != "" || two.Condition != "(github.actor != 'x') && (always())" || two.LineOf(3) != 22 || two.LineOf(9) != 22 || two.LineOf(0) != 16 || two.Repeated == "" {
		t.Errorf("%+v", two)
	}
	for on, want := range map[string]string{
		"push": "branch [] 1, tag [] 1", "[push, workflow_dispatch]": "branch [] 1, tag [] 1, by hand [] 1",
		"{push: {branches: [a]}}": "branch [a] 1", "{pull_request: {types: [closed]}}": "merge [] 1", "{issue_comment: }": "comment [] 1", "{workflow_run: {}}": "other [workflow_run] 1",
	} {
		if got := triggers(Read("x", GitHub, []byte("on: "+on+"\n"))); got != want {
			t.Errorf("%s: %s, want %s", on, got, want)
		}
	}
}

// The scripts of a job of GitLab are one, with the lines of all parts.
func TestGitLab(t *testing.T) {
	f := Read(".gitlab-ci.yml", GitLab, []byte(`stages: [a, b]
include: [{local: /ci/x.yml}, {remote: "https://example.com/y.yml"}, other.yml]
variables: {KS: {value: ksbuilder, description: d}}
default:
  before_script: [echo default]
.hidden:
  script:
    - echo a
    - |
      echo b
      echo $DEPLOY_TOKEN
job:
  extends: .hidden
  before_script: echo c
  script:
    - !reference [.hidden, script]
    - - echo d
  rules:
    - if: $CI_COMMIT_TAG
  only: [main, tags]
`))
	same(t, "steps", steps(f), []string{
		`4 default||echo default|[5]`, `6 .hidden||echo a\necho b\necho $DEPLOY_TOKEN|[8 10 11]`, `12 job||echo c\n.hidden\nscript\necho d|[14 16 16 17]`,
	})
	if got := triggers(f); got != "tag [] 19, branch [main] 20, tag [] 20" && got != "tag [] 19, branch [main] 20" {
		t.Error(got)
	}
	if got := fmt.Sprint(f.Secrets, f.Calls, f.Stages, f.Steps[1].Variables); got != "[{DEPLOY_TOKEN 11 DEPLOY_TOKEN}] [ci/x.yml other.yml] [a b] map[KS:ksbuilder]" {
		t.Error(got)
	}
}

// Strings of Groovy in all forms are read as the scripts that a shell gets.
func TestJenkins(t *testing.T) {
	f := Read("Jenkinsfile", Jenkins, []byte(`/* sh 'no' */ pipeline {
  agent { label "big" }
  stages {
    stage("one") {
      when { buildingTag() }
      steps {
        sh 'a \'b\' \\'
        sh "a ${env.X} \$Y $Z ${a.b()}"
        sh(returnStdout: true, script: '''c
          d''').trim() // sh 'no'
        sh """\
e \\
f"""
        x.sh 'no'
        sh script
      }
    }
  }
  environment { K = credentials('key') }
}
withCredentials([string(variable: 'V', credentialsId: 'id')]) { names.each { sh 'g' }; for (n in x) { sh "h" } }
sh 'i'
`))
	same(t, "steps", steps(f), []string{
		`7 one||a 'b' \|[7]`, "8 one||a ${X} $Y $Z ${groovy}|[8]", `9 one||c\n          d|[9 10]`, `11 one||e \\nf|[11 13]`, "21 ||g|[21]", "21 ||h|[21]", "22 ||i|[22]",
	})
	if got := fmt.Sprint(f.Secrets, triggers(f), f.Steps[0].RunsOn); got != "[{key 19 K} {id 21 V}]tag [] 5big" {
		t.Error(got)
	}
	if f.Steps[4].Repeated == "" || f.Steps[5].Repeated == "" || f.Steps[6].Repeated != "" || f.Steps[0].Repeated != "" {
		t.Errorf("%+v", f.Steps)
	}
	for text, want := range map[string]int{"sh 'a": 1, "/* ": 1, `sh "${a`: 1, "sh 'a\n'": 1} {
		if got := Read("Jenkinsfile", Jenkins, []byte(text)); len(got.Odd) != want {
			t.Errorf("%s: %v", text, got.Odd)
		}
	}
}

// Recipes are read as the shell gets them, with what is known of variables.
func TestMake(t *testing.T) {
	f := Read("Makefile", Make, []byte(`KS ?= bin/$(NAME) # a comment
NAME := ksbuilder
LIST = a \
  b
include other.mk $(WHERE)/x.mk
.PHONY: all
all: one two ; @echo $$x $(UNKNOWN) $(patsubst a,b,$(NAME))
one: $(KS)
	-@for x in $(LIST) $(shell ls) $(wildcard c/*); do \
	  $(KS) lint $$x $@ $<; \
	done
ifeq ($(A),b)
	echo conditional
endif
two:
	$(foreach x,$(LIST),$(KS) lint $(x) &&) true
	$(MAKE) one
define D
three:
	no
endef
X: = $(
`))
	same(t, "steps", steps(f), []string{
		`7 all||echo $x ${UNKNOWN} ${make_patsubst}|[7]`,
		"8 one||for x in a b $(ls) c/*; do \\\\n  bin/ksbuilder lint $x one bin/ksbuilder; \\\\ndone\\necho conditional|[9 10 11 13]",
		`15 two||for x in a b; do bin/ksbuilder lint $x; done; true\nmake one|[16 17]`,
	})
	if got := fmt.Sprint(f.Calls, f.Steps[0].Needs); got != "[other.mk] [one two]" {
		t.Error(got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("on: push\njobs: {a: {steps: [{run: 'a'}]}}")
	f.Add("stage('a') { sh '''a\n''' + \"${b}\" }")
	f.Add("A=$(B)\nx: y\n\techo $(foreach a,b,c) \\\n\tz\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, system := range []System{GitHub, GitLab, Jenkins, Make, Shell} {
			for _, s := range Read("x", system, []byte(text)).Steps {
				if s.Script != "" && len(s.Lines) != strings.Count(s.Script, "\n")+1 {
					t.Errorf("%s: %d lines of %q", system, len(s.Lines), s.Script)
				}
			}
		}
	})
}
