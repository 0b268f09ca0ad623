// Package jobs writes what several jobs of a CI service are to release, each in the form that
// the service reads.
package jobs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ksrelease/ksrelease/internal/shellword"
)

// Job is what one job releases.
type Job struct {
	Shard      string      `json:"shard"` // 1/3
	Only       string      `json:"only"`  // the names, as --only takes them: alc,bee
	Extensions []Extension `json:"extensions"`
	Weight     int64       `json:"weight"` // its share of the work, in bytes of content
}

// Extension is one extension that a job releases.
type Extension struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Path    string `json:"path"`
}

// New makes the jobs of shards.
func New(shards [][]Extension, weights []int64) []Job {
	all := []Job{}
	for i, extensions := range shards {
		var names []string
		for _, x := range extensions {
			names = append(names, x.Name)
		}
		slices.Sort(names)
		all = append(all, Job{
			Shard: fmt.Sprintf("%d/%d", i+1, len(shards)), Only: strings.Join(slices.Compact(names), ","),
			Extensions: extensions, Weight: weights[i],
		})
	}
	return all
}

// GitHubMatrix is a matrix for strategy.matrix of GitHub Actions, in one line, as an output of
// a job takes it: {"include":[{"shard":"1/3","only":"alc,bee"}]} (GitHub Docs, "Workflow syntax
// for GitHub Actions", jobs.<job_id>.strategy.matrix.include,
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax). A job
// with an empty matrix fails, so a workflow asks for include[0] before it.
func GitHubMatrix(jobs []Job) (string, error) {
	type entry struct {
		Shard string `json:"shard"`
		Only  string `json:"only"`
	}
	matrix := struct {
		Include []entry `json:"include"`
	}{[]entry{}}
	for _, j := range jobs {
		matrix.Include = append(matrix.Include, entry{j.Shard, j.Only})
	}
	text, err := json.Marshal(matrix)
	return string(text), err
}

// GitLab is a child pipeline of GitLab CI: a job for each shard and one that merges what they
// report. Without shards it has one job that says so, for GitLab refuses a pipeline without any
// (GitLab Docs, "Downstream pipelines", https://docs.gitlab.com/ci/pipelines/downstream_pipelines/).
// command is what a job runs before --only; base is a file of the repository with a job
// ".ksrelease" that the jobs extend, for an image and what installs ksrelease; it may be empty.
func GitLab(jobs []Job, command, base string) string {
	var b strings.Builder
	b.WriteString("# Written by ksrelease plan: a job for each shard.\n")
	if base != "" {
		fmt.Fprintf(&b, "include:\n  - local: %s\n", quoted("/"+strings.TrimLeft(base, "/")))
	}
	extends := ""
	if base != "" {
		extends = "  extends: .ksrelease\n"
	}
	if len(jobs) == 0 {
		fmt.Fprintf(&b, "nothing to release:\n%s  script:\n    - echo \"All versions are there.\"\n", extends)
		return b.String()
	}
	b.WriteString("stages: [release, report]\n")
	for _, j := range jobs {
		journal := "shard-" + strings.ReplaceAll(j.Shard, "/", "-of-") + ".jsonl"
		fmt.Fprintf(&b, "%s:\n%s  stage: release\n  script:\n    - %s\n  artifacts:\n    when: always\n    paths: [%s]\n",
			quoted("release "+j.Shard), extends, quoted(command+" --only "+shellword.Quote(j.Only)+" --report "+journal), journal)
	}
	fmt.Fprintf(&b, "report:\n%s  stage: report\n  when: always\n  script:\n    - ksrelease report merge shard-*.jsonl --report release.xml\n  artifacts:\n    when: always\n    reports: {junit: release.xml}\n", extends)
	return b.String()
}

// quoted is a text as a YAML scalar in double quotes: JSON is YAML.
func quoted(text string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err) // a text is always JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}
