package lifecycle

import "github.com/ksrelease/ksrelease/internal/results"

// Way is how far a run goes with an extension on its way to a target.
type Way struct {
	DryRun   bool
	Through  string // the last stage
	Releases bool   // the run is about releasing at all
	Sends    bool   // the stage push is not left out
	Verifies bool   // the stage verify is not left out
	Reviews  bool   // what is sent to the target is a draft until it is submitted
}

// Planned is the outcome of what a plan left open, where the plan is all there is, and the reason.
// note is what the plan has to say of its decision.
func (w Way) Planned(d Decision, note string) (results.Outcome, string) {
	switch {
	case d == Wait:
		return results.Planned, note + ": a run waits for it, and sends nothing"
	case !w.DryRun && w.Through == results.StageLint:
		return results.Linted, note
	case !w.DryRun && w.Through == results.StagePackage:
		return results.Packed, note
	case !w.Sends && w.Releases:
		return results.Planned, "nothing was sent, as --skip push asks"
	}
	return results.Planned, note
}

// Applied is the outcome of what went through all steps, and the reason.
func (w Way) Applied(d Decision, note string) (results.Outcome, string) {
	sent := "submitted"
	if !w.Reviews {
		sent = "sent"
	}
	switch {
	case d == Wait && !w.Verifies:
		return results.Unverified, note + "; not compared, as --skip verify asks"
	case d == Wait:
		return results.Exists, ""
	case !w.Verifies:
		return results.Released, sent + "; not verified, as --skip verify asks"
	}
	return results.Released, ""
}
