package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// inThree is a result of extensions that went to three targets.
func inThree() *results.Document {
	r := allOutcomes()
	stages := func(push, verify results.StageStatus) []results.Stage {
		return []results.Stage{{Name: results.StageUpload, Status: results.StageSkipped}, {Name: results.StagePush, Status: push, Milliseconds: 12}, {Name: results.StageVerify, Status: verify}}
	}
	released := results.Target{Name: "cloud", Kind: "marketplace", Outcome: results.Released, AsAsked: true, Stages: stages(results.StageOK, results.StageOK), Review: "open"}
	failed := results.Target{Name: "museum", Kind: "directory", Outcome: results.Failed, Reason: "push: 507 no space", Stages: stages(results.StageFailed, results.StageSkipped),
		Error: &results.Error{Stage: results.StagePush, Message: "507 no space", Hint: "make some"}}
	drift := results.Target{Name: "oci", Kind: "oci", Outcome: results.Drift, Reason: "1.2.0 is there with other content", Stages: stages(results.StageSkipped, results.StageSkipped),
		Differs: []results.Difference{{File: "a", Kind: "changed"}, {File: "b", Kind: "changed"}, {File: "c", Kind: "changed"}, {File: "d", Kind: "changed"}}}
	set := func(i int, targets ...results.Target) {
		x := &r.Extensions[i]
		if x.Stages == nil {
			x.Stages = r.Extensions[0].Stages
		}
		x.Targets = targets
		x.Summarize(targets)
	}
	set(0, released, failed, drift)
	museum, oci := released, released
	museum.Name, oci.Name = "museum", "oci"
	set(1, released, museum, oci)
	var everywhere []results.Target
	for _, name := range []string{"cloud", "museum", "oci"} {
		broken := failed
		broken.Name, broken.Reason, broken.Stages = name, "lint: no", stages(results.StageSkipped, results.StageSkipped)
		broken.Error = &results.Error{Stage: results.StageLint, Message: "no icon"}
		everywhere = append(everywhere, broken)
	}
	set(2, everywhere...)
	r.Extensions = r.Extensions[:3]
	r.Recount()
	return r
}

func TestReportsOfSeveralTargets(t *testing.T) {
	r := inThree()
	var out, err bytes.Buffer
	NewText(output.New(&out), output.New(&err), TextOptions{Again: func(names []string) string { return "ksrelease run --only " + strings.Join(names, ",") }}).Observe(results.Event{Kind: results.EventRunFinished, Result: r})
	golden(t, "targets.txt", out.Bytes())
	data, failed := junitXML(r)
	if wrong := holdToXUnit(data); failed != nil || len(wrong) > 0 {
		t.Errorf("%v %q\n%s", failed, wrong, data)
	}
	golden(t, "targets.xml", data)
	golden(t, "targets.md", markdown(r))
	log, failed := sarifLog(r, Tool{})
	if failed != nil {
		t.Fatal(failed)
	}
	sarif := string(log)
	for _, want := range []string{"alc 1.2.0 in museum: push: 507 no space: make some", "crow 2.0.0: lint: no icon"} {
		if !strings.Contains(sarif, want) {
			t.Errorf("SARIF lacks %q:\n%s", want, sarif)
		}
	}
}

// What strangers say in a target is a text in all reports.
func TestTextsOfTargetsAreTexts(t *testing.T) {
	for _, s := range hostileTexts {
		r := inThree()
		for i := range r.Extensions {
			r.Extensions[i].Error = &results.Error{Stage: results.StagePush, Message: s}
			for k := range r.Extensions[i].Targets {
				in := &r.Extensions[i].Targets[k]
				in.Name, in.URL, in.Reason = s, s, s
				in.Differs = []results.Difference{{File: s, Kind: "changed", Detail: s}}
				in.Error = &results.Error{Stage: results.StagePush, Message: s, Hint: s}
			}
		}
		data, err := junitXML(r)
		if wrong := holdToXUnit(data); err != nil || len(wrong) > 0 && !strings.Contains(wrong[0], "is not alone") { // two targets of one name
			t.Errorf("%q: %v %q", s, err, wrong)
		}
		if found := faults(string(markdown(r))); len(found) > 0 {
			t.Errorf("%q becomes %q:\n%s", s, found, markdown(r))
		}
	}
}

// While a run goes on each line says which target it is about.
func TestEventsOfTargets(t *testing.T) {
	x := inThree().Extensions[0]
	var out, err bytes.Buffer
	text := NewText(output.New(&out), output.New(&err), TextOptions{})
	text.Observe(results.Event{Kind: results.EventRunStarted, Planning: true, Result: inThree()})
	for _, e := range []results.Event{
		{Kind: results.EventStageStarted, Target: "museum", Stage: results.StagePush, Extension: &x},
		{Kind: results.EventStageStarted, Target: "cloud", Stage: results.StagePush, Extension: &x},
		{Kind: results.EventStageFinished, Target: "cloud", Stage: results.StagePush, Status: results.StageOK, Extension: &x},
		{Kind: results.EventNote, Target: "museum", Message: "waiting", Extension: &x},
		{Kind: results.EventTargetEnded, Target: "cloud", Extension: &x},
		{Kind: results.EventTargetEnded, Target: "museum", Message: "push: 507 no space", Extension: &x},
		{Kind: results.EventEnded, Extension: &x},
	} {
		text.Observe(e)
	}
	for _, want := range []string{"alc 1.2.0: sent to cloud\n", "alc 1.2.0: museum: waiting\n", "alc 1.2.0: museum: failed: push: 507 no space\n"} {
		if !strings.Contains(err.String(), want) {
			t.Errorf("no %q in %q", want, err.String())
		}
	}
	if strings.Count(err.String(), "507") != 1 {
		t.Errorf("the cause is said twice: %q", err.String())
	}
	var lines bytes.Buffer
	events := Events(output.New(&lines))
	events.Observe(results.Event{Kind: results.EventTargetEnded, Target: "museum", Extension: &x})
	if got := lines.String(); !strings.Contains(got, `"target":"museum"`) || !strings.Contains(got, `"target_ended":{"name":"museum"`) {
		t.Errorf("%s", got)
	}
}
