package report

import (
	"slices"

	"github.com/ksrelease/ksrelease/internal/results"
)

// Reports say of an extension what became of it in each target where there are several. With a
// single one all is as it is of the extension.

// ends are what reports list below an extension: its targets, where they have something of their
// own to say. It is empty where all ended for the same reason.
func ends(x results.Extension) []results.Target {
	if len(x.Targets) < 2 {
		return nil
	}
	first := x.Targets[0]
	if first.Reason != "" && !slices.ContainsFunc(x.Targets, func(t results.Target) bool { return t.Outcome != first.Outcome || t.Reason != first.Reason }) {
		return nil
	}
	return x.Targets
}

// failing is an extension, or what became of it in one target, with an error.
type failing struct {
	title string // "alc 1.0.0", or "alc 1.0.0 in museum"
	of    results.Extension
	err   *results.Error
}

// failings are the errors of an extension: one for each target, or one for all where they have
// the same.
func failings(x results.Extension) (all []failing) {
	targets := ends(x)
	if len(targets) == 0 {
		if x.Error != nil {
			all = append(all, failing{titleOf(x), x, x.Error})
		}
		return all
	}
	for _, t := range targets {
		if t.Error != nil {
			all = append(all, failing{inTarget(x, t.Name), asIn(x, t), t.Error})
		}
	}
	return all
}

// ofTarget ends a title that is about one target of several; target is empty for what is about all.
func ofTarget(target string) string {
	if target == "" {
		return ""
	}
	return " in " + target
}

// inTarget is the title of an extension in a target.
func inTarget(x results.Extension, target string) string {
	return titleOf(x) + ofTarget(target)
}

// asIn is an extension as it is in one of its targets.
func asIn(x results.Extension, t results.Target) results.Extension {
	x.Outcome, x.Reason, x.AsAsked, x.Error, x.Differs, x.Stages = t.Outcome, t.Reason, t.AsAsked, t.Error, t.Differs, t.Stages
	return x
}

// eachEnd is an extension, or what it is in each of its targets, with the names of these.
func eachEnd(x results.Extension, do func(target string, x results.Extension)) {
	targets := ends(x)
	if len(targets) == 0 {
		do("", x)
	}
	for _, t := range targets {
		do(t.Name, asIn(x, t))
	}
}

// targetOf is the one of that name; nil where there is none.
func targetOf(x *results.Extension, name string) *results.Target {
	i := slices.IndexFunc(x.Targets, func(t results.Target) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return &x.Targets[i]
}
