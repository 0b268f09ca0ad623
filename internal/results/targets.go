package results

import (
	"slices"
	"strings"
)

// worst are the outcomes of an extension in its targets, from the one that counts before all
// others to the one that counts where there is no other.
var worst = []Outcome{Failed, Drift, Blocked, Unverified, NotReached, Planned, Packed, Linted, Released, Exists, LeftOut}

// furthest are the statuses of a stage in several targets, in the same order.
var furthest = []StageStatus{StageFailed, StageStarted, StagePlanned, StageOK, StageSkipped}

// Summarize sets what an extension has from its targets: the worst outcome, why, how far the
// stages came that each target has, and whether it ended as the settings ask. So it is released
// only where it is seen in each target. Of a single target all is as it is there.
func (x *Extension) Summarize(targets []Target) {
	if len(targets) == 0 {
		return
	}
	x.AsAsked = true
	for _, t := range targets {
		x.AsAsked = x.AsAsked && t.AsAsked
	}
	lead := leading(targets)
	x.Outcome, x.Seen, x.SnapshotID, x.ReviewMessage, x.Differs = lead.Outcome, lead.Seen, lead.SnapshotID, lead.ReviewMessage, lead.Differs
	x.Previous, x.Address, x.Review = previousIn(targets, lead), lead.Address, reviewOf(targets)
	x.Reason, x.Error = reasonOf(targets, lead), errorOf(targets, lead)
	for i := range x.Stages {
		x.Stages[i] = inTargets(x.Stages[i], targets)
	}
}

// previousIn is the version before this one: that of the target whose outcome counts, or else of the
// first that has one.
func previousIn(targets []Target, lead Target) string {
	if lead.Previous != "" {
		return lead.Previous
	}
	if at := slices.IndexFunc(targets, func(t Target) bool { return t.Previous != "" }); at >= 0 {
		return targets[at].Previous
	}
	return ""
}

// reviewOf is how far the reviews of several targets are: open as long as one is.
func reviewOf(targets []Target) (review string) {
	for _, t := range targets {
		if t.Review != "" && review != ReviewOpen {
			review = t.Review
		}
	}
	return review
}

// leading is the target whose outcome counts; of several the first.
func leading(targets []Target) Target {
	return slices.MinFunc(targets, func(a, b Target) int { return slices.Index(worst, a.Outcome) - slices.Index(worst, b.Outcome) })
}

// reasonOf is why an extension has the outcome of a target, with the names of those targets where
// it is not the same in all.
func reasonOf(targets []Target, lead Target) string {
	var reasons []string
	names := map[string][]string{}
	for _, t := range targets {
		counts := t.Outcome == lead.Outcome || !t.AsAsked && lead.AsAsked // such as one that is there, and may not be
		if !counts || t.Reason == "" {
			continue
		}
		if names[t.Reason] == nil {
			reasons = append(reasons, t.Reason)
		}
		names[t.Reason] = append(names[t.Reason], t.Name)
	}
	if len(reasons) == 1 && len(names[reasons[0]]) == len(targets) {
		return reasons[0]
	}
	for i, reason := range reasons {
		reasons[i] = strings.Join(names[reason], ", ") + ": " + reason
	}
	return strings.Join(reasons, "; ")
}

// errorOf is what went wrong in the target whose outcome counts, or else in any.
func errorOf(targets []Target, lead Target) *Error {
	same := true
	for _, t := range targets {
		if lead.Error == nil && t.Error != nil {
			lead = t
		}
		same = same && t.Error != nil && lead.Error != nil && *t.Error == *lead.Error
	}
	if lead.Error == nil || same {
		return lead.Error
	}
	named := *lead.Error
	named.Message = lead.Name + ": " + named.Message
	return &named
}

// inTargets is a stage as it went in targets; one that is none of theirs stays as it is.
func inTargets(stage Stage, targets []Target) Stage {
	found := Stage{Name: stage.Name, Status: StageSkipped}
	theirs := false
	for _, t := range targets {
		for _, s := range t.Stages {
			if s.Name != stage.Name {
				continue
			}
			theirs = true
			found.Milliseconds = max(found.Milliseconds, s.Milliseconds)
			if slices.Index(furthest, s.Status) < slices.Index(furthest, found.Status) {
				found.Status = s.Status
			}
		}
	}
	if !theirs {
		return stage
	}
	return found
}

// Snapshot is a target as it is now: nothing of it changes later.
func (t Target) Snapshot() Target {
	t.Stages = slices.Clone(t.Stages)
	return t
}

// together is an extension after two runs. Its targets are those of the later one, and of the
// earlier one those that the later one did not look at.
func together(earlier, later Extension) Extension {
	if len(earlier.Targets) == 0 || len(later.Targets) == 0 {
		return later
	}
	targets := slices.Clone(earlier.Targets)
	for _, t := range later.Targets {
		if i := slices.IndexFunc(targets, func(was Target) bool { return was.Name == t.Name }); i >= 0 {
			targets[i] = t
		} else {
			targets = append(targets, t)
		}
	}
	later.Targets, later.Stages = targets, slices.Clone(later.Stages)
	later.Summarize(targets)
	return later
}
