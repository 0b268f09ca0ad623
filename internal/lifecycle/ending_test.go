package lifecycle

import (
	"testing"

	"github.com/ksrelease/ksrelease/internal/results"
)

// What is left open ends as far as the run goes with it.
func TestEndings(t *testing.T) {
	whole := Way{Through: results.StageVerify, Releases: true, Sends: true, Verifies: true, Reviews: true}
	with := func(change func(*Way)) Way {
		w := whole
		change(&w)
		return w
	}
	unsent, unseen := with(func(w *Way) { w.Sends, w.Verifies = false, false }), with(func(w *Way) { w.Verifies = false })
	for name, c := range map[string]struct {
		end    func(Decision, string) (results.Outcome, string)
		d      Decision
		want   results.Outcome
		reason string
	}{
		"a dry run":                       {with(func(w *Way) { w.DryRun = true }).Planned, Send, results.Planned, "a draft"},
		"a dry run of what is waited for": {with(func(w *Way) { w.DryRun = true }).Planned, Wait, results.Planned, "a draft: a run waits for it, and sends nothing"},
		"lint":                            {with(func(w *Way) { w.Through, w.Releases = results.StageLint, false }).Planned, Keep, results.Linted, "a draft"},
		"package":                         {with(func(w *Way) { w.Through, w.Releases = results.StagePackage, false }).Planned, Keep, results.Packed, "a draft"},
		"--skip push":                     {unsent.Planned, Send, results.Planned, "nothing was sent, as --skip push asks"},
		"a run":                           {whole.Applied, Send, results.Released, ""},
		"a run that waits":                {whole.Applied, Wait, results.Exists, ""},
		"--skip verify":                   {unseen.Applied, Send, results.Released, "submitted; not verified, as --skip verify asks"},
		"--skip verify without reviews":   {with(func(w *Way) { w.Verifies, w.Reviews = false, false }).Applied, Send, results.Released, "sent; not verified, as --skip verify asks"},
		"--skip verify of what waits":     {unseen.Applied, Wait, results.Unverified, "a draft; not compared, as --skip verify asks"},
	} {
		if got, reason := c.end(c.d, "a draft"); got != c.want || reason != c.reason {
			t.Errorf("%s: %s %q, want %s %q", name, got, reason, c.want, c.reason)
		}
	}
}
