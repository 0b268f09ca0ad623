package planfile

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ksrelease/ksrelease/internal/results"
)

func planned(change func(*results.Extension)) results.Extension {
	x := results.Extension{
		Name: "alc", Version: "1.0.0", Path: "alc", Outcome: results.Planned,
		Package: &results.Package{Digest: "sha256:a", ContentDigest: "v2:sha256:c"},
		Seen:    results.Seen{Decision: "release"},
	}
	if change != nil {
		change(&x)
	}
	return x
}

func planOf(t *testing.T, extensions ...results.Extension) *File {
	t.Helper()
	now := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	plan, err := Of(Made{Tool: results.Tool{Name: "ksrelease", Version: "1.0.0"}, Target: "there"}, Options{Skip: []string{"verify"}}, &results.Document{Finished: &now, Extensions: extensions})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "plan.json")
	if err := plan.Write(file); err != nil {
		t.Fatal(err)
	}
	read, err := Read(file)
	if err != nil || !reflect.DeepEqual(read, plan) {
		t.Fatalf("%v: read %+v, written %+v", err, read, plan)
	}
	return read
}

// A plan binds each target by its name, with what it had.
func TestMovedInATarget(t *testing.T) {
	in := func(one, two results.Target) func(*results.Extension) {
		return func(x *results.Extension) {
			one.Name, two.Name = "one", "two"
			x.Targets = []results.Target{one, two}
			x.Summarize(x.Targets)
		}
	}
	open := results.Target{Outcome: results.Planned, Seen: results.Seen{Decision: "release"}}
	there := results.Target{Outcome: results.Exists, Seen: results.Seen{Listed: true, Digest: "d", ContentDigest: "v2:sha256:c"}}
	other := there
	other.Seen.ContentDigest = "v2:sha256:d"
	left := results.Target{Outcome: results.LeftOut}
	for name, c := range map[string]struct {
		then, now func(*results.Extension)
		want      string
	}{
		"the same":                   {in(open, there), in(open, there), ""},
		"half of it is done":         {in(open, open), in(open, there), ""},
		"all of it is done":          {in(open, open), in(there, there), ""},
		"there with other content":   {in(open, open), in(open, other), "in two: it is in two now"},
		"gone":                       {in(open, there), in(open, open), "in two: it is not in two any more"},
		"not for it any more":        {in(open, open), in(open, left), "in two: a run would end it as left-out, and the plan is to release it"},
		"other targets":              {in(open, open), func(x *results.Extension) { in(open, open)(x); x.Targets = x.Targets[:1] }, "it goes to one, and the plan is for one, two"},
		"targets have names now":     {nil, in(open, open), "it goes to one, two, and the plan is for none"},
		"another package":            {in(open, open), func(x *results.Extension) { in(open, open)(x); x.Package.Digest = "sha256:b" }, "its package is another, of the same content"},
		"another package, half done": {in(open, open), func(x *results.Extension) { in(open, there)(x); x.Package.Digest = "sha256:b" }, ""},
	} {
		moved := planOf(t, planned(c.then)).Moved([]results.Extension{planned(c.now)})
		got := ""
		if len(moved) > 0 {
			got = moved[0].What
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestMoved(t *testing.T) {
	listed := func(x *results.Extension) {
		x.Outcome, x.Package, x.Seen = results.Exists, nil, results.Seen{Listed: true, Digest: "d", ContentDigest: "v2:sha256:c"}
	}
	draft := func(x *results.Extension) { x.Seen.Status, x.Seen.SnapshotID = "draft", "7" }
	for name, c := range map[string]struct {
		then, now func(*results.Extension)
		want      string
	}{
		"the same":                  {nil, nil, ""},
		"the same, there already":   {listed, listed, ""},
		"released by that plan":     {nil, listed, ""},
		"released with other":       {nil, func(x *results.Extension) { listed(x); x.Seen.ContentDigest = "v2:sha256:d" }, "it is in the Helm repository now"},
		"there, of unknown content": {nil, func(x *results.Extension) { listed(x); x.Seen.ContentDigest = "" }, "it is in the Helm repository now"},
		"vanished":                  {listed, nil, "it is not in the Helm repository any more"},
		"published again":           {listed, func(x *results.Extension) { listed(x); x.Seen.Digest = "e" }, "the Helm repository has it with the digest e, and had it with d"},
		"drift now":                 {listed, func(x *results.Extension) { listed(x); x.Outcome = results.Drift }, "a run would end it as drift, and the plan is to end it as exists"},
		"other content":             {nil, func(x *results.Extension) { x.Package.ContentDigest = "v2:sha256:d"; x.Package.Digest = "sha256:b" }, "its content is another"},
		"other bytes":               {nil, func(x *results.Extension) { x.Package.Digest = "sha256:b" }, "its package is another, of the same content"},
		"other bytes, not certain":  {nil, func(x *results.Extension) { x.Package.Digest, x.Package.SizeWithin = "sha256:b", 64 }, ""},
		"blocked now":               {nil, func(x *results.Extension) { x.Outcome = results.Blocked }, "a run would end it as blocked, and the plan is to release it"},
		"submitted meanwhile":       {nil, func(x *results.Extension) { x.Seen = results.Seen{Decision: "wait", Status: "submitted"} }, "a run would wait for it, and the plan is to release it"},
		"a draft meanwhile":         {nil, draft, "the marketplace has it as draft, and had it as none"},
		"the draft of before":       {draft, draft, ""},
		"another draft":             {draft, func(x *results.Extension) { draft(x); x.Seen.SnapshotID = "8" }, "the marketplace has another snapshot of it, 8"},
	} {
		got := ""
		// In a run, what is planned has no outcome yet.
		now := planned(c.now)
		if now.Outcome == results.Planned {
			now.Outcome = results.NotReached
		}
		for _, m := range planOf(t, planned(c.then)).Moved([]results.Extension{now}) {
			got += m.What
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	plan := planOf(t, planned(nil), planned(func(x *results.Extension) { x.Name = "bee" }))
	got := fmt.Sprint(plan.Moved([]results.Extension{planned(nil), planned(func(x *results.Extension) { x.Name, x.Version = "bee", "2.0.0" })}))
	if got != "[{bee 2.0.0 the plan has no version 2.0.0} {bee 1.0.0 the plan has version 1.0.0, which is not here}]" {
		t.Error(got)
	}
	if fmt.Sprint(plan.Names()) != "[alc bee]" {
		t.Error(plan.Names())
	}
}

func TestMadeOfOther(t *testing.T) {
	plan := planOf(t)
	now := plan.Made
	if moved := plan.MadeOfOther(now); len(moved) > 0 {
		t.Errorf("the same: %q", moved)
	}
	now.Tool.Version, now.Revision, now.Config, now.Target = "1.1.0", "abc", "sha256:x", "elsewhere"
	want := "ksrelease is 1.1.0, and was 1.0.0; the commit is abc, and was none; the digest of the config is sha256:x, and was none; the place to release to is elsewhere, and was there"
	if got := strings.Join(plan.MadeOfOther(now), "; "); got != want {
		t.Errorf("got %q", got)
	}
}

func TestNoPlanOfARunThatWasCut(t *testing.T) {
	now := time.Now()
	for _, result := range []*results.Document{nil, {}, {Finished: &now, Extensions: []results.Extension{{Name: "alc", Outcome: results.NotReached}}}} {
		if plan, err := Of(Made{}, Options{}, result); err == nil {
			t.Errorf("a plan of %+v: %+v", result, plan)
		}
	}
}

func TestNoPlan(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "it is no JSON",
		"x":                        "it is no JSON",
		"[]":                       "it is no plan of ksrelease",
		"{}":                       "it is no plan of ksrelease",
		`{"ksrelease_plan": "1x"}`: "it is no plan of ksrelease",
		`{"ksrelease_plan": 2}`:    "it has form 2",
		`{"ksrelease_plan": 1, "extensions": {}}`:             "extensions is a JSON object, and cannot be",
		`{"ksrelease_plan": 1} {}`:                            "it is no JSON",
		`{"ksrelease_plan": 1, "more": 1}`:                    `unknown field "more"`,
		`{"ksrelease_plan": 1, "extensions": [{"name": ""}]}`: "extensions[0] has no name",
		`{"ksrelease_plan": 1, "extensions": [{"name": "a", "version": "1", "does": "wait"}, {"name": "a", "version": "1", "does": "wait"}]}`: "a 1 is in it twice",
	} {
		file := filepath.Join(t.TempDir(), "plan.json")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if plan, err := Read(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", text, plan, err, want)
		}
	}
}

// A file of a stranger may name any number of versions that are not here.
func TestFewAreNamedThatAreGone(t *testing.T) {
	var plan File
	for i := range 1000 {
		plan.Extensions = append(plan.Extensions, Extension{Name: fmt.Sprintf("n%d", i), Version: "1.0.0", Does: "release"})
	}
	if moved := plan.Moved(nil); len(moved) != namedAtMost {
		t.Errorf("%d", len(moved))
	}
	gone := plan.Gone([]results.Extension{{Name: "n0", Version: "1.0.0"}, {Name: "n1", Version: "2.0.0"}})
	if len(gone) != namedAtMost+1 || gone[0] != "n1 1.0.0 is not here" || gone[namedAtMost] != "and 979 more" {
		t.Errorf("%q", gone)
	}
}
