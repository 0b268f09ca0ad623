package tagging

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ksrelease/ksrelease/config"
	"github.com/ksrelease/ksrelease/internal/git"
	"github.com/ksrelease/ksrelease/internal/results"
	"github.com/ksrelease/ksrelease/internal/tags"
	"github.com/ksrelease/ksrelease/internal/testutil/gittest"
)

const (
	head  = "1111111111111111111111111111111111111111"
	other = "2222222222222222222222222222222222222222"
)

func TestPlan(t *testing.T) {
	planned := []results.Extension{
		{Name: "missing", Version: "1.0.0", Outcome: results.Exists},
		{Name: "there", Version: "1.0.0", Outcome: results.Exists},
		{Name: "elsewhere", Version: "v1.0.0", Outcome: results.Exists},
		{Name: "before", Version: "1.0.0", Outcome: results.Exists},
		{Name: "early", Version: "1.0.0", Outcome: results.Planned, Reason: ""}, // tagged, and not released yet
		{Name: "new", Version: "1.0.0", Outcome: results.Planned},
		{Name: "drifted", Version: "1.0.0", Outcome: results.Drift, Reason: "other content"},
		{Name: "broken", Version: "1.0.0", Outcome: results.Failed, Error: &results.Error{Message: "no index", Hint: "try again"}},
		{Name: "blocked", Version: "1.0.0", Outcome: results.Blocked, Reason: "it depends on new"},
		{Name: "odd", Version: "1.0.0-a.lock", Outcome: results.Exists},
		{Name: "thing", Version: "1.0.0", Outcome: results.Exists},
	}
	var names []string
	for _, x := range planned {
		names = append(names, x.Name)
	}
	present := []git.Tag{
		{Name: "there/v1.0.0", Commit: head}, {Name: "elsewhere-1.0.0", Commit: other}, {Name: "before/v1.0.0", Commit: other}, {Name: "early/v1.0.0", Commit: head},
		{Name: "missing/v0.9.0", Commit: other}, {Name: "thing/v1.0.0"}, {Name: "latest", Commit: head},
	}
	got := Plan(tags.NewReader(nil, names), planned, present, map[string]bool{"there/v1.0.0": true, "early/v1.0.0": true, "before/v1.0.0": true}, head)
	want := []Entry{
		{Name: "missing", Version: "1.0.0", Tag: "missing/v1.0.0", Commit: head, Status: Missing, Released: true},
		{Name: "there", Version: "1.0.0", Tag: "there/v1.0.0", Commit: head, Status: There, Released: true},
		{Name: "elsewhere", Version: "v1.0.0", Tag: "elsewhere-1.0.0", Commit: other, Status: There, Reason: "at 222222222222, which is not in the history of this commit; it stays there", Released: true},
		{Name: "before", Version: "1.0.0", Tag: "before/v1.0.0", Commit: other, Status: There, Released: true},
		{Name: "early", Version: "1.0.0", Tag: "early/v1.0.0", Commit: head, Status: There},
		{Name: "new", Version: "1.0.0", Status: None, Reason: "not released: the version is not in the Helm repository"},
		{Name: "drifted", Version: "1.0.0", Status: None, Reason: "the commit that is checked out is not what was released: other content"},
		{Name: "broken", Version: "1.0.0", Status: Failed, Reason: "no index", Hint: "try again"},
		{Name: "blocked", Version: "1.0.0", Status: Failed, Reason: "blocked: it depends on new"},
		{Name: "odd", Version: "1.0.0-a.lock", Status: Failed, Reason: got[9].Reason, Hint: got[9].Hint, Released: true},
		{Name: "thing", Version: "1.0.0", Tag: "thing/v1.0.0", Status: There, Reason: "it means no commit", Released: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got[9].Reason == "" || got[9].Hint == "" {
		t.Error("no reason for a tag that git refuses")
	}
	if diff := cmp.Diff([]git.NewTag{{Name: "missing/v1.0.0", Message: "missing 1.0.0"}}, ToMake(got)); diff != "" {
		t.Error(diff)
	}
	got[0].Status = Made
	if diff := cmp.Diff([]string{"missing/v1.0.0", "there/v1.0.0", "elsewhere-1.0.0", "before/v1.0.0", "thing/v1.0.0"}, ToPush(got)); diff != "" {
		t.Error(diff)
	}
}

func TestCheckOut(t *testing.T) {
	r := gittest.New(t)
	r.Put("扩展/a/extension.yaml", "committed")
	r.Commit("one")
	r.Put("扩展/a/extension.yaml", "changed")
	r.Put("new/extension.yaml", "new")
	root := r.Dir
	repository, err := git.Open(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	h, err := CheckOut(t.Context(), repository)
	if err != nil {
		t.Fatal(err)
	}
	outside := t.TempDir()
	there, missing := h.Sources([]config.Source{
		{Path: filepath.Join(root, "扩展", "a"), Display: "扩展/a", Settings: config.Settings{Package: config.Package{Output: root}}},
		{Path: filepath.Join(root, "new"), Display: "new"},
		{Path: outside, Display: "../outside"},
	})
	if len(there) != 1 || len(missing) != 2 || missing["new"] == nil || missing["../outside"] == nil {
		t.Fatalf("%+v, %v", there, missing)
	}
	if data, err := os.ReadFile(filepath.Join(there[0].Path, "extension.yaml")); err != nil || string(data) != "committed" {
		t.Errorf("%q, %v", data, err)
	}
	if there[0].Settings.Package.Output == root {
		t.Error("the output directory is that of the work tree")
	}
	h.Remove()
	if _, err := os.Stat(there[0].Path); err == nil {
		t.Error("the folder is still there")
	}
}
