package jobs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func two() []Job {
	return New([][]Extension{
		{{"bee", "1.0.0", "extensions/bee"}, {"alc", "1.0.0", "alc"}, {"alc", "1.1.0", "alc-next"}},
		{{"it's", "1.0.0", "odd"}},
	}, []int64{10, 5})
}

func TestNames(t *testing.T) {
	all := two()
	if all[0].Shard != "1/2" || all[0].Only != "alc,bee" || all[1].Shard != "2/2" || all[1].Only != "it's" {
		t.Errorf("got %+v", all)
	}
}

func TestGitHubMatrix(t *testing.T) {
	text, err := GitHubMatrix(two())
	if err != nil || strings.Contains(text, "\n") {
		t.Fatalf("%q, %v", text, err)
	}
	var matrix struct {
		Include []map[string]string `json:"include"`
	}
	if err := json.Unmarshal([]byte(text), &matrix); err != nil || fmt.Sprint(matrix.Include) != "[map[only:alc,bee shard:1/2] map[only:it's shard:2/2]]" {
		t.Errorf("%s: %v", text, err)
	}
	if empty, err := GitHubMatrix(nil); err != nil || empty != `{"include":[]}` {
		t.Errorf("without jobs: %s, %v", empty, err)
	}
}

// What GitLab reads: each job has a script, and an artifact that the last one merges.
func TestGitLab(t *testing.T) {
	type job struct {
		Extends, Stage, When string
		Script               []string
		Artifacts            struct{ Paths []string }
	}
	read := func(text string) (map[string]job, map[string]any) {
		t.Helper()
		all, jobs := map[string]any{}, map[string]job{}
		if err := yaml.Unmarshal([]byte(text), &all); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		for name, value := range all {
			if slices.Contains([]string{"include", "stages"}, name) {
				continue
			}
			var j job
			part, _ := yaml.Marshal(value)
			if err := yaml.Unmarshal(part, &j); err != nil {
				t.Fatal(err)
			}
			jobs[name] = j
		}
		return jobs, all
	}
	jobs, all := read(GitLab(two(), "ksrelease run -C 'a b'", "ci/base.yml"))
	first, second, last := jobs["release 1/2"], jobs["release 2/2"], jobs["report"]
	if len(jobs) != 3 || first.Extends != ".ksrelease" || !slices.Equal(first.Script, []string{"ksrelease run -C 'a b' --only alc,bee --report shard-1-of-2.jsonl"}) ||
		!slices.Equal(first.Artifacts.Paths, []string{"shard-1-of-2.jsonl"}) || !strings.Contains(second.Script[0], `--only 'it'\''s' --report`) {
		t.Errorf("got %+v", jobs)
	}
	if last.When != "always" || last.Script[0] != "ksrelease report merge shard-*.jsonl --report release.xml" {
		t.Errorf("the last job: %+v", last)
	}
	if fmt.Sprint(all["include"]) != "[map[local:/ci/base.yml]]" {
		t.Errorf("include: %v", all["include"])
	}
	jobs, all = read(GitLab(nil, "ksrelease run", ""))
	if len(jobs) != 1 || len(all) != 1 || jobs["nothing to release"].Extends != "" || len(jobs["nothing to release"].Script) != 1 {
		t.Errorf("without shards: %+v", all)
	}
}
