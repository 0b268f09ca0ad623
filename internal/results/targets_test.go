package results

import (
	"slices"
	"testing"
)

func in(name string, outcome Outcome, reason string) Target {
	return Target{
		Name: name, Outcome: outcome, Reason: reason, AsAsked: outcome == Released || outcome == Exists || outcome == LeftOut,
		Stages: []Stage{{Name: StagePush, Status: StageOK, Milliseconds: 5}},
	}
}

func TestSummarize(t *testing.T) {
	failed := func(name string) Target {
		x := in(name, Failed, "push: 500")
		x.Error = &Error{Stage: StagePush, Message: "500"}
		x.Stages = []Stage{{Name: StagePush, Status: StageFailed, Milliseconds: 9}}
		return x
	}
	notAsAsked := in("a", Exists, "it is there already")
	notAsAsked.AsAsked = false
	for name, c := range map[string]struct {
		targets                []Target
		outcome                Outcome
		asAsked                bool
		reason, message, stage string
	}{
		"of one all is as it is":          {[]Target{failed("a")}, Failed, false, "push: 500", "500", "failed 9"},
		"released where it was missing":   {[]Target{in("a", Exists, ""), in("b", Released, "")}, Released, true, "", "", "ok 5"},
		"there everywhere":                {[]Target{in("a", Exists, ""), in("b", Exists, "")}, Exists, true, "", "", "ok 5"},
		"left out of one":                 {[]Target{in("a", LeftOut, "not for it"), in("b", Exists, "")}, Exists, true, "", "", "ok 5"},
		"left out of all":                 {[]Target{in("a", LeftOut, "not for it"), in("b", LeftOut, "not for it")}, LeftOut, true, "not for it", "", "ok 5"},
		"failed in one":                   {[]Target{in("a", Released, ""), failed("b")}, Failed, false, "b: push: 500", "b: 500", "failed 9"},
		"failed in all":                   {[]Target{failed("a"), failed("b")}, Failed, false, "push: 500", "500", "failed 9"},
		"failed in two of three":          {[]Target{failed("a"), in("b", Blocked, "it depends on c"), failed("d")}, Failed, false, "a, d: push: 500", "a: 500", "failed 9"},
		"drift is worse than not reached": {[]Target{in("a", NotReached, ""), in("b", Drift, "other content")}, Drift, false, "b: other content", "", "ok 5"},
		"there, and that is a mistake":    {[]Target{notAsAsked, in("b", Released, "")}, Released, false, "a: it is there already", "", "ok 5"},
		"not there everywhere":            {[]Target{in("a", Released, ""), in("b", Unverified, "not seen")}, Unverified, false, "b: not seen", "", "ok 5"},
	} {
		x := Extension{Stages: []Stage{{Name: StageLint, Status: StageOK, Milliseconds: 3}, {Name: StagePush, Status: StageSkipped}}}
		x.Summarize(c.targets)
		message := ""
		if x.Error != nil {
			message = x.Error.Message
		}
		push := x.Stages[1]
		stage := string(push.Status) + " " + string(rune('0'+push.Milliseconds))
		if x.Outcome != c.outcome || x.AsAsked != c.asAsked || x.Reason != c.reason || message != c.message || stage != c.stage || x.Stages[0].Milliseconds != 3 {
			t.Errorf("%s: %s %v %q %q %q", name, x.Outcome, x.AsAsked, x.Reason, message, stage)
		}
	}
	x := Extension{Outcome: Linted}
	if x.Summarize(nil); x.Outcome != Linted {
		t.Error("without targets there is nothing to sum up")
	}
}

// Every outcome has its place among the others.
func TestEachOutcomeHasItsRank(t *testing.T) {
	if len(worst) != len(Outcomes()) {
		t.Errorf("%d of %d", len(worst), len(Outcomes()))
	}
	for _, o := range Outcomes() {
		if !slices.Contains(worst, o) {
			t.Errorf("%q has none", o)
		}
	}
}

// Where two runs are for other targets of one extension, both count; of one target the later.
func TestMergeOfTargets(t *testing.T) {
	of := func(targets ...Target) Extension {
		x := Extension{Name: "alc", Version: "1.0.0", Targets: targets, Stages: []Stage{{Name: StagePush}}}
		x.Summarize(targets)
		return x
	}
	first := document(0, of(in("cloud", Released, ""), in("museum", Failed, "push: 500")))
	second := document(1, of(in("museum", Released, "")))
	third := document(2, of(in("oci", Unverified, "not seen")))
	merged, err := Merge([]*Document{third, second, first})
	if err != nil {
		t.Fatal(err)
	}
	x := merged.Extensions[0]
	if x.Outcome != Unverified || x.Reason != "oci: not seen" || len(x.Targets) != 3 || x.Targets[1].Outcome != Released || merged.AsAsked() {
		t.Errorf("%s %q %+v", x.Outcome, x.Reason, x.Targets)
	}
	if again, _ := Merge([]*Document{first, second}); again.Extensions[0].Outcome != Released || again.Totals[Released] != 1 || !again.AsAsked() {
		t.Errorf("%+v", again.Extensions[0])
	}
	if first.Extensions[0].Targets[1].Outcome != Failed {
		t.Error("a result was changed")
	}
}

// A review is open as long as it is in one target, and the version before is that of a target that has one.
func TestReviewAndPreviousOfSeveralTargets(t *testing.T) {
	of := func(name string, outcome Outcome, previous, review string) Target {
		x := in(name, outcome, "")
		x.Previous, x.Review = previous, review
		return x
	}
	for _, c := range []struct {
		targets          []Target
		previous, review string
	}{
		{[]Target{of("a", Released, "", "")}, "", ""},
		{[]Target{of("a", Released, "1.0.0", ReviewApproved)}, "1.0.0", ReviewApproved},
		{[]Target{of("a", Released, "", ReviewOpen), of("b", Released, "0.9.0", ReviewApproved)}, "0.9.0", ReviewOpen},
		{[]Target{of("a", Released, "", ReviewApproved), of("b", Released, "", ReviewOpen)}, "", ReviewOpen},
		{[]Target{of("a", Exists, "2.0.0", ""), of("b", Released, "0.9.0", "")}, "0.9.0", ""},
	} {
		var x Extension
		if x.Summarize(c.targets); x.Previous != c.previous || x.Review != c.review {
			t.Errorf("%+v: previous %q, review %q", c.targets, x.Previous, x.Review)
		}
	}
}
