package results

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func document(at int, extensions ...Extension) *Document {
	started := time.Date(2026, 11, 30, 8, at, 0, 0, time.UTC)
	finished := started.Add(30 * time.Second)
	return &Document{SchemaVersion: 1, Command: "run", Tool: Tool{"ksrelease", "1.0.0"}, Revision: "abc", Started: started, Finished: &finished, Extensions: extensions}
}

func ended(name, version string, outcome Outcome) Extension {
	return Extension{Name: name, Version: version, Outcome: outcome, AsAsked: outcome == Released}
}

func TestMerge(t *testing.T) {
	// The second shard was run again, and its first journal is given last.
	merged, err := Merge([]*Document{
		document(0, ended("bee", "1.10.0", Released), ended("bee", "1.9.0", Exists)),
		document(5, ended("alc", "1.0.0", Released)),
		document(1, ended("alc", "1.0.0", Failed), ended("cat", "1.0.0", Released)),
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range merged.Extensions {
		got = append(got, fmt.Sprint(x.Name, " ", x.Version, " ", x.Outcome))
	}
	want := []string{"alc 1.0.0 released", "bee 1.9.0 exists", "bee 1.10.0 released", "cat 1.0.0 released"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if merged.Totals[Released] != 3 || merged.Totals[Exists] != 1 || merged.Totals[Failed] != 0 {
		t.Errorf("totals: %v", merged.Totals)
	}
	if merged.Started.Minute() != 0 || merged.Finished.Minute() != 5 || merged.Revision != "abc" || len(merged.Warnings) != 0 {
		t.Errorf("the run: %s to %s of %q, warnings %q", merged.Started, merged.Finished, merged.Revision, merged.Warnings)
	}
}

// Hooks of all runs are kept, and one result is what it was.
func TestMergeKeepsHooks(t *testing.T) {
	first, second := document(0), document(1)
	first.Hooks, second.Hooks = []Hook{{Run: "a"}, {Run: "b"}}, []Hook{{Run: "c"}}
	merged, err := Merge([]*Document{second, first})
	if err != nil || len(merged.Hooks) != 3 || merged.Hooks[2].Run != "c" {
		t.Errorf("%+v, %v", merged, err)
	}
	first.Selection = &Selection{By: "tag"}
	if merged, err := Merge([]*Document{first}); err != nil || merged.Selection == nil || len(merged.Hooks) != 2 {
		t.Errorf("%+v, %v", merged, err)
	}
}

func TestMergeOfWhatIsOdd(t *testing.T) {
	if _, err := Merge(nil); err == nil {
		t.Error("nothing was merged")
	}
	lint, dry := document(1), document(1)
	lint.Command, dry.DryRun = "lint", true
	for want, other := range map[string]*Document{"of ksrelease run, and another of ksrelease lint": lint, "of a dry run": dry} {
		if _, err := Merge([]*Document{document(0), other}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	cut, elsewhere, refused := document(1), document(2), document(3)
	cut.Finished, elsewhere.Revision, elsewhere.Tool.Version, refused.AuthRefused = nil, "def", "1.1.0", true
	refused.Error = &CommandError{Message: "x"}
	merged, err := Merge([]*Document{document(0), cut, elsewhere, refused})
	if err != nil {
		t.Fatal(err)
	}
	if merged.Finished != nil || merged.Revision != "" || !merged.AuthRefused || merged.Error == nil || len(merged.Warnings) != 2 {
		t.Errorf("got %+v", merged)
	}
}

func TestMissingShards(t *testing.T) {
	of := func(shards ...string) (all []*Document) {
		for _, s := range shards {
			all = append(all, &Document{Shard: s})
		}
		return all
	}
	for want, all := range map[string][]*Document{
		"[]":            of("", "1/2", "2/2", "2/2"),
		"[2/2]":         of("1/2"),
		"[1/2 1/3 3/3]": of("2/3", "2/2", "x/y", "9/1000000000"),
	} {
		if got := fmt.Sprint(MissingShards(all)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Versions are read for extensions of one name alone: a run of ten thousand compares them often.
func TestInReportsReadsNoVersionsOfOthers(t *testing.T) {
	a, b := Extension{Name: "a", Version: "10.0.0", Path: "x"}, Extension{Name: "b", Version: "2.0.0", Path: "y"}
	if n := testing.AllocsPerRun(100, func() { InReports(a, b) }); n != 0 || InReports(a, b) >= 0 || InReports(b, a) <= 0 {
		t.Errorf("by name: %v allocations, %d", n, InReports(a, b))
	}
	b.Name = "a"
	if InReports(a, b) <= 0 || InReports(b, a) >= 0 {
		t.Error("not by version")
	}
	b.Version = a.Version
	if InReports(a, b) >= 0 {
		t.Error("not by path")
	}
}
