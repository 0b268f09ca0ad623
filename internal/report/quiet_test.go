package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/ksrelease/ksrelease/internal/output"
	"github.com/ksrelease/ksrelease/internal/results"
)

// --quiet shows what is not as asked, with the command that goes on as without it; nothing else, and nothing
// where all is well.
func TestQuiet(t *testing.T) {
	var out, errs bytes.Buffer
	r := allOutcomes()
	again := func(names []string) string { return "again " + strings.Join(names, ",") }
	reporter := NewText(output.New(&out), output.New(&errs), TextOptions{Quiet: true, Again: again})
	x := &r.Extensions[0]
	reporter.Observe(results.Event{Kind: results.EventRunStarted, Result: r, Planning: true})
	reporter.Observe(results.Event{Kind: results.EventStageFinished, Extension: x, Stage: results.StagePush, Status: results.StageOK})
	reporter.Observe(results.Event{Kind: results.EventNote, Extension: x, Message: "trying again"})
	reporter.Observe(results.Event{Kind: results.EventWarning, Message: "an address without TLS"})
	reporter.Observe(results.Event{Kind: results.EventRunFinished, Result: r})
	if got := errs.String(); got != "warning: an address without TLS\n" {
		t.Errorf("on standard error: %q", got)
	}
	got := out.String()
	for _, x := range r.Extensions {
		if strings.Contains(got, "\n"+x.Name+" ") == x.AsAsked {
			t.Errorf("%s, as asked: %t, in\n%s", x.Name, x.AsAsked, got)
		}
	}
	if !strings.HasSuffix(got, "→ to go on: again dove,emu,fox,gnu\n") {
		t.Errorf("to go on:\n%s", got)
	}
	out.Reset()
	r.Extensions = r.Extensions[:1]
	if reporter.Observe(results.Event{Kind: results.EventRunFinished, Result: r}); out.Len() > 0 {
		t.Errorf("all is well: %q", out.String())
	}
}

// A command names the few that are left, or none where the others are there and nothing of them is sent again.
func TestCommandToGoOn(t *testing.T) {
	of := func(failed int, others ...results.Outcome) string {
		r := &results.Document{Command: "run"}
		for i := range failed {
			r.Extensions = append(r.Extensions, results.Extension{Name: fmt.Sprintf("x%02d", i), Outcome: results.Failed, Error: &results.Error{Stage: results.StagePush, Message: "500"}})
		}
		for i, o := range others {
			r.Extensions = append(r.Extensions, results.Extension{Name: fmt.Sprintf("y%02d", i), Outcome: o, AsAsked: true})
		}
		got := printed(r, TextOptions{Again: func(names []string) string { return fmt.Sprint(len(names)) }})
		_, command, _ := strings.Cut(got, "→ to go on: ")
		return strings.TrimSpace(command)
	}
	for _, c := range []struct{ got, want string }{
		{of(2), "0"}, // all of them
		{of(2, results.Exists), "2"},
		{of(mostNamed, results.Exists), "8"},
		{of(mostNamed+1, results.Exists, results.Released), "0"},
		{of(mostNamed+1, results.Exists, results.Planned), "9"},
		{of(mostNamed+1, results.Drift), "9"},
	} {
		if c.got != c.want {
			t.Errorf("%s names, want %s", c.got, c.want)
		}
	}
}
